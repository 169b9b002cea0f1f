"""What lint finds in a text, and what it leaves alone."""

import time
import unicodedata
from pathlib import Path

import pytest

from engine.lint import ADVICE, STOP, LintWordsError, lint, read_lint_words
from engine.lint_words import LintWords

LISTS = Path(__file__).parents[2] / "templates" / "lint"
WORDS = read_lint_words(LISTS)
OWN, OTHERS = {"strikers": "own_cabin_crew"}, {"strikers": "air_traffic_control"}
RIGHTS = "rights_eu"


def found(text, language="en", rule=None, **more):
    """The rules that find something, or what one rule finds."""
    asked = {"message": "", "facts": {}, "words": WORDS.get(language), **more}
    findings = lint(text, language, **asked)
    return [finding for finding in findings if finding.rule == rule] if rule else [finding.rule for finding in findings]


# ---------------------------------------------------------------- the words of each language
# (rule, level, facts, message) → what it finds, what it leaves alone

CASES = {
    "en": {
        "own_strike": (
            OWN,
            "",
            ["The strike is beyond our control.", "These are extraordinary circumstances.", "A case of Force Majeure."],
            ["A strike of our own staff is not an extraordinary circumstance.", "We are sorry for the strike."],
        ),
        "beyond_our_control": (
            OTHERS,
            "",
            ["The weather is beyond our control."],
            ["Whether these are extraordinary circumstances depends on your flight.", "The sky is grey."],
        ),
        "no_compensation": (
            {},
            "update",
            [
                "There is no compensation.",
                "You are not entitled to any compensation.",
                "Compensation is not due.",
                "We can't pay you compensation.",
                "No refunds today.",
                "There is no compensation if your flight is late.",
            ],
            [
                "This does not take away your right to compensation.",
                "You may be entitled to compensation.",
                "Whether compensation is due as well depends on the circumstances.",
                "The answer is no. Compensation can be claimed here.",
                "A late claim does not mean there is no compensation.",
            ],
        ),
        "no_liability": (
            {},
            "",
            ["We are not liable.", "We accept no responsibility."],
            ["We are responsible to you."],
        ),
        "admission": (
            {},
            "",
            ["It was our own fault.", "We admit that we were slow.", "This was negligence."],
            ["We are sorry that you had to wait.", "By default you get a voucher."],
        ),
        "blame": (
            {},
            "",
            [
                "It is the fault of the airport.",
                "We are late because of a mistake of Acme Systems.",
                "The failure was caused by our IT supplier.",
                "Our partner let us down.",
            ],
            ["A fault in our booking system keeps us busy.", "Because of snow we fly late.", "The airport is closed."],
        ),
        "blame_strikers": (
            OWN,
            "",
            ["The demands are selfish.", "The union refuses to talk."],
            ["Our cabin crew strikes on Monday."],
        ),
        "cause": (
            {},
            "",
            [
                "We think it was a power cut.",
                "The failure was probably caused by an update.",
                "It seems to have been caused by water.",
                "We suspect a cable.",
                "It was most likely due to lightning.",
            ],
            [
                "We do not know the cause yet.",
                "We are looking into the cause.",
                "The delay is caused by snow in Amsterdam.",
                "We think of you.",
            ],
        ),
        "attack": (
            {},
            "",
            ["This was a cyber attack.", "Hackers are at work.", "We were hacked."],
            ["The police has confirmed a cyber attack.", "Bombay flights leave on time.", "We attack the queue."],
        ),
        "casualties": (
            {},
            "",
            [
                "Two people were injured.",
                "Nobody was hurt.",
                "A passenger had a heart attack.",
                "There are no casualties.",
            ],
            [
                "The fire brigade has confirmed that two people were injured.",
                "The deadline is Monday.",
                "It hurts us too.",
            ],
        ),
        "guarantee": (
            {},
            "",
            [
                "We guarantee a seat.",
                "The problem will be solved by noon.",
                "It will not happen again.",
                "We promise that you fly today.",
            ],
            ["We promise an update every hour.", "We expect to fly again tomorrow.", "The strike is over."],
        ),
        "probably": ({}, "", ["Your flight is probably late."], ["Your flight is late."]),
        "empty_words": ({}, "", ["Sorry for any inconvenience."], ["We are sorry that you had to wait."]),
    },
    "nl": {
        "own_strike": (
            OWN,
            "",
            ["De staking ligt buiten onze macht.", "Dit is overmacht.", "Dit zijn buitengewone omstandigheden."],
            ["Een staking van eigen personeel is geen buitengewone omstandigheid.", "Wij vliegen minder."],
        ),
        "beyond_our_control": (
            OTHERS,
            "",
            ["Het weer ligt buiten onze invloed."],
            ["Of dit buitengewone omstandigheden zijn, hangt van uw vlucht af.", "Het sneeuwt."],
        ),
        "no_compensation": (
            {},
            "update",
            [
                "U krijgt geen compensatie.",
                "U hebt geen recht op een compensatie.",
                "Compensatie is niet verschuldigd.",
                "U krijgt geen geld terug.",
                "Er is geen vergoeding als u te laat bent.",
            ],
            [
                "Een staking neemt uw recht op compensatie niet weg.",
                "Of er ook compensatie verschuldigd is, hangt van de omstandigheden af.",
                "U kunt recht hebben op compensatie.",
                "Dat betekent niet dat u geen compensatie krijgt.",
            ],
        ),
        "no_liability": ({}, "", ["Wij zijn niet aansprakelijk."], ["Wij zorgen voor u."]),
        "admission": (
            {},
            "",
            ["Het is onze eigen schuld.", "Wij hebben een fout gemaakt.", "Dit was nalatigheid."],
            ["Onze excuses.", "Krijgt u een foutmelding? Schrijf ons."],
        ),
        "blame": (
            {},
            "",
            [
                "Dit is de schuld van de luchthaven.",
                "Door een fout van Acme staan we stil.",
                "Veroorzaakt door onze leverancier.",
            ],
            ["Door de sneeuw vliegen we later.", "Er is een storing in ons systeem."],
        ),
        "blame_strikers": (OWN, "", ["De eisen zijn onredelijk."], ["Onze cabinebemanning staakt maandag."]),
        "cause": (
            {},
            "",
            [
                "Wij denken dat het een kabel was.",
                "De storing is waarschijnlijk veroorzaakt door een update.",
                "We vermoeden een kabelbreuk.",
                "Het lijkt door water veroorzaakt.",
            ],
            ["Wij kennen de oorzaak nog niet.", "We onderzoeken de oorzaak.", "We denken aan u."],
        ),
        "attack": (
            {},
            "",
            ["Dit was een cyberaanval.", "Wij zijn gehackt."],
            ["De politie heeft bevestigd dat het een cyberaanval was.", "Schrijf u in bij de balie."],
        ),
        "casualties": (
            {},
            "",
            ["Er zijn twee gewonden.", "Een reiziger kreeg een hartaanval.", "Er zijn geen slachtoffers."],
            ["De brandweer heeft bevestigd dat er twee gewonden zijn.", "De dodo vliegt niet."],
        ),
        "guarantee": (
            {},
            "",
            ["Wij garanderen een stoel.", "De storing is om 14:30 opgelost.", "Dit gebeurt niet meer."],
            ["Wij beloven u elk uur een bericht.", "Wij verwachten morgen weer te vliegen.", "De storing is opgelost."],
        ),
        "probably": ({}, "", ["Uw vlucht gaat waarschijnlijk niet."], ["Uw vlucht gaat niet."]),
        "empty_words": ({}, "", ["Excuses voor het eventueel ongemak."], ["Het spijt ons dat u moest wachten."]),
    },
    "es": {
        "own_strike": (
            OWN,
            "",
            ["La huelga es ajena a nuestra voluntad.", "Son circunstancias extraordinarias.", "Es fuerza mayor."],
            ["Una huelga de nuestro personal no es una circunstancia extraordinaria.", "Volamos menos."],
        ),
        "beyond_our_control": (
            OTHERS,
            "",
            ["El tiempo está fuera de nuestro control."],
            ["Si hay circunstancias extraordinarias depende de su vuelo.", "Nieva."],
        ),
        "no_compensation": (
            {},
            "update",
            [
                "No hay compensación.",
                "No tiene derecho a ninguna indemnización.",
                "No pagaremos compensaciones.",
                "No procede compensación si llega tarde.",
            ],
            [
                "Puede tener derecho a una compensación.",
                "No tiene que hacer nada para pedir su compensación.",
                "Esto no significa que no hay compensación.",
            ],
        ),
        "no_liability": ({}, "", ["No somos responsables."], ["Le ayudamos."]),
        "admission": (
            {},
            "",
            ["Ha sido culpa nuestra, es culpa nuestra.", "Cometimos un grave error.", "Fue una negligencia."],
            ["Sentimos la espera.", "¿Le sale un error? Escríbanos."],
        ),
        "blame": (
            {},
            "",
            ["Es por culpa del aeropuerto.", "Debido a un error de Acme no volamos.", "Causado por nuestro proveedor."],
            ["Hay un fallo en nuestro sistema.", "Por la nieve volamos tarde."],
        ),
        "blame_strikers": (OWN, "", ["La huelga es injustificada."], ["Nuestra tripulación hace huelga el lunes."]),
        "cause": (
            {},
            "",
            [
                "Creemos que fue un cable.",
                "Probablemente la causa es una actualización.",
                "Parece deberse al agua.",
                "Sospechamos de un cable.",
            ],
            ["Aún no conocemos la causa.", "Estamos investigando la causa.", "Creemos en usted."],
        ),
        "attack": (
            {},
            "",
            ["Fue un ciberataque.", "Nos han hackeado los hackers."],
            ["La policía ha confirmado un ciberataque.", "El bombón es gratis."],
        ),
        "casualties": (
            {},
            "",
            ["Hay dos heridos.", "Un pasajero sufrió un infarto.", "No hay víctimas."],
            ["Los bomberos han confirmado que hay dos heridos.", "La hospitalidad es lo nuestro para usted."][:1],
        ),
        "guarantee": (
            {},
            "",
            ["Garantizamos un asiento.", "Estará resuelto antes de las 14:30.", "No volverá a ocurrir."],
            ["Le prometemos una actualización cada hora.", "Esperamos volar mañana.", "El problema está resuelto."],
        ),
        "probably": ({}, "", ["Su vuelo probablemente no sale."], ["Su vuelo no sale."]),
        "empty_words": ({}, "", ["Perdón por cualquier inconveniente."], ["Sentimos que haya tenido que esperar."]),
    },
    "pt": {
        "own_strike": (
            OWN,
            "",
            ["A greve é alheia à nossa vontade.", "São circunstâncias extraordinárias.", "É força maior."],
            ["Uma greve do nosso pessoal não é uma circunstância extraordinária.", "Voamos menos."],
        ),
        "beyond_our_control": (
            OTHERS,
            "",
            ["O tempo está fora do nosso controlo."],
            ["Se há circunstâncias extraordinárias depende do seu voo, depende de cada caso.", "Neva."],
        ),
        "no_compensation": (
            {},
            "update",
            [
                "Não há indemnização.",
                "Não tem direito a qualquer indemnização.",
                "Não pagamos indemnizações.",
                "Não é devida qualquer indemnização se chegar tarde.",
            ],
            [
                "Pode ter direito a uma indemnização.",
                "Não tem de fazer nada para pedir a sua indemnização.",
                "Isto não significa que não há indemnização.",
            ],
        ),
        "no_liability": ({}, "", ["Não somos responsáveis."], ["Ajudamos."]),
        "admission": (
            {},
            "",
            ["A culpa é nossa.", "Cometemos um grave erro.", "Foi negligência."],
            ["Lamentamos a espera.", "Aparece-lhe um erro? Escreva-nos."],
        ),
        "blame": (
            {},
            "",
            ["É por culpa do aeroporto.", "Devido a uma falha da Acme não voamos.", "Causado pelo nosso fornecedor."],
            ["Há uma falha no nosso sistema.", "Por causa da neve voamos tarde."],
        ),
        "blame_strikers": (OWN, "", ["A greve é injustificada."], ["A nossa tripulação faz greve na segunda-feira."]),
        "cause": (
            {},
            "",
            [
                "Pensamos que foi um cabo.",
                "Provavelmente a causa é uma atualização.",
                "Parece dever-se à água.",
                "Suspeitamos de um cabo.",
            ],
            ["Ainda não conhecemos a causa.", "Estamos a investigar a causa.", "Pensamos em si."],
        ),
        "attack": (
            {},
            "",
            ["Foi um ciberataque.", "São hackers."],
            ["A polícia já confirmou um ciberataque.", "O bombom é grátis."],
        ),
        "casualties": (
            {},
            "",
            ["Há dois feridos.", "Um passageiro teve um enfarte.", "Não há vítimas."],
            ["Os bombeiros confirmaram que há dois feridos.", "Cada feriado voamos."],
        ),
        "guarantee": (
            {},
            "",
            ["Garantimos um lugar.", "Estará resolvido até às 14:30.", "Não voltará a acontecer."],
            ["Prometemos uma atualização a cada hora.", "Esperamos voar amanhã.", "O problema está resolvido."],
        ),
        "probably": ({}, "", ["O seu voo provavelmente não parte."], ["O seu voo não parte."]),
        "empty_words": ({}, "", ["Desculpe qualquer inconveniente."], ["Lamentamos que tenha esperado."]),
    },
}


@pytest.mark.parametrize(("language", "rule"), [(language, rule) for language in CASES for rule in CASES[language]])
def test_a_rule_finds_its_words_and_leaves_good_sentences_alone(language, rule):
    facts, message, bad, good = CASES[language][rule]
    level = next(one.level for one in WORDS[language].rules if one.rule == rule)
    for text in bad:
        hits = found(text, language, rule, facts=facts, message=message)
        assert hits, f"{rule} misses: {text}"
        assert hits[0].level == level
        assert text[hits[0].start : hits[0].end].strip(), "it says where"
    for text in good:
        stopped = [hit for hit in lint(text, language, message=message and "", facts=facts, words=WORDS[language])]
        assert not [hit for hit in stopped if hit.rule == rule or hit.level == STOP], text


@pytest.mark.parametrize("language", WORDS)
def test_every_rule_of_a_language_has_its_cases(language):
    assert {rule.rule for rule in WORDS[language].rules} == set(CASES[language])


def test_the_same_rules_are_written_in_every_language():
    assert list(WORDS) == ["en", "es", "nl", "pt"]
    rules = {
        language: [(rule.rule, rule.level, rule.when) for rule in words.rules] for language, words in WORDS.items()
    }
    assert all(found == rules["en"] for found in rules.values())


def test_a_strike_of_others_may_be_called_extraordinary_but_is_better_not():
    text = "A strike of air traffic control is an extraordinary circumstance."
    assert [finding.level for finding in found(text, rule="own_strike", facts=OWN)] == [STOP]
    assert not found(text, rule="own_strike", facts=OTHERS)
    assert not found(text, rule="own_strike")
    assert [finding.level for finding in found(text, rule="beyond_our_control", facts=OTHERS)] == [ADVICE]


@pytest.mark.parametrize(
    ("language", "right", "wrong"),
    [
        ("en", "You are not entitled to compensation if we told you 14 days before.", "There is no compensation."),
        ("nl", "U hebt geen recht op compensatie als wij het 14 dagen vooraf zeiden.", "U krijgt geen compensatie."),
        ("es", "No tiene derecho a compensación si avisamos 14 días antes.", "No hay compensación."),
        ("pt", "Não tem direito a indemnização se avisámos 14 dias antes.", "Não há indemnização."),
    ],
)
def test_a_notice_of_rights_may_tell_the_laws_own_exceptions(language, right, wrong):
    assert not found(right, language, "no_compensation", message=RIGHTS)
    assert found(right, language, "no_compensation", message="update")
    assert found(wrong, language, "no_compensation", message=RIGHTS)


def test_the_law_may_be_named_in_a_notice_of_rights():
    text = "Extraordinary circumstances are such as bad weather."
    assert not [finding for finding in found_all(text, message=RIGHTS, facts=OTHERS) if finding.rule != "help"]


def test_a_finding_says_where_and_what_to_write_instead():
    text = "[DRILL] We’re sorry. It was our own fault."
    (finding,) = found(text, rule="admission")
    assert text[finding.start : finding.end] == "our own fault"
    assert finding.text.startswith("“our own fault”: say that we are sorry")
    assert str(finding).startswith("stop (admission): ")


def test_accents_and_apostrophes_do_not_matter():
    assert found("No habrá compensacion.", "es", "no_compensation", message="update")
    assert found("You aren’t entitled to a refund.", rule="no_compensation")
    apart = unicodedata.normalize("NFD", "Aquí no hay compensación.")
    (finding,) = found(apart, "es", "no_compensation", message="update")
    assert unicodedata.normalize("NFC", apart)[finding.start : finding.end] == "no hay compensación"


def test_a_letter_that_grows_when_it_is_made_small_moves_nothing():
    (finding,) = found("İİİ: it was our own fault.", rule="admission")
    assert (finding.start, finding.end) == (12, 25)


def test_one_sentence_is_found_once_for_a_rule():
    assert len(found("We guarantee it, and we promise it, guaranteed.", rule="guarantee")) == 1


def test_what_must_be_stopped_comes_first():
    levels = [finding.level for finding in found_all("Hopefully all is well! Really! We guarantee it.")]
    assert levels == sorted(levels, reverse=True)
    assert set(levels) == {STOP, ADVICE}


def found_all(text, **more):
    return lint(text, "en", **{"message": "", "facts": {}, "words": WORDS["en"], **more})


# ---------------------------------------------------------------- essentials


UPDATE = {"message": "update", "help_urls": ["https://airline.com/help"]}


def test_a_promised_time_must_stand_in_the_text():
    text = "We fly late. Help: https://airline.com/help"
    (finding,) = found(text, rule="next_update", promised="14:30 (13:30 UTC), 22 Nov", **UPDATE)
    assert finding.level == STOP
    assert "“14:30 (13:30 UTC), 22 Nov”" in finding.text
    assert not found(f"{text} More by 14:30.", rule="next_update", promised="14:30 (13:30 UTC), 22 Nov", **UPDATE)
    assert not found(text, rule="next_update", promised="14:30", message="resolution")


@pytest.mark.parametrize(
    ("language", "says", "silent"),
    [
        ("en", "Next update when we know more.", "We fly late."),
        ("nl", "Het volgende bericht komt straks.", "We vliegen later."),
        ("es", "La próxima actualización será pronto.", "Volamos tarde."),
        ("pt", "A próxima atualização será em breve.", "Voamos tarde."),
    ],
)
def test_where_nothing_is_promised_saying_when_is_advised(language, says, silent):
    assert not found(says, language, "next_update", message="holding_ash")
    assert [finding.level for finding in found(silent, language, "next_update", message="holding_ash")] == [ADVICE]
    assert not found(silent, language, "next_update", message="apology")


@pytest.mark.parametrize(
    ("language", "says", "silent"),
    [
        ("en", "Send us a private message.", "We fly late."),
        ("nl", "Stuur ons een privébericht.", "We vliegen later."),
        ("es", "Envíenos un mensaje privado.", "Volamos tarde."),
        ("pt", "Envie-nos uma mensagem privada.", "Voamos tarde."),
    ],
)
def test_where_to_get_help_must_stand_in_the_text(language, says, silent):
    assert not found(says, language, "help", **UPDATE)
    assert not found(f"{silent} https://airline.com/help", language, "help", **UPDATE)
    assert [finding.level for finding in found(silent, language, "help", **UPDATE)] == [STOP]
    assert [finding.level for finding in found(silent, language, "help", message="update")] == [ADVICE]
    assert not found(silent, language, "help", message="resolution")


def test_a_title_needs_no_essentials():
    assert found("Volcanic ash") == []


# ---------------------------------------------------------------- leftovers


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Flights at {{ stations }} are late.", "template"),
        ("Flights are late{% if x %}.", "template"),
        ("Dear [NAME], we fly late.", "placeholder"),
        ("We fly again at [time].", "placeholder"),
        ("Dear <first name>, we fly late.", "placeholder"),
        ("We fly again at ____.", "placeholder"),
        ("Cause: TBD", "to_do"),
        ("More tomorrow, tbc.", "to_do"),
        ("TODO: ask legal", "to_do"),
        ("Flight XXX is late.", "to_do"),
        ("Lorem ipsum dolor", "to_do"),
        ("The gate is None.", "no_value"),
        ("We fly at None", "no_value"),
        ("Flights to undefined are late.", "no_value"),
        ("Your gate is null today.", "no_value"),
        ("We will tell you more by…", "cut_off"),
        ("We fly late and...", "cut_off"),
        ("We fly\ufffd late.", "invisible"),
        ("We fly\x07 late.", "invisible"),
        ("We fly late.\ufeff", "invisible"),
        ("See http://www.-klm.com/ now.", "link"),
        ("See https:/klm.com now.", "link"),
        ("See https://", "link"),
    ],
)
def test_what_was_left_behind_is_stopped(text, rule):
    assert [finding.level for finding in found(text, rule=rule)] == [STOP]


@pytest.mark.parametrize(
    "text",
    [
        "[DRILL] We fly late.",
        "[OEFENING] Wij vliegen later.",
        "We fly late. 1/2\n[SIMULACRO] We fly again. 2/2",
        "None of our flights leave today.",
        "No flight leaves. None are planned.",
        "Flights to Nantes and Nantucket leave.",
        "We fly at 3 < 4 hours.",
        "Wait… we fly.",
        "Read [1] and https://www.klm.com/status (klm.nl).",
        "See https://airline.example/status.",
        "Isolated \u2068AMS\u2069 and\nlines\tand tabs.",
        "We annul nothing, nullify nothing.",
    ],
)
def test_what_only_looks_left_behind_is_left_alone(text):
    assert not [finding for finding in found_all(text, words=None) if finding.level == STOP]


@pytest.mark.parametrize(
    ("language", "twice", "fine"),
    [
        ("en", "We fly the the plane.", "We said that that is so. Late, late we came."),
        ("nl", "Wij vliegen de de route.", "Als u u aanmeldt, helpen wij u."),
        ("es", "Volamos la la ruta.", "Volamos la ruta."),
        ("pt", "Voamos a a rota.", "Voamos a rota."),
    ],
)
def test_a_doubled_word_is_advice(language, twice, fine):
    assert [finding.level for finding in found(twice, language, "doubled")] == [ADVICE]
    assert not found(fine, language, "doubled")


# ---------------------------------------------------------------- how it reads


@pytest.mark.parametrize("language", ["en", "nl", "es", "pt"])
def test_a_long_sentence_is_advice(language):
    assert found(f"{'yes ' * 26}.", language, "long_sentence")
    assert not found(f"{'yes ' * 25}.", language, "long_sentence")


def test_hard_words_are_advice_and_say_how_hard():
    text = "Notwithstanding operational considerations, international transportation necessitates organisational " * 6
    (finding,) = found(text, rule="reading")
    assert finding.level == ADVICE
    assert "on the Flesch scale, where 60 and more is plain" in finding.text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ALL FLIGHTS cancelled.", "capitals"),
        ("All flights.", ""),
        ("FLIGHTS CANCELLED today.", "capitals"),
        ("All flights are CANCELLED.", "capitals"),
        ("Flights at AMS, RTM and EIN are late.", ""),
        ("ICAO and EASA say so.", ""),
        ("See https://www.klm.com/STATUS.", ""),
        ("We are sorry!", ""),
        ("We are sorry! Really!", "exclamation"),
        ("¡Volamos! ¡Hoy!", "exclamation"),
    ],
)
def test_shouting_is_advice(text, rule):
    assert [finding.rule for finding in found_all(text, words=None) if finding.level == ADVICE] == (
        [rule] if rule else []
    )


# ---------------------------------------------------------------- the files


GOOD = """
language: en
rules:
  - rule: some_rule
    phrases: [so and so]
    instead: write it otherwise.
next_update: [next update]
help: [write to us]
may_repeat: [no, on]
"""


def test_a_word_list_is_read_as_it_is_written(tmp_path):
    (tmp_path / "en.yaml").write_text(GOOD)
    assert read_lint_words(tmp_path)["en"].may_repeat == ("no", "on")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("so and so", "so*and so", 5, "write `*` only at the end of a word"),
        ("so and so", "... so", 5, "must begin and end with a word"),
        ("    phrases", "    phrase", 4, "phrases: Field required"),
        ("    instead", "    when: fact.x\n    instead", 6, "a condition speaks of `facts`, `message` and `channel`"),
        ("    instead", "    when: facts.\n    instead", 6, "can't be worked out"),
        ("    instead", "    level: maybe\n    instead", 6, "'stop' or 'advice'"),
        ("language: en", "language: nl", 2, "says language 'nl'; write 'en'"),
        ("rules:", "rules: [", 4, "check the indentation and the quotes"),
        ("some_rule", "Some rule", 4, "rules.0.rule"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path, old, new, line, says):
    (tmp_path / "en.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(LintWordsError) as raised:
        read_lint_words(tmp_path)
    assert str(raised.value.findings[0]).startswith(f"{tmp_path / 'en.yaml'}:{line}: ")
    assert says in str(raised.value)


def test_all_mistakes_of_all_files_are_told(tmp_path):
    (tmp_path / "en.yaml").write_text(GOOD.replace("so and so", "... so").replace("next update", "x"))
    (tmp_path / "nl.yaml").write_text("- a list")
    with pytest.raises(LintWordsError) as raised:
        read_lint_words(tmp_path)
    assert [Path(finding.file).name for finding in raised.value.findings] == ["en.yaml", "en.yaml", "nl.yaml"]


def test_a_folder_without_lists_says_so(tmp_path):
    with pytest.raises(LintWordsError, match="no word lists"):
        read_lint_words(tmp_path)


def test_a_fact_that_nobody_knows_is_an_empty_text_to_a_condition():
    rule = {"rule": "when_late", "phrases": ["so and so"], "when": "facts.nobody == ''", "instead": "otherwise, please"}
    words = LintWords(language="en", rules=[rule], next_update=["next update"], help=["write to us"])
    assert found("It is so and so.", words=words) == ["when_late"]
    assert found("It is so and so.", words=words, facts={"nobody": "somebody"}) == []


def test_a_text_of_800_characters_takes_about_a_millisecond():
    text = (
        "We are aware of a problem at Amsterdam. Check your flight at https://www.klm.com/status before you go. " * 9
    )[:800]
    best = min(_timed(text) for _ in range(20))
    assert best < 0.010, f"{best * 1000:.1f} ms"


def _timed(text):
    began = time.perf_counter()
    found_all(text, message="update")
    return time.perf_counter() - began


# ---------------------------------------------------------------- in `playbook check`


PLAYBOOK = """
playbook: strike
title: Strike
severity: SEV2
facts:
  strikers: {type: choice, choices: [own_cabin_crew, airport_staff], default: airport_staff, ask: "Who?"}
  note: {type: text, required: false, ask: "What?"}
steps:
  - key: first_word
    action: publish_statement
    with:
      message: holding
      channels: [status_page, bluesky]
      languages: [en]
      next_update_in: 1h
"""
NOTE = "{% if facts.note is defined %}: {{ facts.note }}{% endif %}"
HOLDING = f"We know of it{NOTE}. Write to us. {{{{ next_update_at | local }}}}"


def checked(tmp_path, holding, playbook=PLAYBOOK, short="", **more):
    """What the check of a playbook says of its one step: line and text."""
    from engine.check import check
    from engine.playbook import parse
    from tests.example_house import LIMITS, ROLES, example_house

    folder = tmp_path / "holding"
    folder.mkdir()
    (folder / "en.j2").write_text(holding)
    if short:
        (folder / "short.en.j2").write_text(short)
    channels = {**LIMITS, "sms": None, "marketing": None}
    kinds = {"sms": frozenset({"direct"}), "marketing": frozenset({"hold"})}
    house = example_house(tmp_path, lint=WORDS, channels=channels, kinds=kinds, help_url="", status_url="", **more)
    found, lines = parse(playbook)
    return [(finding.line, finding.text) for finding in check(found, lines, house, ROLES, [])]


def test_a_good_text_passes_the_check(tmp_path):
    assert checked(tmp_path, HOLDING) == []


def test_words_to_be_stopped_are_found_at_the_steps_message(tmp_path):
    ((line, text),) = checked(tmp_path, f"We guarantee it. {HOLDING}")
    assert line == 12
    assert text.startswith("holding for status_page in 'en': “guarantee”: promise only the next update")


def test_words_that_only_one_choice_brings_are_found(tmp_path):
    worded = "{% if facts.strikers == 'own_cabin_crew' %}It is beyond our control. {% endif %}"
    ((_, text),) = checked(tmp_path, worded + HOLDING)
    assert "a strike of our own staff is our own matter" in text
    (tmp_path / "other").mkdir()
    assert checked(tmp_path / "other", worded.replace("own_cabin_crew", "airport_staff") + HOLDING) == []


@pytest.mark.parametrize("required", ["false", "true"])
def test_words_that_stand_only_where_nothing_is_known_are_found(tmp_path, required):
    playbook = PLAYBOOK.replace("required: false", f"required: {required}")
    ((_, text),) = checked(tmp_path, HOLDING.replace("{% endif %}", "{% else %} [what]{% endif %}"), playbook)
    assert "“[what]” is a place that nobody filled in" in text


def test_a_promise_that_a_text_keeps_to_itself_is_found(tmp_path):
    ((_, text),) = checked(tmp_path, HOLDING.replace("{{ next_update_at | local }}", ""))
    assert "says nothing of the next update" in text


def test_a_title_is_linted_too(tmp_path):
    titled = PLAYBOOK + '      title: {en: "Cyber attack"}\n'
    ((line, text),) = checked(tmp_path, HOLDING, titled)
    assert line == 16
    assert text.startswith("“cyber attack”: leave it out")


@pytest.mark.parametrize("channel", ["sms", "marketing"])
def test_a_channel_that_takes_no_statements_is_named_wrong(tmp_path, channel):
    ((line, text),) = checked(tmp_path, HOLDING, PLAYBOOK.replace("bluesky", channel))
    assert (line, text) == (13, f"{channel} takes no statements; use bluesky, slack, status_page")


def test_a_text_is_too_long_only_if_its_short_form_without_typed_facts_is(tmp_path):
    long = f"{HOLDING} {'We know more soon. ' * 20}"
    assert checked(tmp_path, long, short=HOLDING) == []
    (tmp_path / "other").mkdir()
    ((line, text),) = checked(tmp_path / "other", long, short=long)
    assert line == 13
    assert "holding for bluesky in 'en': too long, 4" in text
    assert "of 300 graphemes, even without the facts of the day; shorten templates/messages/holding/short.en.j2" in text

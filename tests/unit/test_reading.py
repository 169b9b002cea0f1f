"""How easy a text is to read."""

import pytest

from engine.reading import FORMULAS, read, syllables

SPELT = {
    "en": (
        "the 1 flight 1 cancelled 2 delayed 2 airport 2 passenger 3 compensation 4 rebooked 2 information 4 "
        "table 2 situation 4 created 3 needed 2 provided 3 hours 1 message 2 messages 3 because 2 available 4"
        " area 3 idea 3 being 2 trying 2 radio 3 video 3 science 2 serious 3 special 2 region 2 please 1 "
        "moved 1 airline 2 alternative 4 minutes 2 change 1 changes 2 services 3 times 1 used 1 wanted 2 open"
        " 2 experience 4 apologies 4 systems 2 whole 1 notice 2 delays 2 quiet 2 crew 1 client 2 earlier 3 "
        "patience 2 circumstances 4 engineers 3 private 2 sea 1 closed 1 wishes 2"
    ),
    "nl": (
        "vlucht 1 vertraagd 2 geannuleerd 4 reizigers 3 luchthaven 3 wij 1 zeeën 2 reële 3 België 3 "
        "informatie 4 compensatie 4 mooie 2 nieuws 1 nieuwe 2 leeuw 1 koeien 2 bericht 2 excuses 3 ongemak 3 "
        "geïnformeerd 4 boeking 2 vrouw 1 kosteloos 3 privébericht 4 ruimte 2 bijvoorbeeld 3 fraaie 2 "
        "omboeken 3 situatie 4"
    ),
    "es": (
        "vuelo 2 aeropuerto 5 cancelado 4 compensación 4 información 4 día 2 país 2 que 1 guerra 2 pingüino 3"
        " agua 2 muy 1 hoy 1 ley 1 leyes 2 caos 2 aéreo 4 ciudad 2 y 1 retraso 3 maíz 2 huelga 2 averiguar 4 "
        "situación 3 baúl 2 construía 4 reserva 3 aquí 2 mayo 2 yo 1 viaje 2 ahora 3 sentimos 3 oímos 3 "
        "seguimos 3"
    ),
    "pt": (
        "voo 2 aeroporto 5 cancelado 4 informação 4 não 1 dia 2 país 2 água 2 aqui 2 mãe 1 põe 1 avião 3 "
        "reserva 3 muito 2 hoje 2 noite 2 situação 4 saída 3 rainha 3 ruim 2 sair 2 cuidado 3 família 4 outro"
        " 2 quando 2 atraso 3 pedimos 3 mensagem 3 lamentamos 4 greve 2 guia 2 seguinte 3"
    ),
}


@pytest.mark.parametrize("language", SPELT)
def test_syllables_are_counted_as_the_language_spells(language):
    given = SPELT[language].split()
    expected = {word: int(count) for word, count in zip(given[::2], given[1::2], strict=True)}
    assert {word: syllables(word, language) for word in expected} == expected


def test_every_word_has_a_syllable():
    assert syllables("pfft", "en") == syllables("hm", "xx") == 1


def test_the_formulas_give_what_they_give_by_hand():
    text = "We fly on time. " * 10
    assert read(text, "en").ease == pytest.approx(206.835 - 1.015 * 4 - 84.6 * 1)
    text = "Wij gaan op tijd. " * 10
    assert read(text, "nl").ease == pytest.approx(206.835 - 0.93 * 4 - 77 * 1)
    text = "Hoy vuela aquí mi sol. " * 10
    assert read(text, "es").ease == pytest.approx(206.835 - 5 - 62.3 * (1 + 2 + 2 + 1 + 1) / 5)
    text = "Hoje não há voo. " * 10
    assert read(text, "pt").ease == pytest.approx(248.835 - 1.015 * 4 - 84.6 * (2 + 1 + 1 + 2) / 4)


@pytest.mark.parametrize(
    ("language", "plain", "hard"),
    [
        (
            "en",
            "We fly late today. Some flights do not leave at all. Please look at our page before you go. "
            "We help you. You can change your flight for free. Write to us and tell us your name and where"
            " you are.",
            "Notwithstanding considerable operational difficulties, our organisation endeavours to "
            "accommodate passengers experiencing cancellations, prioritising vulnerable individuals "
            "necessitating supplementary assistance, accommodation, transportation and subsequent "
            "international connections whenever practicable and commercially reasonable under prevailing "
            "circumstances.",
        ),
        (
            "nl",
            "We vliegen vandaag later. Een deel van de vluchten gaat niet. Kijk op onze pagina voor u "
            "gaat. Wij helpen u. U mag uw vlucht gratis op een andere dag zetten. Stuur ons uw naam en "
            "waar u bent.",
            "Onverminderd aanzienlijke operationele moeilijkheden beijvert onze organisatie zich "
            "passagiers met geannuleerde verbindingen te accommoderen, waarbij prioriteit wordt toegekend "
            "aan hulpbehoevende individuen die aanvullende ondersteuning, accommodatie of "
            "transportmogelijkheden behoeven, voor zover realiseerbaar.",
        ),
        (
            "es",
            "Hoy volamos tarde. Hay vuelos que no salen. Mire la web antes de ir. Le ayudamos. Puede "
            "cambiar su vuelo sin pagar. Escriba su nombre y diga en qué ciudad está. Damos agua y comida "
            "a los que esperan.",
            "No obstante las considerables dificultades operacionales, nuestra organización procurará "
            "proporcionar acomodación a los pasajeros experimentando cancelaciones, priorizando individuos"
            " vulnerables necesitados de asistencia suplementaria, alojamiento, transporte y posteriores "
            "conexiones internacionales disponibles.",
        ),
        (
            "pt",
            "Hoje voamos tarde. Há voos que não saem. Veja a página antes de ir. Nós ajudamos. Pode mudar "
            "o seu voo sem pagar. Escreva o seu nome e diga onde está. Damos água e comida a quem espera "
            "por nós.",
            "Não obstante as consideráveis dificuldades operacionais, a nossa organização procurará "
            "proporcionar acomodação aos passageiros afetados por cancelamentos, priorizando indivíduos "
            "vulneráveis necessitados de assistência suplementar, alojamento, transporte e posteriores "
            "ligações internacionais disponíveis.",
        ),
    ],
)
def test_plain_words_are_told_from_hard_ones(language, plain, hard):
    threshold = FORMULAS[language].plain
    assert read(hard, language).ease < threshold < read(plain, language).ease


def test_links_codes_numbers_and_names_are_left_out():
    bare = read("We fly from to and tell you at.", "en")
    coded = read("We fly KL1001 from AMS to https://www.klm.com/status and tell @KLM you #strike2 at 14:30.", "en")
    assert (coded.words, coded.syllables, coded.sentences) == (bare.words, bare.syllables, bare.sentences)


def test_a_few_words_have_no_score():
    assert read("We fly late.", "en").ease is None
    assert read("word " * 60, "xx").ease is None


def test_a_sentence_of_26_words_is_long_and_said_where():
    text = "We fly. So " + "so " * 24 + "late. Sorry."
    (span,) = read(text, "en").long
    assert text[span.start : span.end] == text.removeprefix("We fly. ").removesuffix(" Sorry.")
    assert not read("so " * 25 + ".", "en").long

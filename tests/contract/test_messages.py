"""Every message renders strictly, in each language, within each channel's limit. A new one needs no edit here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, product
from typing import Any

import pytest

import integrations
from engine import room, statements
from engine.drafting import SHORT, Forms
from engine.fitting import promised_time
from engine.limits import fits
from engine.lint import STOP, lint, read_lint_words
from engine.plan import Plan
from engine.playbook import Playbook, read
from engine.snapshot import Snapshot
from engine.statements import Statement
from engine.trial import MIDNIGHTS, cases, imagined
from engine.wording import INTERNAL_LANGUAGE, MARKS, OUTWARD, Templates, context, is_outward
from engine.written import PDI
from tests.example_house import MESSAGES, NOW, ROOT, Course, example_house, example_playbook

ALL = Templates(MESSAGES).messages()
PUBLIC = [message for message in ALL if is_outward(message)]
LANGUAGES = ("en", "nl", "es", "pt")
CHANNELS = integrations.limits(integrations.Config())
POSTED = sorted(name for name in CHANNELS if "post" in integrations.KINDS[name])
"""Channels that take statements; the others reach one person at a time."""
HOUSE = replace(
    example_house(),
    channels=CHANNELS,
    lint=read_lint_words(ROOT / "templates" / "lint"),
    station_regions={"AMS": "eu", "LHR": "uk", "JFK": "us"},
)
PLAYBOOKS = [read(file)[0] for file in sorted((ROOT / "playbooks").glob("*.yaml"))]
LONGEST = datetime(2026, 9, 21, 21, 45, tzinfo=UTC)
"""Fifteen minutes to midnight in Amsterdam, so that times have both dates, in the month with the longest name."""
REHEARSED = ((LONGEST, True), (MIDNIGHTS[0], False))
"""When, and whether as a drill, whose texts are longer."""
FORMS = ("status_page", SHORT)
"""The ordinary form and the short one; no channel has words of its own."""
PROMISING = ("holding", "update", "correction", "resolution", "apology")
"""First words of the messages that say when the next word comes. The rights of passengers are not news."""


@dataclass(frozen=True)
class Case:
    """One text to be written: an incident, the promise, and what the message needs beside."""

    snapshot: Snapshot
    promised: datetime | None
    more: dict[str, Any]

    def forms(self, message: str) -> Forms:
        return Forms(self.snapshot, message, self.promised, self.more)


def users(message: str) -> list[tuple[Playbook, dict[str, Any]]]:
    """Playbooks that publish a message, with all the facts they may have.

    One that none publishes must do for all of them; it knows nothing of their choices, so a few facts of each will do.
    """
    using = [
        playbook
        for playbook in PLAYBOOKS
        if any(step.with_.get("message") == message for step in (*playbook.steps, *playbook.stand_down))
    ]
    most = None if using else 4
    return [(playbook, facts) for playbook in using or PLAYBOOKS for facts in islice(cases(playbook, HOUSE), most)]


def situations(message: str, now: datetime, *, drill: bool) -> Iterator[Case]:
    """All that a message may have to be written for: facts, news or none, a promise or none."""
    promised = [now + timedelta(minutes=40)]
    promised += [] if message.startswith(("holding", "update")) else [None]
    for playbook, facts in users(message):
        snapshot = imagined(playbook, HOUSE, facts, now, drill=drill)
        for until, more in product(promised, beside(message, now)):
            yield Case(snapshot, until, more)


def beside(message: str, now: datetime) -> list[dict[str, Any]]:
    """What a message speaks of beside the names of every message."""
    before = now + timedelta(minutes=20)
    if message.startswith("update"):
        return [{"unchanged_since": None}, {"unchanged_since": before}]
    if message == "correction_text":
        texts = ("Flights start again at 16:00.", "الرحلات تبدأ من جديد في 16:00 (AMS).")
        changes = ([], [{"was": "They start at 14:00.", "now": texts[0]}, {"was": "Gate D5 is closed.", "now": ""}])
        return [
            {"text": text, "text_language": language, "corrected_at": before, "changed": changed, "what_changed": said}
            for text, language, changed, said in (
                (texts[0], "en", changes[0], ""),
                (texts[0], "pt", changes[1], ""),
                (texts[1], "ar", [], "The time."),
            )
        ]
    return [{}]


@cache
def written(message: str, language: str, *, drill: bool) -> tuple[tuple[Case, tuple[str, ...]], ...]:
    """The forms of a message, ordinary and short, with the facts typed on the day and without; each set once."""
    now = next(when for when, as_drill in REHEARSED if as_drill is drill)
    found: dict[tuple[Any, ...], tuple[Case, tuple[str, ...]]] = {}
    for case in situations(message, now, drill=drill):
        forms = case.forms(message)
        texts = tuple(forms.text(form, language, safe=safe) for form in FORMS for safe in (False, True))
        found.setdefault((texts, chosen(case.snapshot)), (case, texts))
    return tuple(found.values())


def chosen(snapshot: Snapshot) -> tuple[str, ...]:
    """What was picked from a list: the lint asks whose strike it is."""
    types = {name: fact.type for name, fact in snapshot.playbook.facts.items()}
    return tuple(f"{name}={value}" for name, value in snapshot.incident.facts.items() if types[name] == "choice")


def test_the_six_kinds_are_there():
    assert set(OUTWARD) <= set(PUBLIC)


@pytest.mark.parametrize("message", PUBLIC)
def test_it_is_written_in_every_language_in_both_forms(message):
    files = [f"{form}{language}.j2" for language in LANGUAGES for form in ("", f"{SHORT}.")]
    assert [name for name in files if not (MESSAGES / message / name).exists()] == []


@pytest.mark.parametrize("drill", [True, False], ids=["drill", "real"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PUBLIC)
def test_every_channel_takes_it_whatever_the_facts(message, language, drill):
    """As drafted: ordinary, else short, else a thread of the short one, else without the facts of the day."""
    seen = set()
    for case, texts in written(message, language, drill=drill):
        if (texts, case.promised) in seen:
            continue
        seen.add((texts, case.promised))
        forms = case.forms(message)
        clock = promised_time(case.snapshot, case.promised) if message.startswith(PROMISING) else ""
        for channel in one_of_each_limit():
            wording = forms.fitting(channel, language)
            limit = CHANNELS[channel]
            for post in (*wording.parts, wording.preapproved):
                assert fits(post, limit).ok, f"{channel}: {fits(post, limit)}: {post}"
                assert post.startswith(MARKS[language]) is drill
            assert clock in wording.text
            assert clock in wording.preapproved


@cache
def one_of_each_limit() -> tuple[str, ...]:
    """Channels that take the same words measure alike: one of them stands for all, unless it has words of its own."""
    alike: dict[Any, str] = {}
    for channel in POSTED:
        own = tuple(sorted(path.parent.name for path in MESSAGES.glob(f"*/{channel}.*.j2")))
        alike.setdefault((CHANNELS[channel], own), channel)
    return tuple(alike.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PUBLIC)
def test_the_short_form_without_the_facts_of_the_day_fits_everywhere(message, language):
    for case, (_, _, _, bare) in written(message, language, drill=True):
        for channel in one_of_each_limit():
            size = fits(bare, CHANNELS[channel])
            assert size.ok, f"{channel}: {size}: {bare} {case.snapshot.incident.facts}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PUBLIC)
def test_it_is_set_cleanly(message, language):
    """No space too many, no line that is only a half sentence, nothing of the template left over."""
    for text in {text for _, texts in written(message, language, drill=False) for text in texts}:
        blemishes = ("  ", " .", " ,", " :", "..", "{{", "{%", "None", "\n ", " \n", "\n\n\n", "Undefined", "?.", ":.")
        assert [mark for mark in blemishes if mark in text] == [], text
        assert not re.search(r"\d{4}-\d\d|\+00:00|\b[a-z]+_[a-z]", re.sub(r"https://\S+", "", text)), text
        assert text[0].isupper() or text[0] in "¿¡", text
        assert text.rstrip(PDI)[-1] in ".?!" or text.split()[-1].startswith("https://"), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PUBLIC)
def test_a_lawyer_would_let_it_through(message, language):
    linted = set()
    for case, texts in written(message, language, drill=False):
        for text in texts:
            if (text, chosen(case.snapshot)) in linted or "A text as long as a fact may be" in text:
                continue
            linted.add((text, chosen(case.snapshot)))
            found = lint(
                text,
                language,
                message=message,
                facts=case.snapshot.incident.facts,
                words=HOUSE.lint[language],
                help_urls=[HOUSE.help_url, HOUSE.status_url],
                promised=promised_time(case.snapshot, case.promised),
            )
            assert [str(finding) for finding in found if finding.level == STOP] == [], text
    assert linted


@pytest.mark.parametrize("message", [name for name in PUBLIC if name.startswith("holding")])
def test_a_holding_statement_begins_with_we_are_aware(message):
    for _, texts in written(message, "en", drill=False):
        assert [text for text in texts if not text.startswith("We are aware")] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", [name for name in PUBLIC if name.startswith(PROMISING)])
def test_what_is_promised_stands_there_in_both_times_with_the_date(message, language):
    for case, texts in written(message, language, drill=True):
        there = {"en": "00:25, 22 Sept (22:25 UTC, 21 Sept)", "nl": "00:25, 22 sep (22:25 UTC, 21 sep)"}
        there |= {"es": "00:25, 22 sept (22:25 UTC, 21 sept)", "pt": "00:25, 22/09 (22:25 UTC, 21/09)"}
        for text in texts:
            assert (there[language] in text) is bool(case.promised), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PUBLIC)
def test_what_was_typed_on_the_day_is_not_in_the_preapproved_form(message, language):
    for _, (_, bare, _, bare_short) in written(message, language, drill=False):
        for text in (bare, bare_short):
            assert [typed for typed in ("A text as long as a fact may be", "30 Dec", "31 Dec") if typed in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", PUBLIC)
def test_it_reads_well_in_a_house_without_addresses(message, language):
    """Neither page exists: no sentence may end in a colon with nothing after it."""
    house = replace(HOUSE, help_url="", status_url="")
    for case, _ in written(message, language, drill=False):
        forms = Case(replace(case.snapshot, house=house), case.promised, case.more).forms(message)
        for form in FORMS:
            text = forms.text(form, language)
            assert text.rstrip(PDI)[-1] in ".?!", text
            assert "::" not in text.replace(" ", "")
            assert ": ." not in text


# ---------------------------------------------------------------- no news


@pytest.mark.parametrize(
    ("language", "said", "still"),
    [
        ("en", "no news since", "still"),
        ("nl", "geen nieuws sinds", "nog"),
        ("es", "novedades desde las", "segui"),
        ("pt", "novidades desde as", "continu"),
    ],
)
@pytest.mark.parametrize("message", ["update", "update_ash", "update_strike"])
def test_an_update_without_news_says_so(message, language, said, still):
    for case, texts in written(message, language, drill=False):
        for text in texts:
            assert (said in text.lower()) is (case.more["unchanged_since"] is not None), text
            assert said not in text.lower() or still in text.lower(), text


# ---------------------------------------------------------------- to staff


@pytest.mark.parametrize("message", [name for name in ALL if not is_outward(name)])
def test_a_message_to_staff_is_there_in_english(message):
    assert INTERNAL_LANGUAGE in Templates(MESSAGES).languages(message)


def test_the_situation_says_what_waits_and_what_is_live():
    course = Course(example_playbook(), facts={"systems": "all"})
    course.run("first_word")
    text = room.situation(course.snapshot)
    assert text.startswith("*INC-1 · SEV2 · IT outage · responding*")
    assert "first_word#1 waits for approval by comms_lead" in text
    assert "ST-1 holding: drafted" in text
    assert "\n\n" not in text


def test_an_alarm_says_which_incident_and_what():
    course = Course(example_playbook(), facts={"systems": "all"})
    change = room.alarm(course.snapshot, "x", "StepLate", "first_word#1 is late", "first_word#1")
    assert change.effects[0].message.text.endswith("*INC-1 · SEV2 · IT outage*\nfirst_word#1 is late")
    assert room.keep(course.snapshot, Plan()).effects


def test_a_proposal_says_what_it_would_declare_and_what_is_missing():
    one = {
        "id": 4,
        "playbook": "ash-cloud",
        "title": "Ash over Iceland",
        "severity": "SEV1",
        "facts": {"airspace": "BIRD", "stations": ["KEF"]},
        "missing": ["passengers_hit"],
        "alerts": 3,
        "exercise": False,
    }
    text = Templates(MESSAGES).render("proposal", "slack", "en", {"proposals": [one], "drill": False})
    for part in (
        "4: declare ash-cloud as SEV1?",
        "Alert: Ash over Iceland (and 2 more of the same cause)\n",
        "airspace: BIRD\nstations: KEF\n",
        "You will be asked for: passengers hit",
    ):
        assert part in text
    assert "exercise" not in text
    single = Templates(MESSAGES).render(
        "proposal",
        "slack",
        "en",
        {"proposals": [{**one, "alerts": 1, "missing": [], "exercise": True}], "drill": False},
    )
    assert "Alert: Ash over Iceland\nairspace" in single
    assert "Marked as an exercise." in single


def test_a_request_says_what_happens_without_an_answer():
    held = Course(example_playbook(("unanswered_after: 12m, publish: preapproved", "unanswered_after: 12m")))
    open_ended = Course(example_playbook((", unanswered_after: 12m, publish: preapproved", "")))
    held.run("first_word")
    open_ended.run("first_word")
    assert "by 05:22 (04:22 UTC), 22 Nov it is held back" in held.directs()[0].message.text
    assert "Nothing goes out until you answer." in open_ended.directs()[0].message.text


def test_an_edited_request_says_whose_words_they_are():
    course = Course(example_playbook(), facts={"systems": "all"})
    course.run("first_word")
    draft: Statement = course.statement
    place = ("bluesky", "en")
    text = next(one.text for one in draft.texts if (one.channel, one.language) == place)
    other = text.replace("We are aware", "We know")
    course.command(statements.edit(course.snapshot, draft, {place: other}, "cora", NOW))
    course.run("first_word")
    assert "edited by cora" in course.directs()[1].message.text


# ---------------------------------------------------------------- documentation


@pytest.mark.parametrize("message", ALL)
def test_every_message_is_documented(message):
    assert f"`{message}`" in (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")


def test_every_name_that_a_message_may_speak_of_is_documented():
    names = context(Course(example_playbook()).snapshot)
    names = (*names, "local", "day", "listed", "number", "language_name", "isolated")
    text = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []

"""Every message renders strictly, in each language, within each channel's limit. A new one needs no edit here."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product

import pytest

import integrations
from engine import room, statements
from engine.lanes import ADDRESS
from engine.limits import fits
from engine.plan import Plan
from engine.playbook import Playbook, read
from engine.statements import Statement, Wordings
from engine.trial import MIDNIGHTS, cases, imagined
from engine.wording import INTERNAL_LANGUAGE, MARKS, Templates, context, is_outward
from tests.example_house import MESSAGES, NOW, ROOT, Course, example_house, example_playbook

ALL = Templates(MESSAGES).messages()
OUTWARD = [message for message in ALL if is_outward(message)]
LANGUAGES = ("en", "nl", "es")
HOUSE = replace(example_house(), channels=dict(integrations.LIMITS))
POSTED = sorted(name for name in integrations.LIMITS if name not in ADDRESS or name == HOUSE.chat)
"""Channels that take statements; the other lanes reach one person at a time."""
PLAYBOOKS = [read(file)[0] for file in sorted((ROOT / "playbooks").glob("*.yaml"))]


def users(message: str) -> list[Playbook]:
    """Playbooks that publish a message; one that none publishes must do for all."""
    using = [
        playbook
        for playbook in PLAYBOOKS
        if any(step.with_.get("message") == message for step in (*playbook.steps, *playbook.stand_down))
    ]
    return using or PLAYBOOKS


@cache
def renderings(message: str, channel: str, language: str, *, drill: bool = True) -> tuple[Wordings, ...]:
    """Both forms of a message under all the facts that its playbooks may have, each once."""
    found: dict[Wordings, None] = {}
    for playbook, now in product(users(message), MIDNIGHTS):
        for facts in cases(playbook, HOUSE):
            snapshot = imagined(playbook, HOUSE, facts, now, drill=drill)
            found[statements.render(snapshot, message, channel, language, now + timedelta(minutes=45))] = None
    return tuple(found)


def test_the_four_kinds_are_there():
    assert {"holding", "update", "resolution", "correction"} <= set(OUTWARD)


@pytest.mark.parametrize("message", OUTWARD)
def test_it_is_written_in_every_language(message):
    assert set(LANGUAGES) <= set(Templates(MESSAGES).languages(message))
    assert [name for name in LANGUAGES if not (MESSAGES / message / f"{name}.j2").exists()] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", POSTED)
@pytest.mark.parametrize("message", OUTWARD)
def test_it_fits_with_the_longest_facts(message, channel, language):
    limit = integrations.LIMITS[channel]
    for wording in renderings(message, channel, language):
        for text in (wording.text, wording.preapproved):
            assert fits(text, limit).ok, f"{fits(text, limit)}: {text}"
            assert text.startswith(MARKS[language])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", POSTED)
@pytest.mark.parametrize("message", OUTWARD)
def test_it_is_set_cleanly(message, channel, language):
    """No space too many, no line that is only a half sentence, nothing of the template left over."""
    for wording in renderings(message, channel, language, drill=False):
        for text in (wording.text, wording.preapproved):
            blemishes = ("  ", " .", " ,", " :", "..", "{{", "{%", "None", "\n ", " \n", "\n\n\n", "Undefined")
            assert [mark for mark in blemishes if mark in text] == [], text
            assert text[0].isupper() or text[0] in "¿¡", text


@pytest.mark.parametrize("channel", POSTED)
@pytest.mark.parametrize("message", [name for name in OUTWARD if name.startswith("holding")])
def test_a_holding_statement_begins_with_we_are_aware(message, channel):
    for wording in renderings(message, channel, "en", drill=False):
        assert wording.text.startswith("We are aware")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", POSTED)
@pytest.mark.parametrize("message", [name for name in OUTWARD if name.split("_")[0] in ("holding", "update")])
def test_while_it_lasts_the_next_word_is_promised_in_both_times(message, channel, language):
    for wording in renderings(message, channel, language):
        for text in (wording.text, wording.preapproved):
            assert "00:25 UTC" in text or "01:05 UTC" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", OUTWARD)
def test_what_was_typed_on_the_day_is_not_in_the_preapproved_form(message, language):
    for channel in POSTED:
        for wording in renderings(message, channel, language):
            assert "A text as long as a fact may be" not in wording.preapproved
            assert "30 Dec" not in wording.preapproved
            assert "31 Dec" not in wording.preapproved


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
    course.command(statements.edit(course.snapshot, draft, "bluesky", "en", "We know.", "cora", NOW))
    course.run("first_word")
    assert "edited by cora" in course.directs()[1].message.text


# ---------------------------------------------------------------- documentation


@pytest.mark.parametrize("message", ALL)
def test_every_message_is_documented(message):
    assert f"`{message}`" in (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")


def test_every_name_that_a_message_may_speak_of_is_documented():
    names = context(Course(example_playbook()).snapshot)
    text = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert [name for name in (*names, "local", "day", "listed", "number") if f"`{name}`" not in text] == []

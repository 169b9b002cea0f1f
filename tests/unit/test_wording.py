"""Templates and what they may speak of."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.wording import Templates, WordingError, context, day, is_outward, listed, local, number
from tests.example_house import MESSAGES, Course, example_house, example_playbook

HALF_PAST = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path):
    def write(**files: str) -> Templates:
        for name, text in files.items():
            message, _, file = name.partition("__")
            path = tmp_path / message / f"{file.replace('_', '.')}.j2"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Templates(tmp_path)

    return write


def base(**more):
    return {**context(Course(example_playbook()).snapshot), **more}


# ---------------------------------------------------------------- times, lists, numbers


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "14:30 (13:30 UTC), 22 Nov"),
        ("nl", "14:30 (13:30 UTC), 22 nov"),
        ("es", "14:30 (13:30 UTC), 22 nov"),
    ],
)
def test_a_time_is_local_with_utc_and_the_date(language, expected):
    assert local(HALF_PAST, "Europe/Amsterdam", language) == expected


def test_a_time_on_another_local_day_has_both_dates():
    late = HALF_PAST.replace(hour=23)
    assert local(late, "Europe/Amsterdam") == "00:30, 23 Nov (23:30 UTC, 22 Nov)"
    assert local(HALF_PAST.replace(hour=2), "America/New_York") == "21:30, 21 Nov (02:30 UTC, 22 Nov)"


def test_where_local_time_is_utc_it_stands_once():
    assert local(HALF_PAST, "Europe/London") == "13:30 UTC, 22 Nov"
    assert local(HALF_PAST.replace(month=7), "Europe/London") == "14:30 (13:30 UTC), 22 Jul"


def test_an_instant_fact_is_read_from_its_text():
    assert local("2026-11-22T13:30:00+00:00", "Europe/Amsterdam") == "14:30 (13:30 UTC), 22 Nov"
    assert day("2026-11-22T23:30:00+00:00", "Europe/Amsterdam") == "23 Nov"
    with pytest.raises(ValueError, match="lacks its time zone"):
        local("2026-11-22T13:30:00")


def test_lists_and_numbers_are_written_as_the_language_does():
    towns = ["AMS", "RTM", "EIN"]
    assert [listed(towns, language) for language in ("en", "nl", "es")] == [
        "AMS, RTM and EIN",
        "AMS, RTM en EIN",
        "AMS, RTM y EIN",
    ]
    assert [number(12500, language) for language in ("en", "nl")] == ["12,500", "12.500"]


def test_a_language_that_babel_does_not_know_is_a_wording_error():
    with pytest.raises(WordingError, match="'xx' is no language"):
        day(HALF_PAST, "UTC", "xx")


# ---------------------------------------------------------------- looking a template up


def test_a_channels_own_text_goes_before_the_general_one(folder):
    templates = folder(holding__en="long", holding__bluesky_en="short")
    assert templates.render("holding", "bluesky", "en", base()) == "short"
    assert templates.render("holding", "slack", "en", base()) == "long"


def test_what_the_public_reads_never_falls_back_to_another_language(folder):
    templates = folder(holding_ash__en="We are aware", alarm__en="Look")
    assert templates.render("alarm", "slack", "nl", base()) == "Look"
    with pytest.raises(WordingError, match=r"'holding_ash' for slack in 'nl'.*only in en; add holding_ash/nl.j2"):
        templates.render("holding_ash", "slack", "nl", base())


def test_an_unknown_message_names_those_there_are(folder):
    with pytest.raises(WordingError, match=r"no such message; add a folder holdign/, or use one of these: holding"):
        folder(holding__en="x").render("holdign", "slack", "en", base())


def test_a_message_name_can_not_leave_the_folder(folder):
    with pytest.raises(WordingError, match="no such message"):
        folder(holding__en="x").render("../holding", "slack", "en", base())


def test_languages_are_those_of_any_channel(folder):
    templates = folder(holding__en="x", holding__bluesky_nl="x", holding__es="x")
    assert templates.languages("holding") == ["en", "es", "nl"]
    assert templates.languages("nothing") == []
    assert templates.messages() == ["holding"]


def test_outward_messages_are_told_by_the_first_word_of_their_name():
    assert [is_outward(name) for name in ("holding", "update_strike", "alarm", "call_out", "updates")] == [
        True,
        True,
        False,
        False,
        False,
    ]


# ---------------------------------------------------------------- errors say where


def test_an_unknown_name_is_an_error_with_its_line(folder):
    templates = folder(holding__en="first\n{{ facts.nowhere }}\n")
    with pytest.raises(
        WordingError,
        match=r"'holding' for slack in 'en': holding/en.j2:2: .* has no attribute 'nowhere'; test it first",
    ):
        templates.render("holding", "slack", "en", base())


def test_a_mistake_in_the_template_is_an_error_with_its_line(folder):
    templates = folder(holding__en="first\n\n{% if x %}")
    with pytest.raises(WordingError, match=r"holding/en.j2:3: .*; correct the template"):
        templates.render("holding", "slack", "en", base())


def test_a_mistake_in_a_shared_phrase_is_found_there(folder):
    templates = folder(
        _words__en="\n{% macro hi() %}{{ nobody }}{% endmacro %}",
        holding__en='{% from "_words/en.j2" import hi with context %}{{ hi() }}',
    )
    with pytest.raises(WordingError, match=r"_words/en.j2:2: 'nobody' is undefined"):
        templates.render("holding", "slack", "en", base())


@pytest.mark.parametrize("text", ["{{ facts.x | local }}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}", "{{ [].nothing() }}"])
def test_whatever_goes_wrong_is_one_wording_error(folder, text):
    with pytest.raises(WordingError, match=r"'holding' for slack in 'en': holding/en\.j2:1: "):
        folder(holding__en=text).render("holding", "slack", "en", base(facts={"x": "soon"}))


def test_templates_can_not_reach_behind_the_sandbox(folder):
    with pytest.raises(WordingError):
        folder(holding__en="{{ ''.__class__.__mro__ }}").render("holding", "slack", "en", base())


def test_an_empty_text_is_refused(folder):
    with pytest.raises(WordingError, match="is empty"):
        folder(holding__en="{% if drill %}x{% endif %}").render("holding", "slack", "en", base())


# ---------------------------------------------------------------- drill, context


@pytest.mark.parametrize(("language", "mark"), [("en", "[DRILL] "), ("nl", "[OEFENING] "), ("es", "[SIMULACRO] ")])
def test_every_text_of_a_drill_is_marked(language, mark):
    course = Course(example_playbook(), drill=True, facts={"systems": "booking"})
    for message in ("holding", "alarm"):
        names = context(course.snapshot, language, text="x")
        assert Templates(MESSAGES).render(message, "slack", language, names).startswith(mark)


def test_facts_that_are_not_known_are_not_there():
    course = Course(example_playbook(), facts={"systems": "booking", "stations": None})
    assert context(course.snapshot)["facts"] == {"systems": "booking"}


def test_the_time_zone_is_the_first_stations():
    house = example_house()
    at_new_york = Course(example_playbook(), house, facts={"stations": ["JFK", "AMS"]}).snapshot
    elsewhere = Course(example_playbook(), house, facts={"stations": ["XYZ"]}).snapshot
    assert context(at_new_york)["zone"] == "America/New_York"
    assert context(at_new_york)["local"] == "23:10, 21 Nov (04:10 UTC, 22 Nov)"
    assert context(elsewhere)["zone"] == "Europe/Amsterdam"


def test_more_names_are_added_and_win():
    names = context(Course(example_playbook()).snapshot, "nl", outcome="yes", now=HALF_PAST)
    assert (names["language"], names["outcome"], names["now"], names["next_update_at"]) == (
        "nl",
        "yes",
        HALF_PAST,
        None,
    )
    assert names["incident"] == {"ref": "INC-1", "title": "IT outage", "severity": "SEV2", "status": "responding"}

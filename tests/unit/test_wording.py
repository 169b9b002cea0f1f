"""Templates and what they may speak of."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.wording import (
    Templates,
    WordingError,
    context,
    day,
    is_outward,
    isolated,
    language_name,
    listed,
    local,
    number,
    regions_of,
)
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
        ("pt", "14:30 (13:30 UTC), 22/11"),
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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Summer time ends on 25 October 2026, at 01:00 UTC: 02:30 comes twice.
        (
            ("2026-10-25T00:30:00+00:00", "02:30 (00:30 UTC), 25 Oct"),
            ("2026-10-25T01:30:00+00:00", "02:30 (01:30 UTC), 25 Oct"),
        ),
        # It begins on 28 March 2027, at 01:00 UTC: there is no 02:30.
        (
            ("2027-03-28T00:30:00+00:00", "01:30 (00:30 UTC), 28 Mar"),
            ("2027-03-28T01:30:00+00:00", "03:30 (01:30 UTC), 28 Mar"),
        ),
    ],
    ids=["autumn", "spring"],
)
def test_a_time_promised_across_a_clock_change_is_right_on_both_sides(before, after):
    """Drafted before the change for a time after it: each instant is written as clocks will show it then."""
    drafted, promised = datetime.fromisoformat(before[0]), datetime.fromisoformat(before[0]) + timedelta(hours=1)
    assert promised.isoformat() == after[0]
    assert [local(when, "Europe/Amsterdam") for when in (drafted, promised)] == [before[1], after[1]]
    house = example_house()
    course = Course(example_playbook(), house, facts={"systems": "all", "stations": ["AMS"]})
    snapshot = replace(course.snapshot, now=drafted)
    text = house.wording.render("update", "status_page", "en", context(snapshot, next_update_at=promised))
    assert text.startswith(f"Update, {before[1]}.")
    assert f"by {after[1]}, even if" in text


def test_lists_and_numbers_are_written_as_the_language_does():
    towns = ["AMS", "RTM", "EIN"]
    assert [listed(towns, language) for language in ("en", "nl", "es")] == [
        "AMS, RTM and EIN",
        "AMS, RTM en EIN",
        "AMS, RTM y EIN",
    ]
    assert [number(12500, language) for language in ("en", "nl")] == ["12,500", "12.500"]


def test_a_language_is_named_in_each_language():
    names = [language_name("es", language) for language in ("en", "nl", "es", "pt")]
    assert names == ["Spanish", "Spaans", "español", "espanhol"]
    with pytest.raises(WordingError, match="'xx' is no language"):
        language_name("xx")


# ---------------------------------------------------------------- right to left

ARABIC = "المجال الجوي 3 (FIR EHAA)"


def drawn_among_the_letters(text: str) -> str:
    """The numbers of a left-to-right line that a screen draws among letters of right to left.

    As much of UAX #9 as is needed: a number takes its direction from the last strong letter before it (W2, W7), and
    what stands in an isolate is no letter before it (BD9, X5c).
    """
    moved, depth, last = "", 0, "L"
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        depth += (kind == "FSI") - (kind == "PDI")
        if depth == 0 and kind in ("L", "R", "AL"):
            last = kind
        if depth == 0 and kind == "EN" and last != "L":
            moved += letter
    return moved


def test_text_that_runs_from_right_to_left_does_not_turn_our_numbers_about():
    closed = "المجال الجوي مغلق"
    assert drawn_among_the_letters(f"Airspace {closed}: 14:30") == "1430"
    assert drawn_among_the_letters(f"Airspace {isolated(closed)}: 14:30") == ""


def test_what_runs_from_left_to_right_stays_as_it_was_typed():
    for text in ("", "Gate D5 (14:30)", "Málaga", "Αθήνα", "Москва", "東京"):
        assert isolated(text) == text


def test_a_text_is_set_apart_once_however_often():
    assert isolated(ARABIC) == f"\u2068{ARABIC}\u2069" == isolated(isolated(ARABIC))


@pytest.mark.parametrize("steering", ["\u202e", "\u202b", "\u2067", "\u2066", "\u2069", "\u202c"])
def test_nobody_steers_the_writing_of_our_sentence(steering):
    assert isolated(f"gate{steering} 5") == "gate 5"
    assert isolated(f"{steering}{ARABIC}{steering}") == isolated(ARABIC)


def test_facts_and_title_are_set_apart_and_choices_are_not_touched():
    playbook = example_playbook(("title: IT outage", f"title: {ARABIC}"))
    course = Course(playbook, facts={"systems": "all", "detail_en": ARABIC})
    names = context(course.snapshot)
    assert names["facts"] == {"systems": "all", "detail_en": isolated(ARABIC)}
    assert names["incident"]["title"] == isolated(ARABIC)


def test_a_language_that_babel_does_not_know_is_a_wording_error():
    with pytest.raises(WordingError, match="'xx' is no language"):
        day(HALF_PAST, "UTC", "xx")


# ---------------------------------------------------------------- looking a template up


def test_a_channels_own_text_goes_before_the_general_one(folder):
    templates = folder(holding__en="long", holding__bluesky_en="short")
    assert templates.render("holding", "bluesky", "en", base()) == "short"
    assert templates.render("holding", "slack", "en", base()) == "long"


def test_an_account_has_the_words_of_its_channel(folder):
    templates = folder(holding__en="long", holding__bluesky_en="short")
    assert templates.render("holding", "bluesky@spain", "en", base()) == "short"
    assert templates.source("holding", "bluesky@spain", "en") == "holding/bluesky.en.j2"
    assert templates.source("holding", "x@spain", "en") == "holding/en.j2"


def test_the_short_form_is_looked_up_like_a_channel(folder):
    templates = folder(holding__en="long", holding__short_en="short", update__en="long")
    assert templates.render("holding", "short", "en", base()) == "short"
    assert templates.render("update", "short", "en", base()) == "long"


def test_a_file_that_a_template_asks_for_and_is_not_there_is_named(folder):
    templates = folder(
        holding__en='{% include "_words/nowhere.j2" %}', rights__en='first\n{% include "_rights/ca.en.j2" %}'
    )
    with pytest.raises(WordingError, match=r"there is no _words/nowhere\.j2; add it, or correct the template"):
        templates.render("holding", "slack", "en", base())
    with pytest.raises(WordingError, match=r"region 'ca' are not written in 'en'; add _rights/ca\.en\.j2, or correct"):
        templates.render("rights", "slack", "en", base())


def test_what_the_public_reads_never_falls_back_to_another_language(folder):
    templates = folder(holding_ash__en="We are aware", alarm__en="Look")
    assert templates.render("alarm", "slack", "nl", base()) == "Look"
    with pytest.raises(WordingError, match=r"'holding_ash' for slack in 'nl'.*only in en; add holding_ash/nl.j2"):
        templates.render("holding_ash", "slack", "nl", base())


def test_an_unknown_message_names_those_there_are(folder):
    with pytest.raises(WordingError, match=r"no such message; add a folder holdign/, or use one of these: holding"):
        folder(holding__en="x").render("holdign", "slack", "en", base())


@pytest.mark.parametrize(
    ("message", "channel", "language"),
    [("../holding", "slack", "en"), ("holding/../holding", "slack", "en"), ("holding", "../holding/slack", "en")],
)
def test_a_name_can_not_leave_the_folder(folder, message, channel, language):
    templates = folder(holding__en="x", holding__slack_en="y")
    with pytest.raises(WordingError):
        templates.render(message, channel, language, base())


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


@pytest.mark.parametrize(
    ("language", "mark"), [("en", "[DRILL] "), ("nl", "[OEFENING] "), ("es", "[SIMULACRO] "), ("pt", "[SIMULACRO] ")]
)
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


@pytest.mark.parametrize(
    ("stations", "regions"),
    [
        ([], ("eu",)),
        (["AMS"], ("eu",)),
        (["JFK"], ("us", "eu")),
        (["LHR", "AMS", "JFK", "LHR"], ("uk", "eu", "us")),
        (["XYZ"], ("eu",)),
    ],
)
def test_rights_are_those_of_the_stations_and_of_the_house(stations, regions):
    there = {"AMS": "eu", "LHR": "uk", "JFK": "us"}
    assert regions_of({"stations": stations}, there, ("eu",)) == regions
    house = example_house(station_regions=there, regions=("eu",))
    course = Course(example_playbook(), house, facts={"stations": stations} if stations else {})
    assert context(course.snapshot)["regions"] == regions


def test_there_is_news_unless_it_is_said_that_there_is_none():
    assert context(Course(example_playbook()).snapshot)["unchanged_since"] is None


def test_more_names_are_added_and_win():
    names = context(Course(example_playbook()).snapshot, "nl", outcome="yes", now=HALF_PAST)
    assert (names["language"], names["outcome"], names["now"], names["next_update_at"]) == (
        "nl",
        "yes",
        HALF_PAST,
        None,
    )
    assert names["incident"] == {"ref": "INC-1", "title": "IT outage", "severity": "SEV2", "status": "responding"}

"""Drafts: which form of a message a channel gets, and since when there is no news."""

from dataclasses import replace
from datetime import timedelta

import pytest

import integrations
from engine.drafting import draft, facts_mark, unchanged_since
from engine.limits import fits
from engine.statements import Statement, StatementStatus, TooLong
from tests.example_house import NOW, Course, example_house, example_playbook

FACTS = {"systems": "check_in", "stations": ["AMS", "RTM"], "flights_hit": True}
LIMITS = integrations.limits(integrations.Config())
LONG = (
    "Check-in works by hand at every desk; bring your passport, your booking reference and some patience with us all. "
)


@pytest.fixture
def course() -> Course:
    return Course(example_playbook(), facts=FACTS)


def snapshot(course: Course, **facts: object):  # type: ignore[no-untyped-def]
    seen = course.snapshot
    house = replace(example_house(), channels=LIMITS)
    return replace(seen, house=house, incident=seen.incident.model_copy(update={"facts": {**FACTS, **facts}}))


def text_of(statement: Statement, channel: str):  # type: ignore[no-untyped-def]
    return next(text for text in statement.texts if text.channel == channel)


def test_each_channel_gets_the_longest_form_that_it_takes(course: Course) -> None:
    made = draft(snapshot(course), "x#1", "update", ["status_page", "x", "bluesky"], ["en"], NOW + timedelta(hours=1))
    assert len(text_of(made, "status_page").text) > 300
    assert text_of(made, "x").text == text_of(made, "bluesky").text
    assert not text_of(made, "x").more
    for text in made.texts:
        assert all(fits(part, LIMITS[text.channel]).ok for part in text.parts)


def test_where_the_facts_of_the_day_are_too_long_a_thread_has_the_promise_first(course: Course) -> None:
    promised = NOW + timedelta(minutes=45)
    made = draft(snapshot(course, detail_en=LONG * 2), "x#1", "update", ["x", "status_page"], ["en"], promised)
    thread = text_of(made, "x")
    assert len(thread.parts) > 1
    assert f"{promised:%H:%M} UTC" in thread.parts[0]
    assert "bring your passport" in " ".join(thread.parts)
    assert all(fits(part, LIMITS["x"]).ok for part in thread.parts)
    assert "passport" not in thread.preapproved
    assert fits(thread.preapproved, LIMITS["x"]).ok


def test_where_no_form_fits_it_says_so(course: Course) -> None:
    seen = snapshot(course)
    tiny = {**LIMITS, "facebook": LIMITS["facebook"].model_copy(update={"count": 20})}  # type: ignore[union-attr]
    with pytest.raises(TooLong, match="facebook"):
        draft(replace(seen, house=replace(seen.house, channels=tiny)), "x#1", "update", ["facebook"], ["en"])


def test_a_channel_gets_only_the_languages_that_its_readers_speak(course: Course) -> None:
    seen = snapshot(course)
    house = replace(seen.house, speaks={"x": ("es",)})
    made = draft(replace(seen, house=house), "x#1", "update", ["x", "bluesky"], ["en", "es"])
    assert {(text.channel, text.language) for text in made.texts} == {("x", "es"), ("bluesky", "en"), ("bluesky", "es")}
    with pytest.raises(TooLong, match="none of x speaks en"):
        draft(replace(seen, house=house), "x#1", "update", ["x"], ["en"])


def told(course: Course, minute: int, mark: str, **more: object) -> Statement:
    at = NOW + timedelta(minutes=minute)
    made = draft(course.snapshot, f"next_update#{minute}", "update", ["status_page"], ["en"])
    update = {"drafted_at": at, "live_at": at, "facts_mark": mark, "status": StatementStatus.LIVE, **more}
    return made.model_copy(update=update)


def test_there_is_no_news_since_the_first_of_those_that_said_the_same(course: Course) -> None:
    same = facts_mark(course.snapshot)
    told_so_far = (told(course, 0, "other"), told(course, 30, same), told(course, 60, same))
    assert unchanged_since(replace(course.snapshot, statements=told_so_far)) == NOW + timedelta(minutes=30)
    assert unchanged_since(course.snapshot) is None
    assert unchanged_since(replace(course.snapshot, statements=(told(course, 0, "other"),))) is None


def test_what_was_withdrawn_or_never_live_is_not_counted_as_said(course: Course) -> None:
    same = facts_mark(course.snapshot)
    gone = told(course, 0, same, status=StatementStatus.WITHDRAWN)
    drafted = told(course, 10, same, live_at=None)
    stands = told(course, 30, same)
    assert unchanged_since(replace(course.snapshot, statements=(gone, drafted, stands))) == stands.drafted_at


def test_an_update_without_news_says_since_when(course: Course) -> None:
    stands = told(course, 0, facts_mark(course.snapshot))
    later = replace(course.snapshot, now=NOW + timedelta(minutes=30))
    (fresh,) = draft(later, "x#1", "update", ["status_page"], ["en"]).texts
    (stale,) = draft(replace(later, statements=(stands,)), "x#1", "update", ["status_page"], ["en"]).texts
    assert fresh.text != stale.text
    assert f"{stands.drafted_at:%H:%M}" in stale.text

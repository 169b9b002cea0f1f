"""Promises of the next word: which there were, which were kept, and how the review tells them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from desk.review_page import page
from engine import promise
from engine.promise import Promise, promises
from engine.review import markdown, outcome, review
from engine.statements import Statement
from engine.timeline import Entry
from tests.example_house import NOW, Course, example_playbook


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def said(number: int, live: float | None, due: float | None = None, message: str = "update", **more: Any) -> Statement:
    """Statement `ST-number`, live so many minutes after the declaration, that promises the next word for `due`."""
    fields = {
        "id": number,
        "key": f"INC-1-abc/{number}",
        "incident": 1,
        "step": f"next_update#{number}",
        "message": message,
        "texts": (),
        "status": "drafted" if live is None else "live",
        "drafted_at": at((live or 0) - 5),
        "live_at": None if live is None else at(live),
        "next_update_at": None if due is None else at(due),
    }
    return Statement.model_validate(fields | more)


def judged(*statements: Statement, now: float) -> list[tuple[str, bool | None, float | None]]:
    """Statement, whether it was kept, and how many minutes late."""
    found = promises(statements, at(now))
    return [(one.statement, one.kept, one.late_by and one.late_by / timedelta(minutes=1)) for one in found]


def test_the_next_word_keeps_a_promise_or_comes_late() -> None:
    first, late, last = said(1, 10, 40, "holding"), said(2, 47, 80), said(3, 80)
    assert judged(first, late, last, now=300) == [("ST-1", False, 7), ("ST-2", True, None)]
    [broken, kept] = promises([last, first, late], at(300))
    assert (broken.promised_at, broken.due, broken.kept_at, broken.kept_by) == (at(10), at(40), at(47), "ST-2")
    assert kept.kept_by == "ST-3"


def test_a_promise_is_open_until_its_time_and_broken_from_then_on() -> None:
    assert judged(said(1, 10, 40), now=40) == [("ST-1", None, None)]
    assert judged(said(1, 10, 40), now=41) == [("ST-1", False, 1)]
    assert judged(said(1, 10, 40), said(2, None), now=70) == [("ST-1", False, 30)], "a draft is no word to the public"


@pytest.mark.parametrize("message", ["holding_ash", "update_strike", "correction", "resolution_ash", "apology"])
def test_any_word_on_the_disruption_keeps_it(message: str) -> None:
    assert judged(said(1, 10, 40), said(2, 30, None, message), now=300) == [("ST-1", True, None)]


def test_a_notice_of_rights_is_no_news_and_takes_no_promise_away() -> None:
    holding, rights = said(1, 10, 40, "holding"), said(2, 20, None, "rights_eu")
    assert judged(holding, rights, now=300) == [("ST-1", False, 260)]
    course = Course(example_playbook())
    course.apply((holding, rights), (), ())
    assert promise.standing(course.snapshot) == course.snapshot.statements[0]


def test_a_correction_that_repeats_the_promise_takes_it_over() -> None:
    wrong, right = said(1, 10, 40, "holding"), said(2, 20, 40, "correction", corrects="INC-1-abc/1")
    assert judged(wrong, right, now=30) == [("ST-2", None, None)]
    assert judged(wrong, right, said(3, 55), now=60) == [("ST-2", False, 15)]
    other = right.model_copy(update={"next_update_at": at(60)})
    assert judged(wrong, other, now=30) == [("ST-1", True, None), ("ST-2", None, None)]


def test_what_counts_is_when_it_could_be_read_not_when_it_was_drafted() -> None:
    stuck = said(2, 90, None, drafted_at=at(1))
    assert judged(said(1, 10, 40), stuck, now=300) == [("ST-1", False, 50)]


# ---------------------------------------------------------------- the end of the incident


def ended(minutes: float, *statements: Statement, status: str = "resolved") -> Course:
    course = Course(example_playbook(), status=status)
    course.apply(statements, (), ())
    incident = course.snapshot.incident.model_copy(update={"status_at": at(minutes)})
    course.snapshot = course.snapshot.__class__(**{**vars(course.snapshot), "incident": incident})
    return course


def test_a_promise_made_for_after_the_end_stands_until_the_last_word() -> None:
    course = ended(30, said(1, 10, 40))
    assert promise.standing(course.snapshot)
    assert promise.standing(ended(45, said(1, 10, 40)).snapshot) is None, "its alarm was raised while it was live"
    assert promise.standing(ended(30, said(1, 10, 40), status="reviewed").snapshot) is None
    assert promise.standing(ended(30, said(1, 10, 40), said(2, 35, None, "resolution")).snapshot) is None


# ---------------------------------------------------------------- the review

STATEMENTS = (said(1, 10, 40, "holding"), said(2, 47, 80), said(3, 80, 110), said(4, 100, 400))


def told(*statements: Statement, minutes: float = 120, entries: Sequence[Entry] = ()) -> Any:
    course = Course(example_playbook())
    course.apply(statements, (), ())
    course.pass_time(minutes)
    return review(course.snapshot, entries)


def test_the_review_lists_each_promise_and_the_share_kept() -> None:
    found = told(*STATEMENTS)
    assert [one.kept for one in found.promises] == [False, True, True, None]
    assert found.share_kept == pytest.approx(2 / 3)
    part = next(part for part in found.parts if part.name == "Updates as promised")
    assert part.share == pytest.approx(2.5 / 3)
    assert part.because == "2 of 3 given in time"
    assert any("1 of 4 promised updates came late or not at all, by up to 7 min." in f.what for f in found.findings)


def test_without_statements_there_are_no_promises() -> None:
    assert promises((), NOW) == ()


def test_no_promise_no_section_and_no_share() -> None:
    found = told(said(1, 10, None))
    assert found.share_kept is None
    assert "<h3>Promises</h3>" not in page(found, [])
    assert "<h3>Promises</h3>" in page(told(*STATEMENTS), [])
    assert "## Promises" not in markdown(found, [])


def test_the_page_and_the_markdown_say_by_how_much() -> None:
    found = told(*STATEMENTS)
    shown = page(found, [])
    assert "2 of 3 kept (67%)." in shown
    assert "broken: 7 min late" in shown
    assert "still open" in shown
    text = markdown(found, [])
    assert "| ST-1 | 2026-11-22 04:50 | 2026-11-22 04:57, ST-2 | broken: 7 min late |" in text
    assert "| ST-4 | 2026-11-22 10:50 | – | still open |" in text


def test_a_promise_that_nothing_followed_is_told_as_such() -> None:
    [one] = told(said(1, 10, 40), minutes=70).promises
    assert outcome(one) == "broken: 30 min late, and nothing came"
    assert Promise.model_validate(one.model_dump(mode="json")) == one

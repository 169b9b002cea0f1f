"""Hours worked: from the later of three instants to the earliest of four, in elapsed time."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.callout import Answer, CallOut, Invitation
from engine.hours import hours, in_words, left, placed, spared

STARTS = datetime(2026, 11, 22, 6, tzinfo=UTC)
SLOT = CallOut(
    key="c", incident=7, step="volunteers#1", opens_at=STARTS, quota=3, starts_at=STARTS,
    ends_at=STARTS + timedelta(hours=8),
)  # fmt: skip


def at(hour: float) -> datetime:
    """So many hours after the slot begins."""
    return STARTS + timedelta(hours=hour)


def placed_at(hour: float, slot: CallOut = SLOT, **more: object) -> Invitation:
    said = Invitation(
        key="c/anna", incident=7, callout="c", person="anna", wave=1, asked_at=at(-3),
        **{"answer": Answer.YES, "answered_at": at(-2), **more},
    )  # fmt: skip
    return placed(slot, said, at(hour))


def worked(invitation: Invitation, now: float = 100, slot: CallOut = SLOT) -> float | None:
    found = hours(slot, invitation, at(now))
    return found.worked / timedelta(hours=1) if found else None


@pytest.mark.parametrize(
    ("place", "more", "expected"),
    [
        (-1, {}, 8),
        (2, {}, 6),
        (-1, {"comes_at": at(3)}, 5),
        (2, {"comes_at": at(1)}, 6),
        (-1, {"comes_at": at(-2)}, 8),
    ],
)
def test_they_begin_with_the_latest_of_slot_place_and_coming(place: float, more: dict, expected: float) -> None:
    assert worked(placed_at(place, **more)) == expected


def test_whoever_waited_is_counted_from_when_a_place_came_free() -> None:
    assert worked(placed_at(3, answered_at=at(-2))) == 5


@pytest.mark.parametrize(("released", "expected"), [(5, 5), (20, 8), (-1, None), (0, None)])
def test_they_end_with_the_slot_or_the_release(released: float, expected: float | None) -> None:
    one = placed_at(-1).model_copy(update={"released_at": at(released)})
    assert worked(one) == expected
    assert spared(one) == (expected is None)


def test_while_somebody_works_they_count_until_now() -> None:
    assert worked(placed_at(-1), now=2.5) == 2.5
    assert worked(placed_at(-1), now=-0.5) is None


def test_whoever_breaks_off_keeps_the_hours_before_and_after() -> None:
    one = placed_at(-1)
    gone = left(one, one.model_copy(update={"answer": Answer.NO}), at(2))
    assert worked(gone) == 2
    again = left(gone, gone.model_copy(update={"answer": Answer.NO}), at(4))
    assert worked(again) == 2, "saying no again later is no work"
    back = placed(SLOT, again.model_copy(update={"answer": Answer.YES}), at(5))
    assert worked(back) == 5
    assert worked(left(back, back.model_copy(update={"answer": Answer.NO}), at(6))) == 3


def test_whoever_gives_the_place_back_before_the_beginning_has_none() -> None:
    one = placed_at(-1)
    assert worked(left(one, one.model_copy(update={"answer": Answer.NO}), at(-0.5))) is None


def test_whoever_never_had_a_place_has_none() -> None:
    waiting = Invitation(
        key="c/bea", incident=7, callout="c", person="bea", wave=1, asked_at=at(-3), answer=Answer.YES, too_late=True
    )
    assert worked(waiting) is None
    assert left(waiting, waiting, at(1)).left_at is None


def test_whoever_accepted_before_beginnings_were_noted_counts_from_the_answer() -> None:
    old = placed_at(-1).model_copy(update={"begins_at": None, "answered_at": at(1)})
    assert worked(old) == 7


@pytest.mark.parametrize(
    ("night", "hour"),
    [
        (datetime(2026, 10, 24, 22, tzinfo=UTC), "00:00 to 07:00"),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), "00:00 to 09:00"),
    ],
)
def test_eight_hours_are_eight_hours_in_the_night_the_clocks_change(night: datetime, hour: str) -> None:
    from zoneinfo import ZoneInfo

    slot = SLOT.model_copy(update={"starts_at": night, "ends_at": night + timedelta(hours=8)})
    one = placed(slot, placed_at(-1).model_copy(update={"begins_at": None}), night - timedelta(hours=1))
    found = hours(slot, one, night + timedelta(days=1))
    assert found
    local = [instant.astimezone(ZoneInfo("Europe/Amsterdam")) for instant in (found.begin, found.end)]
    assert " to ".join(f"{instant:%H:%M}" for instant in local) == hour
    assert found.worked == timedelta(hours=8)
    assert in_words(slot, one, found.end)["worked"] == "8 h"

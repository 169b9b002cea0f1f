"""Which instant a time means that somebody wrote: the next such time where they live. No words are read here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from engine.plain_grammar import PERIODS

SMALL_HOURS = 4
"""Before this hour “tomorrow” may mean today: it is asked."""
MORNING_FROM = 7
"""“Tomorrow at 3” may be the night or the afternoon: it is asked. From this hour on it is the morning."""


@dataclass(frozen=True)
class Clock:
    """A time of the day as it was written."""

    hour: int
    minute: int = 0
    exact: bool = False
    """False: on a clock of twelve hours, so that 7 may be 19."""
    sure: bool = True
    """False: it may be a span, unless a day or a part of the day stands beside it."""


@dataclass(frozen=True)
class Day:
    """A day, counted from today, and a part of the day; None and empty where only the other was said."""

    day: int | None
    period: str


def clock(match: re.Match[str], numbers: Mapping[str, int], *, add: int, sign: int, sure: bool) -> Clock:
    """Read the groups `h`, `m`, `half` (am, pm) and `n` of a time. Raises ValueError for 25:00 and 19 pm."""
    given: dict[str, Any] = match.groupdict()
    hour, minute, half = _number(given["h"], numbers), int(given.get("m") or 0), given.get("half") or ""
    if hour > 23 or minute > 59 or (half and not 1 <= hour <= 12):
        raise ValueError(match[0])
    exact = bool(half) or hour > 12 or hour == 0 or given["h"].startswith("0")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    total = hour * 60 + minute + add + sign * (_number(given["n"], numbers) if sign else 0)
    return Clock(total // 60 % 24, total % 60, exact, sure)


def _number(text: str, numbers: Mapping[str, int]) -> int:
    return numbers[text] if text in numbers else int(text)


def resolve(clock: Clock, day: int | None, period: str, now: datetime) -> datetime | None:
    """Find the instant, aware UTC. None when it is not clear which is meant, or it has passed.

    `now` is aware and in the writer's time zone, whose changes to and from summer time are kept. Raises ValueError
    for what there is not, such as 19:00 in the morning.
    """
    hours = {clock.hour} if clock.exact else {clock.hour % 12, clock.hour % 12 + 12}
    if period:
        hours &= PERIODS[period]
        if len(hours) != 1:
            raise ValueError(f"there is no {clock.hour} o'clock in the {period}")
    elif day == 1:
        if not clock.exact and not MORNING_FROM <= clock.hour <= 12:
            return None
        hours = {clock.hour}
    if day == 1 and now.hour < SMALL_HOURS:
        return None
    dates = [now.date() + timedelta(days=one) for one in ((0, 1) if day is None else (day,))]
    found = [at for on in dates for hour in hours for at in _instants(on, time(hour, clock.minute), now)]
    return min((at for at in found if at > now.astimezone(UTC)), default=None)


def _instants(on: date, at: time, now: datetime) -> list[datetime]:
    """The instants with this wall-clock time: two in the hour that comes twice, else one.

    In the hour that the change to summer time leaves out it is the instant an hour later by the new time.
    """
    return [datetime.combine(on, at, now.tzinfo).replace(fold=fold).astimezone(UTC) for fold in (0, 1)][
        : 2 if _twice(on, at, now) else 1
    ]


def _twice(on: date, at: time, now: datetime) -> bool:
    first, second = (datetime.combine(on, at, now.tzinfo).replace(fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    return before is not None and after is not None and before > after

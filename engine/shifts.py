"""Shifts: stretches on duty, and weekly patterns such as `Mon-Fri 09:00-17:00` that are expanded when looked at.

A pattern is kept as it was written and expanded for the days in question, so it never runs out and follows the
clock change of its time zone. Who has which shifts is in `engine.people`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engine.record import Instant, Value

LONGEST = timedelta(hours=16)
"""A longer shift is a slip of the pen: Directive 2003/88/EC leaves 13 hours a day (24 less 11 of rest), and exceptions
with compensatory rest (article 17) do not reach beyond 16 in practice."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
WEEK = timedelta(days=7)

_WEEKLY = re.compile(r"(?P<days>[A-Za-z,\- ]+?)\s+(?P<start>\d{1,2}:\d\d)\s*[-–]\s*(?P<end>\d{1,2}:\d\d)")


class Shift(Value):
    """A stretch on duty, half open: from `start` up to `end`."""

    start: Instant
    end: Instant


class ShiftError(ValueError):
    """A shift that can't be; the message says what to write instead."""


class Weekly(NamedTuple):
    """One shift of every week, in wall-clock time."""

    weekday: int
    """0 is Monday."""
    start: timedelta
    """After local midnight."""
    length: timedelta

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Place it on a day, in UTC.

        A time that the clock change skips is read as an hour later, one that comes twice as its first.
        """
        begin = datetime.combine(day, time()) + self.start
        end = begin + self.length
        return begin.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def weekly(pattern: str) -> tuple[Weekly, ...]:
    """Read a pattern: parts such as `Mon-Fri 09:00-17:00`, separated by `;`. Raises ShiftError."""
    found = [one for part in pattern.split(";") if part.strip() for one in _part(part.strip())]
    found.sort()
    for one, other in zip(found, [*found[1:], *found[:1]], strict=True):
        if len(found) > 1 and _end(one) > _begin(other) + (WEEK if other is found[0] else timedelta()):
            raise ShiftError(f"{pattern!r} has two shifts at once on {DAYS[other.weekday].title()}; keep one of them")
    return tuple(found)


def _begin(one: Weekly) -> timedelta:
    return one.weekday * DAY + one.start


def _end(one: Weekly) -> timedelta:
    return _begin(one) + one.length


def _part(part: str) -> Iterator[Weekly]:
    match = _WEEKLY.fullmatch(part)
    if not match:
        raise ShiftError(
            f"{part!r} is no shift; write Mon-Fri 09:00-17:00, Tue 22:00-06:00 or 2026-11-22T06:00Z/2026-11-22T14:00Z"
        )
    start, end = _clock(match["start"], part), _clock(match["end"], part)
    length = end - start if end > start else end - start + DAY
    if length > LONGEST:
        raise ShiftError(f"{part!r} lasts {length / timedelta(hours=1):g} hours; a shift lasts at most 16, divide it")
    for weekday in _weekdays(match["days"], part):
        yield Weekly(weekday, start, length)


def _clock(text: str, part: str) -> timedelta:
    hours, minutes = (int(number) for number in text.split(":"))
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ShiftError(f"{part!r}: {text} is no time of day; write 00:00 to 24:00")
    return timedelta(hours=hours, minutes=minutes)


def _weekdays(text: str, part: str) -> list[int]:
    days: list[int] = []
    for piece in text.lower().replace(" ", "").split(","):
        ends = piece.split("-")
        if len(ends) > 2 or any(end[:3] not in DAYS or not _is_day(end) for end in ends):
            raise ShiftError(f"{part!r}: {piece!r} is no day; write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or Mon-Fri")
        first, last = DAYS.index(ends[0][:3]), DAYS.index(ends[-1][:3])
        days += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    if len(days) != len(set(days)):
        raise ShiftError(f"{part!r} names a day twice; name each once")
    return days


def _is_day(text: str) -> bool:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return text in DAYS or text in names


def expand(pattern: str, zone: str, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Expand a pattern into the shifts that touch [start, end), in UTC, in order. Raises ShiftError."""
    tz = ZoneInfo(zone)
    first, last = start.astimezone(tz).date() - DAY, end.astimezone(tz).date()
    return tuple(span for span in _days(pattern, zone, first, last) if span[0] < min(span[1], end) and span[1] > start)


@lru_cache(maxsize=8192)
def _days(pattern: str, zone: str, first: date, last: date) -> tuple[tuple[datetime, datetime], ...]:
    """Expand a pattern for all shifts that begin from `first` to `last`. Cached: many people share a pattern."""
    tz, shifts = ZoneInfo(zone), weekly(pattern)
    days = [first + DAY * count for count in range((last - first).days + 1)]
    return tuple(one.on(day, tz) for day in days for one in shifts if one.weekday == day.weekday())

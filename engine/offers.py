"""Extra shifts: which of those that rest, leave and working hours allow closes most of the gap.

Asking is `engine.callout`, the rules of rest are `engine.choice`, the gap is `engine.roster`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from engine.choice import WEEK, rested, within_week
from engine.demand import SLOT
from engine.house import Rest
from engine.people import Person, overlapping, spans_between

Span = tuple[datetime, datetime]
"""From, up to; aware UTC."""

LEAST_GAIN = 2
"""Half hours of the gap that an extra shift must close to be worth asking for."""


@dataclass(frozen=True)
class Bounds:
    """What every offer must keep to."""

    start: datetime
    """Beginning of the first half hour of the plan."""
    earliest: datetime
    """Nobody is asked to begin before."""
    shortest: timedelta
    rest: Rest


def best_shift(
    person: Person,
    helps: Sequence[bool],
    bounds: Bounds,
    liked: Collection[Span] = (),
    promised: Sequence[Span] = (),
) -> Span | None:
    """Choose the extra shift that closes most of the gap; None when none closes an hour of it.

    `helps`: for each half hour of the plan, whether the person would fill an empty seat in it. One in which they
    would not counts half against the shift. Between like ones those in `liked` come first, so that many people
    share one shift, then the earlier, then the shorter. `promised`: shifts beside those in the people file.
    """
    fewest = max(1, ceil(bounds.shortest / SLOT))
    end = bounds.start + len(helps) * SLOT
    shifts = [*spans_between(person, bounds.start - WEEK, end + WEEK), *promised]
    filled = [0]
    for one in helps:
        filled.append(filled[-1] + one)
    best: tuple[tuple[float, int, int], Span] | None = None
    for first in range(len(helps) - fewest + 1):
        begin = bounds.start + first * SLOT
        if begin < bounds.earliest or filled[-1] - filled[first] < LEAST_GAIN:
            continue
        for length in range(fewest, longest(person, shifts, begin, end, bounds.rest, fewest) + 1):
            gain = filled[first + length] - filled[first]
            span = (begin, begin + length * SLOT)
            worth = (gain - (length - gain) / 2 + (span in liked), -first, -length)
            if gain >= LEAST_GAIN and (best is None or worth > best[0]):
                best = worth, span
    return best[1] if best else None


def longest(person: Person, shifts: Sequence[Span], begin: datetime, end: datetime, rest: Rest, fewest: int) -> int:
    """Count the half hours that an extra shift from `begin` may last, at most until `end`; 0 below `fewest`.

    What is allowed for one length is allowed for every shorter one, so halving finds the longest.
    """

    def allowed(length: int) -> bool:
        over = begin + length * SLOT
        return (
            not overlapping(((away.start, away.end) for away in person.leave), begin, over)
            and rested(shifts, begin, over, rest)
            and within_week(person, shifts, begin, over, rest)
        )

    low, high = fewest, min(int((end - begin) / SLOT), int(rest.longest_shift / SLOT))
    if high < low or not allowed(low):
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if allowed(middle) else (low, middle - 1)
    return low

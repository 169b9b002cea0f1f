"""How many people an hour-long promise takes: what one half hour leaves behind is answered in the next.

Not for promises of seconds or few minutes: those are `engine.erlang`. The reasoning, what was measured, and the
limits are in docs/staffing.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log, sqrt

LONGEST_QUEUE = 48
"""Half hours that one unbroken queue is followed for: a day."""

VARIABILITY = 2.0
"""Variance per message of the work that comes and goes: 1 for Poisson arrivals, 1 for exponential handling times."""

_SLACK = 1e-9


@dataclass(frozen=True)
class Work:
    """What is to be answered, and how fast; counted in half hours and messages."""

    messages: Sequence[float]
    """Expected in each half hour."""
    wait: float
    """How long a message may wait before somebody takes it up, in half hours."""
    per_head: float
    """Messages that one person answers in half an hour."""
    share: float
    """So much of each half hour's messages must keep the promise; below 1."""
    waiting: float = 0.0
    """Messages that wait already at the beginning."""
    oldest: float = 0.0
    """How long the oldest of them has waited, in half hours."""


def shortest_promise(handling_s: float, share: float) -> float:
    """Say how many seconds the reply itself takes for `share` of the messages: nothing shorter can be promised.

    The quantile of exponential handling times with mean `handling_s`.
    """
    return handling_s * log(1 / (1 - share))


def longest_wait(within_s: float, handling_s: float, share: float) -> float:
    """Say how long a message may wait, in seconds, so that its reply leaves within `within_s` for `share` of them.

    Less than `within_s` minus the mean handling time, for the reply is sometimes slow when the wait was long too.
    With a wait whose tail falls at the rate r = ln(1/(1 - share)) / wait, an exponential handling time costs as much
    as -ln(1 - r·handling) / r of certain delay; r depends on the wait, hence the iteration. Negative: can't be done.
    """
    most = shortest_promise(handling_s, share)
    cost = handling_s
    for _ in range(30):
        rate = log(1 / (1 - share)) / (within_s - cost) if within_s > cost else 1 / handling_s
        cost = min(most, -log(1 - rate * handling_s) / rate) if rate * handling_s < 1 else most
    return within_s - cost


def heads_needed(work: Work) -> list[int]:
    """Find the staff of each half hour with which the promise holds: the lowest peak, then the lowest rest.

    First in, first out, so the age of the oldest waiting message decides. A message that came in at t is taken up in
    time when, however long the queue has lasted by then, since s say, the people from s to t + wait can answer all
    that came in from s to t (Reich, Annals of Mathematical Statistics 29, 1958). Each such window asks for so many
    people. The window that asks for most is staffed first and evenly, then the next, as in Yao, Demers and Shenker,
    "A scheduling model for reduced CPU energy", 1995, which gives the lowest peak; levels are whole people.
    """
    arrived = _arrived(work.messages)
    windows = [_windows(work, arrived, start) for start in range(len(work.messages))]
    heads: list[int | None] = [None] * len(work.messages)
    peak = max((ceil(asked / (end - start)) for start, ends in enumerate(windows) for end, asked in ends), default=0)
    for level in range(peak, 0, -1):
        for start, ends in enumerate(windows):
            _staff(heads, start, ends, level)
    return [head or 0 for head in heads]


def _arrived(messages: Sequence[float]) -> list[float]:
    total, arrived = 0.0, [0.0]
    for count in messages:
        total += count
        arrived.append(total)
    return arrived


def _until(work: Work, arrived: list[float], instant: float) -> float:
    """Count what came in up to an instant, steadily within a half hour; negative while `waiting` came in.

    What has waited too long can't be answered in time any more: it counts as just about to be late.
    """
    if instant < 0:
        oldest = min(work.oldest, work.wait)
        return -work.waiting * min(1.0, -instant / oldest) if oldest else -work.waiting
    whole = min(floor(instant), len(work.messages))
    part = (instant - whole) * work.messages[whole] if whole < len(work.messages) else 0.0
    return arrived[whole] + part


def _windows(work: Work, arrived: list[float], start: int) -> list[tuple[float, float]]:
    """List (end, people times half hours that it asks for) of the windows from `start`, by end.

    Ends are those of half hours, and the instants by which a half hour's last message must be taken up; between
    two of them everything is a straight line. On top of the mean comes the chance that more arrives or handling is
    slower: with Brownian fluctuations P(excess > z·sd) <= exp(-z²/2), and half of what may go wrong is left to the
    case that several windows are critical together.
    """
    last = min(len(work.messages), start + LONGEST_QUEUE + ceil(work.wait))
    ends = {float(end) for end in range(start + 1, last + 1)}
    ends |= {end + work.wait for end in range(start, last + 1) if end + work.wait < last}
    before = arrived[start] - (work.waiting if start == 0 else 0.0)
    z = sqrt(2 * log(2 / (1 - work.share)))
    windows = []
    for end in sorted(ends - {float(start)}):
        due = _until(work, arrived, end - work.wait) - before
        if due > _SLACK:
            windows.append((end, (due + z * sqrt(VARIABILITY * due)) / work.per_head))
    return windows


def _staff(heads: list[int | None], start: int, ends: list[tuple[float, float]], level: int) -> None:
    """Give `level` to the open half hours of the windows from `start` that one fewer would not satisfy."""
    there, still_open, reached = 0, 0, start
    for end, asked in ends:
        while reached + 1 <= end:
            head = heads[reached]
            there, still_open = (there, still_open + 1) if head is None else (there + head, still_open)
            reached += 1
        part = end - reached
        partly = heads[reached] if part else 0
        have = there + (level - 1) * still_open + part * (level - 1 if partly is None else partly)
        if have < asked - _SLACK:
            for slot in range(start, ceil(end)):
                if heads[slot] is None:
                    heads[slot] = level
            there, still_open = there + level * still_open, 0

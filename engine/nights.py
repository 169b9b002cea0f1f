"""One call-out played by the minute among people whose answers are drawn: waves go out, answers come in.

How many are asked at each look is the planner's; planners are compared in `engine.simulation`.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import shake_256
from math import exp, inf, log
from statistics import NormalDist
from struct import unpack

from engine.pace import ANSWERED_WITHIN, Pace
from engine.rates import PRIOR, PRIOR_WORTH, quantile
from engine.waves import CONFIDENCE, RESPOND_WITHIN, Belief

MINUTE = timedelta(minutes=1)
NORMAL = NormalDist()


@dataclass(frozen=True)
class Night:
    """What the world draws from, anew for each seed. Each person answers alike whenever they are asked."""

    rate: float = PRIOR["slack"]
    """Mean share that says yes within ANSWERED_WITHIN."""
    worth: float = PRIOR_WORTH
    """The night's rate is drawn from Beta(rate·worth, (1 - rate)·worth)."""
    declines: float = 0.2
    """Share that says no."""
    median: timedelta = timedelta(minutes=8)
    """Of the time that answers take; the night's own is lognormal around it."""
    median_spread: float = 0.5
    spread: tuple[float, float] = (0.6, 1.4)
    """Spread of the answers' lognormal: the night's own is drawn evenly from this range."""


@dataclass(frozen=True)
class Terms:
    """What the call-out is held to."""

    people: int
    quota: int
    deadline: timedelta = timedelta(hours=1)
    respond_within: timedelta = RESPOND_WITHIN
    waves: int = 4
    confidence: float = CONFIDENCE


class TruePace(Pace):
    """What only an oracle knows: the night's own pace, late answers included."""

    def come_in(self, waited: timedelta) -> float:
        return self._share(waited) / self._share(ANSWERED_WITHIN) if waited > timedelta() else 0.0


@dataclass(frozen=True)
class Played:
    """How many were asked, and how many of them said yes by the deadline."""

    asked: int
    yes: int


@dataclass(frozen=True)
class Drawn:
    """One night: what each person says, in the order in which they are asked, and after how many minutes."""

    rate: float
    pace: TruePace
    says_yes: bytearray
    after: "array[float]"
    """Infinite for who never answers."""

    def yeses(self, first: int, end: int, minutes: float) -> int:
        """Count who of the people from `first` to before `end` says yes within so many minutes."""
        answers = zip(self.says_yes[first:end], self.after[first:end], strict=True)
        return sum(1 for yes, after in answers if yes and after <= minutes)


def draw(seed: int, people: int, night: Night) -> Drawn:
    """Draw one night; the same seed gives the same night, on every machine and for good."""
    lots = _lots(seed, 3 + 2 * people)
    rate = quantile(Belief(night.rate * night.worth, (1 - night.rate) * night.worth), next(lots))
    median = night.median * exp(night.median_spread * NORMAL.inv_cdf(next(lots)))
    quick, slow = night.spread
    pace = TruePace(median, quick + (slow - quick) * next(lots))
    ever = min(1.0, rate * pace.come_in(timedelta(days=30)))
    middle, answers = log(median / MINUTE), ever + night.declines
    says_yes, after = bytearray(people), array("d", [inf]) * people
    for person, (says, when) in enumerate(zip(lots, lots, strict=True)):
        if says < answers:
            says_yes[person] = says < ever
            after[person] = exp(middle + pace.spread * NORMAL.inv_cdf(when))
    return Drawn(rate, pace, says_yes, after)


def _lots(seed: int, count: int) -> Iterator[float]:
    """Give numbers between 0 and 1, evenly spread: 53 bits each of SHAKE-256 of the seed."""
    drawn = shake_256(f"night {seed}".encode()).digest(8 * count)
    return (((word >> 11) + 0.5) / 2**53 for word in unpack(f"<{count}Q", drawn))


@dataclass
class Look:
    """What is known when a wave can be asked."""

    wanted: int
    left: timedelta
    waves_left: int
    no: int = 0
    waited: list[timedelta] = field(default_factory=list)
    took: list[timedelta] = field(default_factory=list)
    """How long each yes took."""


Planner = Callable[[Look, Drawn], int]


def play(drawn: Drawn, terms: Terms, planner: Planner) -> Played:
    """Ask wave after wave, until enough have said yes, all waves are asked, or the deadline is there."""
    asked, now = 0, timedelta()
    waves: list[tuple[timedelta, int, int]] = []
    while now < terms.deadline and len(waves) < terms.waves:
        look = _look(drawn, terms, waves, now)
        if look.wanted <= 0:
            break
        count = min(planner(look, drawn), terms.people - asked)
        if count:
            waves.append((now, asked, asked + count))
            asked += count
        now += terms.respond_within
    return Played(asked, sum(drawn.yeses(first, end, (terms.deadline - at) / MINUTE) for at, first, end in waves))


def at_once(drawn: Drawn, terms: Terms, count: int) -> Played:
    """Ask so many at the beginning, or all there are, and nobody after."""
    count = min(count, terms.people)
    return Played(count, drawn.yeses(0, count, terms.deadline / MINUTE))


def _look(drawn: Drawn, terms: Terms, waves: Sequence[tuple[timedelta, int, int]], now: timedelta) -> Look:
    look = Look(terms.quota, terms.deadline - now, terms.waves - len(waves))
    for at, first, end in waves:
        had = (now - at) / MINUTE
        silent = 0
        for person in range(first, end):
            after = drawn.after[person]
            if after > had:
                silent += 1
                continue
            if drawn.says_yes[person]:
                look.took.append(after * MINUTE)
            else:
                look.no += 1
        look.waited.extend([now - at] * silent)
    look.wanted -= len(look.took)
    return look

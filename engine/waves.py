"""How many people to ask now, so that enough say yes by the deadline with a stated probability.

What is believed of the rate before anybody has answered is in `engine.rates`, how fast people answer in `engine.pace`,
whom to ask in `engine.choice`. The figures behind the targets: docs/simulation.md.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import asin, cos, exp, log, log1p, pi, sin, sqrt

from engine.pace import ANSWERED_WITHIN, USUAL, Pace, normal, observed, share_of, yet

CONFIDENCE = 0.9
"""Probability with which a call-out is to be full by its deadline."""

EARLIER = (0.6, 0.5, 0.4)
"""Probability that a wave is enough by itself where one, two, more waves can follow: what it lacks they make up."""

LAST_NEEDED = 1 / 3
"""In about so many call-outs the waves before the last are not enough, so sized (docs/simulation.md)."""

RESPOND_WITHIN = timedelta(minutes=15)

MOST = 5000
"""No wave is larger, however low the rate."""

CERTAIN = 1e6
"""A belief worth so many answers is taken as known."""

Silent = Sequence[tuple[timedelta, int]]
"""How long, and how many have had that long."""


@dataclass(frozen=True)
class Belief:
    """What is believed of the share that says yes within ANSWERED_WITHIN: a Beta distribution; and how fast they do."""

    yes: float
    no: float
    pace: Pace = USUAL

    @property
    def mean(self) -> float:
        return self.yes / (self.yes + self.no)

    @classmethod
    def known(cls, rate: float, pace: Pace) -> "Belief":
        """Build the belief of somebody who knows the rate."""
        return cls(rate * CERTAIN, (1 - rate) * CERTAIN, pace)


@dataclass(frozen=True)
class Forecast:
    """How many come by the deadline, those who accepted included; at most as many as are wanted."""

    mean: float
    low: int
    high: int
    """`low` to `high`: 80 % lie between."""
    chance: float
    """Probability that all who are wanted come."""


def learn(belief: Belief, yes: int, no: int, waited: Iterable[timedelta], took: Iterable[timedelta] = ()) -> Belief:
    """Correct a belief by what came in: yeses, noes, and how long each silent person has had.

    `took`: how long the answers took, which corrects the pace. A silent person counts as little against the rate as
    little time they had. The Beta distribution has that mean, and is worth the yeses that were seen: exact when
    everybody has answered or had the time.
    """
    silent = _grouped(waited)
    pace = observed(belief.pace, took, silent)
    seen = [(pace.come_in(one), count) for one, count in silent]
    people = belief.yes + belief.no + yes + no + sum(count for _, count in silent)
    mean = min(0.999, share_of(belief.yes + yes, people, seen, belief.mean))
    worth = (belief.yes + yes) / mean
    return Belief(mean * worth, (1 - mean) * worth, pace)


def size(
    wanted: int,
    belief: Belief,
    pending: Iterable[timedelta] = (),
    left: timedelta | None = None,
    confidence: float = CONFIDENCE,
    waves_left: int = 1,
    every: timedelta = RESPOND_WITHIN,
) -> int:
    """Find how many to ask now, so that `wanted` more say yes by the deadline; at most MOST.

    `pending`: how long each silent person has waited. `left`: until the deadline; None where there is none, so that
    everybody has the full time. With less left than a wave has, people are expected to come that much late.
    `waves_left`: how many waves may still be asked, this one included, as many as fit before the deadline, `every` so
    long. While others can follow, a wave is small (see `target`).
    """
    pending = tuple(pending)
    if left is not None:
        waves_left = min(waves_left, left // every)
        left = max(left, every)
    return smallest(wanted, belief, pending, left, target(confidence, waves_left, belief.pace, pending))


def target(confidence: float, waves_left: int, pace: Pace, pending: Iterable[timedelta] = ()) -> float:
    """Say with which probability this wave is to be enough.

    A first wave that is enough in nine cases of ten asks far too many in most of them, since the rate is unknown; a
    smaller one shows the rate, and the next makes up what it lacks. A last wave is then needed in one call-out of
    three, so it may fail three times as often as the whole: 1 - (1 - confidence) / LAST_NEEDED keeps the call-out at
    `confidence`. That holds as far as the answers to the earlier waves are in, so what it is relieved of is scaled by
    how much of their time the silent have had, of whom an answer may still come. A wave that is first and last, or
    follows long after the others, is sized for `confidence` itself.
    """
    if waves_left > 1:
        return min(confidence, EARLIER[min(waves_left - 2, len(EARLIER) - 1)])
    silent = [(waited, count) for waited, count in _grouped(pending) if waited < ANSWERED_WITHIN]
    people = sum(count for _, count in silent)
    had = sum(count * pace.come_in(waited) for waited, count in silent) / people if people else 0.0
    return max(0.0, 1 - (1 - confidence) / (1 - (1 - LAST_NEEDED) * had))


def smallest(wanted: int, belief: Belief, pending: Iterable[timedelta], left: timedelta | None, enough: float) -> int:
    """Find the least n with P(yeses of n + yeses still to come ≥ wanted by the deadline) ≥ `enough`, at most MOST."""
    if wanted <= 0:
        return 0
    crowd = _Crowd(belief, _grouped(pending), left)
    if crowd.chance(0, wanted) >= enough:
        return 0
    too_few, many = 0, max(4, wanted)
    while crowd.chance(many, wanted) < enough:
        if many >= MOST:
            return MOST
        too_few, many = many, min(MOST, many * 2)
    while many - too_few > 1:
        middle = (too_few + many) // 2
        too_few, many = (too_few, middle) if crowd.chance(middle, wanted) >= enough else (middle, many)
    return many


def forecast(
    belief: Belief,
    accepted: int,
    fresh: int,
    pending: Iterable[timedelta],
    wanted: int,
    left: timedelta | None = None,
) -> Forecast:
    """Foresee how many of `wanted` come by the deadline, of those who accepted, are silent, or are asked now (`fresh`).

    Further waves are not counted in: see `engine.simulation.outlook`.
    """
    missing = wanted - accepted
    if missing <= 0:
        return Forecast(float(accepted), accepted, accepted, 1.0)
    crowd = _Crowd(belief, _grouped(pending), left)
    chances = [crowd.chance(fresh, count) for count in range(1, missing + 1)]
    low = accepted + sum(1 for chance in chances if chance >= 0.9)
    high = accepted + sum(1 for chance in chances if chance > 0.1)
    return Forecast(accepted + sum(chances), low, high, chances[-1])


# ---------------------------------------------------------------- probabilities


def _grouped(pending: Iterable[timedelta]) -> Silent:
    return tuple(Counter(pending).items())


class _Crowd:
    """Those who are silent and those who are asked now, under every rate that is believed possible."""

    def __init__(self, belief: Belief, silent: Silent, left: timedelta | None):
        pace, left = belief.pace, ANSWERED_WITHIN if left is None else left
        spans = [(pace.come_in(waited), pace.come_in(waited + left), count) for waited, count in silent]
        fresh = pace.come_in(left)
        self.cases = []
        for rate, weight in possible(belief):
            chances = [(yet(rate, came, then), count) for came, then, count in spans]
            coming = sum(count * chance for chance, count in chances)
            squares = sum(count * chance * chance for chance, count in chances)
            self.cases.append((weight, min(1.0, rate * fresh), coming, squares))

    def chance(self, fresh: int, wanted: int) -> float:
        """Probability of at least `wanted` yeses.

        Given the rate, the yeses of people with unlike chances are taken as binomial with the same mean and variance:
        Σp² / Σp the chance, (Σp)² / Σp² the people.
        """
        found = 0.0
        for weight, each, coming, squares in self.cases:
            mean = fresh * each + coming
            if mean > 0:
                chance = (fresh * each * each + squares) / mean
                found += weight * at_least(wanted, mean / chance, chance)
        return min(1.0, found)


def possible(belief: Belief, steps: int = 41) -> list[tuple[float, float]]:
    """Replace the Beta distribution by a few rates with weights that add up to 1.

    Evenly over θ = arcsin √rate, in which its density sin^(2·yes - 1) cos^(2·no - 1) is smooth and about as wide
    everywhere: standard deviation 1 / (2·√worth).
    """
    mean, worth = belief.mean, belief.yes + belief.no
    if worth >= CERTAIN:
        return [(mean, 1.0)]
    middle, deviation = asin(sqrt(mean)), 0.5 / sqrt(worth)
    low, high = max(0.0, middle - 5 * deviation), min(pi / 2, middle + 5 * deviation)
    angles = [low + (step + 0.5) * (high - low) / steps for step in range(steps)]
    logs = [(2 * belief.yes - 1) * log(sin(one)) + (2 * belief.no - 1) * log(cos(one)) for one in angles]
    weights = [exp(one - max(logs)) for one in logs]
    total = sum(weights)
    found = zip(angles, weights, strict=True)
    return [(sin(angle) ** 2, weight / total) for angle, weight in found if weight > 1e-6 * total]


FEW = 6
"""Up to so many successes the binomial is added up, beyond it is approximated."""


def at_least(wanted: int, people: float, rate: float) -> float:
    """P(Binomial(people, rate) ≥ wanted); `people` need not be a whole number.

    By Camp and Paulson's approximation beyond FEW (Johnson, Kemp and Kotz, "Univariate Discrete Distributions", 3.6),
    which is off by less than 0.003 here.
    """
    if wanted <= 0:
        return 1.0
    if people < wanted - 1e-9 or rate <= 0:
        return 0.0
    if rate >= 1:
        return 1.0
    if wanted <= FEW:
        return 1 - _below(wanted, people, rate)
    others = people - wanted + 1
    a, b = 1 / (9 * others), 1 / (9 * wanted)
    root: float = (wanted * (1 - rate) / (rate * others)) ** (1 / 3)
    return normal(((1 - a) - (1 - b) * root) / sqrt(b * root * root + a))


def _below(wanted: int, people: float, rate: float) -> float:
    odds, term, total = rate / (1 - rate), exp(people * log1p(-rate)), 0.0
    for count in range(wanted):
        total += term
        term *= odds * (people - count) / (count + 1)
    return min(1.0, total)

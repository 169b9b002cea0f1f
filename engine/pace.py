"""How fast people answer: which share of those who will answer has done so after a while.

How many answer at all is in `engine.waves` and `engine.rates`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import erfc, exp, log, sqrt

ANSWERED_WITHIN = timedelta(minutes=45)
"""The time that every rate speaks of: a quarter say yes to a chat message within 45 minutes."""

MEDIANS = tuple(2 * 1.3**step for step in range(12))
"""Minutes, 2 to 36: the medians among which `observed` weighs."""

UNSURE = 0.7
"""Spread of the logarithm of the median before anybody has answered: two thirds lie within a factor of two."""

INSTANT = 0.1
"""Minutes; nobody answers faster."""


def normal(z: float) -> float:
    """Distribution function of the standard normal."""
    return 0.5 * erfc(-z / sqrt(2))


@dataclass(frozen=True)
class Pace:
    """Answers come as a lognormal has it: fast at first, then with a long tail.

    That is how replies to messages are timed (Stouffer, Malmgren and Amaral, arXiv:physics/0605027); the median and
    the spread are ours, and the median is corrected by the answers themselves.
    """

    median: timedelta = timedelta(minutes=9)
    spread: float = 1.1
    """Standard deviation of the logarithm."""

    def come_in(self, waited: timedelta) -> float:
        """Say which share of those who answer within ANSWERED_WITHIN have done so after `waited`, 0 to 1.

        Nobody is counted on after that time, though some will still answer.
        """
        if waited <= timedelta():
            return 0.0
        if waited >= ANSWERED_WITHIN:
            return 1.0
        return self._share(waited) / self._share(ANSWERED_WITHIN)

    def _share(self, waited: timedelta) -> float:
        return normal(log(waited / self.median) / self.spread)


USUAL = Pace()


def observed(pace: Pace, took: Iterable[timedelta], silent: Sequence[tuple[timedelta, int]]) -> Pace:
    """Correct the median by how long the answers took, with those who have not answered yet.

    `silent`: how long, and how many. Without them the answers of the first minutes would look like all there will be:
    the likelihood of a median m is Π r·f(t|m) over the answers times Π (1 - r·F(w|m)) over the silent, r being the
    share that answers. Weighed over MEDIANS with a lognormal prior around `pace`; the mean of the logarithm is taken.
    """
    logs = [log(max(INSTANT, one / timedelta(minutes=1))) for one in took]
    if not logs:
        return pace
    middle = log(pace.median / timedelta(minutes=1))
    scores = [_score(Pace(timedelta(minutes=median), pace.spread), logs, silent) for median in MEDIANS]
    scores = [score - 0.5 * ((log(m) - middle) / UNSURE) ** 2 for score, m in zip(scores, MEDIANS, strict=True)]
    weights = [exp(score - max(scores)) for score in scores]
    mean = sum(weight * log(median) for weight, median in zip(weights, MEDIANS, strict=True)) / sum(weights)
    return Pace(timedelta(minutes=exp(mean)), pace.spread)


def _score(pace: Pace, logs: Sequence[float], silent: Sequence[tuple[timedelta, int]]) -> float:
    """Logarithm of the likelihood, but for what is the same for every median."""
    minutes = log(pace.median / timedelta(minutes=1))
    seen = [(pace.come_in(waited), count) for waited, count in silent]
    share = share_of(len(logs), len(logs) + sum(count for _, count in seen), seen)
    within = normal((log(ANSWERED_WITHIN / timedelta(minutes=1)) - minutes) / pace.spread)
    score = -sum((one - minutes) ** 2 for one in logs) / (2 * pace.spread**2)
    score += len(logs) * (log(share) - log(within))
    return score + sum(count * log(max(1e-9, 1 - share * came)) for came, count in seen)


def share_of(successes: float, people: float, seen: Sequence[tuple[float, int]], start: float = 0.25) -> float:
    """Estimate a share from those who have answered and those who may still.

    `seen`: which share of the answers has come in after the time that so many silent people had. Each silent person
    counts as (1 - F)·p / (1 - F·p) of a success yet to come, by Bayes' rule; the share that reproduces itself is the
    answer (EM, Dempster and others 1977). With F = 0 they count for nothing, with F = 1 as failures.
    """
    share = start
    for _ in range(50):
        coming = sum(count * yet(share, came) for came, count in seen)
        better = (successes + coming) / people
        if abs(better - share) < 1e-6:
            break
        share = better
    return min(1.0, share)


def yet(share: float, came: float, then: float = 1.0) -> float:
    """Probability that somebody still silent says yes by the time that `then` of the yeses are in; `came` now are."""
    return max(0.0, share * (then - came) / (1 - share * came)) if share * came < 1 else 0.0

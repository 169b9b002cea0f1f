"""How many people to ask: the smallest number that yields enough yeses with a stated probability.

The rate comes from `House.answer_rate` (a trial, see docs/call-out.md) and is corrected by what comes in. Whom to ask
is in `engine.choice`.
"""

from collections.abc import Iterable
from datetime import timedelta

ANSWERED_WITHIN = timedelta(minutes=45)
"""The time that the prior rate speaks of: a quarter answer a chat message within 45 minutes."""

CONFIDENCE = 0.9
"""Probability with which a wave is to fill the call-out."""

PRIOR_WEIGHT = 10.0
"""How many people's answers the prior rate is worth against those that came in."""

MOST = 5000
"""No wave is larger, however low the rate."""


def exposure(waited: timedelta) -> float:
    """Say which share of those who will answer have done so after `waited`, 0 to 1.

    Linear up to ANSWERED_WITHIN: the trial gives one point, and a straight line is the least that can be said.
    """
    return min(1.0, max(0.0, waited / ANSWERED_WITHIN))


def rate(prior: float, yes: int, no: int, waited: Iterable[timedelta]) -> float:
    """Estimate the share that says yes: the prior, and what came in, each weighed by how many it stands for.

    `waited`: how long each unanswered one has had; who has had half the time counts as half a person asked.
    The mean of a Beta-Binomial with exposure: (prior weight + yes) / (weight + yes + no + exposure of the silent).
    """
    asked = yes + no + sum(map(exposure, waited))
    return (prior * PRIOR_WEIGHT + yes) / (PRIOR_WEIGHT + asked)


def still_to_come(share: float, waited: timedelta) -> float:
    """Probability that somebody who has been silent for `waited` still says yes, by Bayes' rule."""
    seen = share * exposure(waited)
    return (share - seen) / (1 - seen) if seen < 1 else 0.0


def size(wanted: int, share: float, pending: Iterable[float] = (), confidence: float = CONFIDENCE) -> int:
    """Find the smallest n with P(Binomial(n, share) + pending yeses ≥ wanted) ≥ confidence.

    `pending`: the probability of each silent one to say yes yet. At most MOST.
    """
    if wanted <= 0:
        return 0
    short = [1.0] + [0.0] * (wanted - 1)  # short[k]: probability of exactly k yeses, for k below `wanted`
    for chance in pending:
        _add(short, chance)
    count = 0
    while 1 - sum(short) < confidence and count < MOST:
        _add(short, share)
        count += 1
    return count


def _add(short: list[float], chance: float) -> None:
    """Add one person who says yes with probability `chance`, in place."""
    for yeses in range(len(short) - 1, 0, -1):
        short[yeses] = short[yeses] * (1 - chance) + short[yeses - 1] * chance
    short[0] *= 1 - chance


def likelihood(wanted: int, chances: Iterable[float]) -> float:
    """Probability that at least `wanted` of these say yes."""
    if wanted <= 0:
        return 1.0
    short = [1.0] + [0.0] * (wanted - 1)
    for chance in chances:
        _add(short, chance)
    return max(0.0, 1 - sum(short))  # rounding may leave a hair below 0

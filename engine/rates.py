"""What is believed of the answer rate before a call-out, by lane and hour: the house's prior, and its own history.

How a belief is corrected while answers come in is in `engine.waves`; counting the history is in `state.history`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.waves import Belief, possible

PRIOR: Mapping[str, float] = {"slack": 0.25, "voice": 0.41, "sms": 0.16}
"""Lane → share that answers within 45 minutes at 04:00: 11, 18 and 7 of 44 (docs/call-out.md)."""

PRIOR_WORTH = 10.0
"""So many of a house's own answers weigh as much as the prior: that trial was another house on one night."""

LANE_WORTH = 20.0
"""What the lane's other hours, with the prior, are worth at most: by day people answer otherwise than at night."""

MOST_WORTH = 50.0
"""No belief is worth more, however long the history: one night is not like another."""

BANDS = ((0, 5), (6, 11), (12, 17), (18, 23))
"""First and last hour; whoever is asked within one answers about alike."""


@dataclass(frozen=True)
class Tally:
    """How many were asked, and how many of them said yes within 45 minutes."""

    asked: float = 0.0
    yes: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.asked + other.asked, self.yes + other.yes)


History = Mapping[tuple[str, int], Tally]
"""Lane and hour of the day where the person lives, 0 to 23 → what came of it."""


@dataclass(frozen=True)
class Row:
    """One lane in one part of the day, for people to look at."""

    lane: str
    first_hour: int
    last_hour: int
    asked: int
    yes: int
    rate: float
    """The mean of what is believed."""
    low: float
    high: float
    """`low` to `high`: the rate lies between with 80 %."""


def belief_for(lane: str, hour: int, prior: Mapping[str, float], history: History) -> Belief:
    """Say what is believed of a lane at an hour of the day, before anybody has answered.

    In three steps, each shrinking what was seen towards what is known from a wider view:
    the prior rate p₀ of the lane, worth PRIOR_WORTH answers;
    with the other bands of the day: p₁ = (10·p₀ + yes) / (10 + asked), worth min(10 + asked, LANE_WORTH);
    with this band: p₂ = (w₁·p₁ + yes) / (w₁ + asked), worth min(w₁ + asked, MOST_WORTH).
    Beta-Binomial updates with a limit to what each level may be worth; no answer is counted twice. A lane without a
    prior takes the lowest.
    """
    rate = _prior(lane, prior)
    band = _band(hour)
    here, elsewhere = Tally(), Tally()
    for (other, at), tally in history.items():
        if other == lane and _band(at) == band:
            here += tally
        elif other == lane:
            elsewhere += tally
    rate, worth = _shrunk(rate, PRIOR_WORTH, elsewhere, LANE_WORTH)
    rate, worth = _shrunk(rate, worth, here, MOST_WORTH)
    return Belief(rate * worth, (1 - rate) * worth)


def shown(history: History, prior: Mapping[str, float]) -> tuple[Row, ...]:
    """List what is believed of every lane that has a prior or a history, by band of the day."""
    lanes = [*prior, *sorted({lane for lane, _ in history} - prior.keys())]
    return tuple(_rows(lanes, history, prior))


def between(belief: Belief, share: float = 0.8) -> tuple[float, float]:
    """Give the central interval that holds the rate with probability `share`."""
    return quantile(belief, (1 - share) / 2), quantile(belief, (1 + share) / 2)


def quantile(belief: Belief, share: float) -> float:
    """Give the rate below which the true one lies with probability `share`."""
    below, rates = _ladder(belief.yes, belief.no)
    place = min(bisect_left(below, share), len(below) - 1)
    if place == 0:
        return rates[0]
    part = (share - below[place - 1]) / (below[place] - below[place - 1])
    return rates[place - 1] + min(1.0, part) * (rates[place] - rates[place - 1])


@lru_cache(maxsize=64)
def _ladder(yes: float, no: float) -> tuple[list[float], list[float]]:
    """Probabilities and the rates below which they lie; each rate stands in the middle of its own weight."""
    rates, below, seen = [], [], 0.0
    for rate, weight in possible(Belief(yes, no), 400):
        rates.append(rate)
        below.append(seen + weight / 2)
        seen += weight
    return below, rates


def _rows(lanes: list[str], history: History, prior: Mapping[str, float]) -> Iterator[Row]:
    for lane in lanes:
        for first, last in BANDS:
            tally = sum((t for (other, at), t in history.items() if other == lane and first <= at <= last), Tally())
            belief = belief_for(lane, first, prior, history)
            low, high = between(belief)
            yield Row(lane, first, last, round(tally.asked), tally.yes, belief.mean, low, high)


def _prior(lane: str, prior: Mapping[str, float]) -> float:
    known = {**PRIOR, **prior}
    return known[lane] if lane in known else min(known.values())


def _band(hour: int) -> tuple[int, int]:
    return next(band for band in BANDS if band[0] <= hour <= band[1])


def _shrunk(rate: float, worth: float, seen: Tally, most: float) -> tuple[float, float]:
    total = worth + seen.asked
    return (worth * rate + seen.yes) / total, min(total, most)

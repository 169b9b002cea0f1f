"""Call-outs played many times over, with rates that the planner doesn't know: is the quota met, how many are asked.

The planner is the real one (`engine.waves`). Drawing and writing down: `desk.simulating`. Assumptions and figures:
docs/simulation.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import inf, sqrt
from statistics import mean, quantiles

from engine.incident import NotAllowed
from engine.nights import Drawn, Look, Night, Planner, Played, Terms, at_once, draw, play
from engine.pace import UNSURE
from engine.rates import PRIOR, PRIOR_WORTH
from engine.waves import CONFIDENCE, RESPOND_WITHIN, Belief, learn, size, smallest

OURS, ORACLE, ONE_WAVE = "irrops", "oracle in waves", "oracle, one wave"
FOUR_TIMES, EVERYBODY = "quota times four", "everybody"

THRESHOLDS = tuple((early, last) for early in (0.3, 0.4, 0.5) for last in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9))
"""Probabilities that a wave is enough, before the last and for the last, among which the oracle's are chosen."""

TRIED_ON = 100
"""So many nights tell which thresholds ask few."""

FULLY_TRIED = 4

KEPT = 5_000_000
"""People over all nights up to which these are kept; beyond, to spare memory, they are drawn again when needed."""


@dataclass(frozen=True)
class Strategy:
    """How one way of asking did, night by night."""

    name: str
    asked: tuple[int, ...]
    yes: tuple[int, ...]
    """Yeses by the deadline, those beyond the quota included."""
    quota: int

    @property
    def met(self) -> int:
        return sum(1 for count in self.yes if count >= self.quota)

    @property
    def share(self) -> float:
        return self.met / len(self.yes) if self.yes else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The share's 95 % interval."""
        return wilson(self.met, len(self.yes))

    @property
    def mean(self) -> float:
        return mean(self.asked) if self.asked else 0.0

    @property
    def median(self) -> float:
        return _tenth(self.asked, 5)

    @property
    def p90(self) -> float:
        return _tenth(self.asked, 9)

    @property
    def too_many(self) -> float:
        """Mean number of people who would come for nothing."""
        return mean(max(0, count - self.quota) for count in self.yes) if self.yes else 0.0


@dataclass(frozen=True)
class Result:
    """All strategies on the same nights: those on which asking everybody at once would have met the quota."""

    terms: Terms
    night: Night
    seeds: int
    strategies: tuple[Strategy, ...]
    rates: tuple[float, ...]
    """The night's rate, in the order of the strategies' nights."""
    thresholds: tuple[float, float]
    """What the oracle aims at before the last wave, and with the last."""
    hopeless_asked: tuple[int, ...] = ()
    """How many we asked on the nights on which nobody could have met the quota."""

    @property
    def feasible(self) -> int:
        return len(self.rates)

    def of(self, name: str) -> Strategy:
        return next(one for one in self.strategies if one.name == name)

    def ratio(self, name: str = OURS, to: str = ORACLE) -> float:
        """People asked in all, over those whom another strategy asked."""
        other = sum(self.of(to).asked)
        return sum(self.of(name).asked) / other if other else inf


@dataclass(frozen=True)
class Outlook:
    """What a call-out that begins now will come to, all its waves counted in."""

    chance: float
    """Probability that the quota is met by the deadline."""
    asked: float
    asked_low: int
    asked_high: int
    """`asked_low` to `asked_high`: 80 % lie between."""
    come_low: int
    come_high: int


def simulate(
    people: int,
    quota: int,
    seeds: int,
    *,
    deadline: timedelta = timedelta(hours=1),
    respond_within: timedelta = RESPOND_WITHIN,
    waves: int = 4,
    confidence: float = CONFIDENCE,
    night: Night | None = None,
    believed: Belief | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Result:
    """Play a call-out `seeds` times by every strategy on the same nights. Raises NotAllowed.

    `believed`: what the planner starts from; without it the prior of Slack. The same arguments give the same result.
    """
    terms = Terms(people, quota, deadline, respond_within, waves, confidence)
    _check(terms, seeds)
    night, prior = night or Night(), PRIOR["slack"]
    nights = lru_cache(seeds if people * seeds <= KEPT else TRIED_ON)(lambda seed: draw(seed, people, night))
    planner = _ours(terms, believed or Belief(prior * PRIOR_WORTH, (1 - prior) * PRIOR_WORTH))
    everywhere: dict[str, list[Played]] = {OURS: [], ORACLE: [], ONE_WAVE: [], FOUR_TIMES: [], EVERYBODY: []}
    feasible, rates, hopeless = [], [], []
    for seed in range(seeds):
        drawn = nights(seed)
        ours = play(drawn, terms, planner)
        everybody = at_once(drawn, terms, people)
        if everybody.yes < quota:
            hopeless.append(ours.asked)
        else:
            feasible.append(seed)
            rates.append(drawn.rate)
            everywhere[OURS].append(ours)
            everywhere[ONE_WAVE].append(at_once(drawn, terms, _once(drawn, terms)))
            everywhere[FOUR_TIMES].append(at_once(drawn, terms, 4 * quota))
            everywhere[EVERYBODY].append(everybody)
        progress(0.5 * (seed + 1) / seeds)
    thresholds, everywhere[ORACLE] = _leanest(feasible, terms, nights, progress)
    progress(1.0)
    strategies = tuple(_strategy(name, played, quota) for name, played in everywhere.items())
    return Result(terms, night, seeds, strategies, tuple(rates), thresholds, tuple(hopeless))


def outlook(
    wanted: int,
    belief: Belief,
    people: int,
    left: timedelta,
    respond_within: timedelta = RESPOND_WITHIN,
    waves: int = 4,
    seeds: int = 200,
) -> Outlook:
    """Foresee a whole call-out that begins now, its later waves included, by playing it on nights as believed.

    `people`: how many may be asked. Always the same for the same arguments.
    """
    terms = Terms(people, wanted, left, respond_within, waves)
    night = Night(
        rate=belief.mean,
        worth=belief.yes + belief.no,
        median=belief.pace.median,
        median_spread=UNSURE,
        spread=(belief.pace.spread, belief.pace.spread),
    )
    planner = _ours(terms, belief)
    played = [play(draw(seed, people, night), terms, planner) for seed in range(seeds)]
    asked = sorted(one.asked for one in played)
    come = sorted(min(wanted, one.yes) for one in played)
    tenth, ninth = seeds // 10, seeds - 1 - seeds // 10
    chance = sum(1 for yes in come if yes >= wanted) / seeds
    return Outlook(chance, mean(asked), asked[tenth], asked[ninth], come[tenth], come[ninth])


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Give the interval of a share by Wilson's score (Journal of the American Statistical Association 22, 1927)."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


# ---------------------------------------------------------------- planners


def _ours(terms: Terms, prior: Belief) -> Planner:
    def planner(look: Look, drawn: Drawn) -> int:
        belief = learn(prior, len(look.took), look.no, look.waited, look.took)
        waves_left, every = look.waves_left, terms.respond_within
        return size(look.wanted, belief, look.waited, look.left, terms.confidence, waves_left, every)

    return planner


def _oracle(terms: Terms, thresholds: tuple[float, float]) -> Planner:
    def planner(look: Look, drawn: Drawn) -> int:
        further = look.waves_left > 1 and look.left >= 2 * terms.respond_within
        belief = Belief.known(drawn.rate, drawn.pace)
        return smallest(look.wanted, belief, look.waited, look.left, thresholds[0 if further else 1])

    return planner


def _once(drawn: Drawn, terms: Terms) -> int:
    belief = Belief.known(drawn.rate, drawn.pace)
    return min(terms.people, smallest(terms.quota, belief, (), terms.deadline, terms.confidence))


def _leanest(
    seeds: Sequence[int], terms: Terms, nights: Callable[[int], Drawn], progress: Callable[[float], None]
) -> tuple[tuple[float, float], list[Played]]:
    """Find the thresholds with which an oracle asks the fewest and still meets the quota in the stated share.

    Chosen in hindsight, on these very nights, to be as hard to match as can be: tried on some of them, then the
    cheapest on all, until FULLY_TRIED have met the share; where none does, the one that comes closest.
    """
    few = [nights(seed) for seed in seeds[:TRIED_ON]]
    tried = []
    for number, thresholds in enumerate(THRESHOLDS, 1):
        played = [play(one, terms, _oracle(terms, thresholds)) for one in few]
        tried.append((sum(one.asked for one in played), _met(played, terms.quota), thresholds))
        progress(0.5 + 0.3 * number / len(THRESHOLDS))
    near = sorted(one for one in tried if one[1] >= (terms.confidence - 0.05) * len(few))
    kept: list[tuple[int, int, tuple[float, float], list[Played]]] = []
    short = kept.copy()
    for number, (_, _, thresholds) in enumerate(near or [max(tried, key=lambda one: one[1])], 1):
        planner = _oracle(terms, thresholds)
        played = [play(nights(seed), terms, planner) for seed in seeds]
        asked, met = sum(one.asked for one in played), _met(played, terms.quota)
        (kept if met >= terms.confidence * len(seeds) else short).append((asked, -met, thresholds, played))
        progress(min(0.98, 0.8 + 0.03 * number))
        if len(kept) == FULLY_TRIED:
            break
    best = min(kept, key=lambda one: one[0]) if kept else min(short, key=lambda one: one[1])
    return best[2], best[3]


def _met(played: Sequence[Played], quota: int) -> int:
    return sum(1 for one in played if one.yes >= quota)


def _strategy(name: str, played: Sequence[Played], quota: int) -> Strategy:
    return Strategy(name, tuple(one.asked for one in played), tuple(one.yes for one in played), quota)


def _tenth(values: Sequence[int], number: int) -> float:
    return quantiles(values, n=10, method="inclusive")[number - 1] if len(values) > 1 else float(sum(values))


def _check(terms: Terms, seeds: int) -> None:
    people, quota = terms.people, terms.quota
    if quota < 1 or people < quota:
        raise NotAllowed(f"a quota of {quota} from {people} people can't be played; ask for 1 to {people}")
    if seeds < 1:
        raise NotAllowed("at least one seed is needed; 1,000 give figures to within 2%")
    if terms.deadline <= timedelta():
        raise NotAllowed("the deadline must be ahead; give it a time such as 60m")
    if terms.waves < 1 or terms.respond_within <= timedelta():
        raise NotAllowed("there must be a wave, and time to answer it; give 1 wave and 1m at least")

"""How many are asked at once: enough with the stated probability, whatever the rate turns out to be, and no more."""

import time
from datetime import timedelta
from math import exp, lgamma, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pace import ANSWERED_WITHIN, Pace, observed
from engine.waves import Belief, at_least, forecast, learn, size, smallest, target

PRIOR = Belief(2.5, 7.5)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def beta_binomial(wanted: int, people: int, belief: Belief) -> float:
    """P(at least `wanted` yeses), from the textbook's formula."""
    a, b = belief.yes, belief.no
    constant = lgamma(a + b) - lgamma(a) - lgamma(b) - lgamma(people + a + b)
    below = (exp(choose(people, k) + lgamma(k + a) + lgamma(people - k + b) + constant) for k in range(wanted))
    return 1 - sum(below)


def binomial(wanted: int, people: int, rate: float) -> float:
    return 1 - sum(exp(choose(people, k) + k * log(rate) + (people - k) * log(1 - rate)) for k in range(wanted))


# ---------------------------------------------------------------- probabilities


@pytest.mark.parametrize("people", [1, 5, 13, 40, 300, 5000])
@pytest.mark.parametrize("rate", [0.01, 0.16, 0.25, 0.5, 0.9])
def test_the_chance_of_enough_is_the_binomial_one(people: int, rate: float) -> None:
    for wanted in {1, 3, 6, 7, 12, 60, 500} & set(range(people + 1)):
        assert at_least(wanted, people, rate) == pytest.approx(binomial(wanted, people, rate), abs=0.003)
    assert at_least(people + 1, people, rate) == 0
    assert at_least(0, people, rate) == 1


@pytest.mark.parametrize("belief", [PRIOR, Belief(1.6, 8.4), Belief(12, 38)])
@pytest.mark.parametrize("wanted", [1, 3, 12, 60])
def test_a_single_wave_is_the_smallest_that_is_enough_over_all_rates_believed_possible(
    belief: Belief, wanted: int
) -> None:
    count = size(wanted, belief)
    assert beta_binomial(wanted, count, belief) >= 0.9 - 0.002
    assert beta_binomial(wanted, count - 1, belief) < 0.9 + 0.002


def test_not_knowing_the_rate_takes_more_people_than_knowing_it() -> None:
    known = size(12, Belief.known(0.25, Pace()))
    assert binomial(12, known, 0.25) >= 0.9 > binomial(12, known - 1, 0.25)
    assert beta_binomial(12, known, PRIOR) < 0.7, "a plain binomial at the mean rate overpromises"
    assert size(12, PRIOR) > 1.5 * known


def test_nobody_is_asked_when_nobody_is_wanted_or_enough_will_come() -> None:
    assert size(0, PRIOR) == 0
    assert size(1, Belief(900, 100), [timedelta()] * 5) == 0


def test_who_may_still_say_yes_is_counted_on_the_less_the_longer_they_are_silent() -> None:
    fresh, waited, late = (smallest(6, PRIOR, [minutes * MINUTE] * 12, None, 0.9) for minutes in (0, 15, 45))
    assert fresh < waited < late
    assert late == smallest(6, PRIOR, (), None, 0.9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 80),
    st.floats(0.5, 30),
    st.floats(0.5, 60),
    st.lists(st.integers(0, 60).map(lambda count: count * MINUTE), max_size=60),
    st.integers(5, 120).map(lambda count: count * MINUTE),
)
def test_more_time_and_more_pending_people_never_take_more(
    wanted: int, yes: float, no: float, pending: list[timedelta], left: timedelta
) -> None:
    belief = Belief(yes, no)
    count = smallest(wanted, belief, pending, left, 0.9)
    assert count >= smallest(wanted, belief, pending, left + 10 * MINUTE, 0.9)
    assert count <= smallest(wanted + 1, belief, pending, left, 0.9)
    assert smallest(wanted, belief, (), left, 0.9) >= count


def test_a_large_call_out_is_sized_at_once() -> None:
    began = time.perf_counter()
    assert size(500, PRIOR, [15 * MINUTE] * 3000, HOUR, waves_left=3) > 0
    forecast(PRIOR, 0, 2000, [15 * MINUTE] * 3000, 500, HOUR)
    assert time.perf_counter() - began < 0.5


# ---------------------------------------------------------------- several waves


def test_while_others_can_follow_a_wave_is_small() -> None:
    sizes = [size(12, PRIOR, left=2 * HOUR, waves_left=waves) for waves in (1, 2, 3, 4, 9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == size(12, PRIOR)
    assert 12 < sizes[3] < sizes[0] / 2
    assert beta_binomial(12, sizes[3], PRIOR) == pytest.approx(0.4, abs=0.02)


def test_only_waves_that_fit_before_the_deadline_count() -> None:
    assert size(12, PRIOR, left=29 * MINUTE, waves_left=4) == size(12, PRIOR, left=29 * MINUTE, waves_left=1)
    assert size(12, PRIOR, left=30 * MINUTE, waves_left=4) == size(12, PRIOR, left=30 * MINUTE, waves_left=2)
    long = size(12, PRIOR, left=59 * MINUTE, waves_left=4, every=30 * MINUTE)
    assert long == size(12, PRIOR, left=59 * MINUTE, waves_left=1)


def test_the_nearer_the_deadline_the_more_are_asked_but_not_everybody_in_the_last_minute() -> None:
    sizes = [size(12, PRIOR, left=minutes * MINUTE) for minutes in (45, 30, 20, 15)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert size(12, PRIOR, left=MINUTE) == size(12, PRIOR, left=-HOUR) == sizes[-1]


def test_a_last_wave_may_fail_as_often_as_it_is_not_needed() -> None:
    pace = Pace()
    assert target(0.9, 1, pace) == pytest.approx(0.9)
    assert target(0.9, 1, pace, [timedelta()] * 9) == pytest.approx(0.9)
    assert target(0.9, 1, pace, [44 * MINUTE] * 9) == pytest.approx(0.7, abs=0.01)
    assert target(0.9, 1, pace, [2 * HOUR] * 9) == pytest.approx(0.9), "a replacement, long after, is a call of its own"
    assert 0.7 < target(0.9, 1, pace, [15 * MINUTE] * 9) < 0.9
    assert target(0.3, 4, pace) == 0.3, "an early wave never aims higher than the whole"


# ---------------------------------------------------------------- learning


def test_answers_correct_the_belief_as_a_beta_binomial_does() -> None:
    learned = learn(PRIOR, 4, 6, [ANSWERED_WITHIN] * 10)
    assert (learned.yes, learned.no) == pytest.approx((6.5, 23.5), rel=1e-4)
    assert learn(PRIOR, 0, 0, []) == PRIOR


def test_silence_counts_by_how_long_it_has_lasted() -> None:
    just, some, long = (learn(PRIOR, 2, 0, [minutes * MINUTE] * 20).mean for minutes in (0, 10, 45))
    assert just == pytest.approx(4.5 / 12, abs=1e-3), "who was asked this moment says nothing yet"
    assert just > some > long == pytest.approx(4.5 / 32, abs=1e-3)


def test_the_pace_is_taken_from_the_answers_and_from_those_missing() -> None:
    usual = Pace()
    quick = observed(usual, [2 * MINUTE] * 12, [(30 * MINUTE, 10)])
    slow = observed(usual, [12 * MINUTE, 14 * MINUTE, 13 * MINUTE] * 4, [(15 * MINUTE, 40)])
    assert quick.median < 5 * MINUTE < usual.median < slow.median
    assert observed(usual, [], [(15 * MINUTE, 40)]) == usual
    cut = observed(usual, [3 * MINUTE, 5 * MINUTE, 8 * MINUTE, 12 * MINUTE] * 3, [(15 * MINUTE, 60)])
    whole = observed(usual, [3 * MINUTE, 5 * MINUTE, 8 * MINUTE, 12 * MINUTE] * 3, [(45 * MINUTE, 60)])
    assert cut.median > whole.median, "where the clock has cut the answers off, the missing ones are slower"


@pytest.mark.parametrize("median", [3, 8, 20])
@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_after_a_quarter_of_an_hour_a_thousand_people_show_the_rate(rate: float, median: float) -> None:
    chance = Random(4)
    pace = Pace(median * MINUTE, 1.0)
    within = rate / (pace._share(ANSWERED_WITHIN))
    took = [chance.lognormvariate(log(median), 1.0) for _ in range(1000) if chance.random() < within]
    seen = [minutes * MINUTE for minutes in took if minutes <= 15]
    learned = learn(PRIOR, len(seen), 0, [15 * MINUTE] * (1000 - len(seen)), seen)
    assert learned.mean == pytest.approx(rate, rel=0.3)


def test_the_pace_is_a_share_that_grows_from_nothing_to_all() -> None:
    pace = Pace()
    shares = [pace.come_in(minutes * MINUTE) for minutes in range(0, 46, 5)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1], pace.come_in(5 * HOUR)) == (0, 1, 1)


# ---------------------------------------------------------------- forecast


def test_the_forecast_is_the_distribution_of_those_who_come() -> None:
    seen = forecast(PRIOR, 2, 40, (), 12)
    exact = [beta_binomial(count, 40, PRIOR) for count in range(1, 11)]
    assert seen.mean == pytest.approx(2 + sum(exact), abs=0.02)
    assert seen.chance == pytest.approx(exact[-1], abs=0.002)
    assert seen.low == 2 + sum(1 for chance in exact if chance >= 0.9)
    assert seen.high == 12


def test_nobody_more_comes_than_is_wanted() -> None:
    seen = forecast(PRIOR, 12, 40, (), 12)
    assert (seen.mean, seen.low, seen.high, seen.chance) == (12, 12, 12, 1)
    assert forecast(PRIOR, 0, 0, (), 3).chance == 0


def test_what_size_asks_the_forecast_finds_enough() -> None:
    pending = [20 * MINUTE] * 15
    count = size(9, PRIOR, pending, HOUR)
    aim = target(0.9, 1, PRIOR.pace, pending)
    assert forecast(PRIOR, 0, count, pending, 9, HOUR).chance >= aim
    assert forecast(PRIOR, 0, count - 1, pending, 9, HOUR).chance < aim

"""What is believed before a call-out: the house's prior, moved by what this organisation's own people did."""

import pytest

from engine.rates import BANDS, LANE_WORTH, MOST_WORTH, PRIOR, PRIOR_WORTH, Tally, belief_for, between, shown
from engine.waves import Belief

NIGHT, DAY = 4, 14


def worth(belief: Belief) -> float:
    return belief.yes + belief.no


def test_without_a_history_the_prior_is_worth_ten_answers() -> None:
    belief = belief_for("voice", NIGHT, PRIOR, {})
    assert belief.mean == pytest.approx(0.41)
    assert worth(belief) == pytest.approx(PRIOR_WORTH)


def test_a_lane_that_nobody_measured_takes_the_lowest() -> None:
    assert belief_for("email", NIGHT, PRIOR, {}).mean == pytest.approx(0.16)
    assert belief_for("email", NIGHT, {"email": 0.3}, {}).mean == pytest.approx(0.3)
    assert belief_for("push", NIGHT, {"voice": 0.05}, {}).mean == pytest.approx(0.05)


def test_the_same_part_of_the_day_counts_in_full() -> None:
    belief = belief_for("slack", NIGHT, PRIOR, {("slack", 3): Tally(20, 10), ("slack", 5): Tally(10, 5)})
    assert belief.mean == pytest.approx((2.5 + 15) / 40)
    assert worth(belief) == pytest.approx(40)


def test_other_hours_say_something_but_less() -> None:
    by_day = {("slack", DAY): Tally(1000, 600)}
    belief = belief_for("slack", NIGHT, PRIOR, by_day)
    wide = (2.5 + 600) / 1010
    assert belief.mean == pytest.approx(wide)
    assert worth(belief) == pytest.approx(LANE_WORTH)
    seen = belief_for("slack", NIGHT, PRIOR, {**by_day, ("slack", NIGHT): Tally(30, 3)})
    assert seen.mean == pytest.approx((20 * wide + 3) / 50)
    assert belief_for("slack", DAY, PRIOR, by_day).mean == pytest.approx(wide), "at its own hours it counts once"


def test_another_lane_says_nothing() -> None:
    assert belief_for("slack", NIGHT, PRIOR, {("voice", NIGHT): Tally(500, 400)}) == belief_for("slack", 4, PRIOR, {})


def test_however_long_the_history_a_night_may_be_unlike_the_others() -> None:
    belief = belief_for("slack", NIGHT, PRIOR, {("slack", NIGHT): Tally(10_000, 3_000)})
    assert belief.mean == pytest.approx(0.3, abs=0.001)
    assert worth(belief) == pytest.approx(MOST_WORTH)


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_has_its_part_of_the_day(hour: int) -> None:
    first, last = next(band for band in BANDS if band[0] <= hour <= band[1])
    history = {("slack", first): Tally(10, 9), ("slack", last): Tally(10, 9)}
    assert belief_for("slack", hour, PRIOR, history).mean == pytest.approx((2.5 + 18) / 30)


def test_people_are_shown_what_is_believed_and_how_surely() -> None:
    rows = shown({("email", NIGHT): Tally(40.4, 8), ("slack", DAY): Tally(30, 15)}, {"slack": 0.25, "sms": 0.16})
    assert [row.lane for row in rows] == ["slack"] * 4 + ["sms"] * 4 + ["email"] * 4
    day = rows[2]
    assert (day.first_hour, day.last_hour, day.asked, day.yes) == (12, 17, 30, 15)
    assert day.rate == pytest.approx(17.5 / 40)
    assert all(row.low < row.rate < row.high for row in rows)
    assert day.high - day.low < rows[0].high - rows[0].low, "the more answers, the surer"
    assert rows[8].asked == 40


def test_the_interval_holds_the_rate_in_eight_of_ten() -> None:
    low, high = between(Belief(2.5, 7.5))
    # The quantiles of Beta(2.5, 7.5), by summing its density in 200,000 steps.
    assert low == pytest.approx(0.0933, abs=0.002)
    assert high == pytest.approx(0.4311, abs=0.002)
    assert between(Belief(1, 1), 0.5) == pytest.approx((0.25, 0.75), abs=0.01)

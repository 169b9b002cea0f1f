"""Expected messages: the usual week in its own time zone, times a surge that is averaged exactly."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.demand import SLOT, forecast, mean_multiple, multiple, slot_start
from engine.house import Demand
from engine.playbook import Surge

SURGE = Surge.model_validate({"peak": 9, "ramp": "1h", "hold": "3h", "half_life": "2h"})
NONE = Surge.model_validate({"peak": 1, "ramp": "1h", "hold": "1h", "half_life": "1h"})
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@pytest.mark.parametrize(
    ("since", "times"), [(-1, 1), (0, 1), (0.5, 5), (1, 9), (3.99, 9), (4, 9), (6, 5), (8, 3), (400, 1)]
)
def test_the_surge_ramps_up_holds_and_halves(since: float, times: float):
    assert multiple(SURGE, hours(since)) == pytest.approx(times)


@pytest.mark.parametrize("begin", [-2.0, -0.2, 0.0, 0.8, 3.7, 4.0, 9.5])
@pytest.mark.parametrize("length", [0.25, 0.5, 6.0])
def test_a_stretch_is_averaged_exactly(begin: float, length: float):
    parts = 4000
    summed = sum(multiple(SURGE, hours(begin + length * (part + 0.5) / parts)) for part in range(parts))
    assert mean_multiple(SURGE, hours(begin), hours(begin + length)) == pytest.approx(summed / parts, rel=1e-5)


def test_a_surge_may_begin_and_end_at_once():
    block = Surge.model_validate({"peak": 5, "ramp": "0s", "hold": "1h", "half_life": "1s"})
    assert multiple(block, hours(0)) == 5
    assert multiple(block, hours(1.1)) == pytest.approx(1)
    assert mean_multiple(block, hours(0.5), hours(1.5)) == pytest.approx(3, abs=0.01)


def week(zone: str = "UTC") -> Demand:
    """100 × weekday + hour messages an hour in English, 2 in Spanish."""
    english = {(day, hour, "en"): 100.0 * day + hour for day in range(7) for hour in range(24)}
    return Demand({**english, **{(d, h, "es"): 2.0 for d in range(7) for h in range(24)}}, zone)


def test_half_an_hour_has_half_of_its_hours_messages():
    expected = forecast(week(), NONE, MONDAY, MONDAY + hours(9), 4)
    assert expected == {"en": [4.5, 4.5, 5, 5], "es": [1, 1, 1, 1]}


def test_the_surge_multiplies_from_the_declaration_on():
    start = MONDAY + hours(10)
    expected = forecast(week(), SURGE, start + SLOT, start, 8)["es"]
    assert expected == pytest.approx([1, 3, 7, 9, 9, 9, 9, 9])


def test_hours_are_local_also_when_the_clocks_change():
    before = forecast(week("Europe/Amsterdam"), NONE, MONDAY, datetime(2026, 10, 24, 22, tzinfo=UTC), 10)["en"]
    assert before == [300, 300, 300.5, 300.5, 301, 301, 301, 301, 301.5, 301.5]


@pytest.mark.parametrize(("zone", "first"), [("Asia/Kolkata", 2.5), ("Asia/Kathmandu", 2.75)])
def test_zones_off_the_half_hour_are_met(zone: str, first: float):
    assert forecast(week(zone), NONE, MONDAY, MONDAY, 1)["en"] == [first]


def test_the_half_hour_that_contains_an_instant():
    assert slot_start(MONDAY + timedelta(minutes=29, seconds=59)) == MONDAY
    assert slot_start(MONDAY + SLOT) == MONDAY + SLOT

"""Demand: how many messages to expect in each half hour and language of an incident.

The organisation's usual week times the playbook's surge. How many people that takes is in `engine.staffing`;
reading the usual week from a file in `engine.demand_file`.
"""

from datetime import datetime, timedelta
from math import log
from zoneinfo import ZoneInfo

from engine.house import Demand
from engine.playbook import Surge

SLOT = timedelta(minutes=30)
QUARTER = timedelta(minutes=15)
"""Every zone's offset from UTC is a multiple of it, so a quarter never crosses an hour of the profile."""


def slot_start(instant: datetime) -> datetime:
    """Find the beginning of the half hour that contains the instant."""
    return instant.replace(minute=instant.minute // 30 * 30, second=0, microsecond=0)


def multiple(surge: Surge, since: timedelta) -> float:
    """Tell how many times the usual volume arrives so long after the declaration; 1 before it.

    Linear from 1 to `peak` over `ramp`, `peak` for `hold`, then 1 + (peak - 1)·2^(-t / half_life).
    """
    if since < timedelta():
        return 1.0
    extra = surge.peak - 1
    if since < surge.ramp:
        return 1 + extra * (since / surge.ramp)
    if since < surge.ramp + surge.hold:
        return surge.peak
    return float(1 + extra * 2 ** -((since - surge.ramp - surge.hold) / surge.half_life))


def mean_multiple(surge: Surge, begin: timedelta, end: timedelta) -> float:
    """Average `multiple` over a stretch, exactly: the surge may be shorter than the stretch."""
    return 1 + (_extra_until(surge, end) - _extra_until(surge, begin)) / (end - begin).total_seconds()


def _extra_until(surge: Surge, since: timedelta) -> float:
    """Integrate `multiple` - 1 from the declaration on; in seconds of usual volume."""
    ramp, hold, half_life = (part.total_seconds() for part in (surge.ramp, surge.hold, surge.half_life))
    seconds = max(0.0, since.total_seconds())
    rising = min(seconds, ramp)
    total = rising * rising / (2 * ramp) if ramp else 0.0
    total += min(max(seconds - ramp, 0.0), hold)
    falling = max(seconds - ramp - hold, 0.0)
    total += half_life / log(2) * (1 - 2 ** -(falling / half_life))
    return float((surge.peak - 1) * total)


def forecast(
    demand: Demand, surge: Surge, declared_at: datetime, start: datetime, slots: int
) -> dict[str, list[float]]:
    """Expect so many messages: language → one number for each half hour from `start` on.

    Hours of the profile are local in the profile's zone: where the clocks go back, an hour's usual volume comes twice.
    """
    zone = ZoneInfo(demand.time_zone)
    languages = demand.languages()
    expected: dict[str, list[float]] = {language: [] for language in languages}
    for number in range(slots):
        totals = dict.fromkeys(languages, 0.0)
        for part in range(2):
            begin = start + number * SLOT + part * QUARTER
            local = begin.astimezone(zone)
            times = mean_multiple(surge, begin - declared_at, begin + QUARTER - declared_at)
            for language in languages:
                usual = demand.by_hour.get((local.weekday(), local.hour, language), 0.0)
                totals[language] += usual * times / 4
        for language, total in totals.items():
            expected[language].append(total)
    return expected

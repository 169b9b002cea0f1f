"""The house: what stays the same from one incident to the next. Read once from settings and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from engine.ports import TextLimit, Wording


@dataclass(frozen=True)
class Rest:
    """Working hours. Each is a setting; the defaults are the least that Directive 2003/88/EC allows."""

    between_shifts: timedelta = timedelta(hours=11)
    """Article 3: 11 consecutive hours of rest in 24."""
    longest_shift: timedelta = timedelta(hours=12)
    weekly_limit: timedelta = timedelta(hours=48)
    """Article 6 (b), an average that we apply to each week."""


@dataclass(frozen=True)
class Demand:
    """Usual messages per hour of the organisation: (weekday 0–6 from Monday, hour 0–23, language) → count."""

    by_hour: Mapping[tuple[int, int, str], float]
    time_zone: str = "UTC"

    def languages(self) -> list[str]:
        return sorted({language for _, _, language in self.by_hour})


@dataclass(frozen=True)
class House:
    """Everything an action may look at that is not the incident's own."""

    wording: Wording
    channels: Mapping[str, TextLimit | None]
    """Channels that are there, and how long a text may be."""
    name: str = "our airline"
    """What the public is told who speaks."""
    time_zone: str = "UTC"
    station_zones: Mapping[str, str] = field(default_factory=dict)
    """Station → IANA time zone."""
    demand: Demand | None = None
    rest: Rest = Rest()
    handling_s: int = 360
    """Average handling time of one conversation, seconds."""
    concurrency: int = 1
    answer_rate: Mapping[str, float] = field(default_factory=lambda: {"slack": 0.25})
    """Share of people who answer a call within the time, before there is a history. Source: see docs/call-out.md."""
    chat: str = "slack"
    """Name of the channel that opens rooms and writes to people."""
    help_url: str = ""
    status_url: str = ""

"""The house: what stays the same from one incident to the next. Read once from settings and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

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


ANSWER_RATE = {"slack": 0.25, "voice": 0.41, "sms": 0.16, "email": 0.16, "push": 0.16}
"""Chat 11 of 44, phone 18 of 44, SMS 7 of 44, at 04:00 (docs/call-out.md); e-mail and push take the lowest of these."""


@dataclass(frozen=True)
class House:
    """Everything an action may look at that is not the incident's own."""

    wording: Wording
    channels: Mapping[str, TextLimit | None]
    """Channels that are there, and how long a text may be."""
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Channel → the kinds of messages it takes; a channel that is not named takes posts."""
    speaks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Channel → the languages that its readers are written to; a channel that is not named speaks all."""
    regions: tuple[str, ...] = ("eu",)
    """Whose rules on passengers' rights are always told, beside those of the stations: eu, uk, us."""
    station_regions: Mapping[str, str] = field(default_factory=dict)
    """Station → region."""
    remind_before: timedelta = timedelta(minutes=10)
    """How long before a promised update those who write it are reminded."""
    look_every: timedelta = timedelta(minutes=15)
    """How often a published post is looked at, whether it still stands there."""
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
    answer_rate: Mapping[str, float] = field(default_factory=lambda: dict(ANSWER_RATE))
    """Lane → share of people who answer a call within 45 minutes, before there is a history."""
    lanes: tuple[str, ...] = ("slack",)
    """The lanes that can reach people, in the house's order (`engine.lanes`)."""
    lane_after: timedelta = timedelta(minutes=5)
    """How long a lane has before the next one is tried too."""
    pages: int = 6
    """How often a person is called in 24 hours at most, over all incidents and lanes."""
    secret: str = ""
    """From which the codes to answer by are made."""
    public_url: str = ""
    """Where people reach this irrops with a browser; empty: they can't, and links are left out."""
    components: tuple[str, ...] = ()
    """Components of the status page."""
    lint: Mapping[str, Any] = field(default_factory=dict)
    """Language → words that are not to be published (`engine.lint`)."""
    chat: str = "slack"
    """Name of the channel that opens rooms and writes to people."""
    help_url: str = ""
    status_url: str = ""

    def posting(self) -> list[str]:
        """The channels on which statements go out, sorted."""
        return sorted(channel for channel in self.channels if self.takes(channel, "post"))

    def takes(self, channel: str, kind: str) -> bool:
        """Tell whether a channel takes messages of a kind."""
        return kind in self.kinds.get(channel, frozenset({"post"}))

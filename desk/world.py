"""The world of a drill: who writes, who answers, when. Pure: everything is drawn from the seed, nothing is done.

Each draw has a name of its own, so that the order in which things are looked at changes nothing. What the people of
this world then do at the desk is in `desk.drill_people` and `desk.drill_agents`. The figures are explained in
docs/drill.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from math import exp
from pathlib import Path
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError

from engine.demand import mean_multiple
from engine.house import Demand
from engine.people import Person
from engine.playbook import Fact, Surge
from engine.record import Value
from engine.triage import Incoming
from engine.wording import MARKS

MINUTE = timedelta(minutes=1)

SPEAKS_OTHERWISE = "en"
"""Whose words passengers take who speak a language that the world file does not have."""
PUBLIC = ("x", "facebook", "instagram")
PRIVATE = ("whatsapp", "messenger", "x-dm")
PUBLIC_SHARE = 0.35

AWAKE = (time(7), time(23))
"""Who is off duty sleeps outside these hours."""
WOKEN = 0.3
"""Share of sleepers whom a message wakes; the others read it between 06:00 and 08:00."""
READS_AFTER = (6.0, 1.0)
"""Minutes until somebody answers a call: median and sigma of a lognormal."""
DECLINES = 0.2
"""Share that says no; `House.answer_rate` says yes, the rest never answers."""
BACKS_OUT = 0.03
"""Share of those who come that find they can't after all."""
HANDS_OVER = 0.7
"""Share of volunteers who say before they go that nothing is open; the others just go."""
DEBRIEFS = 0.5
PREPARED: tuple[Literal["2", "3", "4", "5"], ...] = ("2", "3", "3", "4", "4", "4", "5")
"""Share who say afterwards how well they were prepared, and what they say, each as likely as it stands there."""
DECIDES_AFTER = (2.0, 0.7)
"""Minutes until an approver answers: median and sigma of a lognormal."""
APPROVER_SILENT = 0.2
"""Share of requests that an approver does not see in time, so that the deputy and the pre-approved text are used."""
LATE_MINUTES = 6.0
"""Mean of the exponential by which those who come are late."""
TRAVEL = timedelta(minutes=30)
"""Whoever says yes when the hours have begun is there so much later at the earliest."""
SHORTEST_S = 20
"""Nobody answers a customer faster."""
SOLVED_AT_ONCE = 0.75
"""Share of conversations that the answer also solves; the others wait for something, an hour on average."""


class WorldFileError(Exception):
    """A world file that can't be used: file, what is wrong, what to write instead."""


class Words(Value):
    """What people of this world say."""

    messages: dict[str, dict[int, tuple[str, ...]]]
    """Language → urgency → texts."""
    mix: dict[int, float] = Field(min_length=1)
    """Urgency → weight."""
    facts: dict[str, Any] = {}
    """Name of a fact → what is typed for it; `anything` for the others."""


def read_words(path: Path) -> Words:
    """Read a world file. Raises WorldFileError."""
    try:
        words = Words.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WorldFileError(f"{path}: not readable as YAML ({error}); see docs/drill.md") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise WorldFileError(f"{path}: {where}: {first['msg']}; see docs/drill.md") from None
    spoken = words.messages.get(SPEAKS_OTHERWISE, {})
    missing = [level for level in words.mix if not spoken.get(level)]
    if missing:
        raise WorldFileError(f"{path}: messages.{SPEAKS_OTHERWISE} has none of urgency {missing[0]}; write one")
    return words


@dataclass(frozen=True)
class Press:
    """A button that somebody will press."""

    after: timedelta
    choice: Literal["yes", "no", "approve", "handover", "1", "2", "3", "4", "5"]


class World:
    """Everything that chance decides in one drill."""

    def __init__(self, seed: int, words: Words, *, demand: Demand | None, surge: Surge | None, begins_at: datetime):
        self.seed, self.words, self.begins_at = seed, words, begins_at
        self.demand, self.surge = demand, surge

    def draw(self, *name: object) -> Random:
        """Give the numbers of one thing: the same name, the same numbers."""
        return Random("/".join(map(str, (self.seed, *name))))  # noqa: S311 - chance, not secrecy

    # ------------------------------------------------------------ passengers

    def expected(self, begin: datetime) -> dict[str, float]:
        """Expect so many messages in the minute that begins, by language."""
        if self.demand is None:
            return {}
        since = begin - self.begins_at
        times = mean_multiple(self.surge, since, since + MINUTE) if self.surge else 1.0
        local = begin.astimezone(self._zone)
        usual = self.demand.by_hour
        return {
            language: usual.get((local.weekday(), local.hour, language), 0.0) * times / 60
            for language in self._languages
        }

    def passengers(self, begin: datetime, station: str) -> list[Incoming]:
        """Draw who writes in the minute that begins, in order of time: a Poisson process."""
        found: list[Incoming] = []
        for language, mean in self.expected(begin).items():
            chance = self.draw("passengers", begin.isoformat(), language)
            for number, share in enumerate(_moments(chance, mean)):
                found.append(self._message(chance, begin + share * MINUTE, language, number, station))
        return sorted(found, key=lambda one: (one.received_at, one.id))

    def _message(self, chance: Random, at: datetime, language: str, number: int, station: str) -> Incoming:
        texts = self.words.messages.get(language) or self.words.messages[SPEAKS_OTHERWISE]
        levels = [level for level in self.words.mix if texts.get(level)]
        level = chance.choices(levels, [self.words.mix[level] for level in levels])[0]
        text = chance.choice(texts[level]).replace("{station}", station)
        public = chance.random() < PUBLIC_SHARE
        name = f"{at:%m%d-%H%M%S}-{language}{number}"
        return Incoming(
            channel=chance.choice(PUBLIC if public else PRIVATE),
            id=f"drill-{name}",
            customer=f"drill-passenger-{name}",
            text=MARKS.get(language, MARKS["en"]) + text,
            received_at=at,
            language="" if language in self.words.messages else language,
            public=public,
        )

    @cached_property
    def _languages(self) -> list[str]:
        return self.demand.languages() if self.demand else []

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.demand.time_zone if self.demand else "UTC")

    # ------------------------------------------------------------ agents

    def handling(self, conversation: str, agent: str, mean_s: float) -> timedelta:
        """Draw how long an agent works at a conversation: exponential, in full seconds."""
        seconds = self.draw("handling", conversation, agent).expovariate(1 / mean_s)
        return timedelta(seconds=round(max(SHORTEST_S, seconds)))

    def solved_after(self, conversation: str) -> timedelta:
        """Draw how long after its answer a conversation is solved; 0: at once."""
        chance = self.draw("solved", conversation)
        if chance.random() < SOLVED_AT_ONCE:
            return timedelta()
        return timedelta(minutes=max(1, round(chance.expovariate(1 / 60))))

    # ------------------------------------------------------------ those who are asked by chat

    def volunteer(self, person: Person, invitation: str, asked_at: datetime, answer_rate: float) -> Press | None:
        """Draw what somebody does who is asked to come; None: nothing, ever."""
        chance = self.draw("volunteer", invitation)
        says = chance.random()
        if says >= answer_rate + DECLINES:
            return None
        wait = _seen_after(chance, person, asked_at) + _lognormal(chance, *READS_AFTER)
        return Press(wait, "yes" if says < answer_rate else "no")

    def approver(self, person: Person, request: str, asked_at: datetime) -> Press | None:
        """Draw when an approver says yes; None: not in time."""
        chance = self.draw("approver", request)
        if chance.random() < APPROVER_SILENT:
            return None
        return Press(_seen_after(chance, person, asked_at) + _lognormal(chance, *DECIDES_AFTER), "approve")

    def backs_out(self, invitation: str, until_start: timedelta) -> Press | None:
        """Draw whether, and when, somebody who said yes can't come after all."""
        chance = self.draw("backs-out", invitation)
        if until_start <= timedelta() or chance.random() >= BACKS_OUT:
            return None
        return Press(until_start * chance.random(), "no")

    def hands_over(self, request: str) -> Press | None:
        """Draw whether somebody says at the end of their hours that nothing is open; None: they just go."""
        chance = self.draw("hands-over", request)
        if chance.random() >= HANDS_OVER:
            return None
        return Press(_lognormal(chance, *READS_AFTER), "handover")

    def debriefs(self, request: str) -> Press | None:
        """Draw how well somebody felt prepared, 1 to 5; None: they don't say."""
        chance = self.draw("debriefs", request)
        if chance.random() >= DEBRIEFS:
            return None
        return Press(_lognormal(chance, *READS_AFTER), chance.choice(PREPARED))

    def arrives(self, invitation: str, said_at: datetime, starts_at: datetime) -> datetime:
        """Draw when somebody who said yes sits down."""
        chance = self.draw("arrives", invitation)
        late = timedelta(minutes=chance.expovariate(1 / LATE_MINUTES))
        return max(starts_at, said_at + TRAVEL) + late

    # ------------------------------------------------------------ the duty manager

    def typed(self, facts: Mapping[str, Fact], given: Mapping[str, Any]) -> dict[str, Any]:
        """Give every fact a value: what is `given`, else its default, else one made up."""
        made = {name: self._made_up(name, fact) for name, fact in facts.items() if name not in given}
        return {**{name: value for name, value in made.items() if value is not None}, **given}

    def _made_up(self, name: str, fact: Fact) -> Any:
        if name in self.words.facts:
            return self.words.facts[name]
        if fact.default is not None:
            return fact.default
        hours = {"ends_at": 30}.get(name, 6)
        anything = str(self.words.facts.get("anything", "as rehearsed"))
        return {
            "text": anything,
            "integer": fact.min if fact.min is not None else 0,
            "stations": "AMS,RTM",
            "choice": next(iter(fact.choices), None),
            "yes_no": "no",
            "instant": (self.begins_at + timedelta(hours=hours)).isoformat(),
        }[fact.type]


def _moments(chance: Random, mean: float) -> Iterator[float]:
    """Give the moments of a Poisson process with so many expected in one unit of time, as shares of it."""
    if mean <= 0:
        return
    at = chance.expovariate(mean)
    while at < 1:
        yield at
        at += chance.expovariate(mean)


def _lognormal(chance: Random, median: float, sigma: float) -> timedelta:
    return timedelta(minutes=median * exp(chance.gauss(0, sigma)))


def awake(person: Person, instant: datetime) -> bool:
    """Tell whether somebody is awake: on duty, or in the hours in which people are."""
    return person.on_duty(instant) or AWAKE[0] <= person.local(instant).time() < AWAKE[1]


def _seen_after(chance: Random, person: Person, asked_at: datetime) -> timedelta:
    """Draw how long a message lies unread because the reader sleeps."""
    if awake(person, asked_at) or chance.random() < WOKEN:
        return timedelta()
    local = person.local(asked_at)
    wakes = local.replace(hour=6, minute=0, second=0, microsecond=0)
    if wakes <= local:
        wakes += timedelta(days=1 if local.time() >= AWAKE[1] else 0)
    return max(timedelta(), wakes - local) + timedelta(hours=2) * chance.random()

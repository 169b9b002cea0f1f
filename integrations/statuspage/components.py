"""The parts of our service: how each one stands now, and on which of the last days it was disturbed. No HTML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from integrations.statuspage.disruptions import Disruption

OPERATIONAL, UNKNOWN = "operational", "unknown"
STATES = (OPERATIONAL, "degraded", "partial_outage", "major_outage")
"""From good to bad."""
DAYS = 90
"""How far the history of a component goes back."""


@dataclass(frozen=True)
class Component:
    """One part of our service."""

    key: str
    names: Mapping[str, str]
    state: str
    """One of STATES; `unknown` while a disruption goes on that does not say which parts it touches."""
    drill: str
    """The state that a drill gives it; empty without one."""
    days: Mapping[date, str]
    """Day with a disruption → the worst state on it."""

    def name(self, languages: Sequence[str]) -> str:
        """The name in the first of these languages that there is; else the key."""
        return next((self.names[language] for language in languages if language in self.names), self.key)

    def spans(self) -> list[tuple[date, date, str]]:
        """Days in a row with one state: first, last, state; newest first."""
        found: list[tuple[date, date, str]] = []
        for day, state in sorted(self.days.items()):
            if found and found[-1][2] == state and day - found[-1][1] == timedelta(days=1):
                found[-1] = (found[-1][0], day, state)
            else:
                found.append((day, day, state))
        return found[::-1]


def components(names: Mapping[str, Mapping[str, str]], found: Sequence[Disruption], zone: str) -> list[Component]:
    """All components in the order of `names`, then those that only posts speak of. Days are those of `zone`."""
    if not names:
        return []
    live = [disruption for disruption in found if disruption.current]
    real = [states_of(disruption) for disruption in live if not disruption.drill]
    drilled = [states_of(disruption) for disruption in live if disruption.drill]
    otherwise = UNKNOWN if not all(real) else OPERATIONAL
    days = _days(found, ZoneInfo(zone))
    keys = [*names, *sorted({*days, *(key for states in (*real, *drilled) for key in states)} - names.keys())]
    return [
        Component(
            key=key,
            names=names.get(key, {}),
            state=_now(key, real, otherwise),
            drill=_worst(states[key] for states in drilled if key in states),
            days=days.get(key, {}),
        )
        for key in keys
    ]


def states_of(disruption: Disruption) -> dict[str, str]:
    """Component → the state that the newest statement about it gives."""
    found: dict[str, str] = {}
    for statement in reversed(disruption.shown):
        found.update(_known(statement.first.components))
    return found


def strange(found: Iterable[Disruption], names: Iterable[str]) -> set[str]:
    """What posts say of components that the page can't: `key` without a name, `key=state` with an unknown state."""
    said = {pair for d in found for statement in d.shown for pair in statement.first.components.items()}
    return {key for key, _ in said if key not in names} | {f"{k}={state}" for k, state in said if state not in STATES}


def _known(states: Mapping[str, str]) -> dict[str, str]:
    return {component: state for component, state in states.items() if state in STATES}


def _worst(states: Iterable[str]) -> str:
    return max(states, key=STATES.index, default="")


def _now(key: str, real: Sequence[Mapping[str, str]], otherwise: str) -> str:
    worst = _worst(states[key] for states in real if key in states)
    return worst if worst and worst != OPERATIONAL else otherwise


def _days(found: Iterable[Disruption], zone: ZoneInfo) -> dict[str, dict[date, str]]:
    """Component → day → worst state, of the last days up to the newest word on the page."""
    found = list(found)
    newest = max((disruption.updated_at for disruption in found), default=None)
    if newest is None:
        return {}
    first = newest.astimezone(zone).date() - timedelta(days=DAYS - 1)
    days: dict[str, dict[date, str]] = {}
    for disruption in found:
        if not disruption.drill:
            for key, state, since, until in _spells(disruption, newest):
                begin = max(since.astimezone(zone).date(), first)
                _mark(days.setdefault(key, {}), state, begin, until.astimezone(zone).date())
    return {key: marked for key, marked in days.items() if marked}


def _spells(disruption: Disruption, newest: datetime) -> list[tuple[str, str, datetime, datetime]]:
    """Component, state, from, until: the times at which it was not operational."""
    over = disruption.over_since
    spells, standing = [], dict[str, tuple[str, datetime]]()
    for statement in reversed([one for one in disruption.shown if over is None or one.at < over]):
        for key, state in _known(statement.first.components).items():
            if key in standing:
                spells.append((key, *standing[key], statement.at))
            standing[key] = (state, statement.at)
    spells += [(key, state, since, over or newest) for key, (state, since) in standing.items()]
    return [spell for spell in spells if spell[1] != OPERATIONAL]


def _mark(days: dict[date, str], state: str, day: date, until: date) -> None:
    while day <= until:
        days[day] = _worst((days.get(day, OPERATIONAL), state))
        day += timedelta(days=1)

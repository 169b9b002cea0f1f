"""Call-outs as people see them while they run: the same for the terminal, `--json` and HTTP.

What they would be before they start is in `desk.callout_plan`, how it is set for a terminal in `desk.callout_text`.
Nothing is decided or written here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from desk import calling_out
from desk.showing import both_times
from engine import coming, fairness
from engine.calling import Terms
from engine.callout import CallOut, Invitation
from engine.coming import LaneTally, Tally
from engine.effects import Effect
from engine.need import in_words
from engine.people import Person
from engine.plan import waiting_for
from engine.qualification import holds, spoken
from engine.record import Instant, Value
from engine.snapshot import Snapshot
from engine.waves import Forecast
from state import fairness as counted
from state import snapshots
from state.rows import table

if TYPE_CHECKING:
    from desk.desk import Desk

UNREACHABLE = "RespondersUnreachable"
"""The timeline entry that names whom no lane reaches, by `facts.people`."""


class Expected(Value):
    """How many come, at most as many as are wanted; 80 % lie between `low` and `high`."""

    mean: float
    low: int
    high: int
    chance: float
    """Probability that all who are wanted come."""


class Who(Value):
    """Somebody, as far as a duty manager needs to know."""

    person: str
    name: str
    department: str


class Coming(Who):
    """Somebody who comes, or would."""

    comes_at: Instant
    until: Instant
    answered_on: str
    buddy: str = ""


class ByQualification(Tally):
    qualification: str
    words: str
    wanted: int | None
    """How many at least; None where it is one of several that will do."""


class Called(Who):
    calls: int


class Fairness(Value):
    """How evenly calls fell on those who could be called for this (docs/call-out.md)."""

    days: int
    people: int
    calls: int
    never: int
    evenness: float | None
    """0 to 1, as even as it can be; None before there were calls."""
    most: list[Called]


class SlotView(Value):
    """One slot of a step, counted."""

    callout: str
    kind: Literal["call-out", "extra shift"]
    step: str
    slot: int
    state: Literal["not yet", "asking", "full", "short", "over"]
    because: str
    need: str
    quota: int
    minima: dict[str, int]
    skills: list[str]
    opens_at: Instant
    starts_at: Instant
    ends_at: Instant
    where: str
    waves: int
    next_wave_at: Instant | None
    counts: Tally
    by_qualification: list[ByQualification]
    by_lane: list[LaneTally]
    expected: Expected | None
    """Of those who are asked already; None when it is closed."""
    coming: list[Coming]
    waiting_list: list[Who]
    later: list[Coming]
    unreachable: list[Who]
    fairness: Fairness | None
    """None for extra shifts, which are offered to those on the team."""


class StepLine(Value):
    """A call-out step without a slot yet, and what it waits for."""

    step: str
    says: str


class Standing(Value):
    """All call-outs of an incident."""

    incident: str
    title: str
    severity: str
    status: str
    drill: bool
    now: Instant
    slots: list[SlotView]
    steps: list[StepLine]


def show(desk: "Desk", ref: str) -> Standing:
    """Count the call-outs of an incident as they stand now."""
    snapshot = snapshots.with_everybody(desk.store, desk.snapshot(ref))
    incident = snapshot.incident
    look = _Look(desk, snapshot)
    slots = sorted(snapshot.callouts, key=lambda one: (one.starts_at, one.step, one.slot))
    return Standing(
        incident=incident.ref,
        now=snapshot.now,
        slots=[look.slot(one) for one in slots],
        steps=list(_steps(snapshot)) if incident.status.live else [],
        **incident.model_dump(include={"title", "severity", "status", "drill"}),
    )


def _steps(snapshot: Snapshot) -> Iterable[StepLine]:
    """Call-out steps that have asked nobody yet, and why."""
    running = dict((state.name, what) for state, what in waiting_for(snapshot))
    for spec in calling_out.steps_of(snapshot):
        state = snapshot.state(spec.key)
        if state is None:
            ahead = ", ".join(key for key in spec.after if not _ended(snapshot, key))
            yield StepLine(step=spec.key, says=f"waits for {ahead}" if ahead else "has not started")
        elif not snapshot.slots(state.name):
            yield StepLine(step=state.name, says=state.reason or f"waits for {running.get(state.name) or 'its turn'}")


def _ended(snapshot: Snapshot, key: str) -> bool:
    state = snapshot.state(key)
    return state is not None and state.status.ended


class _Look:
    """What is read once for all slots."""

    def __init__(self, desk: "Desk", snapshot: Snapshot):
        self.snapshot, self.zone = snapshot, snapshot.house.time_zone
        number = snapshot.incident.number
        self.invitations = snapshot.invitations
        steps = {one.step for one in snapshot.callouts}
        bad = table(Effect).c.state.in_(coming.SETTLED_BADLY) & table(Effect).c.step.in_(steps)
        self.missed = coming.missing(desk.store.all(Effect, bad, incident=number))
        asked = {one.person for one in self.invitations}
        left = asked.difference(one.key for one in snapshot.people)
        gone = desk.store.all(Person, table(Person).c.key.in_(left)) if left else []
        self.people = {one.key: one for one in (*snapshot.people, *gone)}
        entries = [entry for entry in desk.timeline(snapshot.incident.ref) if entry.kind == UNREACHABLE]
        self.unreachable = {entry.key: entry.facts.get("people", ()) for entry in entries}
        self.calls = counted.calls(desk.store, snapshot.now - fairness.WINDOW)

    def slot(self, callout: CallOut) -> SlotView:
        mine = [one for one in self.invitations if one.callout == callout.key and one.person in self.people]
        state, terms = _state(self.snapshot, callout), _terms(self.snapshot, callout)
        open_ = terms if state in ("asking", "not yet") else None
        return SlotView(
            callout=callout.key,
            kind="call-out" if terms else "extra shift",
            state=state,
            because=callout.closed_because,
            need=need(callout, self.zone),
            next_wave_at=_next_wave(self.snapshot, callout) if state in ("asking", "not yet") else None,
            counts=coming.tally(mine, self.missed),
            by_qualification=self._by_qualification(callout, mine),
            by_lane=coming.by_lane(mine, self.snapshot.house.lanes),
            expected=expected_of(coming.expected(self.snapshot, callout, open_)) if open_ else None,
            coming=self._coming(callout, mine, "yes"),
            waiting_list=self._named(one.person for one in mine if coming.how(one, self.missed) == "waiting"),
            later=self._coming(callout, mine, "later"),
            unreachable=self._unreachable(callout, mine),
            fairness=fairness_of(self.calls, callout, self.snapshot) if terms else None,
            **hours(callout),
            waves=callout.waves,
        )

    def _by_qualification(self, callout: CallOut, mine: Sequence[Invitation]) -> list[ByQualification]:
        rows = []
        for text in dict.fromkeys((*callout.minima, *callout.skills)):
            those = [one for one in mine if holds(self.people[one.person], text)]
            tally = coming.tally(those, self.missed).model_dump()
            row = {"qualification": text, "words": spoken(text), "wanted": callout.minima.get(text)}
            rows.append(ByQualification(**row, **tally))
        return rows

    def _coming(self, callout: CallOut, mine: Sequence[Invitation], how: str) -> list[Coming]:
        found = []
        for one in mine:
            if coming.how(one, self.missed) == how:
                begins = max(callout.starts_at, one.comes_at or callout.starts_at)
                buddy = self.people.get(one.buddy)
                more = {"answered_on": one.answered_on, "buddy": buddy.name if buddy else one.buddy}
                them = who(self.people[one.person]).model_dump()
                found.append(Coming(**them, comes_at=begins, until=callout.ends_at, **more))
        return sorted(found, key=lambda one: (one.comes_at, one.name))

    def _unreachable(self, callout: CallOut, mine: Sequence[Invitation]) -> list[Who]:
        without = self.unreachable.get(f"{callout.key}/unreachable", ())
        in_vain = [one.person for one in mine if coming.how(one, self.missed) == "unreachable"]
        return self._named(dict.fromkeys((*without, *in_vain)))

    def _named(self, keys: Iterable[str]) -> list[Who]:
        return [who(self.people[key]) for key in keys if key in self.people]


def _state(snapshot: Snapshot, callout: CallOut) -> Literal["not yet", "asking", "full", "short", "over"]:
    if not snapshot.incident.status.live or callout.ends_at <= snapshot.now:
        return "over"
    if callout.closed_at:
        return "full" if callout.accepted >= callout.quota else "short"
    return "not yet" if callout.opens_at and callout.opens_at > snapshot.now else "asking"


def _next_wave(snapshot: Snapshot, callout: CallOut) -> Instant | None:
    """When more people may be asked, if those who are asked are not enough."""
    return callout.opens_at if callout.opens_at and callout.opens_at > snapshot.now else callout.respond_by


def _terms(snapshot: Snapshot, callout: CallOut) -> Terms | None:
    """What the step asks; None for extra shifts, which `raise_staffing` offers."""
    state = next((one for one in snapshot.steps if one.name == callout.step), None)
    spec = next((one for one in calling_out.steps_of(snapshot) if state and one.key == state.key), None)
    if not spec or not state:
        return None
    return calling_out.with_overrides(snapshot, spec, state.memo.get("overrides", {})).terms


def hours(callout: CallOut) -> dict[str, Any]:
    """The fields that every view of a slot has from its record."""
    fields = {"step", "slot", "quota", "minima", "skills", "opens_at", "starts_at", "ends_at", "where"}
    more = {"skills": list(callout.skills), "opens_at": callout.opens_at or callout.starts_at}
    return callout.model_dump(include=fields) | more


def need(callout: CallOut, zone: str) -> str:
    """Say what is wanted: `12 people by 2026-11-22 06:00 UTC (07:00), 3 of them Spanish`."""
    return in_words(callout.quota, callout.minima, both_times(callout.starts_at, zone))


def who(person: Person) -> Who:
    """Name somebody."""
    return Who(person=person.key, name=person.name, department=person.department)


def expected_of(found: Forecast) -> Expected:
    """Round a forecast for people."""
    return Expected(mean=round(found.mean, 1), low=found.low, high=found.high, chance=round(found.chance, 3))


def fairness_of(calls: Mapping[str, int], callout: CallOut, snapshot: Snapshot) -> Fairness:
    """Say how evenly calls fell on those who could be called for this. The snapshot must hold everybody."""
    found = fairness.measure(calls, fairness.callable_for(callout, snapshot.people, snapshot.house))
    people = {one.key: one for one in snapshot.people}
    return Fairness(
        days=fairness.WINDOW // timedelta(days=1),
        people=found.people,
        calls=found.calls,
        never=found.never,
        evenness=None if found.evenness is None else round(found.evenness, 3),
        most=[Called(**who(people[key]).model_dump(), calls=count) for key, count in found.most],
    )

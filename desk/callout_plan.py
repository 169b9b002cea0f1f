"""What a call-out would ask now, without asking: the same for the terminal, `--json` and HTTP. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desk import calling_out
from desk.callout_view import Expected, Fairness, Who, expected_of, fairness_of, hours, need, who
from engine import fairness
from engine.actions.call_out import opened
from engine.calling import Course, Terms
from engine.callout import CallOut, Invitation
from engine.change import Change
from engine.choice import Reason
from engine.folding import fold
from engine.incident import NotAllowed
from engine.lanes import lanes_of
from engine.people import Person
from engine.playbook import Step
from engine.qualification import held
from engine.record import Instant, Value
from engine.simulation import outlook
from engine.snapshot import Snapshot
from engine.steps import Outcome, StepState
from engine.waves import Belief
from state import fairness as counted
from state import snapshots

if TYPE_CHECKING:
    from desk.desk import Desk


class Asked(Who):
    """Somebody who would be asked now."""

    lane: str
    holds: list[str]
    last_called_at: Instant | None


class LeftOut(Value):
    person: str
    because: str


class Outlook(Value):
    """What the whole call-out comes to if it begins now, its later waves counted in; 80 % lie between the bounds."""

    chance: float
    """Probability that the quota is met by the beginning of the slot."""
    asked: float
    asked_low: int
    asked_high: int
    come_low: int
    come_high: int


class SlotPlan(Value):
    """What would be asked now for one slot."""

    step: str
    slot: int
    need: str
    quota: int
    minima: dict[str, int]
    skills: list[str]
    opens_at: Instant
    starts_at: Instant
    ends_at: Instant
    where: str
    accepted: int
    asks: int
    """How many the wave takes; fewer are asked when there are not so many."""
    share: float
    """Of people who say yes, as far as is known."""
    first_wave: list[Asked]
    not_asked: dict[str, int]
    """Reason → how many."""
    people: list[LeftOut]
    """Each of them."""
    unreachable: list[Who]
    expected: Expected
    """Of this wave, and of those who are asked already."""
    outlook: Outlook | None
    """None when it has begun."""
    fairness: Fairness


class Planned(Value):
    """What would be asked now; nothing was written."""

    incident: str
    title: str
    severity: str
    drill: bool
    now: Instant
    step: str
    slots: list[SlotPlan]


def plan(desk: "Desk", ref: str, step: str | None = None, overrides: Mapping[str, Any] | None = None) -> Planned:
    """Say what would be asked now: the named step's slots, else the playbook's first call-out's. Raises NotAllowed."""
    snapshot = snapshots.with_everybody(desk.store, desk.snapshot(ref))
    spec = calling_out.step_named(snapshot, step)
    state = _to_plan(snapshot, spec, dict(overrides or {}))
    params = calling_out.with_overrides(snapshot, spec, state.memo.get("overrides", {}))
    slots: Sequence[CallOut] | Outcome = snapshot.slots(state.name) or opened(state.name, params, snapshot)
    if isinstance(slots, Outcome):
        raise NotAllowed(f"{state.name} would ask nobody: {slots.reason}.")
    calls = counted.calls(desk.store, snapshot.now - fairness.WINDOW)
    planned = []
    for slot in (one for one in slots if not one.closed_at):
        planned.append(_slot(snapshot, slot, params.terms, calls))
        snapshot = _once_asked(snapshot, slot, planned[-1].first_wave)
    return Planned(
        incident=snapshot.incident.ref,
        now=snapshot.now,
        step=state.name,
        slots=planned,
        **snapshot.incident.model_dump(include={"title", "severity", "drill"}),
    )


def _to_plan(snapshot: Snapshot, spec: Step, overrides: Mapping[str, Any]) -> StepState:
    """The occurrence that runs, as it stands; else the one that would start."""
    last = snapshot.state(spec.key)
    if last is None or last.status.ended:
        return calling_out.fresh_state(snapshot, spec, overrides)
    if overrides:
        raise NotAllowed(f"{last.name} runs already, so nothing of it can be changed; plan it without options.")
    return last


def _once_asked(snapshot: Snapshot, callout: CallOut, wave: Sequence[Who]) -> Snapshot:
    """The snapshot as it would be with these people asked: the next slot asks others."""
    same = {"incident": callout.incident, "callout": callout.key, "wave": callout.waves + 1, "asked_at": snapshot.now}
    asked = (Invitation(key=f"{callout.key}/{one.person}", person=one.person, **same) for one in wave)
    return fold(snapshot, Change(records=(*asked, callout)))


def _slot(snapshot: Snapshot, callout: CallOut, terms: Terms, calls: Mapping[str, int]) -> SlotPlan:
    then = replace(snapshot, now=max(snapshot.now, callout.opens_at or snapshot.now))
    course = Course(then, callout, terms)
    found = course.preview()
    left_out, people = found.choice.left_out, {one.key: one for one in snapshot.people}
    beyond = [key for key, reason in left_out.items() if reason is Reason.UNREACHABLE]
    return SlotPlan(
        need=need(callout, snapshot.house.time_zone),
        accepted=callout.accepted,
        asks=found.count,
        share=round(found.share, 3),
        first_wave=[_asked(snapshot, callout, person) for person in found.choice.chosen],
        not_asked=found.choice.counted(),
        people=[LeftOut(person=key, because=reason) for key, reason in left_out.items()],
        unreachable=[who(people[key]) for key in beyond],
        expected=expected_of(found.forecast),
        outlook=_outlook(then, callout, terms, course.belief, len(found.choice.chosen) + found.choice.spare),
        fairness=fairness_of(calls, callout, snapshot),
        **hours(callout),
    )


def _outlook(snapshot: Snapshot, callout: CallOut, terms: Terms, belief: Belief, able: int) -> Outlook | None:
    """Play the whole call-out through on nights as they are believed to be (`engine.simulation`); takes a second."""
    if callout.waves or not able:
        return None
    left = max(callout.starts_at - snapshot.now, terms.respond_within)
    found = outlook(callout.quota, belief, able, left, terms.respond_within, terms.waves)
    return Outlook(**{name: round(value, 2) for name, value in vars(found).items()})


def _asked(snapshot: Snapshot, callout: CallOut, person: Person) -> Asked:
    wanted = dict.fromkeys((*callout.minima, *callout.skills))
    return Asked(
        **who(person).model_dump(),
        lane=lanes_of(person, snapshot.house)[0],
        holds=[text for text in wanted if text in held(person, wanted)],
        last_called_at=person.last_called_at,
    )

"""Starting a call-out by hand: which step, with what changed, and what stands in the way.

How a call-out runs is not here (`engine.calling`): the step is put on the table, and the next advance runs it.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

import engine.actions.call_out as call_out
from desk.asked import by_word
from desk.said import said_by
from engine.actions import ACTIONS
from engine.callout import Invitation
from engine.change import Change
from engine.incident import NotAllowed
from engine.plan import HELD_BACK
from engine.playbook import Step
from engine.snapshot import Snapshot
from engine.steps import StepState, StepStatus
from engine.timeline import Entry

if TYPE_CHECKING:
    from desk.desk import Desk

DOUBLE_CLICK = timedelta(minutes=1)
"""The same wish of the same person within this time is one."""
KIND = "CallOutRequested"


class Mistyped(NotAllowed):
    """What was to be changed can't be: a number too large, a language that is none."""


def overrides_of(quota: int | None, languages: Iterable[str], at_least: Iterable[str]) -> dict[str, Any]:
    """Gather what is changed for now, as people write it: `es=3`, `rebooking:2=4`. Raises Mistyped."""
    found = {
        "quota": quota,
        "languages": dict(_count("language", one) for one in languages),
        "at_least": dict(_count("at_least", one) for one in at_least),
    }
    return {name: value for name, value in found.items() if value not in (None, {})}


def _count(option: str, text: str) -> tuple[str, int]:
    name, _, count = text.rpartition("=")
    if not name or not count.isdecimal() or len(count) > 4:
        example = "es=3" if option == "language" else "rebooking:2=4"
        raise Mistyped(f"{option} {text}: write it as {example}.")
    return name.strip(), int(count)


def start(
    desk: "Desk", ref: str, step: str | None = None, overrides: Mapping[str, Any] | None = None, *, by: str
) -> StepState:
    """Start a call-out step of the incident's playbook now: the named one, else the first. Raises NotAllowed.

    A step that never ran, or that its `when` held back, runs; one that has ended runs anew as its next occurrence; one
    that runs is refused. `overrides` (quota, languages, at_least) go before what the playbook says.
    """
    chosen = dict(overrides or {})
    wanted: list[StepState] = []

    def decide(snapshot: Snapshot) -> Change:
        spec = step_named(snapshot, step)
        again = _double_click(desk, snapshot, spec, chosen, by)
        wanted[:] = [again or fresh_state(snapshot, spec, chosen)]
        return Change() if again else requested(snapshot, wanted[0], chosen, by)

    desk._command(ref, decide)
    return wanted[0]


def enter(desk: "Desk", asked: str, text: str, ref: str = "", *, by: str) -> str:
    """Enter an answer given on the phone, and say who entered it; returns the reply. Raises NotAllowed.

    `asked`: the code, or the person's key or name.
    """
    question = by_word(desk, asked, ref)
    reply = said_by(desk, question.person, question.invitation, text, "desk")
    there = question.invitation
    now = desk.store.first(Invitation, key=there.key)
    if now and now.version != there.version:
        entry = Entry(
            incident=there.incident,
            at=desk.clock.now(),
            kind="AnswerEntered",
            text=f"{by} enters the answer of {there.person}, given on the phone: {now.answer or 'none'}",
            actor=by,
            facts={"person": there.person, "answer": str(now.answer)},
        )
        desk.store.apply(Change(entries=(entry,)))
    return reply.text


def steps_of(snapshot: Snapshot) -> list[Step]:
    """The call-out steps of the playbook, in its order."""
    return [one for one in snapshot.playbook.steps if ACTIONS.get(one.action) is call_out]


def step_named(snapshot: Snapshot, name: str | None) -> Step:
    """The call-out step with this key, else the playbook's first. Raises NotAllowed."""
    steps = steps_of(snapshot)
    if not steps:
        raise NotAllowed(
            f"The playbook of {snapshot.incident.ref} has no call_out step; add one to playbooks/"
            f"{snapshot.incident.playbook}.yaml for the next time, and ask people by hand now."
        )
    found = next((one for one in steps if name in (None, one.key)), None)
    if found is None:
        keys = ", ".join(one.key for one in steps)
        raise NotAllowed(f"{snapshot.incident.ref} has no call-out step {name!r}; there is {keys}.")
    return found


def with_overrides(snapshot: Snapshot, spec: Step, overrides: Mapping[str, Any]) -> call_out.Params:
    """Read the step's parameters with what is changed for now. Raises Mistyped with one sentence."""
    try:
        params = call_out.Params.model_validate({**spec.with_, **overrides})
    except ValidationError as error:
        raise Mistyped(_sentence(error)) from None
    for path, text in call_out.check(spec, params, snapshot.playbook, snapshot.house):
        if set(path) & set(overrides):
            raise Mistyped(f"{'.'.join(map(str, path[1:]))}: {text}.")
    return params


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"][:2])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}."


def fresh_state(snapshot: Snapshot, spec: Step, overrides: Mapping[str, Any]) -> StepState:
    """The state with which the step runs now. Raises NotAllowed."""
    _live(snapshot)
    last = snapshot.state(spec.key)
    if last and not last.status.ended:
        raise NotAllowed(_runs_already(snapshot, last))
    params = with_overrides(snapshot, spec, overrides)
    if params.quota == "from_staffing":
        _something_missing(snapshot)
    now = {"status": StepStatus.WAITING, "started_at": snapshot.now, "nudged": True, "for_what": "its turn"}
    memo = {"overrides": dict(overrides)} if overrides else {}
    if last and last.status is StepStatus.SKIPPED and last.reason.startswith(HELD_BACK):
        return last.model_copy(update={**now, "ended_at": None, "reason": "", "memo": memo})
    occurrence = last.occurrence + 1 if last else 1
    given = {"incident": snapshot.incident.number, "key": spec.key, "occurrence": occurrence, "memo": memo}
    return StepState.model_validate({**given, **now})


def _live(snapshot: Snapshot) -> None:
    incident = snapshot.incident
    if not incident.status.live:
        raise NotAllowed(f"{incident.ref} is {incident.status}: nobody is called for it; declare a new incident.")


def _runs_already(snapshot: Snapshot, state: StepState) -> str:
    slots = snapshot.slots(state.name)
    come, wanted = sum(one.accepted for one in slots), sum(one.quota for one in slots)
    keys = {one.key for one in slots}
    asked = sum(1 for one in snapshot.invitations if one.callout in keys)
    how = f"{come} of {wanted} come, {asked} asked" if slots else f"it waits for {state.for_what or 'its turn'}"
    return f"{state.name} runs already: {how}. Look with `irrops callout show {snapshot.incident.ref}`."


def _something_missing(snapshot: Snapshot) -> None:
    plan = snapshot.staffing
    if plan is None:
        raise NotAllowed("There is no staffing plan yet that says how many are missing; say it with --quota (`quota`).")
    if plan.shortfall <= 0:
        raise NotAllowed(
            "The staffing plan has nobody missing; if more people are wanted all the same, say how many with --quota "
            "(`quota`)."
        )


def requested(snapshot: Snapshot, state: StepState, overrides: Mapping[str, Any], by: str) -> Change:
    """Put the step on the table, and say on the timeline who wanted it."""
    with_ = f" with {in_words(overrides)}" if overrides else ""
    entry = Entry(
        incident=state.incident,
        at=snapshot.now,
        kind=KIND,
        text=f"{by} starts {state.name} by hand{with_}",
        actor=by,
        step=state.name,
        facts={"overrides": dict(overrides)},
    )
    return Change(records=(state,), entries=(entry,))


def in_words(overrides: Mapping[str, Any]) -> str:
    """Say what was changed: `quota 12, languages es 3`."""
    parts = []
    for name, value in overrides.items():
        shown = " ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, Mapping) else value
        parts.append(f"{name} {shown}")
    return ", ".join(parts)


def _double_click(
    desk: "Desk", snapshot: Snapshot, spec: Step, overrides: Mapping[str, Any], by: str
) -> StepState | None:
    """The state that the same wish led to a moment ago; None when this is a new one."""
    state = snapshot.state(spec.key)
    for entry in reversed(desk.timeline(snapshot.incident.ref) if state else []):
        if entry.at + DOUBLE_CLICK <= snapshot.now:
            break
        same = (KIND, by, state and state.name, dict(overrides))
        if (entry.kind, entry.actor, entry.step, entry.facts.get("overrides")) == same:
            return state
    return None

"""plan(snapshot) → what is due now, and when to look again. It runs nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine import paging, reminding, shift_end
from engine.cadence import next_beat, opens
from engine.delivery import in_trouble
from engine.effects import Effect
from engine.expressions import ExpressionError, evaluate
from engine.incident import Status
from engine.playbook import BY_HAND, Step
from engine.snapshot import Snapshot
from engine.steps import StepState, StepStatus

RETRY_PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""Pauses after an action returned Retry; after the last it has failed."""

HELD_BACK = "`when` does not hold"


@dataclass(frozen=True)
class Due:
    """A step that is to be run now; `skip` is why it is not to be run after all."""

    spec: Step
    state: StepState
    skip: str = ""
    fail: str = ""


@dataclass(frozen=True)
class Plan:
    due: tuple[Due, ...] = ()
    late: tuple[StepState, ...] = ()
    """Steps whose deadline has passed unsaid."""
    wake_at: datetime | None = None
    """When the plan changes by itself; None when only an answer can change it."""


@dataclass
class _Draft:
    due: list[Due] = field(default_factory=list)
    late: list[StepState] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)


def names(snapshot: Snapshot) -> dict[str, Any]:
    """What a `when` expression may speak of."""
    queue = snapshot.queue_figures
    return {
        "facts": snapshot.incident.facts,
        "severity": snapshot.incident.severity,
        "status": snapshot.incident.status,
        "drill": snapshot.incident.drill,
        "staffing": {
            "shortfall": snapshot.staffing.shortfall if snapshot.staffing else 0,
            "shortfall_by_language": snapshot.staffing.shortfall_by_language if snapshot.staffing else {},
            "peak_needed": snapshot.staffing.peak_needed if snapshot.staffing else 0,
        },
        "queue": {"open": queue.open, "late": queue.late_answers, "answered": queue.answered},
        "responders": {"accepted": sum(callout.accepted for callout in snapshot.callouts)},
        "steps": {step.key: _status(snapshot, step.key) for step in snapshot.playbook.steps},
        "hours": (snapshot.now - snapshot.incident.declared_at) / timedelta(hours=1),
    }


NAMES = ("facts", "severity", "status", "drill", "staffing", "queue", "responders", "steps", "hours")


def _status(snapshot: Snapshot, key: str) -> str:
    state = snapshot.state(key)
    return state.status.value if state else "not_started"


def plan(snapshot: Snapshot) -> Plan:
    """Decide what is due at `snapshot.now`."""
    draft = _Draft()
    incident = snapshot.incident
    if incident.status.live:
        for step in snapshot.playbook.steps:
            _step(snapshot, step, incident.declared_at, draft)
    else:
        _finish_running(snapshot, draft)
        if incident.status is not Status.REVIEWED:
            for step in snapshot.playbook.stand_down:
                _step(snapshot, step, incident.status_at, draft)
    _started_by_hand(snapshot, draft)
    draft.wakes += shift_end.wakes(snapshot)
    draft.wakes += reminding.wakes(snapshot)
    draft.wakes += paging.wakes(snapshot)
    future = [wake for wake in draft.wakes if wake > snapshot.now]
    return Plan(tuple(draft.due), tuple(draft.late), min(future, default=None))


def _started_by_hand(snapshot: Snapshot, draft: _Draft) -> None:
    """What people started goes on after the incident has ended: what was said may have to be corrected."""
    for state in snapshot.steps:
        spec = snapshot.spec(state.name) if state.key == BY_HAND and not state.status.ended else None
        if spec:
            _running(snapshot, spec, state, draft)


def _finish_running(snapshot: Snapshot, draft: _Draft) -> None:
    """Steps of a closed incident: those that wait only for their effects may end by themselves; no other runs."""
    keys = {step.key for step in snapshot.playbook.steps}
    for state in snapshot.steps:
        if state.key in keys and not state.status.ended and _delivering(snapshot, state):
            _running(snapshot, snapshot.playbook.step(state.key), state, draft)


def _delivering(snapshot: Snapshot, state: StepState) -> bool:
    return state.look_at is None and bool(snapshot.effects_of(state))


def _step(snapshot: Snapshot, step: Step, origin: datetime, draft: _Draft) -> None:
    states = sorted((s for s in snapshot.steps if s.key == step.key), key=lambda s: s.occurrence)
    for state in states:
        if not state.status.ended:
            _deadline(snapshot, state, draft)
            _running(snapshot, step, state, draft)
    if states and not step.every:
        if states[-1].status is StepStatus.SKIPPED:
            _again(snapshot, step, states[-1], draft)
    elif all(_ended(snapshot, key) for key in step.after):
        _start(snapshot, step, origin, states[-1] if states else None, draft)
    elif not states:
        _never_started(snapshot, step, origin, draft)


def _start(snapshot: Snapshot, step: Step, origin: datetime, last: StepState | None, draft: _Draft) -> None:
    """Start a step, or the next occurrence of a repeating one, when its time has come."""
    if last and not last.status.ended:
        return
    beat = next_beat(step, origin, last.started_at) if step.every and last else opens(step, origin)
    if beat > snapshot.now:
        draft.wakes.append(beat)
        return
    fresh = StepState(
        incident=snapshot.incident.number,
        key=step.key,
        occurrence=last.occurrence + 1 if last else 1,
        started_at=snapshot.now,
        due_at=origin + step.due_within if step.due_within and not last else None,
    )
    try:
        why = _blocked(snapshot, step)
    except ExpressionError as error:
        draft.due.append(Due(step, fresh, fail=str(error)))
        return
    if why and step.every:
        # A repeat that is not wanted now leaves no trace; the next beat asks again.
        draft.wakes.append(next_beat(step, origin, snapshot.now))
        return
    draft.due.append(Due(step, fresh, skip=why))


def _again(snapshot: Snapshot, step: Step, state: StepState, draft: _Draft) -> None:
    """A step that `when` held back starts after all when facts or severity have changed."""
    if not state.reason.startswith(HELD_BACK):
        return
    try:
        if not _blocked(snapshot, step):
            again = {"status": StepStatus.WAITING, "ended_at": None, "reason": "", "started_at": snapshot.now}
            draft.due.append(Due(step, state.model_copy(update=again)))
    except ExpressionError:
        return  # it was worked out once; what it speaks of is gone, and the step stays held back


def _never_started(snapshot: Snapshot, step: Step, origin: datetime, draft: _Draft) -> None:
    """Keep the deadline of a step that still waits for others."""
    if not step.due_within:
        return
    ghost = StepState(
        incident=snapshot.incident.number,
        key=step.key,
        for_what="earlier steps",
        started_at=snapshot.now,
        due_at=origin + step.due_within,
    )
    _deadline(snapshot, ghost, draft)


def _deadline(snapshot: Snapshot, state: StepState, draft: _Draft) -> None:
    if state.due_at and late_key(state) not in snapshot.noted:
        if state.due_at <= snapshot.now:
            draft.late.append(state)
        else:
            draft.wakes.append(state.due_at)


def late_key(state: StepState) -> str:
    """Key of the timeline entry that says it is late."""
    return f"late/{state.name}"


def _running(snapshot: Snapshot, step: Step, state: StepState, draft: _Draft) -> None:
    if state.nudged or (state.look_at and state.look_at <= snapshot.now):
        draft.due.append(Due(step, state))
        return
    if state.look_at:
        draft.wakes.append(state.look_at)
        return
    effects = snapshot.effects_of(state)
    if all(_how_far(effect, snapshot) for effect in effects) and progress(snapshot, effects) > state.progress:
        draft.due.append(Due(step, state))


def _how_far(effect: Effect, snapshot: Snapshot) -> int:
    """0: on its way, 1: in trouble, 2: settled."""
    return 2 if effect.state.settled else int(in_trouble(effect, snapshot.effect))


def progress(snapshot: Snapshot, effects: Iterable[Effect]) -> int:
    """How far effects are: it grows when one gets into trouble, and when one is settled."""
    return sum(_how_far(effect, snapshot) for effect in effects)


def _ended(snapshot: Snapshot, key: str) -> bool:
    state = snapshot.state(key)
    return state is not None and state.status.ended


def _blocked(snapshot: Snapshot, step: Step) -> str:
    """Why `when` holds the step back; empty when it doesn't. Raises ExpressionError."""
    if not step.when or evaluate(step.when, names(snapshot)):
        return ""
    return f"{HELD_BACK}: {step.when}"


def waiting_for(snapshot: Snapshot) -> Iterator[tuple[StepState, str]]:
    """Running steps and what each waits for, for people."""
    for state in snapshot.steps:
        if not state.status.ended:
            yield state, state.for_what or "its turn"

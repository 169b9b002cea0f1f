"""What people may command of an incident. Each returns the change; none is carried out here."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.change import Change
from engine.effects import EffectState, Hold
from engine.incident import Incident, NotAllowed, Severity, Status
from engine.playbook import Playbook
from engine.snapshot import Snapshot
from engine.steps import StepState, StepStatus
from engine.timeline import Entry


def declare(
    playbook: Playbook,
    text: str,
    *,
    severity: Severity | None,
    facts: dict[str, Any],
    by: str,
    uid: str,
    now: datetime,
    drill: bool = False,
    key: str | None = None,
) -> tuple[Incident, Callable[[Incident], Change]]:
    """Declare an incident. Returns it, and what is to be written once it has its number. Raises FactsError."""
    incident = Incident(
        uid=uid,
        playbook=playbook.playbook,
        playbook_text=text,
        title=playbook.title,
        severity=severity or playbook.severity,
        facts=playbook.read_facts(facts),
        drill=drill,
        declared_by=by,
        declared_at=now,
        status_at=now,
        idempotency_key=key,
    )

    def follow(numbered: Incident) -> Change:
        what = f"{numbered.title} declared as {numbered.severity} by {by}"
        return Change(entries=(_entry(numbered, now, "Declared", what, by, facts=numbered.facts),))

    return incident, follow


def change_severity(snapshot: Snapshot, severity: Severity, by: str) -> Change:
    """Raise or lower the severity while the incident is live. Raises NotAllowed."""
    incident = snapshot.incident
    _must_be_live(incident)
    if severity is incident.severity:
        raise NotAllowed(f"{incident.ref} is {severity} already.")
    text = f"Severity changed from {incident.severity} to {severity} by {by}"
    return Change(
        records=(incident.model_copy(update={"severity": severity}),),
        entries=(_entry(incident, snapshot.now, "SeverityChanged", text, by),),
    )


def change_facts(snapshot: Snapshot, facts: dict[str, Any], by: str) -> Change:
    """Set facts anew; the others stay. Raises NotAllowed, FactsError."""
    incident = snapshot.incident
    _must_be_live(incident)
    known = {name: value for name, value in incident.facts.items() if value is not None}
    new = snapshot.playbook.read_facts({**known, **facts})
    changed = [name for name in new if new[name] != incident.facts.get(name)]
    if not changed:
        raise NotAllowed(f"{incident.ref} has these facts already.")
    text = f"Facts changed by {by}: {', '.join(changed)}"
    entry = _entry(incident, snapshot.now, "FactsChanged", text, by, facts={name: new[name] for name in changed})
    return Change(records=(incident.model_copy(update={"facts": new}),), entries=(entry,))


def monitor(snapshot: Snapshot, by: str) -> Change:
    """The disruption is over; its tail is watched. Raises NotAllowed."""
    incident = snapshot.incident.to(Status.MONITORING, snapshot.now)
    entry = _entry(incident, snapshot.now, "MonitoringBegan", f"Monitoring, said {by}", by)
    return Change(records=(incident,), entries=(entry,))


def resolve(snapshot: Snapshot, by: str) -> Change:
    """End the incident: running steps are cancelled, the stand-down steps start. Raises NotAllowed."""
    return _close(snapshot, Status.RESOLVED, "Resolved", f"Resolved by {by}", by)


def stand_down(snapshot: Snapshot, by: str, reason: str) -> Change:
    """A false alarm: as resolve, and unsent effects of the steps are forgotten. Raises NotAllowed."""
    change = _close(snapshot, Status.STOOD_DOWN, "StoodDown", f"Stood down by {by}: {reason}", by)
    queued = [e for e in snapshot.effects if e.step and e.state is EffectState.QUEUED and not e.uncertain]
    # A hold of the marketing posts may have taken the place of another incident's; the release takes its place.
    unsent = tuple(e.key for e in queued if not isinstance(e.message, Hold))
    return change + Change(forget=unsent)


def reviewed(snapshot: Snapshot, by: str) -> Change:
    """The review has been held. Raises NotAllowed."""
    incident = snapshot.incident.to(Status.REVIEWED, snapshot.now)
    entry = _entry(incident, snapshot.now, "Reviewed", f"Review closed by {by}", by)
    return Change(records=(incident,), entries=(entry,))


def _close(snapshot: Snapshot, status: Status, kind: str, text: str, by: str) -> Change:
    incident = snapshot.incident.to(status, snapshot.now)
    cancelled = [_cancel(snapshot, state) for state in snapshot.steps if not state.status.ended]
    queue = snapshot.queue
    closed = (queue.model_copy(update={"closed_at": snapshot.now}),) if queue and not queue.closed_at else ()
    return Change(
        records=(incident, *(state for state in cancelled if state), *closed),
        entries=(_entry(incident, snapshot.now, kind, text, by),),
    )


def _cancel(snapshot: Snapshot, state: StepState) -> StepState | None:
    """End a running step. One that only waits for its deliveries is left: it may still say what came of them."""
    if state.look_at is None and snapshot.effects_of(state):
        return None
    change = {"status": StepStatus.CANCELLED, "ended_at": snapshot.now, "reason": "the incident was closed"}
    return state.model_copy(update=change)


def _must_be_live(incident: Incident) -> None:
    if not incident.status.live:
        raise NotAllowed(f"{incident.ref} is {incident.status}; only a live incident can be changed.")


def _entry(incident: Incident, at: datetime, kind: str, text: str, by: str, **more: Any) -> Entry:
    return Entry(incident=incident.number, at=at, kind=kind, text=text, actor=by, **more)

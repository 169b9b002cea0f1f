"""An incident as people see it: at a glance, and as JSON."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.duration import spoken
from engine.effects import EffectState
from engine.plan import plan, waiting_for
from engine.steps import StepStatus
from engine.timeline import Entry

if TYPE_CHECKING:
    from desk.desk import Desk
    from engine.snapshot import Snapshot


def as_json(desk: "Desk", ref: str) -> dict[str, Any]:
    """Everything that `irrops incident show --json` says."""
    snapshot = desk.snapshot(ref)
    incident = snapshot.incident
    effects = desk.effects(ref)
    return {
        "incident": incident.ref,
        **incident.model_dump(mode="json", include={"playbook", "title", "severity", "status", "facts", "drill"}),
        "declared_at": incident.declared_at,
        "declared_by": incident.declared_by,
        "steps": [state.model_dump(mode="json", exclude={"version", "incident", "memo"}) for state in snapshot.steps],
        "waiting": [{"step": state.name, "for": what} for state, what in waiting_for(snapshot)],
        "late": [state.name for state in late(snapshot)],
        "next_look_at": plan(snapshot).wake_at,
        "statements": [
            {"ref": one.ref, **one.model_dump(mode="json", exclude={"version", "incident", "id"})}
            for one in snapshot.statements
        ],
        "staffing": snapshot.staffing and snapshot.staffing.model_dump(mode="json", exclude={"slots", "version"}),
        "callouts": [one.model_dump(mode="json", exclude={"version", "incident"}) for one in snapshot.callouts],
        "queue": snapshot.queue
        and {
            **snapshot.queue.model_dump(mode="json", exclude={"version", "incident"}),
            **snapshot.queue_figures.model_dump(mode="json"),
        },
        "effects": {
            state.value: count for state in EffectState if (count := sum(one.state is state for one in effects))
        },
        "sandbox": sorted({one.channel for one in effects if _quiet(desk, one.channel)}),
        "timeline": [
            entry.model_dump(mode="json", exclude={"version", "incident", "key"}) for entry in desk.timeline(ref)
        ],
    }


def late(snapshot: "Snapshot") -> list[Any]:
    """Steps past their deadline that have not ended."""
    return [s for s in snapshot.steps if s.due_at and s.due_at <= snapshot.now and not s.status.ended]


def _quiet(desk: "Desk", channel: str) -> bool:
    return channel in desk.crew.channels and desk.crew.channels[channel].sandbox


def both_times(at: datetime, zone: str) -> str:
    """UTC and local, with the date: `2026-11-22 04:10 UTC (05:10)`."""
    local = at.astimezone(ZoneInfo(zone))
    there = f"{local:%H:%M}" if local.date() == at.date() else f"{local:%m-%d %H:%M}"
    return f"{at:%Y-%m-%d %H:%M} UTC ({there})"


def as_text(desk: "Desk", ref: str) -> str:
    """What a duty manager sees at a glance, the urgent first."""
    snapshot = desk.snapshot(ref)
    incident, zone, now = snapshot.incident, desk.crew.house.time_zone, snapshot.now
    mark = "DRILL  " if incident.drill else ""
    lines = [
        f"{mark}{incident.ref}  {incident.severity}  {incident.status.upper()}  {incident.title}",
        f"declared {both_times(incident.declared_at, zone)} by {incident.declared_by}, "
        f"{spoken(now - incident.declared_at)} ago",
    ]
    facts = [f"{name}={_fact(value)}" for name, value in incident.facts.items() if value is not None]
    if facts:
        lines.append("facts    " + ", ".join(facts))
    lines += [f"LATE     {s.name}: due {both_times(s.due_at, zone)}" for s in late(snapshot)]
    lines += [f"FAILED   {s.name}: {s.reason}" for s in snapshot.steps if s.status is StepStatus.FAILED]
    lines += [_waiting(state, what, zone) for state, what in waiting_for(snapshot)]
    lines += _figures(snapshot, zone)
    lines += ["", "timeline (UTC, local)"]
    lines += [_entry(entry, zone) for entry in desk.timeline(ref) if entry.kind != "EffectSent"]
    sent = sum(entry.kind == "EffectSent" for entry in desk.timeline(ref))
    lines.append(f"{sent} effects sent; `irrops effect list {incident.ref}` shows each")
    return "\n".join(lines)


def _fact(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _waiting(state: Any, what: str, zone: str) -> str:
    until = f", looks again {both_times(state.look_at, zone)}" if state.look_at else ""
    return f"waits    {state.name}: {what or 'its turn'}{until}"


def _figures(snapshot: "Snapshot", zone: str) -> list[str]:
    lines = []
    for one in snapshot.statements:
        when = f" since {both_times(one.live_at, zone)}" if one.live_at else ""
        by = f", approved by {one.approved_by}" if one.approved_by else ""
        lines.append(f"said     {one.ref} {one.message}: {one.status}{when}{by}")
    if snapshot.staffing:
        plan_ = snapshot.staffing
        lines.append(
            f"staff    {plan_.peak_needed} needed at the peak, {len(plan_.offers)} offers, {plan_.shortfall} missing"
        )
    for callout in snapshot.callouts:
        asked = [i for i in snapshot.invitations if i.callout == callout.key]
        no = sum(i.answer == "no" for i in asked)
        state = callout.closed_because or "open"
        lines.append(
            f"called   {callout.step}: {callout.accepted} of {callout.quota} accepted, "
            f"{len(asked)} asked, {no} declined, {sum(not i.answer for i in asked)} silent ({state})"
        )
    if snapshot.queue:
        f = snapshot.queue_figures
        lines.append(
            f"queue    {f.open} open, {f.claimed} in hand, {f.answered + f.solved} answered, {f.late_answers} late"
        )
    return lines


def _entry(entry: Entry, zone: str) -> str:
    local = entry.at.astimezone(ZoneInfo(zone))
    return f"{entry.at:%m-%d %H:%M:%S}  {local:%H:%M}  {entry.kind:<20} {entry.text}"

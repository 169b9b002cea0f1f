"""An incident as people see it: at a glance, and as JSON."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine import coming
from engine.duration import spoken
from engine.effects import Effect, EffectState
from engine.plan import plan, waiting_for
from engine.ports import ASKS_TO_WAIT
from engine.steps import StepStatus
from engine.timeline import Entry

if TYPE_CHECKING:
    from desk.desk import Desk
    from engine.callout import CallOut
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
        "delayed": delays(snapshot),
        "sandbox": sorted({one.channel for one in effects if _quiet(desk, one.channel)}),
        "timeline": [
            entry.model_dump(mode="json", exclude={"version", "incident", "key"}) for entry in desk.timeline(ref)
        ],
    }


def late(snapshot: "Snapshot") -> list[Any]:
    """Steps past their deadline that have not ended."""
    return [s for s in snapshot.steps if s.due_at and s.due_at <= snapshot.now and not s.status.ended]


KINDS = {
    "direct": "direct messages",
    "post": "statements",
    "text": "messages in rooms",
    "revise": "changes of messages",
    "room": "rooms",
    "topic": "topics of rooms",
    "invite": "invitations to rooms",
}
"""Kind of message (`engine.effects`) → what people call it."""


def delays(snapshot: "Snapshot") -> list[str]:
    """What a channel holds up, and until when: effects that were refused for now and are tried again later."""
    held: dict[tuple[str, str], list[Effect]] = {}
    for effect in snapshot.effects:
        if effect.state is EffectState.QUEUED and effect.error and effect.not_before > snapshot.now:
            held.setdefault((effect.channel, effect.message.kind), []).append(effect)
    return [_delay(channel, kind, effects, snapshot) for (channel, kind), effects in sorted(held.items())]


def _delay(channel: str, kind: str, effects: list[Effect], snapshot: "Snapshot") -> str:
    last = max(effects, key=lambda effect: effect.not_before)
    at, what = both_times(last.not_before, snapshot.house.time_zone), KINDS[kind]
    name = channel.replace("_", " ")
    if ASKS_TO_WAIT in last.error:
        return f"{name[:1].upper()}{name[1:]} {ASKS_TO_WAIT} until {at} for {what} ({len(effects)} wait)"
    return f"{len(effects)} {what} on {name} wait until {at}: {last.error}"


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
    lines += [f"delayed  {line}" for line in delays(snapshot)]
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
    lines += [_called(snapshot, callout) for callout in snapshot.callouts]
    if snapshot.queue:
        f = snapshot.queue_figures
        lines.append(
            f"queue    {f.open} open, {f.claimed} in hand, {f.answered + f.solved} answered, {f.late_answers} late"
        )
    return lines


def _called(snapshot: "Snapshot", callout: "CallOut") -> str:
    """One slot in a line; `irrops callout show` has the rest."""
    mine = [one for one in snapshot.invitations if one.callout == callout.key]
    tally = coming.tally(mine, coming.missing(snapshot.effects))
    counts = tally.model_dump(exclude={"asked", "yes"})
    named = {"no": "declined", "waiting": "on the waiting list", "later": "can come later"}
    rest = ", ".join(f"{count} {named.get(name, name)}" for name, count in counts.items() if count)
    slot = f" slot {callout.slot}" if callout.slot > 1 else ""
    state = callout.closed_because or "open"
    return (
        f"called   {callout.step}{slot}: {callout.accepted} of {callout.quota} come, {tally.asked} asked"
        f"{f', {rest}' if rest else ''} ({state})"
    )


def _entry(entry: Entry, zone: str) -> str:
    local = entry.at.astimezone(ZoneInfo(zone))
    return f"{entry.at:%m-%d %H:%M:%S}  {local:%H:%M}  {entry.kind:<20} {entry.text}"

"""What every incident gets without any step: its chat room, its people, a situation post, alarms."""

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from engine import promise, reminding
from engine.change import Change
from engine.delivery import ALARM_AFTER
from engine.effects import Direct, Effect, EffectState, Hold, Invite, Look, Message, Revise, Room, Text, Topic
from engine.incident import Status
from engine.plan import Plan, late_key, waiting_for
from engine.snapshot import Snapshot
from engine.steps import StepStatus
from engine.timeline import Entry
from engine.wording import context

BATCH = 30
"""People invited in one call; more fail as a whole on a single unknown one."""


def keep(snapshot: Snapshot, plan: Plan) -> Change:
    """What is missing of the room, the situation post and the alarms. Empty when nothing is.

    The first time it also moves the incident from declared to responding.
    """
    incident = snapshot.incident
    if incident.status is Status.DECLARED:
        snapshot = replace(snapshot, incident=incident.to(Status.RESPONDING, snapshot.now))
    change = _alarms(snapshot, plan)
    if incident.status is Status.REVIEWED:
        return change
    if not snapshot.effect(incident.key("room")):
        change += Change(effects=tuple(_open(snapshot)))
    return change + _situation(snapshot)


def _effect(snapshot: Snapshot, name: str, message: Message, needs: str | None, urgency: int, **more: str) -> Effect:
    return Effect.model_validate(
        {
            "key": snapshot.incident.key(name),
            "incident": snapshot.incident.number,
            "channel": snapshot.house.chat,
            "message": message,
            "needs": needs,
            "urgency": urgency,
            "queued_at": snapshot.now,
            "not_before": snapshot.now,
            **more,
        }
    )


def _topic(snapshot: Snapshot) -> str:
    incident = snapshot.incident
    mark = "DRILL · " if incident.drill else ""
    return f"{mark}{incident.ref} · {incident.severity} · {incident.title} · {incident.status}"[:250]


def _open(snapshot: Snapshot) -> Iterator[Effect]:
    incident = snapshot.incident
    name = re.sub(
        r"[^a-z0-9-]+", "-", f"{'drill-' if incident.drill else ''}{incident.ref}-{incident.playbook}".lower()
    )
    purpose = f"Response to {incident.title}, declared {incident.declared_at:%Y-%m-%d %H:%M} UTC"
    room = _effect(snapshot, "room", Room(name=name[:80], topic=_topic(snapshot), purpose=purpose), None, 1)
    yield room
    people = {
        person.chat: None for role in snapshot.playbook.invite for person in snapshot.holders(role) if person.chat
    }
    members = list(people)
    for start in range(0, len(members), BATCH):
        invite = Invite(members=tuple(members[start : start + BATCH]))
        yield _effect(snapshot, f"invite/{start // BATCH + 1}", invite, room.key, 4)


def _situation(snapshot: Snapshot) -> Change:
    """Post the situation once, then revise it in place when it has changed."""
    incident = snapshot.incident
    text = situation(snapshot)
    mark = sha256(text.encode()).hexdigest()[:16]
    if mark == incident.situation:
        return Change()
    first = incident.key("situation")
    record = incident.model_copy(update={"situation": mark, "situation_count": incident.situation_count + 1})
    if incident.situation_count == 0:
        effect = _effect(snapshot, "situation", Text(text=text), incident.key("room"), 2)
        return Change(records=(record,), effects=(effect,))
    count = incident.situation_count
    revise = _effect(snapshot, f"situation/{count}", Revise(text=text), first, 6, replaces=f"{first}/revise")
    effects = [revise]
    shown = snapshot.effect(incident.key("room"))
    if shown and isinstance(shown.message, Room) and _topic(snapshot) != _last_topic(snapshot):
        topic = _effect(snapshot, f"topic/{count}", Topic(topic=_topic(snapshot)), incident.key("room"), 6)
        effects.append(topic.model_copy(update={"replaces": incident.key("topic")}))
    return Change(records=(record,), effects=tuple(effects))


def _last_topic(snapshot: Snapshot) -> str:
    shown = [
        e for e in snapshot.effects if isinstance(e.message, Room | Topic) and e.state is not EffectState.CANCELLED
    ]
    last = max(shown, key=lambda effect: effect.queued_at)
    return last.message.topic if isinstance(last.message, Room | Topic) else ""


def situation(snapshot: Snapshot) -> str:
    """The situation in words: what runs, what is late, what waits for whom, how the queue and the call-out stand."""
    live = [{"step": state.name, "for_what": what} for state, what in waiting_for(snapshot)]
    ended = [state for state in snapshot.steps if state.status.ended]
    figures = snapshot.queue_figures
    more = {
        "waiting": live,
        "done": [state.name for state in ended if state.status is StepStatus.DONE],
        "failed": [{"step": s.name, "reason": s.reason} for s in ended if s.status is StepStatus.FAILED],
        "queue": None if snapshot.queue is None else {"late": figures.late_answers, "promised": True},
        "staffing": snapshot.staffing,
        "callouts": [
            {"accepted": c.accepted, "quota": c.quota, "closed": bool(c.closed_at)} for c in snapshot.callouts
        ],
        "statements": [{"ref": s.ref, "message": s.message, "status": s.status.value} for s in snapshot.statements],
    }
    wording = context(snapshot, "en")
    del wording["now"]  # the post changes when the situation does, not with the time
    return snapshot.house.wording.render("situation", snapshot.house.chat, "en", {**wording, **more})


def _alarms(snapshot: Snapshot, plan: Plan) -> Change:
    change = Change()
    for state in plan.late:
        text = f"{state.name} is late: due {state.due_at:%H:%M} UTC, waiting for {state.for_what or 'its turn'}"
        change += alarm(snapshot, late_key(state), "StepLate", text, state.name)
    for state in snapshot.steps:
        key = f"failed/{state.name}"
        if state.status is StepStatus.FAILED and key not in snapshot.noted:
            change += alarm(snapshot, key, "StepFailed", f"{state.name} failed: {state.reason}", state.name)
    change += _overdue(snapshot)
    for key, effects in _troubled(snapshot).items():
        one = effects[0]
        others = f" (and {len(effects) - 1} more)" if len(effects) > 1 else ""
        text = f"{one.channel}: {one.key.split('/', 1)[1]}{others} {_TROUBLE[one.state]}: {one.error}"
        change += alarm(snapshot, key, "DeliveryTrouble", text, one.step)
    return change


def _overdue(snapshot: Snapshot) -> Change:
    """What the public was promised, and did not get."""
    late = promise.broken(snapshot)
    if not late or not late.next_update_at:
        return Change()
    waiting = reminding.waiting_draft(snapshot, late)
    now = f"{waiting.ref} waits for approval: see that it gets it now" if waiting else "publish one now"
    text = f"{late.ref} promised the next update by {late.next_update_at:%H:%M} UTC and none is out; {now}"
    return alarm(snapshot, f"promise/{late.key}", "UpdateOverdue", text, late.step)


_TROUBLE = {
    EffectState.QUEUED: "is not taken yet; it goes on trying",
    EffectState.FAILED: "failed",
    EffectState.UNKNOWN: "may have happened or not; look, then say so with `irrops effect decide`",
}


def _troubled(snapshot: Snapshot) -> dict[str, list[Effect]]:
    """Effects in trouble that nobody was told of: one alarm a step, channel and trouble, not hundreds."""
    troubled: dict[str, list[Effect]] = {}
    for effect in snapshot.effects:
        if isinstance(effect.message, Look | Hold):
            continue  # a look that fails is made again; of a hold its own step tells, and what to do by hand
        stuck = effect.state is EffectState.QUEUED and effect.attempts >= ALARM_AFTER
        if effect.key.split("/")[1] != "alarm" and (stuck or effect.state in (EffectState.FAILED, EffectState.UNKNOWN)):
            key = f"trouble/{effect.channel}/{effect.step or 'room'}/{effect.state}"
            if key not in snapshot.noted:
                troubled.setdefault(key, []).append(effect)
    return troubled


def alarm(snapshot: Snapshot, key: str, kind: str, text: str, step: str = "") -> Change:
    """Say something on the timeline once, and to the duty managers directly."""
    if key in snapshot.noted:
        return Change()
    entry = Entry(incident=snapshot.incident.number, at=snapshot.now, kind=kind, text=text, step=step, key=key)
    words = snapshot.house.wording.render(
        "alarm", snapshot.house.chat, "en", {**context(snapshot, "en"), "text": text, "kind": kind}
    )
    effects = [
        _effect(
            snapshot, f"alarm/{key}/{person.key}", Direct(person=person.key, address=person.chat, text=words), None, 2
        )
        for person in snapshot.holders("duty_manager")[:2]
        if person.chat
    ]
    return Change(entries=(entry,), effects=tuple(effects))

"""The step type `release_responders`: thank everybody who was called, once, and let them go."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.answering import standing
from engine.callout import CallOut, Invitation, ask_key, direct, revise, told
from engine.duration import spoken
from engine.effects import Effect, EffectState
from engine.house import House
from engine.people import Person
from engine.playbook import Playbook, Step
from engine.record import Record, Value
from engine.snapshot import Snapshot, StepRun
from engine.steps import Done, Outcome
from engine.timeline import Entry

NEEDS = frozenset({"people"})


class Params(Value):
    """Release the responders: who accepted is thanked and told their hours, open invitations are taken back."""


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Release everybody who is not released yet, and close the call-outs."""
    callouts = {callout.key: callout for callout in snapshot.callouts}
    left = [i for i in snapshot.invitations if not i.released_at and i.callout in callouts]
    known = {person.key: person for person in snapshot.people}
    coming = [i for i in left if standing(i) == "accepted"]
    effects = [
        effect
        for i in left
        if i.person in known and (effect := _message(step, snapshot, callouts[i.callout], i, known[i.person]))
    ]
    records: list[Record] = [i.model_copy(update={"released_at": snapshot.now}) for i in left]
    records += [_closed(callout, snapshot.now) for callout in snapshot.callouts if not callout.closed_at]
    if not coming:
        return Done(reason="nobody had accepted", effects=tuple(effects), records=tuple(records))
    entry = Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="RespondersReleased",
        text=f"{len(coming)} responder{'s' if len(coming) > 1 else ''} released with thanks",
        step=step.name,
        facts={"released": len(coming), "taken_back": len(left) - len(coming)},
        key=snapshot.incident.key(step.name, "released"),
    )
    return Done(effects=tuple(effects), records=tuple(records), entries=(entry,))


def _message(
    step: StepRun, snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person
) -> Effect | None:
    how = standing(invitation)
    if how == "accepted":
        text = told(snapshot, callout, person, "released", worked(callout, invitation, snapshot.now))
        effect = direct(snapshot, callout, person, f"{invitation.key}/released", text)
    elif how == "declined" or _never_arrived(snapshot, invitation):
        return None
    else:
        text = told(snapshot, callout, person, "call_out_full", {"over": True})
        effect = revise(snapshot, callout, invitation, text)
    return effect.model_copy(update={"step": step.name})


def _never_arrived(snapshot: Snapshot, invitation: Invitation) -> bool:
    asked = snapshot.effect(ask_key(invitation.key))
    return asked is not None and asked.state in (EffectState.FAILED, EffectState.CANCELLED)


def worked(callout: CallOut, invitation: Invitation, now: datetime) -> dict[str, object]:
    """Work out somebody's hours: from the start, or from their answer when that came later, until released."""
    began_at = max(callout.starts_at, invitation.answered_at or callout.starts_at)
    released_at = min(now, callout.ends_at)
    hours = spoken(released_at - began_at) if released_at > began_at else ""
    return {"began_at": began_at, "released_at": released_at, "worked": hours}


def _closed(callout: CallOut, now: datetime) -> CallOut:
    return callout.model_copy(update={"closed_at": now, "closed_because": "responders released"})


def check(step: Step, params: Params, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find a release where it would send people home while the incident runs."""
    if any(one.key == step.key for one in playbook.steps):
        return [(("action",), "release_responders ends every call-out of the incident; put it under `stand_down:`")]
    return []


def preview(step: Step, params: Params, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say who would be written to."""
    return [f"thanks everybody who accepted, on {house.chat}, with their hours", "takes open invitations back"]

"""The step type `release_responders`: thank everybody who was called, once, and let them go."""

from collections.abc import Mapping
from typing import Any

from engine.answering import standing
from engine.callout import CallOut, Invitation, asked_by, revise, told
from engine.effects import Effect, EffectState
from engine.house import House
from engine.people import Person
from engine.playbook import Playbook, Step
from engine.record import Record, Value
from engine.shift_end import let_go
from engine.snapshot import Snapshot, StepRun
from engine.steps import Done, Outcome
from engine.timeline import Entry

NEEDS = frozenset({"people"})
BECAUSE = "the incident is over"


class Params(Value):
    """Release the responders: who accepted is thanked and told their hours, open invitations are taken back."""


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Release everybody who is not released yet, and close the call-outs."""
    callouts = {callout.key: callout for callout in snapshot.callouts}
    left = [i for i in snapshot.invitations if not i.released_at and i.callout in callouts]
    known = {person.key: person for person in snapshot.people}
    coming = [i for i in left if standing(i) == "accepted"]
    coming.sort(key=lambda i: (callouts[i.callout].starts_at, i.key))
    first = {i.person: i.key for i in reversed(coming) if not i.thanked_at}
    released = [
        _release(snapshot, callouts[i.callout], i, known.get(i.person), told_already=first.get(i.person) != i.key)
        for i in left
    ]
    effects = tuple(one.model_copy(update={"step": step.name}) for _, sent in released for one in sent)
    records: list[Record] = [record for record, _ in released]
    records += [_closed(snapshot, callout) for callout in snapshot.callouts if not callout.closed_at]
    if not coming:
        return Done(reason="nobody had accepted", effects=effects, records=tuple(records))
    entry = Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="RespondersReleased",
        text=f"{len(coming)} responder{'s' if len(coming) > 1 else ''} released with thanks",
        step=step.name,
        facts={"released": len(coming), "taken_back": len(left) - len(coming)},
        key=snapshot.incident.key(step.name, "released"),
    )
    return Done(effects=effects, records=tuple(records), entries=(entry,))


def _release(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person | None, *, told_already: bool
) -> tuple[Invitation, tuple[Effect, ...]]:
    """Let one person go: who has a place is thanked, who has not answered or waits is told that it is over."""
    how = standing(invitation)
    if how == "accepted" and person:
        return let_go(snapshot, callout, invitation, person, BECAUSE, told_already=told_already)
    record = invitation.model_copy(update={"released_at": snapshot.now, "released_because": BECAUSE})
    if not person or how == "declined" or _never_arrived(snapshot, invitation):
        return record, ()
    text = told(snapshot, callout, person, "call_out_full", {"over": True})
    return record, revise(snapshot, callout, invitation, text)


def _never_arrived(snapshot: Snapshot, invitation: Invitation) -> bool:
    asked = snapshot.effect(asked_by(invitation, snapshot.house.chat))
    return asked is not None and asked.state in (EffectState.FAILED, EffectState.CANCELLED)


def _closed(snapshot: Snapshot, callout: CallOut) -> CallOut:
    return callout.model_copy(update={"closed_at": snapshot.now, "closed_because": "responders released"})


def check(step: Step, params: Params, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find a release where it would send people home while the incident runs."""
    if any(one.key == step.key for one in playbook.steps):
        return [(("action",), "release_responders ends every call-out of the incident; put it under `stand_down:`")]
    return []


def preview(step: Step, params: Params, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say who would be written to."""
    return [f"thanks everybody who accepted, on {house.chat}, with their hours", "takes open invitations back"]

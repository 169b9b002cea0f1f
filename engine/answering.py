"""What an answer to an invitation means: for the person, for the call-out, for those who wait.

The records are in `engine.callout`; asking more people is the step's business (`engine.actions.call_out`).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from engine.assignment import Candidate, assign
from engine.callout import Answer, CallOut, Invitation, choices, direct, revise, told
from engine.change import Change
from engine.incident import NotAllowed
from engine.people import Person
from engine.ports import Reply
from engine.snapshot import Snapshot
from engine.steps import StepState, StepStatus
from engine.timeline import Entry


def answer(
    snapshot: Snapshot, invitation_key: str, given: Answer, by_person: Person, now: datetime
) -> tuple[Change, Reply]:
    """Take a person's answer. The snapshot must hold everybody who accepted. Raises NotAllowed.

    An accepted answer and the call-out's count are one change: when two take the last place at once, the store
    refuses the second as stale, and with a fresh snapshot it becomes a place on the waiting list.
    """
    snapshot = replace(snapshot, now=now)
    invitation = next((one for one in snapshot.invitations if one.key == invitation_key), None)
    callout = next((one for one in snapshot.callouts if invitation and one.key == invitation.callout), None)
    if not invitation or not callout:
        raise NotAllowed(f"{snapshot.incident.ref} has not asked this; look for a newer message.")
    if invitation.person != by_person.key:
        raise NotAllowed("Somebody else was asked this; only they can answer it.")
    if given is Answer.NONE:
        raise NotAllowed("That is no answer; press one of the buttons.")
    if not snapshot.incident.status.live or now >= callout.ends_at or invitation.released_at:
        over = _reply(snapshot, callout, by_person, "over")
        return Change(), over.model_copy(update={"revise": over.text})
    if given is invitation.answer:
        return Change(), _reply(snapshot, callout, by_person, standing(invitation))
    if given is Answer.YES:
        return _yes(snapshot, callout, invitation, by_person)
    return _no(snapshot, callout, invitation, by_person, given)


def standing(invitation: Invitation) -> str:
    """Say how an invitation stands: `accepted`, `waiting`, `declined`, or empty while it is unanswered."""
    if invitation.answer is Answer.YES:
        return "waiting" if invitation.too_late else "accepted"
    return "declined" if invitation.answer is not Answer.NONE else ""


def has_place(callout: CallOut, accepted: Iterable[Person], person: Person) -> bool:
    """Tell whether one more may come: the quota has room, beyond the places kept for languages still missing."""
    coming = [Candidate(one.languages, "") for one in (*accepted, person)]
    missing = sum(callout.languages.values()) - len(assign(coming, callout.languages, {}))
    return missing <= callout.quota - callout.accepted - 1


def accepted_in(snapshot: Snapshot, callout: CallOut) -> list[Person]:
    """Who comes, as far as the snapshot knows them."""
    known = {person.key: person for person in snapshot.people}
    keys = [i.person for i in snapshot.invitations if i.callout == callout.key and _comes(i)]
    return [known[key] for key in keys if key in known]


def _comes(invitation: Invitation) -> bool:
    return standing(invitation) == "accepted" and not invitation.released_at


def _yes(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> tuple[Change, Reply]:
    said = {"answer": Answer.YES, "answered_at": snapshot.now}
    if not has_place(callout, accepted_in(snapshot, callout), person):
        late = invitation.model_copy(update={**said, "too_late": True})
        text = told(snapshot, callout, person, "call_out_late")
        message = revise(snapshot, callout, invitation, text, choices(snapshot, invitation.key, person, accepted=True))
        # the call-out is written too: a place that comes free in this moment makes one of the two changes stale
        return Change(records=(late, callout), effects=(message,)), _reply(snapshot, callout, person, "waiting")
    callout, change = _take(snapshot, callout, invitation.model_copy(update=said), person)
    full = callout.accepted >= callout.quota
    change += Change(records=(callout, *(_nudge(snapshot, callout) if full else ())))
    return change, _reply(snapshot, callout, person, "accepted")


def _take(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, waited: bool = False
) -> tuple[CallOut, Change]:
    """Give the person a place: the call-out, not yet recorded, and the rest of the change."""
    callout = callout.model_copy(update={"accepted": callout.accepted + 1})
    text = told(snapshot, callout, person, "briefing", {"from_waiting_list": waited})
    back_out = choices(snapshot, invitation.key, person, accepted=True)
    effects = [revise(snapshot, callout, invitation, text, back_out)]
    if waited:
        # a changed message makes no sound: whoever was told to stay at home is written to again
        effects.append(direct(snapshot, callout, person, f"{invitation.key}/place-{invitation.version}", text))
    what = "takes a place from the waiting list" if waited else "accepts"
    entry = Entry(
        incident=callout.incident,
        at=snapshot.now,
        kind="ResponderConfirmed" if waited else "ResponderAccepted",
        text=f"{person.key} ({person.department}) {what}: {callout.accepted} of {callout.quota}",
        actor=person.key,
        step=callout.step,
        facts={"department": person.department, "accepted": callout.accepted, "quota": callout.quota},
        key=f"{invitation.key}/accepted-{invitation.version}",
    )
    return callout, Change(records=(invitation,), effects=tuple(effects), entries=(entry,))


def _no(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, given: Answer
) -> tuple[Change, Reply]:
    said = invitation.model_copy(update={"answer": given, "answered_at": snapshot.now, "too_late": False})
    text = told(snapshot, callout, person, "call_out_declined")
    change = Change(records=(said,), effects=(revise(snapshot, callout, invitation, text),))
    reply = _reply(snapshot, callout, person, "declined")
    after = replace(snapshot, invitations=tuple(said if i.key == said.key else i for i in snapshot.invitations))
    if _comes(invitation):
        return change + _drop_out(after, callout, invitation, person), reply
    silent = any(i.callout == callout.key and i.answer is Answer.NONE for i in after.invitations)
    return change if silent else change + Change(records=_nudge(snapshot, callout, reopen=False)), reply


def _drop_out(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> Change:
    """Free a place; who waits gets it, else the step looks for somebody. `snapshot` knows the new answer."""
    callout = callout.model_copy(update={"accepted": callout.accepted - 1})
    entry = Entry(
        incident=callout.incident,
        at=snapshot.now,
        kind="ResponderDroppedOut",
        text=f"{person.key} ({person.department}) can't come after all: {callout.accepted} of {callout.quota}",
        actor=person.key,
        step=callout.step,
        facts={"department": person.department, "accepted": callout.accepted, "quota": callout.quota},
        key=f"{invitation.key}/dropped-{invitation.version}",
    )
    callout, change = confirm_waiting(snapshot, callout)
    nudged: tuple[StepState, ...] = ()
    if callout.accepted < callout.quota:
        callout = callout.model_copy(update={"closed_at": None, "closed_because": ""})
        nudged = _nudge(snapshot, callout)
    return Change(entries=(entry,)) + change + Change(records=(callout, *nudged))


def confirm_waiting(snapshot: Snapshot, callout: CallOut) -> tuple[CallOut, Change]:
    """Give free places to the waiting list, who said yes first comes first.

    Returns the call-out, not yet recorded, and the rest of the change.
    """
    known = {person.key: person for person in snapshot.people}
    accepted, change = accepted_in(snapshot, callout), Change()
    mine = [i for i in snapshot.invitations if i.callout == callout.key and not i.released_at]
    waiting = [i for i in mine if standing(i) == "waiting" and i.person in known]
    for one in sorted(waiting, key=lambda i: (i.answered_at or i.asked_at, i.key)):
        person = known[one.person]
        if has_place(callout, accepted, person):
            accepted.append(person)
            place = one.model_copy(update={"too_late": False})
            callout, more = _take(snapshot, callout, place, person, waited=True)
            change += more
    return callout, change


def _nudge(snapshot: Snapshot, callout: CallOut, reopen: bool = True) -> tuple[StepState, ...]:
    """Let the call-out's step run now. An ended one is opened again; that of a staffing offer is not."""
    state = next((one for one in snapshot.steps if one.name == callout.step), None)
    if not state or state.nudged:
        return ()
    if not state.status.ended:
        return (state.model_copy(update={"nudged": True}),)
    if not reopen or state.status is not StepStatus.DONE or snapshot.playbook.step(state.key).action != "call_out":
        return ()
    again = {"status": StepStatus.WAITING, "ended_at": None, "reason": "", "for_what": "a replacement", "nudged": True}
    return (state.model_copy(update=again),)


def _reply(snapshot: Snapshot, callout: CallOut, person: Person, how: str) -> Reply:
    return Reply(text=told(snapshot, callout, person, "call_out_reply", {"how": how}))

"""What an answer to an invitation means: for the person, for the call-out, for those who wait.

The records are in `engine.callout`; asking more people is the step's business (`engine.actions.call_out`).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from engine.assignment import Candidate, assign
from engine.buttons import ANSWER
from engine.callout import Answer, CallOut, Invitation, choices, labels, revise, told
from engine.change import Change
from engine.choice import fits
from engine.effects import Button
from engine.folding import fold, merged
from engine.hours import left
from engine.incident import NotAllowed
from engine.people import Person
from engine.ports import Reply
from engine.qualification import held
from engine.snapshot import Snapshot
from engine.steps import StepState, StepStatus
from engine.timeline import Entry
from engine.welcome import take_back, welcome

GRACE = timedelta(minutes=30)
"""Who comes so much after the beginning is in time."""
USEFUL = timedelta(hours=1)
"""Who comes later than that before the end need not come at all."""
QUIET = ("1d", "7d", "30d")
"""For how long one may ask not to be called, as the buttons offer it."""
MOST_CHOICES = 5


def answer(
    snapshot: Snapshot,
    invitation_key: str,
    given: Answer,
    by_person: Person,
    now: datetime,
    *,
    comes_at: datetime | None = None,
    quiet: timedelta | None = None,
    on: str = "",
) -> tuple[Change, Reply]:
    """Take a person's answer, given on a lane. The snapshot must hold everybody who accepted. Raises NotAllowed.

    `comes_at` goes with LATER (without it the reply asks when), `quiet` with NO: don't ask me for so long.
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
    said = invitation.model_copy(update={"answered_at": now, "answered_on": on or snapshot.house.chat})
    said = left(invitation, said, now)
    if given is Answer.LATER:
        return _later(snapshot, callout, invitation, said, by_person, comes_at)
    if quiet is not None:
        return _quiet(snapshot, callout, invitation, said, by_person, quiet)
    if given is invitation.answer:
        return Change(), _reply(snapshot, callout, by_person, standing(invitation), invitation)
    if given is Answer.YES:
        return _yes(snapshot, callout, said.model_copy(update={"comes_at": None}), by_person)
    return _no(snapshot, callout, invitation, said, by_person)


def standing(invitation: Invitation) -> str:
    """Say how an invitation stands: `accepted`, `waiting`, `later`, `declined`, or empty while it is unanswered."""
    if invitation.answer is Answer.YES:
        return "waiting" if invitation.too_late else "accepted"
    return {Answer.NO: "declined", Answer.LATER: "later"}.get(invitation.answer, "")


def has_place(callout: CallOut, accepted: Iterable[Person], person: Person) -> bool:
    """Tell whether one more may come: the quota has room, beyond the places kept for qualifications still missing."""
    coming = [Candidate(held(one, callout.minima), "") for one in (*accepted, person)]
    missing = sum(callout.minima.values()) - len(assign(coming, callout.minima, {}))
    return missing <= callout.quota - callout.accepted - 1


def accepted_in(snapshot: Snapshot, callout: CallOut) -> list[Person]:
    """Who comes, as far as the snapshot knows them."""
    known = {person.key: person for person in snapshot.people}
    keys = [i.person for i in snapshot.invitations if i.callout == callout.key and comes(i)]
    return [known[key] for key in keys if key in known]


def comes(invitation: Invitation) -> bool:
    """Tell whether somebody has a place and was not released."""
    return standing(invitation) == "accepted" and not invitation.released_at


# ---------------------------------------------------------------- yes


def _yes(snapshot: Snapshot, callout: CallOut, said: Invitation, person: Person) -> tuple[Change, Reply]:
    said = said.model_copy(update={"answer": Answer.YES, "too_late": False})
    if not has_place(callout, accepted_in(snapshot, callout), person):
        late = said.model_copy(update={"too_late": True})
        text = told(snapshot, callout, person, "call_out_late", {}, late)
        back_out = choices(snapshot, late.key, person, accepted=True)
        # a place that comes free in this moment makes this stale; yet those who wait must not make stale who closes it
        change = Change(records=(late,), unchanged=(callout,), effects=revise(snapshot, callout, late, text, back_out))
        return change, _reply(snapshot, callout, person, "waiting", late)
    callout, change = _take(snapshot, callout, said, person)
    full = callout.accepted >= callout.quota
    change += Change(records=(callout, *(_nudge(snapshot, callout) if full else ())))
    return change, _reply(snapshot, callout, person, "accepted", said)


def _take(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, waited: bool = False
) -> tuple[CallOut, Change]:
    """Give the person a place: the call-out, not yet recorded, and the rest of the change."""
    callout = callout.model_copy(update={"accepted": callout.accepted + 1})
    invitation, effects = welcome(snapshot, callout, invitation, person, waited=waited)
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
    return callout, Change(records=(invitation,), effects=effects, entries=(entry,))


# ---------------------------------------------------------------- later


def times(snapshot: Snapshot, callout: CallOut) -> list[datetime]:
    """When somebody who can't come at the beginning may still come: during this slot, or with a later one."""
    during = [callout.starts_at + timedelta(hours=hours) for hours in (1, 2, 3)]
    slots = [one.starts_at for one in snapshot.slots(callout.step) if one.starts_at > callout.starts_at]
    found = {at for at in during if at + USEFUL <= callout.ends_at} | set(slots)
    return sorted(at for at in found if at > snapshot.now)[:MOST_CHOICES]


def _later(
    snapshot: Snapshot, callout: CallOut, before: Invitation, said: Invitation, person: Person, at: datetime | None
) -> tuple[Change, Reply]:
    if at is None or at <= snapshot.now:
        return Change(), _ask_when(snapshot, callout, before, person)
    if at <= callout.starts_at + GRACE:
        if standing(before) in ("accepted", "waiting"):
            return Change(), _reply(snapshot, callout, person, standing(before), before)
        return _yes(snapshot, callout, said.model_copy(update={"comes_at": None}), person)
    if before.answer is Answer.LATER and before.comes_at == at:
        return Change(), _reply(snapshot, callout, person, "later", before)
    waits = said.model_copy(update={"answer": Answer.LATER, "comes_at": at, "too_late": False})
    moved = _slot_for(fold(snapshot, Change(records=(waits,))), callout, person, at)
    if moved is None and at + USEFUL > callout.ends_at:
        asked = _ask_when(snapshot, callout, before, person)
        return Change(), _reply(snapshot, callout, person, "no_such_time").model_copy(update={"buttons": asked.buttons})
    freed = _drop_out(snapshot, callout, before, waits, person) if comes(before) else Change()
    snapshot = fold(snapshot, freed)
    if moved is not None:
        there = waits.model_copy(update={"callout": moved.key, "comes_at": at if at > moved.starts_at else None})
        change, reply = _yes(snapshot, moved, there, person)
        return merged((freed, change)), reply
    text = told(snapshot, callout, person, "call_out_later", {}, waits)
    effects = revise(snapshot, callout, waits, text, choices(snapshot, waits.key, person, accepted=True))
    noted = Change(records=(waits,), effects=effects) + _if_all_answered(snapshot, callout, waits)
    return merged((freed, noted)), _reply(snapshot, callout, person, "later", waits)


def _slot_for(snapshot: Snapshot, callout: CallOut, person: Person, at: datetime) -> CallOut | None:
    """The first later slot of the same step that begins about then, and that the person may work in."""
    later = (one for one in snapshot.slots(callout.step) if one.starts_at > callout.starts_at)
    return next((one for one in later if one.starts_at + GRACE >= at and not fits(snapshot, one, person)), None)


def _ask_when(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> Reply:
    at = times(snapshot, callout)
    shown = labels(snapshot, person, "call_out_times", {"times": at}) if at else ()
    values = [f"{invitation.key}|later|{one:%Y-%m-%dT%H:%MZ}" for one in at]
    buttons = tuple(Button(label=label, action=ANSWER, value=value) for label, value in zip(shown, values, strict=True))
    how = "when" if at else "no_such_time"
    return _reply(snapshot, callout, person, how, invitation).model_copy(update={"buttons": buttons})


# ---------------------------------------------------------------- no


def _no(
    snapshot: Snapshot, callout: CallOut, before: Invitation, said: Invitation, person: Person
) -> tuple[Change, Reply]:
    said = said.model_copy(update={"answer": Answer.NO, "too_late": False, "comes_at": None})
    text = told(snapshot, callout, person, "call_out_declined", {}, said)
    change = Change(records=(said,), effects=revise(snapshot, callout, said, text))
    reply = _reply(snapshot, callout, person, "declined", said).model_copy(
        update={"buttons": _how_long(snapshot, said.key, person)}
    )
    if comes(before):
        return change + _drop_out(snapshot, callout, before, said, person), reply
    return change + _if_all_answered(snapshot, callout, said), reply


def _how_long(snapshot: Snapshot, invitation: str, person: Person) -> tuple[Button, ...]:
    shown = labels(snapshot, person, "call_out_quiet")
    return tuple(
        Button(label=label, action=ANSWER, value=f"{invitation}|quiet|{span}")
        for label, span in zip(shown, QUIET, strict=True)
    )


def _quiet(
    snapshot: Snapshot, callout: CallOut, before: Invitation, said: Invitation, person: Person, span: timedelta
) -> tuple[Change, Reply]:
    change = Change()
    if before.answer is not Answer.NO:
        change, _ = _no(snapshot, callout, before, said, person)
    there = next((one for one in snapshot.people if one.key == person.key), person)
    until = snapshot.now + span
    quiet = there.model_copy(update={"quiet_until": until})
    reply = Reply(text=told(snapshot, callout, person, "call_out_reply", {"how": "quiet", "quiet_until": until}))
    return change + Change(records=(quiet,)), reply


def _drop_out(snapshot: Snapshot, callout: CallOut, before: Invitation, said: Invitation, person: Person) -> Change:
    """Free a place; who waits gets it, else the step looks for somebody."""
    invitations = tuple(said if i.key == said.key else i for i in snapshot.invitations)
    snapshot = replace(snapshot, invitations=invitations)
    callout = callout.model_copy(update={"accepted": callout.accepted - 1})
    entry = Entry(
        incident=callout.incident,
        at=snapshot.now,
        kind="ResponderDroppedOut",
        text=f"{person.key} ({person.department}) can't come after all: {callout.accepted} of {callout.quota}",
        actor=person.key,
        step=callout.step,
        facts={"department": person.department, "accepted": callout.accepted, "quota": callout.quota},
        key=f"{before.key}/dropped-{before.version}",
    )
    taken_back = take_back(snapshot, callout, before, person)
    callout, change = confirm_waiting(snapshot, callout)
    nudged: tuple[StepState, ...] = ()
    if callout.accepted < callout.quota:
        callout = callout.model_copy(update={"closed_at": None, "closed_because": "", "waves_before": callout.waves})
        nudged = _nudge(snapshot, callout)
    return Change(effects=taken_back, entries=(entry,)) + change + Change(records=(callout, *nudged))


def confirm_waiting(snapshot: Snapshot, callout: CallOut, *, later: bool = False) -> tuple[CallOut, Change]:
    """Give free places to the waiting list, who said yes first comes first; with `later` to those who come later.

    Returns the call-out, not yet recorded, and the rest of the change.
    """
    known = {person.key: person for person in snapshot.people}
    accepted, change = accepted_in(snapshot, callout), Change()
    mine = [i for i in snapshot.invitations if i.callout == callout.key and not i.released_at and i.person in known]
    waiting = [i for i in mine if standing(i) == ("later" if later else "waiting")]
    for one in sorted(waiting, key=lambda i: ((later and i.comes_at) or i.answered_at or i.asked_at, i.key)):
        person = known[one.person]
        if has_place(callout, accepted, person):
            accepted.append(person)
            place = one.model_copy(update={"answer": Answer.YES, "too_late": False})
            callout, more = _take(snapshot, callout, place, person, waited=True)
            snapshot = fold(snapshot, more)  # buddies are spread over those who came before in this loop too
            change += more
    return callout, change


# ---------------------------------------------------------------- the step, and the word to the person


def _if_all_answered(snapshot: Snapshot, callout: CallOut, said: Invitation) -> Change:
    """Once nobody is silent any more there is nothing to wait for."""
    others = (i for i in snapshot.invitations if i.callout == callout.key and i.key != said.key)
    silent = any(i.answer is Answer.NONE for i in others)
    return Change() if silent else Change(records=_nudge(snapshot, callout, reopen=False))


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


def _reply(
    snapshot: Snapshot, callout: CallOut, person: Person, how: str, invitation: Invitation | None = None
) -> Reply:
    return Reply(text=told(snapshot, callout, person, "call_out_reply", {"how": how}, invitation))

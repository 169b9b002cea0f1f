"""Handing over: the note that somebody leaves at the end of their hours, and whom it reaches."""

from collections.abc import Sequence
from datetime import datetime

from engine.callout import CallOut, Invitation, best_lane, direct, told
from engine.change import Change
from engine.effects import Effect, Text
from engine.hours import has_begun, has_place
from engine.incident import NotAllowed
from engine.notes import LONGEST, plain
from engine.people import Person
from engine.snapshot import Snapshot
from engine.timeline import Entry
from engine.wording import context


def hand_over(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, text: str) -> Change:
    """Take a note and pass it to who comes next and to the room; the same note again changes nothing.

    A second note is added to the first. The snapshot must hold those who are called. Raises NotAllowed, WordingError.
    """
    note = plain(text)
    if not note:
        raise NotAllowed("Write in a few words what is still open, or press “Nothing is open”.")
    if not has_begun(invitation, snapshot.now):
        raise NotAllowed("Your hours have not begun; hand over when they end.")
    if note in invitation.handover.split("\n"):
        return Change()
    whole = "\n".join(part for part in (invitation.handover, note) if part)
    if len(whole) > LONGEST:
        raise NotAllowed(f"A handover has at most {LONGEST:,} characters in all; say it shorter, or tell your buddy.")
    record = invitation.model_copy(update={"handover": whole})
    others = _others(snapshot, callout, invitation)
    effects = [_to(snapshot, callout, invitation, person, note, *other) for other in others]
    reached = f"{len(others)} of the next hours and the room" if others else "the room"
    entry = Entry(
        incident=callout.incident,
        at=snapshot.now,
        kind="HandedOver",
        text=f"{person.key} ({person.department}) hands over to {reached}",
        actor=person.key,
        step=callout.step,
        facts={"told": len(others)},
        key=f"{invitation.key}/handed-over-{invitation.version}",
    )
    effects.append(_to_room(snapshot, callout, invitation, person, note))
    return Change(records=(record,), effects=tuple(effects), entries=(entry,))


def nothing_open(invitation: Invitation) -> Change:
    """Note that nothing is left to hand over; a note that is there stays."""
    if invitation.handover:
        return Change()
    return Change(records=(invitation.model_copy(update={"handover": NOTHING}),))


NOTHING = "-"
"""What stands for a handover of somebody who has nothing open."""


def next_slots(snapshot: Snapshot, callout: CallOut) -> Sequence[CallOut]:
    """The slots that relieve this one: of the same kind of step, the first to begin and end later."""
    kind = _action(snapshot, callout)
    later = [
        one
        for one in snapshot.callouts
        if one.starts_at > callout.starts_at and one.ends_at > callout.ends_at and _action(snapshot, one) == kind
    ]
    first: datetime | None = min((one.starts_at for one in later), default=None)
    return [one for one in later if one.starts_at == first]


def notes_for(snapshot: Snapshot, callout: CallOut) -> list[tuple[str, str]]:
    """(name, note) of those whom this slot relieves, in the order of their slots."""
    names = {one.key: one.name for one in snapshot.people}
    before = [one for one in snapshot.callouts if callout.key in (after.key for after in next_slots(snapshot, one))]
    keys = [one.key for one in sorted(before, key=lambda one: (one.starts_at, one.key))]
    notes = [i for i in snapshot.invitations if i.callout in keys and i.handover not in ("", NOTHING)]
    return [
        (names.get(i.person, i.person), i.handover) for i in sorted(notes, key=lambda i: (keys.index(i.callout), i.key))
    ]


def _action(snapshot: Snapshot, callout: CallOut) -> str:
    key = callout.step.partition("#")[0]
    return next((step.action for step in snapshot.playbook.steps if step.key == key), "")


def _others(snapshot: Snapshot, callout: CallOut, invitation: Invitation) -> list[tuple[CallOut, Invitation, Person]]:
    """Who comes in the next slots, with their invitation."""
    slots = {one.key: one for one in next_slots(snapshot, callout)}
    known = {one.key: one for one in snapshot.people}
    coming = [i for i in snapshot.invitations if i.callout in slots and has_place(i) and not i.released_at]
    return [(slots[i.callout], i, known[i.person]) for i in coming if i.person in known]


def _to(
    snapshot: Snapshot,
    callout: CallOut,
    invitation: Invitation,
    person: Person,
    note: str,
    slot: CallOut,
    other: Invitation,
    reader: Person,
) -> Effect:
    lane = best_lane(snapshot, other)
    text = told(snapshot, slot, reader, "handover", {"name": person.name, "note": note}, other, lane)
    return direct(
        snapshot, callout, reader, f"{invitation.key}/handover-{invitation.version}/{reader.key}", text, lane=lane
    )


def _to_room(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, note: str) -> Effect:
    words = context(snapshot, "en", name=person.name, note=note)
    text = snapshot.house.wording.render("handover", snapshot.house.chat, "en", words)
    return Effect(
        key=f"{invitation.key}/handover-{invitation.version}",
        incident=callout.incident,
        step=callout.step,
        channel=snapshot.house.chat,
        message=Text(text=text),
        needs=snapshot.incident.key("room"),
        urgency=4,
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )

"""Signing off: the social team lets a volunteer answer the public feed, or takes that back.

The sign-off is kept with the person until the people file says something new of what they may answer
(`desk.people`). What a right allows is in `engine.triage`.
"""

from typing import TYPE_CHECKING

from engine.buddy import signs_off
from engine.callout import Invitation
from engine.change import Change
from engine.hours import has_place
from engine.incident import NotAllowed, Unknown
from engine.people import Person
from engine.ports import Reply
from engine.snapshot import Snapshot
from engine.timeline import Entry
from state.store import Stale

if TYPE_CHECKING:
    from desk.desk import Desk

PUBLIC = "public"
TRIES = 5


def sign_off(desk: "Desk", person: str, by: str, public: bool = True) -> Person:
    """Let somebody answer the public feed, or no longer; `by` stands on the timeline. Raises NotAllowed.

    It is noted with the live incident that they work for, if there is one. A repeat changes nothing. What the people
    file allows can't be taken back here.
    """
    _changed(_known(desk, person), public)
    number = _works_for(desk, person)
    if number:
        desk._command(f"INC-{number}", lambda snapshot: _decide(desk, snapshot, person, by, public))
        return _known(desk, person)
    for _ in range(TRIES):
        there = _known(desk, person)
        after = _changed(there, public)
        try:
            if after != there:
                desk.store.apply(Change(records=(after,)))
            return _known(desk, person)
        except Stale:
            continue
    raise NotAllowed(f"The record of {person} changes too fast just now; try again.")


def press(desk: "Desk", value: str, by: Person) -> Reply:
    """The buddy, or another of the social team who may answer in public, pressed the button. Raises NotAllowed."""
    if not signs_off(by):
        raise NotAllowed("Only somebody of the social team who answers the public feed signs others off for it.")
    name = sign_off(desk, value, by.key).name
    return Reply(text=f"{name} may answer the public feed from now on, after private messages.")


def _known(desk: "Desk", key: str) -> Person:
    person = desk.person(key)
    if person is None:
        raise Unknown(f"“{key}” is not in the people file; `irrops people list` shows who is.")
    return person


def _changed(person: Person, public: bool) -> Person:
    if not public and PUBLIC in person.answers:
        raise NotAllowed(f"{person.name} may answer the public feed by the people file; change `answers` there.")
    if public == (PUBLIC in (*person.answers, *person.signed_off)):
        return person
    rest = tuple(kind for kind in person.signed_off if kind != PUBLIC)
    return person.model_copy(update={"signed_off": (*rest, PUBLIC) if public else rest})


def _works_for(desk: "Desk", person: str) -> int | None:
    """Number of the live incident that counts on somebody; the newest where there are several."""
    live = {incident.number for incident in desk.incidents(live=True)}
    mine = desk.store.all(Invitation, person=person)
    return max((i.incident for i in mine if i.incident in live and has_place(i) and not i.released_at), default=None)


def _decide(desk: "Desk", snapshot: Snapshot, key: str, by: str, public: bool) -> Change:
    there = _known(desk, key)
    after = _changed(there, public)
    if after == there:
        return Change()
    what = "is signed off for the public feed" if public else "answers private messages only from now on"
    entry = Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="SignedOff" if public else "SignOffTakenBack",
        text=f"{key} ({there.department}) {what}",
        actor=by,
    )
    return Change(records=(after,), entries=(entry,))

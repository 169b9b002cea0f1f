"""What somebody wrote in their own words, taken as an answer to what they were asked.

How words are read is in `engine.plain_words`, what an answer does in `engine.answering`.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from desk.handing_over import takes_text
from engine.answering import standing
from engine.callout import Answer, CallOut, Invitation, choices, told
from engine.incident import Incident
from engine.people import Person
from engine.plain_grammar import LANGUAGES
from engine.plain_words import Understood, understand
from engine.ports import Reply
from engine.snapshot import Snapshot
from state.rows import table
from state.snapshots import LIVE

if TYPE_CHECKING:
    from desk.desk import Desk

NOTHING_ASKED = "Nothing is asked of you just now. When it is, a message comes here, and you can answer in plain words."


def said(desk: "Desk", chat_user: str, text: str, written_at: datetime | None = None) -> Reply:
    """Take what somebody wrote in chat, at an instant (default: now). Raises NotAllowed.

    It answers the newest invitation that is open: not refused, not released, its incident live, its hours not over.
    After a refusal only what is plain counts, for somebody who has changed their mind. At the end of somebody's hours
    it is their handover note or debrief.
    """
    person = desk.person_in_chat(chat_user)
    if note := takes_text(desk, person, text):
        return note
    invitation = _newest(desk, person)
    if invitation is None:
        return Reply(text=NOTHING_ASKED)
    if invitation.answer is Answer.NO and _read(desk, person, text, written_at) is None:
        return Reply(text=NOTHING_ASKED)
    return said_by(desk, person, invitation, text, desk.crew.house.chat, written_at)


def said_by(
    desk: "Desk", person: Person, invitation: Invitation, text: str, on: str, written_at: datetime | None = None
) -> Reply:
    """Take a person's words as their answer to an invitation, on a lane. Raises NotAllowed.

    What is not understood changes nothing: the reply says how to write it, with the buttons.
    """
    snapshot = desk.snapshot(f"INC-{invitation.incident}")
    callout = next(one for one in snapshot.callouts if one.key == invitation.callout)
    hours_fixed = _is_extra_shift(snapshot, callout)
    found = _read(desk, person, text, written_at)
    if found is None or (hours_fixed and found.answer is Answer.LATER):
        return _not_understood(snapshot, callout, invitation, person, on, later=not hours_fixed)
    comes_at = _within(callout, found, text, person)
    return desk.answer(invitation.key, found.answer, person, comes_at=comes_at, on=on)


def _newest(desk: "Desk", person: Person) -> Invitation | None:
    live = [one.number for one in desk.store.all(Incident, table(Incident).c.status.in_(LIVE))]
    columns = table(Invitation).c
    asked = desk.store.all(Invitation, columns.incident.in_(live), columns.released_at.is_(None), person=person.key)
    keys = {one.callout for one in asked}
    now = desk.clock.now()
    going_on = {one.key for one in desk.store.all(CallOut, table(CallOut).c.key.in_(keys)) if one.ends_at > now}
    found = [one for one in asked if one.callout in going_on]
    return max(found, key=lambda one: (one.answer is not Answer.NO, one.asked_at, one.key), default=None)


def _read(desk: "Desk", person: Person, text: str, written_at: datetime | None) -> Understood | None:
    """Understand a text; where languages read it differently, as the person's own do."""
    now = person.local(written_at or desk.clock.now())
    return understand(text, now) or understand(text, now, [one for one in person.languages if one in LANGUAGES])


def _within(callout: CallOut, found: Understood, text: str, person: Person) -> datetime | None:
    """Which instant is meant: “at 7” is 7 o'clock during the hours asked for, where there is one, else the next."""
    if found.at is None or found.from_now or found.at >= callout.starts_at:
        return found.at
    just_before = person.local(callout.starts_at - timedelta(minutes=1))
    then = understand(text, just_before, person.languages) or understand(text, just_before)
    return then.at if then and then.at and then.at < callout.ends_at else found.at


def _is_extra_shift(snapshot: Snapshot, callout: CallOut) -> bool:
    """An extra shift is offered with its hours; nobody can come to it later."""
    return snapshot.playbook.step(callout.step.partition("#")[0]).action != "call_out"


def _not_understood(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, on: str, *, later: bool
) -> Reply:
    chat = on == snapshot.house.chat
    more = {"how": "not_understood", "with_buttons": chat, "with_later": later}
    text = told(snapshot, callout, person, "call_out_reply", more, invitation, on if on in invitation.lanes else "")
    coming = standing(invitation) in ("accepted", "waiting", "later")
    buttons = choices(snapshot, invitation.key, person, accepted=coming, later=later) if chat else ()
    return Reply(text=text, buttons=buttons)

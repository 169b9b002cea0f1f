"""The end of somebody's hours, as they answer it: the handover note and the debrief, by button, link or free text.

What is asked when is in `engine.shift_end`; what a note does in `engine.handover`, the questions in `engine.debrief`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine import debrief as questions
from engine.callout import Answer, CallOut, Invitation, told
from engine.change import Change
from engine.handover import hand_over, nothing_open
from engine.hours import has_place, spared
from engine.incident import NotAllowed
from engine.notes import says_nothing
from engine.people import Person
from engine.ports import Reply
from engine.snapshot import Snapshot
from state import snapshots

if TYPE_CHECKING:
    from desk.desk import Desk

HANDOVER = "handover"
PATIENCE = timedelta(hours=48)
"""So long after the thanks a free text is taken as the answer to the debrief."""

Decide = Callable[[Snapshot, CallOut, Invitation], Change]


def handover(desk: "Desk", invitation: str, text: str, person: Person) -> Reply:
    """Take a note for those who come next; `nothing` and its like say that nothing is open. Raises NotAllowed."""

    def decide(snapshot: Snapshot, callout: CallOut, there: Invitation) -> Change:
        if says_nothing(text):
            return nothing_open(there)
        return hand_over(snapshot, callout, there, person, text)

    how = "nothing_open" if says_nothing(text) else "handed_over"
    return _decided(desk, invitation, person, decide, how)


def debrief(desk: "Desk", invitation: str, answers: Mapping[str, str], person: Person) -> Reply:
    """Take answers to the debrief, `engine.debrief.QUESTIONS` → answer; one at a time or both. Raises NotAllowed."""

    def decide(snapshot: Snapshot, _: CallOut, there: Invitation) -> Change:
        return questions.answered(snapshot, there, dict(answers))

    return _decided(desk, invitation, person, decide, "debriefed")


def nothing_is_open(desk: "Desk", value: str, person: Person) -> Reply:
    """The button under the question what is open was pressed: nothing. Raises NotAllowed."""
    reply = handover(desk, value, "nothing", person)
    return reply.model_copy(update={"revise": reply.text})


def rated(desk: "Desk", value: str, person: Person) -> Reply:
    """A number was pressed: `<invitation>|<1 to 5>`. Raises NotAllowed."""
    invitation, _, number = value.rpartition("|")
    return debrief(desk, invitation, {questions.PREPARED: number}, person)


def open_questions(invitation: Invitation) -> tuple[str, ...]:
    """What somebody is asked about their hours and has not answered: `handover`, or questions of the debrief."""
    if not _asked_at(invitation):
        return ()
    if invitation.thanked_at:
        return questions.missing(invitation)
    return () if invitation.handover else (HANDOVER,)


def takes_text(desk: "Desk", person: Person, text: str) -> Reply | None:
    """Take what somebody wrote if it answers what they were asked last at the end of their hours; else None.

    Whoever was asked to come since then, and has not answered, means that. Raises NotAllowed.
    """
    mine = desk.store.all(Invitation, person=person.key)
    times = [(at, one.key, one) for one in mine if (at := _asked_at(one))]
    if not times:
        return None
    since, _, asked = max(times)
    if desk.clock.now() - since > PATIENCE:
        return None
    if any(one.answer is Answer.NONE and not one.released_at and one.asked_at > since for one in mine):
        return None
    if not asked.thanked_at:
        return handover(desk, asked.key, text, person)
    answers = {name: said for name, said in questions.read(text).items() if name not in asked.debrief}
    return debrief(desk, asked.key, answers, person) if answers else None


def _asked_at(invitation: Invitation) -> datetime | None:
    """When somebody was last asked about their hours; None: they were not, or never began."""
    if not has_place(invitation) or spared(invitation):
        return None
    return invitation.thanked_at or invitation.handover_asked_at


def _decided(desk: "Desk", key: str, person: Person, decide: Decide, how: str) -> Reply:
    there = desk.store.first(Invitation, key=key)
    if not there:
        raise NotAllowed("This question is not known here any more.")
    if there.person != person.key:
        raise NotAllowed("Somebody else was asked this; only they can answer it.")
    replies: list[Reply] = []

    def command(snapshot: Snapshot) -> Change:
        snapshot = replace(snapshot, people=snapshots.people(desk.store, everybody=True))
        one = next(one for one in snapshot.invitations if one.key == key)
        callout = next(slot for slot in snapshot.callouts if slot.key == one.callout)
        change = decide(snapshot, callout, one)
        after = next((record for record in change.records if isinstance(record, Invitation)), one)
        more = {"how": how, "missing": list(questions.missing(after))}
        replies.append(Reply(text=told(snapshot, callout, person, "shift_reply", more, after)))
        return change

    desk._command(f"INC-{there.incident}", command)
    return replies[-1]

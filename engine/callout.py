"""Call-outs: the records of who was asked and what they said, and how a person is asked.

Whom to ask is in `engine.choice`, how many in `engine.waves`, what an answer does in `engine.answering`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.buttons import ANSWER, answers
from engine.duration import spoken
from engine.effects import Button, Direct, Effect, Revise
from engine.people import Person
from engine.ports import Wording
from engine.record import Instant, Record

if TYPE_CHECKING:
    from engine.snapshot import Snapshot


class Answer(StrEnum):
    NONE = ""
    YES = "yes"
    LATER = "later"
    NO = "no"


class CallOut(Record):
    """One summons for responders."""

    key: str
    """Unique: incident key, step."""
    incident: int
    step: str
    quota: int
    skills: tuple[str, ...] = ()
    languages: dict[str, int] = {}
    """Of the quota, how many at least must speak this language."""
    starts_at: Instant
    ends_at: Instant
    where: str = ""
    respond_by: Instant | None = None
    waves: int = 0
    accepted: int = 0
    """Written in the same change as every accepted answer, so that the quota can't be exceeded."""
    closed_at: Instant | None = None
    closed_because: str = ""


class Invitation(Record):
    """One person asked in one call-out."""

    key: str
    """Unique: call-out key, person."""
    incident: int
    callout: str
    person: str
    wave: int
    asked_at: Instant
    answer: Answer = Answer.NONE
    answered_at: Instant | None = None
    too_late: bool = False
    """Said yes when there were enough: on the waiting list."""
    released_at: Instant | None = None


URGENCY = 3
"""Of everything that a call-out sends: after rooms and first statements, before digests."""


def ask_key(invitation: str) -> str:
    """Key of the effect that asks, which later changes of that message need."""
    return f"{invitation}/ask"


def ask(
    snapshot: "Snapshot",
    callout: CallOut,
    people: Sequence[Person],
    wave: int,
    message: str = "call_out",
    more: Mapping[str, object] = {},
) -> tuple[tuple[Invitation, ...], tuple[Effect, ...]]:
    """Ask people by a direct message with two buttons; each invitation has one effect, in the same order.

    `message` names the template, `more` adds to its context. Each person is written to in the first of
    their languages that the template has. Who has no chat user id must be left out before. Raises WordingError.
    """
    invitations = tuple(
        Invitation(
            key=f"{callout.key}/{person.key}",
            incident=snapshot.incident.number,
            callout=callout.key,
            person=person.key,
            wave=wave,
            asked_at=snapshot.now,
        )
        for person in people
    )
    effects = tuple(
        direct(
            snapshot,
            callout,
            person,
            ask_key(invitation.key),
            told(snapshot, callout, person, message, more),
            choices(snapshot, invitation.key, person),
        )
        for person, invitation in zip(people, invitations, strict=True)
    )
    return invitations, effects


def direct(
    snapshot: "Snapshot", callout: CallOut, person: Person, key: str, text: str, buttons: tuple[Button, ...] = ()
) -> Effect:
    """Build the effect that writes to one person, sent again when nobody can say whether it arrived."""
    return Effect(
        key=key,
        incident=snapshot.incident.number,
        step=callout.step,
        channel=snapshot.house.chat,
        message=Direct(person=person.key, address=person.chat, text=text, buttons=buttons),
        urgency=URGENCY,
        if_unknown="send_again",
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )


def revise(
    snapshot: "Snapshot", callout: CallOut, invitation: Invitation, text: str, buttons: tuple[Button, ...] = ()
) -> Effect:
    """Build the effect that changes the message which asked; its buttons become `buttons`.

    The key goes by the invitation's version, so that each answer changes the message once.
    """
    return Effect(
        key=f"{invitation.key}/revise-{invitation.version}",
        incident=snapshot.incident.number,
        step=callout.step,
        channel=snapshot.house.chat,
        message=Revise(text=text, buttons=buttons),
        needs=ask_key(invitation.key),
        urgency=URGENCY,
        if_unknown="send_again",
        queued_at=snapshot.now,
        not_before=snapshot.now,
        replaces=f"{invitation.key}/revise",
    )


def told(snapshot: "Snapshot", callout: CallOut, person: Person, message: str, more: Mapping[str, object] = {}) -> str:
    """Render a message of the call-out for one person, in the first of their languages that it has.

    Beside `engine.wording.context` a template sees `first_name`, `starts_at`, `ends_at`, `respond_by` (may be None;
    all for the filter `local`, in the person's own time zone), `lasts`, `where`, `briefing` (lines), `quota`, and
    `more`. Raises WordingError.
    """
    from engine.wording import context  # here, since wording reads snapshots and those hold call-outs

    language = language_for(snapshot.house.wording, message, person)
    own = {
        "zone": person.time_zone,
        "first_name": person.name.split()[0],
        "starts_at": callout.starts_at,
        "ends_at": callout.ends_at,
        "respond_by": callout.respond_by,
        "lasts": spoken(callout.ends_at - callout.starts_at),
        "where": callout.where,
        "briefing": briefing(snapshot, callout),
        "quota": callout.quota,
    }
    everything = {**context(snapshot, language), **own, **more}
    return snapshot.house.wording.render(message, snapshot.house.chat, language, everything)


def briefing(snapshot: "Snapshot", callout: CallOut) -> tuple[str, ...]:
    """What a responder is told, line by line: from the step that called them, else from the playbook."""
    key = callout.step.partition("#")[0]
    own = next((step.with_.get("briefing") for step in snapshot.playbook.steps if step.key == key), None)
    return tuple(str(own).splitlines()) if own else snapshot.playbook.briefing


def choices(snapshot: "Snapshot", invitation: str, person: Person, accepted: bool = False) -> tuple[Button, ...]:
    """The buttons under an invitation in the person's language; once `accepted`, the one that takes it back.

    The template `call_out_buttons` has three lines: yes, no, and “I can't come after all”.
    """
    language = language_for(snapshot.house.wording, "call_out_buttons", person)
    context = {"language": language, "drill": False}  # the text above the buttons carries the drill mark
    text = snapshot.house.wording.render("call_out_buttons", snapshot.house.chat, language, context)
    yes, no, back_out = (line.strip() for line in text.strip().splitlines())
    if accepted:
        return (Button(label=back_out, action=ANSWER, value=f"{invitation}|no"),)
    return answers(invitation, yes, no)


def language_for(wording: Wording, message: str, person: Person) -> str:
    """Choose the first of the person's languages that the message has, else English."""
    written = set(wording.languages(message))
    return next((language for language in person.languages if language in written), "en")

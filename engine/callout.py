"""Call-outs: the records of who was asked and what they said, and how a person is asked.

Whom to ask is in `engine.choice`, how many in `engine.waves`, what an answer does in `engine.answering`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.buttons import ANSWER, answers
from engine.duration import spoken
from engine.effects import Attachment, Button, Direct, Effect, Message, Revise
from engine.lanes import address, code, lanes_of
from engine.people import Person
from engine.playbook import Briefing
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
    """One summons for responders: one slot of a step. Several slots of a step are several call-outs."""

    key: str
    """Unique: incident key, step, and the slot from the second on."""
    incident: int
    step: str
    slot: int = 1
    opens_at: Instant | None = None
    """Nobody is asked before; None: at once."""
    quota: int
    skills: tuple[str, ...] = ()
    """One of these qualifications is needed; none named: any."""
    minima: dict[str, int] = {}
    """Of the quota, how many at least must hold a qualification (`engine.qualification`); each takes one place."""
    stage: int = 0
    """How far it has been escalated (`engine.calling`)."""
    starts_at: Instant
    ends_at: Instant
    where: str = ""
    respond_by: Instant | None = None
    waves: int = 0
    waves_before: int = 0
    """Waves asked before it was opened again for a drop-out: the step's limit counts from here."""
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
    hour: int = 0
    """Of the day where the person lives, when they were asked, 0 to 23."""
    lanes: tuple[str, ...] = ()
    """On which they were asked, in order."""
    lane: str = ""
    """The first of them."""
    code: str = ""
    """To answer by link, or by word of mouth."""
    answer: Answer = Answer.NONE
    answered_at: Instant | None = None
    answered_on: str = ""
    """The lane on which they answered; `link` for the page."""
    too_late: bool = False
    """Said yes when there were enough: on the waiting list."""
    comes_at: Instant | None = None
    """Can come, but only from then on."""
    released_at: Instant | None = None
    released_because: str = ""
    buddy: str = ""
    """Key of the person of the social team who looks after them."""
    handover: str = ""
    """What they left to the next, in their words."""
    debrief: dict[str, str] = {}
    """Question → answer, after the work (`engine.debrief`)."""
    begins_at: Instant | None = None
    """From when they were counted on, the last time they had a place; None: they never had one."""
    left_at: Instant | None = None
    """When they gave that place back."""
    worked_s: int = 0
    """Seconds worked before that, in stretches that they broke off."""
    handover_asked_at: Instant | None = None
    """When they were asked what is still open."""
    thanked_at: Instant | None = None
    """When they were thanked and asked for the debrief, once."""


URGENCY = 3
"""Of everything that a call-out sends: after rooms and first statements, before digests."""


def ask_key(invitation: str, lane: str = "") -> str:
    """Key of the effect that asks on the first lane, or on a further one."""
    return f"{invitation}/ask-{lane}" if lane else f"{invitation}/ask"


def asked_by(invitation: Invitation, lane: str) -> str:
    """Key of the effect that asked on this lane."""
    return ask_key(invitation.key, "" if lane in ("", invitation.lane) else lane)


def ask(
    snapshot: "Snapshot",
    callout: CallOut,
    people: Sequence[Person],
    wave: int,
    message: str = "call_out",
    more: Mapping[str, object] = {},
) -> tuple[tuple[Invitation, ...], tuple[Effect, ...]]:
    """Ask people on their first lane; each invitation has one effect, in the same order.

    `message` names the template, `more` adds to its context. Each person is written to in the first of
    their languages that the template has. Who is on no lane must be left out before. Raises WordingError.
    """
    invitations = tuple(_invitation(snapshot, callout, person, wave) for person in people)
    effects = tuple(
        ask_on(snapshot, callout, invitation, person, invitation.lane, message, more)
        for person, invitation in zip(people, invitations, strict=True)
    )
    return invitations, effects


def _invitation(snapshot: "Snapshot", callout: CallOut, person: Person, wave: int) -> Invitation:
    key = f"{callout.key}/{person.key}"
    lane = lanes_of(person, snapshot.house)[0]
    return Invitation(
        key=key,
        incident=snapshot.incident.number,
        callout=callout.key,
        person=person.key,
        wave=wave,
        asked_at=snapshot.now,
        hour=person.local(snapshot.now).hour,
        lanes=(lane,),
        lane=lane,
        code=code(snapshot.house.secret, f"{snapshot.incident.uid}/{key}"),
    )


def ask_on(
    snapshot: "Snapshot",
    callout: CallOut,
    invitation: Invitation,
    person: Person,
    lane: str,
    message: str = "call_out",
    more: Mapping[str, object] = {},
) -> Effect:
    """Build the effect that asks one person on one lane: with buttons in chat, elsewhere with a code and a link."""
    text = told(snapshot, callout, person, message, more, invitation, lane)
    in_chat, later = lane == snapshot.house.chat, message == "call_out"  # an extra shift has its hours
    buttons = choices(snapshot, invitation.key, person, later=later) if in_chat else ()
    return direct(snapshot, callout, person, asked_by(invitation, lane), text, buttons, lane)


def direct(
    snapshot: "Snapshot",
    callout: CallOut,
    person: Person,
    key: str,
    text: str,
    buttons: tuple[Button, ...] = (),
    lane: str = "",
    attachments: tuple[Attachment, ...] = (),
) -> Effect:
    """Build the effect that writes to one person, sent again when nobody can say whether it arrived."""
    lane = lane or snapshot.house.chat
    message = Direct(
        person=person.key,
        address=address(person, lane),
        text=text,
        subject=f"{snapshot.incident.title} ({snapshot.incident.ref})",
        buttons=buttons,
        attachments=attachments,
    )
    return _effect(snapshot, callout, key, lane, message)


def _effect(snapshot: "Snapshot", callout: CallOut, key: str, channel: str, message: Message, **more: str) -> Effect:
    given = {"key": key, "channel": channel, "message": message, "urgency": URGENCY, "if_unknown": "send_again", **more}
    at = {"queued_at": snapshot.now, "not_before": snapshot.now}
    return Effect.model_validate({**given, **at, "incident": snapshot.incident.number, "step": callout.step})


def revise(
    snapshot: "Snapshot", callout: CallOut, invitation: Invitation, text: str, buttons: tuple[Button, ...] = ()
) -> tuple[Effect, ...]:
    """Build the effect that changes the chat message which asked; nothing for who was not asked in chat.

    The key goes by the invitation's version, so that each answer changes the message once.
    """
    chat = snapshot.house.chat
    if chat not in invitation.lanes:
        return ()
    needs, replaces = asked_by(invitation, chat), f"{invitation.key}/revise"
    message = Revise(text=text, buttons=buttons)
    key = f"{replaces}-{invitation.version}"
    return (_effect(snapshot, callout, key, chat, message, needs=needs, replaces=replaces),)


def best_lane(snapshot: "Snapshot", invitation: Invitation) -> str:
    """Where to write to somebody who was asked: where they answered, else where they were asked last."""
    if invitation.answered_on in invitation.lanes:
        return invitation.answered_on
    return invitation.lanes[-1] if invitation.lanes else snapshot.house.chat


def told(
    snapshot: "Snapshot",
    callout: CallOut,
    person: Person,
    message: str,
    more: Mapping[str, object] = {},
    invitation: Invitation | None = None,
    lane: str = "",
) -> str:
    """Render a message of the call-out for one person and lane, in the first of their languages that it has.

    Beside `engine.wording.context` a template sees `first_name`, `starts_at`, `ends_at`, `respond_by` (may be None;
    all for the filter `local`, in the person's own time zone), `lasts`, `where`, `briefing`, `quota`, `code`
    and `link` to answer by (empty where there is none), and `more`. Raises WordingError.
    """
    from engine.wording import context  # here, since wording reads snapshots and those hold call-outs

    language = language_for(snapshot.house.wording, message, person)
    starts_at = max(callout.starts_at, (invitation and invitation.comes_at) or callout.starts_at)
    own = {
        "zone": person.time_zone,
        "first_name": person.name.split()[0],
        "starts_at": starts_at,
        "ends_at": callout.ends_at,
        "respond_by": callout.respond_by,
        "lasts": spoken(callout.ends_at - starts_at),
        "where": callout.where,
        "briefing": briefing(snapshot, callout),
        "quota": callout.quota,
        "code": invitation.code if invitation else "",
        "link": answer_link(snapshot, invitation) if invitation else "",
    }
    everything = {**context(snapshot, language), **own, **more}
    return snapshot.house.wording.render(message, lane or snapshot.house.chat, language, everything)


def answer_link(snapshot: "Snapshot", invitation: Invitation) -> str:
    """The page on which an invitation is answered; empty where nobody can reach it."""
    base = snapshot.house.public_url.rstrip("/")
    return f"{base}/a/{invitation.code}" if base else ""


def briefing(snapshot: "Snapshot", callout: CallOut) -> Briefing:
    """What a responder is told: from the step that called them, else from the playbook."""
    key = callout.step.partition("#")[0]
    own = next((step.with_.get("briefing") for step in snapshot.playbook.steps if step.key == key), None)
    return Briefing(know=tuple(str(own).splitlines())) if own else snapshot.playbook.briefing


def choices(
    snapshot: "Snapshot", invitation: str, person: Person, accepted: bool = False, later: bool = True
) -> tuple[Button, ...]:
    """The buttons under an invitation in the person's language; once `accepted`, the one that takes it back.

    The template `call_out_buttons` has four lines: yes, later, no, and “I can't come after all”.
    """
    yes, another_time, no, back_out = labels(snapshot, person, "call_out_buttons")
    if accepted:
        return (Button(label=back_out, action=ANSWER, value=f"{invitation}|no"),)
    return answers(invitation, yes, another_time if later else "", no)


def labels(snapshot: "Snapshot", person: Person, message: str, more: Mapping[str, object] = {}) -> tuple[str, ...]:
    """Render a template of button labels, a line each, in the person's language."""
    language = language_for(snapshot.house.wording, message, person)
    own = {"language": language, "zone": person.time_zone, "drill": False}  # the text above carries the drill mark
    text = snapshot.house.wording.render(message, snapshot.house.chat, language, {**own, **more})
    return tuple(line.strip() for line in text.strip().splitlines())


def language_for(wording: Wording, message: str, person: Person) -> str:
    """Choose the first of the person's languages that the message has, else English."""
    written = set(wording.languages(message))
    return next((language for language in person.languages if language in written), "en")

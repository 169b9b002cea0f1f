"""Pages: the records of who was called by name and when, and how one person is called and told how it ended.

Who is next is in `engine.succession`, what is due and what an acknowledgement does in `engine.paging`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from engine.buttons import ACKNOWLEDGE
from engine.callout import labels, language_for
from engine.delivery import in_trouble
from engine.duration import spoken
from engine.effects import Button, Direct, Effect, EffectState, Message, Revise, Text
from engine.house import House
from engine.incident import Incident
from engine.lanes import address, code
from engine.people import Person
from engine.record import Instant, Record, Value
from engine.wording import context

if TYPE_CHECKING:  # snapshots hold pages
    from engine.snapshot import Snapshot

URGENCY = 0
"""Somebody is waiting for one person: before everything else."""
UNHEARD = "voice"
"""A lane that calls people up; only to say that nothing is to be done it is not used."""


class Turn(Value):
    """One person's turn in a page."""

    person: str
    name: str
    role: str = ""
    """As what they are called; empty for who was asked for."""
    began_at: Instant
    lanes: tuple[str, ...]
    """On which they were called, in order."""
    tried_at: Instant
    """When the last of them was."""


class Page(Record):
    """A call for one person by name, that goes on to others until somebody has got it."""

    key: str
    """Unique: incident key, `page`, and a number, or step and stage of the call-out."""
    incident: int
    step: str = ""
    """The step whose call-out wants it, as `volunteers#1`; empty for a person's command."""
    person: str
    """Whom it asks for."""
    role: str = ""
    """As what, where it is not for their own sake."""
    why: str
    by: str
    at: Instant
    departments: tuple[str, ...] = ()
    """Where to go on when the person's own department does not answer, in order."""
    turns: tuple[Turn, ...] = ()
    passed_over: tuple[str, ...] = ()
    """Keys of those who could not be called."""
    acknowledged_at: Instant | None = None
    acknowledged_by: str = ""
    ended_at: Instant | None = None
    """From then on nobody else is called."""
    ended_because: Literal["", "acknowledged", "unanswered", "over", "filled"] = ""

    @property
    def called(self) -> frozenset[str]:
        return frozenset(turn.person for turn in self.turns)

    @property
    def name(self) -> str:
        """The key without the incident: `page/1`."""
        return self.key.split("/", 1)[1]


def patience(house: House) -> timedelta:
    """How long one person has: two lanes have had their time."""
    return 2 * house.lane_after


def code_of(house: House, incident: Incident, page: Page, person: str) -> str:
    """What somebody says, writes or opens to say “I've got it”."""
    return code(house.secret, f"{incident.uid}/{page.key}/{person}")


def call_key(page: Page, person: str, lane: str) -> str:
    """Key of the effect that calls a person on a lane."""
    return f"{page.key}/{person}/{lane}"


def call(snapshot: "Snapshot", page: Page, person: Person, lane: str) -> Effect:
    """Build the effect that calls one person on one lane, whose turn is the page's last. Raises WordingError."""
    buttons = _button(snapshot, page, person) if lane == snapshot.house.chat else ()
    text = told(snapshot, page, person, "page", lane)
    return _direct(snapshot, page, person, call_key(page, person.key, lane), lane, text, buttons)


def reached(snapshot: "Snapshot", page: Page, turn: Turn) -> tuple[str, ...]:
    """The lanes on which a call has come through, or still may."""
    return tuple(lane for lane in turn.lanes if not refused(snapshot, page, turn, lane))


def refused(snapshot: "Snapshot", page: Page, turn: Turn, lane: str) -> bool:
    """Whether a lane did not take a call, or has not for so long that nobody should wait for it."""
    effect = snapshot.effect(call_key(page, turn.person, lane))
    if effect is None or effect.state is EffectState.SENT:
        return False
    return effect.state in (EffectState.FAILED, EffectState.CANCELLED) or in_trouble(effect, snapshot.effect)


def unsent(snapshot: "Snapshot", page: Page) -> tuple[str, ...]:
    """Keys of the calls that have not begun to be sent."""
    calls = {call_key(page, turn.person, lane) for turn in page.turns for lane in turn.lanes}
    mine = (effect for effect in snapshot.effects if effect.key in calls and not effect.uncertain)
    return tuple(effect.key for effect in mine if effect.state is EffectState.QUEUED)


def tell(
    snapshot: "Snapshot",
    page: Page,
    turn: Turn,
    message: str,
    more: Mapping[str, object],
    key: str,
    *,
    still_open: bool = False,
) -> tuple[Effect, ...]:
    """Change the call in chat; where there is none and the page has ended, write on the last lane that can be read.

    Nothing for somebody whom no call has reached.
    """
    person = next((one for one in snapshot.people if one.key == turn.person), None)
    lanes = reached(snapshot, page, turn)
    if person is None:
        return ()
    chat = snapshot.house.chat
    if chat in lanes:
        buttons = _button(snapshot, page, person) if still_open else ()
        needs, replaces = call_key(page, person.key, chat), f"{page.key}/{person.key}/revise"
        text = told(snapshot, page, person, message, chat, more)
        return (_effect(snapshot, page, key, chat, Revise(text=text, buttons=buttons), needs=needs, replaces=replaces),)
    readable = [lane for lane in lanes if lane != UNHEARD]
    if still_open or not readable:
        return ()
    text = told(snapshot, page, person, message, readable[-1], more)
    return (_direct(snapshot, page, person, key, readable[-1], text),)


def told(
    snapshot: "Snapshot", page: Page, person: Person, message: str, lane: str, more: Mapping[str, object] = {}
) -> str:
    """Render a message of a page for one person, in the first of their languages that it has.

    Beside `engine.wording.context` a template sees `first_name`, `why`, `by` (who had them called), `before` (name of
    who was called before them and did not answer; empty for the first), `callout` (None, or `accepted`, `quota`,
    `starts_at`), `patience` (time until the next is called, in words), `code` and `link` to acknowledge by, and `more`.
    Raises WordingError.
    """
    language = language_for(snapshot.house.wording, message, person)
    before = _before(page, person)
    own = {
        "zone": person.time_zone,
        "first_name": person.name.split()[0],
        "why": page.why,
        "by": _name(snapshot, page.by),
        "before": before.name if before else "",
        "callout": missing(snapshot, page.step),
        "code": code_of(snapshot.house, snapshot.incident, page, person.key),
        "link": _link(snapshot, page, person),
        "patience": spoken(patience(snapshot.house)),
    }
    return snapshot.house.wording.render(message, lane, language, {**context(snapshot, language), **own, **more})


def alarm(snapshot: "Snapshot", page: Page) -> Effect:
    """Build the effect that tells the whole room that nobody has answered."""
    names = [turn.name for turn in page.turns]
    more = {"why": page.why, "by": _name(snapshot, page.by), "names": names, "callout": missing(snapshot, page.step)}
    wording = snapshot.house.wording
    text = wording.render("page_unanswered", snapshot.house.chat, "en", {**context(snapshot, "en"), **more})
    room = snapshot.incident.key("room")
    return _effect(snapshot, page, f"{page.key}/unanswered", snapshot.house.chat, Text(text=text), needs=room)


def missing(snapshot: "Snapshot", step: str) -> dict[str, object] | None:
    """What a step's call-outs lack, its slots together; None for no call-out."""
    slots = snapshot.slots(step) if step else ()
    if not slots:
        return None
    waiting = [one for one in slots if one.accepted < one.quota] or list(slots)
    accepted, quota = sum(one.accepted for one in slots), sum(one.quota for one in slots)
    return {"accepted": accepted, "quota": quota, "starts_at": min(one.starts_at for one in waiting)}


def in_words(snapshot: "Snapshot", step: str) -> str:
    """Say what a step's call-outs lack: `3 of 12 come, needed by 06:00 UTC on 22 Nov`; empty for no call-out."""
    slots = missing(snapshot, step)
    if slots is None:
        return ""
    at = slots["starts_at"]
    assert isinstance(at, datetime)
    return f"{slots['accepted']} of {slots['quota']} come, needed by {at:%H:%M} UTC on {at.day} {at:%b}"


def _before(page: Page, person: Person) -> Turn | None:
    places = [number for number, turn in enumerate(page.turns) if turn.person == person.key]
    return page.turns[places[0] - 1] if places and places[0] else None


def _name(snapshot: "Snapshot", by: str) -> str:
    return next((person.name for person in snapshot.people if person.key == by), by)


def _link(snapshot: "Snapshot", page: Page, person: Person) -> str:
    base = snapshot.house.public_url.rstrip("/")
    return f"{base}/p/{code_of(snapshot.house, snapshot.incident, page, person.key)}" if base else ""


def _button(snapshot: "Snapshot", page: Page, person: Person) -> tuple[Button, ...]:
    (label,) = labels(snapshot, person, "page_button")
    return (Button(label=label, action=ACKNOWLEDGE, value=page.key, style="primary"),)


def _direct(
    snapshot: "Snapshot",
    page: Page,
    person: Person,
    key: str,
    lane: str,
    text: str,
    buttons: tuple[Button, ...] = (),
) -> Effect:
    subject = f"{snapshot.incident.title} ({snapshot.incident.ref})"
    there = address(person, lane)
    message = Direct(person=person.key, address=there, text=text, subject=subject, buttons=buttons)
    return _effect(snapshot, page, key, lane, message)


def _effect(snapshot: "Snapshot", page: Page, key: str, channel: str, message: Message, **more: str) -> Effect:
    at = {"queued_at": snapshot.now, "not_before": snapshot.now}
    given = {"key": key, "incident": page.incident, "channel": channel, "message": message, "urgency": URGENCY}
    return Effect.model_validate({**given, **at, **more})

"""Welcome: everything that somebody gets who accepts, and what is taken back when they can't come after all.

The count and the timeline are the answer's business (`engine.answering`), the end of the hours `engine.shift_end`'s.
What the briefing says beyond who, when and where is gathered in `engine.briefed`.
"""

from engine import buddy, calendar_entry, hours, triage
from engine.briefed import brief
from engine.buttons import SIGN_OFF
from engine.calendar_entry import Method
from engine.callout import CallOut, Invitation, best_lane, choices, direct, labels, revise, told
from engine.effects import Attachment, Button, Effect
from engine.lanes import lanes_of
from engine.people import Person
from engine.snapshot import Snapshot

MAIL = "email"
"""The lane that carries calendar entries."""


def welcome(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, *, waited: bool = False
) -> tuple[Invitation, tuple[Effect, ...]]:
    """Brief somebody who takes a place: the invitation with their beginning and buddy, and what is sent.

    That is the briefing with a button to take it back, the calendar entry where they read mail, and a word to the
    buddy. `waited`: they were told to stay at home before. The snapshot must hold the social team. Raises WordingError.
    """
    invitation = hours.placed(callout, invitation, snapshot.now)
    guide = buddy.choose(snapshot, callout, invitation, person)
    invitation = invitation.model_copy(update={"buddy": guide.key if guide else ""})
    more = {"from_waiting_list": waited, **brief(snapshot, callout, invitation, person, guide)}
    text = told(snapshot, callout, person, "briefing", more, invitation)
    back_out = choices(snapshot, invitation.key, person, accepted=True)
    effects = [*revise(snapshot, callout, invitation, text, back_out)]
    lane, entry = best_lane(snapshot, invitation), _entry(snapshot, callout, invitation, person, "PUBLISH")
    if waited or lane != snapshot.house.chat:
        # a changed message makes no sound: whoever was told to stay at home is written to again
        there = told(snapshot, callout, person, "briefing", more, invitation, lane)
        key = f"{invitation.key}/place-{invitation.version}"
        attached = entry if lane == MAIL else ()
        effects.append(direct(snapshot, callout, person, key, there, lane=lane, attachments=attached))
    if entry and not any(effect.channel == MAIL for effect in effects):
        effects.append(_mail(snapshot, callout, invitation, person, "PUBLISH", entry))
    if guide:
        effects.append(_to_buddy(snapshot, callout, invitation, person, guide, "comes"))
    return invitation, tuple(effects)


def take_back(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> tuple[Effect, ...]:
    """Take back what somebody was sent who gives their place up: the calendar entry, and the buddy's task.

    `invitation` is the one with the place. Raises WordingError.
    """
    effects = list(cancel_entry(snapshot, callout, invitation, person))
    guide = next((one for one in snapshot.people if one.key == invitation.buddy), None)
    if guide and lanes_of(guide, snapshot.house):
        effects.append(_to_buddy(snapshot, callout, invitation, person, guide, "stays"))
    return tuple(effects)


def cancel_entry(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> tuple[Effect, ...]:
    """Take the entry out of their calendar, where it was sent. Raises WordingError."""
    entry = _entry(snapshot, callout, invitation, person, "CANCEL")
    return (_mail(snapshot, callout, invitation, person, "CANCEL", entry),) if entry else ()


# ---------------------------------------------------------------- the calendar


def describe(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, method: Method, lane: str = MAIL
) -> str:
    """Say in words what the calendar entry is about: where, who looks after them, how to take it back."""
    guide = next((one.name for one in snapshot.people if one.key == invitation.buddy), "")
    more = {"cancelled": method == "CANCEL", "guide": guide}
    return told(snapshot, callout, person, "calendar", more, invitation, lane)


def _entry(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, method: Method
) -> tuple[Attachment, ...]:
    """The entry as something to attach; nothing for who has no mail."""
    if MAIL not in snapshot.house.lanes or not person.email:
        return ()
    words = describe(snapshot, callout, invitation, person, method)
    text = calendar_entry.entry(snapshot, callout, invitation, words, method, snapshot.now)
    name, kind = calendar_entry.file_name(snapshot), calendar_entry.media_type(method)
    return (Attachment(name=name, type=kind, text=text),)


def _mail(
    snapshot: Snapshot,
    callout: CallOut,
    invitation: Invitation,
    person: Person,
    method: Method,
    entry: tuple[Attachment, ...],
) -> Effect:
    text = describe(snapshot, callout, invitation, person, method)
    key = f"{invitation.key}/calendar-{method.lower()}-{invitation.version}"
    return direct(snapshot, callout, person, key, text, lane=MAIL, attachments=entry)


# ---------------------------------------------------------------- the buddy


def _to_buddy(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, guide: Person, how: str
) -> Effect:
    """Tell the buddy, on the lane they prefer, whom they look after and from when, or that they need not."""
    lane, chat = lanes_of(guide, snapshot.house)[0], snapshot.house.chat
    may = triage.rights(person, called_in=True)
    volunteer = {
        "name": person.name,
        "mention": f"<@{person.chat}>" if lane == chat == "slack" and person.chat else "",
        "department": person.department.replace("_", " "),
        "skills": [skill.replace("_", " ") for skill in person.skills],
        "languages": person.languages,
        "public": "public" in may,
        "yours": buddy.signs_off(guide),
    }
    more = {"how": how, "volunteer": volunteer, "from_at": invitation.begins_at or callout.starts_at}
    text = told(snapshot, callout, guide, "buddy", more, lane=lane)
    buttons: tuple[Button, ...] = ()
    if how == "comes" and lane == chat and "public" not in may and buddy.signs_off(guide):
        [label] = labels(snapshot, guide, "buddy_button", {"name": person.name.split()[0][:30]})
        buttons = (Button(label=label, action=SIGN_OFF, value=person.key),)
    key = f"{invitation.key}/buddy-{how}-{invitation.version}"
    return direct(snapshot, callout, guide, key, text, buttons, lane)

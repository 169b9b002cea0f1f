"""The end of somebody's hours: asking for the handover, thanks with the hours, and the debrief. Each once.

It is nobody's step: the step that called them is done long before. What was done is noted on the invitation, so a
restart asks nothing twice. How hours are counted is in `engine.hours`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

from engine import hours
from engine.buttons import DEBRIEF, HANDOVER
from engine.callout import CallOut, Invitation, best_lane, direct, labels, told
from engine.change import Change
from engine.debrief import SCALE
from engine.duration import spoken
from engine.effects import Button, Effect
from engine.lanes import lanes_of
from engine.people import Person
from engine.record import Record
from engine.snapshot import Snapshot
from engine.timeline import Entry
from engine.welcome import cancel_entry, take_back

NOTICE = timedelta(minutes=10)
"""So long before the end somebody is asked what is still open."""

LATEST = timedelta(hours=12)
"""So long after the end thanks still make sense; later, after a long stand-still, nothing is said."""

Owed = Literal["handover", "thanks", "spared"]
"""What somebody is to hear: what is still open? thank you; or, released before they began, that it is off."""


def wakes(snapshot: Snapshot) -> Iterator[datetime]:
    """When somebody's hours come to their end, or nearly."""
    for callout, invitation in _unthanked(snapshot):
        end = _end(callout, invitation)
        yield from (end - NOTICE, end)


def due(snapshot: Snapshot) -> bool:
    """Tell whether somebody is to be written to now. Cheap, for it is asked at every look."""
    return any(_owed(snapshot.now, *pair) for pair in _unthanked(snapshot))


def keep(snapshot: Snapshot) -> Change:
    """Write to everybody whose hours end. The snapshot must hold them; who left the house is only noted.

    Raises WordingError.
    """
    known = {person.key: person for person in snapshot.people}
    records: list[Record] = []
    effects: list[Effect] = []
    counts: Counter[tuple[str, Owed]] = Counter()
    for callout, invitation in _unthanked(snapshot):
        if owed := _owed(snapshot.now, callout, invitation):
            noted = "handover_asked_at" if owed == "handover" else "thanked_at"
            records.append(invitation.model_copy(update={noted: snapshot.now}))
            person = known.get(invitation.person)
            effects += _SAYS[owed](snapshot, callout, invitation, person) if person else ()
            counts[callout.key, owed] += 1
    slots = {callout.key: callout for callout in snapshot.callouts}
    entries = (_entry(snapshot, slots[key], owed, count) for (key, owed), count in counts.items() if owed != "spared")
    return Change(records=tuple(records), effects=tuple(effects), entries=tuple(entries))


def let_go(
    snapshot: Snapshot,
    callout: CallOut,
    invitation: Invitation,
    person: Person,
    because: str,
    *,
    over: bool = True,
    told_already: bool = False,
) -> tuple[Invitation, tuple[Effect, ...]]:
    """Release somebody who has a place: thanks, hours and debrief now instead of at the end of the slot.

    Whoever has not begun need not come, and the entry goes out of their calendar. Who was thanked already hears
    nothing again. `over`: the incident is. `told_already`: this person was released from another slot just now, and
    one word is enough. Raises WordingError.
    """
    record = invitation.model_copy(
        update={
            "released_at": snapshot.now,
            "released_because": because,
            "thanked_at": invitation.thanked_at or snapshot.now,
        }
    )
    if invitation.thanked_at:
        return record, ()
    words = hours.in_words(callout, record, snapshot.now)
    effects: tuple[Effect, ...] = ()
    if not told_already:
        effects = _say(snapshot, callout, record, person, "released", {**words, "over": over}, bool(words["worked"]))
    if snapshot.now < (invitation.begins_at or callout.starts_at):
        effects += cancel_entry(snapshot, callout, invitation, person)
    return record, effects


def lane_for(snapshot: Snapshot, invitation: Invitation, person: Person) -> str:
    """Where to write about something that can wait: as they were reached, but nobody is rung up for it."""
    best, lanes = best_lane(snapshot, invitation), lanes_of(person, snapshot.house)
    if best != "voice" and (best in lanes or not lanes):
        return best
    return next((lane for lane in lanes if lane != "voice"), best)


def _unthanked(snapshot: Snapshot) -> Iterator[tuple[CallOut, Invitation]]:
    """Who has a place, or had one until they were released, and has not heard the last word; with their slot."""
    slots = {callout.key: callout for callout in snapshot.callouts}
    for one in snapshot.invitations:
        if one.callout in slots and hours.has_place(one) and not one.thanked_at:
            yield slots[one.callout], one


def _end(callout: CallOut, invitation: Invitation) -> datetime:
    return min(callout.ends_at, invitation.released_at or callout.ends_at)


def _owed(now: datetime, callout: CallOut, invitation: Invitation) -> Owed | None:
    end = _end(callout, invitation)
    if end <= (invitation.begins_at or callout.starts_at):
        return "spared" if end <= now < callout.ends_at else None
    if not end - NOTICE <= now < end + LATEST:
        return None
    if now >= end:
        return "thanks"
    return None if invitation.handover_asked_at else "handover"


def _ask_handover(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> tuple[Effect, ...]:
    lane = lane_for(snapshot, invitation, person)
    here = lane == snapshot.house.chat
    text = told(snapshot, callout, person, "handover_request", {"here": here}, invitation, lane)
    buttons: tuple[Button, ...] = ()
    if here:
        [label] = labels(snapshot, person, "handover_button")
        buttons = (Button(label=label, action=HANDOVER, value=invitation.key),)
    return (direct(snapshot, callout, person, f"{invitation.key}/handover-asked", text, buttons, lane),)


def _thank(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> tuple[Effect, ...]:
    words = hours.in_words(callout, invitation, snapshot.now)
    if not words["worked"]:
        return ()
    return _say(snapshot, callout, invitation, person, "shift_over", words, True)


_SAYS: Mapping[Owed, Callable[[Snapshot, CallOut, Invitation, Person], tuple[Effect, ...]]] = {
    "handover": _ask_handover,
    "thanks": _thank,
    "spared": take_back,
}


def _say(
    snapshot: Snapshot,
    callout: CallOut,
    invitation: Invitation,
    person: Person,
    message: str,
    words: dict[str, object],
    ask: bool,
) -> tuple[Effect, ...]:
    """Write the last word to somebody, with the questions of the debrief under it where they have worked."""
    lane = lane_for(snapshot, invitation, person)
    here, debrief = lane == snapshot.house.chat, ""
    if ask:  # the drill's mark stands in front of the whole
        debrief = told(snapshot, callout, person, "debrief", {"here": here, "drill": False}, invitation, lane)
    text = told(snapshot, callout, person, message, {**words, "debrief": debrief}, invitation, lane)
    scale = [Button(label=number, action=DEBRIEF, value=f"{invitation.key}|{number}") for number in SCALE]
    buttons = tuple(scale) if ask and here else ()
    key = f"{invitation.key}/{message.replace('_', '-')}"
    return (direct(snapshot, callout, person, key, text, buttons, lane),)


def _entry(snapshot: Snapshot, callout: CallOut, owed: Owed, count: int) -> Entry:
    responders = f"{count} responder{'s' if count > 1 else ''}"
    if owed == "handover":
        kind, text = "HandoverAsked", f"{responders} asked what is still open; the slot ends in {spoken(NOTICE)}"
    else:
        kind, text = "SlotEnded", f"The hours of {responders} are over; thanked, and asked how it was"
    return Entry(
        incident=callout.incident,
        at=snapshot.now,
        kind=kind,
        text=text,
        step=callout.step,
        facts={"slot": callout.slot, "responders": count},
        key=f"{callout.key}/{owed}",
    )

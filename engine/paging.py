"""Paging: whom to call by name, on which lane next, after whom, and what “I've got it” does.

The records and the messages are in `engine.pages`, the order of people in `engine.succession`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from engine.callout import CallOut
from engine.change import Change
from engine.incident import NotAllowed
from engine.lanes import lanes_of
from engine.pages import Page as Page  # `engine.paging.Page` is where the others look for it
from engine.pages import Turn, alarm, call, in_words, patience, reached, refused, tell, told, unsent
from engine.people import Person
from engine.ports import Reply
from engine.succession import Place, first_departments, for_callout, next_of, succession, title, vacant
from engine.timeline import Entry

if TYPE_CHECKING:  # snapshots hold pages
    from engine.snapshot import Snapshot

WHY_MOST = 300
"""Characters: with the rest it must fit into a text message or two."""

_Passed = Mapping[str, str]
"""Person key → their name, and why they can't be called."""


# ---------------------------------------------------------------- beginning


def page(snapshot: "Snapshot", person: Person, why: str, by: str) -> Change:
    """Call a person now; when they don't answer, others after them. The snapshot must hold everybody.

    Who can't be called is passed over at once, and the timeline says so. Raises NotAllowed, WordingError.
    """
    incident, why = snapshot.incident, " ".join(why.split())
    if not incident.status.live:
        raise NotAllowed(f"{incident.ref} is {incident.status}; people are called for a live incident only.")
    if not why:
        raise NotAllowed(f"Say in a few words why {person.name} is called: it is all they will read.")
    if len(why) > WHY_MOST:
        raise NotAllowed(f"The reason has {len(why)} characters; say it in {WHY_MOST}, the rest fits in the room.")
    for one in snapshot.pages_open:
        if person.key in one.called:
            raise NotAllowed(f"{person.name} is being called already, since {one.at:%H:%M} UTC ({one.why}).")
    number = 1 + sum(1 for key in snapshot.noted if key.startswith("page/") and key.endswith("/paged"))
    key = incident.key("page", number)
    fresh = Page(key=key, incident=incident.number, person=person.key, why=why, by=by, at=snapshot.now)
    calls = Counter(snapshot.pages)
    place, passed = next_of(snapshot, succession(snapshot, fresh), (), calls)
    return _go_on(snapshot, fresh, place, passed, calls)


def escalate(snapshot: "Snapshot", callout: CallOut, stage: int, why: str) -> Change:
    """Call somebody for a call-out that is not answered (1), goes to its next department (2) or falls short (3).

    Where nobody holds the role of a stage, the next stage's person is called and the entry says so. The slots of a
    step share one page: while it is open, the stage's person is called in it too, unless they were. Empty when there
    is nobody to call, or nothing new to say. The snapshot must hold everybody.
    """
    there = next((one for one in snapshot.pages_open if one.step == callout.step), None)
    mark = callout.version if stage >= 3 else callout.stage
    key = snapshot.incident.key("page", f"{callout.step}-{callout.slot}-{stage}-{mark}")
    places, calls = list(for_callout(snapshot, callout, stage)), Counter(snapshot.pages)
    place, passed = next_of(snapshot, places, (), calls)
    if not places or (there and place and place[0].key in there.called) or _said(snapshot, key):
        return Change()
    reason = ", and ".join([why, *([missing] if (missing := vacant(snapshot, callout, stage, places)) else [])])
    if there:
        return _go_on(snapshot, there, place, passed, calls, reason)
    first, role = place or places[0]
    fresh = Page(
        key=key,
        incident=snapshot.incident.number,
        step=callout.step,
        person=first.key,
        role=role,
        why=why,
        by="irrops",
        at=snapshot.now,
        departments=first_departments(snapshot, callout)[max(1, callout.stage) :],
    )
    return _go_on(snapshot, fresh, place, passed, calls, reason)


def _said(snapshot: "Snapshot", key: str) -> bool:
    return f"{key.split('/', 1)[1]}/paged" in snapshot.noted


# ---------------------------------------------------------------- going on


def due(snapshot: "Snapshot") -> bool:
    """Tell whether an open page goes on now."""
    return any(_what(snapshot, one, snapshot.pages) for one in snapshot.pages_open)


def keep(snapshot: "Snapshot") -> Change:
    """What is due now for the open pages: the next lane, the next person, or their end. Empty when nothing is."""
    calls, change = Counter(snapshot.pages), Change()
    for one in snapshot.pages_open:
        change += _go(snapshot, one, calls)
    return change


def wakes(snapshot: "Snapshot") -> Iterator[datetime]:
    """When the open pages go on by themselves."""
    for one in snapshot.pages_open:
        yield one.turns[-1].tried_at + snapshot.house.lane_after
        yield one.turns[-1].began_at + patience(snapshot.house)


def _what(
    snapshot: "Snapshot", page: Page, calls: Mapping[str, int]
) -> Literal["", "over", "filled", "person", "lane"]:
    """Say what is due for an open page."""
    if not snapshot.incident.status.live:
        return "over"
    if page.step and _filled(snapshot, page):
        return "filled"
    turn, now = page.turns[-1], snapshot.now
    left = _lanes_left(snapshot, turn, calls)
    tried = now >= turn.tried_at + snapshot.house.lane_after
    if now >= turn.began_at + patience(snapshot.house):
        return "person"
    if not left:
        return "person" if tried or not reached(snapshot, page, turn) else ""
    return "lane" if tried or refused(snapshot, page, turn, turn.lanes[-1]) else ""


def _go(snapshot: "Snapshot", page: Page, calls: Counter[str]) -> Change:
    what, turn = _what(snapshot, page, calls), page.turns[-1]
    if what == "over":
        return _end(snapshot, page, what, "The incident is over: nobody else is called")
    if what == "filled":
        return _end(snapshot, page, what, f"{in_words(snapshot, page.step)}: nobody else is called")
    if what == "person":
        place, passed = next_of(snapshot, succession(snapshot, page), {*page.called, *page.passed_over}, calls)
        reason = "Nobody answered" if reached(snapshot, page, turn) else f"No lane reached {turn.name}"
        return _go_on(snapshot, page, place, passed, calls, reason)
    if what == "lane":
        return _next_lane(snapshot, page, turn, _lanes_left(snapshot, turn, calls)[0], calls)
    return Change()


def _filled(snapshot: "Snapshot", page: Page) -> bool:
    slots = snapshot.slots(page.step)
    return bool(slots) and all(one.accepted >= one.quota for one in slots)


def _lanes_left(snapshot: "Snapshot", turn: Turn, calls: Mapping[str, int]) -> list[str]:
    person = _person(snapshot, turn.person)
    if person is None or calls.get(person.key, 0) >= snapshot.house.pages:
        return []
    return [lane for lane in lanes_of(person, snapshot.house) if lane not in turn.lanes]


def _next_lane(snapshot: "Snapshot", page: Page, turn: Turn, lane: str, calls: Counter[str]) -> Change:
    person = _person(snapshot, turn.person)
    assert person is not None
    turn = turn.model_copy(update={"lanes": (*turn.lanes, lane), "tried_at": snapshot.now})
    page = page.model_copy(update={"turns": (*page.turns[:-1], turn)})
    calls[person.key] += 1
    return Change(records=(page,), effects=(call(snapshot, page, person, lane),))


def _go_on(
    snapshot: "Snapshot", page: Page, place: Place | None, passed: _Passed, calls: Counter[str], reason: str = ""
) -> Change:
    """Call the next person; nobody left: say so to the whole room."""
    page = page.model_copy(update={"passed_over": (*page.passed_over, *passed)})
    because = ", and ".join(([reason] if reason else []) + list(passed.values()))
    if place is None:
        return _unanswered(snapshot, page, because)
    person, role = place
    lane = lanes_of(person, snapshot.house)[0]
    turn = Turn(
        person=person.key, name=person.name, role=role, began_at=snapshot.now, lanes=(lane,), tried_at=snapshot.now
    )
    before, page = page.turns, page.model_copy(update={"turns": (*page.turns, turn)})
    calls[person.key] += 1
    effects = [call(snapshot, page, person, lane)]
    if before:
        key = f"{page.key}/{before[-1].person}/escalated"
        effects += tell(snapshot, page, before[-1], "page_escalated", {"after": person.name}, key, still_open=True)
    text = f"{because}: " if because else ""
    text += f"{person.name} ({title(person, role)}) is called"
    text += "" if before or page.step else f" by {page.by}: {page.why}"
    if page.step and (lacking := in_words(snapshot, page.step)):
        text += f"; {lacking}"
    kind = "PageEscalated" if before else "Paged"
    name = f"turn-{len(page.turns)}" if before else "paged"
    entry = _entry(
        snapshot,
        page,
        kind,
        text,
        name,
        person=person.key,
        role=role,
        lane=lane,
        passed_over=[*passed],
        turn=len(page.turns),
    )
    return Change(records=(page,), effects=tuple(effects), entries=(entry,))


def _unanswered(snapshot: "Snapshot", page: Page, because: str) -> Change:
    ended = page.model_copy(update={"ended_at": snapshot.now, "ended_because": "unanswered"})
    called = ", ".join(turn.name for turn in page.turns)
    text = f"{because}; {f'called were {called}' if called else 'nobody could be called'}, and nobody is left"
    name = "unanswered" if page.turns else "paged"
    entry = _entry(snapshot, ended, "PageUnanswered", text, name, called=[turn.person for turn in page.turns])
    return Change(records=(ended,), effects=(alarm(snapshot, ended),), entries=(entry,))


def _end(snapshot: "Snapshot", page: Page, because: str, text: str) -> Change:
    """End a page that nobody needs to answer any more, and tell those who were called."""
    ended = page.model_copy(update={"ended_at": snapshot.now, "ended_because": because})
    entry = _entry(snapshot, ended, "PageEnded", text, "ended")
    return Change(records=(ended,), entries=(entry,), forget=unsent(snapshot, page)) + _settle(snapshot, ended, because)


# ---------------------------------------------------------------- acknowledging


def acknowledge(snapshot: "Snapshot", page: Page, person: Person) -> tuple[Change, Reply]:
    """Take “I've got it” from one of those who were called. Twice is once; it also ends an unanswered page.

    Raises NotAllowed for somebody who was not called.
    """
    if person.key not in page.called:
        raise NotAllowed("You were not called by this message; who was called answers it.")
    if page.ended_because in ("over", "filled") or page.acknowledged_by:
        how: str = page.ended_because
        if page.acknowledged_by:
            how = "mine" if page.acknowledged_by == person.key else "theirs"
        text = told(snapshot, page, person, "page_settled", snapshot.house.chat, _outcome(snapshot, page, how))
        return Change(), Reply(text=text, revise=text)
    taken = page.model_copy(
        update={
            "acknowledged_at": snapshot.now,
            "acknowledged_by": person.key,
            "ended_at": snapshot.now,
            "ended_because": "acknowledged",
        }
    )
    minutes = round((snapshot.now - page.at).total_seconds() / 60)
    text = f"{person.name} has got it, {minutes} min after the first call: {page.why}"
    entry = _entry(snapshot, taken, "PageAcknowledged", text, "acknowledged", actor=person.key, minutes=minutes)
    change = Change(records=(taken,), entries=(entry,), forget=unsent(snapshot, page))
    text = told(snapshot, taken, person, "page_settled", snapshot.house.chat, _outcome(snapshot, taken, "mine"))
    return change + _settle(snapshot, taken, "theirs", mine=person.key), Reply(text=text)


def _settle(snapshot: "Snapshot", page: Page, how: str, mine: str = "") -> Change:
    """Tell everybody who was called how it ended: nobody should stay up for it."""
    change = Change()
    for turn in page.turns:
        own = turn.person == mine
        if own and snapshot.house.chat not in turn.lanes:
            continue  # the reply on their own lane says it
        more = _outcome(snapshot, page, "mine" if own else how)
        key = f"{page.key}/{turn.person}/settled"
        change += Change(effects=tell(snapshot, page, turn, "page_settled", more, key))
    return change


def _outcome(snapshot: "Snapshot", page: Page, how: str) -> dict[str, object]:
    who = _person(snapshot, page.acknowledged_by)
    return {"how": how, "who": who.name if who else page.acknowledged_by, "at": page.ended_at}


def _person(snapshot: "Snapshot", key: str) -> Person | None:
    return next((one for one in snapshot.people if one.key == key), None)


def _entry(
    snapshot: "Snapshot", page: Page, kind: str, text: str, name: str, actor: str = "", **facts: object
) -> Entry:
    return Entry(
        incident=page.incident,
        at=snapshot.now,
        kind=kind,
        text=text[:1].upper() + text[1:],
        actor=actor or page.by if kind in ("Paged", "PageAcknowledged") else "irrops",
        step=page.step,
        facts={"page": page.key, **facts},
        key=f"{page.name}/{name}",
    )

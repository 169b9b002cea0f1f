"""Loading all that a decision about one incident may look at.

The parts are read one after another; what is decided on an outdated part is refused as stale when it is written.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select

from engine import marketing
from engine.answering import comes
from engine.callout import Answer, CallOut, Invitation
from engine.choice import STANDING_TEAM, WEEK, worked_span
from engine.effects import Amend, Effect, EffectState
from engine.house import House
from engine.incident import Incident, Status
from engine.pages import Page
from engine.people import Person
from engine.playbook import Playbook, parse
from engine.public import is_notice, look_key, post_of
from engine.snapshot import Snapshot
from engine.staffing import StaffingPlan
from engine.statements import Statement
from engine.steps import StepState, StepStatus
from engine.timeline import Entry
from engine.triage import Queue, QueueFigures
from state import wakes
from state.conversations import StoredConversations
from state.history import history
from state.rows import record, table
from state.store import Store

DAY = timedelta(days=1)
LIVE = tuple(status.value for status in Status if status.live)


@dataclass(frozen=True)
class Look:
    """A snapshot, and how many nudges had come when it was taken."""

    snapshot: Snapshot
    nudges: int


@lru_cache(maxsize=256)
def playbook_of(text: str) -> Playbook:
    return parse(text)[0]


def look(store: Store, number: int, now: datetime, house: House) -> Look:
    """Take a snapshot, with the people who hold a role. Raises NotAllowed."""
    seen = wakes.nudges(store, number)
    incident = store.incident(number)
    steps = store.all(StepState, incident=number)
    statements = store.all(Statement, incident=number)
    entry = table(Entry).c
    with store.read() as connection:
        noted = connection.execute(select(entry.key).where(entry.incident == number, entry.key.is_not(None))).scalars()
        keys = frozenset(key for key in noted if key)
    open_pages = tuple(store.all(Page, incident=number, ended_at=None))
    snapshot = Snapshot(
        now=now,
        incident=incident,
        playbook=playbook_of(incident.playbook_text),
        house=house,
        steps=tuple(steps),
        effects=_effects(store, number, steps),
        statements=tuple(statements),
        staffing=store.first(StaffingPlan, incident=number),
        callouts=tuple(store.all(CallOut, incident=number)),
        invitations=tuple(store.all(Invitation, incident=number)),
        queue=store.first(Queue, incident=number),
        queue_figures=figures(store, number, now),
        people=people(store, everybody=False, also={turn.person for page in open_pages for turn in page.turns}),
        pages=pages(store, now - DAY) if open_pages else {},
        pages_open=open_pages,
        noted=keys,
        posts=(standing := posts(store, incident)),
        looks={one.needs: one for one in _looks(store, standing) if one.needs},
        holding=() if incident.status.live else _holding(store, incident),
    )
    return Look(snapshot, seen)


def _holding(store: Store, incident: Incident) -> tuple[str, ...]:
    """Other live incidents that hold the marketing posts; asked only where this one has them to release."""
    if not marketing.releasing(playbook_of(incident.playbook_text)):
        return ()
    live = store.all(Incident, table(Incident).c.status.in_(LIVE), drill=False)
    others = {one.number: playbook_of(one.playbook_text) for one in live if one.number != incident.number}
    if not others:
        return ()
    steps: dict[int, list[StepState]] = defaultdict(list)
    for state in store.all(StepState, table(StepState).c.incident.in_(others)):
        steps[state.incident].append(state)
    holding = {number for number, playbook in others.items() if marketing.holds(playbook, steps[number])}
    return tuple(one.ref for one in live if one.number in holding)


def posts(store: Store, incident: Incident) -> tuple[Effect, ...]:
    """The effects that posted what stands now: of each place the newest that was sent and not taken away."""
    effect = table(Effect).c
    where = (effect.incident == incident.number, effect.replaces.startswith(incident.key("post", ""), autoescape=True))
    sent = select(effect.key, effect.replaces).where(*where, effect.state == EffectState.SENT)
    away = effect.key.endswith("/withdrawn", autoescape=True)
    taken = select(effect.needs).where(effect.incident == incident.number, away, effect.state == EffectState.SENT)
    with store.read() as connection:
        gone = set(connection.execute(taken).scalars())
    if gone:
        gone = _with_the_same_post(gone, store.all(Effect, *where, effect.needs.is_not(None), state=EffectState.SENT))
    with store.read() as connection:
        newest: dict[str, str] = {}
        for key, place in connection.execute(sent.order_by(effect.sent_at.desc(), effect.queued_at.desc())):
            if key not in gone:
                newest.setdefault(place, key)
    return _of_one_thread(store.all(Effect, effect.key.in_(newest.values()))) if newest else ()


def _with_the_same_post(gone: set[str], built: list[Effect]) -> set[str]:
    """Add what put words in the place of a post that was taken away, and what they were put in the place of."""
    pairs = [{one.key, one.needs or ""} for one in built if isinstance(one.message, Amend)]
    while more := set().union(*(pair for pair in pairs if pair & gone)) - gone:
        gone = gone | more
    return gone


def _of_one_thread(posted: list[Effect]) -> tuple[Effect, ...]:
    """Leave out the later parts of older threads: each part has a place of its own."""
    told = [(one, post) for one in posted if (post := post_of(one))]
    first = {
        (one.channel, post.language, is_notice(post.message)): post.statement for one, post in told if post.part == 1
    }
    return tuple(
        one for one, post in told if first.get((one.channel, post.language, is_notice(post.message))) == post.statement
    )


def _looks(store: Store, posted: tuple[Effect, ...]) -> list[Effect]:
    keys = [look_key(one) for one in posted]
    return store.all(Effect, table(Effect).c.key.in_(keys)) if keys else []


def look_at_answers(store: Store, number: int, now: datetime, house: House, answering: Collection[str]) -> Snapshot:
    """Take a snapshot for answers to call-outs: of thousands who were asked the few that an answer can depend on.

    Those are who answers, the social team for their buddies, and while there is a place to give away who comes. Who
    waits is there when one of those who answer may give a place back; of the silent one for each call-out, as a sign
    that not everybody has answered. Raises NotAllowed.
    """
    incident = store.incident(number)
    callouts = store.all(CallOut, incident=number)
    invitations = _invitations_that_matter(store, number, callouts, answering)
    qualified = any(callout.minima for callout in callouts)
    matter = {one.person for one in invitations if qualified or one.too_late or one.handover} | set(answering)
    person = table(Person).c
    known = or_(_has_role(), person.team == STANDING_TEAM, person.key.in_(matter))
    return Snapshot(
        now=now,
        incident=incident,
        playbook=playbook_of(incident.playbook_text),
        house=house,
        steps=tuple(store.all(StepState, incident=number)),
        effects=tuple(store.all(Effect, key=incident.key("room"))),
        statements=tuple(store.all(Statement, incident=number)),
        callouts=tuple(callouts),
        invitations=invitations,
        people=tuple(store.all(Person, known, active=True)),
    )


def _invitations_that_matter(
    store: Store, number: int, callouts: Collection[CallOut], answering: Collection[str]
) -> tuple[Invitation, ...]:
    invitation = table(Invitation).c
    others = invitation.person.not_in(answering)
    found = store.all(Invitation, invitation.person.in_(answering), incident=number)
    freed = any(comes(one) for one in found)
    if freed:
        found += store.all(Invitation, others, incident=number, answer=Answer.YES)
    elif any(callout.accepted < callout.quota for callout in callouts):
        found += store.all(Invitation, others, incident=number, answer=Answer.YES, too_late=False)
    for callout in callouts:
        found += store.all(Invitation, others, limit=1, incident=number, callout=callout.key, answer=Answer.NONE)
    found += store.all(Invitation, others, invitation.handover != "", incident=number)
    return tuple({one.key: one for one in found}.values())


def with_everybody(store: Store, snapshot: Snapshot) -> Snapshot:
    """The same snapshot, with all people, who of them is busy elsewhere, and how people were called and answered."""
    return replace(
        snapshot,
        people=people(store, everybody=True),
        busy=_busy(store, snapshot.incident.number),
        pages=pages(store, snapshot.now - DAY),
        worked=_worked(store, snapshot.incident.number, snapshot.now - 2 * WEEK),
        answer_history=history(store, snapshot.now),
    )


def pages(store: Store, since: datetime) -> dict[str, int]:
    """Person → how often they were called since then, over all incidents and lanes."""
    invitation = table(Invitation).c
    asked = select(invitation.person, invitation.lanes).where(invitation.asked_at > since)
    counts: Counter[str] = Counter()
    with store.read() as connection:
        for person, lanes in connection.execute(asked):
            counts[person] += len(lanes)
    for page in store.all(Page, table(Page).c.at > since):
        counts.update({turn.person: len(turn.lanes) for turn in page.turns})
    return dict(counts)


def _effects(store: Store, number: int, steps: list[StepState]) -> tuple[Effect, ...]:
    """The effects that can still matter: unsettled ones, those of running steps, and the engine's own."""
    columns = table(Effect).c
    running = [step.name for step in steps if step.status is StepStatus.WAITING]
    open_or_troubled = (EffectState.QUEUED, EffectState.SENDING, EffectState.FAILED, EffectState.UNKNOWN)
    matter = or_(columns.state.in_(open_or_troubled), columns.step == "", columns.step.in_(running))
    return tuple(store.all(Effect, matter, incident=number))


def people(store: Store, *, everybody: bool, also: Collection[str] = ()) -> tuple[Person, ...]:
    """Active people: all, or those who hold a role, and those with these keys."""
    where = [] if everybody else [or_(_has_role(), table(Person).c.key.in_(also)) if also else _has_role()]
    return tuple(store.all(Person, *where, active=True))


def _worked(store: Store, but: int, since: datetime) -> dict[str, tuple[tuple[datetime, datetime], ...]]:
    """Person → the hours that they worked, or have promised, for other incidents."""
    invitation, callout = table(Invitation), table(CallOut)
    both = select(invitation, callout.c.starts_at, callout.c.ends_at).join(
        callout, callout.c.key == invitation.c.callout
    )
    placed = and_(invitation.c.answer == Answer.YES, invitation.c.too_late.is_(False), invitation.c.incident != but)
    found: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    with store.read() as connection:
        for row in connection.execute(both.where(placed, callout.c.ends_at > since)).mappings():
            span = worked_span(record(Invitation, row), row["starts_at"], row["ends_at"])
            if span:
                found[row["person"]].append(span)
    return {person: tuple(spans) for person, spans in found.items()}


def _has_role() -> ColumnElement[bool]:
    return cast(table(Person).c.roles, Text) != "[]"


def _busy(store: Store, number: int) -> dict[str, str]:
    live = store.all(Incident, table(Incident).c.status.in_(LIVE))
    return store.busy([incident.number for incident in live], but=number)


def figures(store: Store, incident: int, now: datetime) -> QueueFigures:
    """How the queue of an incident stands."""
    return StoredConversations(store).figures(incident, now)

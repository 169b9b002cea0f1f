"""Loading all that a decision about one incident may look at.

The parts are read one after another; what is decided on an outdated part is refused as stale when it is written.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Text, cast, or_, select

from engine.callout import CallOut, Invitation
from engine.effects import Effect, EffectState
from engine.house import House
from engine.incident import Incident, Status
from engine.people import Person
from engine.playbook import Playbook, parse
from engine.snapshot import Snapshot
from engine.staffing import StaffingPlan
from engine.statements import Statement
from engine.steps import StepState, StepStatus
from engine.timeline import Entry
from engine.triage import Queue, QueueFigures
from state import wakes
from state.conversations import StoredConversations
from state.rows import table
from state.store import Store

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
        people=people(store, everybody=False),
        noted=keys,
    )
    return Look(snapshot, seen)


def with_everybody(store: Store, snapshot: Snapshot) -> Snapshot:
    """The same snapshot, with all people and who of them is busy elsewhere."""
    everyone = people(store, everybody=True)
    return replace(snapshot, people=everyone, busy=_busy(store, snapshot.incident.number))


def _effects(store: Store, number: int, steps: list[StepState]) -> tuple[Effect, ...]:
    """The effects that can still matter: unsettled ones, those of running steps, and the engine's own."""
    columns = table(Effect).c
    running = [step.name for step in steps if step.status is StepStatus.WAITING]
    open_or_troubled = (EffectState.QUEUED, EffectState.SENDING, EffectState.FAILED, EffectState.UNKNOWN)
    matter = or_(columns.state.in_(open_or_troubled), columns.step == "", columns.step.in_(running))
    return tuple(store.all(Effect, matter, incident=number))


def people(store: Store, *, everybody: bool) -> tuple[Person, ...]:
    """Active people: all, or those who hold a role."""
    where = [] if everybody else [cast(table(Person).c.roles, Text) != "[]"]
    return tuple(store.all(Person, *where, active=True))


def _busy(store: Store, number: int) -> dict[str, str]:
    live = store.all(Incident, table(Incident).c.status.in_(LIVE))
    return store.busy([incident.number for incident in live], but=number)


def figures(store: Store, incident: int, now: datetime) -> QueueFigures:
    """How the queue of an incident stands."""
    return StoredConversations(store).figures(incident, now)

"""Several decisions that are written as one: each sees what the ones before it led to."""

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import TypeVar

from engine.callout import CallOut, Invitation
from engine.change import Change
from engine.pages import Page
from engine.people import Person
from engine.record import Record
from engine.snapshot import Snapshot
from engine.steps import StepState

R = TypeVar("R", bound=Record)


def fold(snapshot: Snapshot, change: Change) -> Snapshot:
    """The snapshot as it is with a change that is not written yet: versions stay as the store has them."""
    return replace(
        snapshot,
        callouts=_with(snapshot.callouts, change, CallOut),
        invitations=_with(snapshot.invitations, change, Invitation),
        people=_with(snapshot.people, change, Person),
        steps=_with(snapshot.steps, change, StepState),
        pages_open=tuple(page for page in _with(snapshot.pages_open, change, Page) if not page.ended_at),
        effects=(*snapshot.effects, *change.effects),
    )


def merged(changes: Iterable[Change]) -> Change:
    """Make one change of several that were folded one after another: of a record the last counts."""
    whole = sum(changes, Change())
    last = {(type(one), _name(one)): one for one in whole.records}
    seen = {(type(one), _name(one)): one for one in whole.unchanged}
    unchanged = tuple(one for name, one in seen.items() if name not in last)
    return whole.model_copy(update={"records": tuple(last.values()), "unchanged": unchanged})


def _with(there: tuple[R, ...], change: Change, kind: type[R]) -> tuple[R, ...]:
    fresh = {_name(one): one for one in change.records if isinstance(one, kind)}
    if not fresh:
        return there
    name = attrgetter("name" if kind is StepState else "key")
    known = tuple(fresh.pop(name(one), one) for one in there)
    return (*known, *fresh.values())


def _name(one: Record) -> object:
    """What tells a record from the others of its kind."""
    return one.name if isinstance(one, StepState) else getattr(one, "key", None) or id(one)

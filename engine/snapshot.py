"""A snapshot: all that a decision about one incident may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.callout import CallOut, Invitation
from engine.effects import Effect
from engine.house import House
from engine.incident import Incident
from engine.pages import Page
from engine.people import Person
from engine.playbook import BY_HAND, Playbook, Step
from engine.rates import History
from engine.staffing import StaffingPlan
from engine.statements import Statement
from engine.steps import StepState
from engine.triage import Queue, QueueFigures


@dataclass(frozen=True)
class Snapshot:
    """One incident at one instant."""

    now: datetime
    incident: Incident
    playbook: Playbook
    house: House
    steps: tuple[StepState, ...] = ()
    effects: tuple[Effect, ...] = ()
    statements: tuple[Statement, ...] = ()
    staffing: StaffingPlan | None = None
    callouts: tuple[CallOut, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    queue: Queue | None = None
    queue_figures: QueueFigures = field(default_factory=QueueFigures)
    people: tuple[Person, ...] = ()
    """Everybody, for the actions that name `people` in `NEEDS`; else those who hold a role."""
    busy: Mapping[str, str] = field(default_factory=dict)
    """Person key → reference of another live incident that has called them and was not declined."""

    pages: Mapping[str, int] = field(default_factory=dict)
    """Person key → how often they were called in the last 24 hours, over all incidents and lanes."""
    pages_open: tuple[Page, ...] = ()
    """Calls by name that still go on."""
    worked: Mapping[str, tuple[tuple[datetime, datetime], ...]] = field(default_factory=dict)
    """Person key → when they worked, or have promised to, for other incidents in these weeks."""
    answer_history: History = field(default_factory=dict)
    """How people have answered so far, by lane and hour of the day."""

    posts: tuple[Effect, ...] = ()
    """The effects that posted what the public sees now: on each channel, in each language, each part of a thread."""
    looks: Mapping[str, Effect] = field(default_factory=dict)
    """Key of one of these → the effect that looks whether the post still stands there."""

    holding: tuple[str, ...] = ()
    """References of other live incidents that hold the marketing posts; known once this one has ended."""
    noted: frozenset[str] = frozenset()
    """Keys of the timeline entries that are written once."""

    def state(self, key: str) -> StepState | None:
        """The latest occurrence of a step."""
        return max((s for s in self.steps if s.key == key), key=lambda s: s.occurrence, default=None)

    def spec(self, name: str) -> Step | None:
        """The step that a state belongs to, by its name (`first_word#1`): the playbook's, or what a person started."""
        key = name.partition("#")[0]
        if key != BY_HAND:
            return next((step for step in self.playbook.all_steps if step.key == key), None)
        state = next((state for state in self.steps if state.name == name), None)
        return Step.model_validate(state.memo["spec"]) if state and "spec" in state.memo else None

    def effects_of(self, step: StepState) -> tuple[Effect, ...]:
        return tuple(effect for effect in self.effects if effect.step == step.name)

    def effect(self, key: str) -> Effect | None:
        return next((effect for effect in self.effects if effect.key == key), None)

    def statement(self, step: StepState) -> Statement | None:
        return next((s for s in self.statements if s.step == step.name), None)

    def callout(self, step: StepState) -> CallOut | None:
        """The first slot that a step calls for."""
        return next(iter(self.slots(step.name)), None)

    def slots(self, step: str) -> tuple[CallOut, ...]:
        """The slots that a step calls for, in order."""
        return tuple(sorted((c for c in self.callouts if c.step == step), key=lambda c: c.slot))

    def holders(self, role: str) -> tuple[Person, ...]:
        """Who holds a role, those on duty now first."""
        holding = [p for p in self.people if role in p.roles and p.active]
        return tuple(sorted(holding, key=lambda p: (not p.on_duty(self.now), p.key)))


@dataclass(frozen=True)
class StepRun:
    """What an action is given to run."""

    spec: Step
    state: StepState
    params: Any
    """The action's own Params, already checked."""

    @property
    def name(self) -> str:
        return self.state.name

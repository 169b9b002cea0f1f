"""The state of a step, and the return values that are the control language of actions."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from engine.effects import Effect
from engine.record import Instant, Record, Value
from engine.timeline import Entry


class StepStatus(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self is not StepStatus.WAITING


class StepState(Record):
    """Where one occurrence of a step stands. A step that never ran has none."""

    incident: int
    key: str
    occurrence: int = 1
    """Counts from 1; more only for steps with `every`."""
    status: StepStatus = StepStatus.WAITING
    for_what: str = ""
    """What it waits for, in words: `approval by comms_lead`, `delivery`."""
    look_at: Instant | None = None
    """When to run it again. None while waiting: when its effects are settled, or something nudges it."""
    nudged: bool = False
    """A person or the outside answered: run it now."""
    started_at: Instant
    ended_at: Instant | None = None
    due_at: Instant | None = None
    progress: int = 0
    """How far its effects were when it last ran (`engine.plan.progress`): without news it is not run again."""
    attempts: int = 0
    """Retries after an error of ours; waiting costs none."""
    reason: str = ""
    memo: dict[str, Any] = {}
    """The action's own notes for its next run."""

    @property
    def name(self) -> str:
        return f"{self.key}#{self.occurrence}"


class Outcome(Value):
    """What running a step led to. Built by Done, Wait, Retry, Fail, Skip."""

    kind: Literal["done", "wait", "retry", "fail", "skip"]
    until: Instant | None = None
    for_what: str = ""
    reason: str = ""
    effects: tuple[Effect, ...] = ()
    forget: tuple[str, ...] = ()
    """Keys of queued effects that must not be sent any more."""
    records: tuple[Record, ...] = ()
    """What the action wants remembered: statements, invitations, plans …"""
    entries: tuple[Entry, ...] = ()
    memo: dict[str, Any] | None = None
    """Replaces the step's memo; None keeps it."""


def Done(**more: Any) -> Outcome:  # noqa: N802 - these five read as words of the language
    """The step is finished; its effects are on their way."""
    return Outcome(kind="done", **more)


def Wait(until: datetime | None, for_what: str, **more: Any) -> Outcome:  # noqa: N802
    """Run me again at `until`, or earlier when nudged.

    `until=None`: when nudged, or when there is news of my effects and each is settled, or in trouble.
    """
    return Outcome(kind="wait", until=until, for_what=for_what, **more)


def Retry(reason: str, **more: Any) -> Outcome:  # noqa: N802
    """Something of ours went wrong; run me again after a pause, a few times."""
    return Outcome(kind="retry", reason=reason, **more)


def Fail(reason: str, **more: Any) -> Outcome:  # noqa: N802
    """It can't be done. Said on the timeline and to the duty manager; the other steps go on."""
    return Outcome(kind="fail", reason=reason, **more)


def Skip(reason: str, **more: Any) -> Outcome:  # noqa: N802
    """Nothing to do here, and why."""
    return Outcome(kind="skip", reason=reason, **more)

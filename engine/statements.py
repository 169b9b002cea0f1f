"""Statements: drafting, approving, and what they promise. Rendering goes through `ports.Wording`."""

from enum import StrEnum

from engine.record import Instant, Record, Value


class StatementStatus(StrEnum):
    DRAFTED = "drafted"
    """Waits for approval."""
    APPROVED = "approved"
    REJECTED = "rejected"
    LIVE = "live"
    """On at least one channel."""
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    """A newer draft took its place before anybody approved it."""


class Wordings(Value):
    """One text: which channel, which language. What is approved is exactly this."""

    channel: str
    language: str
    text: str
    preapproved: str
    """The same message without anything that was typed on the day: may go out when nobody answers."""


class Statement(Record):
    """One statement, in all its texts."""

    id: int | None = None
    """Given by the store; shown as ST-3."""
    key: str
    """Unique: incident key, step, occurrence."""
    incident: int
    step: str
    """`first_word#1`; empty when drafted by hand."""
    message: str
    texts: tuple[Wordings, ...]
    status: StatementStatus = StatementStatus.DRAFTED
    drafted_at: Instant
    drafted_by: str = "irrops"
    asked: tuple[str, ...] = ()
    """Roles that were asked to approve, in order."""
    asked_at: Instant | None = None
    four_eyes: bool = False
    approved_at: Instant | None = None
    approved_by: str = ""
    """A person's key or role, `preapproved`, or `playbook` where no approval is asked for."""
    rejected_because: str = ""
    live_at: Instant | None = None
    next_update_at: Instant | None = None
    """Promised in the text."""

    @property
    def ref(self) -> str:
        return f"ST-{self.id}"

"""Timeline entries: what happened, in the past tense, for the people who ask afterwards."""

from typing import Any

from engine.record import Instant, Record


class Entry(Record):
    """One line of the timeline."""

    incident: int
    at: Instant
    kind: str
    """Past tense, in one word: `Declared`, `StatementPublished`, `CallOutFilled`."""
    text: str
    """One sentence for people, without secrets and customers' data."""
    actor: str = "irrops"
    step: str = ""
    facts: dict[str, Any] = {}
    key: str | None = None
    """Where given, unique in the incident: the entry is written once however often it is wanted."""

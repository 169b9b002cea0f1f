"""A change: everything that one decision wants remembered, applied by the store in one transaction or not at all."""

from engine.effects import Effect
from engine.record import Record, Value
from engine.timeline import Entry


class Change(Value):
    """What a command or a step decided."""

    records: tuple[Record, ...] = ()
    """Inserted (version 0) or updated (version must be the stored one, else the whole change is refused as stale)."""
    unchanged: tuple[Record, ...] = ()
    """Decided upon, and not written: their versions too must be the stored ones."""
    effects: tuple[Effect, ...] = ()
    """Queued; one whose key exists already is left alone."""
    entries: tuple[Entry, ...] = ()
    """Added to the timeline; one whose key the incident has already is left alone."""
    forget: tuple[str, ...] = ()
    """Keys of queued effects that must not be sent any more."""

    def __add__(self, other: "Change") -> "Change":
        return Change(
            records=self.records + other.records,
            unchanged=self.unchanged + other.unchanged,
            effects=self.effects + other.effects,
            entries=self.entries + other.entries,
            forget=self.forget + other.forget,
        )

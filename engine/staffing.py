"""Staffing: demand, how many agents it needs, who is there, and the gap."""

from engine.record import Instant, Record, Value


class Slot(Value):
    """One half hour in one language; `language` "*" is all together. People are counted in heads."""

    start: Instant
    language: str
    messages: float
    needed: int
    on_duty: int
    offered: int
    """Off-duty members of the team to whom an extra shift is offered."""

    @property
    def shortfall(self) -> int:
        return max(0, self.needed - self.on_duty - self.offered)


class StaffingPlan(Record):
    """The plan of one incident, as it stands."""

    incident: int
    made_at: Instant
    answer_within_s: int
    share: float
    slots: tuple[Slot, ...]
    offers: tuple[tuple[str, Instant, Instant], ...] = ()
    """Person key, from, to."""
    shortfall: int = 0
    """Heads missing in the worst half hour."""
    shortfall_by_language: dict[str, int] = {}
    peak_needed: int = 0

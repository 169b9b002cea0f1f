"""An incident: its severity, its status, and which changes are allowed. Not what its playbook does."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from engine.record import Instant, Record


class Severity(StrEnum):
    """SEV1 is the worst. In doubt take the worse; compare with `at_least`, never with `<`."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"

    def at_least(self, other: "Severity | str") -> bool:
        """Tell whether this is as bad as `other`, or worse."""
        return int(self.value[3]) <= int(Severity(other).value[3])


class Status(StrEnum):
    DECLARED = "declared"
    RESPONDING = "responding"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    STOOD_DOWN = "stood_down"

    @property
    def live(self) -> bool:
        """Whether the playbook's steps still start (its stand-down steps start afterwards)."""
        return self in (Status.DECLARED, Status.RESPONDING, Status.MONITORING)


ALLOWED: Mapping[Status, frozenset[Status]] = {
    Status.DECLARED: frozenset({Status.RESPONDING, Status.STOOD_DOWN, Status.RESOLVED}),
    Status.RESPONDING: frozenset({Status.MONITORING, Status.RESOLVED, Status.STOOD_DOWN}),
    Status.MONITORING: frozenset({Status.RESPONDING, Status.RESOLVED, Status.STOOD_DOWN}),
    Status.RESOLVED: frozenset({Status.REVIEWED, Status.RESPONDING}),
    Status.REVIEWED: frozenset(),
    Status.STOOD_DOWN: frozenset({Status.REVIEWED}),
}


class NotAllowed(Exception):
    """A command that the present state refuses. The message is one sentence for the person who gave it."""


class Incident(Record):
    """One disruption and the response to it."""

    number: int = 0
    """Given by the store; 0 before. Shown as `INC-12`."""
    uid: str
    """Random, 12 characters: keeps the effect keys of two databases apart that share one Slack."""
    playbook: str
    playbook_text: str
    """The YAML as it was when the incident was declared: a later edit of the file changes nothing here."""
    title: str
    severity: Severity
    status: Status = Status.DECLARED
    facts: dict[str, Any] = {}
    drill: bool = False
    declared_by: str
    declared_at: Instant
    idempotency_key: str | None = None
    status_at: Instant
    """When the status last changed."""
    situation: str = ""
    """Fingerprint of the situation post that was last queued."""
    situation_count: int = 0

    @property
    def ref(self) -> str:
        return f"INC-{self.number}"

    def key(self, *parts: object) -> str:
        """Build an effect key: unique over time and over databases."""
        return "/".join([f"{self.ref}-{self.uid}", *map(str, parts)])

    def to(self, status: Status, at: Instant) -> "Incident":
        """Move to `status`. Raises NotAllowed with what is possible instead."""
        if status not in ALLOWED[self.status]:
            can = ", ".join(sorted(ALLOWED[self.status])) or "nothing: it is closed"
            raise NotAllowed(f"{self.ref} is {self.status}; it can't become {status}. Possible from here: {can}.")
        return self.model_copy(update={"status": status, "status_at": at})


class Unknown(NotAllowed):
    """What the command speaks of is not there."""


def number_of(ref: str) -> int:
    """Read `INC-12`, `inc-12` or `12`. Raises Unknown."""
    digits = ref.strip().upper().removeprefix("INC-")
    if not digits.isdecimal() or len(digits) > 9:
        raise Unknown(f"“{ref}” is not an incident; write it like INC-12 (`irrops incident list` shows them).")
    return int(digits)

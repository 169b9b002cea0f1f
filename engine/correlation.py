"""Alerts: which belong together, and whether they propose an incident, declare one, join one or mean nothing."""

from typing import Any, Literal

from engine.record import Instant, Record, Value


class Alert(Value):
    """One alert, whatever the source."""

    source: str
    key: str
    """Equal for repeats of the same message, and only for those: what deduplication goes by."""
    fingerprint: str
    """Equal for the same thing going wrong, firing or resolved."""
    group: str
    """Equal for alerts that the source itself puts together."""
    status: Literal["firing", "resolved"] = "firing"
    title: str
    severity: str = ""
    """In the source's own words: critical, warning …"""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    starts_at: Instant | None = None
    url: str = ""
    exercise: bool = False
    """The source marks it as a test: it never declares."""


class StoredAlert(Record):
    """An alert as it was accepted."""

    id: int | None = None
    key: str
    alert: Alert
    received_at: Instant
    repeats: int = 0
    outcome: Literal["new", "declared", "proposed", "joined", "no_trigger", "dismissed"] = "new"
    incident: int | None = None
    proposal: int | None = None


class Proposal(Record):
    """An alert asks a person whether to declare."""

    id: int | None = None
    playbook: str
    group: str
    title: str
    severity: str
    facts: dict[str, Any] = {}
    missing: tuple[str, ...] = ()
    status: Literal["open", "accepted", "dismissed"] = "open"
    proposed_at: Instant
    decided_at: Instant | None = None
    decided_by: str = ""
    incident: int | None = None
    alerts: int = 1

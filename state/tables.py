"""The tables. One for each record of the engine, with the same field names, and three of the store's own."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Index, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

from engine.callout import CallOut, Invitation
from engine.correlation import Proposal, StoredAlert
from engine.effects import Effect
from engine.incident import Incident
from engine.pages import Page
from engine.people import Person
from engine.record import Record
from engine.staffing import StaffingPlan
from engine.statements import Statement
from engine.steps import StepState
from engine.timeline import Entry
from engine.triage import Conversation, Queue


class Utc(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out; SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _instant(nullable: bool = False, **more: Any) -> Any:
    return Field(default=None, sa_column=Column(Utc, nullable=nullable, **more))


def _json() -> Any:
    return Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


def _text() -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False))


class IncidentRow(SQLModel, table=True):
    __tablename__ = "incident"
    __table_args__ = ({"sqlite_autoincrement": True},)
    number: int | None = Field(default=None, primary_key=True)
    version: int
    uid: str = Field(unique=True)
    playbook: str
    playbook_text: str = _text()
    title: str
    severity: str
    status: str = Field(index=True)
    facts: Any = _json()
    drill: bool
    declared_by: str
    declared_at: datetime = _instant()
    idempotency_key: str | None = Field(default=None, unique=True)
    status_at: datetime = _instant()
    situation: str
    situation_count: int


class StepRow(SQLModel, table=True):
    __tablename__ = "step"
    incident: int = Field(primary_key=True, foreign_key="incident.number")
    key: str = Field(primary_key=True)
    occurrence: int = Field(primary_key=True)
    version: int
    status: str
    for_what: str
    look_at: datetime | None = _instant(nullable=True)
    nudged: bool
    started_at: datetime = _instant()
    ended_at: datetime | None = _instant(nullable=True)
    due_at: datetime | None = _instant(nullable=True)
    progress: int
    attempts: int
    reason: str = _text()
    memo: Any = _json()


class EffectRow(SQLModel, table=True):
    __tablename__ = "effect"
    __table_args__ = (Index("effect_outbox", "state", "not_before"), Index("effect_incident", "incident", "step"))
    key: str = Field(primary_key=True)
    version: int
    incident: int | None = Field(default=None, foreign_key="incident.number")
    step: str
    channel: str
    message: Any = _json()
    needs: str | None = Field(default=None, index=True)
    urgency: int
    if_unknown: str
    replaces: str = Field(index=True)
    state: str
    queued_at: datetime = _instant()
    not_before: datetime = _instant()
    lease_until: datetime | None = _instant(nullable=True)
    lease_owner: str
    uncertain: bool
    doubtful: int
    attempts: int
    error: str = _text()
    receipt: Any = _json()
    sent_at: datetime | None = _instant(nullable=True)


class EntryRow(SQLModel, table=True):
    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("incident", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    version: int
    incident: int = Field(foreign_key="incident.number")
    at: datetime = _instant()
    kind: str
    text: str = _text()
    actor: str
    step: str
    facts: Any = _json()
    key: str | None = Field(default=None)


class StatementRow(SQLModel, table=True):
    __tablename__ = "statement"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    version: int
    incident: int = Field(foreign_key="incident.number", index=True)
    step: str
    message: str
    texts: Any = _json()
    status: str
    drafted_at: datetime = _instant()
    drafted_by: str
    asked: Any = _json()
    asked_at: datetime | None = _instant(nullable=True)
    four_eyes: bool
    approved_at: datetime | None = _instant(nullable=True)
    approved_by: str
    rejected_because: str = _text()
    live_at: datetime | None = _instant(nullable=True)
    next_update_at: datetime | None = _instant(nullable=True)
    corrects: str
    facts_mark: str
    withdrawn_at: datetime | None = _instant(nullable=True)
    withdrawn_by: str
    withdrawn_because: str = _text()


class StaffingRow(SQLModel, table=True):
    __tablename__ = "staffing_plan"
    incident: int = Field(primary_key=True, foreign_key="incident.number")
    version: int
    made_at: datetime = _instant()
    answer_within_s: int
    share: float
    slots: Any = _json()
    offers: Any = _json()
    shortfall: int
    shortfall_by_language: Any = _json()
    peak_needed: int


class CallOutRow(SQLModel, table=True):
    __tablename__ = "callout"
    key: str = Field(primary_key=True)
    version: int
    incident: int = Field(foreign_key="incident.number", index=True)
    step: str
    slot: int
    opens_at: datetime | None = _instant(nullable=True)
    quota: int
    skills: Any = _json()
    minima: Any = _json()
    stage: int
    starts_at: datetime = _instant()
    ends_at: datetime = _instant()
    where: str = _text()
    respond_by: datetime | None = _instant(nullable=True)
    waves: int
    waves_before: int
    accepted: int
    closed_at: datetime | None = _instant(nullable=True)
    closed_because: str


class InvitationRow(SQLModel, table=True):
    __tablename__ = "invitation"
    key: str = Field(primary_key=True)
    version: int
    incident: int = Field(foreign_key="incident.number", index=True)
    callout: str
    person: str = Field(index=True)
    wave: int
    asked_at: datetime = _instant()
    hour: int
    lanes: Any = _json()
    lane: str
    code: str = Field(index=True)
    answer: str
    answered_at: datetime | None = _instant(nullable=True)
    answered_on: str
    too_late: bool
    comes_at: datetime | None = _instant(nullable=True)
    released_at: datetime | None = _instant(nullable=True)
    released_because: str
    buddy: str
    handover: str = _text()
    debrief: Any = _json()
    begins_at: datetime | None = _instant(nullable=True)
    left_at: datetime | None = _instant(nullable=True)
    worked_s: int
    handover_asked_at: datetime | None = _instant(nullable=True)
    thanked_at: datetime | None = _instant(nullable=True)


class PageRow(SQLModel, table=True):
    __tablename__ = "page"
    key: str = Field(primary_key=True)
    version: int
    incident: int = Field(foreign_key="incident.number", index=True)
    step: str
    person: str
    role: str
    why: str = _text()
    by: str
    at: datetime = _instant(index=True)
    departments: Any = _json()
    turns: Any = _json()
    passed_over: Any = _json()
    acknowledged_at: datetime | None = _instant(nullable=True)
    acknowledged_by: str
    ended_at: datetime | None = _instant(nullable=True)
    ended_because: str


class QueueRow(SQLModel, table=True):
    __tablename__ = "queue"
    incident: int = Field(primary_key=True, foreign_key="incident.number")
    version: int
    opened_at: datetime = _instant()
    closed_at: datetime | None = _instant(nullable=True)
    answer_within_s: int
    solve_within_s: int
    warn_before_s: int
    warned_until: datetime | None = _instant(nullable=True)


class ConversationRow(SQLModel, table=True):
    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("incident", "key"),
        Index("conversation_next", "incident", "status", "turn_at"),
        {"sqlite_autoincrement": True},
    )
    id: int | None = Field(default=None, primary_key=True)
    version: int
    incident: int = Field(foreign_key="incident.number")
    key: str
    channel: str
    customer: str
    text: str = _text()
    language: str
    urgency: int
    urgency_because: str
    public: bool
    turn_at: datetime = _instant()
    lifted_turn_at: datetime = _instant()
    received_at: datetime = _instant()
    answer_by: datetime = _instant()
    solve_by: datetime = _instant()
    status: str
    agent: str
    claimed_at: datetime | None = _instant(nullable=True)
    answered_at: datetime | None = _instant(nullable=True)
    solved_at: datetime | None = _instant(nullable=True)
    referred_to: str


class PersonRow(SQLModel, table=True):
    __tablename__ = "person"
    key: str = Field(primary_key=True)
    version: int
    name: str
    department: str = Field(index=True)
    team: str
    roles: Any = _json()
    languages: Any = _json()
    skills: Any = _json()
    levels: Any = _json()
    answers: Any = _json()
    signed_off: Any = _json()
    time_zone: str
    chat: str = Field(index=True)
    email: str
    phone: str
    lanes: Any = _json()
    shifts: Any = _json()
    shift_pattern: str = _text()
    leave: Any = _json()
    last_called_at: datetime | None = _instant(nullable=True)
    quiet_until: datetime | None = _instant(nullable=True)
    active: bool


class AlertRow(SQLModel, table=True):
    __tablename__ = "alert"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    version: int
    alert: Any = _json()
    received_at: datetime = _instant()
    repeats: int
    outcome: str = Field(index=True)
    incident: int | None = Field(default=None)
    proposal: int | None = Field(default=None)


class ProposalRow(SQLModel, table=True):
    __tablename__ = "proposal"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int | None = Field(default=None, primary_key=True)
    version: int
    playbook: str
    group: str
    title: str
    severity: str
    facts: Any = _json()
    missing: Any = _json()
    status: str = Field(index=True)
    proposed_at: datetime = _instant()
    decided_at: datetime | None = _instant(nullable=True)
    decided_by: str
    incident: int | None = Field(default=None)
    alerts: int


class WakeRow(SQLModel, table=True):
    """When to look at an incident again; 0 is the desk itself. The clock reads nothing else."""

    __tablename__ = "wake"
    incident: int = Field(primary_key=True)
    at: datetime | None = _instant(nullable=True, index=True)
    nudges: int = 0
    """Counts who asked for a look; going back to rest is refused when it has moved."""


class TokenRow(SQLModel, table=True):
    """A bearer token of the HTTP API, as its SHA-256."""

    __tablename__ = "token"
    digest: str = Field(primary_key=True)
    name: str = Field(unique=True)
    role: str
    made_at: datetime = _instant()


class RunRow(SQLModel, table=True):
    """One advance, as the reviewer sees it: with Prefect's flow run where there was one."""

    __tablename__ = "run"
    id: str = Field(primary_key=True)
    incident: int = Field(index=True)
    flow_run: str
    started_at: datetime = _instant()
    ended_at: datetime | None = _instant(nullable=True)
    steps: int
    effects: int
    error: str = _text()


ROWS: dict[type[Record], tuple[type[SQLModel], tuple[str, ...]]] = {
    Incident: (IncidentRow, ("number",)),
    StepState: (StepRow, ("incident", "key", "occurrence")),
    Effect: (EffectRow, ("key",)),
    Entry: (EntryRow, ("id",)),
    Statement: (StatementRow, ("key",)),
    StaffingPlan: (StaffingRow, ("incident",)),
    CallOut: (CallOutRow, ("key",)),
    Invitation: (InvitationRow, ("key",)),
    Page: (PageRow, ("key",)),
    Queue: (QueueRow, ("incident",)),
    Conversation: (ConversationRow, ("id",)),
    Person: (PersonRow, ("key",)),
    StoredAlert: (AlertRow, ("id",)),
    Proposal: (ProposalRow, ("id",)),
}
"""Record → its table, and the fields that tell one from another."""

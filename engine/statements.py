"""Statements: the record, and what people may decide about one: approve, reject, edit, withdraw.

How one is drafted is in `engine.drafting`, how it goes out in `engine.posting`, whom a draft is shown to, and when, in
`engine.approval`; the step that does it all is `engine.actions.publish_statement`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from engine.approval import DRAFTER, approvers, words
from engine.change import Change
from engine.checked import stops
from engine.fitting import parts, promised_time
from engine.incident import NotAllowed
from engine.limits import fits
from engine.record import Instant, Record, Value
from engine.timeline import Entry
from engine.wording import MARKS, context, local

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot


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
    CORRECTED = "corrected"
    """Was live; a correction stands in its place."""


class Wordings(Value):
    """One text: which channel, which language. What is approved is exactly this."""

    channel: str
    language: str
    text: str
    preapproved: str
    """The same message without anything that was typed on the day: may go out when nobody answers."""
    more: tuple[str, ...] = ()
    """Further parts of a thread, in order, where the text goes on in further posts."""

    @property
    def parts(self) -> tuple[str, ...]:
        """All posts of the thread, in order."""
        return (self.text, *self.more)

    @property
    def whole(self) -> str:
        """The posts of the thread as one text."""
        return "\n\n".join(self.parts)


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
    drafted_by: str = DRAFTER
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
    corrects: str = ""
    """Key of the statement that this one corrects."""
    facts_mark: str = ""
    """Fingerprint of the facts it was written from: tells whether the next one has news."""
    withdrawn_at: Instant | None = None
    withdrawn_by: str = ""
    withdrawn_because: str = ""

    @property
    def ref(self) -> str:
        return f"ST-{self.id}"


class TooLong(Exception):
    """A text that its channel would refuse. Says which channel and language, and by how much."""


# ---------------------------------------------------------------- deciding


def approve(
    snapshot: "Snapshot",
    statement: Statement,
    by: str,
    by_roles: Collection[str],
    now: datetime,
    seen: str | None = None,
) -> Change:
    """Approve the texts as they stand. `seen` is which words the person was shown. Raises NotAllowed."""
    _may_decide(snapshot, statement, by_roles, now)
    if seen is not None and seen != words(statement):
        raise NotAllowed(f"{statement.ref} was edited after you were shown it; read the new text and approve that.")
    if statement.four_eyes and by == statement.drafted_by:
        raise NotAllowed(
            f"{statement.ref} has your own words; somebody else of {_roles(snapshot, statement)} approves."
        )
    approved = statement.model_copy(update={"status": StatementStatus.APPROVED, "approved_at": now, "approved_by": by})
    text = f"{statement.ref} ({statement.message}) approved by {name_of(snapshot, by)}"
    role = acting(approvers(snapshot, statement), by_roles)
    return decided(snapshot, approved, "StatementApproved", text, by, now, role=role)


def approve_edited(
    snapshot: "Snapshot", statement: Statement, edited: Change, by: str, by_roles: Collection[str], now: datetime
) -> Change:
    """Approve a statement as `edit` has just changed it, or not: both are one change. Raises NotAllowed."""
    after = next((one for one in edited.records if isinstance(one, Statement)), statement)
    approved = approve(snapshot, after, by, by_roles, now)
    return Change(records=approved.records, entries=edited.entries + approved.entries)


def reject(
    snapshot: "Snapshot", statement: Statement, by: str, by_roles: Collection[str], now: datetime, because: str = ""
) -> Change:
    """Reject the texts: nothing is published. Raises NotAllowed."""
    _may_decide(snapshot, statement, by_roles, now)
    rejected = statement.model_copy(
        update={"status": StatementStatus.REJECTED, "rejected_because": because or f"rejected by {by}"}
    )
    text = f"{statement.ref} ({statement.message}) rejected by {name_of(snapshot, by)}"
    text = f"{text}: {because}" if because else text
    role = acting(approvers(snapshot, statement), by_roles)
    return decided(snapshot, rejected, "StatementRejected", text, by, now, role=role)


def edit(
    snapshot: "Snapshot",
    statement: Statement,
    words: Mapping[tuple[str, str], str],
    by: str,
    now: datetime,
    anyway: str = "",
) -> Change:
    """Put other words into a draft; those who approve are asked anew. `words`: (channel, language) → the whole text.

    Words that must not be published are refused, unless `anyway` says why they stand; that stays on the record.
    Raises NotAllowed, also for length.
    """
    _must_wait(snapshot, statement, now)
    there = {(text.channel, text.language): text for text in statement.texts}
    missing = [place for place in words if place not in there]
    if missing or not words:
        has = ", ".join(f"{channel} ({language})" for channel, language in there)
        wanted = ", ".join(f"{channel} in {language!r}" for channel, language in missing) or "nothing"
        raise NotAllowed(f"{statement.ref} has no text for {wanted}; it has {has}.")
    edited = {place: _edited(snapshot, statement, there[place], text, anyway) for place, text in words.items()}
    texts = tuple(edited.get((old.channel, old.language), old) for old in statement.texts)
    if texts == statement.texts:
        return Change()
    changed = {"texts": texts, "drafted_by": by, "asked": (), "asked_at": None}
    where = ", ".join(f"{channel} in {language}" for channel, language in edited)
    said = f"{statement.ref} ({statement.message}) edited by {name_of(snapshot, by)} for {where}"
    if anyway:
        said += f"; what the lint would stop stands because: {anyway}"
    after = statement.model_copy(update=changed)
    before = [
        {"channel": old.channel, "language": old.language, "text": old.whole}
        for old, new in zip(statement.texts, texts, strict=True)
        if old != new
    ]
    return decided(snapshot, after, "StatementEdited", said, by, now, before=before)


def _edited(snapshot: "Snapshot", statement: Statement, old: Wordings, text: str, anyway: str) -> Wordings:
    """One text in its new words, checked. Raises NotAllowed."""
    mark, text = MARKS.get(old.language, MARKS["en"]), text.strip()
    if not text.removeprefix(mark.strip()).strip():
        raise NotAllowed("A statement can't be empty; write what is known and when the next word comes.")
    if snapshot.incident.drill and not text.startswith(mark.strip()):
        text = mark + text
    limit, promised = snapshot.house.channels.get(old.channel), statement.next_update_at
    posts = parts(text, limit, promised_time(snapshot, promised))
    if posts is None:
        raise NotAllowed(f"Too long for {old.channel} in {old.language!r}: {fits(text, limit)}; shorten it.")
    stopped = stops(snapshot, statement.message, old.channel, old.language, text, promised)
    if stopped and not anyway:
        raise NotAllowed(f"{old.channel} in {old.language!r}: {stopped[0].text}")
    return old.model_copy(update={"text": posts[0], "more": posts[1:]})


def name_of(snapshot: "Snapshot", who: str) -> str:
    """The name of a person by key; anything else as it is."""
    return next((person.name for person in snapshot.people if person.key == who), who)


def acting(may: Collection[str], roles: Collection[str]) -> str:
    """The role in which somebody with these roles acts: the first that may; empty where none does."""
    return next((role for role in may if role in roles), "")


def _may_decide(snapshot: "Snapshot", statement: Statement, by_roles: Collection[str], now: datetime) -> None:
    _must_wait(snapshot, statement, now)
    if not set(by_roles) & set(approvers(snapshot, statement)):
        raise NotAllowed(f"{statement.ref} is for {_roles(snapshot, statement)} to decide.")


def _must_wait(snapshot: "Snapshot", statement: Statement, now: datetime) -> None:
    """Raise NotAllowed unless the statement waits for a decision."""
    if statement.status in (StatementStatus.APPROVED, StatementStatus.LIVE):
        at = local(statement.approved_at, context(snapshot)["zone"]) if statement.approved_at else "an unknown time"
        who = {
            "preapproved": f"nobody had answered, so the pre-approved text was taken at {at}",
            "playbook": f"the playbook asks for no approval, and it was drafted at {at}",
        }.get(statement.approved_by, f"it was approved by {name_of(snapshot, statement.approved_by)} at {at}")
        raise NotAllowed(f"{statement.ref} is decided: {who}.")
    if statement.status is not StatementStatus.DRAFTED:
        raise NotAllowed(f"{statement.ref} is {statement.status}; it can't be changed any more.")
    state = next((state for state in snapshot.steps if state.name == statement.step), None)
    if state and state.status.ended:
        raise NotAllowed(f"{statement.ref} is no longer wanted: its step {state.name} is {state.status}.")


def _roles(snapshot: "Snapshot", statement: Statement) -> str:
    return " or ".join(approvers(snapshot, statement)) or "nobody"


def decided(
    snapshot: "Snapshot", statement: Statement, kind: str, text: str, by: str, now: datetime, **facts: Any
) -> Change:
    """The statement, what the timeline says of it, and its step nudged."""
    states = (state for state in snapshot.steps if state.name == statement.step and not state.status.ended)
    nudged = tuple(state.model_copy(update={"nudged": True}) for state in states if not state.nudged)
    return Change(
        records=(statement, *nudged),
        entries=(entry(snapshot, statement, kind, text, now, actor=by, **facts),),
    )


def entry(
    snapshot: "Snapshot", statement: Statement, kind: str, text: str, now: datetime, actor: str = DRAFTER, **facts: Any
) -> Entry:
    """A line of the timeline about a statement; written once for the same words."""
    name = statement.step or statement.key
    return Entry(
        incident=snapshot.incident.number,
        at=now,
        kind=kind,
        text=text,
        actor=actor,
        step=statement.step,
        facts={"message": statement.message, **facts},
        key="/".join(part for part in (kind, name, words(statement)) if part),
    )

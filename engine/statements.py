"""Statements: drafting, approving, editing, and what they promise. Rendering goes through `ports.Wording`.

Whom a draft is shown to, and when, is in `engine.approval`; the step that does it all in
`engine.actions.publish_statement`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from engine.approval import DRAFTER, approvers, words
from engine.change import Change
from engine.effects import Effect, Post
from engine.incident import NotAllowed
from engine.limits import fits
from engine.record import Instant, Record, Value
from engine.timeline import Entry
from engine.wording import MARKS, context, local

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot

FREE = ("text", "instant", "integer")
"""Types of facts that are typed freely on the day. Stations, choices and yes/no come from a list and can be trusted."""


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

    @property
    def ref(self) -> str:
        return f"ST-{self.id}"


class TooLong(Exception):
    """A text that its channel would refuse. Says which channel and language, and by how much."""


# ---------------------------------------------------------------- drafting


def render(
    snapshot: "Snapshot", message: str, channel: str, language: str, next_update_at: datetime | None
) -> Wordings:
    """Render one text in both its forms, whatever their length. Raises WordingError."""
    full = context(snapshot, language, next_update_at=next_update_at)
    types = {name: fact.type for name, fact in snapshot.playbook.facts.items()}
    safe = {name: value for name, value in full["facts"].items() if types.get(name, "text") not in FREE}
    wording = snapshot.house.wording
    return Wordings(
        channel=channel,
        language=language,
        text=wording.render(message, channel, language, full),
        preapproved=wording.render(message, channel, language, {**full, "facts": safe}),
    )


def draft(
    snapshot: "Snapshot",
    step_name: str,
    message: str,
    channels: Collection[str],
    languages: Collection[str],
    next_update_at: datetime | None = None,
) -> Statement:
    """Draft a statement in each language for each channel.

    Where what was typed on the day makes a text too long for its channel, its pre-approved form is taken: a
    plainer word in time is worth more than none. Raises WordingError, and TooLong when that does not fit either.
    """
    texts = [
        render(snapshot, message, channel, language, next_update_at) for channel in channels for language in languages
    ]
    return Statement(
        key=snapshot.incident.key(step_name),
        incident=snapshot.incident.number,
        step=step_name,
        message=message,
        texts=tuple(_fitting(snapshot, text) for text in texts),
        drafted_at=snapshot.now,
        next_update_at=next_update_at,
    )


def _fitting(snapshot: "Snapshot", text: Wordings) -> Wordings:
    limit = snapshot.house.channels.get(text.channel)
    if fits(text.text, limit).ok:
        return text
    shorter = fits(text.preapproved, limit)
    if not shorter.ok:
        raise TooLong(f"too long for {text.channel} in {text.language!r}: {shorter}, even without the facts of the day")
    return text.model_copy(update={"text": text.preapproved})


def shortened(snapshot: "Snapshot", statement: Statement) -> list[str]:
    """Say where `draft` fell back to the pre-approved form for length, as `bluesky (nl)`."""
    found = []
    for text in statement.texts:
        full = render(snapshot, statement.message, text.channel, text.language, statement.next_update_at)
        if text.text == full.preapproved != full.text:
            found.append(f"{text.channel} ({text.language})")
    return found


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
    return _decided(snapshot, approved, "StatementApproved", text, by, now)


def reject(
    snapshot: "Snapshot", statement: Statement, by: str, by_roles: Collection[str], now: datetime, because: str = ""
) -> Change:
    """Reject the texts: nothing is published. Raises NotAllowed."""
    _may_decide(snapshot, statement, by_roles, now)
    rejected = statement.model_copy(
        update={"status": StatementStatus.REJECTED, "rejected_because": because or f"rejected by {by}"}
    )
    text = f"{statement.ref} ({statement.message}) rejected by {name_of(snapshot, by)}"
    return _decided(snapshot, rejected, "StatementRejected", f"{text}: {because}" if because else text, by, now)


def edit(
    snapshot: "Snapshot", statement: Statement, channel: str, language: str, text: str, by: str, now: datetime
) -> Change:
    """Put other words into a draft; those who approve are asked anew. Raises NotAllowed, also for length."""
    _must_wait(snapshot, statement, now)
    mark = MARKS.get(language, MARKS["en"])
    text = text.strip()
    if not text.removeprefix(mark.strip()).strip():
        raise NotAllowed("A statement can't be empty; write what is known and when the next word comes.")
    if snapshot.incident.drill and not text.startswith(mark.strip()):
        text = mark + text
    if not any((old.channel, old.language) == (channel, language) for old in statement.texts):
        has = ", ".join(f"{old.channel} ({old.language})" for old in statement.texts)
        raise NotAllowed(f"{statement.ref} has no text for {channel} in {language!r}; it has {has}.")
    size = fits(text, snapshot.house.channels.get(channel))
    if not size.ok:
        raise NotAllowed(f"Too long for {channel} in {language!r}: {size}; shorten it.")
    texts = tuple(
        old.model_copy(update={"text": text}) if (old.channel, old.language) == (channel, language) else old
        for old in statement.texts
    )
    changed = {"texts": texts, "drafted_by": by, "asked": (), "asked_at": None}
    said = f"{statement.ref} ({statement.message}) edited by {name_of(snapshot, by)} for {channel} in {language}"
    edited = statement.model_copy(update=changed)
    return _decided(snapshot, edited, "StatementEdited", said, by, now)


def name_of(snapshot: "Snapshot", who: str) -> str:
    """The name of a person by key; anything else as it is."""
    return next((person.name for person in snapshot.people if person.key == who), who)


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


def _decided(snapshot: "Snapshot", statement: Statement, kind: str, text: str, by: str, now: datetime) -> Change:
    """The statement, what the timeline says of it, and its step nudged."""
    states = [state for state in snapshot.steps if state.name == statement.step and not state.nudged]
    nudged = tuple(state.model_copy(update={"nudged": True}) for state in states)
    return Change(
        records=(statement, *nudged),
        entries=(entry(snapshot, statement, kind, text, now, actor=by),),
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


# ---------------------------------------------------------------- going out


def posts(snapshot: "Snapshot", statement: Statement, titles: Mapping[str, str] = {}) -> tuple[Effect, ...]:
    """One effect for each channel and language. `titles` are by language; else the incident's own.

    A post that is still queued when a newer statement reaches the same channel and language is replaced by that one:
    an old word after a new one would mislead.
    """
    incident = snapshot.incident
    return tuple(
        Effect(
            key=f"{statement.key}/{text.channel}/{text.language}",
            incident=incident.number,
            step=statement.step,
            channel=text.channel,
            message=Post(
                incident=incident.ref,
                title=titles.get(text.language, incident.title),
                message=statement.message,
                language=text.language,
                text=text.text,
                severity=incident.severity,
                status=incident.status,
                statement=statement.key,
                drafted_at=statement.drafted_at,
                next_update_at=statement.next_update_at,
                drill=incident.drill,
            ),
            needs=incident.key("room") if text.channel == snapshot.house.chat else None,
            urgency=1,
            if_unknown="ask",
            replaces=incident.key("post", text.channel, text.language),
            queued_at=snapshot.now,
            not_before=snapshot.now,
        )
        for text in statement.texts
    )

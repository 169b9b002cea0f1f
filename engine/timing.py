"""The statements' clock: declared, drafted, approved, live, for each channel and language. It measures, and decides
nothing; how it is shown is the desk's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from engine.effects import Amend, Effect, EffectState, Post, Withdraw
from engine.incident import Incident
from engine.record import Instant, Value
from engine.statements import Statement, Wordings

WAITING, WITHDRAWN = "waiting", "withdrawn"
"""States of a text beside those of its posts: not queued yet; taken away from the public again."""

_WORST = (
    EffectState.UNKNOWN,
    EffectState.FAILED,
    EffectState.CANCELLED,
    EffectState.SENDING,
    EffectState.QUEUED,
    EffectState.SENT,
)
"""Of a thread's parts the state that counts is the first of these."""


class Place(Value):
    """One text: a channel in a language."""

    channel: str
    language: str
    state: str
    """That of its posts (`engine.effects.EffectState`), `waiting` or `withdrawn`."""
    sent_at: Instant | None = None
    """Live: when the first part could be read."""
    complete_at: Instant | None = None
    """When all parts could be read."""
    withdrawn_at: Instant | None = None
    after_approval_s: float | None = None
    """Seconds from the approval to the last part."""
    url: str = ""
    """Of the first part."""
    parts: int = 1
    attempts: int = 0
    """Most that any part needed."""
    error: str = ""

    @property
    def name(self) -> str:
        return f"{self.channel} ({self.language})"


class Timing(Value):
    """When each thing happened, and the seconds between. None: it has not happened."""

    incident: str
    statement: str
    message: str
    status: str
    approved_by: str
    declared_at: Instant
    drafted_at: Instant
    approved_at: Instant | None
    live_at: Instant | None
    """First post that could be read."""
    everywhere_at: Instant | None
    """When all that was approved could be read; None while any of it can't."""
    declared_to_drafted_s: float
    drafted_to_approved_s: float | None
    approved_to_live_s: float | None
    approved_to_everywhere_s: float | None
    declared_to_live_s: float | None
    declared_to_everywhere_s: float | None
    slowest: str | None
    """`bluesky (es)`: the last of those that are out; None before the first."""
    places: tuple[Place, ...]


def timing(incident: Incident, statement: Statement, effects: Iterable[Effect]) -> Timing:
    """Measure one statement. `effects` may hold others too: those of a text have keys that begin with its own."""
    known = tuple(effects)
    places = tuple(_place(statement, text, posted(statement, text, known)) for text in statement.texts)
    live_at = min((place.sent_at for place in places if place.sent_at), default=None)
    out = [(place.complete_at, place.name) for place in places if place.complete_at]
    last_at, slowest = max(out, default=(None, None))
    everywhere_at = last_at if len(out) == len(places) else None
    declared, drafted, approved = incident.declared_at, statement.drafted_at, statement.approved_at
    return Timing(
        incident=incident.ref,
        statement=statement.ref,
        message=statement.message,
        status=statement.status,
        approved_by=statement.approved_by,
        declared_at=declared,
        drafted_at=drafted,
        approved_at=approved,
        live_at=live_at,
        everywhere_at=everywhere_at,
        declared_to_drafted_s=(drafted - declared).total_seconds(),
        drafted_to_approved_s=_seconds(drafted, approved),
        approved_to_live_s=_seconds(approved, live_at),
        approved_to_everywhere_s=_seconds(approved, everywhere_at),
        declared_to_live_s=_seconds(declared, live_at),
        declared_to_everywhere_s=_seconds(declared, everywhere_at),
        slowest=slowest,
        places=places,
    )


def posted(statement: Statement, text: Wordings, effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """List what was to be done to the public with one text: posts by part, then withdrawals. Looks are left out."""
    key = f"{statement.key}/{text.channel}/{text.language}"
    mine = [one for one in effects if one.key == key or one.key.startswith(f"{key}/")]
    public = [one for one in mine if isinstance(one.message, Post | Amend | Withdraw)]
    return tuple(sorted(public, key=lambda one: (isinstance(one.message, Withdraw), part_of(one), one.key)))


def part_of(effect: Effect) -> int:
    """Which part of a thread a post is, or puts in place of another; 1 for anything else."""
    message = effect.message.post if isinstance(effect.message, Amend) else effect.message
    return message.part if isinstance(message, Post) else 1


def _place(statement: Statement, text: Wordings, mine: Sequence[Effect]) -> Place:
    posts = [one for one in mine if not isinstance(one.message, Withdraw)]
    sent = [one.sent_at for one in posts if one.state is EffectState.SENT and one.sent_at]
    complete_at = max(sent) if posts and len(sent) == len(text.parts) else None
    taken = [one.sent_at for one in mine if isinstance(one.message, Withdraw) and one.state is EffectState.SENT]
    # a correction in place takes away only the further parts of a thread: then the first still stands
    withdrawn_at = max(filter(None, taken)) if taken and len(taken) >= len(sent) else None
    return Place(
        channel=text.channel,
        language=text.language,
        state=WITHDRAWN if withdrawn_at else _state(posts),
        sent_at=min(sent, default=None),
        complete_at=complete_at,
        withdrawn_at=withdrawn_at,
        after_approval_s=_seconds(statement.approved_at, complete_at),
        url=next((one.receipt.url for one in posts if one.receipt and one.receipt.url), ""),
        parts=len(text.parts),
        attempts=max((one.attempts for one in posts), default=0),
        error=next((one.error for one in mine if one.error), ""),
    )


def _state(posts: Sequence[Effect]) -> str:
    states = {one.state for one in posts}
    return next((str(state) for state in _WORST if state in states), WAITING)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None

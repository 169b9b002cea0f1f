"""Promises of the next update: when a text may promise it, which one stands, and which were kept.

A promise is a deadline. Who is reminded of it, and who is told when it is late, is in `engine.reminding`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from engine.cadence import next_beat, slowest
from engine.duration import duration
from engine.incident import Status
from engine.playbook import Approval, Playbook, Step
from engine.public import is_notice
from engine.record import Instant, Value

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot
    from engine.statements import Statement

GRAIN = timedelta(minutes=5)
"""What is promised is a full five minutes: people remember 14:40, not 14:37."""

ON_ITS_WAY = timedelta(minutes=1)
"""From a yes, or from nobody's answer, until the public can read it: so much later than the approval may end."""

WORDS = ("holding", "update", "correction", "resolution", "apology")
"""First words of the messages that keep a promise of more news. Passengers' rights are no news of the disruption."""


class Promise(Value):
    """The public was told by when the next word comes."""

    statement: str
    """Reference of the statement that promised, ST-3."""
    key: str
    """Its key."""
    promised_at: Instant
    """When the public could first read it."""
    due: Instant
    kept_at: Instant | None = None
    """When the next word went live, in time or not."""
    kept_by: str = ""
    """Reference of that statement."""
    kept: bool | None
    """None: it is still open."""
    late_by: timedelta | None = None
    """How late the next word came; while none has come after the due time, how late it is now."""


def patience(approval: Approval | None) -> timedelta:
    """How long an approval may take when nobody is quick. Without `unanswered_after` it may take for ever, which
    nobody can plan with: counted are the times until the last one is asked and has had as long again."""
    if approval is None:
        return timedelta()
    if approval.unanswered_after:
        return approval.unanswered_after
    return approval.within * (2 if approval.then else 1)


def repeating(playbook: Playbook) -> Step | None:
    """The step that brings the updates: the first that publishes again and again."""
    return next((step for step in playbook.steps if step.every and step.action == "publish_statement"), None)


def may_promise(playbook: Playbook, declared_at: datetime, now: datetime, within: timedelta | None) -> datetime | None:
    """Say when the next update may be promised for, rounded up to full five minutes.

    `within` from now where it is given; else the next beat of the repeating step, and the time that its approval
    and the posting may take. None when nothing repeats.
    """
    if within is not None:
        return _rounded(now + within)
    step = repeating(playbook)
    if step is None:
        return None
    return _rounded(next_beat(step, declared_at, now) + patience(step.approval) + ON_ITS_WAY)


def promised(snapshot: "Snapshot", message: str, within: timedelta | None = None) -> datetime | None:
    """Say what a message drafted now may promise; None after the incident's end, and for a notice beside the news."""
    incident = snapshot.incident
    if not incident.status.live or is_notice(message):
        return None
    return may_promise(snapshot.playbook, incident.declared_at, snapshot.now, within)


def too_soon(playbook: Playbook, given: Mapping[str, Any]) -> str:
    """Say why a promise can't be kept, from the `with` of the step that makes it; empty when it can.

    The repeating step promises at each of its beats, so also when these are farthest apart.
    """
    step = repeating(playbook)
    promised = given.get("next_update_in")
    if promised is None or step is None or step.every is None:
        return ""
    span = slowest(step) if given == step.with_ else step.every
    least = span + patience(step.approval) + ON_ITS_WAY
    if duration(promised) >= least:
        return ""
    minutes = -(-least // timedelta(minutes=1))
    return (
        f"the promise can't be kept: {step.key} comes every {span // timedelta(minutes=1)} min and its approval"
        f" may take {patience(step.approval) // timedelta(minutes=1)}; write {minutes}m or more, or leave it out"
    )


def answers(statement: "Statement") -> bool:
    """Tell whether a statement is the next word that a promise speaks of."""
    return statement.message.split("_")[0] in WORDS


def promises(statements: "Iterable[Statement]", now: datetime) -> tuple[Promise, ...]:
    """List every promise of an incident's live statements, in the order in which the public read them.

    The next word keeps it, whichever that is: an update, a correction, the resolution after the incident's end. A
    correction that repeats the promise of what it corrects takes it over.
    """
    live = _read(statements)
    found = []
    for one, following in zip_longest(live, live[1:]):
        taken_over = following and following.corrects == one.key and following.next_update_at == one.next_update_at
        if one.next_update_at and one.live_at and not taken_over:
            found.append(_judged(one, one.live_at, one.next_update_at, following, now))
    return tuple(found)


def _read(statements: "Iterable[Statement]") -> "list[Statement]":
    """The statements that keep promises, as the public read them."""
    live = [(one.live_at, one.key, one) for one in statements if one.live_at and answers(one)]
    return [one for _, _, one in sorted(live, key=lambda each: each[:2])]


def _judged(
    one: "Statement", promised_at: datetime, due: datetime, following: "Statement | None", now: datetime
) -> Promise:
    kept_at = following.live_at if following else None
    at = kept_at or now
    return Promise(
        statement=one.ref,
        key=one.key,
        promised_at=promised_at,
        due=due,
        kept_at=kept_at,
        kept_by=following.ref if following else "",
        kept=False if at > due else (True if kept_at else None),
        late_by=at - due if at > due else None,
    )


def standing(snapshot: "Snapshot") -> "Statement | None":
    """The statement whose promise of an update stands: the last word that the public read, if it promised another.

    After the incident's end a promise stands on that was made for later: the resolution is to keep it.
    """
    last = next(reversed(_read(snapshot.statements)), None)
    if last is None or last.next_update_at is None:
        return None
    incident = snapshot.incident
    if incident.status.live:
        return last
    ended = incident.status in (Status.RESOLVED, Status.STOOD_DOWN)
    return last if ended and last.next_update_at >= incident.status_at else None


def broken(snapshot: "Snapshot") -> "Statement | None":
    """The statement whose promised update is overdue: nothing newer is live."""
    statement = standing(snapshot)
    if statement is None or statement.next_update_at is None or statement.next_update_at > snapshot.now:
        return None
    return statement


def _rounded(instant: datetime) -> datetime:
    whole = datetime.min.replace(tzinfo=UTC)
    return whole + -(-(instant - whole) // GRAIN) * GRAIN

"""Promises of the next update: when a text may promise it, and which promise stands. A promise is a deadline."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.duration import duration
from engine.playbook import Approval, Playbook, Step

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot
    from engine.statements import Statement

GRAIN = timedelta(minutes=5)
"""What is promised is a full five minutes: people remember 14:40, not 14:37."""


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
    may take. None when nothing repeats.
    """
    if within is not None:
        return _rounded(now + within)
    step = repeating(playbook)
    if step is None or step.every is None:
        return None
    beat = declared_at + (step.start_after or step.every)
    if beat <= now:
        beat += ((now - beat) // step.every + 1) * step.every
    return _rounded(beat + patience(step.approval))


def too_soon(playbook: Playbook, given: Mapping[str, Any]) -> str:
    """Say why a promise can't be kept, from the `with` of the step that makes it; empty when it can."""
    step = repeating(playbook)
    promised = given.get("next_update_in")
    if promised is None or step is None or step.every is None:
        return ""
    least = step.every + patience(step.approval)
    if duration(promised) >= least:
        return ""
    minutes = -(-least // timedelta(minutes=1))
    return (
        f"the promise can't be kept: {step.key} comes every {step.every // timedelta(minutes=1)} min and its approval"
        f" may take {patience(step.approval) // timedelta(minutes=1)}; write {minutes}m or more, or leave it out"
    )


def standing(snapshot: "Snapshot") -> "Statement | None":
    """The statement whose promise of an update stands: the newest live one, if it promised and the incident is live."""
    live = [statement for statement in snapshot.statements if statement.live_at]
    newest = max(live, key=lambda statement: statement.drafted_at, default=None)
    if newest is None or newest.next_update_at is None or not snapshot.incident.status.live:
        return None
    return newest


def broken(snapshot: "Snapshot") -> "Statement | None":
    """The statement whose promised update is overdue: nothing newer is live."""
    statement = standing(snapshot)
    if statement is None or statement.next_update_at is None or statement.next_update_at > snapshot.now:
        return None
    return statement


def _rounded(instant: datetime) -> datetime:
    whole = datetime.min.replace(tzinfo=UTC)
    return whole + -(-(instant - whole) // GRAIN) * GRAIN

"""What a review states, and how each fact is measured from the records. What follows from it: `engine.review_score`."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from engine.callout import Answer, Invitation
from engine.effects import Effect, EffectState, Post
from engine.record import Instant, Value
from engine.snapshot import Snapshot
from engine.statements import Statement, StatementStatus
from engine.steps import StepStatus
from engine.timeline import Entry

FIRST_WORD = timedelta(minutes=15)
"""A first statement on every channel; a step's `due_within` replaces it. Source: docs/review.md."""
READY = timedelta(minutes=30)
"""Staffing raised, queue open, first volunteer found; a step's `due_within` replaces it."""
FULL_STRENGTH = timedelta(minutes=60)
"""Quota of volunteers filled: KLM's emergency desk of April 2010 stood within an hour."""

CLOSING = ("Resolved", "StoodDown")


class Measure(Value):
    """A clock from the declaration to one event."""

    name: str
    kind: Literal["first_word", "people"]
    target_s: int
    at: Instant | None = None
    """When it happened; None: it did not, so far."""
    took_s: int | None = None
    pending: bool = False
    """It did not happen yet, and there is time left."""

    @property
    def kept(self) -> bool:
        return self.took_s is not None and self.took_s <= self.target_s


class LateStep(Value):
    step: str
    due_at: Instant
    ended_at: Instant | None = None


class Delivery(Value):
    """What became of the effects of one channel."""

    channel: str
    sent: int = 0
    retried: int = 0
    """Of the sent, how many took more than one attempt."""
    failed: int = 0
    unknown: int = 0
    waiting: int = 0


class Approved(Value):
    """How one statement was approved."""

    statement: str
    message: str
    step: str
    how: Literal["person", "preapproved", "playbook", "rejected", "waiting", "superseded"]
    by: str = ""
    asked: tuple[str, ...] = ()
    waited_s: int | None = None
    """From the draft to the decision."""


class Wave(Value):
    """One wave of a call-out."""

    step: str
    wave: int
    asked_at: Instant
    asked: int
    yes: int
    later: int
    no: int
    silent: int
    waiting_list: int
    """Of the yes, how many came when there were enough."""
    median_s: int | None = None
    """Half of the answers came faster."""

    @property
    def answer_rate(self) -> float:
        return (self.asked - self.silent) / self.asked


class Asked(Value):
    """One person's part in a call-out, without the person."""

    asked_at: Instant
    answered_at: Instant | None = None
    answer: Answer = Answer.NONE


def closed_at(snapshot: Snapshot, entries: Sequence[Entry]) -> datetime | None:
    """When the response ended; None while it goes on. A reopened incident ended with its last closing."""
    if snapshot.incident.status.live:
        return None
    closings = [entry.at for entry in entries if entry.kind in CLOSING]
    return max(closings, default=snapshot.incident.status_at)


def measures(snapshot: Snapshot, until: datetime) -> tuple[Measure, ...]:
    """Every clock that this playbook starts."""
    return (*_first_words(snapshot, until), *_people(snapshot, until))


def _measure(
    snapshot: Snapshot,
    until: datetime,
    name: str,
    kind: Literal["first_word", "people"],
    target: timedelta,
    at: datetime | None,
) -> Measure:
    since = snapshot.incident.declared_at
    return Measure(
        name=name,
        kind=kind,
        target_s=round(target.total_seconds()),
        at=at,
        took_s=round((at - since).total_seconds()) if at else None,
        pending=at is None and snapshot.incident.status.live and until - since < target,
    )


def _target(snapshot: Snapshot, action: str, otherwise: timedelta) -> timedelta:
    own = [step.due_within for step in snapshot.playbook.steps if step.action == action and step.due_within]
    return min(own, default=otherwise)


def _first_words(snapshot: Snapshot, until: datetime) -> Iterator[Measure]:
    posts = [effect for effect in snapshot.effects if isinstance(effect.message, Post)]
    first = min(snapshot.statements, key=lambda statement: statement.drafted_at, default=None)
    wanted = {text.channel for text in first.texts} if first else set()
    target = _target(snapshot, "publish_statement", FIRST_WORD)
    for channel in sorted(wanted | {post.channel for post in posts}):
        sent = [post.sent_at for post in posts if post.channel == channel and post.sent_at]
        yield _measure(snapshot, until, channel, "first_word", target, min(sent, default=None))


def _people(snapshot: Snapshot, until: datetime) -> Iterator[Measure]:
    actions = {step.action for step in snapshot.playbook.steps}
    if "raise_staffing" in actions:
        target = _target(snapshot, "raise_staffing", READY)
        yield _measure(snapshot, until, "staffing raised", "people", target, _raised_at(snapshot))
    if "open_queue" in actions:
        opened = snapshot.queue.opened_at if snapshot.queue else None
        yield _measure(snapshot, until, "queue open", "people", READY, opened)
    for callout in snapshot.callouts:
        accepted = sorted(i.answered_at for i in _said_yes(snapshot, callout.key) if i.answered_at)
        full = accepted[callout.quota - 1] if 0 < callout.quota <= len(accepted) else None
        slot = f", slot {callout.slot}" if callout.slot > 1 else ""
        more = f" ({callout.step.split('#')[0]}{slot})" if len(snapshot.callouts) > 1 else ""
        target = _target(snapshot, "call_out", FULL_STRENGTH)
        if callout.slot == 1:
            yield _measure(snapshot, until, f"first volunteer{more}", "people", READY, min(accepted, default=None))
        else:  # a later slot is in time when it is full before it begins
            target = max(target, callout.starts_at - snapshot.incident.declared_at)
        yield _measure(snapshot, until, f"quota of {callout.quota} filled{more}", "people", target, full)


def _raised_at(snapshot: Snapshot) -> datetime | None:
    keys = {step.key for step in snapshot.playbook.steps if step.action == "raise_staffing"}
    done = [s.ended_at for s in snapshot.steps if s.key in keys and s.status is StepStatus.DONE and s.ended_at]
    return min(done) if done else (snapshot.staffing.made_at if snapshot.staffing else None)


def _said_yes(snapshot: Snapshot, callout: str) -> list[Invitation]:
    return [i for i in snapshot.invitations if i.callout == callout and i.answer is Answer.YES and not i.too_late]


def late_steps(snapshot: Snapshot, until: datetime) -> tuple[LateStep, ...]:
    """Steps that ended after their deadline, or had not ended by then, or never began."""
    late = [
        LateStep(step=state.name, due_at=state.due_at, ended_at=state.ended_at)
        for state in snapshot.steps
        if state.due_at and (state.ended_at or until) > state.due_at and state.status is not StepStatus.SKIPPED
    ]
    late += [LateStep(step=f"{key}#1", due_at=due_at) for key, due_at in never_begun(snapshot) if due_at <= until]
    return tuple(sorted(late, key=lambda step: step.due_at))


def never_begun(snapshot: Snapshot) -> list[tuple[str, datetime]]:
    """Steps with a deadline of which there is no trace, and that deadline."""
    begun = {state.key for state in snapshot.steps}
    since = snapshot.incident.declared_at
    return [(s.key, since + s.due_within) for s in snapshot.playbook.steps if s.due_within and s.key not in begun]


def deliveries(effects: Sequence[Effect]) -> tuple[Delivery, ...]:
    """How the effects of each channel went; cancelled ones are left out."""
    found: dict[str, dict[str, int]] = {}
    for effect in effects:
        counts = found.setdefault(effect.channel, {})
        name = _BECAME.get(effect.state)
        if name:
            counts[name] = counts.get(name, 0) + 1
        if effect.state is EffectState.SENT and effect.attempts > 1:
            counts["retried"] = counts.get("retried", 0) + 1
    return tuple(Delivery(channel=channel, **counts) for channel, counts in sorted(found.items()) if counts)


_BECAME = {
    EffectState.SENT: "sent",
    EffectState.FAILED: "failed",
    EffectState.UNKNOWN: "unknown",
    EffectState.QUEUED: "waiting",
    EffectState.SENDING: "waiting",
}


def approvals(snapshot: Snapshot, until: datetime) -> tuple[Approved, ...]:
    """Who approved each statement, and how long it waited for that."""
    return tuple(_approved(s, until) for s in sorted(snapshot.statements, key=lambda s: (s.drafted_at, s.key)))


def _approved(statement: Statement, until: datetime) -> Approved:
    how: Literal["person", "preapproved", "playbook", "rejected", "waiting", "superseded"] = "person"
    if statement.status is StatementStatus.REJECTED:
        how = "rejected"
    elif statement.approved_at is None:
        how = "superseded" if statement.status is StatementStatus.SUPERSEDED else "waiting"
    elif statement.approved_by in ("preapproved", "playbook"):
        how = "preapproved" if statement.approved_by == "preapproved" else "playbook"
    decided = statement.approved_at or (until if how == "waiting" else None)
    return Approved(
        statement=statement.ref,
        message=statement.message,
        step=statement.step,
        how=how,
        by=statement.approved_by,
        asked=statement.asked,
        waited_s=round((decided - statement.drafted_at).total_seconds()) if decided else None,
    )


def waves(snapshot: Snapshot) -> tuple[Wave, ...]:
    """Each wave of each call-out, in order of time."""
    steps = {callout.key: callout.step for callout in snapshot.callouts}
    groups: dict[tuple[str, int], list[Invitation]] = {}
    for invitation in snapshot.invitations:
        groups.setdefault((invitation.callout, invitation.wave), []).append(invitation)
    found = [_wave(steps.get(callout, callout), wave, those) for (callout, wave), those in groups.items()]
    return tuple(sorted(found, key=lambda wave: (wave.asked_at, wave.step, wave.wave)))


def _wave(step: str, wave: int, those: list[Invitation]) -> Wave:
    took = [(i.answered_at - i.asked_at).total_seconds() for i in those if i.answered_at]
    return Wave(
        step=step,
        wave=wave,
        asked_at=min(i.asked_at for i in those),
        asked=len(those),
        yes=sum(i.answer is Answer.YES for i in those),
        later=sum(i.answer is Answer.LATER for i in those),
        no=sum(i.answer is Answer.NO for i in those),
        silent=sum(i.answer is Answer.NONE for i in those),
        waiting_list=sum(i.answer is Answer.YES and i.too_late for i in those),
        median_s=round(median(took)) if took else None,
    )

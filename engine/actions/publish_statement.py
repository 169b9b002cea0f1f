"""Publish a statement: draft it, have it approved or take the pre-approved text, send it, say when it is live.

Texts are built in `engine.drafting`, proofread in `engine.proofreading`; who is asked is in `engine.approval`.
Nothing is sent here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from engine import approval as approvals
from engine import drafting, posting, promise, public, room, statements
from engine.change import Change
from engine.components import components
from engine.delivery import in_trouble
from engine.duration import Duration, spoken
from engine.effects import Effect, EffectState
from engine.house import House
from engine.playbook import Approval, Playbook, Step
from engine.proofreading import proofread
from engine.record import Value
from engine.snapshot import Snapshot, StepRun
from engine.statements import Statement, StatementStatus, TooLong
from engine.steps import Done, Fail, Outcome, Skip, Wait
from engine.timeline import Entry
from engine.wording import WordingError

NEEDS: frozenset[str] = frozenset()


class Params(Value):
    """Say something to the public: on each channel, in each language."""

    message: str = Field(description="Folder under templates/messages: holding, update, resolution_ash …")
    channels: tuple[str, ...] = Field(min_length=1, description="Where: status_page, slack, bluesky.")
    languages: tuple[str, ...] = Field(min_length=1, description="In which languages: en, nl, es.")
    next_update_in: Duration | None = Field(
        default=None, description="Promise the next update after so long. Default: when the repeated one can be out."
    )
    title: dict[str, str] = Field(default={}, description="Headline by language. Default: the incident's title.")


# ---------------------------------------------------------------- running


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Decide what the statement needs next."""
    statement = snapshot.statement(step.state)
    if statement is None:
        return _draft(step, snapshot)
    if statement.status is StatementStatus.DRAFTED:
        return _wait(step, snapshot, statement)
    if statement.status is StatementStatus.APPROVED:
        return _deliver(step, snapshot, statement)
    if statement.status is StatementStatus.REJECTED:
        return _rejected(snapshot, statement)
    if statement.status is StatementStatus.WITHDRAWN:
        return _withdrawn(snapshot, statement)
    return Done(reason=f"{statement.ref} is {statement.status}")


def compose(spec: Step, params: Params, snapshot: Snapshot, name: str) -> Statement:
    """Draft the step's statement as it would be at `snapshot.now`. Raises WordingError, TooLong."""
    promised = promise.promised(snapshot, params.message, params.next_update_in)
    drafted = drafting.draft(snapshot, name, params.message, params.channels, params.languages, promised)
    return drafted.model_copy(update={"four_eyes": bool(spec.approval and spec.approval.four_eyes)})


def _draft(step: StepRun, snapshot: Snapshot) -> Outcome:
    try:
        statement = compose(step.spec, step.params, snapshot, step.name)
        entries = _shortened(snapshot, statement)
        if step.spec.approval:
            return _wait(step, snapshot, statement, (_drafted(snapshot, statement), *entries))
        chosen = {"status": StatementStatus.APPROVED, "approved_at": snapshot.now, "approved_by": "playbook"}
        return _send(step, snapshot, statement.model_copy(update=chosen), entries)
    except (WordingError, TooLong) as error:
        return Fail(f"{step.params.message} can't be drafted: {error}")


def _drafted(snapshot: Snapshot, statement: Statement) -> Entry:
    channels = list(dict.fromkeys(text.channel for text in statement.texts))
    text = f"{statement.message} drafted for {_and(channels)}; it waits for approval"
    return statements.entry(snapshot, statement, "StatementDrafted", text, snapshot.now)


def _shortened(snapshot: Snapshot, statement: Statement) -> tuple[Entry, ...]:
    places = drafting.shortened(snapshot, statement)
    if not places:
        return ()
    text = f"The {statement.message} leaves out the facts typed on the day where it would be too long: {_and(places)}"
    return (statements.entry(snapshot, statement, "StatementShortened", text, snapshot.now),)


def _wait(step: StepRun, snapshot: Snapshot, statement: Statement, entries: tuple[Entry, ...] = ()) -> Outcome:
    """Ask who is to be asked by now; when nobody answered in time, do as the playbook says.

    All deadlines count from the draft, so neither a restart nor an edit moves them.
    """
    rule = step.spec.approval
    if rule is None:
        return Fail(f"{statement.message} waits for an approval that its step does not ask for")
    waited = snapshot.now - statement.drafted_at
    if rule.unanswered_after is not None and waited >= rule.unanswered_after:
        return _unanswered(step, snapshot, statement, rule, entries)
    roles = _asked_by_now(snapshot, rule, waited)
    new = [role for role in roles if role not in statement.asked]
    effects = approvals.withdraw(snapshot, statement, "the text was edited; the new one follows")
    for role in new:
        effects += approvals.ask(snapshot, statement, role)
    if new or not statement.version:
        asked = {"asked": (*statement.asked, *new), "asked_at": snapshot.now}
        statement = statement.model_copy(update=asked)
    records = (statement,) if new or not statement.version else ()
    more = _escalated(step, snapshot, statement, rule, new) + _unreachable(step, snapshot, roles)
    return Wait(
        _next_look(statement.drafted_at, rule, roles),
        f"approval by {' or '.join(roles)}",
        records=records,
        effects=effects + more.effects,
        entries=entries + more.entries,
    )


def _asked_by_now(snapshot: Snapshot, rule: Approval, waited: timedelta) -> list[str]:
    """Roles that must have been asked: the deputy's too when the time is over, or nobody holds the first."""
    if rule.then and (waited >= rule.within or not approvals.reachable(snapshot, rule.by)):
        return [rule.by, rule.then]
    return [rule.by]


def _next_look(drafted_at: datetime, rule: Approval, roles: list[str]) -> datetime | None:
    looks = [drafted_at + rule.within] if rule.then and rule.then not in roles else []
    if rule.unanswered_after is not None:
        looks.append(drafted_at + rule.unanswered_after)
    return min(looks, default=None)


def _escalated(step: StepRun, snapshot: Snapshot, statement: Statement, rule: Approval, new: list[str]) -> Change:
    if not rule.then or rule.then not in new:
        return Change()
    waited = snapshot.now - statement.drafted_at
    why = f"{rule.by} has not answered within {spoken(rule.within)}"
    if waited < rule.within:
        why = f"nobody who holds {rule.by} can be reached"
    text = f"Approval of {statement.message} goes on to {rule.then}: {why}"
    return Change(entries=(statements.entry(snapshot, statement, "ApprovalEscalated", text, snapshot.now),))


def _unreachable(step: StepRun, snapshot: Snapshot, roles: list[str]) -> Change:
    """Tell the duty manager when there is nobody to ask at all."""
    if any(approvals.reachable(snapshot, role) for role in roles):
        return Change()
    text = f"{step.name} waits for approval, but nobody who holds {' or '.join(roles)} can be reached: see to it"
    return room.alarm(snapshot, f"unasked/{step.name}", "ApproverMissing", text, step.name)


def _unanswered(
    step: StepRun, snapshot: Snapshot, statement: Statement, rule: Approval, entries: tuple[Entry, ...]
) -> Outcome:
    after = spoken(rule.unanswered_after or rule.within)
    if rule.publish == "hold":
        text = f"{statement.message} is held back: nobody approved it within {after}; approve or reject it now"
        alarm = room.alarm(snapshot, f"unanswered/{step.name}", "ApprovalUnanswered", text, step.name)
        waiting_for = f"approval by {' or '.join(statement.asked) or rule.by}"
        return Wait(None, waiting_for, effects=alarm.effects, entries=entries + alarm.entries)
    texts = tuple(text.model_copy(update={"text": text.preapproved, "more": ()}) for text in statement.texts)
    chosen = {"texts": texts, "status": StatementStatus.APPROVED, "approved_at": snapshot.now}
    said = f"Nobody approved {statement.message} within {after}: the pre-approved text goes out"
    entry = statements.entry(snapshot, statement, "ApprovalUnanswered", said, snapshot.now)
    statement = statement.model_copy(update={**chosen, "approved_by": "preapproved"})
    return _send(step, snapshot, statement, (*entries, entry))


def _send(step: StepRun, snapshot: Snapshot, statement: Statement, entries: tuple[Entry, ...] = ()) -> Outcome:
    who = statements.name_of(snapshot, statement.approved_by)
    outcome = (
        "nobody answered in time; the pre-approved text goes out" if who == "preapproved" else f"approved by {who}"
    )
    posts = posting.posts(snapshot, statement, step.params.title, components(snapshot))
    effects = posts + approvals.settle(snapshot, statement, outcome)
    return Wait(None, "delivery", records=(statement,), effects=effects, entries=entries)


def _deliver(step: StepRun, snapshot: Snapshot, statement: Statement) -> Outcome:
    """Send what was approved; end once each post is settled, or is in trouble while another one is out.

    The outbox goes on trying for a day; updates must not wait for that.
    """
    there = {effect.key: effect for effect in snapshot.effects}
    wanted = [effect.key for effect in posting.posts(snapshot, statement)]
    if any(key not in there for key in wanted):
        return _send(step, snapshot, statement)
    made = [there[key] for key in wanted]
    out = [effect for effect in made if effect.state is EffectState.SENT]
    open_ = [effect for effect in made if not effect.state.settled]
    if any(not in_trouble(effect, snapshot.effect) for effect in open_) or (open_ and not out):
        return Wait(None, "delivery")
    if not out:
        return Fail(f"{statement.ref} ({statement.message}) reached no channel: {_failures(made)}")
    return _live(step, snapshot, statement, out, [effect for effect in made if effect not in out])


def _live(step: StepRun, snapshot: Snapshot, statement: Statement, out: list[Effect], failed: list[Effect]) -> Outcome:
    live_at = min(effect.sent_at or snapshot.now for effect in out)
    after = live_at - snapshot.incident.declared_at
    channels = _names(out)
    text = f"{statement.ref} ({statement.message}) is live on {_and(channels)}, {spoken(after)} after the declaration"
    if step.state.due_at and step.spec.due_within:
        kept = "in time" if live_at <= step.state.due_at else "too late"
        text += f", {kept}: due within {spoken(step.spec.due_within)}"
    if failed:
        text += f"; not on {_failures(failed)}"
    entry = statements.entry(
        snapshot,
        statement,
        "StatementPublished",
        text,
        snapshot.now,
        approved_by=statement.approved_by,
        channels=channels,
        failed=_names(failed),
        seconds=round(after.total_seconds()),
        live_at=live_at.isoformat(),
    )
    live = statement.model_copy(update={"status": StatementStatus.LIVE, "live_at": live_at})
    corrected = tuple(
        one.model_copy(update={"status": StatementStatus.CORRECTED})
        for one in snapshot.statements
        if one.key == statement.corrects and one.status is StatementStatus.LIVE
    )
    return Done(records=(live, *corrected), entries=(entry,))


def _rejected(snapshot: Snapshot, statement: Statement) -> Outcome:
    why = statement.rejected_because
    text = f"{statement.ref} ({statement.message}) was rejected and nothing was published: {why}"
    alarm = room.alarm(snapshot, f"rejected/{statement.step}", "StatementWithheld", text, statement.step)
    effects = alarm.effects + approvals.settle(snapshot, statement, f"rejected: {why}")
    return Skip(f"rejected: {why}", effects=effects, entries=alarm.entries)


def _withdrawn(snapshot: Snapshot, statement: Statement) -> Outcome:
    why = statement.withdrawn_because
    effects = approvals.settle(snapshot, statement, f"withdrawn: {why}")
    return Skip(f"withdrawn: {why}", effects=effects)


def _names(effects: list[Effect]) -> list[str]:
    return list(dict.fromkeys(effect.channel for effect in effects))


def _failures(effects: list[Effect]) -> str:
    def one(effect: Effect) -> str:
        post = public.post_of(effect)
        language = post.language if post else ""
        how = effect.error or str(effect.state)
        still = " (it goes on trying)" if not effect.state.settled else ""
        return f"{effect.channel} ({language}): {how}{still}"

    return "; ".join(map(one, effects))


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


# ---------------------------------------------------------------- before it runs


def check(step: Step, params: Any, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find messages and channels that there are not, promises that can't be kept, texts that fail or don't fit."""
    return proofread(step, params, playbook, house)


def preview(step: Step, params: Any, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say where and in which languages, and whose approval it needs; the texts are shown by `engine.dry_run`."""
    lines = [f"publish {params.message} on {_and(list(params.channels))} in {_and(list(params.languages))}"]
    rule = step.approval
    if rule is None:
        return [*lines, "no approval asked for"]
    asked = f"{rule.by} approves within {spoken(rule.within)}"
    lines.append(asked + (f", then {rule.then} is asked" if rule.then else ""))
    if rule.unanswered_after:
        what = (
            "the pre-approved text goes out" if rule.publish == "preapproved" else "it is held and an alarm is raised"
        )
        lines.append(f"unanswered after {spoken(rule.unanswered_after)}: {what}")
    return lines

"""Open the crisis queue, then watch its promises until the incident closes. What a conversation is: `engine.triage`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field, model_validator

from engine.duration import Duration, spoken
from engine.effects import Effect, Text
from engine.house import House
from engine.playbook import Playbook, Step
from engine.record import Value
from engine.snapshot import Snapshot, StepRun
from engine.steps import Outcome, Wait
from engine.timeline import Entry
from engine.triage import Queue
from engine.wording import context

NEEDS: frozenset[str] = frozenset()

LOOK_EVERY = timedelta(minutes=15)
"""Look at least so often: an import may bring conversations whose promise is nearly over."""


class Params(Value):
    """Open the queue for customers' conversations and warn before a promise breaks."""

    answer_within: Duration = Field(gt=timedelta(0), description="Every customer has an answer so long after writing.")
    solve_within: Duration = Field(
        gt=timedelta(0), description="Every case is solved so long after the customer wrote."
    )
    warn_before: Duration = Field(
        default=timedelta(minutes=10),
        gt=timedelta(0),
        description="Warn the room at least so long before a promise breaks, and at most so often.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Params":
        if self.solve_within < self.answer_within:
            raise ValueError(
                "solve_within is shorter than answer_within; a solution takes at least as long as an answer"
            )
        if self.warn_before >= self.answer_within:
            raise ValueError("warn_before is not shorter than answer_within; every conversation would be warned about")
        return self


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Open the queue the first time; later warn of what is about to break, and say when to look again."""
    params: Params = step.params
    if snapshot.queue is None:
        return _open(step, snapshot, params)
    queue, figures = snapshot.queue, snapshot.queue_figures
    memo = step.state.memo
    told_late = int(memo.get("late", 0))
    late = figures.late_answers + figures.late_solutions
    due = figures.next_unwarned_at is not None and figures.next_unwarned_at - params.warn_before <= snapshot.now
    pause_until = datetime.fromisoformat(memo["pause_until"]) if "pause_until" in memo else snapshot.now
    if not (due or late > told_late):
        look_at = _look_at(snapshot, params, figures.next_unwarned_at, pause_until)
        return Wait(look_at, "promises", memo={**memo, "late": min(told_late, late)})
    if snapshot.now < pause_until:
        return Wait(pause_until, "promises")
    return _warn(step, snapshot, params, queue, late)


def check(step: Step, params: Any, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find what would never end or never start: the step runs until the incident closes."""
    findings: list[tuple[tuple[Any, ...], str]] = []
    if step.every:
        findings.append((("every",), "a queue is opened once and watched until the end; leave `every` out"))
    if step.due_within:
        findings.append(
            (("due_within",), "the queue is watched until the end, so this would always be late; leave it out")
        )
    waiting = [other.key for other in playbook.steps if step.key in other.after]
    if waiting:
        what = f"{', '.join(waiting)} would never start `after: [{step.key}]`, which runs until the incident closes"
        findings.append(((), f'{what}; let it follow an earlier step, or use `when: "queue.open > 0"`'))
    queues = [other.key for other in playbook.steps if other.action == step.action]
    if step.key not in queues:
        findings.append((("action",), "the queue closes with the incident; move open_queue to `steps`"))
    elif step.key != queues[0]:
        findings.append((("action",), "an incident has one queue; keep the first open_queue step"))
    return findings


def preview(step: Step, params: Any, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say what it promises."""
    return [
        f"opens the queue: {_promise(params)}",
        f"warns in the incident's room {spoken(params.warn_before)} or more before a promise breaks",
    ]


def _promise(params: Params) -> str:
    return f"an answer within {spoken(params.answer_within)}, a solution within {spoken(params.solve_within)}"


def _open(step: StepRun, snapshot: Snapshot, params: Params) -> Outcome:
    queue = Queue(
        incident=snapshot.incident.number,
        opened_at=snapshot.now,
        answer_within_s=int(params.answer_within.total_seconds()),
        solve_within_s=int(params.solve_within.total_seconds()),
        warn_before_s=int(params.warn_before.total_seconds()),
    )
    words = {
        "answer_within": spoken(params.answer_within),
        "solve_within": spoken(params.solve_within),
        "warn_before": spoken(params.warn_before),
    }
    return Wait(
        _look_at(snapshot, params, None, snapshot.now),
        "promises",
        records=(queue,),
        effects=(_text(step, snapshot, "queue_opened", "queue_opened", words),),
        entries=(_entry(step, snapshot, "QueueOpened", f"Queue opened: {_promise(params)}", "queue_opened"),),
    )


def _warn(step: StepRun, snapshot: Snapshot, params: Params, queue: Queue, late: int) -> Outcome:
    """Warn once for everything that breaks within twice `warn_before`, so that the next warning is that far away."""
    figures = snapshot.queue_figures
    until = snapshot.now + 2 * params.warn_before
    coming = figures.next_breach_at if figures.next_breach_at and figures.next_breach_at <= until else None
    words = {
        **figures.model_dump(include={"at_risk", "late_answers", "late_solutions", "open", "claimed"}),
        "next_breach_at": coming,
        "left": spoken(coming - snapshot.now) if coming else "",
        "ahead": spoken(2 * params.warn_before),
        "languages": [f"{count} {language or '?'}" for language, count in figures.waiting_by_language.items()],
    }
    name = f"queue_warning/{snapshot.now:%Y%m%dT%H%M%S}"
    parts = [
        f"promises to {figures.at_risk} end by {until:%H:%M} UTC" if coming else "",
        f"{late} are broken" if late else "",
    ]
    text = f"Promises at risk: {'; '.join(part for part in parts if part)}"
    facts = {
        "at_risk": figures.at_risk if coming else 0,
        "late_answers": figures.late_answers,
        "late_solutions": figures.late_solutions,
    }
    pause_until = snapshot.now + params.warn_before
    return Wait(
        pause_until,
        "promises",
        records=(queue.model_copy(update={"warned_until": until}),),
        effects=(_text(step, snapshot, name, "queue_warning", words),),
        entries=(_entry(step, snapshot, "PromiseAtRisk", text, name, facts),),
        memo={"late": late, "pause_until": pause_until.isoformat()},
    )


def _look_at(snapshot: Snapshot, params: Params, breach: datetime | None, not_before: datetime) -> datetime:
    """The next time to look: `warn_before` ahead of the next breach, at least every LOOK_EVERY.

    A conversation that comes in after this look breaks `answer_within` later at the earliest, unless imported late.
    """
    wakes = [snapshot.now + LOOK_EVERY]
    if breach:
        wakes.append(breach - params.warn_before)
    wakes.append(snapshot.now + params.answer_within - params.warn_before)
    return max(min(wakes), not_before, snapshot.now + timedelta(seconds=1))


def _text(step: StepRun, snapshot: Snapshot, name: str, message: str, words: Mapping[str, object]) -> Effect:
    incident, house = snapshot.incident, snapshot.house
    return Effect(
        key=incident.key(name),
        incident=incident.number,
        step=step.name,
        channel=house.chat,
        message=Text(text=house.wording.render(message, house.chat, "en", context(snapshot, "en", **words))),
        needs=incident.key("room"),
        urgency=3,
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )


def _entry(
    step: StepRun, snapshot: Snapshot, kind: str, text: str, key: str, facts: dict[str, Any] | None = None
) -> Entry:
    return Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind=kind,
        text=text,
        step=step.name,
        facts=facts or {},
        key=key,
    )

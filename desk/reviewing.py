"""Reviewing: gathers what the store knows of an incident, and writes the report. What it says: `engine.review`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from desk.review_page import Series, markdown, page, summary_lines
from engine import triage
from engine.effects import Effect
from engine.incident import number_of
from engine.review import FlowRun, Review, review
from engine.snapshot import Snapshot
from engine.timeline import Entry
from engine.triage import Conversation, ConversationStatus, QueueFigures
from flows.crew import Crew
from state import runs, snapshots

__all__ = ["Report", "gather", "in_order", "summary_lines", "write"]


@dataclass(frozen=True)
class Report:
    """A review, and what its page shows beside it."""

    review: Review
    entries: tuple[Entry, ...]
    series: tuple[Series, ...]

    def html(self) -> str:
        return page(self.review, self.entries, self.series)

    def markdown(self) -> str:
        return markdown(self.review, self.entries)


def gather(crew: Crew, ref: str, *, prefect_ui: str = "", more: Sequence[Series] = ()) -> Report:
    """Gather the review of an incident such as `INC-12`. Raises NotAllowed.

    `prefect_ui`: where the runs can be looked at; empty when nowhere. `more`: series beside the messages by hour.
    """
    number = number_of(ref)
    seen = snapshots.with_everybody(
        crew.store, snapshots.look(crew.store, number, crew.clock.now(), crew.house).snapshot
    )
    written = crew.store.all(Conversation, incident=number)
    whole = replace(
        seen, effects=tuple(crew.store.all(Effect, incident=number)), queue_figures=_when_it_closed(seen, written)
    )
    entries = in_order(crew.store.all(Entry, incident=number))
    ran = [_run(run, prefect_ui) for run in runs.of(crew.store, number)]
    series = (*_by_hour(written), *more)
    return Report(review(whole, entries, ran), entries, series)


def write(crew: Crew, ref: str, out: str | Path, *, prefect_ui: str = "", more: Sequence[Series] = ()) -> Report:
    """Write the review to a file: HTML, or Markdown where the name ends with .md. Raises NotAllowed, OSError."""
    report, path = gather(crew, ref, prefect_ui=prefect_ui, more=more), Path(out)
    text = report.markdown() if path.suffix == ".md" else report.html()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return report


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Sort a timeline by time; what happened at one instant by key, kind and text, not by which thread was first."""
    return tuple(sorted(entries, key=lambda one: (one.at, one.kind == "EffectSent", one.key or "", one.kind, one.text)))


def _run(run: runs.Run, prefect_ui: str) -> FlowRun:
    return FlowRun(
        id=run.flow_run or run.id,
        name=f"{run.steps} steps, {run.effects} effects",
        started_at=run.started_at,
        ended_at=run.ended_at,
        state="Failed" if run.error else "Completed" if run.flow_run else "without Prefect",
        url=f"{prefect_ui.rstrip('/')}/runs/flow-run/{run.flow_run}" if prefect_ui and run.flow_run else "",
    )


def _when_it_closed(snapshot: Snapshot, written: Sequence[Conversation]) -> QueueFigures:
    """The figures of the queue at its closing: what the usual desk answered afterwards is not this response's."""
    queue = snapshot.queue
    if queue is None or queue.closed_at is None:
        return snapshot.queue_figures
    return triage.figures([_as_of(one, queue.closed_at) for one in written], queue, queue.closed_at)


def _as_of(one: Conversation, instant: datetime) -> Conversation:
    """A conversation as it stood at an instant. Who had it then is not known any more."""
    after = {"answered_at": one.answered_at, "solved_at": one.solved_at}
    undone: dict[str, object] = {name: None for name, at in after.items() if at and at > instant}
    if "answered_at" in undone:
        undone |= {"status": ConversationStatus.OPEN, "agent": "", "claimed_at": None}
    elif "solved_at" in undone:
        undone["status"] = ConversationStatus.ANSWERED
    return one.model_copy(update=undone)


def _by_hour(written: Sequence[Conversation]) -> tuple[Series, ...]:
    if not written:
        return ()
    came = Counter(_hour(one.received_at) for one in written)
    answered = Counter(_hour(one.answered_at) for one in written if one.answered_at)
    return (Series("messages", _points(came)), Series("answered", _points(answered)))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _points(counts: Counter[datetime]) -> list[tuple[datetime, float]]:
    return [(at, float(count)) for at, count in sorted(counts.items())]

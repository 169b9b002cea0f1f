"""The review of one incident: what happened, how it did against its targets, and what to change in the playbook.

How facts are measured is in `engine.review_facts`, score and findings in `engine.review_score`; the page in `desk`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from engine import review_facts as facts
from engine import review_score as judged
from engine.duration import spoken
from engine.promise import Promise, promises
from engine.record import Instant, Value
from engine.review_facts import Approved, Asked, Delivery, LateStep, Measure, Wave
from engine.review_score import Finding, Part
from engine.review_volunteers import Volunteers, volunteers
from engine.snapshot import Snapshot
from engine.staffing import Slot
from engine.steps import StepStatus
from engine.timeline import Entry
from engine.triage import QueueFigures
from engine.wording import zone_of


class FlowRun(Value):
    """One advance, as the reviewer sees it."""

    id: str
    name: str
    started_at: Instant
    ended_at: Instant | None = None
    state: str = ""
    """Prefect's word: Completed, Failed, Crashed …"""
    url: str = ""


class Review(Value):
    """The truth with times. Built by `review`; nothing in it names a customer."""

    ref: str
    title: str
    playbook: str
    severity: str
    status: str
    drill: bool
    declared_at: Instant
    closed_at: Instant | None
    until: Instant
    """The end of what is reviewed: when the incident closed, or now."""
    time_zone: str
    measures: tuple[Measure, ...]
    answer_within_s: int | None
    """What customers were promised; None without a queue."""
    figures: QueueFigures
    promises: tuple[Promise, ...]
    """By when the public was told to expect the next word, and when it came."""
    late_steps: tuple[LateStep, ...]
    steps_with_deadline: int
    deliveries: tuple[Delivery, ...]
    approvals: tuple[Approved, ...]
    waves: tuple[Wave, ...]
    asked: tuple[Asked, ...]
    quotas: dict[str, int]
    """Step of a call-out that is over → how many were wanted."""
    expected_answer_rate: float
    staffing: tuple[Slot, ...]
    """All languages together."""
    peak_shortfall: int
    volunteers: Volunteers = Volunteers()
    ran_without_prefect: int
    runs: tuple[FlowRun, ...]
    parts: tuple[Part, ...] = ()
    score: int | None = None
    """0 to 100; None when there was no occasion for any of its parts."""
    findings: tuple[Finding, ...] = ()

    @property
    def kept(self) -> int:
        return self.figures.kept

    @property
    def broken(self) -> int:
        return self.figures.broken

    @property
    def due_promises(self) -> tuple[Promise, ...]:
        """Promises to the public that were kept or broken; the others are still open."""
        return tuple(one for one in self.promises if one.kept is not None)

    @property
    def share_kept(self) -> float | None:
        """Of the promises to the public that were due, how many were kept; None while none was."""
        due = self.due_promises
        return sum(bool(one.kept) for one in due) / len(due) if due else None

    @property
    def unanswered(self) -> int:
        return sum(self.figures.waiting_by_language.values())

    @property
    def lasted(self) -> timedelta:
        return self.until - self.declared_at


def review(snapshot: Snapshot, entries: Sequence[Entry], runs: Sequence[FlowRun] = ()) -> Review:
    """Review an incident, closed or still going on.

    The snapshot must hold all effects of the incident, not only those that still matter to the plan, and the
    queue's figures as they were when it closed.
    """
    incident = snapshot.incident
    closed = facts.closed_at(snapshot, entries)
    until = closed or snapshot.now
    told = Review(
        ref=incident.ref,
        title=incident.title,
        playbook=incident.playbook,
        severity=incident.severity.value,
        status=incident.status.value,
        drill=incident.drill,
        declared_at=incident.declared_at,
        closed_at=closed,
        until=until,
        time_zone=zone_of(incident.facts, snapshot.house.station_zones, snapshot.house.time_zone),
        measures=facts.measures(snapshot, until),
        answer_within_s=snapshot.queue.answer_within_s if snapshot.queue else None,
        figures=snapshot.queue_figures,
        promises=promises(snapshot.statements, snapshot.now),
        late_steps=facts.late_steps(snapshot, until),
        steps_with_deadline=_with_deadline(snapshot, until),
        deliveries=facts.deliveries(snapshot.effects),
        approvals=facts.approvals(snapshot, until),
        waves=facts.waves(snapshot),
        asked=tuple(
            Asked(asked_at=i.asked_at, answered_at=i.answered_at, answer=i.answer)
            for i in sorted(snapshot.invitations, key=lambda i: (i.asked_at, i.key))
        ),
        quotas=_quotas(snapshot, closed),
        expected_answer_rate=snapshot.house.answer_rate.get(snapshot.house.chat, 0.25),
        staffing=snapshot.staffing.together if snapshot.staffing else (),
        peak_shortfall=snapshot.staffing.shortfall if snapshot.staffing else 0,
        volunteers=volunteers(snapshot, until),
        ran_without_prefect=sum(entry.kind == "RanWithoutPrefect" for entry in entries),
        runs=tuple(sorted(runs, key=lambda run: run.started_at)),
    )
    parts = judged.parts(told)
    return told.model_copy(update={"parts": parts, "score": judged.score(parts), "findings": judged.findings(told)})


def _quotas(snapshot: Snapshot, closed: datetime | None) -> dict[str, int]:
    """Step → how many were wanted in all its slots that are over."""
    wanted: Counter[str] = Counter()
    for one in snapshot.callouts:
        if closed or one.closed_at:
            wanted[one.step] += one.quota
    return dict(wanted)


def _with_deadline(snapshot: Snapshot, until: datetime) -> int:
    """Steps that ended, or whose deadline came, while the incident went on."""
    stopped = (StepStatus.CANCELLED, StepStatus.SKIPPED)
    reached = [s.due_at <= until or s.status not in stopped for s in snapshot.steps if s.due_at]
    return sum(reached) + sum(due_at <= until for _, due_at in facts.never_begun(snapshot))


def summary_lines(review: Review) -> list[str]:
    """The review in a few lines, for a terminal."""
    state = "closed" if review.closed_at else "still going on"
    mark = "DRILL · " if review.drill else ""
    score = "no score yet" if review.score is None else f"score {review.score} of 100"
    lines = [f"{mark}{review.ref} {review.title}: {state} after {spoken(review.lasted)}, {score}"]
    for part in review.parts:
        points = "  –" if part.share is None else f"{round(part.weight * part.share):3}"
        lines.append(f"  {points} of {part.weight:2}  {part.name}: {part.because}")
    if review.volunteers.ended:
        lines.append(f"  {_volunteers(review.volunteers)}")
    lines += [f"  ! {finding.what} → {finding.change}" for finding in review.findings]
    return lines


def _volunteers(told: Volunteers) -> str:
    rating = f", prepared {told.rating:.1f} of 5" if told.rating is not None else ""
    return f"{told.worked} called in worked {told.hours:g} h; {told.answered} of {told.ended} said how it was{rating}"


def markdown(review: Review, entries: Sequence[Entry]) -> str:
    """The review as Markdown: what a flow run leaves behind to read."""
    lines = [f"# {'DRILL: ' if review.drill else ''}{review.ref} {_plain(review.title)}", ""]
    score = "no score yet" if review.score is None else f"**{review.score} of 100**"
    lines += [f"{review.severity}, {review.status}, {spoken(review.lasted)}. Score: {score}", ""]
    lines += _table(
        ("part", "of", "points", "because"),
        [
            (part.name, part.weight, "–" if part.share is None else round(part.weight * part.share), part.because)
            for part in review.parts
        ],
    )
    if review.findings:
        lines += ["## What to change", ""]
        lines += [f"- {_plain(finding.what)} **{_plain(finding.change)}**" for finding in review.findings] + [""]
    lines += ["## Times", ""]
    lines += _table(
        ("what", "target", "took"),
        [(measure.name, spoken(timedelta(seconds=measure.target_s)), took(measure)) for measure in review.measures],
    )
    if review.promises:
        lines += ["## Promises", ""]
        rows = [(one.statement, f"{one.due:%Y-%m-%d %H:%M}", came(one), outcome(one)) for one in review.promises]
        lines += _table(("in", "next word by, UTC", "came, UTC", "kept"), rows)
    if review.volunteers.ended:
        lines += ["## What volunteers said", "", f"{_volunteers(review.volunteers)}.", ""]
        lines += [f"- {_plain(remark)}" for remark in review.volunteers.remarks]
        lines += [""] if review.volunteers.remarks else []
    lines += ["## Timeline", ""]
    ordered = sorted(entries, key=lambda entry: entry.at)
    lines += _table(("UTC", "what", "who"), [(f"{e.at:%Y-%m-%d %H:%M:%S}", e.text, e.actor) for e in ordered])
    return "\n".join(lines)


def took(measure: Measure) -> str:
    """Say how long it took, in words."""
    if measure.took_s is None:
        return "not yet" if measure.pending else "never"
    return spoken(timedelta(seconds=measure.took_s))


def came(promise: Promise) -> str:
    """Say when the promised word came, and in which statement."""
    return f"{promise.kept_at:%Y-%m-%d %H:%M}, {promise.kept_by}" if promise.kept_at else "–"


def outcome(promise: Promise) -> str:
    """Say in words whether a promise was kept, and by how much not."""
    if promise.kept is None:
        return "still open"
    if promise.kept or promise.late_by is None:
        return "kept"
    late = spoken(promise.late_by)
    return f"broken: {late} late" if promise.kept_at else f"broken: {late} late, and nothing came"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_plain(str(cell)) for cell in row) + " |" for row in cells] + [""]


def _plain(text: str) -> str:
    """A text that Markdown and HTML leave alone."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    return "".join(f"\\{char}" if char in "\\|`*_[]" else char for char in safe)

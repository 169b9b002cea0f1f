"""What follows from the facts of a review: the score with its parts, and what to change in the playbook.

The weights and the rules are explained in docs/review.md.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from engine.duration import spoken
from engine.record import Value
from engine.review_facts import Measure, Wave

if TYPE_CHECKING:
    from engine.review import Review

WEIGHTS = {
    "First word": 30,
    "Promises to customers": 25,
    "Updates as promised": 15,
    "People in place": 15,
    "Deliveries": 10,
    "Deadlines": 5,
}
"""Points of 100. A part for which there was no occasion is left out, and the others are scaled up to 100."""


class Part(Value):
    """One part of the score."""

    name: str
    weight: int
    share: float | None
    """Of the weight that was earned, 0 to 1; None: there was no occasion."""
    because: str


class Finding(Value):
    """One thing to change, derived from what happened."""

    what: str
    """What happened, with the figures."""
    change: str
    """What to change, and where."""
    step: str = ""
    """Key of the playbook's step that it is about; empty: not one step."""
    weight: Literal[1, 2, 3] = 2
    """1 is read first: customers or the public were affected."""


def _minutes(seconds: float) -> str:
    return spoken(timedelta(seconds=seconds))


# ---------------------------------------------------------------- score


def parts(review: "Review") -> tuple[Part, ...]:
    """The parts of the score, in the order of WEIGHTS."""
    found = [_first_word(review), _promises(review), _updates(review), _people(review), _delivered(review)]
    found.append(_deadlines(review))
    return tuple(
        Part(name=name, weight=weight, share=share, because=because)
        for (name, weight), (share, because) in zip(WEIGHTS.items(), found, strict=True)
    )


def score(found: Sequence[Part]) -> int | None:
    """0 to 100 over the parts for which there was an occasion; None when there was none."""
    weight = sum(part.weight for part in found if part.share is not None)
    earned = sum(part.weight * part.share for part in found if part.share is not None)
    return round(100 * earned / weight) if weight else None


def earned(measure: Measure) -> float:
    """All within the target, nothing from twice the target on or when it never happened, in between linearly."""
    if measure.took_s is None:
        return 0.0
    return max(0.0, min(1.0, 2 - measure.took_s / measure.target_s))


def _of(measures: Sequence[Measure], kind: str) -> tuple[float | None, str]:
    those = [m for m in measures if m.kind == kind and not m.pending]
    if not those:
        return None, "no occasion so far"
    kept = sum(measure.kept for measure in those)
    return sum(map(earned, those)) / len(those), f"{kept} of {len(those)} within the target"


def _first_word(review: "Review") -> tuple[float | None, str]:
    share, because = _of(review.measures, "first_word")
    return share, because if share is None else because.replace("within", "channels within")


def _people(review: "Review") -> tuple[float | None, str]:
    return _of(review.measures, "people")


def _promises(review: "Review") -> tuple[float | None, str]:
    total = review.kept + review.broken
    if not total:
        return None, "no customer's promise was due"
    return review.kept / total, f"{review.kept:,} of {total:,} customers answered in time"


def _updates(review: "Review") -> tuple[float | None, str]:
    due = review.due_promises
    if not due:
        return None, "no update was due"
    worth = [1.0 if one.kept else 0.5 if one.kept_at else 0.0 for one in due]
    return sum(worth) / len(due), f"{worth.count(1.0)} of {len(due)} given in time"


def _delivered(review: "Review") -> tuple[float | None, str]:
    sent = sum(one.sent for one in review.deliveries)
    lost = sum(one.failed + one.unknown for one in review.deliveries)
    if not sent + lost:
        return None, "nothing was sent"
    return sent / (sent + lost), f"{sent:,} of {sent + lost:,} arrived"


def _deadlines(review: "Review") -> tuple[float | None, str]:
    total = review.steps_with_deadline
    if not total:
        return None, "no step with a deadline was due"
    late = min(len(review.late_steps), total)
    return 1 - late / total, f"{total - late} of {total} steps in time"


# ---------------------------------------------------------------- findings


def findings(review: "Review") -> tuple[Finding, ...]:
    """What to change in the playbook, the most important first."""
    found = [
        *_approvals_finding(review),
        *_channels_finding(review),
        *_customers_finding(review),
        *_updates_finding(review),
        *_callout_finding(review),
        *_volunteers_finding(review),
        *_deliveries_finding(review),
        *_late_finding(review),
        *_runs_finding(review),
    ]
    return tuple(sorted(found, key=lambda finding: finding.weight))


def _key(step: str) -> str:
    return step.split("#")[0]


def _approvals_finding(review: "Review") -> Iterator[Finding]:
    for one in review.approvals:
        asked, waited = " and ".join(one.asked) or "nobody", _minutes(one.waited_s or 0)
        name = f"{one.statement} ({one.message})"
        if one.how == "preapproved":
            what = f"{name}: asked {asked}, nobody answered in {waited}; the pre-approved text went out."
            change = (
                "Name a deputy who is on duty at this hour in `then:`, or raise `within` if they were on their way."
            )
            yield Finding(what=what, change=change, step=_key(one.step), weight=1)
        elif one.how == "waiting":
            what = f"{name} has waited {waited} for {asked} and is not published."
            change = (
                "Set `unanswered_after` and `publish: preapproved`, so that silence does not keep the public waiting."
            )
            yield Finding(what=what, change=change, step=_key(one.step), weight=1)
        elif one.how == "person" and len(one.asked) > 1:
            what = f"{name}: {one.asked[0]} did not answer, {one.by} approved after {waited}."
            change = f"Shorten `within`, or give the role {one.asked[0]} to somebody who is on duty at this hour."
            yield Finding(what=what, change=change, step=_key(one.step))
        elif one.how == "rejected":
            what = f"{name} was rejected."
            yield Finding(what=what, change=f"Correct the template `{one.message}`.", step=_key(one.step))


def _channels_finding(review: "Review") -> Iterator[Finding]:
    slow_approval = max((one.waited_s or 0 for one in review.approvals[:1]), default=0)
    for measure in review.measures:
        if measure.kind != "first_word" or measure.kept or measure.pending:
            continue
        target = _minutes(measure.target_s)
        if measure.took_s is None:
            what = f"{measure.name} never carried the first statement (target {target})."
            change = f"Run `irrops doctor` for {measure.name}, or take it out of `channels`."
        else:
            what = f"{measure.name} carried the first statement after {_minutes(measure.took_s)} (target {target})."
            waits = slow_approval > measure.took_s / 2
            change = (
                f"Shorten `within` and `unanswered_after`: {_minutes(slow_approval)} went by waiting for approval."
                if waits
                else f"The text was ready in time: see why {measure.name} took it late (deliveries, below)."
            )
        yield Finding(what=what, change=change, weight=1)


def _customers_finding(review: "Review") -> Iterator[Finding]:
    total = review.kept + review.broken
    if total and review.broken / total > 0.1:
        what = f"{review.broken:,} of {total:,} customers waited longer than promised."
        if review.peak_shortfall:
            change = f"At the peak {review.peak_shortfall} agents were missing: call out earlier or a larger quota."
        else:
            change = "By the plan there were agents enough: raise `surge`, or promise a longer `answer_within`."
        yield Finding(what=what, change=change, weight=1)
    if review.closed_at and review.unanswered:
        what = f"{review.unanswered:,} customers were not answered when the incident closed."
        yield Finding(what=what, change="Resolve only when the queue is empty, or hand it to the usual desk.", weight=1)


def _updates_finding(review: "Review") -> Iterator[Finding]:
    missed = [one for one in review.promises if one.kept is False]
    if missed:
        worst = max(one.late_by for one in missed if one.late_by)
        what = f"{len(missed)} of {len(review.promises)} promised updates came late or not at all, by up to "
        what += f"{spoken(worst)}."
        change = "Repeat the update step (`every`) more often than the text promises, leaving time for approval."
        yield Finding(what=what, change=change, weight=1)


def _callout_finding(review: "Review") -> Iterator[Finding]:
    for step in dict.fromkeys(wave.step for wave in review.waves):
        those = [wave for wave in review.waves if wave.step == step]
        yield from _waves_finding(review, step, those)


def _waves_finding(review: "Review", step: str, those: list[Wave]) -> Iterator[Finding]:
    asked, silent = sum(w.asked for w in those), sum(w.silent for w in those)
    yes, waiting = sum(w.yes for w in those), sum(w.waiting_list for w in those)
    key, rate = _key(step), (asked - silent) / asked
    quota = review.quotas.get(step, 0)
    if yes - waiting < quota:
        others = f"of {asked} asked {silent} were silent, {asked - silent - yes} could not"
        what = f"{yes - waiting} of {quota} volunteers came; {others}."
        change = (
            "Ask more departments or skills, or raise `at_most`: everybody who could be asked was, or time ran out."
        )
        yield Finding(what=what, change=change, step=key)
    if abs(rate - review.expected_answer_rate) > 0.15 and asked >= 20:
        what = f"{rate:.0%} answered the call-out; the waves were sized for {review.expected_answer_rate:.0%}."
        change = "irrops has learned from it and sizes the next waves accordingly; look whether the lanes reach people."
        yield Finding(what=what, change=change, step=key, weight=3)
    if quota and waiting > quota / 4:
        what = f"{waiting} people said yes when there were enough."
        yield Finding(
            what=what, change="Make the waves smaller, so that fewer are woken for nothing.", step=key, weight=3
        )


def _volunteers_finding(review: "Review") -> Iterator[Finding]:
    told = review.volunteers
    count = sum(told.ratings.values())
    if told.rating is not None and told.rating < 3 and count >= 3:
        what = f"{count} people called in found themselves prepared {told.rating:.1f} of 5."
        yield Finding(what=what, change="Rewrite the playbook's `briefing`; what they said stands below.")
    if told.ended >= 3 and told.handed_over * 2 < told.ended:
        what = f"{told.ended - told.handed_over} of {told.ended} went home without handing over."
        change = "Say in the `briefing` under `hand_over` what to leave, and have the buddies ask for it."
        yield Finding(what=what, change=change)


def _deliveries_finding(review: "Review") -> Iterator[Finding]:
    never = {measure.name for measure in review.measures if measure.took_s is None}
    for one in review.deliveries:
        total = one.sent + one.failed + one.unknown
        if one.channel in never and not one.sent:
            continue  # said already
        if one.failed or one.unknown:
            unknown = f", and of {one.unknown} nobody knows" if one.unknown else ""
            what = f"{one.channel}: {one.failed} of {total} deliveries failed{unknown}."
            change = f"Run `irrops doctor`; if {one.channel} was down, add a second channel for the same readers."
            yield Finding(what=what, change=change)
        elif one.retried > max(3, total / 10):
            what = f"{one.channel}: {one.retried} of {total} deliveries needed more than one attempt."
            yield Finding(what=what, change="Look at its rate limit and at the network on that day.", weight=3)


def _late_finding(review: "Review") -> Iterator[Finding]:
    for late in review.late_steps:
        end = late.ended_at or review.until
        what = f"{late.step} ended {_minutes((end - late.due_at).total_seconds())} after its deadline."
        if late.ended_at is None:
            what = f"{late.step} had not ended by its deadline at {late.due_at:%H:%M} UTC, nor since."
        yield Finding(
            what=what,
            change="See what it waited for; mend that, or set a `due_within` that can be met.",
            step=_key(late.step),
        )


def _runs_finding(review: "Review") -> Iterator[Finding]:
    if review.ran_without_prefect:
        what = f"In {review.ran_without_prefect} hours some advances ran without Prefect."
        yield Finding(what=what, change="Nothing was lost; see why its API did not answer (`irrops doctor`).", weight=3)
    failed = [run.name for run in review.runs if run.state.lower() in ("failed", "crashed")]
    if failed:
        what = f"{len(failed)} of {len(review.runs)} flow runs failed or crashed."
        yield Finding(
            what=what, change="Open them in Prefect; what they left undone was done by the next advance.", weight=3
        )

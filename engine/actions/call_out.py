"""The step type `call_out`: ask volunteers in waves until enough have said yes.

How a call-out goes on from wave to wave is in `engine.calling`, what an answer does in `engine.answering`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from engine.calling import USUAL_RATE, Course, Terms
from engine.callout import CallOut
from engine.choice import Cap
from engine.duration import Duration, spoken
from engine.house import House
from engine.languages import name
from engine.playbook import Playbook, Step
from engine.record import Value
from engine.snapshot import Snapshot, StepRun
from engine.steps import Fail, Outcome, Skip
from engine.waves import size

NEEDS = frozenset({"people"})
MOST = 500
"""People in one call-out at most."""
ROUND = timedelta(minutes=5)
"""Hours that people are called for begin at a round time."""
MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Params(Value):
    """Ask people of other departments to help, by direct message with buttons, in waves, until there are enough."""

    quota: Annotated[int, Field(strict=True, ge=1, le=MOST)] | Literal["from_staffing"] = Field(
        default="from_staffing", description="How many are wanted: 1 to 500, or what `raise_staffing` found missing."
    )
    skills: tuple[Word, ...] = Field(default=(), description="One of these is needed; none named: any.")
    languages: dict[Language, Annotated[int, Field(ge=1, le=MOST)]] = Field(
        default={}, description="Of the quota, how many at least must speak a language: {es: 3}."
    )
    departments: dict[Word, Cap] = Field(
        default={}, description="How many of a department at most: {operations_control: {at_most: 10%}}."
    )
    respond_within: Duration = Field(
        default=timedelta(minutes=15), ge=timedelta(minutes=1), description="How long a wave has before the next."
    )
    starts_in: Duration = Field(default=timedelta(hours=1), description="When the work begins, from the first wave.")
    lasts: Duration = Field(
        default=timedelta(hours=4),
        ge=timedelta(minutes=30),
        le=timedelta(hours=12),
        description="How long the work lasts, at most 12h.",
    )
    waves: int = Field(default=4, ge=1, le=20, description="How many waves at most.")
    where: str = Field(default="", max_length=200, description="Where to be: a room, an address, a link.")
    briefing: str = Field(default="", max_length=2000, description="What to know; else the playbook's `briefing`.")


# ---------------------------------------------------------------- running


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Open the call-out and ask the first wave; later close it when full, ask the next wave, or say what is short.

    Run again at the same instant with what it led to, it wants nothing more.
    """
    callout = snapshot.callout(step.state)
    if callout is None:
        opened = _open(step, snapshot)
        if isinstance(opened, Outcome):
            return opened
        callout = opened
    params: Params = step.params
    terms = Terms(caps=params.departments, respond_within=params.respond_within, waves=params.waves)
    return Course(snapshot, callout, terms).outcome()


def _open(step: StepRun, snapshot: Snapshot) -> CallOut | Outcome:
    params: Params = step.params
    languages = dict(params.languages)
    if isinstance(params.quota, int):
        quota = params.quota
    else:
        plan = snapshot.staffing
        if plan is None:
            return Fail("there is no staffing plan to take the quota from; give the step a quota as a number")
        if plan.shortfall <= 0:
            return Skip("the staffing plan has no shortfall")
        quota = min(plan.shortfall, MOST)
        languages = {name: n for name, n in plan.shortfall_by_language.items() if name != "*" and n > 0} | languages
    starts_at = snapshot.now + params.starts_in
    starts_at += (MIDNIGHT - starts_at) % ROUND
    return CallOut(
        key=snapshot.incident.key(step.name),
        incident=snapshot.incident.number,
        step=step.name,
        quota=quota,
        skills=params.skills,
        languages=within(languages, quota),
        starts_at=starts_at,
        ends_at=starts_at + params.lasts,
        where=params.where,
    )


def within(languages: Mapping[str, int], quota: int) -> dict[str, int]:
    """Lower the languages' minima, the largest first, until they fit into the quota.

    A plan's shortfalls by language are each from its own worst half hour and may add up to more than the whole.
    """
    fitting = dict(languages)
    while sum(fitting.values()) > quota:
        largest = max(fitting, key=lambda name: (fitting[name], name))
        fitting[largest] -= 1
    return {name: count for name, count in fitting.items() if count}


# ---------------------------------------------------------------- checking and previewing


def check(step: Step, params: Params, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find a quota without a plan before it, minima above the quota, work longer than a shift may be."""
    found: list[tuple[tuple[Any, ...], str]] = []
    if params.quota == "from_staffing" and not _staffing_before(step, playbook):
        text = "`from_staffing` needs a raise_staffing step before this one; name it under `after:`, or write a number"
        found.append((("with", "quota"), text))
    if isinstance(params.quota, int) and sum(params.languages.values()) > params.quota:
        text = f"the languages add up to {sum(params.languages.values())}, more than the quota of {params.quota}"
        found.append((("with", "languages"), f"{text}; raise the quota or lower them"))
    if params.lasts > house.rest.longest_shift:
        longest = spoken(house.rest.longest_shift)
        found.append((("with", "lasts"), f"nobody may work longer than {longest} at a stretch; write at most that"))
    if house.chat not in house.channels:
        found.append((("action",), f"people are asked on {house.chat}, which is not among the channels; set it up"))
    return found


def _staffing_before(step: Step, playbook: Playbook) -> bool:
    steps = {one.key: one for one in playbook.steps}
    return any(steps[key].action == "raise_staffing" for key in _earlier(step, steps))


def _earlier(step: Step, steps: Mapping[str, Step]) -> Iterator[str]:
    """Keys of the steps that surely ended before this one starts. Ends on cycles too."""
    seen: set[str] = set()
    ahead = list(step.after)
    while ahead:
        key = ahead.pop()
        if key in steps and key not in seen:
            seen.add(key)
            yield key
            ahead.extend(steps[key].after)


def preview(step: Step, params: Params, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say whom the step would ask, how many at once, and for which hours."""
    share = house.answer_rate.get(house.chat, USUAL_RATE)
    begins = f"from {spoken(params.starts_in)} after the first wave, for {spoken(params.lasts)}"
    if params.quota == "from_staffing":
        lines = [f"calls in as many people as the staffing plan lacks, {begins}"]
        count = "as many as are likely to yield enough"
    else:
        lines = [f"calls in {params.quota} people, {begins}"]
        count = f"{size(params.quota, share)} people"
    lines.append(f"asks on {house.chat} in at most {params.waves} waves, each with {spoken(params.respond_within)}")
    lines.append(f"first wave: {count} ({share:.0%} usually answer)")
    lines += [f"who have one of: {', '.join(params.skills)}"] if params.skills else []
    lines += [f"at least {count} who speak {name(code)}" for code, count in params.languages.items()]
    lines += [f"at most {cap.at_most} of {name}" for name, cap in params.departments.items()]
    return lines

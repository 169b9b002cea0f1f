"""The step type `call_out`: ask volunteers in waves until enough have said yes.

How a call-out goes on from wave to wave is in `engine.calling`, what an answer does in `engine.answering`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from engine.calling import Course, Terms
from engine.callout import CallOut
from engine.change import Change
from engine.choice import Cap, Rules
from engine.duration import Duration, spoken
from engine.folding import fold, merged
from engine.house import House
from engine.need import in_words, need_of
from engine.playbook import Playbook, Step
from engine.qualification import parts
from engine.qualification import spoken as worded
from engine.rates import belief_for
from engine.record import Value
from engine.snapshot import Snapshot, StepRun
from engine.steps import Done, Fail, Outcome, Skip, Wait
from engine.waves import size

NEEDS = frozenset({"people"})
MOST = 500
"""People in one call-out at most."""
ROUND = timedelta(minutes=5)
"""Hours that people are called for begin at a round time."""
MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Count = Annotated[int, Field(ge=1, le=MOST)]
_HOURS = re.compile(r"([01]\d:[0-5]\d|2[0-3]:[0-5]\d)-([01]\d:[0-5]\d|2[0-3]:[0-5]\d)")


def _qualification(text: str) -> str:
    parts(text)  # raises ValueError
    return text


Qualification = Annotated[str, AfterValidator(_qualification)]


class Params(Value):
    """Ask people of other departments to help, by direct message with buttons, in waves, until there are enough."""

    quota: Annotated[int, Field(strict=True, ge=1, le=MOST)] | Literal["from_staffing"] = Field(
        default="from_staffing", description="How many are wanted: 1 to 500, or what `raise_staffing` found missing."
    )
    skills: tuple[Qualification, ...] = Field(
        default=(), description="One of these is needed, with its level where one is named: `rebooking:2`; none: any."
    )
    languages: dict[Language, Count] = Field(
        default={}, description="Of the quota, how many at least must speak a language: {es: 3}."
    )
    at_least: dict[Qualification, Count] = Field(
        default={}, description="The same for skills, levels and both together: {rebooking:2: 4, ticketing+fr: 1}."
    )
    departments: dict[Word, Cap] = Field(
        default={}, description="How many of a department at most: {operations_control: {at_most: 10%}}."
    )
    first: tuple[Word, ...] = Field(
        default=(), description="Departments in the order of their turn; the next when the one before is silent."
    )
    call_between: tuple[time, time] | None = Field(
        default=None, description="Nobody is called outside these hours where they live: 07:00-22:00. Default: always."
    )
    respond_within: Duration = Field(
        default=timedelta(minutes=15), ge=timedelta(minutes=1), description="How long a wave has before the next."
    )
    starts_in: Duration = Field(default=timedelta(hours=1), description="When the work begins, from the first wave.")
    lasts: Duration = Field(
        default=timedelta(hours=4),
        ge=timedelta(minutes=30),
        le=timedelta(hours=24),
        description="How long the work lasts in all, at most 24h.",
    )
    slot: Duration = Field(
        default=timedelta(hours=4),
        ge=timedelta(minutes=30),
        le=timedelta(hours=12),
        description="How long one person works; longer work is divided into equal slots, each with its own quota.",
    )
    ask_ahead: Duration = Field(
        default=timedelta(hours=6), description="How long before its beginning people are asked for a slot."
    )
    waves: int = Field(default=4, ge=1, le=20, description="How many waves at most.")
    where: str = Field(default="", max_length=200, description="Where to be: a room, an address, a link.")
    briefing: str = Field(default="", max_length=2000, description="What to know; else the playbook's `briefing`.")

    @field_validator("call_between", mode="before")
    @classmethod
    def _read_hours(cls, raw: object) -> object:
        match = _HOURS.fullmatch(raw) if isinstance(raw, str) else None
        if isinstance(raw, str) and not match:
            raise ValueError(f"{raw!r} are no hours; write them like 07:00-22:00")
        return match.groups() if match else raw

    @property
    def minima(self) -> dict[str, int]:
        """Qualification → how many at least."""
        return {**self.languages, **self.at_least}

    @property
    def terms(self) -> Terms:
        rules = Rules(caps=self.departments, first=self.first, between=self.call_between)
        return Terms(rules=rules, respond_within=self.respond_within, waves=self.waves)


# ---------------------------------------------------------------- running


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Open a call-out for each slot and ask the first wave; later close those that are full, or ask the next wave.

    Run again at the same instant with what it led to, it wants nothing more.
    """
    params = asked_for(step)
    slots = snapshot.slots(step.name) or opened(step.name, params, snapshot)
    if isinstance(slots, Outcome):
        return slots
    outcomes = []
    for callout in slots:
        if callout.closed_at is None:
            outcome = Course(snapshot, callout, params.terms).outcome()
            # each slot sees whom the ones before it have just asked
            snapshot = fold(snapshot, Change(records=outcome.records, effects=outcome.effects))
            outcomes.append(outcome)
    return _together(outcomes)


def asked_for(step: StepRun) -> Params:
    """The step's parameters, with what the duty manager asked for instead when starting it by hand."""
    params: Params = step.params
    instead = step.state.memo.get("overrides")
    return Params.model_validate({**params.model_dump(by_alias=True), **instead}) if instead else params


def _together(outcomes: list[Outcome]) -> Outcome:
    """One outcome of all slots: done when each is, else the first to be looked at again."""
    waiting = [one for one in outcomes if one.kind == "wait"]
    whole = Change()
    for one in outcomes:
        more = Change(records=one.records, effects=one.effects, entries=one.entries, forget=one.forget)
        whole = merged((whole, more))
    written = {
        "records": whole.records,
        "effects": whole.effects,
        "entries": whole.entries,
        "forget": whole.forget,
    }
    if not waiting:
        return Done(reason="; ".join(one.reason for one in outcomes), **written)
    until = min((one.until for one in waiting if one.until), default=None)
    return Wait(until, "; ".join(one.for_what for one in waiting), **written)


def opened(step: str, params: Params, snapshot: Snapshot) -> tuple[CallOut, ...] | Outcome:
    """The call-outs of a step, one for each slot in which somebody is missing; or why there are none."""
    if params.quota == "from_staffing":
        plan = snapshot.staffing
        if plan is None:
            return Fail("there is no staffing plan to take the quota from; give the step a quota as a number")
        if plan.shortfall <= 0:
            return Skip("the staffing plan has no shortfall")
    starts_at = snapshot.now + params.starts_in
    starts_at += (MIDNIGHT - starts_at) % ROUND
    slots = [_slot(step, params, snapshot, begins, ends) for begins, ends in divided(starts_at, params)]
    wanted = [one for one in slots if one.quota]
    if not wanted:
        return Skip("the staffing plan has no shortfall during these hours")
    key = snapshot.incident.key(step)
    numbered = enumerate(wanted, start=1)
    return tuple(
        one.model_copy(update={"slot": number, "key": key if number == 1 else f"{key}/{number}"})
        for number, one in numbered
    )


def divided(starts_at: datetime, params: Params) -> list[tuple[datetime, datetime]]:
    """Divide the hours into equal slots, none longer than `slot`; borders are whole minutes."""
    count = ceil(params.lasts / params.slot)
    minutes = params.lasts // timedelta(minutes=1)
    borders = [starts_at + timedelta(minutes=minutes * number // count) for number in range(count + 1)]
    return list(pairwise(borders))


def _slot(step: str, params: Params, snapshot: Snapshot, starts_at: datetime, ends_at: datetime) -> CallOut:
    if isinstance(params.quota, int):
        quota, minima = params.quota, params.minima
    else:
        assert snapshot.staffing  # `opened` has looked
        needed, by_language = need_of(snapshot.staffing, starts_at, ends_at)
        quota, minima = min(needed, MOST), {**by_language, **params.minima}
    return CallOut(
        key="",
        incident=snapshot.incident.number,
        step=step,
        opens_at=max(snapshot.now, starts_at - max(params.ask_ahead, params.starts_in)),
        quota=quota,
        skills=params.skills,
        minima=within(minima, quota),
        starts_at=starts_at,
        ends_at=ends_at,
        where=params.where,
    )


def within(minima: Mapping[str, int], quota: int) -> dict[str, int]:
    """Lower the minima, the largest first, until they fit into the quota.

    A plan's shortfalls by language are each from its own worst half hour and may add up to more than the whole.
    """
    fitting = dict(minima)
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
    if isinstance(params.quota, int) and sum(params.minima.values()) > params.quota:
        text = f"the minima add up to {sum(params.minima.values())}, more than the quota of {params.quota}"
        where = "languages" if params.languages else "at_least"
        found.append((("with", where), f"{text}; raise the quota or lower them"))
    if min(params.slot, params.lasts) > house.rest.longest_shift:
        longest = spoken(house.rest.longest_shift)
        found.append((("with", "slot"), f"nobody may work longer than {longest} at a stretch; write at most that"))
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
    belief = belief_for(house.lanes[0], 12, house.answer_rate, {})  # no history: any hour
    begins = f"from {spoken(params.starts_in)} after the first wave, for {spoken(params.lasts)}"
    slots = len(divided(MIDNIGHT, params))
    begins += f" in {slots} slots" if slots > 1 else ""
    if params.quota == "from_staffing":
        lines = [f"calls in as many people as the staffing plan lacks, {begins}"]
        count = "as many as are likely to yield enough"
    else:
        lines = [f"calls in {in_words(params.quota, params.minima)}, {begins}"]
        asked = size(params.quota, belief, left=params.starts_in, waves_left=params.waves, every=params.respond_within)
        count = f"{asked} people"
    lines.append(
        f"asks on {', then '.join(house.lanes)} in at most {params.waves} waves, "
        f"each with {spoken(params.respond_within)}"
    )
    lines.append(f"first wave: {count} ({belief.mean:.0%} usually answer)")
    lines += [f"who have one of: {', '.join(map(worded, params.skills))}"] if params.skills else []
    lines += [f"first {', then '.join(params.first)}, then everybody"] if params.first else []
    lines += [f"at most {cap.at_most} of {name}" for name, cap in params.departments.items()]
    return lines

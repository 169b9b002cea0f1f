"""Raise the social media staffing: plan it, and offer extra shifts to the team's own people.

The plan is made in `engine.roster`. Who accepts is seen to by `engine.answering`; what is still missing is the quota
of a later `call_out`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from engine.callout import CallOut, ask
from engine.demand import SLOT
from engine.duration import Duration, spoken
from engine.effects import Effect
from engine.house import Demand, House
from engine.playbook import Playbook, Step
from engine.record import Record, Value
from engine.roster import Offer, make_plan, need, open_offers
from engine.snapshot import Snapshot, StepRun
from engine.staffing import StaffingPlan, Target, language_name, summary, too_short
from engine.steps import Done, Fail, Outcome
from engine.timeline import Entry
from engine.trial import imagined
from engine.wording import WordingError

NEEDS = frozenset({"people"})

_A_MONDAY = date(2001, 1, 1)
"""Any will do: a preview has no clock, and only the weekday counts."""

NO_SURGE = (
    "raise_staffing needs to know how much more than usual comes in; "
    "add `surge: {peak: 8, ramp: 1h, hold: 3h, half_life: 4h}` to the playbook"
)
NO_DEMAND = (
    "the usual number of messages is not known; write it as examples/demand.csv has it and name the file "
    "in the setting `demand`"
)


class Params(Value):
    """Work out how many people each half hour takes, offer the social media team extra shifts, say who is missing."""

    answer_within: Duration = Field(
        gt=timedelta(0),
        le=timedelta(hours=24),
        description="Every customer has an answer so long after writing; below 10m: somebody takes the message up.",
    )
    share: float = Field(
        default=0.9, ge=0.5, lt=1, description="So much of each half hour's messages must keep that promise."
    )
    horizon: Duration = Field(
        default=timedelta(hours=24),
        ge=timedelta(hours=1),
        le=timedelta(days=7),
        description="How far ahead is planned, at most 7d.",
    )
    busy_at_most: float = Field(
        default=0.9,
        ge=0.5,
        le=1,
        description="Share of the time that an agent answers; the rest is breaks and questions.",
    )
    notice: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(0),
        le=timedelta(hours=24),
        description="An extra shift begins so long after the offer at the earliest.",
    )
    shortest: Duration = Field(
        default=timedelta(hours=4),
        ge=timedelta(minutes=30),
        le=timedelta(hours=12),
        description="Nobody is offered a shorter shift.",
    )
    respond_within: Duration = Field(
        default=timedelta(minutes=45),
        gt=timedelta(0),
        le=timedelta(hours=24),
        description="An unanswered offer counts for so long; a plan made later does without it.",
    )

    @property
    def target(self) -> Target:
        return Target(self.answer_within, self.share, self.busy_at_most)


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Plan, offer, and be done: answers are taken elsewhere. A repeated step plans again with what it then knows."""
    params: Params = step.params
    if not snapshot.playbook.surge:
        return Fail(NO_SURGE)
    if not snapshot.house.demand:
        return Fail(NO_DEMAND)
    if why := too_short(params.target, snapshot.house.handling_s):
        return Fail(why)
    plan = _plan(snapshot, params)
    said = f"Staffing raised: {summary(plan)}"
    try:
        records, effects = _offer(step, snapshot, params, plan)
    except WordingError as error:
        plan, records, effects = _plan(snapshot, params, offer=False), [], []
        said = f"Staffing raised without offers of extra shifts ({error}): {summary(plan)}"
    entry = Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="StaffingRaised",
        text=said,
        step=step.name,
        facts={
            "peak_needed": plan.peak_needed,
            "offers": len(plan.offers),
            "shortfall": plan.shortfall,
            "shortfall_by_language": plan.shortfall_by_language,
        },
        key=f"staffing/{step.name}",
    )
    return Done(records=(plan, *records), effects=tuple(effects), entries=(entry,))


def check(step: Step, params: Any, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find a missing surge, and a promise that no number of people can keep."""
    findings: list[tuple[tuple[Any, ...], str]] = []
    if not playbook.surge:
        findings.append((("action",), NO_SURGE))
    if why := too_short(params.target, house.handling_s):
        findings.append((("with", "answer_within"), why))
    if params.shortest > house.rest.longest_shift:
        longest = spoken(house.rest.longest_shift)
        findings.append((("with", "shortest"), f"nobody may work longer than {longest}; write at most that"))
    return findings


def preview(step: Step, params: Any, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say what the surge would take if it began in the busiest and in the quietest hour of the week."""
    if not playbook.surge or not house.demand:
        return [NO_DEMAND if playbook.surge else NO_SURGE]
    if why := too_short(params.target, house.handling_s):
        return [why]
    promise = f"{params.share:.0%} answered within {spoken(params.answer_within)}"
    lines = [f"{promise}, planned for the next {spoken(params.horizon)}"]
    hours = {(day, hour): _volume(house.demand, day, hour) for day in range(7) for hour in range(24)}
    for word, pick in (("busiest", max), ("quietest", min)):
        lines.append(_imagine(params, playbook, house, facts, house.demand, word, pick(hours, key=hours.__getitem__)))
    return [*lines, "extra shifts are offered to the social team, the rest is the quota of a call_out"]


def _volume(demand: Demand, day: int, hour: int) -> float:
    return sum(demand.by_hour.get((day, hour, language), 0.0) for language in demand.languages())


def _imagine(
    params: Params,
    playbook: Playbook,
    house: House,
    facts: Mapping[str, Any],
    demand: Demand,
    word: str,
    hour: tuple[int, int],
) -> str:
    """Say in one line what it takes when the incident begins in an hour of the week."""
    local = datetime.combine(_A_MONDAY + timedelta(days=hour[0]), time(hour[1]), ZoneInfo(demand.time_zone))
    snapshot = imagined(playbook, house, facts, local.astimezone(UTC))
    needed = need(snapshot, params.target, params.horizon)
    totals = [sum(needed.at(number).values()) for number in range(needed.count)]
    peak = max(range(needed.count), key=totals.__getitem__)
    messages = max(sum(counts) for counts in zip(*needed.messages.values(), strict=True)) / (SLOT / timedelta(hours=1))
    languages = ", ".join(f"{count} {language_name(code)}" for code, count in needed.at(peak).items() if count)
    return (
        f"declared {local:%A %H:%M} ({word} hour, {demand.time_zone}): up to {messages:.0f} messages an hour, "
        f"peak {totals[peak]} people ({languages}) {spoken(peak * SLOT) if peak else 'at once'}"
        f"{' later' if peak else ''}"
    )


def _plan(snapshot: Snapshot, params: Params, offer: bool = True) -> StaffingPlan:
    return make_plan(snapshot, params.target, params.horizon, params.notice, params.shortest, offer)


def _offer(step: StepRun, snapshot: Snapshot, params: Params, plan: StaffingPlan) -> tuple[list[Record], list[Effect]]:
    """Ask each person whom the plan newly offers a shift. Raises WordingError.

    One call-out for each pair of times, since what people are told of when to come is the call-out's.
    """
    records: list[Record] = []
    effects: list[Effect] = []
    known = {person.key: person for person in snapshot.people}
    for number, (span, keys) in enumerate(_by_times(_new(snapshot, plan)), start=1):
        callout = CallOut(
            key=snapshot.incident.key(step.name, number),
            incident=snapshot.incident.number,
            step=step.name,
            slot=number,
            quota=len(keys),
            starts_at=span[0],
            ends_at=span[1],
            respond_by=min(snapshot.now + params.respond_within, span[0]),
            waves=1,
        )
        invitations, asking = ask(snapshot, callout, [known[key] for key in keys], 1, "extra_shift")
        called = [known[key].model_copy(update={"last_called_at": snapshot.now}) for key in keys]
        records += [callout, *invitations, *called]
        effects += asking
    return records, effects


def _new(snapshot: Snapshot, plan: StaffingPlan) -> Iterator[Offer]:
    made_before = open_offers(snapshot)
    return (offer for offer in plan.offers if offer not in made_before)


def _by_times(offers: Iterator[Offer]) -> list[tuple[tuple[datetime, datetime], list[str]]]:
    times: dict[tuple[datetime, datetime], list[str]] = {}
    for key, begin, end in offers:
        times.setdefault((begin, end), []).append(key)
    return sorted(times.items())

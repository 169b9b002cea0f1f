"""Easing: when the need falls, who goes home first, with how much notice, and what they are told.

Whether the need has fallen is in `engine.surplus`. At the end of the incident everybody goes at once:
`engine.actions.release_responders`.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from engine.answering import comes, standing
from engine.assignment import Candidate, assign
from engine.callout import CallOut, Invitation, direct, revise, told
from engine.change import Change
from engine.duration import spoken
from engine.effects import Effect
from engine.need import in_words
from engine.people import Person, spans_between
from engine.qualification import held
from engine.roster import accepted
from engine.shift_end import lane_for
from engine.snapshot import Snapshot
from engine.steps import StepState
from engine.timeline import Entry

NOTICE = timedelta(minutes=30)
"""Who is at work goes so long after being told; who begins within it is on the way."""
BECAUSE = "need fell"

_Span = tuple[datetime, datetime]


def ease(
    snapshot: Snapshot,
    callout: CallOut,
    quota: int,
    notice: timedelta = NOTICE,
    *,
    by: str = "irrops",
    among: Collection[str] | None = None,
) -> Change:
    """Lower what a call-out wants, and release in a fair order those who are too many; never raises it.

    `released_at` is the instant that people are told: now for who has not begun, after the notice for who is at work.
    Qualifications stay filled as far as they are. `among`: only these may go. The snapshot must hold everybody.
    Raises WordingError.
    """
    if not 0 <= quota < callout.quota or snapshot.now >= callout.ends_at:
        return Change()
    coming = [i for i in snapshot.invitations if i.callout == callout.key and comes(i)]
    minima = fitting(callout.minima, quota)
    leaving = _leaving(snapshot, callout, coming, len(coming) - quota, minima, notice, among)
    quota = max(quota, len(coming) - len(leaving))
    if quota >= callout.quota:
        return Change()  # each of them is needed for what they can do
    fewer = {"quota": quota, "minima": minima, "accepted": callout.accepted - len(leaving)}
    change = Change(records=(callout.model_copy(update=fewer), *_nudge(snapshot, callout)))
    change = sum((_release(snapshot, callout, i, notice) for i in leaving), change)
    if len(coming) - len(leaving) >= quota:
        mine = [i for i in snapshot.invitations if i.callout == callout.key and not i.released_at]
        change = sum((_dismiss(snapshot, callout, i) for i in mine if standing(i) in ("waiting", "later")), change)
    return change + Change(entries=(_entry(snapshot, callout, quota, leaving, notice, by),))


def fitting(minima: Mapping[str, int], quota: int) -> dict[str, int]:
    """Lower minima, the largest first, until they fit into a quota."""
    fits = dict(minima)
    while sum(fits.values()) > quota:
        largest = max(fits, key=lambda name: (fits[name], name))
        fits[largest] -= 1
    return {name: count for name, count in fits.items() if count}


# ---------------------------------------------------------------- who goes


def order(snapshot: Snapshot, callout: CallOut, coming: Collection[Invitation], notice: timedelta) -> list[Invitation]:
    """Put those who come into the order in which they are released.

    1. Who begins later than the notice: they are spared the way. Of them first who was called for this incident last
    before this call; then who has the most hours this week; then who said yes last.
    2. Who is at work: longest first; then who has the most hours this week.
    3. Who is on the way, as 1: their journey would be for nothing.
    """
    people = {person.key: person for person in snapshot.people}
    promised = accepted(snapshot)

    def turn(one: Invitation) -> tuple[int, float, float, float, str]:
        begins, now = begins_at(callout, one), snapshot.now
        person = people.get(one.person)
        hours = _week_so_far(person, promised.get(one.person, ()), now) if person else 0.0
        if begins <= now:
            return 1, (begins - now).total_seconds(), -hours, 0.0, one.key
        before = max((i.asked_at.timestamp() for i in _others(snapshot, one)), default=0.0)
        answered = one.answered_at or one.asked_at
        return (0 if begins > now + notice else 2), -before, -hours, -answered.timestamp(), one.key

    return sorted(coming, key=turn)


def begins_at(callout: CallOut, one: Invitation) -> datetime:
    """When the work of somebody who comes begins, or began."""
    return one.begins_at or max(callout.starts_at, one.comes_at or callout.starts_at)


def _others(snapshot: Snapshot, one: Invitation) -> Iterator[Invitation]:
    """The same person's earlier invitations."""
    return (i for i in snapshot.invitations if i.person == one.person and i.asked_at < one.asked_at)


def _week_so_far(person: Person, promised: Collection[_Span], now: datetime) -> float:
    """Hours on duty since Monday where the person lives, with those of call-outs."""
    local = person.local(now)
    monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = monday.astimezone(UTC)
    spans = [*spans_between(person, begin, now), *promised]
    worked = (min(end, now) - max(start, begin) for start, end in spans if start < now and end > begin)
    return sum(worked, timedelta()) / timedelta(hours=1)


def _leaving(
    snapshot: Snapshot,
    callout: CallOut,
    coming: Collection[Invitation],
    surplus: int,
    minima: Mapping[str, int],
    notice: timedelta,
    among: Collection[str] | None,
) -> list[Invitation]:
    """Choose who goes. Whoever can't be spared now can't be later either, so one pass over the order is enough."""
    people = {person.key: person for person in snapshot.people}
    staying = {i.person: held(people[i.person], minima) if i.person in people else frozenset() for i in coming}
    filled = _filled(staying, minima)
    leaving: list[Invitation] = []
    for one in order(snapshot, callout, coming, notice):
        if len(leaving) >= surplus:
            break
        if one.person not in people or (among is not None and one.person not in among):
            continue
        holds = staying.pop(one.person)
        if holds and _filled(staying, minima) < filled:
            staying[one.person] = holds
        else:
            leaving.append(one)
    return leaving


def _filled(staying: Mapping[str, Collection[str]], minima: Mapping[str, int]) -> int:
    return len(assign([Candidate(holds, "") for holds in staying.values()], minima, {}))


# ---------------------------------------------------------------- what they are told


def _release(snapshot: Snapshot, callout: CallOut, one: Invitation, notice: timedelta) -> Change:
    """Tell somebody who has a place when they may go. Handover, thanks and calendar follow (`engine.shift_end`)."""
    at_work = begins_at(callout, one) <= snapshot.now
    until = min(snapshot.now + notice, callout.ends_at) if at_work else snapshot.now
    person = next(person for person in snapshot.people if person.key == one.person)
    released = one.model_copy(update={"released_at": until, "released_because": BECAUSE})
    more = {"how": "at_work" if at_work else "spared", "until": until}
    lane = lane_for(snapshot, one, person)
    text = told(snapshot, callout, person, "eased", more, released, lane)
    # a changed message makes no sound, so they are written to again; the old one loses its button
    effects = [direct(snapshot, callout, person, f"{one.key}/eased", text, lane=lane)]
    effects += revise(snapshot, callout, released, told(snapshot, callout, person, "eased", more, released))
    return Change(records=(released,), effects=tuple(effects))


def _dismiss(snapshot: Snapshot, callout: CallOut, one: Invitation) -> Change:
    """Tell somebody on the waiting list, quietly where that can be, that there are enough."""
    released = one.model_copy(update={"released_at": snapshot.now, "released_because": BECAUSE})
    person = next((person for person in snapshot.people if person.key == one.person), None)
    if person is None:
        return Change(records=(released,))
    more = {"how": "waiting", "until": snapshot.now}
    effects: tuple[Effect, ...] = revise(
        snapshot, callout, released, told(snapshot, callout, person, "eased", more, released)
    )
    if not effects:
        lane = lane_for(snapshot, one, person)
        text = told(snapshot, callout, person, "eased", more, released, lane)
        effects = (direct(snapshot, callout, person, f"{one.key}/eased", text, lane=lane),)
    return Change(records=(released,), effects=effects)


def _entry(
    snapshot: Snapshot, callout: CallOut, quota: int, leaving: Collection[Invitation], notice: timedelta, by: str
) -> Entry:
    at_work = [one for one in leaving if begins_at(callout, one) <= snapshot.now]
    spared = len(leaving) - len(at_work)
    parts = [f"{in_words(quota, {})} wanted instead of {callout.quota}"]
    parts += [f"{spared} need not come"] if spared else []
    parts += [f"{len(at_work)} at work go in {spoken(notice)}"] if at_work else []
    parts += [] if leaving else ["nobody is released"]
    facts = {"quota": quota, "before": callout.quota, "released": [one.person for one in leaving]}
    return Entry(
        incident=callout.incident,
        at=snapshot.now,
        kind="CallOutEased",
        text=", ".join(parts),
        actor=by,
        step=callout.step,
        facts=facts,
        key=f"{callout.key}/eased-{callout.version}",
    )


def _nudge(snapshot: Snapshot, callout: CallOut) -> tuple[StepState, ...]:
    """Let a step that still asks people see the new quota: it may be full now."""
    state = next((one for one in snapshot.steps if one.name == callout.step), None)
    waits = state is not None and not state.status.ended and not state.nudged
    return (state.model_copy(update={"nudged": True}),) if state and waits else ()

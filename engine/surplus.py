"""Surplus: whether the newest staffing plan wants fewer responders than a call-out does, and who could be spared.

Who of them goes, and how, is in `engine.easing`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from engine.answering import comes
from engine.callout import CallOut, Invitation
from engine.change import Change
from engine.choice import STANDING_TEAM
from engine.coverage import Coverage
from engine.demand import SLOT
from engine.easing import BECAUSE, NOTICE, begins_at, ease, order
from engine.folding import fold, merged
from engine.need import need_of
from engine.people import Person, spans_between
from engine.qualification import holds, is_language
from engine.roster import accepted, open_offers
from engine.snapshot import Snapshot
from engine.staffing import ALL, Slot, StaffingPlan

LEAST, SHARE = 2, 0.1
"""A fall of fewer people, or of a smaller share of the quota, is left alone: it may come back with the next plan."""

_Half = tuple[datetime, dict[str, int]]
"""Beginning of a half hour, and how many it needs by language."""


def due(snapshot: Snapshot) -> bool:
    """Tell whether the newest plan may want fewer, from its rows alone: cheap, and needs nobody's record."""
    return any(_less(callout, _estimate(snapshot, plan, callout)) for plan, callout in _followed(snapshot))


def keep(snapshot: Snapshot) -> Change:
    """Ease the call-outs whose quota is from the staffing plan, where the newest plan wants clearly fewer.

    The snapshot must hold everybody. Raises WordingError.
    """
    changes: list[Change] = []
    for plan, callout in _followed(snapshot):
        wanted = needed(snapshot, plan, callout)
        if _less(callout, wanted.people):
            lower = callout.model_copy(update={"minima": _still_wanted(snapshot, callout, wanted)})
            changes.append(ease(snapshot, lower, wanted.people, among=wanted.spared))
            snapshot = fold(snapshot, changes[-1])
    return merged(changes)


def _less(callout: CallOut, wanted: int) -> bool:
    return callout.quota - wanted >= max(LEAST, ceil(SHARE * callout.quota))


def _followed(snapshot: Snapshot) -> Iterator[tuple[StaffingPlan, CallOut]]:
    """Call-outs that take their quota from the plan, where the plan knows everybody who comes, and all their hours.

    A plan made before the last yes has not counted it. In the last hour nobody is bothered any more.
    """
    plan = snapshot.staffing
    if plan is None or not snapshot.incident.status.live:
        return
    for callout in snapshot.callouts:
        if _terms(snapshot, callout).get("quota", "") != "from_staffing":
            continue
        last_yes = max((i.answered_at for i in _coming(snapshot, callout) if i.answered_at), default=None)
        halves = _halves(snapshot, plan, callout)
        whole = len(halves) > 1 and halves[-1][0] + 2 * SLOT > callout.ends_at
        if whole and (last_yes is None or plan.made_at > last_yes):
            yield plan, callout


def _terms(snapshot: Snapshot, callout: CallOut) -> Mapping[str, Any]:
    """What a call-out step says, with what was changed by hand when it was started; empty for other steps."""
    key = callout.step.partition("#")[0]
    steps = (step.with_ for step in snapshot.playbook.steps if step.key == key and step.action == "call_out")
    with_ = next(steps, None)
    if with_ is None:
        return {}
    state = next((one for one in snapshot.steps if one.name == callout.step), None)
    changed: Mapping[str, Any] = state.memo.get("overrides", {}) if state else {}
    return {"quota": "from_staffing", **with_, **changed}


def _coming(snapshot: Snapshot, callout: CallOut) -> list[Invitation]:
    return [i for i in snapshot.invitations if i.callout == callout.key and comes(i)]


def _rows(snapshot: Snapshot, plan: StaffingPlan, callout: CallOut) -> Iterator[Slot]:
    """The plan's rows by language of the whole half hours of a call-out that are still to come."""
    begin = max(snapshot.now, callout.starts_at)
    return (s for s in plan.slots if s.language != ALL and s.start >= begin and s.start + SLOT <= callout.ends_at)


def _halves(snapshot: Snapshot, plan: StaffingPlan, callout: CallOut) -> list[_Half]:
    found: dict[datetime, dict[str, int]] = {}
    for row in _rows(snapshot, plan, callout):
        found.setdefault(row.start, {})[row.language] = row.needed
    return sorted(found.items())


def _estimate(snapshot: Snapshot, plan: StaffingPlan, callout: CallOut) -> int:
    """How many a call-out needs at least: who comes, less those to spare in every half hour, and what is missing."""
    spare: Counter[datetime] = Counter()
    for row in _rows(snapshot, plan, callout):
        spare[row.start] += max(0, row.on_duty - row.needed)
    eased = (i.released_at for i in snapshot.invitations if i.released_because == BECAUSE)
    gone = sum(1 for at in eased if at and at >= plan.made_at)
    missing, _ = need_of(plan, max(snapshot.now, callout.starts_at), callout.ends_at)
    return callout.accepted - max(0, min(spare.values(), default=0) - gone) + missing


@dataclass(frozen=True)
class Needed:
    """What the plan wants of a call-out."""

    people: int
    missing: Mapping[str, int]
    """Of them, how many are not there yet: language → the most in any half hour."""
    spared: frozenset[str]
    """Keys of those who come and are not needed in any half hour."""


def needed(snapshot: Snapshot, plan: StaffingPlan, callout: CallOut) -> Needed:
    """Work out how many of its people a call-out needs by the plan, and which of those who come could be spared.

    In every half hour to come everybody else on duty takes a seat first, then the responders, those who would be
    released last first. Who takes a seat nowhere can be spared: seats are filled along augmenting paths, so as many
    are filled without them. What is still empty after open offers is wanted on top.
    """
    people = {person.key: person for person in snapshot.people}
    coming = [i for i in order(snapshot, callout, _coming(snapshot, callout), NOTICE) if i.person in people]
    begins = {i.person: begins_at(callout, i) for i in coming}
    others = [one for one in _others(snapshot, callout) if one[0].key not in begins]
    offers = [(people[key], begin, end) for key, begin, end in open_offers(snapshot) if key in people]
    kept: set[str] = set()
    most, worst = 0, dict[str, int]()
    for start, heads in _halves(snapshot, plan, callout):
        half = Coverage(heads)
        _seat(half, others, start)
        for one in reversed(coming):
            if begins[one.person] <= start and half.add(one.person, people[one.person].languages):
                kept.add(one.person)
        _seat(half, offers, start)
        most = max(most, half.shortfall())
        worst = {language: max(worst.get(language, 0), half.missing(language)) for language in heads}
    return Needed(len(kept) + most, worst, frozenset(begins) - kept)


_There = tuple[Person, datetime, datetime]
"""Somebody, and from when to when they are there."""


def _others(snapshot: Snapshot, callout: CallOut) -> list[_There]:
    """The standing team's shifts during a call-out, and what people have accepted."""
    promised = accepted(snapshot)
    found: list[_There] = []
    for person in snapshot.people:
        spans = list(promised.get(person.key, ()))
        if person.team == STANDING_TEAM:
            spans += spans_between(person, callout.starts_at, callout.ends_at)
        found += [(person, begin, end) for begin, end in spans]
    return found


def _seat(half: Coverage, there: list[_There], start: datetime) -> None:
    seen: set[str] = set()
    for person, begin, end in there:
        if begin <= start and start + SLOT <= end and person.key not in seen:
            seen.add(person.key)
            half.add(person.key, person.languages)


def _still_wanted(snapshot: Snapshot, callout: CallOut, wanted: Needed) -> dict[str, int]:
    """The minima: the playbook's own as they are; a language that the plan asked for no higher than it still does."""
    own = _terms(snapshot, callout)
    named = {*(own.get("languages") or {}), *(own.get("at_least") or {})}
    keys = {i.person for i in _coming(snapshot, callout)} - wanted.spared
    staying = [person for person in snapshot.people if person.key in keys]
    minima = {}
    for text, count in callout.minima.items():
        still = sum(holds(person, text) for person in staying) + wanted.missing.get(text, 0)
        minima[text] = min(count, still) if is_language(text) and text not in named else count
    return {text: count for text, count in minima.items() if count}

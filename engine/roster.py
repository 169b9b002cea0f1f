"""Making a staffing plan: who is there in each half hour, whom to offer an extra shift, and what is still missing.

How many are needed is `engine.staffing`, seating them by language `engine.coverage`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from engine.callout import Answer
from engine.choice import STANDING_TEAM
from engine.coverage import Coverage
from engine.demand import SLOT, forecast, slot_start
from engine.lanes import lanes_of
from engine.offers import Bounds, Span, best_shift
from engine.people import Person, spans_between
from engine.snapshot import Snapshot
from engine.staffing import ALL, Slot, StaffingPlan, Target, heads

ASK_AGAIN_AFTER = timedelta(hours=12)
"""Who was asked is left in peace for so long, whatever the answer; an ash cloud lasts for days."""

Offer = tuple[str, datetime, datetime]
"""Person key, from, to."""


@dataclass(frozen=True)
class Need:
    """What to expect and whom it takes, half hour by half hour from `start`."""

    start: datetime
    messages: Mapping[str, Sequence[float]]
    heads: Mapping[str, Sequence[int]]
    """Language → one number for each half hour."""
    count: int

    def at(self, number: int) -> dict[str, int]:
        return {language: needed[number] for language, needed in self.heads.items()}


def need(snapshot: Snapshot, target: Target, horizon: timedelta) -> Need:
    """Work out what the incident will need from the half hour of `snapshot.now` on.

    The house must have a demand, the playbook a surge. Looks further than the horizon by the time that is promised,
    since what comes in before the end is answered after it.
    """
    demand, surge, house = snapshot.house.demand, snapshot.playbook.surge, snapshot.house
    assert demand is not None
    assert surge is not None
    start, count = slot_start(snapshot.now), ceil(horizon / SLOT)
    ahead = forecast(demand, surge, snapshot.incident.declared_at, start, count + ceil(target.answer_within / SLOT) + 1)
    passed = (snapshot.now - start) / SLOT
    waiting = _waiting(snapshot, {language: messages[0] for language, messages in ahead.items()})
    oldest = snapshot.now - (snapshot.queue_figures.oldest_open_at or snapshot.now)
    needed = {
        language: heads(
            messages,
            target,
            house.handling_s,
            house.concurrency,
            max(0.0, waiting.get(language, 0.0) - messages[0] * passed),
            oldest,
        )[:count]
        for language, messages in ahead.items()
    }
    return Need(start, {language: messages[:count] for language, messages in ahead.items()}, needed, count)


def _waiting(snapshot: Snapshot, expected: Mapping[str, float]) -> dict[str, float]:
    """Count what waits for an answer by language; a language nobody staffs, or unknown, is shared out as expected."""
    waiting = {language: float(n) for language, n in snapshot.queue_figures.waiting_by_language.items()}
    rest = sum(n for language, n in waiting.items() if language not in expected)
    total = sum(expected.values())
    return {
        language: waiting.get(language, 0.0) + (rest * count / total if total else 0.0)
        for language, count in expected.items()
    }


def make_plan(
    snapshot: Snapshot,
    target: Target,
    horizon: timedelta = timedelta(hours=24),
    notice: timedelta = timedelta(hours=1),
    shortest: timedelta = timedelta(hours=4),
    offer: bool = True,
) -> StaffingPlan:
    """Plan the staffing of an incident. The snapshot must hold everybody.

    The gap is closed by offers of extra shifts first (`offer`), to who was called longest ago first; what they leave
    open is `shortfall`. A plan made again keeps offers that still wait for an answer, counts those who accepted a
    shift or a call as on duty, and leaves in peace who was asked lately.
    """
    desk = _Desk(snapshot, need(snapshot, target, horizon))
    offers = desk.seat_open_offers()
    if offer:
        bounds = Bounds(desk.need.start, snapshot.now + notice, shortest, snapshot.house.rest)
        offers += desk.offer(bounds, {(begin, end) for _, begin, end in offers})
    stored = snapshot.staffing
    missing = [one.shortfall() for one in desk.halves]
    worst = {language: max(max(0, one.missing(language)) for one in desk.halves) for language in desk.need.heads}
    return StaffingPlan(
        version=stored.version if stored else 0,
        incident=snapshot.incident.number,
        made_at=snapshot.now,
        answer_within_s=int(target.answer_within.total_seconds()),
        share=target.share,
        slots=tuple(desk.slots()),
        offers=tuple(offers),
        shortfall=max(missing, default=0),
        shortfall_by_language={language: count for language, count in worst.items() if count},
        peak_needed=max((sum(desk.need.at(number).values()) for number in range(desk.need.count)), default=0),
    )


def open_offers(snapshot: Snapshot) -> list[Offer]:
    """List the plan's offers that still wait for an answer, and may."""
    callouts = {callout.key: callout for callout in snapshot.callouts}
    planned = set(snapshot.staffing.offers) if snapshot.staffing else set()
    waiting = []
    for invitation in snapshot.invitations:
        callout = callouts.get(invitation.callout)
        if not callout or invitation.released_at or invitation.answer is not Answer.NONE:
            continue
        offer = (invitation.person, callout.starts_at, callout.ends_at)
        if offer in planned and (callout.respond_by is None or callout.respond_by > snapshot.now):
            waiting.append(offer)
    return waiting


def accepted(snapshot: Snapshot) -> dict[str, list[Span]]:
    """List who has accepted an extra shift or a call, with the times."""
    callouts = {callout.key: callout for callout in snapshot.callouts}
    found: dict[str, list[Span]] = {}
    for invitation in snapshot.invitations:
        callout = callouts.get(invitation.callout)
        comes = invitation.answer is Answer.YES and not invitation.too_late and not invitation.released_at
        if callout and comes:
            found.setdefault(invitation.person, []).append((callout.starts_at, callout.ends_at))
    return found


@dataclass
class _Desk:
    """The team at work: for each half hour, who sits where."""

    snapshot: Snapshot
    need: Need
    halves: list[Coverage] = field(default_factory=list)
    offered: set[tuple[int, str]] = field(default_factory=set)
    """Half hour and person that are counted in `Slot.offered`."""

    def __post_init__(self) -> None:
        self.halves = [Coverage(self.need.at(number)) for number in range(self.need.count)]
        self.people = {person.key: person for person in self.snapshot.people if person.active}
        self.accepted = accepted(self.snapshot)
        present: dict[int, set[str]] = {number: set() for number in range(self.need.count)}
        for key, spans in self._on_duty().items():
            for number in self._halves_of(spans):
                present[number].add(key)
        for number, keys in present.items():
            for key in sorted(keys):
                self.halves[number].add(key, self.people[key].languages)

    def _on_duty(self) -> dict[str, list[Span]]:
        """Who is there without being asked again: the team's shifts, and what was accepted."""
        end = self.need.start + self.need.count * SLOT
        spans = {key: list(found) for key, found in self.accepted.items() if key in self.people}
        for person in self.people.values():
            if person.team == STANDING_TEAM:
                spans.setdefault(person.key, []).extend(spans_between(person, self.need.start, end))
        return spans

    def _halves_of(self, spans: Sequence[Span]) -> list[int]:
        """Number the half hours that lie within one of the spans as a whole."""
        start = self.need.start
        return [
            number
            for begin, end in spans
            for number in range(max(0, ceil((begin - start) / SLOT)), min(self.need.count, int((end - start) // SLOT)))
        ]

    def seat_open_offers(self) -> list[Offer]:
        """Seat those who have an offer and have not answered it."""
        waiting = [offer for offer in open_offers(self.snapshot) if offer[0] in self.people]
        for key, begin, end in waiting:
            self._seat_offered(key, (begin, end))
        return waiting

    def offer(self, bounds: Bounds, liked: set[Span]) -> list[Offer]:
        """Choose new offers, one a person, until nothing more can be closed, and seat them."""
        made: list[Offer] = []
        for person in self._candidates():
            helps = [half.helps(person.languages) for half in self.halves]
            span = best_shift(person, helps, bounds, liked, self.accepted.get(person.key, ()))
            if span:
                self._seat_offered(person.key, span)
                made.append((person.key, *span))
                liked.add(span)
        return made

    def _candidates(self) -> list[Person]:
        """Members of the team who can be asked, who was called longest ago first."""
        since = self.snapshot.now - ASK_AGAIN_AFTER
        asked = {invitation.person for invitation in self.snapshot.invitations if invitation.asked_at > since}
        asked |= self.snapshot.busy.keys() | {key for key, _, _ in open_offers(self.snapshot)}
        able = [
            person
            for person in self.people.values()
            if person.team == STANDING_TEAM and lanes_of(person, self.snapshot.house) and person.key not in asked
        ]
        return sorted(able, key=lambda p: (p.last_called_at.timestamp() if p.last_called_at else 0.0, p.key))

    def _seat_offered(self, key: str, span: Span) -> None:
        for number in self._halves_of([span]):
            self.offered.add((number, key))
            self.halves[number].add(key, self.people[key].languages)

    def slots(self) -> list[Slot]:
        """Write the rows: the languages of each half hour, then all together."""
        rows: list[Slot] = []
        for number, half in enumerate(self.halves):
            start = self.need.start + number * SLOT
            own = [self._row(start, number, half, language) for language in self.need.heads]
            rows += own
            rows.append(
                Slot(
                    start=start,
                    language=ALL,
                    messages=round(sum(row.messages for row in own), 3),
                    needed=sum(row.needed for row in own),
                    on_duty=sum(row.on_duty for row in own),
                    offered=sum(row.offered for row in own),
                )
            )
        return rows

    def _row(self, start: datetime, number: int, half: Coverage, language: str) -> Slot:
        there = half.people(language)
        offered = sum((number, key) in self.offered for key in there)
        return Slot(
            start=start,
            language=language,
            messages=round(self.need.messages[language][number], 3),
            needed=half.needed[language],
            on_duty=len(there) - offered,
            offered=offered,
        )

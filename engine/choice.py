"""Whom to ask: by qualification, shift, rest and fairness, and why the others are left out.

How many are asked is in `engine.waves`; seats that ask for a qualification are filled by `engine.assignment`.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from zlib import crc32

from pydantic import BeforeValidator

from engine.assignment import Candidate, assign
from engine.callout import Answer, CallOut, Invitation
from engine.house import Rest
from engine.lanes import lanes_of
from engine.people import Person, overlapping, spans_between
from engine.qualification import held
from engine.record import Value
from engine.snapshot import Snapshot

STANDING_TEAM = "social"
"""Its members get offers of extra shifts from `raise_staffing`; the call-out leaves them alone."""

WEEK = timedelta(days=7)
_Span = tuple[datetime, datetime]


class Reason(StrEnum):
    """Why somebody is not asked; the first that applies, in this order."""

    INACTIVE = "no longer active"
    STANDING_TEAM = "on the social media team, which is offered extra shifts"
    SKILL = "without a skill that is needed"
    UNREACHABLE = "out of reach on every lane"
    ASKED = "asked already"
    BUSY = "called for another incident"
    QUIET = "wishing not to be called just now"
    BUDGET = "called often enough today"
    HOUR = "asleep: outside the hours in which they may be called"
    TURN = "of a department whose turn comes later"
    LEAVE = "on leave"
    ON_DUTY = "on duty"
    NOT_RESTED = "not rested enough"
    WEEKLY_LIMIT = "past the weekly limit of hours"
    DEPARTMENT = "of a department that has given its share"
    SPARE = "not needed yet"


def _read_at_most(raw: object) -> object:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 500:
        return raw
    if isinstance(raw, str) and re.fullmatch(r"(\d|[1-9]\d|100)%", raw):
        return raw
    raise ValueError(f"{raw!r} is no limit; write a share such as 10%, or a number of people from 0 to 500")


class Cap(Value):
    """How many of a department may be called at once."""

    at_most: Annotated[int | str, BeforeValidator(_read_at_most)]
    """A number of people, or a share of the department's active people such as `10%`, rounded down."""

    def heads(self, people: int) -> int:
        """How many that is of a department of so many."""
        if isinstance(self.at_most, int):
            return self.at_most
        return math.floor(people * int(self.at_most[:-1]) / 100)


@dataclass(frozen=True)
class Choice:
    """Who is asked now, and who isn't and why."""

    chosen: tuple[Person, ...]
    left_out: Mapping[str, Reason]
    """Person key → why."""

    def counted(self) -> dict[str, int]:
        """How many are left out for each reason, in the order of `Reason`."""
        counts = Counter(self.left_out.values())
        return {str(reason): counts[reason] for reason in Reason if counts[reason]}

    @property
    def spare(self) -> int:
        """How many could still be asked."""
        return sum(1 for reason in self.left_out.values() if reason is Reason.SPARE)


@dataclass(frozen=True)
class Rules:
    """What the step says of whom to ask."""

    caps: Mapping[str, Cap] = field(default_factory=dict)
    """Department → how many of it at most."""
    first: tuple[str, ...] = ()
    """Departments in the order of their turn; then everybody."""
    between: tuple[time, time] | None = None
    """Nobody is called outside these hours where they live."""

    def in_turn(self, stage: int) -> frozenset[str] | None:
        """The departments whose turn has come at a stage of the call-out; None: every one.

        At stage 1 the deputy is called, from stage 2 on one more department at each.
        """
        opened = max(1, stage)
        return frozenset(self.first[:opened]) if opened <= len(self.first) else None


def choose(snapshot: Snapshot, callout: CallOut, rules: Rules, size: int, seats: Mapping[str, int]) -> Choice:
    """Choose at most `size` people to ask next, of them so many by qualification as `seats` says, if there are.

    Who was called longest ago comes first. The snapshot must hold everybody.
    """
    able, left_out = sift(snapshot, callout, rules)
    caps, room = rules.caps, room_left(snapshot, rules.caps)
    seated = assign([Candidate(held(person, seats), person.department) for person in able], seats, room)
    first = [able[index] for index in sorted(seated)][:size]
    room.subtract(person.department for person in first if person.department in caps)
    chosen, taken = list(first), {person.key for person in first}
    for person in able:
        if person.key in taken:
            continue
        if person.department in caps and room[person.department] <= 0:
            left_out[person.key] = Reason.DEPARTMENT
        elif len(chosen) >= size:
            left_out[person.key] = Reason.SPARE
        else:
            chosen.append(person)
            room.subtract([person.department] if person.department in caps else [])
    return Choice(tuple(chosen), left_out)


def sift(snapshot: Snapshot, callout: CallOut, rules: Rules = Rules()) -> tuple[list[Person], dict[str, Reason]]:
    """Part people into those who may be asked, in the order of their turn, and the others with the reason."""
    look = _Look(snapshot, callout, rules)
    able: list[Person] = []
    left_out: dict[str, Reason] = {}
    for person in snapshot.people:
        if reason := look.reason(person):
            left_out[person.key] = reason
        else:
            able.append(person)
    able.sort(
        key=lambda person: (person.last_called_at.timestamp() if person.last_called_at else 0, _lot(callout, person))
    )
    return able, left_out


def fits(snapshot: Snapshot, callout: CallOut, person: Person) -> Reason | None:
    """Why somebody who would come can't: leave, duty or rest. None when they can."""
    return _Look(snapshot, callout, Rules()).working_time(person)


def _lot(callout: CallOut, person: Person) -> int:
    """Draw a lot among those called equally long ago: always the same in one call-out, another in the next."""
    return crc32(f"{callout.key}/{person.key}".encode())


def room_left(snapshot: Snapshot, caps: Mapping[str, Cap]) -> Counter[str]:
    """How many of each limited department may still be asked: silent ones count, since they may say yes."""
    departments = {person.key: person.department for person in snapshot.people if person.active}
    sizes = Counter(departments.values())
    gone = {i.person for i in snapshot.invitations if i.answer is not Answer.NO and not i.released_at}
    given = Counter(departments[key] for key in gone | set(snapshot.busy) if key in departments)
    return Counter({name: max(0, cap.heads(sizes[name]) - given[name]) for name, cap in caps.items()})


class _Look:
    """What is worked out once for all people of one call-out."""

    def __init__(self, snapshot: Snapshot, callout: CallOut, rules: Rules):
        self.snapshot, self.callout, self.rules = snapshot, callout, rules
        self.turn = rules.in_turn(callout.stage)
        self.asked: set[str] = set()
        self.promised: dict[str, list[_Span]] = defaultdict(list)
        callouts = {other.key: other for other in snapshot.callouts}
        for invitation in snapshot.invitations:
            self._note(invitation, callouts.get(invitation.callout))

    def _note(self, invitation: Invitation, other: CallOut | None) -> None:
        if invitation.callout == self.callout.key:
            self.asked.add(invitation.person)
        elif other is None:
            return
        elif invitation.answer is Answer.YES and not invitation.too_late:
            if span := worked_span(invitation, other.starts_at, other.ends_at):
                self.promised[invitation.person].append(span)
        elif invitation.answer is not Answer.NO and not other.closed_at and not invitation.released_at:
            self.asked.add(invitation.person)

    def reason(self, person: Person) -> Reason | None:
        """Why a person can't be asked; None when they can."""
        return self._standing(person) or self._wishes(person) or self.working_time(person)

    def _standing(self, person: Person) -> Reason | None:
        checks = (
            (not person.active, Reason.INACTIVE),
            (person.team == STANDING_TEAM, Reason.STANDING_TEAM),
            (bool(self.callout.skills) and not held(person, self.callout.skills), Reason.SKILL),
            (not lanes_of(person, self.snapshot.house), Reason.UNREACHABLE),
            (person.key in self.asked, Reason.ASKED),
            (person.key in self.snapshot.busy, Reason.BUSY),
        )
        return next((reason for applies, reason in checks if applies), None)

    def _wishes(self, person: Person) -> Reason | None:
        snapshot, now = self.snapshot, self.snapshot.now
        checks = (
            (person.quiet_until is not None and person.quiet_until > now, Reason.QUIET),
            (snapshot.pages.get(person.key, 0) >= snapshot.house.pages, Reason.BUDGET),
            (not _may_be_called(person, now, self.rules.between), Reason.HOUR),
            (self.turn is not None and person.department not in self.turn, Reason.TURN),
        )
        return next((reason for applies, reason in checks if applies), None)

    def working_time(self, person: Person) -> Reason | None:
        start, end, rest = self.callout.starts_at, self.callout.ends_at, self.snapshot.house.rest
        if overlapping(((away.start, away.end) for away in person.leave), start, end):
            return Reason.LEAVE
        spans = spans_between(person, start - WEEK, end + WEEK) + self.promised.get(person.key, [])
        spans += self.snapshot.worked.get(person.key, ())
        if overlapping(spans, start, end):
            return Reason.ON_DUTY
        if not rested(spans, start, end, rest):
            return Reason.NOT_RESTED
        if not within_week(person, spans, start, end, rest):
            return Reason.WEEKLY_LIMIT
        return None


def worked_span(invitation: Invitation, starts_at: datetime, ends_at: datetime) -> _Span | None:
    """From when to when somebody with a place in these hours works, or did until released; None: they never began."""
    begin = max(starts_at, invitation.comes_at or starts_at)
    end = min(ends_at, invitation.released_at or ends_at)
    return (begin, end) if begin < end else None


def _may_be_called(person: Person, now: datetime, between: tuple[time, time] | None) -> bool:
    if between is None:
        return True
    begin, end = between
    hour = person.local(now).time()
    return begin <= hour < end if begin < end else hour >= begin or hour < end


def rested(spans: Iterable[_Span], start: datetime, end: datetime, rest: Rest) -> bool:
    """Tell whether [start, end) is short enough and leaves the rest between it and every other shift."""
    pause = rest.between_shifts
    return end - start <= rest.longest_shift and not overlapping(spans, start - pause, end + pause)


def within_week(person: Person, spans: Iterable[_Span], start: datetime, end: datetime, rest: Rest) -> bool:
    """Tell whether [start, end) brings no week above the limit; a week is Monday to Sunday where the person lives."""
    every = [*spans, (start, end)]
    last = end - timedelta(microseconds=1)
    return all(_hours(every, *_week(person, instant)) <= rest.weekly_limit for instant in (start, last))


def _week(person: Person, instant: datetime) -> _Span:
    local = person.local(instant)
    monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return monday.astimezone(UTC), (monday + WEEK).astimezone(UTC)


def _hours(spans: Iterable[_Span], begin: datetime, over: datetime) -> timedelta:
    shares = (min(end, over) - max(start, begin) for start, end in spans if start < over and end > begin)
    return sum(shares, timedelta())

"""Whom to ask: by skill, language, shift, rest and fairness, and why the others are left out.

How many are asked is in `engine.waves`; seats that ask for a language are filled by `engine.assignment`.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zlib import crc32

from pydantic import BeforeValidator

from engine.assignment import Candidate, assign
from engine.callout import Answer, CallOut, Invitation
from engine.house import Rest
from engine.people import Person, overlapping, spans_between
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
    UNREACHABLE = "without a chat address"
    ASKED = "asked already"
    BUSY = "called for another incident"
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


def choose(
    snapshot: Snapshot, callout: CallOut, caps: Mapping[str, Cap], size: int, seats: Mapping[str, int]
) -> Choice:
    """Choose at most `size` people to ask next, of them so many by language as `seats` says, if there are.

    Who was called longest ago comes first. The snapshot must hold everybody.
    """
    able, left_out = sift(snapshot, callout)
    room = room_left(snapshot, caps)
    seated = assign([Candidate(person.languages, person.department) for person in able], seats, room)
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


def sift(snapshot: Snapshot, callout: CallOut) -> tuple[list[Person], dict[str, Reason]]:
    """Part people into those who may be asked, in the order of their turn, and the others with the reason."""
    look = _Look(snapshot, callout)
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

    def __init__(self, snapshot: Snapshot, callout: CallOut):
        self.snapshot, self.callout = snapshot, callout
        self.skills = frozenset(callout.skills)
        self.asked: set[str] = set()
        self.promised: dict[str, list[_Span]] = defaultdict(list)
        callouts = {other.key: other for other in snapshot.callouts}
        for invitation in snapshot.invitations:
            self._note(invitation, callouts.get(invitation.callout))

    def _note(self, invitation: Invitation, other: CallOut | None) -> None:
        if invitation.callout == self.callout.key:
            self.asked.add(invitation.person)
        elif other is None or invitation.released_at:
            return
        elif invitation.answer is Answer.YES and not invitation.too_late:
            self.promised[invitation.person].append((other.starts_at, other.ends_at))
        elif invitation.answer is not Answer.NO and not other.closed_at:
            self.asked.add(invitation.person)

    def reason(self, person: Person) -> Reason | None:
        """Why a person can't be asked; None when they can."""
        return self._standing(person) or self._working_time(person)

    def _standing(self, person: Person) -> Reason | None:
        checks = (
            (not person.active, Reason.INACTIVE),
            (person.team == STANDING_TEAM, Reason.STANDING_TEAM),
            (bool(self.skills) and self.skills.isdisjoint(person.skills), Reason.SKILL),
            (not person.chat, Reason.UNREACHABLE),
            (person.key in self.asked, Reason.ASKED),
            (person.key in self.snapshot.busy, Reason.BUSY),
        )
        return next((reason for holds, reason in checks if holds), None)

    def _working_time(self, person: Person) -> Reason | None:
        start, end, rest = self.callout.starts_at, self.callout.ends_at, self.snapshot.house.rest
        if overlapping(((away.start, away.end) for away in person.leave), start, end):
            return Reason.LEAVE
        spans = spans_between(person, start - WEEK, end + WEEK) + self.promised.get(person.key, [])
        if overlapping(spans, start, end):
            return Reason.ON_DUTY
        if not rested(spans, start, end, rest):
            return Reason.NOT_RESTED
        if not within_week(person, spans, start, end, rest):
            return Reason.WEEKLY_LIMIT
        return None


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

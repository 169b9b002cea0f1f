"""People: who they are, what they can do, when they are on duty. Reading the CSV is in `engine.people_file`."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engine.record import Instant, Record
from engine.shifts import Shift as Shift  # `engine.people.Shift` is where the others look for it
from engine.shifts import expand

_MOMENT = timedelta(microseconds=1)


class Person(Record):
    """Someone of the organisation who can be on a team, hold a role or be called."""

    key: str
    name: str
    department: str
    team: str = ""
    """`social` is the standing social media team."""
    roles: tuple[str, ...] = ()
    """`duty_manager`, `comms_lead`, `deputy_comms_lead`, …"""
    languages: tuple[str, ...] = ()
    """ISO 639-1, the one they prefer to be written to in first."""
    skills: tuple[str, ...] = ()
    levels: dict[str, int] = {}
    """Skill or language → 1 (knows it), 2 (does it daily), 3 (teaches it); what is not named is 1."""
    answers: tuple[str, ...] = ()
    """What they may answer by the people file: `private` messages, the `public` feed."""
    signed_off: tuple[str, ...] = ()
    """What the social team lets them answer beside that; kept until the file says something new of `answers`."""
    time_zone: str = "UTC"
    chat: str = ""
    """Chat user id (Slack). Empty: not reachable there."""
    email: str = ""
    phone: str = ""
    lanes: tuple[str, ...] = ()
    """How they prefer to be called, in order (`engine.lanes`); empty: the house's order."""
    shifts: tuple[Shift, ...] = ()
    """Single shifts. Those of every week are in `shift_pattern`: ask `on_duty` or `shifts_between`, which know both."""
    shift_pattern: str = ""
    """Weekly shifts in the person's time zone, as `Mon-Fri 09:00-17:00; Sat 22:00-06:00`."""
    leave: tuple[Shift, ...] = ()
    last_called_at: Instant | None = None
    quiet_until: Instant | None = None
    """Asked not to be called before."""
    active: bool = True

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(self.time_zone))

    def on_duty(self, instant: datetime) -> bool:
        """Tell whether a shift is on; nobody on leave is on duty."""
        return bool(spans_between(self, instant, instant + _MOMENT))


def spans_between(person: Person, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """List (start, end) of the shifts that touch [start, end), in order, whole except that leave is cut out."""
    spans = [(shift.start, shift.end) for shift in person.shifts if shift.start < end and shift.end > start]
    if person.shift_pattern:
        spans += expand(person.shift_pattern, person.time_zone, start, end)
    for away in person.leave:
        spans = [left for span in spans for left in _without(span, away)]
    return sorted(span for span in spans if span[0] < end and span[1] > start)


def _without(span: tuple[datetime, datetime], away: Shift) -> Iterator[tuple[datetime, datetime]]:
    begin, over = span
    if begin < min(over, away.start):
        yield begin, min(over, away.start)
    if max(begin, away.end) < over:
        yield max(begin, away.end), over


def shifts_between(person: Person, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """List the person's shifts that touch [start, end), whole and in order, whole except that leave is cut out."""
    return tuple(Shift(start=begin, end=over) for begin, over in spans_between(person, start, end))


def overlapping(spans: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    """Tell whether any span shares time with [start, end)."""
    return any(begin < end and over > start for begin, over in spans)

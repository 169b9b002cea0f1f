"""People: who they are, what they can do, when they are on duty. Reading the CSV is in `engine.people_file`."""

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.record import Instant, Record, Value


class Shift(Value):
    """A stretch on duty, half open: from `start` up to `end`."""

    start: Instant
    end: Instant


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
    skills: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    """What they may answer: `private` messages, the `public` feed."""
    time_zone: str = "UTC"
    chat: str = ""
    """Chat user id (Slack). Empty: not reachable there."""
    email: str = ""
    phone: str = ""
    shifts: tuple[Shift, ...] = ()
    leave: tuple[Shift, ...] = ()
    last_called_at: Instant | None = None
    active: bool = True

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(self.time_zone))

    def on_duty(self, instant: datetime) -> bool:
        return any(shift.start <= instant < shift.end for shift in self.shifts)

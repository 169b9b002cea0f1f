"""Call-out: whom to ask, in which waves, and what an answer means."""

from enum import StrEnum

from engine.record import Instant, Record


class Answer(StrEnum):
    NONE = ""
    YES = "yes"
    LATER = "later"
    NO = "no"


class CallOut(Record):
    """One summons for responders."""

    key: str
    """Unique: incident key, step."""
    incident: int
    step: str
    quota: int
    skills: tuple[str, ...] = ()
    languages: dict[str, int] = {}
    """Of the quota, how many at least must speak this language."""
    starts_at: Instant
    ends_at: Instant
    where: str = ""
    respond_by: Instant | None = None
    waves: int = 0
    accepted: int = 0
    """Written in the same change as every accepted answer, so that the quota can't be exceeded."""
    closed_at: Instant | None = None
    closed_because: str = ""


class Invitation(Record):
    """One person asked in one call-out."""

    key: str
    """Unique: call-out key, person."""
    incident: int
    callout: str
    person: str
    wave: int
    asked_at: Instant
    answer: Answer = Answer.NONE
    answered_at: Instant | None = None
    too_late: bool = False
    """Said yes when there were enough: on the waiting list."""
    released_at: Instant | None = None

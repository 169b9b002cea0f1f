"""The queue: conversations, what is urgent, who is next, and which promise is about to break."""

from enum import StrEnum

from engine.record import Instant, Record, Value


class ConversationStatus(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    REFERRED = "referred"
    SOLVED = "solved"


class Queue(Record):
    """The crisis queue of an incident, and what it promises."""

    incident: int
    opened_at: Instant
    closed_at: Instant | None = None
    answer_within_s: int
    solve_within_s: int
    warned_until: Instant | None = None
    """Promises that break before this were warned about."""


class Conversation(Record):
    """One customer's case. Personal: deleted on a schedule."""

    id: int | None = None
    incident: int
    key: str
    """Unique: channel and the outside's id; a second delivery changes nothing."""
    channel: str
    customer: str
    """A handle or name, as little as serves."""
    text: str
    language: str = ""
    urgency: int = 3
    """1 is the stranded family, 4 is the wifi."""
    urgency_because: str = ""
    received_at: Instant
    answer_by: Instant
    solve_by: Instant
    status: ConversationStatus = ConversationStatus.OPEN
    agent: str = ""
    claimed_at: Instant | None = None
    answered_at: Instant | None = None
    solved_at: Instant | None = None
    referred_to: str = ""


class QueueFigures(Value):
    """How the queue stands now."""

    open: int = 0
    claimed: int = 0
    answered: int = 0
    solved: int = 0
    referred: int = 0
    late_answers: int = 0
    """Past their promise and not answered."""
    next_breach_at: Instant | None = None
    """When the next open promise breaks."""
    oldest_open_at: Instant | None = None
    kept: int = 0
    """Answered within the promise."""
    broken: int = 0

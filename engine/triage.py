"""The queue: conversations, who is next, what may happen to one, and which promise is about to break.

How urgent a message is, is read in `engine.urgency`. What remembers conversations meets `Conversations`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import Field, field_validator

from engine.incident import NotAllowed
from engine.people import Person
from engine.record import Instant, Record, Value
from engine.urgency import WordList, detect_language, urgency

WAIT_BEHIND = {1: timedelta(0), 2: timedelta(hours=6), 3: timedelta(hours=12), 4: timedelta(hours=24)}
"""So much older than a stranded family's a promise must be before its customer goes first. It bounds every wait."""

LIFT = timedelta(minutes=15)
"""A promise that breaks within this lifts its conversation by one level, while it can still be kept."""

SILENT_AFTER = timedelta(minutes=15)
"""A claimed conversation that was not answered for so long goes back to the queue."""


class NotFound(LookupError):
    """There is no such thing. The message is one sentence for the person who asked."""


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
    warn_before_s: int = 600
    """How long before a promise breaks it is warned about, at the latest."""
    warned_until: Instant | None = None
    """Promises that break before this were warned about."""


class Incoming(Value):
    """One message as it comes from the outside, by API or CSV."""

    channel: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_.-]+$")
    """`x`, `facebook`, `whatsapp`, `email` …: the channel on which the customer waits."""
    id: str = Field(min_length=1, max_length=200)
    """The outside's own id: the same message again changes nothing."""
    customer: str = Field(default="", max_length=120)
    """A handle or name, as little as serves."""
    text: str = Field(min_length=1, max_length=20_000)
    received_at: Instant | None = None
    """When the customer wrote. Absent: now."""
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$")
    """Where the outside knows it; else it is detected."""
    public: bool = False
    """Written where everybody reads it: answered only by those who may answer the public feed."""

    @field_validator("received_at", mode="before")
    @classmethod
    def _written_out(cls, raw: Any) -> Any:
        if isinstance(raw, int | float) or (
            isinstance(raw, str) and raw.strip().lstrip("-").replace(".", "").isdigit()
        ):
            raise ValueError("a bare number could be anything; write a time like 2026-11-22T04:10Z")
        return raw


class Conversation(Record):
    """One customer's case. Personal: deleted on a schedule."""

    id: int | None = None
    incident: int
    key: str
    """Unique within the incident: channel and the outside's id; a second delivery changes nothing."""
    channel: str
    customer: str
    """A handle or name, as little as serves."""
    text: str
    language: str = ""
    urgency: int = 3
    """1 is the stranded family, 4 is the wifi."""
    urgency_because: str = ""
    public: bool = False
    received_at: Instant
    answer_by: Instant
    solve_by: Instant
    status: ConversationStatus = ConversationStatus.OPEN
    agent: str = ""
    claimed_at: Instant | None = None
    answered_at: Instant | None = None
    solved_at: Instant | None = None
    referred_to: str = ""

    @property
    def turn_at(self) -> datetime:
        """Its place in the queue: the smaller goes first. Fixed, so a store can keep it in a column."""
        return self.answer_by + WAIT_BEHIND[self.urgency]

    @property
    def lifted_turn_at(self) -> datetime:
        """Its place while its promise is about to break: one level up, but never among the stranded."""
        return self.answer_by + WAIT_BEHIND[max(min(self.urgency, 2), self.urgency - 1)]

    @property
    def promises(self) -> tuple[datetime, ...]:
        """Deadlines of the promises that are not kept yet, broken or not."""
        if self.solved_at:
            return ()
        return (self.solve_by,) if self.answered_at else (self.answer_by, self.solve_by)


class QueueFigures(Value):
    """How the queue stands now."""

    open: int = 0
    claimed: int = 0
    answered: int = 0
    solved: int = 0
    referred: int = 0
    late_answers: int = 0
    """Past their promise and not answered."""
    late_solutions: int = 0
    """Past their promise and not solved."""
    at_risk: int = 0
    """Conversations with a promise that breaks within twice the queue's `warn_before_s`."""
    next_breach_at: Instant | None = None
    """When the next open promise breaks."""
    next_unwarned_at: Instant | None = None
    """When the next promise breaks that was not warned about."""
    oldest_open_at: Instant | None = None
    """When the customer wrote who waits longest for an answer."""
    kept: int = 0
    """Answered within the promise."""
    broken: int = 0
    """Answered too late, or late and not answered yet."""
    waiting_by_language: dict[str, int] = {}
    """Not claimed and not answered; "" is an unknown language."""


class Conversations(Protocol):
    """What remembers conversations. Each call is one transaction."""

    def add(self, conversations: Sequence[Conversation]) -> list[bool]:
        """Insert them; for each tell whether it was new.

        One whose (incident, key) is there already, stored or earlier in the same call, is left as it is. All or none.
        """
        ...

    def next_for(
        self,
        incident: int,
        languages: Collection[str],
        rights: Collection[str],
        agent: str,
        now: datetime,
        team: str = "",
        another: bool = False,
    ) -> Conversation | None:
        """Claim for the agent the conversation whose turn it is, and return it; None when there is none.

        First, unless `another`: the one the agent holds already (CLAIMED by them, claimed_at > now − SILENT_AFTER),
        the longest held, unchanged, so that a lost answer or a double click takes no second one.

        Candidates: status OPEN with referred_to = '' (`team` empty) or REFERRED with referred_to = team; also CLAIMED
        with claimed_at <= now − SILENT_AFTER and referred_to = team. Of these: language = '' or in `languages`
        (empty `languages`: every language); public → 'public' in rights, else 'private' in rights.

        Order, as `order` has it: CASE WHEN answered_at IS NULL AND answer_by BETWEEN :now AND :now_plus_LIFT
        THEN lifted_turn_at ELSE turn_at END, received_at, id; both columns are written when it is added.

        Claiming is a conditional UPDATE (… WHERE id = ? AND version = ?) as `claim` changes it; when it changes
        no row somebody was there first: take the next candidate.
        """
        ...

    def get(self, id: int) -> Conversation | None: ...

    def put(self, conversation: Conversation) -> Conversation:
        """Write it, and return it with its new version.

        Raises `state.store.Stale` when its version is not the stored one: somebody was there first.
        """
        ...

    def figures(self, incident: int, now: datetime) -> QueueFigures:
        """As `figures` has it, over the incident's conversations and its queue."""
        ...

    def search(
        self,
        incident: int,
        status: ConversationStatus | None = None,
        agent: str = "",
        customer: str = "",
        language: str = "",
        after: int = 0,
        limit: int = 50,
    ) -> list[Conversation]:
        """Find by what is given, ids above `after`, ascending; `customer` is any part of the handle, case aside."""
        ...


def receive(queue: Queue, raw: Incoming, now: datetime, lists: Mapping[str, WordList]) -> Conversation:
    """Make a conversation of a message; promises count from when the customer wrote, not from when we looked.

    A `received_at` in the future counts as now. Raises NotAllowed when the queue is closed.
    """
    if queue.closed_at:
        raise NotAllowed(f"The queue of INC-{queue.incident} is closed; send the conversation to the usual desk.")
    received_at = min(raw.received_at or now, now)
    language = raw.language or detect_language(raw.text, lists)
    level, because = urgency(raw.text, language, lists)
    return Conversation(
        incident=queue.incident,
        key=f"{raw.channel}/{raw.id}",
        channel=raw.channel,
        customer=raw.customer,
        text=raw.text,
        language=language,
        urgency=level,
        urgency_because=because,
        public=raw.public,
        received_at=received_at,
        answer_by=received_at + timedelta(seconds=queue.answer_within_s),
        solve_by=received_at + timedelta(seconds=queue.solve_within_s),
    )


def order(conversation: Conversation, now: datetime) -> tuple[datetime, datetime, int]:
    """Sort key of the queue: the smallest is next.

    Urgency first: a stranded family that writes now goes before a cancelled flight unless that one's promise is
    six hours older (12 for a refund, 24 for the wifi). So in a backlog of half a day families still go first,
    and yet everybody's turn comes. A promise that breaks within 15 minutes and can still be kept goes one level
    up, never to level 1; once it is broken the lift is gone, for nothing can be saved by it any more.
    """
    soon = conversation.answered_at is None and now <= conversation.answer_by <= now + LIFT
    turn = conversation.lifted_turn_at if soon else conversation.turn_at
    return turn, conversation.received_at, conversation.id or 0


KINDS = ("private", "public")
"""What an agent may answer, in the order in which somebody new begins."""


def rights(person: Person, called_in: bool) -> tuple[str, ...]:
    """Say what a person may answer: by the people file, and what they were signed off for.

    Whoever is `called_in`, having accepted a call-out whose hours are not over, may answer private messages at least.
    """
    held = {*person.answers, *person.signed_off, *(("private",) if called_in else ())}
    return tuple(kind for kind in KINDS if kind in held)


def must_be_allowed(name: str, kind: str, held: Collection[str]) -> None:
    """Raise NotAllowed, with who can change it, unless `kind` is among the rights."""
    if kind not in held:
        may = "private messages" if "private" in held else "the public feed" if held else "nothing yet"
        what = "the public feed" if kind == "public" else "private messages"
        raise NotAllowed(
            f"{name} may answer {may}, not {what}; their buddy or the social lead signs people off for the public "
            "feed, the rest stands in the people file (`answers`)."
        )


def lapsed(conversation: Conversation, now: datetime, silent_after: timedelta = SILENT_AFTER) -> bool:
    """Tell whether the agent who claimed it went silent, so that it is anybody's again."""
    claimed_at = conversation.claimed_at
    return (
        conversation.status is ConversationStatus.CLAIMED
        and claimed_at is not None
        and claimed_at + silent_after <= now
    )


def claim(
    conversation: Conversation, agent: str, now: datetime, silent_after: timedelta = SILENT_AFTER
) -> Conversation:
    """Give it to an agent; again by the same agent renews. Raises NotAllowed while another has it."""
    status = conversation.status
    free = status in (ConversationStatus.OPEN, ConversationStatus.REFERRED) or lapsed(conversation, now, silent_after)
    mine = status is ConversationStatus.CLAIMED and conversation.agent == agent
    if not (free or mine):
        raise NotAllowed(f"{_stands(conversation)}; ask for the next one instead.")
    return _to(conversation, ConversationStatus.CLAIMED, agent=agent, claimed_at=now)


def answer(conversation: Conversation, agent: str, now: datetime) -> Conversation:
    """Note that the customer was answered; a repeat changes nothing. Raises NotAllowed unless the agent has it."""
    if conversation.status is ConversationStatus.ANSWERED and conversation.agent == agent:
        return conversation
    _must_hold(conversation, agent)
    return _to(conversation, ConversationStatus.ANSWERED, answered_at=conversation.answered_at or now)


def refer(conversation: Conversation, agent: str, to: str) -> Conversation:
    """Pass it to another team; its promises go on counting. Raises NotAllowed unless the agent has it."""
    if conversation.status is ConversationStatus.REFERRED and conversation.referred_to == to:
        return conversation
    if not (conversation.status is ConversationStatus.ANSWERED and conversation.agent == agent):
        _must_hold(conversation, agent)
    if not to.strip():
        raise NotAllowed("Say to which team it is referred, such as baggage.")
    return _to(conversation, ConversationStatus.REFERRED, agent="", claimed_at=None, referred_to=to.strip())


def solve(conversation: Conversation, agent: str, now: datetime) -> Conversation:
    """Close it; the customer who was not answered yet is answered by this. A repeat changes nothing.

    Raises NotAllowed while nobody, or somebody else, has claimed it.
    """
    if conversation.status is ConversationStatus.SOLVED:
        return conversation
    if conversation.status not in (ConversationStatus.ANSWERED, ConversationStatus.REFERRED):
        _must_hold(conversation, agent)
    answered_at = conversation.answered_at or now
    return _to(conversation, ConversationStatus.SOLVED, agent=agent, answered_at=answered_at, solved_at=now)


def release(conversation: Conversation, agent: str) -> Conversation:
    """Put it back where it came from. Raises NotAllowed unless the agent has it."""
    _must_hold(conversation, agent)
    back = ConversationStatus.REFERRED if conversation.referred_to else ConversationStatus.OPEN
    return _to(conversation, back, agent="", claimed_at=None)


def figures(conversations: Iterable[Conversation], queue: Queue, now: datetime) -> QueueFigures:
    """Count how the queue stands. A promise breaks after its instant, not at it."""
    every = list(conversations)
    waiting = [c for c in every if c.answered_at is None]
    coming = [at for c in every for at in c.promises if at >= now]
    unwarned = [at for at in coming if queue.warned_until is None or at > queue.warned_until]
    soon = now + 2 * timedelta(seconds=queue.warn_before_s)
    counts = {status.value: sum(c.status is status for c in every) for status in ConversationStatus}
    by_language: dict[str, int] = {}
    for c in waiting:
        if c.status is not ConversationStatus.CLAIMED:
            by_language[c.language] = by_language.get(c.language, 0) + 1
    late = sum(c.answer_by < now for c in waiting)
    return QueueFigures(
        **counts,
        late_answers=late,
        late_solutions=sum(c.solved_at is None and c.solve_by < now for c in every),
        at_risk=sum(any(now <= at <= soon for at in c.promises) for c in every),
        next_breach_at=min(coming, default=None),
        next_unwarned_at=min(unwarned, default=None),
        oldest_open_at=min((c.received_at for c in waiting), default=None),
        kept=sum(c.answered_at is not None and c.answered_at <= c.answer_by for c in every),
        broken=late + sum(c.answered_at is not None and c.answered_at > c.answer_by for c in every),
        waiting_by_language=dict(sorted(by_language.items())),
    )


def expired(conversation: Conversation, now: datetime, keep_days: int) -> bool:
    """Tell whether it must be deleted: nothing has happened to it for so many days."""
    moments = (conversation.received_at, conversation.claimed_at, conversation.answered_at, conversation.solved_at)
    last = max(moment for moment in moments if moment)
    return last + timedelta(days=keep_days) <= now


def redact(conversation: Conversation) -> dict[str, Any]:
    """What a log may say of it: nothing the customer wrote, no handle, and not the outside's id."""
    return conversation.model_dump(mode="json", exclude={"customer", "text", "key", "urgency_because"})


def _must_hold(conversation: Conversation, agent: str) -> None:
    if conversation.status is not ConversationStatus.CLAIMED or conversation.agent != agent:
        raise NotAllowed(f"{_stands(conversation)}; claim it first, or ask for the next one.")


def _stands(conversation: Conversation) -> str:
    who = f" by {conversation.agent}" if conversation.agent else ""
    return f"Conversation {conversation.id} is {conversation.status}{who}"


def _to(conversation: Conversation, status: ConversationStatus, **changes: Any) -> Conversation:
    return conversation.model_copy(update={"status": status, **changes})

"""Effects: what is to be done to the outside, each with a key, made once. Nothing here sends."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.record import Instant, Record, Value


class Button(Value):
    """A choice under a message. `value` comes back when somebody presses it."""

    label: str = Field(max_length=75)
    """Slack allows 75 characters in a button's text."""
    action: str
    value: str = Field(default="", max_length=2000)
    style: Literal["", "primary", "danger"] = ""


class Post(Value):
    """A statement, outward, on one channel in one language."""

    kind: Literal["post"] = "post"
    incident: str
    title: str
    message: str
    """Which message: holding, update, correction, resolution …"""
    language: str
    text: str
    severity: str
    status: str
    """The incident's status when the text was drafted."""
    statement: str
    """Key of the statement, the same for all its posts."""
    drafted_at: Instant
    """Frozen with the draft: a repeated send is byte for byte the same."""
    next_update_at: Instant | None = None
    drill: bool = False
    part: int = 1
    """Which part of a thread this is; the needed effect is the part before."""
    parts: int = 1
    corrects: str = ""
    """Key of the statement that this one corrects; the needed effect is what that one said here."""
    components: dict[str, str] = {}
    """Component → state, for a status page: operational, degraded, partial_outage, major_outage."""


class Amend(Value):
    """Put other words in the place of the post that the needed effect made. The receipt is that of the post."""

    kind: Literal["amend"] = "amend"
    post: Post
    """The post as it is to be read from now on."""


class Withdraw(Value):
    """Take the post of the needed effect away from the public; on our record it stays. Done twice it is done."""

    kind: Literal["withdraw"] = "withdraw"
    statement: str
    """Key of the statement."""
    language: str
    reason: str


SAME, CHANGED, GONE = "same", "changed", "gone"
"""What a Look finds: `facts["seen"]` of its receipt; `facts["text"]` is what stands there, where it can be read."""


class Look(Value):
    """Look at the post of the needed effect as the public sees it. Changes nothing, and may be done again."""

    kind: Literal["look"] = "look"
    text: str
    """What should stand there. The channel compares, for it knows how it writes links and lines."""


class Hold(Value):
    """Hold the marketing posts that are scheduled, or release them again. Done twice it is done."""

    kind: Literal["hold"] = "hold"
    incident: str
    held: bool
    reason: str
    drill: bool = False
    """A drill only looks how the scheduler stands, unless its settings let drills hold."""


class Room(Value):
    """Open the incident's own chat channel."""

    kind: Literal["room"] = "room"
    name: str = Field(max_length=80, pattern=r"^[a-z0-9_-]+$")
    """Slack allows 80 characters: lower-case letters, digits, hyphens and underscores."""
    topic: str = Field(max_length=250)
    purpose: str = Field(max_length=250)


class Topic(Value):
    """Change the topic of the room that the needed effect opened."""

    kind: Literal["topic"] = "topic"
    topic: str = Field(max_length=250)


class Invite(Value):
    """Bring people into the room that the needed effect opened. `members` are chat user ids."""

    kind: Literal["invite"] = "invite"
    members: tuple[str, ...] = Field(max_length=30)
    """At most 30 in one call."""


class Text(Value):
    """A text inside: in the room of the needed effect, or in `room` by name when it needs none."""

    kind: Literal["text"] = "text"
    text: str
    room: str = ""
    buttons: tuple[Button, ...] = Field(default=(), max_length=25)


class Attachment(Value):
    """A small file that goes with a text, where the channel can carry one."""

    name: str
    type: str
    """Media type with its parameters: `text/calendar; method=PUBLISH`."""
    text: str


class Direct(Value):
    """A text to one person. `address` is what the channel knows them by: chat user id, e-mail address, phone number."""

    kind: Literal["direct"] = "direct"
    person: str
    """Key of the person in the people file."""
    address: str
    text: str
    subject: str = ""
    """One line, for channels that have one."""
    buttons: tuple[Button, ...] = Field(default=(), max_length=25)
    """Left out where a channel has none: the text then carries a code and a link."""
    attachments: tuple[Attachment, ...] = ()


class Revise(Value):
    """Change in place the Text or Direct that the needed effect sent; its buttons become these."""

    kind: Literal["revise"] = "revise"
    text: str
    buttons: tuple[Button, ...] = Field(default=(), max_length=25)


Message = Annotated[
    Post | Amend | Withdraw | Look | Hold | Room | Topic | Invite | Text | Direct | Revise,
    Field(discriminator="kind"),
]


class Receipt(Value):
    """What the outside answered: enough to find, link and change what was made."""

    id: str
    """The outside's own id: a Slack `ts`, an `at://` URI, a file name."""
    place: str = ""
    """Where it lives: a Slack channel id, a repository."""
    url: str = ""
    facts: dict[str, Any] = {}


class EffectState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It can't be found out whether it happened, and sending twice would harm: a person decides."""
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        return self not in (EffectState.QUEUED, EffectState.SENDING)


class Effect(Record):
    """One thing done to the outside world."""

    key: str
    incident: int | None
    step: str = ""
    """Step and occurrence, as `first_word#1`; empty for what a command or the engine itself wants."""
    channel: str
    message: Message
    needs: str | None = None
    """Key of the effect whose receipt this one builds on; it is not sent before that one is."""
    urgency: int = 5
    """0 is sent first."""
    if_unknown: Literal["send_again", "ask"] = "send_again"
    """What to do when the outcome can't be found out. Direct messages again, public statements ask."""
    replaces: str = ""
    """A queued effect with the same `replaces` that was not sent yet is cancelled by this one."""
    state: EffectState = EffectState.QUEUED
    queued_at: Instant
    not_before: Instant
    lease_until: Instant | None = None
    lease_owner: str = ""
    uncertain: bool = False
    """A send began and its outcome is not known: find before sending again."""
    doubtful: int = 0
    """Sends whose answer was lost, and of which nobody knows whether they arrived."""
    attempts: int = 0
    error: str = ""
    receipt: Receipt | None = None
    sent_at: Instant | None = None

"""The document of a regulator pack: what `statements.json` and `timeline.json` hold, and whether it agrees with itself.

How it is gathered is in `engine.pack`.
"""

from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime

from engine.effects import EffectState
from engine.record import Instant, Value
from engine.statements import StatementStatus

FORMAT: Literal["irrops-statements/1"] = "irrops-statements/1"
APPROVED = ("person", "preapproved", "playbook")
"""Decisions after which a text may be sent."""


class Moment(Value):
    """An instant as the world and as the readers know it."""

    utc: Instant
    local: AwareDatetime


class Who(Value):
    """Somebody of the staff, or irrops itself."""

    key: str
    name: str
    role: str = ""


class Part(Value):
    """One post's worth of an approved text, and the SHA-256 of its UTF-8."""

    text: str
    sha256: str


class Publication(Value):
    """What was done to put one part before the public."""

    part: int
    how: Literal["post", "amend"]
    """`amend`: put in the place of a post that stood there."""
    title: str
    """Headline, where the channel has one."""
    text: str
    sha256: str
    state: EffectState
    sandbox: bool
    """Nothing left the house: the channel had no credentials, or it was a rehearsal."""
    sent: Moment | None
    attempts: int
    url: str
    receipt: str
    """The channel's own id of the post; empty where a person said that it is out."""
    error: str

    @property
    def public(self) -> bool:
        """Whether people outside could read it."""
        return self.state is EffectState.SENT and not self.sandbox


class Removal(Value):
    """What was done to take a post away again."""

    reason: str
    state: EffectState
    at: Moment | None
    error: str


class Said(Value):
    """One text of a statement: a channel in a language."""

    channel: str
    language: str
    parts: tuple[Part, ...]
    """The text as it was decided on; as it stands, where nobody decided."""
    publications: tuple[Publication, ...]
    removals: tuple[Removal, ...] = ()
    not_delivered: str = ""
    """Why it, or a part of it, never reached the public; empty where all did."""

    @property
    def public(self) -> bool:
        """Whether people outside could read any of it."""
        return any(one.public for one in self.publications)


class Before(Value):
    """A text as it was until it was edited."""

    channel: str
    language: str
    text: str


class Edited(Value):
    at: Moment
    by: Who
    what: str
    before: tuple[Before, ...] = ()
    """The texts that were changed, as they were until then."""


class Decision(Value):
    """How it was decided whether the public reads it."""

    how: Literal["person", "preapproved", "playbook", "rejected", "none"]
    """`preapproved`: nobody answered in time. `playbook`: no approval is asked for. `none`: undecided."""
    at: Moment | None = None
    by: Who | None = None
    because: str = ""


class TakenBack(Value):
    at: Moment
    by: Who
    because: str


class Stated(Value):
    """A statement from its draft to its end."""

    ref: str
    key: str
    message: str
    status: StatementStatus
    drafted: Moment
    drafted_by: Who
    edits: tuple[Edited, ...]
    asked: tuple[str, ...]
    """Roles that were asked to approve, in order."""
    asked_at: Moment | None
    four_eyes: bool
    decision: Decision
    live: Moment | None
    next_update: Moment | None
    """What the text promises."""
    corrects: str
    """Reference of the statement that it corrects."""
    corrected_by: tuple[str, ...]
    withdrawn: TakenBack | None
    texts: tuple[Said, ...]


class About(Value):
    """Which incident."""

    ref: str
    uid: str
    title: str
    playbook: str
    severity: str
    status: str
    live: bool
    """It still goes on: more may be said."""
    drill: bool
    declared: Moment
    organisation: str
    time_zone: str


class Document(Value):
    """Everything that was said: `statements.json`."""

    format: Literal["irrops-statements/1"] = FORMAT
    as_of: Moment
    incident: About
    statements: tuple[Stated, ...]

    @property
    def publications(self) -> tuple[Publication, ...]:
        """All of them, whatever became of each."""
        texts = (text for stated in self.statements for text in stated.texts)
        return tuple(publication for text in texts for publication in text.publications)


class Line(Value):
    """One line of `timeline.json`."""

    at: Moment
    kind: str
    text: str
    actor: str
    statement: str
    """Reference; empty where it is about none in particular."""


def unlike(document: Document) -> list[str]:
    """Name every text that was sent and is not, byte for byte, what was approved; and every hash that lies."""
    found = []
    for stated in document.statements:
        decided = stated.decision.how in APPROVED
        for said in stated.texts:
            where = f"{stated.ref} on {said.channel} in {said.language}"
            hashed = [(one.text, one.sha256) for one in said.parts]
            hashed += [(one.text, one.sha256) for one in said.publications]
            if any(digest(text) != known for text, known in hashed):
                found.append(f"{where}: a text is not the one its SHA-256 was made from")
            for sent in (one for one in said.publications if one.state is EffectState.SENT):
                approved = said.parts[sent.part - 1].sha256 if 0 < sent.part <= len(said.parts) else ""
                if not decided:
                    found.append(f"{where}: it was sent, but nobody approved it")
                elif sent.sha256 != approved:
                    found.append(f"{where}: the text that was sent is not the text that was approved")
    return found


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, hexadecimal."""
    return sha256(text.encode()).hexdigest()

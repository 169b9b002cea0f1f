"""What the outside must meet. No implementation lives here."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Protocol

from engine.correlation import Alert
from engine.effects import Button, Message, Receipt
from engine.incident import NotAllowed
from engine.playbook import Playbook
from engine.record import Value


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


class TextLimit(Value):
    """How long a text may be on a channel. `source` says where the number is from."""

    count: int
    unit: str
    """`characters`, `graphemes`, or another unit that `engine.limits.measure` knows."""
    bytes: int | None = None
    """A second limit, in bytes of UTF-8."""
    threads: bool = False
    """Whether a text may go on in further posts, each an answer to the one before."""
    source: str


ASKS_TO_WAIT = "asks us to wait"
"""Part of what a channel says in Refused when the outside itself limits how fast we may go."""


class Refused(Exception):
    """The outside said no, so nothing happened there. `permanent`: asking again won't help.

    `sooner`: what is urgent asks again after so many seconds already, and is let in before the others.
    """

    def __init__(self, reason: str, *, permanent: bool, retry_after: float | None = None, sooner: float | None = None):
        self.permanent, self.retry_after, self.sooner = permanent, retry_after, sooner
        super().__init__(reason)


class Lost(Exception):
    """No answer, or one that can't be understood: it may have happened."""


class CannotTell(Exception):
    """`find` is not able to say whether it happened."""


class Channel(Protocol):
    """A way outwards. Blocking, safe for several threads, connects on first use, keeps no queue, never re-sends."""

    name: str
    kinds: frozenset[str]
    """Which messages it takes, by `kind`."""
    limit: TextLimit | None
    sandbox: bool
    """True: nothing leaves the house."""

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Do it once. `base` is the receipt of the effect it needs. Raises Refused or Lost.

        A Post with a base of this channel is an answer to that post: the next part of a thread, or a correction.
        """
        ...

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether the effect with this key was made. None: surely not. Raises CannotTell, Refused or Lost."""
        ...

    def check(self) -> list[str]:
        """Say what is wrong with credentials, scopes, reach; empty when all is well. For `irrops doctor`."""
        ...


class Request(Value):
    """An incoming HTTP request, as much of it as a source needs."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class NotAuthentic(Exception):
    """The request does not come from where it says."""


class BadPayload(Exception):
    """Not what the source sends; the message says what is expected."""


class AlertSource(Protocol):
    """Where alerts come from."""

    name: ClassVar[str]

    def verify(self, request: Request) -> None:
        """Raises NotAuthentic."""
        ...

    def parse(self, payload: bytes, received_at: datetime) -> list[Alert]:
        """Raises BadPayload."""
        ...


class Reply(Value):
    """What to tell the person who pressed a button, or wrote."""

    text: str
    revise: str | None = None
    """New text of the message that carried the button, whose buttons go; None leaves it as it is."""
    buttons: tuple[Button, ...] = ()
    """What to choose from next, under `text`, which only this person sees."""


class HomeItem(Value):
    """One thing that runs, or waits for the person."""

    text: str
    buttons: tuple[Button, ...] = ()


class FormText(Value):
    """One text in a form, once for all channels that show the same."""

    name: str
    """The first place that shows it, as `status_page|en`."""
    language: str
    channels: tuple[str, ...]
    parts: tuple[str, ...]
    """One post, or those of a thread."""
    lengths: tuple[tuple[str, tuple[str, ...]], ...]
    """Channel → how much of its limit each part uses, as `251 of 280 weighted`."""
    stops: tuple[str, ...] = ()
    """What the lint finds that must not be published."""
    advice: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole text, as it is written in one field."""
        return "\n\n".join(self.parts)


class StatementForm(Value):
    """A draft in one language, to be read, edited and decided in a form."""

    statement: str
    """Its reference."""
    heading: str
    language: str
    languages: tuple[str, ...]
    texts: tuple[FormText, ...]
    seen: str
    """Which words these are (`engine.approval.words`)."""
    elsewhere: str
    """Where a text can be edited that a form has no room for."""


class Decision(Value):
    """What somebody made of such a form."""

    APPROVE: ClassVar[str] = "approve"
    KEEP: ClassVar[str] = "keep"
    """The words are put in; nothing goes out yet."""
    REJECT: ClassVar[str] = "reject"

    statement: str
    seen: str
    do: str
    texts: Mapping[str, str] = {}
    """Name of a text → its words; those that did not change may be left out."""
    reason: str = ""
    anyway: str = ""
    """Why words stand that the lint stops."""


class FormMistakes(NotAllowed):
    """A form that can't be taken as it is; nothing was changed. `at`: name of a text, `do` or `reason` → sentence."""

    def __init__(self, at: Mapping[str, str]):
        self.at = dict(at)
        super().__init__(" ".join(self.at.values()))


class Door(Protocol):
    """What a chat integration may ask of the desk. Answers fast; the work is done later.

    All raise `engine.incident.NotAllowed` with one sentence for the person.
    """

    def press(self, action: str, value: str, chat_user: str) -> Reply:
        """A button was pressed. A second press changes nothing and says how it stands."""
        ...

    def playbooks(self) -> list[Playbook]: ...

    def declare_from_chat(
        self, playbook: str, severity: str, facts: Mapping[str, str], chat_user: str, key: str
    ) -> str:
        """Returns the incident's reference. Raises FactsError. The same `key` again returns the same incident."""
        ...

    def status_for_chat(self) -> str: ...

    def home(self, chat_user: str) -> list[HomeItem]: ...

    def said(self, chat_user: str, text: str, written_at: datetime | None = None) -> Reply:
        """Somebody wrote to us directly, in their own words, at an instant (default: now)."""
        ...

    def approvals(self, chat_user: str) -> list[HomeItem]:
        """What this person may approve, each with its whole text and the buttons."""
        ...

    def approve_in_chat(self, statement: str, chat_user: str) -> str:
        """Approve a statement by its reference; returns a sentence."""
        ...

    def statement_form(self, statement: str, language: str, chat_user: str) -> StatementForm:
        """A draft, given by its reference or the value of a button, in a language; in its first one by default."""
        ...

    def decide_in_chat(self, decision: Decision, chat_user: str) -> Reply:
        """Take such a form, all of it or nothing. Raises FormMistakes. Sent again it changes nothing more."""
        ...

    def page_in_chat(self, text: str, chat_user: str) -> Reply:
        """Call somebody: name, incident where there are several, why. The reply may ask which person is meant."""
        ...


class Wording(Protocol):
    """Templates of messages."""

    def render(self, message: str, channel: str, language: str, context: Mapping[str, object]) -> str:
        """Raises WordingError."""
        ...

    def source(self, message: str, channel: str, language: str) -> str:
        """Name the template that `render` would take: two channels with the same one get the same text."""
        ...

    def languages(self, message: str) -> Iterable[str]: ...

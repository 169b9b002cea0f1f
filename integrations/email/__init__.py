"""E-mail: messages to one person, and statements to lists, over SMTP. Settings, and how to connect.

The client is imported on connecting. What is said is decided in the engine.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

if TYPE_CHECKING:
    from integrations.email.channel import Email

LIMIT = None
"""A mail takes a text of any length that people write; servers refuse by the megabyte."""
KINDS = frozenset({"direct", "post"})

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)")
"""An address as people have them: RFC 5321, section 4.1.2, without quotes, comments, address literals, SMTPUTF8."""
EVERY = "*"
"""Stands for all languages."""
_NAMED = re.compile(r"(?P<name>[^<>\x00-\x1f\x7f]*)<(?P<address>[^<>]+)>")


def parted(text: str) -> tuple[str, str]:
    """Part `Example Air <duty@airline.example>`, or an address alone, into name and address. Raises ValueError."""
    named = _NAMED.fullmatch(text.strip())
    name, address = (named["name"].strip(' "'), named["address"].strip()) if named else ("", text.strip())
    if not ADDRESS.fullmatch(address):
        raise ValueError(f"{text!r} is no e-mail address; write it like Example Air <duty@airline.example>")
    return name, address


class Settings(BaseModel):
    """What can be set about e-mail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="", description="The mail server that sends for us, such as smtp.airline.example.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port: 587 with starttls, 465 with tls, 25 inside.")
    username: str = Field(default="", description="Whom to log in as. Empty: the server takes mail without.")
    password: SecretStr | None = Field(default=None, description="The password of that user.")
    sender: str = Field(
        default="", description="Whom mails come from, such as `Example Air <duty@airline.example>`; needed to send."
    )
    reply_to: str = Field(default="", description="Where answers go, when not to the sender.")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="Encryption: `starttls` (demanded, not tried), `tls` from the first byte, `none` inside the house.",
    )
    timeout_s: float = Field(default=20, gt=0, le=120, description="Seconds to wait for each answer of the server.")

    statements: dict[str, tuple[str, ...]] = Field(
        default={},
        description='Who is mailed statements, by language, as JSON or a table: `{"*": ["press@airline.example"], '
        '"es": ["agencias@list.example"]}`; `*` gets every language. A mail for each, so that none sees another.',
    )
    post_drills: bool = Field(
        default=False, description="Mail the statements of drills too. Only where all on the lists expect drills."
    )
    folder: Path | None = Field(
        default=None,
        description="Where it is kept which statement went to how many. Default: `email` under IRROPS_HOME.",
    )

    @field_validator("statements")
    @classmethod
    def _lists(cls, lists: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for language, addresses in lists.items():
            if language != EVERY and not re.fullmatch(r"[a-z]{2,3}", language):
                raise ValueError(f"{language!r} is no language; write it like es, or * for all")
            for address in addresses:
                parted(address)
        return lists

    @field_validator("host")
    @classmethod
    def _a_name(cls, host: str) -> str:
        if not re.fullmatch(r"[\w.:-]*", host.strip()):
            raise ValueError(f"{host!r} is no name of a server; write it like smtp.airline.example")
        return host.strip()

    @field_validator("sender", "reply_to")
    @classmethod
    def _an_address(cls, text: str) -> str:
        if text.strip():
            parted(text)
        return text.strip()

    @property
    def complete(self) -> bool:
        """Whether one can send with these."""
        return bool(self.host and self.sender)


def _now() -> datetime:
    return datetime.now(UTC)


def connect(settings: Settings, now: Callable[[], datetime] = _now) -> "Email":
    """Make the channel; `now` dates the mails. Nothing connects before the first one."""
    from integrations.email.channel import Email

    return Email(settings, now)

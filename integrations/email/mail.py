"""A message as a mail: RFC 5322 headers, plain text, attachments. Nothing is sent here."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from engine.effects import Attachment, Direct
from engine.ports import Refused
from integrations.email import ADDRESS, Settings, parted

SUBJECT_LENGTH = 100
"""Characters taken from a text whose message has no subject of its own."""

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What would end a header and begin another, and other control characters."""


def address_of(message: Direct) -> str:
    """Take the address as it is. Raises Refused, for good, for what is no address: it could carry commands."""
    if not ADDRESS.fullmatch(message.address):
        raise Refused(
            "What stands for the person's e-mail address is none; correct it in the people file "
            "(letters outside ASCII in it can't be sent to: write the domain as xn--…).",
            permanent=True,
        )
    return message.address


def message_id(key: str, settings: Settings) -> str:
    """Name the mail after the effect's key: sent twice, it is the same mail, and most readers show it once."""
    return f"<{digest(key)}@{domain_of(settings)}>"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def domain_of(settings: Settings) -> str:
    """The domain of our sender."""
    return parted(settings.sender)[1].partition("@")[2]


def compose(message: Direct, key: str, settings: Settings, now: datetime) -> bytes:
    """Write the mail to one person. Raises Refused, for good, for what no mail can hold."""
    with writable():
        mail = headed(settings, address_of(message), _subject(message), now, message_id(key, settings))
        mail.set_content(message.text, cte="quoted-printable")
        for attachment in message.attachments:
            _attach(mail, attachment)
        return mail.as_bytes()


def headed(settings: Settings, to: str, subject: str, date: datetime, named: str) -> EmailMessage:
    """Begin a mail: 7-bit, lines ended by CRLF. Raises ValueError.

    `Auto-Submitted` (RFC 3834) and Exchange's `X-Auto-Response-Suppress` keep absence notes from answering.
    """
    mail = EmailMessage(policy=SMTP)
    for field, text in (("From", settings.sender), ("To", to), ("Reply-To", settings.reply_to)):
        if text:
            name, address = parted(text)
            mail[field] = Address(name, addr_spec=address)
    mail["Subject"] = subject
    mail["Date"] = date
    mail["Message-ID"] = named
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    return mail


@contextmanager
def writable() -> Iterator[None]:
    """Turn what the mail library can't write into Refused, for good: half a character, an unknown charset."""
    try:
        yield
    except (ValueError, LookupError) as error:
        raise Refused(f"The message can't be written as a mail ({type(error).__name__}).", permanent=True) from None


def one_line(text: str) -> str:
    """Make a text fit for a header: breaks and control characters become spaces."""
    return _BREAKS.sub(" ", text).strip()


def _subject(message: Direct) -> str:
    if not message.subject:
        first = next((line.strip() for line in message.text.splitlines() if line.strip()), "")
        return one_line(first)[:SUBJECT_LENGTH].strip()
    if _BREAKS.search(message.subject):
        raise Refused("The subject has a line break or control character in it; write one line.", permanent=True)
    return message.subject


def _attach(mail: EmailMessage, attachment: Attachment) -> None:
    """Attach the text byte for byte. `method` of a calendar stays in its type: by it a reader offers the entry."""
    if _BREAKS.search(attachment.name + attachment.type):
        raise Refused("An attachment's name or type has a line break in it; write one line.", permanent=True)
    kind = SMTP.header_factory("content-type", attachment.type)
    params = {**kind.params, "charset": "utf-8"} if kind.maintype == "text" else dict(kind.params)
    mail.add_attachment(
        attachment.text.encode(),
        maintype=kind.maintype,
        subtype=kind.subtype,
        params=params,
        filename=attachment.name,
    )

"""A message as a mail: RFC 5322 headers, plain text, attachments. Nothing is sent here."""

import hashlib
import re
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
    _, sender = parted(settings.sender)
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.partition('@')[2]}>"


def compose(message: Direct, key: str, settings: Settings, now: datetime) -> bytes:
    """Write the mail: 7-bit, lines ended by CRLF. Raises Refused, for good, for what no mail can hold.

    `Auto-Submitted` (RFC 3834) and Exchange's `X-Auto-Response-Suppress` keep absence notes from answering.
    """
    mail = EmailMessage(policy=SMTP)
    name, sender = parted(settings.sender)
    try:
        mail["From"] = Address(name, addr_spec=sender)
        mail["To"] = Address(addr_spec=address_of(message))
        if settings.reply_to:
            mail["Reply-To"] = Address(parted(settings.reply_to)[0], addr_spec=parted(settings.reply_to)[1])
        mail["Subject"] = _subject(message)
        mail["Date"] = now
        mail["Message-ID"] = message_id(key, settings)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(message.text, cte="quoted-printable")
        for attachment in message.attachments:
            _attach(mail, attachment)
        return mail.as_bytes()
    except (ValueError, LookupError) as error:  # UnicodeError too: half a character
        raise Refused(f"The message can't be written as a mail ({type(error).__name__}).", permanent=True) from None


def _subject(message: Direct) -> str:
    if not message.subject:
        first = next((line.strip() for line in message.text.splitlines() if line.strip()), "")
        return _BREAKS.sub(" ", first)[:SUBJECT_LENGTH].strip()
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

"""A statement as a mail: plain text, and the same as a page for readers that show one. Nothing is sent here."""

import re
from html import escape

from engine.effects import Post, Receipt
from engine.wording import MARKS
from integrations.email import Settings
from integrations.email.mail import digest, domain_of, headed, one_line, writable

ANSWERS = "answers"
"""In a receipt's facts: Message-IDs of the statements that this one followed, oldest first."""

_ADDRESS = re.compile(r"(https?://[^\s<>\"]*[^\s<>\".,;:!?)\]'])")


def mark(root: str, address: str) -> str:
    """Name one recipient of a statement, whose own Message-ID is `root`: the part before the @ of their Message-ID."""
    return digest(f"{root.strip('<>').partition('@')[0]}\n{address.lower()}")


def followed(base: Receipt | None) -> list[str]:
    """The statements that an answer to `base` follows, oldest first."""
    return [*base.facts.get(ANSWERS, ()), base.id] if base else []


def compose_statement(post: Post, root: str, address: str, settings: Settings, base: Receipt | None = None) -> bytes:
    """Write one recipient's mail, the same bytes every time. Raises Refused, for good, for what no mail can hold.

    `base` is the statement that it corrects: the mail answers the one that this recipient had (RFC 5322, section
    3.6.4). `List-Id` (RFC 2919) lets readers file it, and keeps absence notes away.
    """
    with writable():
        mail = headed(settings, address, subject(post), post.drafted_at, _named(root, address))
        answered = [_named(one, address) for one in followed(base)]
        if answered:
            mail["In-Reply-To"] = answered[-1]
            mail["References"] = " ".join(answered)
        mail["List-Id"] = f"<{post.language}.statements.{domain_of(settings)}>"
        mail.set_content(post.text + "\n", cte="quoted-printable")
        mail.add_alternative(page(post), subtype="html", cte="quoted-printable")
        mail["Content-Language"] = post.language  # set before, it would go to the first part alone
        mail.set_boundary(f"={mark(root, address)}=")
        return mail.as_bytes()


def subject(post: Post) -> str:
    """The title; in a drill after the mark, which must be seen before the mail is opened."""
    drill = MARKS.get(post.language, MARKS["en"]) if post.drill else ""
    title = one_line(post.title)
    return title if title.startswith(drill.strip()) else drill + title


def page(post: Post) -> str:
    """Write the text as HTML: its language named, a paragraph for each, addresses that can be followed."""
    paragraphs = (one.strip() for one in re.split(r"\n\s*\n", post.text.replace("\r\n", "\n")))
    body = "\n".join(f'<p dir="auto">{_linked(one)}</p>' for one in paragraphs if one)
    return (
        f'<!doctype html>\n<html lang="{escape(post.language)}">\n<head><meta charset="utf-8">'
        f"<title>{escape(subject(post))}</title></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _linked(text: str) -> str:
    parts = _ADDRESS.split(text)
    return "".join(
        f'<a href="{escape(part)}">{escape(part)}</a>' if number % 2 else escape(part, quote=False)
        for number, part in enumerate(parts)
    ).replace("\n", "<br>\n")


def _named(root: str, address: str) -> str:
    return f"<{mark(root, address)}@{root.strip('<>').partition('@')[2]}>"

"""Plain text as the page writes it: paragraphs, links, instants, which way a language runs. No pages."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from markupsafe import Markup, escape

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""Characters that XML 1.0 forbids."""
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


@lru_cache(maxsize=4096)  # the pages are made anew at every post, from the same texts
def paragraphs(text: str) -> Markup:
    """Write a plain text as HTML: paragraphs at empty lines, line breaks, web addresses as links; all escaped."""
    whole = []
    for paragraph in re.split(r"\n\s*\n", clean(text).strip()):
        lines = [_linked(line) for line in paragraph.strip().splitlines()]
        whole.append(Markup("<p>{}</p>").format(Markup("<br>\n").join(lines)))
    return Markup("\n").join(whole)


def _linked(line: str) -> Markup:
    parts, end = [], 0
    for match in _URL.finditer(line):
        parts += [escape(line[end : match.start()]), Markup('<a href="{0}">{0}</a>').format(match[0])]
        end = match.end()
    return Markup("").join([*parts, escape(line[end:])])


def clean(text: str) -> str:
    """Take out what XML can't hold."""
    return _CONTROL.sub("", text)


def stamp(instant: datetime) -> str:
    """Write an instant for programs, RFC 3339."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@lru_cache
def direction(language: str) -> str:
    """Say which way a language is written: `ltr`, `rtl`, or `auto` where nobody knows the language."""
    try:
        return "rtl" if Locale.parse(language).character_order == "right-to-left" else "ltr"
    except (UnknownLocaleError, ValueError):
        return "auto"

"""How long a text is in a channel's own unit, and whether it fits. The limits themselves are the channels'."""

from collections.abc import Callable
from typing import NamedTuple

import regex

from engine import sms, x_text
from engine.ports import TextLimit
from engine.sms import Segments, segments

__all__ = ["UNITS", "Measured", "Segments", "fits", "measure", "segments"]

_GRAPHEME = regex.compile(r"\X")
_JOINED = regex.compile(r"[^\0-\u02ff\u2010-\u2029\u2030-\u205e\u2066-\u2069\u20a0-\u20bf]")
"""What may be one grapheme with its neighbour; letters of Europe, quotes, dashes and isolates are not."""
_MASTODON_MENTION = regex.compile(
    r"(?<![=/\p{L}\p{M}\p{N}_])@([a-z0-9_]+(?:[a-z0-9_.-]*[a-z0-9_]+)?)@[\p{L}\p{M}\p{N}_.-]*[\p{L}\p{M}\p{N}_]+",
    regex.IGNORECASE,
)
"""mastodon/mastodon app/models/account.rb, MENTION_RE, with the server."""


class Measured(NamedTuple):
    """How much of a limit a text uses. Both counts are in `unit`; without a limit `allowed` is None."""

    used: int
    allowed: int | None
    ok: bool
    unit: str

    def __str__(self) -> str:
        unit = self.unit.replace("_", " ").removeprefix("x ")
        return f"{self.used} of {self.allowed} {unit}" if self.allowed is not None else f"{self.used} {unit}"


def graphemes(text: str) -> int:
    """Count extended grapheme clusters (UAX #29), what a reader takes for one character: a family emoji is one."""
    if _JOINED.search(text):
        return len(_GRAPHEME.findall(text))
    return len(text) - text.count("\r\n")


def mastodon(text: str) -> int:
    """Count as Mastodon does: graphemes, a link with https:// as 23, a mention without its server.

    Source: mastodon/mastodon app/validators/status_length_validator.rb.
    """
    shown, at = [], 0
    for start, end in x_text.links(text, bare=False, mastodon=True):
        shown += [text[at:start], "x" * x_text.URL_LENGTH]
        at = end
    return graphemes(_MASTODON_MENTION.sub(r"@\1", "".join([*shown, text[at:]])))


UNITS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "graphemes": graphemes,
    "x_weighted": x_text.weigh,
    "mastodon": mastodon,
    "sms_segments": lambda text: sms.segments(text).segments,
}
"""Unit → how a text is counted in it. `characters` are Unicode code points."""


def measure(text: str, limit: TextLimit) -> int:
    """Count a text in the limit's unit. Raises ValueError for a unit that is not known here."""
    if limit.unit not in UNITS:
        *most, last = UNITS
        raise ValueError(f"{limit.unit!r} is no unit of length; known are {', '.join(most)} and {last}")
    return UNITS[limit.unit](text)


def fits(text: str, limit: TextLimit | None) -> Measured:
    """Tell whether a text keeps within a limit. Of two limits the one that is broken is reported."""
    if limit is None:
        return Measured(len(text), None, True, "characters")
    used = measure(text, limit)
    size = len(text.encode())
    if used <= limit.count and limit.bytes is not None and size > limit.bytes:
        return Measured(size, limit.bytes, False, "bytes")
    return Measured(used, limit.count, used <= limit.count, limit.unit)

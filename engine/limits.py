"""How long a text is in a channel's own unit, and whether it fits. The limits themselves are the channels'."""

from typing import NamedTuple

import regex

from engine.ports import TextLimit

_GRAPHEME = regex.compile(r"\X")


class Measured(NamedTuple):
    """How much of a limit a text uses. Both counts are in `unit`; without a limit `allowed` is None."""

    used: int
    allowed: int | None
    ok: bool
    unit: str

    def __str__(self) -> str:
        return f"{self.used} of {self.allowed} {self.unit}" if self.allowed is not None else f"{self.used} {self.unit}"


def measure(text: str, limit: TextLimit) -> int:
    """Count a text in the limit's unit. Raises ValueError for a unit that is not known here.

    `characters` are Unicode code points; `graphemes` are extended grapheme clusters (UAX #29), what a reader takes
    for one character: a family emoji is one.
    """
    if limit.unit == "characters":
        return len(text)
    if limit.unit == "graphemes":
        return sum(1 for _ in _GRAPHEME.finditer(text))
    raise ValueError(f"{limit.unit!r} is no unit of length; known are characters and graphemes")


def fits(text: str, limit: TextLimit | None) -> Measured:
    """Tell whether a text keeps within a limit. Of two limits the one that is broken is reported."""
    if limit is None:
        return Measured(len(text), None, True, "characters")
    used = measure(text, limit)
    size = len(text.encode())
    if used <= limit.count and limit.bytes is not None and size > limit.bytes:
        return Measured(size, limit.bytes, False, "bytes")
    return Measured(used, limit.count, used <= limit.count, limit.unit)

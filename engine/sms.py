"""How a text travels by SMS: in which alphabet, and in how many parts. Facts of 3GPP TS 23.038 and 23.040.

Each part is paid for, and a text with one character that GSM's own alphabet lacks goes in UCS-2, where less than half
as much fits.
"""

from collections.abc import Iterator
from typing import Literal

from engine.record import Value

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038, 6.2.1: the default alphabet."""

_EXTENSION = frozenset("\f^{}\\[~]|€")
"""TS 23.038, 6.2.1.1: each takes two septets, an escape and a letter."""

GSM7_ALONE, GSM7_PART = 160, 153
UCS2_ALONE, UCS2_PART = 70, 67
"""TS 23.040, 9.2.3.24.1: 140 octets; a part of several spends 6 of them on saying which part it is."""


class Segments(Value):
    """How a text goes. `units` are septets in GSM-7, UTF-16 code units in UCS-2."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def segments(text: str) -> Segments:
    """Count the parts that a text takes. What takes two units, € or an emoji, is not torn between two parts."""
    gsm = _BASIC.issuperset(text) or (_BASIC | _EXTENSION).issuperset(text)
    alone, part = (GSM7_ALONE, GSM7_PART) if gsm else (UCS2_ALONE, UCS2_PART)
    sizes = [1 + (char in _EXTENSION if gsm else ord(char) > 0xFFFF) for char in text]
    units = sum(sizes)
    count = min(units, 1) if units <= alone else sum(1 for _ in _parts(sizes, part))
    return Segments(encoding="GSM-7" if gsm else "UCS-2", units=units, segments=count)


def _parts(sizes: list[int], room: int) -> Iterator[int]:
    """Fill parts one after another; yields how full each is."""
    used = 0
    for size in sizes:
        if used + size > room:
            yield used
            used = 0
        used += size
    yield used

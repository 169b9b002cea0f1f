"""Record keys: a TID that follows from the effect's key, so that sending twice writes the same record."""

import hashlib
from datetime import datetime

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def tid(key: str, drafted_at: datetime) -> str:
    """Make the record key of an effect: 13 characters that sort by the second of `drafted_at`.

    Layout after https://atproto.com/specs/tid: one bit 0, 53 bits of microseconds since 1970, 10 bits of clock id,
    in base32-sortable. Below the second (six digits and the clock id: 1,024,000,000 values) it is the key's hash:
    the posts of one statement are drafted in the same instant and must not take each other's place.
    """
    mark = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    micros = int(drafted_at.timestamp()) * 1_000_000 + (mark >> 10) % 1_000_000
    number = (micros << 10) | (mark & 0x3FF)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))

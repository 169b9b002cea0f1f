"""Lanes: the ways to reach one person, and the order in which they are tried. Each is a channel of the same name."""

import base64
import hmac

from engine.house import House
from engine.people import Person

ADDRESS = {"slack": "chat", "email": "email", "sms": "phone", "voice": "phone", "push": "key"}
"""Lane → which field of a person it writes to."""

CODE_LENGTH = 10
"""Characters of base 32: 50 bits, out of reach of guessing by one request after another."""


def address(person: Person, lane: str) -> str:
    """Where the lane finds this person; empty when it doesn't."""
    found: str = getattr(person, ADDRESS[lane])
    return found


def lanes_of(person: Person, house: House) -> tuple[str, ...]:
    """The lanes that reach a person, in the order that they prefer, else in that of the house."""
    order = person.lanes or house.lanes
    return tuple(lane for lane in order if lane in house.lanes and address(person, lane))


def code(secret: str, invitation: str) -> str:
    """The code that answers one invitation, always the same: nobody without the secret can work it out."""
    digest = hmac.digest(secret.encode(), invitation.encode(), "sha256")
    return base64.b32encode(digest)[:CODE_LENGTH].decode()

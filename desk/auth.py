"""Who may do what over HTTP: bearer tokens with roles, stored as hashes."""

import base64
import binascii
import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from fastapi import HTTPException, Request

from engine.incident import NotAllowed
from state import tokens
from state.store import Stale, Store
from state.tokens import Token

RIGHTS: dict[str, frozenset[str]] = {
    "reader": frozenset({"reader"}),
    "agent": frozenset({"reader", "agent"}),
    "source": frozenset({"source"}),
    "gateway": frozenset({"gateway"}),
    "approver": frozenset({"reader", "approver"}),
    "duty_manager": frozenset({"reader", "agent", "source", "approver", "duty_manager"}),
}
"""What each role of a token may do."""


def may(token: Token, right: str) -> bool:
    """Whether a token has a right."""
    return right in RIGHTS.get(token.role, frozenset())


def digest(token: str) -> str:
    """SHA-256: the token is 256 random bits, so no salt and no slow hash is needed."""
    return sha256(token.encode()).hexdigest()


def make_token(store: Store, name: str, role: str, now: datetime) -> str:
    """Make a token; only its hash is kept. Raises NotAllowed."""
    if role not in RIGHTS:
        raise NotAllowed(f"{role!r} is no role; use one of {', '.join(RIGHTS)}.")
    token = f"irrops_{secrets.token_urlsafe(32)}"
    try:
        tokens.add(store, digest(token), name, role, now)
    except Stale:
        raise NotAllowed(f"There is a token named {name!r} already; revoke it first, or take another name.") from None
    return token


def require(right: str, *, basic: bool = False) -> Callable[[Request], Token]:
    """A dependency: the request carries a token that may do this. 401 without one, 403 with the wrong one.

    `basic`: also as the password of HTTP Basic, for callers that can set nothing but an address (Twilio's webhooks:
    `https://irrops:<token>@host/…`).
    """

    def check(request: Request) -> Token:
        token = _token(request.headers.get("authorization", ""), basic)
        known: Token | None = request.app.state.token_of(digest(token)) if token else None
        if known is None:
            # a caller that holds credentials back until it is asked for Basic is told so
            challenge = 'Basic realm="irrops"' if basic else "Bearer"
            raise HTTPException(
                401,
                "Send `Authorization: Bearer <token>`; `irrops token make` makes one.",
                headers={"WWW-Authenticate": challenge},
            )
        if not may(known, right):
            raise HTTPException(403, f"The token of {known.name} is for a {known.role}; this needs the right {right}.")
        return known

    return check


def _token(header: str, basic: bool) -> str:
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if basic and scheme.lower() == "basic":
        try:
            return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""

"""What Bluesky's errors mean: refused (nothing happened there) or lost (it may have happened)."""

from datetime import UTC, datetime

import httpx
from atproto.exceptions import AtProtocolError, LoginRequiredError, RateLimitExceededError, RequestErrorBase
from atproto_client.models.common import XrpcError

from engine.ports import Lost, Refused

RAISED = (AtProtocolError, httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError)
"""All that the client is known to raise for what the other side, or the way there, did."""

_CREDENTIALS = (
    "Bluesky does not take the handle and the app password ({why}). Make a new app password (Bluesky: Settings, "
    "Privacy and security, App passwords) and set it."
)
_SESSION = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})
_ACCOUNT = frozenset({"AccountTakedown", "AccountSuspended", "AccountDeactivated", "AuthFactorTokenRequired"})


class SessionEnded(Refused):
    """The session is no longer good; the next attempt logs in anew."""

    def __init__(self) -> None:
        super().__init__("Bluesky's session ended; the next attempt logs in anew.", permanent=False)


def error_name(error: RequestErrorBase) -> str:
    """The name that the lexicon gives the error, such as `RecordNotFound`; empty where there is none."""
    content = error.response.content if error.response else None
    return str(content.error or "") if isinstance(content, XrpcError) else ""


def meaning(error: Exception, doing: str) -> Refused | Lost:
    """Tell what an error means while `doing` (`post`, `log in` …)."""
    if isinstance(error, LoginRequiredError):
        return SessionEnded()
    if isinstance(error, RateLimitExceededError):
        return Refused(f"Bluesky allows no more for now ({doing}).", permanent=False, retry_after=_pause(error))
    if isinstance(error, RequestErrorBase) and error.response is not None:
        return _answered(error, error.response.status_code, doing)
    return _unanswered(error, doing)


def _answered(error: RequestErrorBase, status: int, doing: str) -> Refused | Lost:
    name = error_name(error)
    why = f"{status} {name}".strip()
    if name in _ACCOUNT:
        return Refused(f"Bluesky has closed the account to us ({why}); look at its settings there.", permanent=True)
    if status in (401, 403) or name in _SESSION:
        return Refused(_CREDENTIALS.format(why=why), permanent=True) if doing == "log in" else SessionEnded()
    if status >= 500:
        return Lost(f"Bluesky failed to {doing} ({why}).")
    if status in (408, 409, 425):
        return Refused(f"Bluesky refused to {doing} for now ({why}).", permanent=False)
    content = error.response.content if error.response else None
    said = f": {content.message}" if isinstance(content, XrpcError) and content.message else "."
    return Refused(f"Bluesky refused to {doing} ({why}){said}", permanent=True)


def _unanswered(error: Exception, doing: str) -> Refused | Lost:
    """Nothing happened for sure only where not even the connection was made."""
    cause = error.__cause__ if isinstance(error.__cause__, httpx.HTTPError) else error
    if isinstance(cause, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Refused(f"Bluesky's service_url is no web address: {cause}", permanent=True)
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Refused(f"Bluesky can't be reached: {cause}", permanent=False)
    return Lost(f"No answer from Bluesky that can be understood ({doing}): {type(cause).__name__}.")


def _pause(error: RateLimitExceededError) -> float | None:
    """Seconds until Bluesky takes requests again, by Retry-After, else by ratelimit-reset."""
    if error.retry_after is not None:
        return float(error.retry_after)
    if error.reset_at is None:
        return None
    return max(1.0, float((error.reset_at - datetime.now(UTC)).total_seconds()))

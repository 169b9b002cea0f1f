"""What Mastodon's answers mean: refused (nothing happened there) or lost (it may have happened).

Words of the server are never relied upon: it says them in the language of the account.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from engine.ports import ASKS_TO_WAIT, Lost, Refused

RIGHTS = "write:statuses, read:statuses and read:accounts"
_TOKEN = (
    "Mastodon does not take the access token ({why}). Make a new one with " + RIGHTS + " (Mastodon: Preferences, "
    "Development, the application, regenerate) and set it as access_token."
)
_RIGHT = (
    "Mastodon does not let us {doing} ({why}). Give the application " + RIGHTS + " (Mastodon: Preferences, "
    "Development), regenerate its access token and set that; where it has them, look whether the account is closed."
)
_NO_API = "There is no Mastodon at server_url ({why} when asked to {doing}); set it to the account's own server."


class Gone(Refused):
    """There is no such post, or there is no longer."""

    def __init__(self, doing: str) -> None:
        super().__init__(f"Mastodon has no such post ({doing}); it may have been deleted there.", permanent=True)


class Unfinished(Lost):
    """The server, or what stands before it, gave up waiting: it may be done yet."""


def understood(response: httpx.Response, doing: str) -> Any:
    """Give the answer's JSON. Raises Refused or Lost; `doing` is such as `post`."""
    told = _json(response)
    status = response.status_code
    if told is not None and status < 300:
        return told
    if status == 429:
        raise Refused(f"Mastodon {ASKS_TO_WAIT} ({doing}).", permanent=False, retry_after=pause(response.headers))
    if 300 <= status < 400:
        where = response.headers.get("location", "elsewhere")
        raise Refused(f"The server has moved to {where}; set server_url to where it is now.", permanent=True)
    if status in (404, 405) and told is None:
        raise Refused(_NO_API.format(why=status, doing=doing), permanent=True)
    if told is None or status >= 500:
        raise _unclear(status, doing)
    raise _refused(status, told, doing)


def _json(response: httpx.Response) -> Any:
    """The JSON object or list that was answered; None where it is neither."""
    try:
        told = response.json()
    except ValueError:
        return None
    return told if isinstance(told, dict | list) else None


def _unclear(status: int, doing: str) -> Lost:
    """Tell the server's own failure (500) from that of what stands before it, which knows nothing of how it ends."""
    if status > 500:
        return Unfinished(f"Mastodon failed to {doing} ({status}).")
    return Lost(f"No answer from Mastodon that can be understood ({status}, {doing}).")


def _refused(status: int, told: Any, doing: str) -> Refused:
    said = str(told.get("error") or "")[:200] if isinstance(told, dict) else ""
    why = f"{status} {said}".strip()
    if status == 401:
        return Refused(_TOKEN.format(why=why), permanent=True)
    if status == 403:
        return Refused(_RIGHT.format(why=why, doing=doing), permanent=True)
    if status in (404, 410):
        return Gone(doing)
    if status in (408, 409, 425):
        return Refused(f"Mastodon refused to {doing} for now ({why}).", permanent=False)
    return Refused(f"Mastodon refused to {doing} ({why}).", permanent=True)


def unanswered(error: Exception, doing: str) -> Refused | Lost:
    """Tell what it means that no answer came. Nothing happened for sure only where no connection was made."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Refused(
            "Mastodon's server_url is no web address; write it like https://mastodon.example.", permanent=True
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return Refused(f"Mastodon can't be reached: {error or type(error).__name__}.", permanent=False)
    return Unfinished(f"No answer from Mastodon ({doing}): {type(error).__name__}.")


def pause(headers: httpx.Headers) -> float | None:
    """Seconds until the server takes requests again, by Retry-After, else by X-RateLimit-Reset; None: it does not say.

    The reset is an instant by the server's clock: ISO 8601 with Mastodon, seconds since 1970 with some others.
    """
    asked = headers.get("retry-after", "")
    if asked.isdecimal():
        return max(1.0, float(asked))
    reset = headers.get("x-ratelimit-reset", "")
    try:
        at = datetime.fromtimestamp(int(reset), UTC) if reset.isdecimal() else datetime.fromisoformat(reset)
        return max(1.0, (at - _server_now(headers)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _server_now(headers: httpx.Headers) -> datetime:
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)

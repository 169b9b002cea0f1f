"""What X's answers mean: refused (nothing happened there) or lost (it may have happened).

https://docs.x.com/x-api/fundamentals/response-codes-and-errors and https://docs.x.com/x-api/fundamentals/rate-limits.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from engine.ports import ASKS_TO_WAIT, Lost, Refused
from integrations.calls import Answer

SKEW = timedelta(minutes=5)
"""A signature holds for about so long: a clock further off makes every key look wrong."""

_KEYS = (
    "X does not take our keys and tokens (401): they have expired or were revoked. Make a new access token with read "
    "and write permission (X developer portal, the app, Keys and tokens) and set it."
)
_READ_ONLY = (
    "X lets this app only read (403). Set its permission to read and write (X developer portal, the app, User "
    "authentication settings), then make a new access token and set it."
)
_APP_ONLY = (
    "X wants the keys of the account, not those of the app alone (403). Set all four keys of OAuth 1.0a User Context, "
    "made with read and write permission."
)
_CREDITS = "X's API is used up for this app ({why}): buy credits or raise the cap (console.x.com), and post by hand."
_ENROLL = (
    "X does not let this app use API v2 ({why}): in the X developer portal, put it into a project with access to "
    "posts, and set its new keys."
)
_NO_REPLY = (
    "X lets this app not reply, not even to its own posts (403): self-serve access has no replies since February 2026. "
    "Set answer_by to quote, or ask X for Enterprise access."
)


class Duplicate(Refused):
    """X has this text of ours already."""

    def __init__(self) -> None:
        super().__init__("X has this text already and takes no second one.", permanent=True)


class AnswersNothing(Refused):
    """X does not see the post that this one answers: it is gone, or was made a moment ago."""

    def __init__(self, gone: bool) -> None:
        why = "it is gone" if gone else "X does not see it yet"
        super().__init__(f"The post that this one answers can't be answered: {why}.", permanent=gone)


def meaning(answer: Answer, doing: str) -> Refused | Lost:
    """Tell what an answer means that is no success, to `doing` (`post`, `look up a post` …)."""
    body, status = answer.body, answer.status
    if body is None and 400 <= status < 500 and status not in (401, 402, 408, 425, 429):
        return Lost(
            f"Something that is not X's API answered ({doing}, {status}); see api_url, and the proxy before it."
        )
    if status == 401:
        return Refused(_clock(answer) or _KEYS, permanent=True)
    if status in (402, 403, 429):
        return _limited(answer, doing) or _forbidden(problem(body), doing)
    if status in (408, 409, 425):
        return Refused(f"X refused to {doing} for now ({status}).", permanent=False)
    if 300 <= status < 500:
        return Refused(f"X refused to {doing} ({status}): {said(problem(body))}", permanent=True)
    return Lost(f"X's answer leaves open whether it was done ({doing}, {status}).")


def problem(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The problem in a body: X puts it at the top, or as the first of `errors`."""
    errors = (body or {}).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return {**first, **{name: value for name, value in (body or {}).items() if name != "errors"}}


def said(what: Mapping[str, Any]) -> str:
    """X's own sentence, at most 200 characters of it."""
    sentence = str(what.get("detail") or what.get("message") or what.get("title") or "no reason given").strip()
    return sentence[:200].rstrip(".") + "."


def is_kind(what: Mapping[str, Any], *kinds: str) -> bool:
    """Whether a problem is of a kind, by the end of its type: `.../problems/resource-not-found`."""
    return str(what.get("type", "")).rpartition("/")[2] in kinds or str(what.get("reason", "")) in kinds


def _limited(answer: Answer, doing: str) -> Refused | None:
    """Money, caps and pace, whichever status they come with."""
    what = problem(answer.body)
    if answer.status == 402 or is_kind(what, "credits", "usage-capped") or "UsageCap" in str(what.get("title")):
        return Refused(_CREDITS.format(why=f"{answer.status} {what.get('title', '')}".strip()), permanent=True)
    if answer.status != 429:
        return None
    day = _reset(answer, "x-app-limit-24hour", "x-user-limit-24hour")
    if day is not None:
        until = f"{day:%Y-%m-%d %H:%M} UTC"
        return Refused(
            f"X takes no more of this account until {until}: its limit for a day. Post by hand.", permanent=True
        )
    reset = _reset(answer, "x-rate-limit")
    wait = max(1.0, (reset - _now(answer)).total_seconds()) if reset else None
    return Refused(f"X {ASKS_TO_WAIT} ({doing}, 429).", permanent=False, retry_after=wait)


def _forbidden(what: Mapping[str, Any], doing: str) -> Refused:
    """A 403, by its type where it has one, else by X's sentence: most are of type `about:blank`."""
    detail = said(what).lower()
    if "duplicate" in detail:
        return Duplicate()
    if "deleted or not visible" in detail:
        return AnswersNothing(gone=False)
    if "reply to this conversation is not allowed" in detail:
        return Refused(_NO_REPLY, permanent=True)
    if is_kind(what, "oauth1-permissions") or "not permitted to perform this action" in detail:
        return Refused(_READ_ONLY, permanent=True)
    if is_kind(what, "unsupported-authentication"):
        return Refused(_APP_ONLY, permanent=True)
    if is_kind(what, "client-forbidden", "client-not-enrolled"):
        return Refused(_ENROLL.format(why=f"403 {what.get('reason', '')}".strip()), permanent=True)
    return Refused(f"X refused to {doing} (403): {said(what)}", permanent=True)


def _clock(answer: Answer) -> str:
    off = datetime.now(UTC) - _now(answer)
    if abs(off) <= SKEW:
        return ""
    minutes = round(abs(off).total_seconds() / 60)
    way = "ahead of" if off > timedelta(0) else "behind"
    return f"This machine's clock is {minutes} minutes {way} X's, so that X takes no signature of ours; set it right."


def _now(answer: Answer) -> datetime:
    """X's own time, else ours."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _reset(answer: Answer, *limits: str) -> datetime | None:
    """When the last of these limits that are used up begins anew."""
    found = []
    for limit in limits:
        at = answer.headers.get(f"{limit}-reset", "")
        if at.isdigit() and answer.headers.get(f"{limit}-remaining") == "0":
            found.append(datetime.fromtimestamp(int(at), UTC))
    return max(found, default=None)

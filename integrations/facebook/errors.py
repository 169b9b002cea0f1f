"""What the Graph API's answers mean: refused (nothing happened there) or lost (it may have happened).

https://developers.facebook.com/docs/graph-api/guides/error-handling and, for the limits,
https://developers.facebook.com/docs/graph-api/overview/rate-limiting.
"""

import json
import re
from typing import Any

from engine.ports import ASKS_TO_WAIT, Lost, Refused
from integrations.calls import Answer

WRITES, READS = "pages_manage_posts", "pages_read_engagement"
"""The permissions that the page token needs: https://developers.facebook.com/docs/pages-api/posts."""

TRANSIENT = frozenset({1, 2})
TOKEN = frozenset({102, 190})
PACE = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
"""Limits of the app, the user, the page, and (from 80000 on) of business use cases: 80001 is that of pages."""
BLOCKED, DUPLICATE, PARAMETER, NO_SUCH_OBJECT = 368, 506, 100, 33

_NOT_TAKEN = (
    "Facebook does not take the page token ({why}: {reason}). Make a new page token with {writes} and {reads}, and "
    "set it."
)
_REASONS = {
    458: "the app was removed",
    459: "its owner has to log in at facebook.com first",
    460: "its owner's password was changed",
    463: "it has expired",
    464: "its owner has to confirm the account",
    467: "it was revoked",
    492: "its owner has no role on the page any more",
}
"""By subcode, in the same guide."""


class Duplicate(Refused):
    """Facebook has this text of ours already."""

    def __init__(self) -> None:
        super().__init__("Facebook has just this text already and takes no second one (506).", permanent=True)


def error(answer: Answer) -> dict[str, Any]:
    """The error in an answer; empty where there is none."""
    found = (answer.body or {}).get("error")
    return found if isinstance(found, dict) else {}


def is_missing(answer: Answer) -> bool:
    """Whether the object does not exist, or is not for this token to see: Facebook tells the two not apart."""
    found = error(answer)
    return found.get("code") == PARAMETER and found.get("error_subcode") == NO_SUCH_OBJECT


def meaning(answer: Answer, doing: str, permission: str) -> Refused | Lost:
    """Tell what an answer means that is no success, to `doing` (`post` …), which asks for a permission."""
    found = error(answer)
    code = found.get("code")
    if not isinstance(code, int):
        return _no_error(answer, doing)
    why = f"{code}/{found['error_subcode']}" if found.get("error_subcode") else str(code)
    if code in TOKEN:
        reason = _REASONS.get(int(found.get("error_subcode") or 0), "it is not valid")
        return Refused(_NOT_TAKEN.format(why=why, reason=reason, writes=WRITES, reads=READS), permanent=True)
    if code in PACE or answer.status == 429:
        return Refused(f"Facebook {ASKS_TO_WAIT} ({doing}, {why}).", permanent=False, retry_after=pause(answer))
    if code in TRANSIENT or found.get("is_transient") or answer.status >= 500:
        return Lost(f"Facebook's answer leaves open whether it was done ({doing}, {why}).")
    return _refused(found, code, why, doing, permission)


def _refused(found: dict[str, Any], code: int, why: str, doing: str, permission: str) -> Refused:
    if code == DUPLICATE:
        return Duplicate()
    if code == BLOCKED:
        return Refused(
            f"Facebook has blocked us for a while ({why}): it takes what we do for abuse. See the page's Support "
            "Inbox, and post by hand.",
            permanent=True,
        )
    if code == PARAMETER and found.get("error_subcode") == NO_SUCH_OBJECT:
        return Refused(
            f"Facebook refused to {doing} ({why}): there is no such post or page, or it is not for this page token to "
            "see.",
            permanent=True,
        )
    said = str(found.get("message") or "no reason given").strip()[:200].rstrip(".")
    if code in (3, 10) or 200 <= code <= 299:
        named = re.search(r"\bpages_[a-z_]+", said)
        needed = named.group() if named else permission
        return Refused(
            f"The page token has no right to {doing} ({why}): it needs {needed}. Make a new one with it, of somebody "
            "who may create content on the page.",
            permanent=True,
        )
    return Refused(f"Facebook refused to {doing} ({why}): {said}.", permanent=True)


def _no_error(answer: Answer, doing: str) -> Refused | Lost:
    if answer.status == 429:
        return Refused(f"Facebook {ASKS_TO_WAIT} ({doing}, 429).", permanent=False, retry_after=pause(answer))
    if 300 <= answer.status < 400:
        return Refused(f"Facebook is elsewhere ({answer.status}); correct api_url.", permanent=True)
    return Lost(f"Facebook's answer can't be understood ({doing}, {answer.status}).")


def pause(answer: Answer) -> float | None:
    """Seconds until Facebook takes calls again: the longest of those that it estimates, in minutes, for use cases."""
    try:
        cases = json.loads(answer.headers.get("x-business-use-case-usage", "{}"))
        minutes = [float(use["estimated_time_to_regain_access"]) for uses in cases.values() for use in uses]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    longest = max(minutes, default=0.0)
    return longest * 60 if longest > 0 else None

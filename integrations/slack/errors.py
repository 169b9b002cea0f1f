"""What Slack's errors mean for us: refused for good, refused for now, or lost. No calls are made here."""

import errno
import json
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from engine.ports import ASKS_TO_WAIT, Lost, Refused

CODE = re.compile(r"[a-z0-9_]{2,60}")
"""Slack's error codes; anything else in `error` is the SDK quoting a body that it could not read."""

MAY_HAVE_HAPPENED = frozenset({"fatal_error", "internal_error", "service_unavailable", "unknown_error"})
"""Slack's reference says of the first two that some aspect of the operation may have succeeded."""

FOR_NOW: Mapping[str, str] = {
    "ratelimited": f"Slack {ASKS_TO_WAIT}.",
    "rate_limited": f"Slack {ASKS_TO_WAIT}.",
    "message_limit_exceeded": f"The workspace has sent too many messages; Slack {ASKS_TO_WAIT}.",
    "request_timeout": "Slack did not receive the whole request.",
    "team_added_to_org": "The workspace is being moved to an Enterprise organisation.",
    "org_login_required": "The workspace is being moved to an Enterprise organisation.",
    "accesslimited": "Slack limits this method at the moment.",
}

REMEDIES: Mapping[str, str] = {
    "access_denied": "Slack denies the app access to this; ask a Slack admin.",
    "account_inactive": "The Slack app was removed from the workspace; install it again and set the new bot token.",
    "cannot_dm_bot": "The chat id belongs to a bot; correct it in the people file.",
    "cant_delete_message": "The app may not delete this message; delete it by hand, or ask a Slack admin.",
    "cant_invite": "This person can't be invited to that channel; a guest account needs an admin to add it.",
    "cant_update_message": "The message was not written by this app; it can't be changed.",
    "cannot_reply_to_message": "Slack takes no answer to that message.",
    "compliance_exports_prevent_deletion": "The workspace keeps every message; ask a Slack admin.",
    "channel_not_found": "Slack knows no such channel, or the app isn't in it; create it or invite the app to it.",
    "edit_window_closed": "The workspace no longer allows this message to be edited; ask an admin about edit settings.",
    "ekm_access_denied": "Administrators have suspended posting; ask a Slack admin.",
    "invalid_auth": "Slack doesn't accept the token; copy the bot token again from OAuth & Permissions.",
    "invalid_blocks": "Slack refuses the layout of the message.",
    "invalid_name_specials": "Slack refuses the channel's name; use lower-case letters, digits and hyphens.",
    "invalid_user_combination": "The person is of another workspace that shares no channel with the app.",
    "invitee_cant_see_channel": "This person is in none of the workspaces that share the channel.",
    "is_archived": "The channel is archived; unarchive it, or work in another.",
    "message_not_found": "The message is gone; somebody has deleted it.",
    "messages_tab_disabled": "The app's Messages tab is off; switch it on under App Home, as in manifest.yaml.",
    "missing_scope": "The Slack app lacks a permission; compare its scopes with manifest.yaml and install it again.",
    "msg_blocks_too_long": "The message is too long for Slack; shorten it.",
    "msg_too_long": "The message is too long for Slack; shorten it.",
    "no_external_invite_permission": "The person is of another organisation; a Slack admin must invite them.",
    "no_permission": "The Slack app may not do that here; ask a Slack admin.",
    "not_allowed_token_type": "This is another kind of token; the bot token begins with xoxb-.",
    "not_authed": "No token was sent; set the bot token.",
    "not_in_channel": "The app is not in that channel; invite it there with /invite.",
    "org_user_not_in_team": "The person is of the organisation, but not of this workspace; a Slack admin can add them.",
    "restricted_action": "A workspace setting forbids this to apps; ask a Slack admin to allow it.",
    "team_access_not_granted": "The app is not installed in that person's workspace; ask a Slack admin to install it.",
    "team_not_found": "The workspace is not one of those where the app is installed; correct the chat id.",
    "token_expired": "The token has expired; install the app again and set the new bot token.",
    "token_revoked": "The token was revoked; install the app again and set the new bot token.",
    "too_many_users": "Slack takes fewer people in one call.",
    "user_disabled": "The Slack account is deactivated; take the person out of the people file.",
    "user_not_found": "Slack knows no such person; correct the chat id in the people file.",
    "user_not_visible": "Slack hides this person from the app: another workspace, or a guest.",
    "users_not_found": "Slack knows no such person; correct the chat id in the people file.",
}

OF_METHOD: Mapping[tuple[str, str], str] = {
    ("conversations.open", "channel_not_found"): "The app can't write to this person: another workspace, or a guest.",
}
"""Where a method means something else by a code."""

DEFAULT_WAIT = 30.0
"""Seconds, where a 429 names none."""


class SlackRefused(Refused):
    """Slack said no; `code` is its word for it, `workspace` whether it holds for the whole workspace."""

    def __init__(
        self,
        code: str,
        method: str,
        *,
        retry_after: float | None = None,
        needed: str = "",
        answer: Mapping[str, Any] | None = None,
    ):
        self.code, self.answer = code, answer or {}
        self.workspace = code in ("message_limit_exceeded", "rate_limited")
        meant = FOR_NOW.get(code) or OF_METHOD.get((method, code)) or REMEDIES.get(code)
        sentence = meant or f"See https://docs.slack.dev/reference/methods/{method}."
        lacking = f" It needs: {needed}." if needed else ""
        if retry_after is not None:
            sentence = f"{sentence.removesuffix('.')} {until(retry_after)}."
        super().__init__(
            f"Slack refused {method} ({code}). {sentence}{lacking}",
            permanent=code not in FOR_NOW,
            retry_after=retry_after,
        )


def until(seconds: float) -> str:
    """Say until when, in UTC."""
    return f"until {datetime.now(UTC) + timedelta(seconds=seconds):%H:%M:%S} UTC"


def from_answer(response: Any, method: str) -> Refused | Lost:
    """Judge an answer that isn't `ok`: a slack_sdk SlackResponse whose body is JSON, HTML or nothing."""
    body = response.data if isinstance(response.data, dict) else {}
    code = body.get("error")
    if response.status_code == 429:
        told = code if isinstance(code, str) and code in FOR_NOW else "ratelimited"
        return SlackRefused(told, method, retry_after=_wait(response.headers))
    if response.status_code >= 500 or not isinstance(code, str) or not CODE.fullmatch(code):
        return Lost(f"Slack's answer to {method} can't be understood (HTTP {response.status_code}).")
    if code in MAY_HAVE_HAPPENED:
        return Lost(f"Slack failed during {method} ({code}); it may have happened.")
    wait = _wait(response.headers) if code in FOR_NOW else None
    return SlackRefused(code, method, retry_after=wait, needed=str(body.get("needed") or ""), answer=body)


def from_failure(error: Exception, method: str) -> Refused | Lost:
    """Judge a call that brought no answer. Only what surely failed before sending counts as refused."""
    reason = error.reason if isinstance(error, URLError) else None
    if isinstance(reason, socket.gaierror):
        return Refused("Slack's address can't be looked up; check the network and DNS.", permanent=False)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Refused(
            "Slack's certificate is not trusted here; check the clock and the certificates of this machine.",
            permanent=False,
        )
    if isinstance(reason, ConnectionRefusedError) or _unreachable(reason):
        return Refused("Slack can't be reached; check the network and any proxy.", permanent=False)
    if isinstance(reason or error, TimeoutError):
        return Lost(f"Slack did not answer {method} in time.")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | AttributeError):
        return Lost(f"Slack's answer to {method} can't be understood.")
    if isinstance(error, OSError | HTTPException):
        return Lost(f"The connection to Slack broke during {method}.")
    return Lost(f"Slack's answer to {method} can't be understood ({type(error).__name__}).")


def _unreachable(reason: object) -> bool:
    return isinstance(reason, OSError) and reason.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


def _wait(headers: Mapping[str, Any]) -> float:
    named = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    text = str(named[0] if isinstance(named, list) and named else named)
    return float(text) if text.isdecimal() else DEFAULT_WAIT

"""One call to Slack's Web API: paced, sent once, its failure named. What is called, and why, is elsewhere."""

import logging
import threading
from typing import Any

from engine.ports import Lost, Refused
from integrations.slack.errors import SlackRefused, from_answer, from_failure
from integrations.slack.pace import Pace
from integrations.slack.settings import Settings

PAGE_LIMIT = 200
"""Slack recommends no more than 200 results a page."""

quiet = logging.getLogger("integrations.slack.sdk")
quiet.setLevel(logging.CRITICAL)
"""The SDK logs whole bodies, which carry names; what went wrong is said by our own errors."""


_importing = threading.Lock()


def import_sdk() -> None:
    """Import slack-sdk, one thread at a time: threads that import its circular modules at once get half of them."""
    with _importing:
        import slack_sdk.errors
        import slack_sdk.models.blocks
        import slack_sdk.web  # noqa: F401


def web_client(settings: Settings, token: str | None) -> Any:
    """Make a client that never sends twice.

    slack-sdk's default retry handler posts again when only the answer was lost, and Slack keeps both messages.
    """
    from slack_sdk import WebClient

    return WebClient(
        token=token, base_url=settings.api_url, timeout=settings.timeout_s, retry_handlers=[], logger=quiet
    )


class Api:
    """Calls with the bot token. Safe for several threads."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.pace = Pace(settings.pace)
        self._lock = threading.Lock()
        self._client: Any = None
        self._identity: dict[str, str] | None = None

    def tell(self, method: str, place: str = "", ticket: str = "", **arguments: Any) -> Any:
        """Call a method that changes something. Raises Refused, or Lost when it may have happened.

        `place` is the conversation, `ticket` what the call is for: both for the pace.
        """
        from slack_sdk.errors import SlackApiError

        client = self._connected()
        self.pace.take(method, place, ticket)
        failure: Refused | Lost
        try:
            response = getattr(client, method.replace(".", "_"))(**arguments)
            if isinstance(response.data, dict):
                return response
            failure = Lost(f"Slack's answer to {method} can't be understood.")
        except SlackApiError as error:
            failure = from_answer(error.response, method)
            if isinstance(failure, SlackRefused) and failure.retry_after:
                self.pace.hold(method, place, failure.retry_after, failure.workspace)
        except Exception as error:
            failure = from_failure(error, method)
        raise failure

    def ask(self, method: str, place: str = "", ticket: str = "", **arguments: Any) -> Any:
        """Call a method that reads, or whose repetition is harmless: without an answer nothing is lost, so Refused."""
        try:
            return self.tell(method, place, ticket, **arguments)
        except Lost as error:
            raise Refused(f"{error} Asking again is harmless.", permanent=False) from error

    def pages(self, method: str, place: str = "", ticket: str = "", limit: int = PAGE_LIMIT, **arguments: Any) -> Any:
        """Yield the answers of a paginated method, which only reads. Raises Refused."""
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            response = self.ask(method, place, ticket, limit=limit, **arguments, **more)
            yield response
            cursor = (response.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def identity(self) -> dict[str, str]:
        """Tell who we are: `user_id`, and `url` of the workspace. Asked once. Raises Refused."""
        with self._lock:
            if self._identity is None:
                answer = self.ask("auth.test")
                self._identity = {name: str(answer.get(name) or "") for name in ("user_id", "url")}
            return self._identity

    def link(self, channel: str, ts: str = "") -> str:
        """Write the address of a channel or message; empty when the workspace's is not known."""
        try:
            base = self.identity()["url"].rstrip("/")
        except Refused:
            return ""
        if not base:
            return ""
        return f"{base}/archives/{channel}" + (f"/p{ts.replace('.', '')}" if ts else "")

    def _connected(self) -> Any:
        if self._client is None:
            if self.settings.bot_token is None:
                raise Refused("Slack has no bot token; set it, or use the sandbox.", permanent=True)
            self._client = web_client(self.settings, self.settings.bot_token.get_secret_value())
        return self._client

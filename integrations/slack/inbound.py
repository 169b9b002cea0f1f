"""How Slack's interactions come in: by signed HTTP (`handle_http`) or by Socket Mode (`socket_mode`).

What happens to each is in `handlers`.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.ports import Door
from integrations.slack import blocks, form, statement_form, statement_handlers
from integrations.slack.api import import_sdk, quiet, web_client
from integrations.slack.handlers import Handlers
from integrations.slack.settings import Settings
from integrations.slack.socket_mode import start_socket_mode

__all__ = ["Handlers", "build_app", "handle_http", "start_socket_mode"]

ANSWERING = 16
"""Threads that answer; those that work are others (`handlers`)."""


def build_app(settings: Settings, door: Door) -> Any:
    """Make the slack_bolt App. It asks Slack nothing until somebody presses."""
    import_sdk()
    from slack_bolt import App
    from slack_bolt.authorization import AuthorizeResult

    token = settings.bot_token.get_secret_value() if settings.bot_token else None

    def authorize(enterprise_id: str | None, team_id: str | None) -> Any:
        # One workspace, one token: asking auth.test first would use up the three seconds.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    app = App(
        name="irrops-slack",  # bolt gives the logger of this name the level of `quiet`: not that of all of ours
        client=web_client(settings, None),
        authorize=authorize,
        signing_secret=settings.signing_secret.get_secret_value() if settings.signing_secret else "",
        listener_executor=ThreadPoolExecutor(ANSWERING, thread_name_prefix="slack-answer"),
        logger=quiet,
    )
    handlers = Handlers(door)
    statements = statement_handlers.StatementHandlers(door, handlers)
    app.action(statement_handlers.BUTTON)(statements.pressed)  # before the others: the first that matches is taken
    app.action(statement_form.LANGUAGE)(statements.language_chosen)
    app.view(statement_form.CALLBACK)(statements.sent)
    app.action(blocks.BUTTON)(handlers.pressed)
    app.action(form.CHOOSE)(handlers.playbook_chosen)
    app.command("/irrops")(handlers.command)
    app.view(form.CALLBACK)(handlers.form_sent)
    app.event("app_home_opened")(handlers.home_opened)
    app.event("message")(handlers.written)
    return app


def handle_http(app: Any, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], str]:
    """Answer one HTTP request of Slack: status, headers, body. Blocks for as long as the answer takes, at most 3 s.

    The signature is checked before anything is parsed: forged, or older than five minutes, is 401.
    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack.
    """
    from slack_bolt import BoltRequest

    sent: dict[str, str | Sequence[str]] = {name.lower(): value for name, value in headers.items()}
    if not _authentic(app, sent, body):
        return 401, {"content-type": "text/plain"}, "The signature is not Slack's, or older than five minutes."
    try:
        request = BoltRequest(body=body.decode(), headers=sent)
    except ValueError:
        return 400, {"content-type": "text/plain"}, "The body is not what Slack sends."
    answer = app.dispatch(request)
    return answer.status, {name: values[0] for name, values in answer.headers.items()}, answer.body or ""


def _authentic(app: Any, headers: Mapping[str, Any], body: bytes) -> bool:
    from slack_sdk.signature import SignatureVerifier

    secret = app._signing_secret
    stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not secret or not stamp.isascii() or not stamp.isdecimal() or not signature.isascii():
        return False
    try:
        return bool(SignatureVerifier(secret).is_valid(body, stamp, signature))
    except UnicodeDecodeError:
        return False

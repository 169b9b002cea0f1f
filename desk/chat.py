"""Chat's way in: Socket Mode where there is an app token, signed HTTP where there is a signing secret."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from desk.desk import Desk
from desk.settings import Settings


def open_chat(settings: Settings, desk: Desk, app: FastAPI, say: Callable[[str], None]) -> Any:
    """Open the ways in that the settings allow; returns what is to be closed at the end, or None."""
    if not (settings.slack.app_token or settings.slack.signing_secret):
        return None
    from integrations.slack.inbound import build_app, handle_http, start_socket_mode

    bolt = build_app(settings.slack, desk)
    if settings.slack.signing_secret:

        async def events(request: Request) -> Response:
            body = await request.body()
            status, headers, text = await run_in_threadpool(handle_http, bolt, dict(request.headers), body)
            return Response(text, status, headers)

        app.add_api_route("/slack/events", events, methods=["POST"], include_in_schema=False)
        say("Slack's buttons and commands come in at /slack/events.")
    if settings.slack.app_token:
        connection = start_socket_mode(bolt, settings.slack)
        say("Slack's buttons and commands come in by Socket Mode.")
        return connection
    return None

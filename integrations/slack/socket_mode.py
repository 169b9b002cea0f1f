"""Socket Mode: the connection that Slack sends presses and commands over. It stays, and comes back when it breaks.

What is done with them is in `inbound`.
"""

import logging
import socket
import threading
from contextlib import suppress
from typing import Any

from engine.ports import Lost, Refused
from integrations.slack.errors import from_answer, from_failure
from integrations.slack.settings import Settings

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds between tries to connect; the last one repeats. apps.connections.open is tier 1: about one a minute."""
PING_S = 10.0


class Connection:
    """A Socket Mode connection that is opened, and kept, in the background."""

    def __init__(self, app: Any, app_token: str):
        from slack_bolt.adapter.socket_mode import SocketModeHandler

        self._handler: Any = SocketModeHandler(app, app_token, ping_interval=PING_S)
        _wake_readers(self._handler.client)
        self._closing = threading.Event()
        self._problem = ""
        self._opener = threading.Thread(target=self._open, name="slack-socket", daemon=True)
        self._opener.start()

    @property
    def connected(self) -> bool:
        return bool(self._handler.client.is_connected())

    @property
    def problem(self) -> str:
        """Why it isn't connected, for people; empty when it is."""
        return "" if self.connected else self._problem

    def close(self) -> None:
        """End it. Interactions that are being worked on are finished."""
        self._closing.set()
        self._handler.close()
        self._opener.join(timeout=5)

    def _open(self) -> None:
        tries = 0
        while not self._closing.is_set():
            try:
                self._handler.connect()
                # From here on slack-sdk's own monitor brings a broken connection back, every PING_S seconds.
                self._problem = "The WebSocket to Slack broke and is being opened again; check proxy and firewall."
                return
            except Exception as error:
                self._problem = str(_judge(error))
                log.warning("Slack's Socket Mode is not connected: %s", self._problem)
            self._closing.wait(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1


def _wake_readers(client: Any) -> None:
    """Let the reader of a session that ends notice it at once.

    slack-sdk only closes the old socket when Slack moves us to another server, and its reader sleeps on for up to
    three seconds, which is all the time that Slack gives for an answer.
    """
    connect = client.connect

    def connect_and_mark() -> None:
        connect()
        session = client.current_session
        close = session.close

        def shut_and_close() -> None:
            with suppress(OSError, AttributeError):
                session.sock.shutdown(socket.SHUT_RDWR)
            close()

        session.close = shut_and_close

    client.connect = connect_and_mark


def _judge(error: Exception) -> Refused | Lost:
    from slack_sdk.errors import SlackApiError

    if isinstance(error, SlackApiError):
        return from_answer(error.response, "apps.connections.open")
    return from_failure(error, "apps.connections.open")


def start_socket_mode(app: Any, settings: Settings) -> Connection:
    """Start to listen; returns at once, so that irrops starts while Slack is away. Raises Refused without a token."""
    if settings.app_token is None:
        raise Refused("Socket Mode needs app_token (xapp-…, with connections:write).", permanent=True)
    return Connection(app, settings.app_token.get_secret_value())

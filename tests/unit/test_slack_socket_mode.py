"""Socket Mode against a small server of our own: no counterpart that we know of speaks it."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from engine.ports import HomeItem, Refused
from integrations.slack import Settings
from integrations.slack.inbound import build_app, start_socket_mode
from tests.unit.slack_server import Answer, ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import Desk, press
from tests.unit.test_slack_written import MESSAGE


class SocketServer:
    """Greets whoever connects, sends envelopes, keeps what comes back with its time."""

    def __init__(self) -> None:
        self.answered: dict[str, float] = {}
        self.payloads: dict[str, Any] = {}
        """What an envelope was answered with, where there was anything."""
        self.connections: list[ServerConnection] = []
        self._changed = threading.Condition()
        self._server = serve(self._talk, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket=t"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _talk(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}))
        with self._changed:
            self.connections.append(connection)
            self._changed.notify_all()
        try:
            for message in connection:
                answer = json.loads(message)
                with self._changed:
                    self.payloads[answer["envelope_id"]] = answer.get("payload")
                    self.answered[answer["envelope_id"]] = time.monotonic()
                    self._changed.notify_all()
        except ConnectionClosed:
            return

    def connected(self, count: int = 1) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.connections) >= count, timeout=20)

    def send(self, envelope: str, payload: dict[str, Any], kind: str = "interactive", **more: Any) -> float:
        """Send an interaction or event; seconds until it was acknowledged."""
        started = time.monotonic()
        told = {"envelope_id": envelope, "type": kind, "accepts_response_payload": kind == "interactive", **more}
        self.connections[-1].send(json.dumps({**told, "payload": payload}))
        with self._changed:
            assert self._changed.wait_for(lambda: envelope in self.answered, timeout=5)
        return self.answered[envelope] - started

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def socket_server() -> Iterator[SocketServer]:
    server = SocketServer()
    yield server
    server.close()


@pytest.fixture
def slack(socket_server: SocketServer) -> Iterator[ScriptedSlack]:
    with scripted_slack() as server:
        server.says("apps.connections.open", {"ok": True, "url": socket_server.url})
        yield server


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.open.set()


@pytest.fixture
def settings(slack: ScriptedSlack) -> Settings:
    return Settings(bot_token="xoxb-1", app_token="xapp-1", api_url=slack.api_url)


def test_a_press_is_acknowledged_while_the_desk_is_busy(
    settings: Settings, slack: ScriptedSlack, desk: Desk, socket_server: SocketServer
):
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        assert socket_server.connected()
        desk.open.clear()
        assert socket_server.send("E1", press(slack)) < 3
        assert desk.pressed == []
        desk.open.set()
        assert slack.sent("hook")[0]["text"] == "Thank you"
        assert desk.pressed == [("answer", "i-1|yes", "U1")]
        assert connection.connected
        assert connection.problem == ""
    finally:
        connection.close()
    assert not connection.connected


def test_a_message_is_acknowledged_and_answered_once_though_slack_sends_it_again(
    settings: Settings, slack: ScriptedSlack, desk: Desk, socket_server: SocketServer
):
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        assert socket_server.connected()
        desk.open.clear()
        payload = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": MESSAGE}
        assert socket_server.send("E1", payload, "events_api", retry_attempt=0, retry_reason="") < 3
        assert socket_server.send("E2", payload, "events_api", retry_attempt=1, retry_reason="timeout") < 3
        desk.open.set()
        assert [told["text"] for told in slack.sent("chat.postMessage", 2, within=0.5)] == ["Thank you"]
        assert len(desk.written) == 1
    finally:
        connection.close()


def test_a_command_is_acknowledged_while_the_desk_is_busy(
    settings: Settings, slack: ScriptedSlack, desk: Desk, socket_server: SocketServer
):
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        assert socket_server.connected()
        desk.waiting = [HomeItem(text="*ST-1* waits.")]
        desk.open.clear()
        told = {"command": "/irrops", "text": "approve", "user_id": "U1", "team_id": "T1", "channel_id": "C1"}
        assert socket_server.send("E1", {**told, "response_url": f"{slack.url}/hook"}, "slash_commands") < 3
        assert slack.sent("hook", within=0) == []
        desk.open.set()
        assert slack.sent("hook")[0]["text"] == "*ST-1* waits."
    finally:
        connection.close()


def test_it_starts_while_slack_is_away_and_connects_later(
    settings: Settings, slack: ScriptedSlack, desk: Desk, socket_server: SocketServer, monkeypatch: Any
):
    monkeypatch.setattr("integrations.slack.socket_mode.PAUSES", (0.05,))
    up = {"ok": True, "url": socket_server.url}
    slack.says("apps.connections.open", Answer("", 500), {"ok": False, "error": "invalid_auth"}, up)
    started = time.monotonic()
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        assert time.monotonic() - started < 1
        assert socket_server.connected()
        assert socket_server.send("E1", press(slack)) < 3
    finally:
        connection.close()


def test_why_it_is_not_connected_is_said(settings: Settings, slack: ScriptedSlack, desk: Desk):
    slack.says("apps.connections.open", {"ok": False, "error": "invalid_auth"})
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        slack.sent("apps.connections.open")
        until = time.monotonic() + 5
        while not connection.problem and time.monotonic() < until:
            time.sleep(0.01)
        assert "invalid_auth" in connection.problem
        assert not connection.connected
    finally:
        connection.close()


def test_it_comes_back_when_slack_moves_it(
    settings: Settings, slack: ScriptedSlack, desk: Desk, socket_server: SocketServer
):
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        assert socket_server.connected()
        socket_server.connections[0].send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        assert socket_server.connected(2)
        assert socket_server.send("E2", press(slack)) < 2
        assert len(socket_server.connections) == 2
    finally:
        connection.close()


def test_it_needs_an_app_token(slack: ScriptedSlack, desk: Desk):
    settings = Settings(bot_token="xoxb-1", api_url=slack.api_url)
    with pytest.raises(Refused, match="app_token"):
        start_socket_mode(build_app(settings, desk), settings)

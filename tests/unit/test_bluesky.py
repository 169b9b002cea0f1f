"""Bluesky without Bluesky: record keys, and what the answers of a server that misbehaves mean."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.effects import Post
from engine.ports import Lost, Refused
from integrations.bluesky import Settings, connect
from integrations.bluesky.channel import Bluesky
from integrations.bluesky.tid import tid

NOW = datetime(2026, 11, 22, 4, 10, 33, 120456, tzinfo=UTC)
POST = Post(
    incident="INC-1",
    title="IT outage",
    message="holding",
    language="en",
    text="We are aware.",
    severity="SEV1",
    status="responding",
    statement="INC-1-abc/first_word#1",
    drafted_at=NOW,
)
SESSION = {"did": "did:plc:abcdefghijklmnopqrstuvwx", "handle": "a.example", "accessJwt": "", "refreshJwt": ""}


def test_a_record_key_is_a_tid() -> None:
    """The form is from https://atproto.com/specs/tid."""
    for minutes in range(200):
        key = tid(f"k{minutes}", NOW + timedelta(minutes=minutes))
        assert re.fullmatch(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", key)


def test_it_says_when_the_post_was_drafted_to_the_second() -> None:
    number = 0
    for letter in tid("k", NOW):
        number = number * 32 + "234567abcdefghijklmnopqrstuvwxyz".index(letter)
    assert number >> 63 == 0
    assert (number >> 10) // 1_000_000 == int(NOW.timestamp())


def test_it_follows_from_the_key_sorts_in_time_and_keeps_posts_of_one_instant_apart() -> None:
    assert tid("k", NOW) == tid("k", NOW)
    keys = [tid("k", NOW + timedelta(seconds=second)) for second in range(100)]
    assert keys == sorted(keys)
    assert len({tid(f"statement/{number}", NOW) for number in range(5000)}) == 5000


class Server:
    """Logs anybody in, then answers every post with `status`, `body` and `headers`; counts the posts."""

    def __init__(self) -> None:
        self.status, self.body, self.headers, self.posts = 200, b"", {}, 0  # type: ignore[var-annotated]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.endswith("createSession"):
                    self._say(200, json.dumps({**SESSION, "accessJwt": _jwt(), "refreshJwt": _jwt()}).encode(), {})
                    return
                server.posts += 1
                self._say(server.status, server.body, server.headers)

            def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _jwt() -> str:
    def part(what: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'exp': 4_000_000_000})}.eA"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def channel(server: Server) -> Iterator[Bluesky]:
    given = {"handle": "a.example", "app_password": "p", "service_url": server.url, "timeout_s": 5}
    made = connect(Settings.model_validate(given))
    yield made
    made.close()


def error(name: str) -> bytes:
    return json.dumps({"error": name, "message": "why"}).encode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, error("InternalServerError")),
        (502, b"<html>Bad gateway</html>"),
        (503, b""),
        (200, b"<html>"),
        (200, b"{}"),
    ],
)
def test_what_may_have_happened_is_lost(server: Server, channel: Bluesky, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    with pytest.raises(Lost):
        channel.send(POST, "k")
    assert server.posts == 1


@pytest.mark.parametrize(
    ("status", "name", "permanent"),
    [
        (400, "InvalidRequest", True),
        (413, "PayloadTooLarge", True),
        (400, "AccountTakedown", True),
        (400, "ExpiredToken", False),
        (401, "AuthMissing", False),
        (409, "Conflict", False),
    ],
)
def test_what_was_refused_is_refused_for_good_or_for_now(
    server: Server, channel: Bluesky, status: int, name: str, permanent: bool
) -> None:
    server.status, server.body = status, error(name)
    with pytest.raises(Refused) as refused:
        channel.send(POST, "k")
    assert refused.value.permanent is permanent
    assert server.posts == 1


@pytest.mark.parametrize("header", ["retry-after", "ratelimit-reset"])
def test_a_429_says_when_to_come_again(server: Server, channel: Bluesky, header: str) -> None:
    reset = int(datetime.now(UTC).timestamp()) + 90
    server.status, server.body = 429, error("RateLimitExceeded")
    server.headers = {header: "90" if header == "retry-after" else str(reset)}
    with pytest.raises(Refused) as refused:
        channel.send(POST, "k")
    assert not refused.value.permanent
    assert refused.value.retry_after == pytest.approx(90, abs=3)
    assert server.posts == 1

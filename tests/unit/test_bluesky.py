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

from engine.effects import Look, Message, Post, Receipt, Withdraw
from engine.ports import Lost, Refused
from integrations.bluesky import Settings, connect
from integrations.bluesky.account import record
from integrations.bluesky.channel import Bluesky
from integrations.bluesky.facets import facets
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


OLD = Receipt(id="at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/3a", place="d", facts={"cid": "bafy1"})


def test_an_answer_names_what_it_answers_and_where_the_thread_begins() -> None:
    parent = {"uri": OLD.id, "cid": "bafy1"}
    assert record(POST, OLD)["reply"] == {"root": parent, "parent": parent}
    root = {"uri": "at://d/app.bsky.feed.post/1", "cid": "bafy0"}
    later = OLD.model_copy(update={"facts": {**OLD.facts, "root": root, "seen": "same"}})
    assert record(POST, later)["reply"] == {"root": root, "parent": parent}
    assert record(POST, later) == record(POST, later)
    assert "reply" not in record(POST)


def marked(text: str) -> list[tuple[str, str]]:
    """What a reader's app makes of the facets: the bytes that are marked, and what for."""
    found = []
    for facet in facets(text):
        piece = text.encode()[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        (feature,) = facet["features"]
        found.append((piece, feature.get("uri") or "#" + feature["tag"]))
    return found


HELP = ("https://airline.example/help", "https://airline.example/help")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("See ", "."),
        ("See ", "?!"),
        ("See ", ", or ring us"),
        ("(", ")."),
        ("(see ", ".)"),
        ("“", "”"),
        ('"', '"'),
        ("«", "»"),
        ("<", ">"),
        ("Help:", ""),
        ("See ", "…"),
        ("See ", "’"),
        ("👨‍👩‍👧 Café ☕ ", " 👍🏽"),
        ("الرحلات متوقفة، ", "، نعتذر"),
        ("هل تحتاج إلى مساعدة؟ \u2067", "\u2069؟"),
        ("ראו ", " עכשיו"),
        ("第二次 ", "。"),
    ],
)
def test_a_link_ends_where_its_address_ends(before: str, after: str) -> None:
    assert marked(f"{before}{HELP[0]}{after}") == [HELP]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("Now airline.com/help.", ("airline.com/help", "https://airline.com/help")),
        ("(airline.com)", ("airline.com", "https://airline.com")),
        ("air-line.com, then", ("air-line.com", "https://air-line.com")),
        ("✈️ help.airline.co.uk/a?b=c#d!", ("help.airline.co.uk/a?b=c#d", "https://help.airline.co.uk/a?b=c#d")),
        ("https://airline.example/a_(b)", ("https://airline.example/a_(b)", "https://airline.example/a_(b)")),
        ("https://airline.example/?u=ü", ("https://airline.example/?u=ü", "https://airline.example/?u=ü")),
    ],
)
def test_links_without_protocol_and_with_brackets(text: str, link: tuple[str, str]) -> None:
    assert marked(text) == [link]


@pytest.mark.parametrize(
    "text",
    [
        "Flight KL1234.No more today",
        "Write to help@airline.com or first.me@airline.com",
        "Ask @airline.com or @help.bsky.social",
        "5.30 p.m. at gate B.12, i.e. now...",
        "Room #12 costs $EUR 50",
        "an airline.example, which nobody can own",
        "https:// and http://",
    ],
)
def test_what_is_no_link_no_tag_and_nobody_is_left_plain(text: str) -> None:
    assert marked(text) == []


def test_hashtags_in_any_script_end_at_a_mark_and_keep_out_of_links() -> None:
    text = "🛫 #AirlineHelp, (#KL-1234) #مطار؟ #Zürich👍 #हिन्दी! https://a.example/#tag " + "#" + "x" * 65
    tags = ["#AirlineHelp", "#KL-1234", "#مطار", "#Zürich", "#हिन्दी"]
    link = "https://a.example/#tag"
    assert marked(text) == [*((tag, tag) for tag in tags), (link, link)]


@pytest.mark.parametrize("message", [Look(text="x"), Withdraw(statement="s", language="en", reason="r")])
@pytest.mark.parametrize(
    ("base", "says"),
    [
        (None, "no receipt"),
        (Receipt(id="1763784000.000100", place="C0001"), "no receipt"),
        (Receipt(id="at://did:plc:somebodyelse/app.bsky.feed.post/3a"), "not of a.example"),
    ],
)
def test_what_is_not_of_this_account_is_left_alone(
    server: "Server", channel: Bluesky, message: Message, base: Receipt | None, says: str
) -> None:
    with pytest.raises(Refused, match=says) as refused:
        channel.send(message, "k", base)
    assert refused.value.permanent
    assert server.posts == 0


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

"""The bottom of the stand-ins for X and Facebook: an HTTP server whose answers get lost, spoiled or late.

What the stand-ins store and how they answer is theirs. Also how the outbox drives a channel.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from engine.effects import Message, Receipt
from engine.ports import Channel, Lost, Refused

HTML = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


class Call(NamedTuple):
    """A request as it came in. `target` is path and query as they were written."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))


class Reply(NamedTuple):
    """`body` is JSON unless it is a string."""

    status: int
    body: Any
    headers: dict[str, str] = {}


@dataclass
class Fault:
    """What goes wrong with the next call of this method. `acts`: it is done all the same."""

    method: str = "POST"
    acts: bool = True
    drop: bool = False
    """Close without an answer."""
    slow: float = 0.0
    """Seconds until it is done."""
    late: float = 0.0
    """Seconds from then on until the answer."""
    reply: Reply | None = None
    """Instead of the server's own answer."""
    headers: dict[str, str] = field(default_factory=dict)
    """Over those of the answer."""


LOSE = Fault(drop=True)
FAIL = Fault(reply=Reply(500, {"title": "Internal Server Error", "status": 500}))
PAGE = Fault(reply=Reply(502, HTML))
FINE_PAGE = Fault(reply=Reply(200, HTML))
BROKEN = Fault(reply=Reply(200, '{"data": {"id": "1'))
NEVER = Fault(acts=False, drop=True)
"""Lost on the way there: nothing is done."""


class FaultyServer:
    """Answers calls one at a time, and remembers them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.url = ""
        self.lock = threading.RLock()
        self.ended = threading.Event()

    def answer(self, call: Call) -> Reply:
        raise NotImplementedError

    def breaks(self, *faults: Fault) -> None:
        """Have these happen to the next calls of their methods, in this order."""
        with self.lock:
            self.faults += faults

    def count(self, method: str) -> int:
        """How many calls of a method came in."""
        return sum(call.method == method for call in self.calls)

    def take(self, call: Call) -> tuple[Fault | None, Reply]:
        with self.lock:
            self.calls.append(call)
            fault = next((each for each in self.faults if each.method == call.method), None)
            if fault:
                self.faults.remove(fault)
        if fault and fault.slow:
            self.ended.wait(fault.slow)
        with self.lock:
            own = self.answer(call) if fault is None or fault.acts else Reply(503, HTML)
        if fault is None:
            return None, own
        reply = fault.reply or own
        return fault, reply._replace(headers={**reply.headers, **fault.headers})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: FaultyServer

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault, reply = self.faulty.take(Call(self.command, self.path, headers, body))
        if fault and fault.late:
            self.faulty.ended.wait(fault.late)
        if fault and fault.drop:
            self.close_connection = True
            return
        with suppress(BrokenPipeError, ConnectionResetError):  # the caller has stopped waiting
            self._write(reply)

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    def _write(self, reply: Reply) -> None:
        page = isinstance(reply.body, str)
        raw = (reply.body if page else json.dumps(reply.body)).encode()
        kind = "text/html" if page else "application/json; charset=utf-8"
        self.send_response_only(reply.status)
        given = {
            "Date": self.date_time_string(),
            "Content-Type": kind,
            **reply.headers,
            "Content-Length": str(len(raw)),
        }
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(faulty: FaultyServer) -> Iterator[None]:
    """Run one on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"faulty": faulty}))
    server.daemon_threads = True
    faulty.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        faulty.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def deliver(connect: Callable[[], Channel], message: Message, key: str, base: Receipt | None = None) -> Receipt:
    """Deliver as the outbox does: look for what may have arrived, then send. A new channel for every attempt.

    Raises Refused where it is for good.
    """
    uncertain = False
    for _ in range(12):
        channel = connect()
        try:
            found = channel.find(message, key, base) if uncertain else None
            uncertain = False
            return found or channel.send(message, key, base)
        except Lost:
            uncertain = True
        except Refused as error:
            if error.permanent:
                raise
        finally:
            channel.close()  # type: ignore[attr-defined]
    raise AssertionError("not delivered in twelve attempts")

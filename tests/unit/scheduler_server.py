"""Two schedulers of marketing posts over real HTTP, with their state: one that keeps our contract, and a Mastodon's.

Both can lose answers, refuse, delay, answer HTML, and take a request without doing it. What they count is their own.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Fault:
    """What happens to the next calls of a method instead of an answer."""

    method: str
    times: int = 1
    status: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    lose: bool = False
    """It acts, and the answer never comes."""
    lie: bool = False
    """It answers well, and does nothing."""
    after: float = 0.0


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """What both have: a token, faults, and every request that came."""

    def __init__(self) -> None:
        self.url = ""
        self.token = ""
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.changes = 0
        """How often something changed here."""

    def fault(self, method: str, **more: Any) -> None:
        self.faults.append(Fault(method, **more))

    def count(self, method: str) -> int:
        return sum(one.method == method for one in self.seen)

    def next_fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.times:
                fault.times -= 1
                return fault
        return None

    def answer(self, seen: Seen, *, act: bool) -> tuple[int, Any]:
        raise NotImplementedError


class Contract(Served):
    """Keeps our contract: docs/marketing.md."""

    def __init__(self, scheduled: int = 12) -> None:
        super().__init__()
        self.held, self.scheduled = False, scheduled
        self.told: list[bool] = []

    def answer(self, seen: Seen, *, act: bool) -> tuple[int, Any]:
        if seen.method == "PUT" and act:
            wanted = seen.json["held"]
            self.told.append(wanted)
            self.changes += wanted is not self.held
            self.held = wanted
        return 200, {"held": self.held, "scheduled": self.scheduled, "name": "Posts of the brand"}


class MastodonServer(Served):
    """The scheduled posts of one account, with the limits of Mastodon's own model."""

    page = 40
    daily = 25

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now
        self.posts: dict[int, datetime] = {}
        self.gone: set[int] = set()
        """Published in the instant between the list and the change."""

    def schedule(self, *after: timedelta) -> list[int]:
        first = len(self.posts) + 1
        self.posts |= {first + i: self.now + one for i, one in enumerate(after)}
        return list(range(first, first + len(after)))

    def answer(self, seen: Seen, *, act: bool) -> tuple[int, Any]:
        path, query = urlsplit(seen.path).path, parse_qs(urlsplit(seen.path).query)
        if seen.method == "GET":
            return 200, self._page(query)
        number = int(path.rpartition("/")[2])
        if number not in self.posts or number in self.gone:
            self.posts.pop(number, None)
            return 404, {"error": "Record not found"}
        to = datetime.fromisoformat(seen.json["scheduled_at"])
        if to <= self.now + timedelta(minutes=5):
            return 422, {"error": "Validation failed: The scheduled date must be in the future"}
        if sum(at.date() == to.date() for at in self.posts.values()) >= self.daily:
            return 422, {"error": "Validation failed: You have exceeded the limit of 25 scheduled posts for that day"}
        if act:
            self.changes += self.posts[number] != to
            self.posts[number] = to
        return 200, self._one(number)

    def _page(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        before = int(query.get("max_id", ["999999"])[0])
        limit = min(self.page, int(query.get("limit", ["20"])[0]))
        return [self._one(number) for number in sorted(self.posts, reverse=True) if number < before][:limit]

    def _one(self, number: int) -> dict[str, Any]:
        at = self.posts[number].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"id": str(number), "scheduled_at": at, "params": {"text": "Sun!"}, "media_attachments": []}


@contextmanager
def serve(what: Served) -> Iterator[None]:
    """Serve on 127.0.0.1 until left; sets `url`."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            seen = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            with lock:
                what.seen.append(seen)
                fault = what.next_fault(self.command)
                status, answer = self._answered(seen, fault)
            with suppress(OSError):
                self._write(status, answer, fault)

        def _answered(self, seen: Seen, fault: Fault | None) -> tuple[int, Any]:
            if what.token and seen.headers.get("authorization") != f"Bearer {what.token}":
                return 401, {"error": "The access token is invalid"}
            if fault and fault.status and not fault.lose:
                return fault.status, fault.body
            return what.answer(seen, act=not (fault and fault.lie))

        def _write(self, status: int, answer: Any, fault: Fault | None) -> None:
            if fault and fault.after:
                time.sleep(fault.after)
            if fault and fault.lose:
                self.close_connection = True
                return
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(status)
            kind = "text/html" if isinstance(answer, str) else "application/json"
            for name, value in {"Content-Type": kind, **(fault.headers if fault else {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = _any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        what.url = f"http://127.0.0.1:{server.server_port}/hold"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(timeout=5)

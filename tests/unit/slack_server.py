"""A Slack that answers what a test tells it: for the answers that a well-behaved counterpart never gives.

Not a copy of Slack: whatever can be tested against a real program is in tests/peers.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

OK: dict[str, Any] = {"ok": True}


@dataclass
class Answer:
    """One HTTP answer. `body` is JSON unless it is a string. `drop` closes without one; `after` waits seconds first."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    after: float = 0.0


class ScriptedSlack:
    """Answers by method, in the order told; the last one repeats. Remembers each call."""

    def __init__(self, url: str):
        self.url = url
        self.api_url = f"{url}/api/"
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._script: dict[str, list[Answer]] = defaultdict(list)
        self._changed = threading.Condition()

    def says(self, method: str, *answers: Answer | dict[str, Any]) -> None:
        """Tell what a method answers."""
        self._script[method] = [each if isinstance(each, Answer) else Answer(each) for each in answers]

    def answer(self, method: str, sent: dict[str, Any]) -> Answer:
        with self._changed:
            self.calls.append((method, sent))
            self._changed.notify_all()
            script = self._script.get(method) or [Answer(OK)]
            return script.pop(0) if len(script) > 1 else script[0]

    def sent(self, method: str, count: int = 1, within: float = 5) -> list[dict[str, Any]]:
        """Wait until a method was called so often, and give what it was called with."""
        until = time.monotonic() + within
        with self._changed:
            while True:
                found = [sent for name, sent in self.calls if name == method]
                if len(found) >= count or not self._changed.wait(max(0.0, until - time.monotonic())):
                    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    slack: ScriptedSlack

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = self.path.split("?")[0].removeprefix("/api/").strip("/")
        answer = self.slack.answer(method, _read(body, self.headers.get("Content-Type") or ""))
        time.sleep(answer.after)
        if answer.drop:
            self.close_connection = True
            return
        with suppress(BrokenPipeError, ConnectionResetError):  # the caller has stopped waiting
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        raw = text.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _read(body: bytes, content_type: str) -> dict[str, Any]:
    if "json" in content_type and body:
        return dict(json.loads(body))
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


@contextmanager
def scripted_slack() -> Iterator[ScriptedSlack]:
    """Run one on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    slack = ScriptedSlack(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"slack": slack})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

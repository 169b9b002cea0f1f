"""A Slack that does nothing but keep its published limits, in a process of its own: what the sending is measured with.

`python -m bench.limited_slack <speed>` prints its port; its time runs `speed` times as fast as ours. `GET /log` tells
what it let through and refused. Limits: https://docs.slack.dev/apis/web-api/rate-limits.
"""

import json
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TIER_2, TIER_3 = 20, 50
PER_MINUTE = {
    "chat.update": TIER_3,
    "conversations.create": TIER_2,
    "conversations.history": TIER_3,
    "conversations.invite": TIER_3,
    "conversations.list": TIER_2,
    "conversations.open": TIER_3,
    "conversations.setPurpose": TIER_2,
    "conversations.setTopic": TIER_2,
}
"""Calls of a method in a minute; posting has one a second and conversation instead."""
TOLERANCE_S = 0.2
"""Who is so little too early is let through: it is our own network that is measured in faster time."""


class Bucket:
    """So many calls at once, and one more each `interval` seconds."""

    def __init__(self, size: int, interval: float):
        self.size, self.interval = size, interval
        self.left, self.at = float(size), 0.0

    def take(self, now: float) -> float:
        """Take a call; returns the seconds to wait, 0 when it is let through."""
        self.left = min(self.size, self.left + (now - self.at) / self.interval)
        self.at = now
        missing = (1 - self.left) * self.interval
        if missing > TOLERANCE_S:
            return missing
        self.left -= 1
        return 0.0


class LimitedSlack:
    """What was let through when, and what was refused."""

    def __init__(self, speed: float):
        self.speed, self.began, self.one = speed, time.monotonic(), threading.Lock()
        self.buckets: dict[tuple[str, str], Bucket] = {}
        self.passed: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.refused: dict[str, int] = defaultdict(int)

    def answer(self, method: str, sent: dict[str, str]) -> tuple[int, dict[str, Any], float]:
        """Status, body, seconds to wait."""
        place = sent.get("channel") or sent.get("users") or ""
        with self.one:
            now = (time.monotonic() - self.began) * self.speed
            wait = self._bucket(method, place).take(now)
            if wait:
                self.refused[method] += 1
                return 429, {"ok": False, "error": "ratelimited"}, wait
            self.passed[method].append((now, place))
            stamp = f"{1_800_000_000 + len(self.passed[method])}.000100"
        channel = {"id": f"D{place[1:]}" if method == "conversations.open" else "C000ROOM"}
        if method.startswith("chat."):
            return 200, {"ok": True, "channel": place, "ts": stamp}, 0
        return 200, {"ok": True, "channel": channel, "user_id": "U0IRROPS", "url": "https://bench.example/"}, 0

    def _bucket(self, method: str, place: str) -> Bucket:
        if method == "chat.postMessage":
            return self.buckets.setdefault((method, place), Bucket(1, 1.0))
        size = PER_MINUTE.get(method, 1_000_000)
        return self.buckets.setdefault((method, ""), Bucket(size, 60 / size))


class Handler(BaseHTTPRequestHandler):
    slack: LimitedSlack

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        read = json.loads(raw) if raw[:1] == b"{" else {name: one[0] for name, one in parse_qs(raw.decode()).items()}
        status, body, wait = self.slack.answer(self.path.rsplit("/", 1)[1], read)
        self._say(status, body, {"Retry-After": str(max(1, round(wait)))} if wait else {})

    def do_GET(self) -> None:
        with self.slack.one:
            self._say(200, {"passed": self.slack.passed, "refused": self.slack.refused}, {})

    def _say(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, format: str, *given: Any) -> None:
        """Say nothing."""


def main(speed: float) -> None:
    handler = type("Limited", (Handler,), {"slack": LimitedSlack(speed)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(float(sys.argv[1]))

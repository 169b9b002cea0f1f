"""A small Slack over real HTTP that keeps what it is told and falls ill on order, as no real counterpart does."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

WRITES = ("chat.postMessage", "chat.update", "conversations.create", "conversations.invite")
ILLNESSES = ("429", "500", "500 after acting", "hangs up after acting", "HTML", "nothing")


class SickSlack:
    """What is in the workspace, and how it feels."""

    def __init__(self) -> None:
        self.api_url = ""
        self.illness = ""
        self.only: tuple[str, ...] = ()
        """Methods that are ill; empty: all."""
        self.rooms: dict[str, dict[str, Any]] = {"C0000000": {"id": "C0000000", "name": "irrops-duty", "purpose": {}}}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.calls: Counter[str] = Counter()
        self.well = threading.Event()
        self._one = threading.Lock()

    def fall_ill(self, illness: str, only: tuple[str, ...] = ()) -> None:
        self.illness, self.only = illness, only
        self.well.clear()

    def recover(self) -> None:
        self.illness = ""
        self.well.set()

    def answer(self, method: str, sent: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        """Status, headers, body. Blocks while it says nothing."""
        with self._one:
            self.calls[method] += 1
            ill = self.illness if method in (self.only or (method,)) else ""
            answer = self._act(method, sent) if ill == "" or ill.endswith("after acting") else {}
        if "error" in answer:
            ill = ""  # it did not act
        if ill == "nothing":
            self.well.wait(20)
        if ill == "429":
            return 429, {"Retry-After": "30"}, json.dumps({"ok": False, "error": "ratelimited"})
        if ill == "HTML":
            return 200, {"Content-Type": "text/html"}, "<html>We are doing maintenance</html>"
        if ill == "hangs up after acting":
            return 0, {}, ""
        if ill:
            return 500, {}, "internal error"
        return 200, {}, json.dumps({"ok": "error" not in answer, **answer})

    def _act(self, method: str, sent: dict[str, Any]) -> dict[str, Any]:
        act = getattr(self, re.sub(r"\W|(?=[A-Z])", "_", f".{method}").lower(), None)
        return act(sent) if act else {"channel": self.rooms.get(sent.get("channel", ""), {})}

    def _auth_test(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"user_id": "U0IRROPS", "url": "https://ops.example/"}

    def _conversations_create(self, sent: dict[str, Any]) -> dict[str, Any]:
        if any(room["name"] == sent["name"] for room in self.rooms.values()):
            return {"error": "name_taken"}
        room = {"id": f"C{len(self.rooms):07}", "name": sent["name"], "creator": "U0IRROPS", "purpose": {"value": ""}}
        self.rooms[room["id"]] = room
        return {"channel": room}

    def _conversations_set_purpose(self, sent: dict[str, Any]) -> dict[str, Any]:
        self.rooms[sent["channel"]]["purpose"] = {"value": sent["purpose"]}
        return {}

    def _conversations_list(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"channels": list(self.rooms.values())}

    def _conversations_open(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": f"D{sent['users'][1:]:0>7}"}}

    def _conversations_history(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"messages": list(reversed(self.messages.get(sent["channel"], [])))}

    def _chat_post_message(self, sent: dict[str, Any]) -> dict[str, Any]:
        there = self.messages.setdefault(sent["channel"], [])
        message = {"ts": f"{1_800_000_000 + sum(map(len, self.messages.values()))}.000100", **sent}
        there.append(message)
        return {"channel": sent["channel"], "ts": message["ts"]}

    def _chat_update(self, sent: dict[str, Any]) -> dict[str, Any]:
        for message in self.messages.get(sent["channel"], []):
            if message["ts"] == sent["ts"]:
                message |= {"text": sent["text"]}
                return {"channel": sent["channel"], "ts": sent["ts"]}
        return {"error": "message_not_found"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    slack: SickSlack

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, body = self.slack.answer(self.path.rsplit("/", 1)[1], _read(raw, self.headers))
        if not status:
            self.close_connection = True
            return
        with suppress(BrokenPipeError, ConnectionResetError):  # the caller has stopped waiting
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

    def log_message(self, format: str, *given: Any) -> None:
        """Say nothing."""


def _read(raw: bytes, headers: Any) -> dict[str, Any]:
    if "json" in (headers.get("Content-Type") or "") and raw:
        return dict(json.loads(raw))
    return {name: values[0] for name, values in parse_qs(raw.decode()).items()}


@contextmanager
def sick_slack() -> Iterator[SickSlack]:
    """Run one on a free port of 127.0.0.1."""
    slack = SickSlack()
    handler = type("Handler", (_Handler,), {"slack": slack})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    slack.api_url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield slack
    finally:
        slack.recover()
        server.shutdown()
        thread.join()
        server.server_close()

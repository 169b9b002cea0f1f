"""A Mastodon server of our own for tests: keeps posts as Mastodon does, and fails as it is told.

Its answers have the shape of those of a real Mastodon 4.4; Idempotency-Keys are looked up before a post is stored and
remembered after, as there, so that equal ones at once make several posts.
"""

import contextlib
import html
import itertools
import json
import re
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token-of-the-airline"
ALL = frozenset({"write:statuses", "read:statuses", "read:accounts"})
OURS = {"id": "7", "acct": "airline"}
PAGE_HTML = b"<!DOCTYPE html><title>Mastodon</title><p>We're sorry, but something went wrong."
NO_ANSWER = -1
CUT = b'{"id":"1'
"""An answer that breaks off."""


class MastodonServer:
    """Faults: `fail_next` does the call and then answers otherwise, `refuse_next` does not do it."""

    def __init__(self) -> None:
        self.statuses: dict[str, dict[str, Any]] = {}
        self.made = 0
        """How many posts were ever made, deleted or not."""
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.scopes, self.max_characters, self.honours_keys = ALL, 500, True
        self.store_takes_s = 0.0
        """Between looking the Idempotency-Key up and remembering it."""
        self.fail_next: list[tuple[int, bytes]] = []
        self.answer_after_s: list[float] = []
        self.refuse_next: list[tuple[int, bytes, dict[str, str]]] = []
        self._keys: dict[str, str] = {}
        self._ids = itertools.count(117_440_831_413_709_748)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"mastodon": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def texts(self) -> list[str]:
        """What stands there, oldest first."""
        return [status["text"] for status in self.statuses.values()]

    # ---- by hand, as somebody in Mastodon's own app

    def put(self, text: str, at: datetime | None = None, **more: Any) -> dict[str, Any]:
        """Make a post; `more` are fields of it."""
        with self._lock:
            self.made += 1
            id = str(next(self._ids))
            moment = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            plain = {"id": id, "uri": f"{self.url}/users/airline/statuses/{id}", "url": f"{self.url}/@airline/{id}"}
            rest = {"created_at": moment, "language": "en", "in_reply_to_id": None, "visibility": "public"}
            account = {"reblog": None, "account": OURS, "text": text.strip()}
            self.statuses[id] = {**plain, **rest, **account, **more}
            return self.statuses[id]

    def delete(self, id: str) -> None:
        del self.statuses[id]

    def edit(self, id: str, text: str) -> None:
        self.statuses[id]["text"] = text

    # ---- the API

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, key: str) -> tuple[int, Any]:
        """Do a call: status and JSON."""
        parts = path.removeprefix("/api/").split("/")
        if parts in (["v2", "instance"], ["v1", "instance"]):
            return 200, {"configuration": {"statuses": {"max_characters": self.max_characters}}}
        if parts == ["v1", "accounts", "verify_credentials"]:
            return self._with_right("read:accounts", 200, OURS)
        if parts == ["v1", "accounts", OURS["id"], "statuses"]:
            return self._with_right("read:statuses", 200, self._page(query))
        if parts[:2] == ["v1", "statuses"]:
            right = "read:statuses" if method == "GET" else "write:statuses"
            if right not in self.scopes:
                return self._with_right(right, 200, None)
            return self._new(body, key) if len(parts) == 2 else self._status(method, parts[2:], body)
        return 404, {"error": "Not Found"}

    def _with_right(self, right: str, status: int, told: Any) -> tuple[int, Any]:
        if right in self.scopes:
            return status, told
        return 403, {"error": "This action is outside the authorized scopes"}

    def _new(self, body: Any, key: str) -> tuple[int, Any]:
        self.bodies.append(body)
        if self.honours_keys and key in self._keys:
            return 200, _shown(self.statuses[self._keys[key]])
        if not body["status"].strip() or len(body["status"]) > self.max_characters:
            return 422, {"error": f"Validation failed: Text character limit of {self.max_characters} exceeded"}
        parent = body.get("in_reply_to_id")
        if parent and parent not in self.statuses:
            return 404, {"error": "The post you are trying to reply to does not appear to exist."}
        time.sleep(self.store_takes_s)
        made = self.put(body["status"], language=body["language"], in_reply_to_id=parent, visibility=body["visibility"])
        self._keys[key] = made["id"]
        return 200, _shown(made)

    def _status(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        status = self.statuses.get(parts[0])
        ours = status is not None and status["account"] == OURS
        if status is None or (method != "GET" and not ours):
            return 404, {"error": "Record not found"}
        if parts[1:] == ["source"]:
            return 200, {"id": status["id"], "text": status["text"], "spoiler_text": ""}
        if method == "PUT":
            self.bodies.append(body)
            status |= {"text": body["status"], "language": body["language"]}
        if method == "DELETE":
            self.delete(status["id"])
        return 200, _shown(status)

    def _page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        newest = sorted(self.statuses.values(), key=lambda status: (status["created_at"], status["id"]), reverse=True)
        below = query.get("max_id")
        from_ = next((n + 1 for n, status in enumerate(newest) if status["id"] == below), 0)
        mine = [status for status in newest[from_:] if status["account"] == OURS]
        return [_shown(status) for status in mine[: int(query.get("limit", "20"))]]


def content(text: str) -> str:
    """The HTML that Mastodon makes of a text: paragraphs, breaks, and links of which a part is hidden."""
    blocks = [_linked(html.escape(block)) for block in re.split(r"\n\n+", text)]
    return "".join("<p>" + block.replace("\n", "<br />") + "</p>" for block in blocks)


def _linked(text: str) -> str:
    def link(found: re.Match[str]) -> str:
        scheme, rest = found.group(1), found.group(2)
        more = "ellipsis" if rest[30:] else ""
        shown = f'<span class="{more}">{rest[:30]}</span><span class="invisible">{rest[30:]}</span>'
        rel = 'target="_blank" rel="nofollow noopener" translate="no"'
        return f'<a href="{scheme}{rest}" {rel}><span class="invisible">{scheme}</span>{shown}</a>'

    def tag(found: re.Match[str]) -> str:
        name = found.group(1)
        return f'<a href="https://m.example/tags/{name}" class="mention hashtag" rel="tag">#<span>{name}</span></a>'

    def mention(found: re.Match[str]) -> str:
        name = found.group(1)
        url = f'<a href="https://m.example/@{name}" class="u-url mention">@<span>{name}</span></a>'
        return f'<span class="h-card" translate="no">{url}</span>'

    text = re.sub(r"(?<!\S)@(\w+)(?:@[\w.]+\w)?", mention, text)
    text = re.sub(r"(?<![\S&])#(\w+)", tag, text)
    return re.sub(r"(?<![\w\"])(https?://)([^\s<]*[^\s<.,;:!?)])", link, text)


def _shown(status: dict[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in status.items() if name != "text"}, "content": content(status["text"])}


class _Handler(BaseHTTPRequestHandler):
    mastodon: MastodonServer

    def _do(self) -> None:
        server, address = self.mastodon, urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.calls.append((self.command, address.path))
        if server.refuse_next:
            self._say(*server.refuse_next.pop(0))
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, b'{"error":"The access token is invalid"}')
            return
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = json.loads(raw) if raw else None
        key = self.headers.get("Idempotency-Key") or ""
        status, told = server.answer(self.command, address.path, query, body, key)
        self._fail_or_say(status, json.dumps(told).encode())

    def _fail_or_say(self, status: int, body: bytes) -> None:
        if self.mastodon.answer_after_s:
            time.sleep(self.mastodon.answer_after_s.pop(0))
        if self.mastodon.fail_next:
            status, body = self.mastodon.fail_next.pop(0)
        self.close_connection = True
        if status != NO_ANSWER:
            self._say(status, body)

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        kind = "application/json; charset=utf-8" if body[:1] in (b"{", b"[") else "text/html"
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (100 if body.endswith(CUT) else 0)))
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):  # who asked has not waited
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass

"""Programs of others that the outward integrations are tested against, and a wire that loses answers.

A test module takes a fixture by naming it: `bluesky_server = outward.bluesky_server`.
"""

import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.programs import MODULES, answers, free_port, need, running


def program(*names: str) -> str:
    """Find a program on the path by any of its names."""
    return need(next((path for name in names if (path := shutil.which(name))), None), names[0])


def until(what: str, holds: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until `holds` gives something, and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


class Wire:
    """Carries TCP from one port to another. `lose` answers can be lost after the other side has acted."""

    def __init__(self, to: int) -> None:
        self.to, self.lose, self.lost = to, 0, 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
        except OSError:
            near.close()
            return
        with near, far:
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for side in ready:
                    if not self._pass_on(side, far if side is near else near, answer=side is far):
                        return

    def _pass_on(self, source: socket.socket, sink: socket.socket, answer: bool) -> bool:
        try:
            piece = source.recv(65536)
            if piece and answer and self.lose:
                self.lose, self.lost = self.lose - 1, self.lost + 1
                return False
            sink.sendall(piece)
            return bool(piece)
        except OSError:
            return False


class BlueskyServer:
    """A PDS behind a wire."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.url = f"http://127.0.0.1:{wire.port}"

    def account(self, name: str) -> dict[str, str]:
        """Make an account; returns its handle, password and did."""
        made = self._call("post", "server.createAccount", json={**self._who(name), "email": f"{name}@example.test"})
        return {**self._who(name), "did": made["did"]}

    def posts(self, did: str) -> list[dict[str, Any]]:
        """All its records, oldest first."""
        found = self._call("get", "repo.listRecords", params={"repo": did, "collection": "app.bsky.feed.post"})
        return list(reversed(found["records"]))

    def _who(self, name: str) -> dict[str, str]:
        return {"handle": f"{name}.test", "password": f"pass-word-of-{name}"}

    def _call(self, method: str, name: str, **more: Any) -> Any:
        answer = httpx.request(method, f"http://127.0.0.1:{self.wire.to}/xrpc/com.atproto.{name}", timeout=20, **more)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="session")
def bluesky_server(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlueskyServer]:
    """Bluesky's own server, new and empty."""
    need(MODULES / "@atproto" / "pds", "Bluesky's server (@atproto/pds)")
    need(MODULES / "better-sqlite3/build/Release/better_sqlite3.node", "better-sqlite3 of Bluesky's server")
    folder = tmp_path_factory.mktemp("pds")
    wire = Wire(free_port())
    command = [node, Path(__file__).parent / "bluesky_pds.mjs", folder, *map(str, (wire.port, wire.to, free_port()))]
    with running(command, lambda: answers(f"http://127.0.0.1:{wire.to}/xrpc/_health"), folder / "log"):
        yield BlueskyServer(wire)
    wire.close()


class Hook:
    """Takes what is posted to it. `answers` are the status codes to give next; then 200."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class AlertManager:
    """A running Alertmanager that posts to `hook`."""

    def __init__(self, url: str, hook: Hook) -> None:
        self.url, self.hook = url, hook

    def amtool(self, *words: str) -> None:
        subprocess.run([program("amtool"), f"--alertmanager.url={self.url}", *words], check=True, timeout=20)


ALERTMANAGER = """
route: {{receiver: irrops, group_by: [alertname, service], group_wait: 1s, group_interval: 1s, repeat_interval: 2s}}
receivers:
  - name: irrops
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config: {{authorization: {{type: Bearer, credentials: {token}}}}}
"""


@contextmanager
def alertmanager_to(target: str, token: str, folder: Path) -> Iterator[str]:
    """Prometheus Alertmanager that posts to `target`, a repeat after two seconds; yields its own address."""
    port = free_port()
    config = folder / "alertmanager.yml"
    config.write_text(ALERTMANAGER.format(url=target, token=token))
    command = [
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={config}",
        f"--storage.path={folder / 'am'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, lambda: _is_ready(url), folder / "am.log"):
        yield url


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[AlertManager]:
    """Prometheus Alertmanager that sends the bearer token `a-token` to a hook."""
    hook = Hook()
    with alertmanager_to(hook.url, "a-token", tmp_path) as url:
        yield AlertManager(url, hook)
    hook.close()


def _is_ready(url: str) -> bool:
    return answers(url) and httpx.get(f"{url}/-/ready", timeout=2).status_code == 200


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    executable = program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()

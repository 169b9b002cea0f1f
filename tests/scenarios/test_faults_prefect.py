"""Prefect closed, silent, or broken behind a good face: the advance runs without it within seconds, and says so."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from desk.rounds import Rounds
from engine.effects import EffectState
from tests.scenarios.command import irrops
from tests.scenarios.conftest import Scene

FEW_SECONDS = 6.0
"""The time limit of the health check is one; the rest is room for a busy machine."""


@pytest.fixture
def desk(scene: Callable[..., Scene]) -> Scene:
    made = scene()
    made.rounds = Rounds(made.crew, prefect=True)
    return made


def ran_without(desk: Scene, ref: str, why: str = "its API does not answer") -> None:
    (said,) = [entry.text for entry in desk.desk.timeline(ref) if entry.kind == "RanWithoutPrefect"]
    assert why in said
    assert desk.slack.all("room")
    assert {effect.state for effect in desk.desk.effects(ref)} <= {EffectState.SENT, EffectState.CANCELLED}


@contextmanager
def silent() -> Iterator[tuple[str, list[socket.socket]]]:
    """A port that accepts and never answers, and who has called."""
    callers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    callers.append(server.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/api", callers
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for caller in callers:
                caller.close()


def test_prefect_is_not_there(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    ref = desk.declare("it-outage", stations="AMS")
    ran_without(desk, ref)


def test_prefect_accepts_and_never_answers(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent() as (url, callers):
        monkeypatch.setenv("PREFECT_API_URL", url)
        began = time.monotonic()
        refs = [desk.desk.declare("it-outage", facts={"stations": "AMS"}, by="duty-manager").ref for _ in range(6)]
        asyncio.run(desk.rounds.go(1))
        assert time.monotonic() - began < FEW_SECONDS
        ran_without(desk, refs[0])
        desk.settle()
        asked = len(callers)
    for ref in refs:
        assert desk.timeline(ref).has("RanWithoutPrefect")
    assert asked <= 1 + (time.monotonic() - began) // 5  # not once for each incident


class _GoodFace(BaseHTTPRequestHandler):
    """Says that it is well, and fails at all else."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        well = self.path.endswith("/health")
        self.send_response(200 if well else 500)
        self.end_headers()
        self.wfile.write(b"true" if well else b"database is locked")

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *given: object) -> None:
        """Say nothing."""


@pytest.fixture
def good_face() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _GoodFace)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def test_other_advances_keep_prefect_busy(desk: Scene, good_face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that hangs holds up the flows of its incidents, and no other incident."""
    monkeypatch.setenv("PREFECT_API_URL", good_face)
    monkeypatch.setattr("desk.rounds.TURN_S", 0.1)
    desk.rounds._flows = asyncio.Semaphore(0)
    ref = desk.declare("it-outage", stations="AMS")
    ran_without(desk, ref, "other advances keep it busy")


def test_prefect_says_it_is_well_and_fails(good_face: str, tmp_path: Path) -> None:
    """The real client of Prefect, in the real command, which is a process of its own."""
    env = {"IRROPS_PREFECT": "true", "PREFECT_API_URL": good_face, "PREFECT_HOME": str(tmp_path / "prefect")}
    said = irrops(tmp_path, "declare", "it-outage", "--by", "duty-manager", "--json", **env)
    assert said.code == 0, said.err
    kinds = [entry["kind"] for entry in json.loads(said.out)["timeline"]]
    assert kinds.count("RanWithoutPrefect") == 1
    assert "EffectSent" in kinds

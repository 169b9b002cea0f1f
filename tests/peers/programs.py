"""Starting and ending the programs that tests run against. Which ones there are is in conftest.py."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".peers"
MODULES = Path(__file__).parent / "node_modules"
STARTS_WITHIN_S = 90


def absent(what: str) -> NoReturn:
    """A peer is missing: fail where REQUIRE_PEERS=1, else skip, and say how to get it."""
    reason = f"{what} is not here; run: sh tests/peers/install.sh"
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def need(path: Path | str | None, what: str) -> str:
    """Give the path of a program, or call `absent`."""
    if path is None or not Path(path).exists():
        absent(what)
    return str(path)


def free_port() -> int:
    """Find a TCP port on 127.0.0.1 that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Tell whether an HTTP server is there, whatever it answers."""
    try:
        httpx.get(url, timeout=2)
    except httpx.HTTPError:
        return False
    return True


def listens(port: int) -> bool:
    """Tell whether a program takes connections at a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, wait until it is ready (90 s), end it and its children afterwards. Its output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        try:
            _await(process, ready, log)
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program that `running` started: ask first, then insist."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if ready():
            return
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-2000:]
    pytest.fail(f"{process.args} did not start (exit code {process.poll()}):\n{tail}", pytrace=False)

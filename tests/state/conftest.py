"""Every test in this folder runs on SQLite and on PostgreSQL."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from state.database import migrate, open_database
from state.store import Store


def _binaries() -> Path | None:
    """Where PostgreSQL's server programs are on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{why}; CI must test on PostgreSQL")
    pytest.skip(why)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own on a free port; yields its address without a database."""
    binaries = _binaries()
    if binaries is None:
        _missing("PostgreSQL's server programs are not on this machine (Debian: postgresql)")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="irrops-pg-"))
    # PostgreSQL refuses to run as root.
    user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, **user)
    subprocess.run(
        [binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "irrops", "--no-sync"],
        check=True,
        capture_output=True,
        cwd="/",
        **user,
    )
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
    server = subprocess.Popen(
        [binaries / "postgres", "-D", folder / "data", *options], stderr=subprocess.DEVNULL, cwd="/", **user
    )
    try:
        _wait(port)
        yield f"postgresql://irrops@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int) -> None:
    engine = open_database(f"postgresql://irrops@127.0.0.1:{port}/postgres")
    end = time.monotonic() + 30
    while True:
        try:
            with engine.connect():
                break
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'irrops.db'}"
    server: str = request.getfixturevalue("postgres")
    name = f"t{abs(hash(str(tmp_path)))}"
    engine = open_database(f"{server}/postgres").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store on an empty, up-to-date database."""
    engine = open_database(url)
    migrate(engine)
    yield Store(engine)
    engine.dispose()

"""A PostgreSQL of the bench's own, where its programs are on this machine."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.desk import free_port
from state.database import open_database


def binaries() -> Path | None:
    """Where the server's programs are; None where they are not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    initdb = str(found[0]) if found else shutil.which("initdb")
    return Path(initdb).parent if initdb else None


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a server that waits for the disk as one in earnest does; yields the address of an empty database."""
    programs, port = binaries(), free_port()
    assert programs
    folder = Path(tempfile.mkdtemp(prefix="irrops-bench-pg-"))
    user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}  # root is refused
    if user:
        shutil.chown(folder, **user)
    made = [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "irrops"]
    subprocess.run(made, check=True, capture_output=True, cwd="/", **user)
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    command = [programs / "postgres", "-D", folder / "data", *options]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", **user)
    try:
        url = f"postgresql://irrops@127.0.0.1:{port}"
        _wait(f"{url}/postgres")
        engine = open_database(f"{url}/postgres").execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE bench"))
        engine.dispose()
        yield f"{url}/bench"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str) -> None:
    engine, end = open_database(url), time.monotonic() + 30
    while True:
        try:
            with engine.connect():
                return engine.dispose()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)

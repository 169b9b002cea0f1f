"""Memory of `irrops serve` with its Prefect server: idle, and after 100 incidents. The yardstick is itself, idle."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.desk import free_port
from desk.settings import ROOT

INCIDENTS = 100


def measure() -> list[dict[str, Any]]:
    """Resident memory of both processes, MB."""
    with tempfile.TemporaryDirectory(prefix="irrops-bench-") as folder:
        port, prefect = free_port(), free_port()
        env = {
            **os.environ,
            "IRROPS_HOME": folder,
            "IRROPS_PORT": str(port),
            "IRROPS_PREFECT_PORT": str(prefect),
            "IRROPS_PLAYBOOKS": str(ROOT / "bench" / "playbooks"),
        }
        irrops = str(Path(sys.executable).with_name("irrops"))
        making = [irrops, "token", "make", "bench", "--role", "duty_manager"]
        token = subprocess.run(making, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
        with (Path(folder) / "serve.log").open("wb") as log:
            serve = subprocess.Popen([irrops, "serve"], env=env, cwd=folder, stdout=log, stderr=log)
        try:
            api = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"})
            _until(lambda: api.get("/incidents").status_code == 200)
            _until(lambda: httpx.get(f"http://127.0.0.1:{prefect}/api/health").status_code == 200)
            time.sleep(5)
            idle = _memory(serve.pid)
            for _ in range(INCIDENTS):
                api.post("/incidents", json={"playbook": "first-wave"}).raise_for_status()
            _until(lambda: all(one["status"] == "responding" for one in api.get("/incidents").json()))
            time.sleep(30)
            after = _memory(serve.pid)
        finally:
            serve.terminate()
            serve.wait(30)
    what = f"memory after {INCIDENTS} incidents"
    return [
        {"what": what, "ours_s": after, "yardstick_s": idle, "ratio": after / idle, "unit": " MB", "yardstick": "idle"}
    ]


def _memory(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 1e6


def _until(holds: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("the bench waited too long")

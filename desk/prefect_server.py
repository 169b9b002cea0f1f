"""The Prefect server that `irrops serve` and the drill start beside themselves, unless one is named."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from desk.settings import Settings

ENVIRONMENT = {
    # Fewer, larger writes: on SQLite this removes most "database is locked" collisions.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PREFECT_API_REQUEST_TIMEOUT": "5",
    "PREFECT_CLI_PROMPT": "false",
    "DO_NOT_TRACK": "1",
}
PATIENCE_S = 90
"""A first start builds Prefect's database: up to 30 s on two cores."""


def api_url(settings: Settings) -> str:
    """Where Prefect's API is, or will be."""
    return os.environ.get("PREFECT_API_URL") or f"http://127.0.0.1:{settings.prefect_port}/api"


def prepare(settings: Settings) -> None:
    """Set what Prefect reads when it is imported. Call it before anything imports prefect."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(settings.home / "prefect"))
    os.environ.setdefault("PREFECT_API_URL", api_url(settings))


class PrefectServer:
    """A Prefect server of our own, as a child process."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start it, not waiting for it. False: one runs on its port already, left by an irrops that died; use that."""
        if self.well():
            return False
        home = self.settings.home / "prefect"
        home.mkdir(parents=True, exist_ok=True)
        log = (home / "server.log").open("ab")
        port = str(self.settings.prefect_port)
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        self.child = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed words
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=self._environment(home),
            start_new_session=True,  # Ctrl-C is for us; we end it when our own work is done
        )
        log.close()
        return True

    def _environment(self, home: Path) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        return {**inherited, **ENVIRONMENT, "PREFECT_HOME": str(home)}

    def wait(self, patience_s: float = PATIENCE_S) -> bool:
        """Wait until it is well. False when it died or took too long."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if self.child and self.child.poll() is not None:
                return False
            if self.well():
                return True
            time.sleep(0.25)
        return False

    def well(self) -> bool:
        """Whether a Prefect server answers on our port."""
        try:
            url = f"http://127.0.0.1:{self.settings.prefect_port}/api/health"
            return httpx.get(url, timeout=1, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """End the child, by its process number."""
        if self.child and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(5)

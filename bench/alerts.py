"""Alert in → first effect out, acceptance, storm, outage, kill -9: the yardstick's own bench, against its floor.

Both run in one go. Needs `../shared/bench` beside the checkout.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.desk import free_port
from desk.settings import ROOT

YARDSTICK = ROOT.parent / "shared" / "bench"
PHASES = "latency,accept,storm-vary,storm-same,outage,crash"
ALERT = {
    "version": "4",
    "groupKey": "{fp}",
    "status": "firing",
    "receiver": "irrops",
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "",
    "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Bench", "severity": "critical", "service": "booking"},
            "annotations": {"summary": "{id}"},
            "startsAt": "{now}",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": "{fp}",
        }
    ],
}


def measure() -> list[dict[str, Any]]:
    """Rows of both programs, from one run each; seconds, alerts a second, counts."""
    if not (YARDSTICK / "trigger_bench.py").exists():
        print("the yardstick is not beside this checkout (../shared/bench); skipped", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="irrops-bench-") as folder:
        ours = _irrops(Path(folder) / "irrops")
        floor = _floor(Path(folder) / "floor")
    return list(_rows(ours, floor))


def _rows(ours: dict[str, Any], floor: dict[str, Any]) -> Any:
    def row(what: str, phase: str, figure: str, unit: str, scale: float = 1) -> dict[str, Any]:
        mine, theirs = ours[phase][figure] / scale, floor[phase][figure] / scale
        ratio = mine / theirs if theirs else float("nan")
        return {
            "what": what,
            "ours_s": mine,
            "yardstick_s": theirs,
            "ratio": ratio,
            "unit": unit,
            "yardstick": "floor.py",
        }

    yield row("alert → first effect, p95", "latency", "p95_ms", "s", 1000)
    yield row("alerts accepted a second", "accept", "accepted_per_s", "/s")
    yield row("accepted and lost, under load", "accept", "lost", "")
    yield row("storm, one cause, texts differ: actions of 1,000", "storm-vary", "actions", "")
    yield row("storm, byte-identical: actions of 1,000", "storm-same", "actions", "")
    yield row("the other side down for 20 s: never arrived of 50", "outage", "never", "")
    yield row("kill -9: never acted on of 200", "crash", "never", "")


def _run(name: str, url: str, body: str, start: str, port: int, folder: Path, env: dict[str, str]) -> dict[str, Any]:
    out = folder / "report.json"
    command = [sys.executable, str(YARDSTICK / "trigger_bench.py"), "--name", name, "--url", url, "--body", body]
    command += ["--start", start, "--phases", PHASES, "--runs", "1", "--sink-port", str(port), "--out", str(out)]
    command += ["--header", "Authorization: Bearer bench", "--server-log", str(folder / "server.log")]
    subprocess.run(command, check=True, env={**os.environ, **env}, stdout=subprocess.DEVNULL, cwd=folder)
    report: dict[str, Any] = json.loads(out.read_text())["runs"][0]
    return report


def _irrops(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    port, sink = free_port(), free_port()
    env = {
        "IRROPS_HOME": str(folder / "home"),
        "IRROPS_PORT": str(port),
        "IRROPS_PREFECT_PORT": str(free_port()),
        "IRROPS_PLAYBOOKS": str(ROOT / "bench" / "playbooks"),
        "IRROPS_ALERTMANAGER_TOKEN": "bench",
        "IRROPS_SLACK_BOT_TOKEN": "xoxb-bench",
        "IRROPS_SLACK_API_URL": f"http://127.0.0.1:{sink}/api/",
        "IRROPS_SLACK_DEFAULT_ROOM": "C0BENCH000",
        "IRROPS_SLACK_PACE": "false",
    }
    start = shlex.join([str(Path(sys.executable).with_name("irrops")), "serve"])
    url = f"http://127.0.0.1:{port}/alerts/alertmanager"
    return _run("irrops", url, json.dumps(ALERT), start, sink, folder, env)


def _floor(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    port, sink = free_port(), free_port()
    env = {
        "FLOOR_DB": str(folder / "floor.db"),
        "FLOOR_SYNC": "FULL",
        "FLOOR_SINK": f"http://127.0.0.1:{sink}/",
    }
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(YARDSTICK), "--log-level", "warning"]
    start = shlex.join([*uvicorn, "--port", str(port), "floor:app"])
    body = '{"fingerprint": "{fp}", "text": "{id}"}'
    return _run("floor", f"http://127.0.0.1:{port}/hook", body, start, sink, folder, env)

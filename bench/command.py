"""`irrops --help` against importing typer alone: nothing heavy may be imported before it is needed."""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RUNS = 9


def measure() -> list[dict[str, Any]]:
    irrops = Path(sys.executable).with_name("irrops")
    ours, typer = [], []
    for _ in range(RUNS):
        ours.append(_timed([str(irrops), "--help"]))
        typer.append(_timed([sys.executable, "-c", "import typer"]))
    mine, theirs = statistics.median(ours), statistics.median(typer)
    row = {"what": "irrops --help", "ours_s": mine, "yardstick": "import typer", "yardstick_s": theirs}
    return [row | {"ratio": mine / theirs}]


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began

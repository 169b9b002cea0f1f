"""The command line as a process of its own, in a home of its own. What it must say is asserted by the tests."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.faults import ROOT


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """Its last line on stderr: what is wrong. There is no traceback before it."""
        assert "Traceback" not in self.err, self.err
        return self.err.strip().splitlines()[-1]


def irrops(
    home: Path, *words: str, within: Sequence[str] = (), begin: Callable[[], None] | None = None, **env: str
) -> Said:
    """Run `irrops <words>` without a terminal.

    `within` is a command that runs it, such as nsenter; `begin` is called in the process before it starts.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IRROPS_", "PREFECT_"))}
    clean |= {"IRROPS_HOME": str(home), "IRROPS_PREFECT": "false", "PYTHONPATH": str(ROOT), **env}
    done = subprocess.run(
        [*within, sys.executable, "-c", "from desk.cli import main; main()", *words],
        env=clean,
        cwd=ROOT,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=90,
        preexec_fn=begin,
    )
    return Said(done.returncode, done.stdout, done.stderr)

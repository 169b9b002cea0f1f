"""A desk of its own for a measurement: fresh database, sandboxes, the example organisation, Prefect beside."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desk.settings import ROOT, Settings, load


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Bench:
    settings: Settings
    desk: "object"
    rounds: "object"


@contextlib.contextmanager
def prefect() -> Iterator[Settings]:
    """Settings in a folder of their own, with a Prefect server that is well."""
    from desk import prefect_server

    with tempfile.TemporaryDirectory(prefix="irrops-bench-") as folder:
        settings = load(home=Path(folder), prefect_port=free_port(), playbooks=ROOT / "bench" / "playbooks")
        os.environ.pop("PREFECT_API_URL", None)
        prefect_server.prepare(settings)
        server = prefect_server.PrefectServer(settings)
        server.start()
        try:
            if not server.wait():
                raise SystemExit("Prefect's server did not start; see its log under the bench's home")
            yield settings
        finally:
            server.stop()


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Bench]:
    """A desk on these settings, going round with Prefect."""
    from desk.desk import Desk
    from desk.intake import sorter
    from desk.library import Library
    from desk.people import import_people
    from desk.rounds import Rounds
    from desk.wiring import crew
    from engine.people_file import read
    from flows.crew import use

    wired = crew(settings)
    use(wired)
    import_people(wired.store, read(ROOT / "examples" / "people.csv"))
    desk = Desk(wired, Library(settings.playbooks))
    try:
        yield Bench(settings, desk, Rounds(wired, prefect=True, sort_alerts=sorter(desk)))
    finally:
        use(None)
        wired.close()

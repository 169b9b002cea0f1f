"""Holding a drill from beginning to end: its home, Prefect's server beside it, the review at the end."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desk import prefect_server, reviewing
from desk.clock import HandClock
from desk.drill import Drill, Orders
from desk.drill_home import alone, bring_people, make_home, open_desk, people_for
from desk.library import Library
from desk.reviewing import Report
from desk.settings import ROOT, Settings
from desk.world import read_words
from flows.crew import use

EXAMPLE_WORLD = ROOT / "examples" / "world.yaml"
SAID_EVERY_S = 5.0
PATIENCE_S = 90.0

Say = Callable[[str], None]
Watch = Callable[[Drill], None]
OpenScreen = Callable[[], AbstractContextManager[Watch]]


@dataclass(frozen=True)
class Held:
    """A drill that was held."""

    drill: Drill
    report: Report
    page: Path
    home: Path
    ran_on_prefect: bool

    def as_json(self) -> dict[str, Any]:
        """Everything that `irrops drill --json` says."""
        told, orders = self.report.review, self.drill.orders
        return {
            "playbook": orders.playbook,
            "seed": orders.seed,
            "hours": orders.hours,
            "begins_at": orders.begins_at,
            "incident": told.ref,
            "status": told.status,
            "stopped": self.drill.stopped,
            "prefect": self.ran_on_prefect,
            "score": told.score,
            "parts": [part.model_dump() for part in told.parts],
            "findings": [finding.model_dump() for finding in told.findings],
            "counts": self.drill.counts(),
            "review": str(self.page),
            "home": str(self.home),
        }


def hold(settings: Settings, orders: Orders, *, out: Path | None, prefect: bool, screen: OpenScreen, say: Say) -> Held:
    """Hold a drill. Raises what the desk raises for wrong names, facts and files, and NotAllowed for a second drill."""
    Library(settings.playbooks).get(orders.playbook)
    words = read_words(EXAMPLE_WORLD)
    with alone(settings.home / "drills"):
        own = make_home(settings, orders.name, asdict(orders))
        with _prefect(settings, say) if prefect else _without(say) as ready:
            clock = HandClock(orders.begins_at)
            desk = open_desk(own, clock, orders.seed)
            use(desk.crew)
            try:
                people = people_for(settings, say)
                bring_people(desk, people)
                drill = Drill(orders, desk, clock, people, words, own.home / "sandbox")
                on_prefect = ready()
                with screen() as watch:
                    asyncio.run(_run(drill, watch, on_prefect))
                page = out or own.home / "review.html"
                report = reviewing.write(desk.crew, drill.ref, page, more=drill.series())
                return Held(drill, report, page.absolute(), own.home, on_prefect)
            finally:
                use(None)
                desk.crew.close()


async def _run(drill: Drill, watch: Watch, prefect: bool) -> None:
    await drill.run(watch, prefect=prefect)
    if prefect and not drill.stopped:
        from prefect import tags

        from flows.review import review

        # The page is written without Prefect, which may be gone by now; the run is for those who look there.
        with contextlib.suppress(Exception), tags(f"incident:{drill.ref}", "drill"):
            await review(drill.ref)


@contextlib.contextmanager
def _without(say: Say) -> Iterator[Callable[[], bool]]:
    say("WITHOUT PREFECT: the drill runs its advances in this process; nothing of it is seen in Prefect's UI.")
    yield lambda: False


@contextlib.contextmanager
def _prefect(settings: Settings, say: Say) -> Iterator[Callable[[], bool]]:
    """Start a server of the drills' own, and end it; what is given waits for it and tells whether it is well."""
    home, port = settings.home / "drills", _free_port()
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"  # never the real one, even where it is named
    os.environ["PREFECT_HOME"] = str(home / "prefect")
    own = settings.model_copy(update={"home": home, "prefect_port": port})
    prefect_server.prepare(own)
    server = prefect_server.PrefectServer(own)
    say("Prefect's server starts beside the drill: 10 to 30 s the first time, less afterwards.")
    server.start()
    try:
        yield lambda: _ready(server, home, port, say)
    finally:
        server.stop()


def _ready(server: prefect_server.PrefectServer, home: Path, port: int, say: Say) -> bool:
    waited = 0.0
    while waited < PATIENCE_S and server.child is not None and server.child.poll() is None:
        if server.wait(SAID_EVERY_S):
            say(f"Prefect is ready; while the drill runs its UI is at http://127.0.0.1:{port}")
            return True
        waited += SAID_EVERY_S
        say(f"  … {waited:.0f} s")
    log = home / "prefect" / "server.log"
    say(f"WITHOUT PREFECT: its server did not start (see {log}); the drill runs its advances in this process.")
    return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

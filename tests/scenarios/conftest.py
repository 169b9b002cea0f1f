"""A desk with a clock set by hand and sandboxes for the outside: everything else is the real thing."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.clock import HandClock
from desk.desk import Desk
from desk.intake import sorter
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds
from desk.settings import load
from desk.wiring import crew
from engine.people import Person
from engine.people_file import read as read_people
from engine.timeline import Entry
from flows.crew import Crew, use
from integrations.sandbox import Sandbox, messages
from state import wakes
from state.database import migrate, open_database

START = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
"""A Tuesday, 04:10 in Amsterdam."""
CHANNELS = ("slack", "status_page", "bluesky", "x", "mastodon", "facebook", "apprise", "marketing")


@dataclass
class Timeline:
    """What stands on a timeline."""

    entries: list[Entry]

    def has(self, kind: str, **facts: Any) -> bool:
        """Whether there is an entry of this kind with these facts."""
        return any(
            entry.kind == kind and all(entry.facts.get(name) == value for name, value in facts.items())
            for entry in self.entries
        )

    def count(self, kind: str) -> int:
        return sum(entry.kind == kind for entry in self.entries)


class Outside:
    """What reached one channel."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name

    def all(self, kind: str = "") -> list[Any]:
        """Every message, oldest first."""
        found = [one.message for one in messages(self.folder, self.name)[0]]
        return [message for message in found if not kind or message.kind == kind]

    def latest(self, kind: str = "post") -> Any:
        return self.all(kind)[-1]


class Scene:
    """A desk to act on, in the words of the scenarios."""

    def __init__(self, wired: Crew, library: Library, clock: HandClock, sandbox: Path):
        self.crew, self.clock = wired, clock
        self.desk = Desk(wired, library)
        self.rounds = Rounds(wired, prefect=False, sort_alerts=sorter(self.desk))
        self.slack, self.status_page, self.bluesky = (Outside(sandbox, name) for name in CHANNELS[:3])
        self.x, self.mastodon, self.facebook = (Outside(sandbox, name) for name in ("x", "mastodon", "facebook"))
        self.email, self.sms = Outside(sandbox, "email"), Outside(sandbox, "sms")

    def settle(self) -> None:
        with ThreadPoolExecutor(1) as alone:  # a browser's driver has a loop of its own in this thread
            alone.submit(lambda: asyncio.run(self.rounds.settle_down())).result()

    def declare(self, playbook: str, *, by: str = "duty-manager", key: str | None = None, **facts: Any) -> str:
        ref = self.desk.declare(playbook, facts=facts, by=by, key=key).ref
        self.settle()
        return ref

    def pass_time(self, **span: float) -> None:
        """Let time pass, stopping at every instant at which the clock would wake."""
        end = self.clock.now() + timedelta(**span)
        while (following := wakes.next_wake(self.crew.store)) is not None and following <= end:
            self.clock.move_to(following)
            self.settle()
        self.clock.move_to(end)
        self.settle()

    def timeline(self, ref: str) -> Timeline:
        return Timeline(self.desk.timeline(ref))

    def holder(self, role: str) -> Person:
        """The first on duty who holds a role."""
        return self.desk.snapshot("INC-1").holders(role)[0]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them: making these takes longer than most of what is tested here."""
    file = tmp_path_factory.mktemp("empty") / "irrops.db"
    engine = open_database(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    return file


@pytest.fixture
def scene(tmp_path: Path, root: Path, empty_database: Path) -> Iterator[Callable[..., Scene]]:
    """Make a desk in a folder of its own."""
    opened: list[Crew] = []

    def make(
        playbooks: Path = root / "playbooks", at: datetime = START, lanes: tuple[str, ...] = ("slack",), **channels: Any
    ) -> Scene:
        clock = HandClock(at)
        if not (tmp_path / empty_database.name).exists():
            shutil.copy(empty_database, tmp_path)
        settings = load(home=tmp_path, playbooks=playbooks)
        boxes = dict.fromkeys((*CHANNELS, "email", *lanes))
        outside = {name: Sandbox(name, tmp_path / "sandbox") for name in boxes} | channels
        wired = crew(settings, clock, outside)
        wired.house = replace(wired.house, lanes=lanes)
        opened.append(wired)
        use(wired)
        import_people(wired.store, read_people(root / "examples" / "people.csv"))
        return Scene(wired, Library(playbooks), clock, tmp_path / "sandbox")

    yield make
    use(None)
    for wired in opened:
        wired.close()


@pytest.fixture
def desk(scene: Callable[..., Scene]) -> Scene:
    return scene()

"""Where a drill lives: a folder of its own, a fresh database, the sandbox as the outside, people to play with.

Nothing of the real desk is written; its people are read where there are any.
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

import integrations
from desk.clock import HandClock
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.settings import ROOT, Settings
from desk.wiring import crew
from engine.incident import NotAllowed
from engine.people import Person
from engine.people_file import read
from engine.ports import Channel
from integrations.sandbox import Sandbox
from state.database import DatabaseError, latest, open_database, revision
from state.store import Store

EXAMPLE_PEOPLE = ROOT / "examples" / "people.csv"
MARKER = "drill.json"
"""Tells a drill's folder from anybody else's: only a folder that has it is ever emptied."""


@contextmanager
def alone(drills: Path) -> Iterator[None]:
    """Hold the folder of all drills. Raises NotAllowed while another drill runs there."""
    drills.mkdir(parents=True, exist_ok=True)
    with (drills / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotAllowed(
                f"A drill is running under {drills}; let it end, or set IRROPS_HOME to another folder."
            ) from None
        yield


def make_home(settings: Settings, name: str, orders: Mapping[str, object]) -> Settings:
    """Empty the drill's folder, and give the settings for it. Raises NotAllowed."""
    home = settings.home / "drills" / name
    if home.exists():
        if not (home / MARKER).exists():
            raise NotAllowed(f"{home} is not the folder of a drill; move it away, it would be emptied.")
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARKER).write_text(json.dumps(orders, indent=2, default=str), encoding="utf-8")
    return settings.model_copy(update={"home": home, "database": ""})


def open_desk(settings: Settings, clock: HandClock, seed: int) -> Desk:
    """A desk whose outside is the sandbox, and whose incident has a name from the seed."""
    folder = settings.home / "sandbox"
    channels: dict[str, Channel] = {
        name: Sandbox(name, folder, limit, clock.now) for name, limit in integrations.limits(settings).items()
    }
    wired = crew(settings, clock=clock, channels=channels)
    _in_haste(wired.store.engine)
    uid = sha256(f"drill/{settings.home.name}/{seed}".encode()).hexdigest()[:12]
    return Desk(wired, Library(settings.playbooks), uid=lambda: uid)


def _in_haste(engine: Engine) -> None:
    """Spare the disk: a drill's database is made anew each time, it need not outlive a power cut."""
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    engine.dispose()  # the next connection is a new one


def people_for(settings: Settings, say: Callable[[str], None]) -> tuple[Person, ...]:
    """The people of the real desk, else the example organisation. Without addresses that a drill does not need."""
    try:
        found = _people_of(settings)
    except (SQLAlchemyError, DatabaseError) as error:
        say(f"The people of the desk can't be read ({type(error).__name__}); the drill takes the example organisation.")
        found = []
    bare = {"version": 0, "email": "", "phone": "", "last_called_at": None}
    return tuple(person.model_copy(update=bare) for person in found or read(EXAMPLE_PEOPLE))


def _people_of(settings: Settings) -> list[Person]:
    if not settings.database and not (settings.home / "irrops.db").exists():
        return []
    engine = open_database(settings.database_url)
    try:
        return Store(engine).all(Person, active=True) if revision(engine) == latest() else []
    finally:
        engine.dispose()


def bring_people(desk: Desk, people: tuple[Person, ...]) -> None:
    import_people(desk.store, people)

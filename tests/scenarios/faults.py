"""Lives that end in SIGKILL: irrops in a process of its own that kills itself at a named point, and starts again.

`python -m tests.scenarios.faults` is a server that is warm and has one thread; it forks a child for each life, so that
a kill costs no interpreter start. What must hold afterwards is asserted by the tests, not here.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from desk import wiring
from desk.clock import HandClock
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds, release_the_dead, wake_all
from desk.settings import load
from engine.change import Change
from engine.effects import Effect, Message, Receipt
from engine.house import House
from engine.people_file import read as read_people
from engine.ports import CannotTell, TextLimit
from flows.crew import Crew, use
from integrations.sandbox.channel import ALL_KINDS
from state import outbox, wakes
from state.database import migrate, open_database
from state.store import Store

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
"""A Tuesday, 04:10 in Amsterdam."""
HOUR = timedelta(minutes=60)
CHANNELS = ("slack", "status_page", "bluesky")
KEY = "the-bad-day"

POINTS = (
    "before_claim",  # the claim is written, its transaction not committed
    "after_claim",
    "before_send",
    "after_send",  # the outside has acted, its answer has not come back
    "before_record",  # what became of it is written, the transaction not committed
    "after_record",
)
DECISIONS = ("before_decision", "after_decision")
"""Around the commit of what a command or a step decided."""

BAD_DAY = """\
playbook: bad-day
title: A bad day
severity: SEV1
facts:
  stations: {type: stations, ask: "Which stations?"}
surge: {peak: 6, ramp: 30m, hold: 2h, half_life: 1h}
invite: [duty_manager, comms_lead]
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page, slack, bluesky], languages: [en, nl]}
    approval: {by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}
    due_within: 15m
  - key: staff_up
    action: raise_staffing
    with: {answer_within: 60m, share: 0.9}
  - key: crisis_queue
    action: open_queue
    with: {answer_within: 60m, solve_within: 24h}
  - key: volunteers
    action: call_out
    after: [staff_up]
    with: {quota: 2, respond_within: 20m, waves: 2}
  - key: next_update
    action: publish_statement
    every: 30m
    with: {message: update, channels: [status_page, slack], languages: [en]}
"""
ROLES = ("duty_manager", "comms_lead", "deputy_comms_lead")
VOLUNTEERS = 8


# ---------------------------------------------------------------- the outside


class Outside:
    """A channel that does what it is told as often as it is told, in a file that outlives who told it."""

    kinds = ALL_KINDS
    limit: TextLimit | None = None
    sandbox = False

    def __init__(self, name: str, home: Path, cross: Callable[[str, set[str]], None], blind: bool = False):
        self.name, self.path, self.blind, self._cross = name, home / "outside.jsonl", blind, cross
        self._one = threading.Lock()

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Act, never looking whether it was done before."""
        self._cross("before_send", {key})
        line = json.dumps({"key": key, "channel": self.name, "message": message.model_dump(mode="json")})
        with self._one:
            write(self.path, line)
            self._cross("after_send", {key})
        return Receipt(id=key, place=base.place if base else self.name)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look into the file."""
        if self.blind:
            raise CannotTell(f"{self.name} keeps no history")
        there = any(line["key"] == key for line in lines(self.path))
        return Receipt(id=key, place=base.place if base else self.name) if there else None

    def check(self) -> list[str]:
        return []


def write(path: Path, line: str) -> None:
    """Append a line in one go."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode() + b"\n")
    os.close(file)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# ---------------------------------------------------------------- dying


class Killer:
    """Kills its own process at a point, once for each name that passes there: the next life gets further."""

    def __init__(self, point: str, log: Path):
        self.point, self.log = point, log
        self.met = {line["name"] for line in lines(log)}
        self.one = threading.RLock()
        self._here = threading.local()

    def cross(self, point: str, names: set[str]) -> None:
        """Die here, unless every name died here before."""
        if point != self.point:
            return
        with self.one:
            fresh = names - self.met
            if fresh:
                for name in sorted(fresh):
                    write(self.log, json.dumps({"name": name}))
                os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def around(self, what: str, names: Callable[[Any], set[str]]) -> Iterator[None]:
        """Pass `before_…` right before the COMMIT of what runs inside; one at a time, so that no name slips by."""
        with self.one:
            self._here.commit = (f"before_{what}", names)
            try:
                yield
            finally:
                self._here.commit = None

    def watch(self, store: Store) -> None:
        """Be asked at each COMMIT."""

        def commit(connection: Any) -> None:
            if here := getattr(self._here, "commit", None):
                self.cross(here[0], here[1](connection))

        event.listen(store.engine, "commit", commit)


def arm(killer: Killer, store: Store, owner: str) -> None:
    """Put the points around claiming, recording and deciding."""
    killer.watch(store)
    claim, settle, apply, declare = outbox.claim, outbox.settle, store.apply, store.declare
    taken: set[str] = set()

    def sending(connection: Any) -> set[str]:
        query = "SELECT key FROM effect WHERE state = 'sending' AND lease_owner = ?"
        return {row[0] for row in connection.exec_driver_sql(query, (owner,))} - taken

    def armed_claim(*given: Any, **more: Any) -> list[outbox.Claimed]:
        with killer.around("claim", sending):
            claimed = claim(*given, **more)
            keys = {one.effect.key for one in claimed}
            taken.update(keys)
            killer.cross("after_claim", keys)
        return claimed

    def armed_settle(store: Store, effect: Effect, entries: Any = ()) -> None:
        with killer.around("record", lambda _: {effect.key}):
            settle(store, effect, entries)
            killer.cross("after_record", {effect.key})

    def armed_apply(change: Change, **more: Any) -> None:
        name = {_outline(change)}
        with killer.around("decision", lambda _: name):
            apply(change, **more)
            killer.cross("after_decision", name)

    def armed_declare(*given: Any) -> Any:
        with killer.around("decision", lambda _: {"declare"}):
            there = declare(*given)
            killer.cross("after_decision", {"declare"})
        return there

    outbox.claim, outbox.settle = armed_claim, armed_settle
    store.apply, store.declare = armed_apply, armed_declare  # type: ignore[method-assign]


def _outline(change: Change) -> str:
    """Tell decisions apart: what they write, without versions."""
    records = [f"{type(one).__name__} {getattr(one, 'name', '')}" for one in change.records]
    return " ".join([*records, *(one.key for one in change.effects), *(one.kind for one in change.entries)])


# ---------------------------------------------------------------- a life


@dataclass(frozen=True)
class Job:
    """What a child does in its life."""

    home: str
    act: str = "hour"
    """`prepare` a database, `declare` only, or live through the first `hour`."""
    point: str = ""
    """Where to die; empty: nowhere."""
    blind: tuple[str, ...] = ()
    """Channels that can't tell what was sent."""
    minutes: int = 60
    key: str = KEY
    skip: tuple[str, ...] = ()
    """What to leave out, to see the tests fail: `release`."""


def prepare(job: Job) -> None:
    """Make a database with a few people of the example organisation."""
    home = Path(job.home)
    store = Store(open_database(_url(home)))
    migrate(store.engine)
    everybody = read_people(ROOT / "examples" / "people.csv")
    holders = [[one for one in everybody if role in one.roles][:1] for role in ROLES]
    others = [one for one in everybody if not one.roles and "check_in" in one.skills][:VOLUNTEERS]
    import_people(store, [one for held in holders for one in held] + others)
    store.engine.dispose()
    (home / "playbooks").mkdir()
    (home / "playbooks" / "bad-day.yaml").write_text(BAD_DAY)


def _url(home: Path) -> str:
    return f"sqlite:///{home / 'irrops.db'}"


def live(job: Job, house: House) -> None:
    """Declare, and go through the first hour from where the clock stood when the last life ended."""
    home = Path(job.home)
    said = lines(home / "clock.jsonl")
    clock = HandClock(datetime.fromisoformat(said[-1]["now"]) if said else START)
    killer = Killer(job.point, home / f"killed-{job.point}.jsonl")
    channels = {name: Outside(name, home, killer.cross, name in job.blind) for name in CHANNELS}
    crew = Crew(store=Store(open_database(_url(home))), channels=channels, house=house, clock=clock)
    use(crew)
    arm(killer, crew.store, crew.owner)
    desk = Desk(crew, Library(home / "playbooks"), uid=lambda: "baddaybadday")
    desk.declare("bad-day", facts={"stations": "AMS"}, by="duty-manager", key=job.key)
    if job.act == "hour":
        if "release" not in job.skip:
            release_the_dead(crew)
        wake_all(crew)
        asyncio.run(_hour(crew, clock, START + timedelta(minutes=job.minutes), home))
    crew.close()


async def _hour(crew: Crew, clock: HandClock, end: datetime, home: Path) -> None:
    rounds = Rounds(crew, prefect=False)
    await rounds.settle_down()
    while (following := wakes.next_wake(crew.store)) is not None and following <= end:
        write(home / "clock.jsonl", json.dumps({"now": following.isoformat()}))
        clock.move_to(following)
        await rounds.settle_down()


# ---------------------------------------------------------------- the server that forks


def serve() -> None:
    """Read jobs, a JSON line each; answer how each child ended."""
    house = wiring.house(load(home=Path("unused")))
    for line in sys.stdin:
        order = json.loads(line)
        job = Job(**order["job"])
        gate, opener = os.pipe()
        children = [_fork(job, house, gate, opener) for _ in range(order["together"])]
        os.close(gate)
        os.close(opener)
        print(json.dumps([os.waitpid(child, 0)[1] for child in children]), flush=True)


def _fork(job: Job, house: House, gate: int, opener: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.close(opener)
        os.read(gate, 1)  # until all are there
        logging.basicConfig(filename=Path(job.home) / "log", level=logging.WARNING, force=True)
        prepare(job) if job.act == "prepare" else live(job, house)
        code = 0
    except BaseException:
        logging.exception("a life broke off")
    finally:
        os._exit(code)


@dataclass
class Lives:
    """The server, from the test's side."""

    process: "subprocess.Popen[str]"
    killed: int = field(default=0)

    def live(self, home: Path, together: int = 1, **job: Any) -> list[int]:
        """Let children live at the same time; returns for each 0, or -9 when it was killed."""
        order = {"job": asdict(Job(home=str(home), **job)), "together": together}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        ends = [os.waitstatus_to_exitcode(status) for status in json.loads(self.process.stdout.readline())]
        self.killed += ends.count(-signal.SIGKILL)
        return ends

    def live_on(self, home: Path, most: int = 300, **job: Any) -> int:
        """Start again after each kill until a life ends by itself; returns how many kills that took."""
        for kills in range(most):
            (end,) = self.live(home, **job)
            if end == 0:
                return kills
            assert end == -signal.SIGKILL, (home / "log").read_text()
        raise AssertionError(f"still being killed after {most} lives")


@contextlib.contextmanager
def lives() -> Iterator[Lives]:
    """Start the server; end it, and what it forked, afterwards."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IRROPS_", "PREFECT_"))}
    command: Sequence[str] = (sys.executable, "-m", "tests.scenarios.faults")
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=clean, start_new_session=True
    )
    try:
        yield Lives(process)
        assert process.stdin
        process.stdin.close()
        process.wait(10)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


if __name__ == "__main__":
    serve()

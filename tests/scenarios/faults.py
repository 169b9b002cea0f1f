"""Lives that end in SIGKILL: irrops in a process of its own that kills itself at a named point, and starts again.

`python -m tests.scenarios.faults` is a server that is warm and has one thread; it forks a child for each life, so that
a kill costs no interpreter start. What must hold afterwards is asserted by the tests, not here.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from desk import speaking, wiring
from desk.clock import HandClock
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds, release_the_dead, wake_all
from desk.settings import load
from engine.callout import Answer, Invitation
from engine.house import House
from engine.incident import NotAllowed
from engine.people import Person
from engine.people_file import read as read_people
from engine.ports import Channel
from engine.statements import Statement
from flows.crew import Crew, use
from state import outbox, wakes
from state.database import migrate, open_database
from state.store import Store
from tests.scenarios.killer import DECISIONS, Armed, Killer, Outside, arm, arm_calls, lines, write

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
"""A Tuesday, 04:10 in Amsterdam."""
CHANNELS = ("slack", "status_page", "bluesky")
KEY = "the-bad-day"

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
    every: 40m
    with: {message: update, channels: [status_page, slack], languages: [en]}
"""
QUIET_DAY = """\
playbook: quiet-day
title: A quiet day
severity: SEV3
invite: [duty_manager, comms_lead]
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page, slack], languages: [en, nl]}
    approval: {by: comms_lead, within: 1m, unanswered_after: 2m, publish: preapproved}
    due_within: 5m
  - key: crisis_queue
    action: open_queue
    with: {answer_within: 60m, solve_within: 24h}
  - key: next_update
    action: publish_statement
    every: 10m
    with: {message: update, channels: [status_page, slack], languages: [en, nl]}
"""
HOLDERS = ("duty_manager", "comms_lead", "deputy_comms_lead")
TEAM, VOLUNTEERS = 1, 6


# ---------------------------------------------------------------- a life


@dataclass(frozen=True)
class Job:
    """What a child does in its life."""

    home: str
    act: str = "hour"
    """`prepare` a database, `declare` only, live through the first `hour`, or do what is due `now`."""
    point: str = ""
    """Where to die; empty: nowhere."""
    only: str = ""
    """Die only for names with this in them."""
    minutes: float = 60
    """After the declaration: until when the hour lasts, or when now is."""
    key: str = KEY
    uid: str = "baddaybadday"
    blind: tuple[str, ...] = ()
    """Channels that can't tell what was sent."""
    slack: dict[str, Any] | None = None
    """Settings of a real Slack in place of the file."""
    chats: tuple[str, ...] = ()
    """Chat user ids of that Slack, for the people."""
    lanes: tuple[str, ...] = ("slack",)
    """On which people are called."""
    said: tuple[tuple[int, int, str, int], ...] = ()
    """Minute, which of those who were asked, their answer, and from which minute they can come (-1: at once)."""
    book: str = ""
    """The playbook in place of the bad day's, under the same key."""
    acts: tuple[tuple[int, str, str, str], ...] = ()
    """Minute, what the comms lead then does about a statement (`_act`), which one, and with which words."""
    watched: bool = False
    """Whether the channels can be looked at."""


def prepare(job: Job) -> None:
    """Make a database with a few people of the example organisation."""
    home = Path(job.home)
    wired = store(home)
    migrate(wired.engine)
    people = _people()
    if job.chats:
        people = [one.model_copy(update={"chat": chat}) for one, chat in zip(people, job.chats, strict=False)]
    import_people(wired, people)
    wired.engine.dispose()
    (home / "playbooks").mkdir()
    (home / "playbooks" / "bad-day.yaml").write_text(job.book or BAD_DAY)


def _people() -> list[Person]:
    everybody = read_people(ROOT / "examples" / "people.csv")
    holders = [next(one for one in everybody if role in one.roles) for role in HOLDERS]
    soon = [START + timedelta(hours=hours) for hours in range(-12, 9)]
    others = [one for one in everybody if not one.roles and not any(map(one.on_duty, soon))]
    team = [one for one in others if one.team][:TEAM]
    return [*holders, *team, *[one for one in others if not one.team][:VOLUNTEERS]]


def store(home: Path) -> Store:
    """Open the database of a home."""
    return Store(open_database(f"sqlite:///{home / 'irrops.db'}"))


def live(job: Job, house: House) -> None:
    """Declare, and go through the first hour from where the clock stood when the last life ended."""
    home = Path(job.home)
    clock = HandClock(_now(job))
    killer = Killer(job.point, home / f"killed-{job.point}.jsonl", job.only)
    look = {"look"} if job.watched else set()
    house = replace(house, kinds={name: kinds - {"look"} | look for name, kinds in house.kinds.items()})
    outside = {name: Armed(_channel(job, name, killer), killer) for name in (*CHANNELS, *job.lanes)}
    crew = Crew(store=store(home), channels=outside, house=replace(house, lanes=job.lanes), clock=clock)
    use(crew)
    arm(killer, crew.store, crew.owner)
    desk = Desk(crew, Library(home / "playbooks"), uid=lambda: job.uid)
    if job.act == "declare" or job.point in DECISIONS or not desk.incidents():
        desk.declare("bad-day", facts={"stations": "AMS"}, by="duty-manager", key=job.key)
    if job.act != "declare":
        release_the_dead(crew)
        wake_all(crew)
        asyncio.run(_hour(desk, clock, START + timedelta(minutes=job.minutes), job))
    crew.close()


def _now(job: Job) -> datetime:
    if job.act == "now":
        return START + timedelta(minutes=job.minutes)
    said = lines(Path(job.home) / "clock.jsonl")
    return datetime.fromisoformat(said[-1]["now"]) if said else START


def _channel(job: Job, name: str, killer: Killer) -> Channel:
    if name == "slack" and job.slack:
        from integrations import slack

        channel = slack.connect(slack.Settings(**job.slack))
        arm_calls(killer, channel._api)  # type: ignore[attr-defined]
        return channel
    return Outside(name, Path(job.home), name in job.blind)


async def _hour(desk: Desk, clock: HandClock, end: datetime, job: Job) -> None:
    rounds = Rounds(desk.crew, prefect=False)
    await rounds.settle_down()
    await asyncio.to_thread(_say, desk, job)
    await rounds.settle_down()
    spoken = {START + timedelta(minutes=minute) for minute, *_ in (*job.said, *job.acts)}
    while following := min(_ahead(desk, clock, spoken), default=None):
        if following > end:
            return
        write(Path(job.home) / "clock.jsonl", {"now": following.isoformat()})
        clock.move_to(following)
        await asyncio.to_thread(_say, desk, job)
        await rounds.settle_down()


def _ahead(desk: Desk, clock: HandClock, spoken: set[datetime]) -> list[datetime]:
    """What is to come: the next look that is due, and the next answers."""
    due = wakes.next_wake(desk.store)
    return [*([due] if due else []), *(at for at in spoken if at > clock.now())]


def _say(desk: Desk, job: Job) -> None:
    """Give the answers of this minute, and act; whose process dies meanwhile does so again."""
    for minute, act, name, words in job.acts:
        if desk.clock.now() == START + timedelta(minutes=minute):
            with contextlib.suppress(NotAllowed):  # it was done before the process died
                _act(desk, act, name, words)
    for minute, place, given, later in job.said:
        if desk.clock.now() == START + timedelta(minutes=minute):
            asked = sorted(desk.store.all(Invitation), key=lambda one: (one.asked_at, one.key))
            asked = [one for one in asked if "/volunteers#1" in one.key]
            [person] = desk.store.all(Person, key=asked[place].person)
            comes_at = START + timedelta(minutes=later) if later >= 0 else None
            desk.answer(asked[place].key, Answer(given), person, comes_at=comes_at)


def _act(desk: Desk, act: str, name: str, words: str) -> None:
    """Edit the English text for a channel, approve, correct everywhere, or withdraw. Raises NotAllowed."""
    lead = desk.snapshot("INC-1").holders("comms_lead")[0]
    if act == "edit":
        desk.edit(name, {("bluesky", "en"): words}, "editor")
    elif act == "approve":
        desk.approve(name, lead.key, lead.roles)
    elif act == "withdraw":
        speaking.withdraw(desk, name, lead.key, lead.roles, words)
    elif not desk.store.first(Statement, drafted_at=desk.clock.now()):  # who corrects looks whether it is there
        speaking.correct(desk, "INC-1", {"en": words}, "editor", ("social_lead",))


# ---------------------------------------------------------------- the server that forks


def serve() -> None:
    """Read jobs, a JSON line each; answer how each child ended."""
    with quick_folder() as home:
        house = wiring.house(load(home=home))
        genuine = outbox.claim, outbox.settle
        prepare(Job(home=str(home)))
        live(Job(home=str(home)), house)  # templates and validators are compiled once, before the forks
        outbox.claim, outbox.settle = genuine
    gc.freeze()
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
        os.read(gate, 1)  # returns when the parent has made all of them
        logging.basicConfig(filename=Path(job.home) / "log", level=logging.WARNING, force=True)
        prepare(job) if job.act == "prepare" else live(job, house)
        code = 0
    except BaseException:
        logging.exception("a life broke off")
    finally:
        os._exit(code)


# ---------------------------------------------------------------- from the test's side


@dataclass
class Lives:
    """The server, as the tests speak with it."""

    process: "subprocess.Popen[str]"
    folder: Path

    @contextlib.contextmanager
    def home(self, **job: Any) -> Iterator[Path]:
        """A home with people, a playbook and no incident."""
        first = self.folder / "first"
        if not first.exists():
            first.mkdir()
            assert self.live(first, act="prepare", **job) == [0]
        with quick_folder() as place:
            yield Path(shutil.copytree(first, place / "home"))

    def live(self, home: Path, together: int = 1, **job: Any) -> list[int]:
        """Let children live at the same time; returns for each 0, or -9 when it was killed."""
        order = {"job": asdict(Job(home=str(home), **job)), "together": together}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the server of lives has died"
        return [os.waitstatus_to_exitcode(status) for status in json.loads(answer)]

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
    command = [sys.executable, "-m", "tests.scenarios.faults"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=clean, start_new_session=True
    )
    try:
        with quick_folder() as folder:
            yield Lives(process, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: what is tested is death, not power failure."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="irrops-faults-", dir=memory if os.access(memory, os.W_OK) else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    serve()

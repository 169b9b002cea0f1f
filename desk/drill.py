"""A drill: the real engine, flows, store and templates, the sandbox as the outside, and a simulated world.

Time goes from one event to the next: what the database is to be woken for, and what the people of the world do.
Who they are and what they decide is in `desk.world`; what they do at the desk in `desk.drill_agents` and
`desk.drill_people`; how it looks while it runs in `desk.drill_view`.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from desk.clock import HandClock
from desk.desk import Desk
from desk.drill_agents import Agents
from desk.drill_people import Mailboxes
from desk.drill_schedule import Schedule
from desk.review_page import Series
from desk.rounds import Rounds
from desk.world import MINUTE, Words, World
from engine.demand import SLOT, slot_start
from engine.people import Person
from engine.snapshot import Snapshot
from flows import advance
from state import wakes

MONITORS = 0.7
"""The duty manager says that the disruption is over when so much of the hours has passed …"""
RESOLVES = 0.85
"""… and resolves it then; what is left of the hours is for the stand-down."""
AT_LONGEST = timedelta(hours=3)
"""A drill whose stand-down still waits when the hours are over goes on for so long."""
STEP = timedelta(seconds=1)
"""Time moves on by this at least."""


@dataclass(frozen=True)
class Orders:
    """What was asked for. The same orders, but for the speed, give the same drill."""

    playbook: str
    begins_at: datetime
    seed: int = 1
    hours: float = 6.0
    speed: float = 0.0
    """Simulated seconds in a real one; 0 is as fast as it goes."""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.playbook}-seed{self.seed}-{self.hours:g}h"

    @property
    def ends_at(self) -> datetime:
        return self.begins_at + timedelta(hours=self.hours)


class Drill:
    """One drill under way."""

    def __init__(
        self, orders: Orders, desk: Desk, clock: HandClock, people: tuple[Person, ...], words: Words, sandbox: Path
    ):
        self.orders, self.desk, self.clock, self.people = orders, desk, clock, people
        self.playbook = desk.library.get(orders.playbook)[0]
        self.world = World(
            orders.seed,
            words,
            demand=desk.crew.house.demand,
            surge=self.playbook.surge,
            begins_at=orders.begins_at,
        )
        self.schedule = Schedule()
        self.stopped = False
        self.staff: list[tuple[datetime, int, int]] = []
        """Half hour, people needed by the plan, people at the desk."""
        self._stop = asyncio.Event()
        self._began = time.monotonic()
        self.ref = self._declare()
        self.agents = Agents(desk, desk.snapshot(self.ref).incident.number, self.world, self.schedule, people)
        self.mailboxes = Mailboxes(desk, self.ref, self.world, self.schedule, self.agents, people, sandbox)
        self._plan_the_day()

    def _declare(self) -> str:
        facts = self.world.typed(self.playbook.facts, self.orders.facts)
        self.station = str(facts.get("stations") or "the airport").split(",")[0]
        incident = self.desk.declare(self.orders.playbook, facts=facts, by=self._duty_manager(), drill=True)
        return incident.ref

    def _duty_manager(self) -> str:
        """Key of the duty manager who is on duty now, else of any."""
        now = self.clock.now()
        those = sorted((not one.on_duty(now), one.key) for one in self.people if "duty_manager" in one.roles)
        return those[0][1] if those else "duty_manager"

    def _plan_the_day(self) -> None:
        begins_at, hours = self.orders.begins_at, timedelta(hours=self.orders.hours)
        self.agents.follow_shifts(begins_at, begins_at + hours + AT_LONGEST)
        self.schedule.at(begins_at + MINUTE, "staff", self._count_staff)
        self.schedule.at(begins_at + MINUTE, "minute", self._minute)
        for share, name, does in ((MONITORS, "monitor", self.desk.monitor), (RESOLVES, "resolve", self.desk.resolve)):
            self.schedule.at(_minute_of(begins_at, hours * share), name, self._command(does))

    def _command(self, does: Callable[[str, str], object]) -> Callable[[], None]:
        def give() -> None:
            does(self.ref, self._duty_manager())

        return give

    def _minute(self) -> None:
        """Hand in what passengers wrote in the minute that is over."""
        now = self.clock.now()
        self.agents.bring(self.world.passengers(now - MINUTE, self.station))
        if now < self.orders.ends_at:
            self.schedule.at(now + MINUTE, "minute", self._minute)

    def _count_staff(self) -> None:
        now = self.clock.now()
        self.staff.append((now, needed_now(self.desk.snapshot(self.ref)), self.agents.working))
        if now < self.orders.ends_at:
            self.schedule.at(slot_start(now) + SLOT, "staff", self._count_staff)

    # ------------------------------------------------------------ running

    async def run(self, watch: Callable[["Drill"], None], *, prefect: bool) -> None:
        """Run to the end, or until stopped; `watch` is called after each step."""
        rounds = Rounds(self.desk.crew, prefect=prefect)
        self._began = time.monotonic()
        with self._stopped_by_ctrl_c(), _time_stands_still_while_sending():
            await self._step(self.clock.now(), rounds)
            while not self._over():
                watch(self)
                at = max(self._next(), self.clock.now() + STEP)
                if not await self._until(at):
                    self.stopped = True
                    break
                await self._step(at, rounds)
        watch(self)

    async def _step(self, at: datetime, rounds: Rounds) -> None:
        self.clock.move_to(at)
        self.schedule.happen(at)
        await rounds.settle_down()
        self.mailboxes.read()

    def _next(self) -> datetime:
        times = (self.schedule.next_at(), wakes.next_wake(self.desk.store))
        return min((at for at in times if at), default=self.orders.ends_at)

    def _over(self) -> bool:
        now = self.clock.now()
        if now < self.orders.ends_at:
            return False
        return wakes.next_wake(self.desk.store) is None or now >= self.orders.ends_at + AT_LONGEST

    async def _until(self, at: datetime) -> bool:
        """Wait until simulated time may move to `at`; where the machine is behind, not at all. False: stopped."""
        if self.orders.speed:
            due = self._began + (at - self.orders.begins_at).total_seconds() / self.orders.speed
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), max(0.0, due - time.monotonic()))
        else:
            await asyncio.sleep(0)
        return not self._stop.is_set()

    @contextlib.contextmanager
    def _stopped_by_ctrl_c(self) -> Iterator[None]:
        """The first Ctrl-C ends the drill after what is under way, the second ends the program."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self._stop.set()
            loop.remove_signal_handler(signal.SIGINT)

        try:
            loop.add_signal_handler(signal.SIGINT, stop)
        except (NotImplementedError, RuntimeError, ValueError):  # not the main thread: nobody presses Ctrl-C there
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    # ------------------------------------------------------------ what came of it

    def series(self) -> list[Series]:
        """People needed and people at the desk, by half hour."""
        needed = [(at, float(count)) for at, count, _ in self.staff]
        working = [(at, float(count)) for at, _, count in self.staff]
        return [Series("needed", needed), Series("working", working)]

    def counts(self) -> dict[str, int]:
        """What happened in the world, in numbers."""
        snapshot = self.desk.snapshot(self.ref)
        answers = [one.answer.value or "silent" for one in snapshot.invitations]
        figures = snapshot.queue_figures
        return {
            "written": self.agents.came.total(),
            "answered": figures.answered + figures.solved,
            "turned_away": self.agents.turned_away,
            "asked": len(answers),
            **{word: answers.count(word) for word in ("yes", "no", "silent")},
            "pressed_too_late": self.mailboxes.said_too_late,
            "most_working": max((count for _, _, count in self.staff), default=0),
        }


def needed_now(snapshot: Snapshot) -> int:
    """Heads that the staffing plan wants in this half hour; 0 without a plan for it."""
    slots = snapshot.staffing.together if snapshot.staffing else ()
    return next((slot.needed for slot in slots if slot.start <= snapshot.now < slot.start + SLOT), 0)


def _minute_of(begins_at: datetime, after: timedelta) -> datetime:
    return begins_at + MINUTE * round(after / MINUTE)


@contextlib.contextmanager
def _time_stands_still_while_sending() -> Iterator[None]:
    """Let an advance look again only when all deliveries have ended: else their order would be the machine's."""
    patience, advance.PATIENCE = advance.PATIENCE, 3600.0
    try:
        yield
    finally:
        advance.PATIENCE = patience

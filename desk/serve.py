"""`irrops serve`: Prefect's server, the clock, the rounds and the API as one command."""

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI

from desk import prefect_server
from desk.api import build
from desk.chat import open_chat
from desk.desk import Desk
from desk.inbox import Inbox
from desk.intake import sorter
from desk.library import Library
from desk.rounds import Rounds, release_the_dead, wake_all
from desk.settings import Settings
from desk.tidying import tidy
from desk.wiring import crew
from flows.crew import use
from integrations.statuspage.channel import StatusPage
from state import wakes

log = logging.getLogger("irrops.serve")

LOOK_EVERY_S = 2
"""Other processes (the command line) write wakes too; this is how long they wait at most."""


class Clockwork:
    """The clock: wakes at the next instant in the database. It keeps nothing that the tables don't have."""

    def __init__(self, desk: Desk, rounds: Rounds, keep_days: int):
        self.desk, self.rounds, self.keep_days = desk, rounds, keep_days
        self.loop = asyncio.new_event_loop()
        self.scheduler = AsyncIOScheduler(event_loop=self.loop, timezone="UTC")
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)
        self._going: set[int] = set()
        self._poked = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        every = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self.scheduler.add_job(self.tick, "interval", seconds=LOOK_EVERY_S, id="look", **every)
        self.scheduler.add_job(self._tidy, "interval", hours=6, id="tidy", **every)
        self.loop.call_soon(self.scheduler.start)
        self.loop.call_soon(lambda: self.loop.create_task(self.tick()))
        self.loop.run_forever()

    def poke(self) -> None:
        """Look soon. From any thread; a hundred pokes while a look is on its way are one look."""
        if not self._poked:
            self._poked = True
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self.tick()))

    async def tick(self) -> None:
        """Start an advance of everything that is due, and set the alarm clock for the next."""
        self._poked = False
        try:
            due = await asyncio.to_thread(wakes.due, self.desk.store, self.desk.clock.now())
            following = await asyncio.to_thread(wakes.next_wake, self.desk.store)
        except Exception:
            log.exception("the database could not be asked what is due; it is asked again in %d s", LOOK_EVERY_S)
            return
        for number in due:
            if number not in self._going:
                self._going.add(number)
                task = self.loop.create_task(self._go(number))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        now = self.desk.clock.now()
        if following and now < following < now + timedelta(seconds=LOOK_EVERY_S):
            self.scheduler.add_job(self.tick, "date", run_date=following, id="next", replace_existing=True)

    async def _go(self, number: int) -> None:
        try:
            went = await self.rounds.go(number)
        finally:
            self._going.discard(number)
        # One that broke off waits for the next look: on a full disk it would break off again at once, for ever.
        if went and number in await asyncio.to_thread(wakes.due, self.desk.store, self.desk.clock.now()):
            await self.tick()

    async def _tidy(self) -> None:
        await asyncio.to_thread(tidy, self.desk, self.keep_days)

    def stop(self) -> None:
        """Stop after what is under way; what is not done is in the database."""

        async def end() -> None:
            self.scheduler.shutdown(wait=False)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=10)
            self.loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self.loop)
        self._thread.join(15)


def serve(settings: Settings, say: Callable[[str], None], *, own_prefect: bool) -> None:
    """Run until stopped. `own_prefect`: start a Prefect server beside, and end it at the end."""
    prefect = prefect_server.PrefectServer(settings) if own_prefect else None
    wired = crew(settings)
    use(wired)
    desk = Desk(wired, Library(settings.playbooks))
    for name, channel in sorted(wired.channels.items()):
        if channel.sandbox:
            say(f"SANDBOX: nothing leaves the house on {name}; see docs/channels.md to connect it.")
    page = wired.channels["status_page"]
    if isinstance(page, StatusPage):
        page.rebuild()  # the posts are safe on disk; pages that a power cut spoilt are made from them again
    freed = release_the_dead(wired)
    if freed:
        say(f"{freed} deliveries were under way when irrops died; each is looked up before it is sent again.")
    wake_all(wired)
    clockwork = Clockwork(desk, Rounds(wired, prefect=settings.prefect, sort_alerts=sorter(desk)), settings.keep_days)
    desk.woken = clockwork.poke

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        clockwork.start()
        chat = open_chat(settings, desk, app, say)
        say(f"irrops listens on http://{settings.host}:{settings.port} (API: /docs)")
        yield
        if chat:
            chat.close()
        clockwork.stop()

    if prefect:
        ui = f"http://127.0.0.1:{settings.prefect_port}"
        if prefect.start():
            say(f"Prefect starts at {ui}, ready in 10 to 30 s; advances run without it until then.")
        else:
            say(f"Prefect runs at {ui} already.")
    # uvicorn raises the signal that ended it once more: it must end us in order, not at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app = build(desk, settings, Inbox(desk))
    app.router.lifespan_context = life
    try:
        uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)
    finally:
        if prefect:
            prefect.stop()
        wired.close()

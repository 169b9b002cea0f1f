"""Going round: every incident that is due gets an advance, by Prefect where it answers, without it where not."""

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import Callable
from datetime import timedelta

import httpx
from sqlalchemy.exc import OperationalError

from engine.change import Change
from engine.incident import Incident
from engine.timeline import Entry
from flows.advance import advance, deliver_loose, deliver_plainly, is_due, run_plainly
from flows.crew import Crew
from state import outbox, wakes
from state.database import DatabaseError, why
from state.rows import table
from state.snapshots import LIVE

log = logging.getLogger("irrops.rounds")

AGAIN = timedelta(seconds=15)
"""After an advance broke off, look again then."""
HEALTH_S = 1.0
"""Time that Prefect's API has for saying that it is well."""
WELL_S, UNWELL_S = 2.0, 5.0
"""How long that is believed, and how long the contrary."""
SHUN_S = 30.0
"""After Prefect failed to run an advance, so long the next ones run without asking it: each try may cost seconds."""


TURN_S = 10.0
"""How long an advance waits for its turn as a flow: others may hold theirs while a channel hangs."""
STOPPED = (
    "what was commanded is noted, but what follows from it stopped (`irrops serve`, or `irrops incident advance INC-n` "
    "later, goes on from there)"
)


class Busy(Exception):
    """As many flows run as may."""


class Rounds:
    """Advances, one at a time for each incident."""

    def __init__(self, crew: Crew, *, prefect: bool, sort_alerts: Callable[[], int] = lambda: 0):
        self.crew, self.prefect, self.sort_alerts = crew, prefect, sort_alerts
        self._locks: dict[int, asyncio.Lock] = {}
        self._flows = asyncio.Semaphore(2)  # SQLite under Prefect: more at once collide and wait for seconds
        self._well: tuple[float, bool] = (-math.inf, False)

    async def go(self, number: int) -> bool:
        """Do what is due for an incident (0: the desk). False when nothing was, or it broke off."""
        try:
            return await self._go(number)
        except Exception:
            log.exception("the advance of INC-%d broke off; it is tried again in %s", number, AGAIN)
            return False

    async def _go(self, number: int) -> bool:
        async with self._locks.setdefault(number, asyncio.Lock()):
            try:
                return await (self._desk() if number == wakes.DESK else self._incident(number))
            except Exception:
                with contextlib.suppress(OperationalError):  # where this can't be written, the old wake still stands
                    await asyncio.to_thread(wakes.ask, self.crew.store, number, self.crew.clock.now() + AGAIN)
                raise

    async def _desk(self) -> bool:
        store, now = self.crew.store, self.crew.clock.now()
        seen = await asyncio.to_thread(wakes.nudges, store, wakes.DESK)
        sorted_now = await asyncio.to_thread(self.sort_alerts)
        delivered = await deliver_loose(self.crew)
        rests = await asyncio.to_thread(wakes.rest, store, wakes.DESK, outbox.next_due(store, None), seen)
        log.debug("desk: %d alerts sorted, %d effects at %s", sorted_now, delivered, now)
        return bool(sorted_now or delivered or not rests)

    async def _incident(self, number: int) -> bool:
        if not await asyncio.to_thread(is_due, self.crew, number):
            return False
        if self.prefect and await self._prefect_well():
            try:
                await self._flow(number)
                return True
            except Busy:
                await asyncio.to_thread(self._say, number, "other advances keep it busy")
            except Exception as error:
                log.warning("Prefect did not run the advance of INC-%d: %s", number, error)
                self._well = (asyncio.get_running_loop().time() + SHUN_S - UNWELL_S, False)
                await asyncio.to_thread(self._say, number, f"{type(error).__name__}")
        elif self.prefect:
            await asyncio.to_thread(self._say, number, "its API does not answer")
        await advance(self.crew, number, run_plainly, deliver_plainly)
        return True

    async def _flow(self, number: int) -> None:
        from prefect import tags

        from flows.respond import respond

        incident = await asyncio.to_thread(self.crew.store.incident, number)
        named = [f"incident:{incident.ref}", f"playbook:{incident.playbook}", *(["drill"] if incident.drill else [])]
        try:
            await asyncio.wait_for(self._flows.acquire(), TURN_S)
        except TimeoutError:
            raise Busy from None
        try:
            with tags(*named):
                await respond(incident.ref)
        finally:
            self._flows.release()

    async def _prefect_well(self) -> bool:
        url, now = os.environ.get("PREFECT_API_URL", ""), asyncio.get_running_loop().time()
        if not url:
            return False
        since, well = self._well
        if now - since < (WELL_S if well else UNWELL_S):
            return well
        try:
            async with httpx.AsyncClient(timeout=HEALTH_S, trust_env=False) as client:
                well = (await client.get(f"{url.rstrip('/')}/health")).status_code == 200
        except httpx.HTTPError:
            well = False
        self._well = (now, well)
        return well

    def _say(self, number: int, why: str) -> None:
        now = self.crew.clock.now()
        text = f"Prefect did not run this advance ({why}); it ran without"
        entry = Entry(incident=number, at=now, kind="RanWithoutPrefect", text=text, key=f"no-prefect/{now:%Y-%m-%dT%H}")
        self.crew.store.apply(Change(entries=(entry,)))

    async def settle_down(self, limit: int = 100) -> None:
        """Go round until nothing is due now. For CLI, drills and tests, where no clock runs. Raises DatabaseError."""
        for _ in range(limit):
            due = await asyncio.to_thread(wakes.due, self.crew.store, self.crew.clock.now())
            if not due:
                return
            for number in due:
                try:
                    await self._go(number)
                except OperationalError as error:
                    raise DatabaseError(f"{STOPPED}: {why(error)}") from None
                except Exception:
                    log.exception("the advance of INC-%d broke off; it is tried again in %s", number, AGAIN)


def release_the_dead(crew: Crew) -> int:
    """Free what processes of this machine had claimed when they died; returns how many effects."""
    now = crew.clock.now()
    dead = [owner for owner in outbox.owners(crew.store) if not _may_live(owner, crew.owner)]
    return sum(outbox.release(crew.store, owner, now) for owner in dead)


def _may_live(owner: str, here: str) -> bool:
    """Whether the process behind an owner may still run. One on another machine may: its lease will tell."""
    host, pid, _ = owner.rsplit(":", 2)
    our_host, our_pid, _ = here.rsplit(":", 2)
    if owner == here or host != our_host:
        return True
    if pid == our_pid:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wake_all(crew: Crew) -> None:
    """Look at every live incident and the desk now: after a start, nothing is taken for granted."""
    now = crew.clock.now()
    for incident in crew.store.all(Incident, table(Incident).c.status.in_(LIVE)):
        wakes.ask(crew.store, incident.number, now)
    wakes.ask(crew.store, wakes.DESK, now)

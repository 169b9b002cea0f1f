"""Five thousand people who answer within a minute, as the threads of the Slack handlers bring it, while irrops works.

The yardstick is the least that could keep a quota: one conditional UPDATE and its commit for each answer.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from bench.callout_people import crowd
from bench.postgres import binaries, postgres
from bench.sending import limited_slack
from desk.clock import SystemClock
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds
from desk.serve import Clockwork
from desk.settings import load
from desk.wiring import crew
from engine.buttons import ANSWER
from engine.callout import Answer, CallOut, Invitation, ask
from engine.change import Change
from engine.effects import EffectState, Receipt
from engine.steps import StepState, StepStatus
from flows.crew import Crew, use
from integrations import slack
from integrations.sandbox import Sandbox

PEOPLE = int(os.environ.get("BENCH_ANSWERS", "5000"))
QUOTA = PEOPLE // 10
WITHIN_S = PEOPLE * 60 / 5000
"""The rate of the issue, also for fewer people."""
THREADS = int(os.environ.get("BENCH_THREADS", "32"))
"""As many as work on what comes in from Slack."""

BOOK = """\
playbook: everybody
title: Everybody answers
severity: SEV1
steps:
  - key: volunteers
    action: call_out
    with: {{quota: {quota}, waves: 1, respond_within: 60m, starts_in: 2h}}
"""


@dataclass(frozen=True)
class Run:
    """How long each waited, in the order in which they answered, and when the last one knew, after the last asked."""

    waited_s: list[float]
    last_s: float

    def share(self, part: float) -> float:
        return sorted(self.waited_s)[min(len(self.waited_s) - 1, int(part * len(self.waited_s)))]


def answers(database: str) -> Iterator[dict[str, Any]]:
    """Rows for one database, seconds from pressing to the reply; with the advances running beside, and without."""
    if database == "postgresql" and not binaries():
        print("PostgreSQL is not on this machine; skipped", file=sys.stderr)
        return
    floor = _floor(database)
    for beside in (False, True):
        with _desk(database) as (wired, desk, invitations):
            with _advancing(desk, wired) if beside else contextlib.nullcontext():
                run = _open_loop(lambda number: _press(desk, invitations[number], number))
            _right(wired)
        name = f"{PEOPLE:,} answers in {WITHIN_S:g} s, {database}{', advances beside' if beside else ''}"
        for label, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
            yield _row(f"{name}: {label}", run.share(part), floor.share(part))
        yield _row(f"{name}: last one knows", max(run.last_s, 1e-3), max(floor.last_s, 1e-3))


def _row(what: str, ours: float, yardstick: float) -> dict[str, Any]:
    against = "one conditional UPDATE and commit each"
    return {"what": what, "ours_s": ours, "yardstick_s": yardstick, "ratio": ours / yardstick, "yardstick": against}


def _open_loop(work: Callable[[int], None]) -> Run:
    """Everybody answers at their own instant, however long the others wait."""
    waited = [0.0] * PEOPLE
    began, problems = time.perf_counter() + 0.2, []

    def one(number: int, at: float) -> None:
        try:
            work(number)
        except Exception as problem:
            problems.append(problem)
        waited[number] = time.perf_counter() - at

    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(PEOPLE):
            at = began + number * WITHIN_S / PEOPLE
            time.sleep(max(0.0, at - time.perf_counter()))
            pool.submit(one, number, at)
        last_asked = time.perf_counter()
    if problems:
        raise SystemExit(f"{len(problems)} answers failed, the first with {problems[0]!r}")
    return Run(waited, time.perf_counter() - last_asked)


def _press(desk: Desk, invitation: Invitation, number: int) -> None:
    desk.press(ANSWER, f"{invitation.key}|yes", f"U{number:06}")


def _right(wired: Crew) -> None:
    """The quota is filled and not exceeded, and who waits waits in the order of their yes."""
    (callout,) = wired.store.all(CallOut)
    there = wired.store.all(Invitation)
    come = [one for one in there if one.answer is Answer.YES and not one.too_late]
    wait = [one for one in there if one.answer is Answer.YES and one.too_late]
    if not (callout.accepted == callout.quota == QUOTA == len(come) and len(wait) == PEOPLE - QUOTA):
        raise SystemExit(f"{callout.accepted} of {callout.quota} accepted; {len(come)} come, {len(wait)} wait")
    latest, first = (
        max(one.answered_at for one in come if one.answered_at),
        min(one.answered_at for one in wait if one.answered_at),
    )
    if latest > first:
        raise SystemExit("somebody waits who said yes before somebody who comes")


# ---------------------------------------------------------------- the scene


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'irrops.db'}"
    else:
        with postgres() as url:
            yield url


@contextlib.contextmanager
def _desk(database: str) -> Iterator[tuple[Crew, Desk, tuple[Invitation, ...]]]:
    """A desk where everybody has been asked and nobody has answered yet."""
    with (
        tempfile.TemporaryDirectory(prefix="irrops-bench-") as home,
        _database(database, Path(home)) as url,
        limited_slack(1) as api,
    ):
        folder = Path(home)
        (folder / "playbooks").mkdir()
        (folder / "playbooks" / "everybody.yaml").write_text(BOOK.format(quota=QUOTA))
        channel = slack.connect(slack.Settings(bot_token="xoxb-bench", api_url=api))
        outside = {name: Sandbox(name, folder / "sandbox") for name in ("status_page", "bluesky")}
        settings = load(home=folder, playbooks=folder / "playbooks", database=url)
        wired = crew(settings, SystemClock(), {**outside, "slack": channel})
        use(wired)
        desk = Desk(wired, Library(settings.playbooks))
        try:
            yield wired, desk, _asked(wired, desk)
        finally:
            use(None)
            wired.close()


def _asked(wired: Crew, desk: Desk) -> tuple[Invitation, ...]:
    people = crowd(PEOPLE, wired.clock.now())
    import_people(wired.store, people)
    snapshot = desk.snapshot(desk.declare("everybody", facts={}, by="bench").ref)
    now, step = snapshot.now, "volunteers#1"
    callout = CallOut(
        key=snapshot.incident.key(step),
        incident=snapshot.incident.number,
        step=step,
        quota=QUOTA,
        starts_at=now + timedelta(hours=2),
        ends_at=now + timedelta(hours=6),
        respond_by=now + timedelta(hours=1),
        waves=1,
    )
    invitations, effects = ask(snapshot, callout, people[:PEOPLE], 1)
    sent = tuple(
        one.model_copy(
            update={"state": EffectState.SENT, "sent_at": now, "receipt": Receipt(id="1.0", place=f"D{n:06}")}
        )
        for n, one in enumerate(effects)
    )
    waits = {"status": StepStatus.WAITING, "look_at": now + timedelta(hours=1)}
    state = StepState(incident=snapshot.incident.number, key="volunteers", started_at=now, **waits)
    wired.store.apply(Change(records=(callout, state, *invitations), effects=sent))
    return tuple(wired.store.all(Invitation, order="key"))


@contextlib.contextmanager
def _advancing(desk: Desk, wired: Crew) -> Iterator[None]:
    """What `irrops serve` does beside: advances whenever somebody has answered; without Prefect."""
    clockwork = Clockwork(desk, Rounds(wired, prefect=False), 90)
    desk.woken = clockwork.poke
    clockwork.start()
    try:
        yield
    finally:
        desk.woken = lambda: None
        clockwork.stop()


# ---------------------------------------------------------------- the yardstick


def _floor(database: str) -> Run:
    from state.database import open_database

    with tempfile.TemporaryDirectory(prefix="irrops-bench-") as home, _database(database, Path(home)) as url:
        engine = open_database(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE floor (accepted INTEGER)"))
            connection.execute(text("INSERT INTO floor VALUES (0)"))
        run = _open_loop(lambda _: _take(engine))
        engine.dispose()
    return run


def _take(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE floor SET accepted = accepted + 1 WHERE accepted < :quota"), {"quota": QUOTA})

"""From `declare` to the last effect of the first wave, against a bare Prefect flow with as many empty tasks."""

import asyncio
import statistics
import time
from typing import Any

from bench.desk import opened, prefect

RUNS = 7
INCIDENTS = 20
REST_S = 4


def measure() -> list[dict[str, Any]]:
    """Rows: what, ours in seconds, yardstick in seconds, ratio. Medians of RUNS, taken in turn."""
    with prefect() as settings, opened(settings) as bench:
        return asyncio.run(_measure(bench))


async def _measure(bench: Any) -> list[dict[str, Any]]:
    from prefect import flow, task

    @task(persist_result=False)
    async def nothing() -> None:
        return None

    @flow(persist_result=False)
    async def bare(count: int) -> None:
        await asyncio.gather(*(nothing() for _ in range(count)))

    async def timed(work: Any) -> float:
        began = time.perf_counter()
        await work
        return time.perf_counter() - began

    async def ours() -> float:
        incident = bench.desk.declare("first-wave", facts={}, by="bench")
        await bench.rounds.settle_down()
        last = max(effect.sent_at for effect in bench.desk.effects(incident.ref) if effect.sent_at)
        return float((last - incident.declared_at).total_seconds())

    await ours()
    tasks = _tasks(bench, "INC-1")
    await bare(tasks)
    first, empty = [], []
    for _ in range(RUNS):
        # Prefect writes the task runs of a flow for seconds after it; on SQLite the next start would collide with that.
        await asyncio.sleep(REST_S)
        first.append(await ours())
        await asyncio.sleep(REST_S)
        empty.append(await timed(bare(tasks)))
    what = f"declare → last of {tasks} steps and effects"
    rows = [_row(what, first, empty, "a bare flow with as many empty tasks")]
    twenty, alone = await _twenty(bench, bare, tasks, timed)
    rows.append(
        _row(f"{INCIDENTS} incidents at once → all first statements", [twenty], [alone], f"{INCIDENTS} bare flows")
    )
    return rows


def _tasks(bench: Any, ref: str) -> int:
    from engine.incident import number_of
    from state import runs

    return sum(run.steps + run.effects for run in runs.of(bench.desk.store, number_of(ref)))


async def _twenty(bench: Any, bare: Any, tasks: int, timed: Any) -> tuple[float, float]:
    """20 incidents declared within a second, gone round side by side; against 20 bare flows one after another."""
    refs = []

    async def all_of_them() -> None:
        for _ in range(INCIDENTS):
            refs.append(bench.desk.declare("first-wave", facts={}, by="bench").number)
        await asyncio.gather(*(bench.rounds.go(number) for number in refs))

    async def one_after_another() -> None:
        for _ in range(INCIDENTS):
            await bare(tasks)

    ours = await timed(all_of_them())
    late = [number for number in refs if not any(s.live_at for s in bench.desk.snapshot(f"INC-{number}").statements)]
    if late:
        raise SystemExit(f"{len(late)} first statements are not out")
    return ours, await timed(one_after_another())


def _row(what: str, ours: list[float], yardstick: list[float], against: str) -> dict[str, Any]:
    mine, theirs = statistics.median(ours), statistics.median(yardstick)
    return {"what": what, "ours_s": mine, "yardstick": against, "yardstick_s": theirs, "ratio": mine / theirs}

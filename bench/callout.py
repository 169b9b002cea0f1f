"""The call-out: choosing among thousands, sending as fast as Slack lets, and five thousand answers within a minute."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.answers import answers
from bench.callout_people import crowd
from bench.sending import sending
from engine.actions import call_out
from engine.callout import CallOut
from engine.choice import choose
from engine.house import House
from engine.incident import Incident, Severity, Status
from engine.people import Person
from engine.playbook import Playbook
from engine.snapshot import Snapshot, StepRun
from engine.steps import StepState
from engine.wording import Templates

ROOT = Path(__file__).resolve().parents[1]
NIGHT = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
"""A Sunday, 05:10 in Amsterdam."""
WITH = {
    "quota": 40,
    "skills": ["rebooking", "ticketing", "care"],
    "languages": {"es": 6, "fr": 4},
    "at_least": {"rebooking:2": 8},
    "departments": {"operations_control": {"at_most": "10%"}, "cabin_crew": {"at_most": "20%"}},
}


def measure() -> Iterator[dict[str, Any]]:
    """Rows: seconds unless the row has another unit; what the yardstick is stands in the row."""
    for count in (500, 5000):
        yield from _choosing(count)
    with tempfile.TemporaryDirectory(prefix="irrops-bench-") as folder:
        yield from sending(Path(folder), int(os.environ.get("BENCH_PEOPLE", "500")))
    for database in ("sqlite", "postgresql"):
        yield from answers(database)


# ---------------------------------------------------------------- choosing


def _choosing(count: int) -> Iterator[dict[str, Any]]:
    people = crowd(count, NIGHT)
    snapshot = _situation(people)
    spec = snapshot.playbook.step("volunteers")
    params = call_out.Params.model_validate(spec.with_)
    step = StepRun(spec, StepState(incident=1, key="volunteers", started_at=NIGHT), params)
    opened = call_out.opened("volunteers#1", params, snapshot)
    assert isinstance(opened, tuple)
    callout: CallOut = opened[0]
    seats = params.minima
    floor = _best(lambda: _floor(people, set(params.skills)))
    mine = _best(lambda: choose(snapshot, callout, params.terms.rules, 160, seats))
    whole = _best(lambda: call_out.run(step, snapshot), runs=3)
    against = "one pass over the people that compares skills"
    yield _row(f"choose 160 of {count:,} people", mine, floor, against)
    yield _row(f"the first wave of {count:,} people, decided and worded", whole, floor, against)


def _situation(people: list[Person]) -> Snapshot:
    steps = [{"key": "volunteers", "action": "call_out", "with": WITH}]
    book = {"playbook": "bench", "title": "Bench", "severity": "SEV1", "steps": steps}
    incident = Incident(
        number=1,
        uid="bench",
        playbook="bench",
        playbook_text="",
        title="Bench",
        severity=Severity.SEV1,
        status=Status.RESPONDING,
        declared_by="bench",
        declared_at=NIGHT,
        status_at=NIGHT,
    )
    house = House(wording=Templates(ROOT / "templates" / "messages"), channels={"slack": None})
    snapshot = Snapshot(now=NIGHT, incident=incident, playbook=Playbook.model_validate(book), house=house)
    return replace(snapshot, people=tuple(people))


def _floor(people: list[Person], skills: set[str]) -> list[Person]:
    return [person for person in people if not skills.isdisjoint(person.skills)]


def _best(work: Callable[[], object], runs: int = 5) -> float:
    """The quickest of several runs: what the work costs when nobody else wants the processor."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def _row(what: str, ours: float, yardstick: float, against: str) -> dict[str, Any]:
    return {"what": what, "ours_s": ours, "yardstick_s": yardstick, "ratio": ours / yardstick, "yardstick": against}

"""Advances, as the reviewer sees them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from state.store import Store
from state.tables import RunRow

_run = RunRow.metadata.tables["run"]


@dataclass(frozen=True)
class Run:
    id: str
    incident: int
    flow_run: str
    """Prefect's id; empty when it ran without."""
    started_at: datetime
    ended_at: datetime | None
    steps: int
    effects: int
    error: str


def add(
    store: Store, run: str, incident: int, flow_run: str, began: datetime, ended: datetime, steps: int, effects: int
) -> None:
    """Remember an advance."""
    row = {"id": run, "incident": incident, "flow_run": flow_run, "started_at": began, "ended_at": ended}
    with store.write() as connection:
        connection.execute(_run.insert().values(**row, steps=steps, effects=effects, error=""))


def of(store: Store, incident: int) -> list[Run]:
    """The advances of an incident, in order."""
    with store.read() as connection:
        rows = connection.execute(
            select(_run).where(_run.c.incident == incident).order_by(_run.c.started_at)
        ).mappings()
        return [Run(**row) for row in rows]

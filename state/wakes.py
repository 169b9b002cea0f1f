"""When to look at an incident again. Rows, not sleeping jobs: after a restart the same table is read."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, case, select, update

from state.tables import WakeRow

if TYPE_CHECKING:
    from state.store import Store

DESK = 0
"""The desk itself: alerts to sort, effects that belong to no incident."""

_wake = WakeRow.metadata.tables["wake"]


def ask(store: "Store", incident: int, at: datetime) -> None:
    """Ask for a look at an incident no later than `at`."""
    with store.write() as connection:
        ask_in(store, connection, incident, at)


def ask_in(store: "Store", connection: Connection, incident: int, at: datetime) -> None:
    """The same, inside a transaction."""
    query = store.insert(_wake).values(incident=incident, at=at, nudges=1)
    sooner = case(
        (_wake.c.at.is_(None), query.excluded.at), (_wake.c.at < query.excluded.at, _wake.c.at), else_=query.excluded.at
    )
    changes = {"at": sooner, "nudges": _wake.c.nudges + 1}
    connection.execute(query.on_conflict_do_update(index_elements=[_wake.c.incident], set_=changes))


def nudges(store: "Store", incident: int) -> int:
    """How often a look was asked for; to be given back to `rest`."""
    with store.read() as connection:
        return connection.execute(select(_wake.c.nudges).where(_wake.c.incident == incident)).scalar() or 0


def rest(store: "Store", incident: int, until: datetime | None, seen: int) -> bool:
    """Look again at `until` (None: only when asked). False: somebody asked since `seen` was read; look again now."""
    with store.write() as connection:
        quiet = and_(_wake.c.incident == incident, _wake.c.nudges == seen)
        done = connection.execute(update(_wake).where(quiet).values(at=until))
        return done.rowcount == 1 or seen == 0


def due(store: "Store", now: datetime) -> list[int]:
    """Incidents (0: the desk) to look at now, the longest awaited first."""
    with store.read() as connection:
        query = select(_wake.c.incident).where(_wake.c.at <= now).order_by(_wake.c.at)
        return list(connection.execute(query).scalars())


def next_wake(store: "Store") -> datetime | None:
    """The next instant at which anything is due."""
    with store.read() as connection:
        query = select(_wake.c.at).where(_wake.c.at.is_not(None)).order_by(_wake.c.at).limit(1)
        return connection.execute(query).scalar()

"""Alerts as they were accepted: stored and deduplicated first, sorted afterwards."""

from collections.abc import Sequence
from datetime import datetime

from engine.correlation import Alert, Proposal, StoredAlert
from engine.incident import Incident
from state import wakes
from state.rows import record, table, values
from state.snapshots import LIVE
from state.store import Store

_alert = table(StoredAlert)


def accept(store: Store, alerts: Sequence[Alert], now: datetime) -> list[bool]:
    """Store alerts in one transaction; tells for each whether it was new. A repeat is counted, no more."""
    if not alerts:
        return []
    fresh = []
    with store.write() as connection:
        for alert in alerts:
            row = values(StoredAlert(key=alert.key, alert=alert, received_at=now)) | {"version": 1}
            query = store.insert(_alert).values(row)
            counted = query.on_conflict_do_update(index_elements=["key"], set_={"repeats": _alert.c.repeats + 1})
            fresh.append(connection.execute(counted.returning(_alert.c.repeats)).scalar_one() == 0)
        if any(fresh):
            wakes.ask_in(store, connection, wakes.DESK, now)
    return fresh


def unsorted(store: Store, limit: int = 500) -> list[StoredAlert]:
    """Alerts that nobody has sorted yet, in the order in which they came."""
    return store.all(StoredAlert, outcome="new", order="id", limit=limit)


def live_causes(store: Store) -> dict[tuple[str, str], int]:
    """Playbook and group of the alerts behind each live incident → its number."""
    incident, proposal = table(Incident), table(Proposal)
    query = (
        proposal.select()
        .join(incident, incident.c.number == proposal.c.incident)
        .where(incident.c.status.in_(LIVE))
        .order_by(proposal.c.id)
    )
    with store.read() as connection:
        found = [record(Proposal, row) for row in connection.execute(query).mappings()]
    return {(one.playbook, one.group): one.incident for one in found if one.incident}

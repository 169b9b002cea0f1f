"""Alerts as they were accepted: stored and deduplicated first, sorted afterwards."""

from collections import Counter
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
    counts = Counter(alert.key for alert in alerts)
    rows = {
        alert.key: values(StoredAlert(key=alert.key, alert=alert, received_at=now, repeats=counts[alert.key] - 1))
        | {"version": 1}
        for alert in reversed(alerts)
    }
    query = store.insert(_alert).values(list(rows.values()))
    repeats = _alert.c.repeats + query.excluded.repeats + 1
    counted = query.on_conflict_do_update(index_elements=["key"], set_={"repeats": repeats})
    with store.write() as connection:
        given = connection.execute(counted.returning(_alert.c.key, _alert.c.repeats))
        new = {key for key, repeats in given if repeats == rows[key]["repeats"]}
        if new:
            wakes.ask_in(store, connection, wakes.DESK, now)
    fresh = []
    for alert in alerts:
        fresh.append(alert.key in new)
        new.discard(alert.key)
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

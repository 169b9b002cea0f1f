"""Hours worked as CSV for the personnel department. How they are counted: `engine.hours`."""

import csv
import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.hours import hours
from engine.people import Person

if TYPE_CHECKING:
    from desk.desk import Desk

COLUMNS = (
    "person",
    "name",
    "department",
    "slot",
    "from_utc",
    "from_local",
    "to_utc",
    "to_local",
    "hours",
    "lane",
    "released_because",
)
HOUR = timedelta(hours=1)


def write(desk: "Desk", ref: str) -> str:
    """Write a line for everybody who was called for an incident and worked, by slot and person. Raises Unknown.

    Local times are where the person lives, with the offset; hours are elapsed ones, with two decimals. Who still
    works has their hours until now. Who broke off and came back has one line from when they came back; `hours` has
    both stretches.
    """
    snapshot = desk.snapshot(ref)
    slots = {one.key: one for one in snapshot.callouts}
    people = {one.key: one for one in desk.store.all(Person)}
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    order = sorted(
        (i for i in snapshot.invitations if i.callout in slots),
        key=lambda i: (slots[i.callout].starts_at, slots[i.callout].key, i.person),
    )
    for one in order:
        slot, person = slots[one.callout], people.get(one.person)
        found = hours(slot, one, snapshot.now)
        if found and person:
            times = (cell for at in (found.begin, found.end) for cell in _times(at, person))
            name = f"{slot.step} slot {slot.slot}"
            row = [person.key, person.name, person.department, name, *times, f"{found.worked / HOUR:.2f}"]
            lines.writerow([*row, one.answered_on or one.lane, one.released_because])
    return out.getvalue()


def _times(at: datetime, person: Person) -> tuple[str, str]:
    return f"{at:%Y-%m-%dT%H:%MZ}", person.local(at).isoformat(timespec="minutes")

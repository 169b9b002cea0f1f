"""Importing people: all or nothing, and what the file does not know of a person is kept."""

from collections.abc import Sequence

from engine.change import Change
from engine.people import Person
from state.store import Store

KEPT = ("version", "last_called_at", "quiet_until", "signed_off")
"""What irrops knows of a person, and the file does not."""


def import_people(store: Store, people: Sequence[Person]) -> dict[str, int]:
    """Bring the people of the store in line with a file, in one transaction; returns counts. Raises Stale.

    Who is not in the file any more becomes inactive: past incidents still speak of them.
    """
    there = {person.key: person for person in store.all(Person)}
    records = []
    counts = {"new": 0, "changed": 0, "unchanged": 0, "left": 0}
    for person in people:
        old = there.pop(person.key, None)
        if old is None:
            records.append(person)
            counts["new"] += 1
            continue
        merged = person.model_copy(update={name: getattr(old, name) for name in KEPT})
        if person.answers != old.answers:  # the file has said something new: what was said off the file is over
            merged = merged.model_copy(update={"signed_off": ()})
        counts["unchanged" if merged == old else "changed"] += 1
        if merged != old:
            records.append(merged)
    gone = [person.model_copy(update={"active": False}) for person in there.values() if person.active]
    counts["left"] = len(gone)
    store.apply(Change(records=(*records, *gone)))
    return counts

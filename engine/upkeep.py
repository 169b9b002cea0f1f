"""Upkeep: what is due beside the steps, decided together: no two decisions change one record apart."""

from engine import paging, reminding, shift_end, surplus, undecided, watch
from engine.change import Change
from engine.folding import fold, merged
from engine.room import alarm
from engine.snapshot import Snapshot
from engine.wording import WordingError

PARTS = (paging, reminding, shift_end, surplus, undecided, watch)
"""Each tells cheaply whether it is due, and decides with everybody at hand. Later ones see what earlier ones led to."""


def due(snapshot: Snapshot) -> bool:
    """Tell whether anything is to be decided now. Cheap, for it is asked at every look."""
    return any(part.due(snapshot) for part in PARTS)


def keep(snapshot: Snapshot) -> Change:
    """Decide all that is due. The snapshot must hold everybody.

    Where a message can't be rendered, that part is left undone and the duty managers are told, once.
    """
    changes: list[Change] = []
    for part in PARTS:
        if not part.due(snapshot):
            continue
        try:
            change = part.keep(snapshot)
        except WordingError as error:
            name = part.__name__.rpartition(".")[2]
            change = alarm(snapshot, f"wording/{name}", "WordingBroken", f"A message can't be written: {error}")
        changes.append(change)
        snapshot = fold(snapshot, change)
    return merged(changes)

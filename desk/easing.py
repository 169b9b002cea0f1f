"""Sending people home by command when there is less to do. Who goes first, with how much notice: `engine.easing`."""

from datetime import timedelta
from typing import TYPE_CHECKING

from engine import easing
from engine.callout import CallOut
from engine.change import Change
from engine.folding import fold, merged
from engine.incident import NotAllowed
from engine.snapshot import Snapshot
from state import snapshots

if TYPE_CHECKING:
    from desk.desk import Desk

LONGEST = timedelta(hours=4)
"""Notice that is longer lets nobody go earlier."""


def ease(
    desk: "Desk", ref: str, step: str | None, to: int, by: str, notice: timedelta = easing.NOTICE, slot: int = 0
) -> str:
    """Lower what a call-out step wants to so many people a slot, and release who is too many.

    `step`: its key, or with the occurrence as `volunteers#2`; empty: the only one there is. `slot`: 0 is every slot
    that is not over. Returns what to tell who asked for it. Raises NotAllowed.
    """
    said: list[str] = []
    if not timedelta() <= notice <= LONGEST:
        raise NotAllowed("The notice is a time from 0m to 4h, such as 30m.")

    def decide(snapshot: Snapshot) -> Change:
        snapshot = snapshots.with_everybody(desk.store, snapshot)
        changes: list[Change] = []
        for callout in _slots(snapshot, step, slot, to):
            change = easing.ease(snapshot, callout, to, notice, by=by)
            changes.append(change)
            snapshot = fold(snapshot, change)
        whole = merged(changes)
        said[:] = [entry.text for entry in whole.entries]
        return whole

    incident = desk._command(ref, decide)
    return f"{incident.ref}: {'; '.join(said) or 'everybody who comes is needed for what they can do; nobody goes'}."


def _slots(snapshot: Snapshot, step: str | None, slot: int, to: int) -> list[CallOut]:
    """The slots that want more than `to`. Raises NotAllowed with what is possible instead."""
    incident = snapshot.incident
    if not incident.status.live:
        raise NotAllowed(f"{incident.ref} is {incident.status}; its responders are released with it.")
    if to < 0:
        raise NotAllowed(f"{to} is no number of people; write 0 or more.")
    steps = {step.name for step in snapshot.steps if snapshot.playbook.step(step.key).action == "call_out"}
    running = [one for one in snapshot.callouts if one.ends_at > snapshot.now and one.step in steps]
    names = dict.fromkeys(one.step for one in running)
    if not names:
        raise NotAllowed(f"{incident.ref} has no call-out whose hours are not over.")
    wanted = [name for name in names if step in (None, "", name, name.partition("#")[0])]
    if not wanted or (len(wanted) > 1 and not step):
        raise NotAllowed(f"Say which call-out of {incident.ref}: {', '.join(names)}.")
    mine = [one for one in running if one.step in wanted and slot in (0, one.slot)]
    if not mine:
        raise NotAllowed(f"{wanted[0]} has no slot {slot} whose hours are not over.")
    more = [one for one in mine if one.quota > to]
    if not more:
        most = max(one.quota for one in mine)
        raise NotAllowed(f"Only {most} are wanted; easing lowers that, and can't raise it to {to}.")
    return more

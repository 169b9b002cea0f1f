"""Undecided posts: nobody can find out whether a statement is public. A person is called, who looks and decides."""

from typing import TYPE_CHECKING

from engine import paging
from engine.change import Change
from engine.effects import Effect, EffectState
from engine.incident import NotAllowed
from engine.people import Person
from engine.public import post_of
from engine.timeline import Entry

if TYPE_CHECKING:  # snapshots hold effects
    from engine.snapshot import Snapshot

DECIDERS = ("comms_lead", "deputy_comms_lead", "duty_manager")
"""Who can look at the channel and decide; the first role that somebody on duty holds."""


def due(snapshot: "Snapshot") -> bool:
    """Tell whether somebody is to be called."""
    return snapshot.incident.status.live and bool(_fresh(snapshot))


def keep(snapshot: "Snapshot") -> Change:
    """Call one person for all posts that nobody was called for. The snapshot must hold everybody."""
    fresh, person = _fresh(snapshot), _decider(snapshot)
    where = ", ".join(dict.fromkeys(f"{one.channel} ({post.language})" for one in fresh if (post := post_of(one))))
    why = f"It can't be found out whether our statement is on {where}. Look there, then say so: irrops effect decide"
    noted = Change(entries=tuple(_entry(snapshot, one, person) for one in fresh))
    if person is None:
        return noted
    try:
        return noted + paging.page(snapshot, person, why[: paging.WHY_MOST], "irrops")
    except NotAllowed:  # they are being called already, or can't be; the duty managers have the alarm
        return noted


def _fresh(snapshot: "Snapshot") -> list[Effect]:
    unknown = (one for one in snapshot.effects if one.state is EffectState.UNKNOWN and post_of(one))
    return [one for one in unknown if _key(one) not in snapshot.noted]


def _key(effect: Effect) -> str:
    return f"undecided/{effect.key.split('/', 1)[1]}"


def _decider(snapshot: "Snapshot") -> Person | None:
    held = [person for role in DECIDERS for person in snapshot.holders(role)]
    return next((person for person in held if person.on_duty(snapshot.now)), next(iter(held), None))


def _entry(snapshot: "Snapshot", effect: Effect, person: Person | None) -> Entry:
    post = post_of(effect)
    whom = f"{person.name} is called to look" if person else "there is nobody to call"
    return Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="PostUndecided",
        text=f"Nobody can find out whether {effect.channel} ({post.language if post else ''}) shows it: {whom}",
        step=effect.step,
        key=_key(effect),
    )

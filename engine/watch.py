"""The watch: looks at what was published again and again, whether it still stands there, and tells when it doesn't.

What a look found is read in `engine.public`; how a channel looks is its own.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.change import Change
from engine.effects import CHANGED, GONE, Effect, EffectState, Look, Post
from engine.public import look_key, post_of, seen
from engine.room import alarm

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot

STEP = "watch"
"""What looks belong to: were it the post's own step, that one would wait for them before it ends."""


def due(snapshot: "Snapshot") -> bool:
    """Tell whether a look is to be queued, called off, or told of."""
    return keep(snapshot) != Change()


def keep(snapshot: "Snapshot") -> Change:
    """Queue a look at each post that stands, tell of those that don't any more, and forget looks at the others."""
    if not snapshot.incident.status.live:
        return Change(forget=tuple(look.key for look in _queued(snapshot)))
    standing = snapshot.posts
    looked_at = [effect for effect in standing if snapshot.house.takes(effect.channel, "look") and effect.receipt]
    change = Change(
        effects=tuple(_first(snapshot, effect) for effect in looked_at if effect.key not in snapshot.looks),
        records=tuple(_again(snapshot, look) for look in _done(snapshot, looked_at)),
        forget=tuple(look.key for look in _queued(snapshot) if look.needs not in {one.key for one in standing}),
    )
    for effect in looked_at:
        change += _told(snapshot, effect)
    return change


def look_now(snapshot: "Snapshot") -> Change:
    """Look at all that stands at once, because somebody wants to know."""
    able = [effect for effect in snapshot.posts if snapshot.house.takes(effect.channel, "look") and effect.receipt]
    fresh = tuple(_first(snapshot, effect, snapshot.now) for effect in able if effect.key not in snapshot.looks)
    again = tuple(
        _queue(look, snapshot.now)
        for effect in able
        if (look := snapshot.looks.get(effect.key)) and look.state is not EffectState.SENDING
    )
    return Change(effects=fresh, records=again)


def _queued(snapshot: "Snapshot") -> Iterator[Effect]:
    queued = (effect for effect in snapshot.effects if isinstance(effect.message, Look))
    return (effect for effect in queued if effect.state is EffectState.QUEUED)


def _done(snapshot: "Snapshot", posted: list[Effect]) -> list[Effect]:
    """The looks that have been made, or could not be, or were called off while something else stood there."""
    looks = [look for effect in posted if (look := snapshot.looks.get(effect.key))]
    return [look for look in looks if look.state.settled]


def _first(snapshot: "Snapshot", posted: Effect, at: datetime | None = None) -> Effect:
    post = post_of(posted)
    return Effect(
        key=look_key(posted),
        incident=snapshot.incident.number,
        step=STEP,
        channel=posted.channel,
        message=Look(text=post.text if isinstance(post, Post) else ""),
        needs=posted.key,
        urgency=9,
        queued_at=at or snapshot.now,
        not_before=at or _next(snapshot),
    )


def _again(snapshot: "Snapshot", look: Effect) -> Effect:
    return _queue(look, _next(snapshot))


def _queue(look: Effect, at: datetime) -> Effect:
    """The same look once more; what the last one found stays on it until then."""
    fresh = {"attempts": 0, "doubtful": 0, "uncertain": False, "error": "", "lease_until": None, "lease_owner": ""}
    return look.model_copy(update={"state": EffectState.QUEUED, "queued_at": at, "not_before": at, **fresh})


def _next(snapshot: "Snapshot") -> datetime:
    """The next time to look, the same for all posts of an incident: one advance looks at them together."""
    every, began = snapshot.house.look_every, snapshot.incident.declared_at
    return began + ((snapshot.now - began) // every + 1) * max(every, timedelta(minutes=1))


def _told(snapshot: "Snapshot", posted: Effect) -> Change:
    """Tell the duty managers once that a post is gone, or says something else."""
    what, post = seen(snapshot, posted), post_of(posted)
    if what not in (GONE, CHANGED) or post is None:
        return Change()
    statement = next((one.ref for one in snapshot.statements if one.key == post.statement), "a statement")
    where = f"{posted.channel} ({post.language})"
    told = {
        GONE: f"{statement} is no longer on {where}: somebody deleted it there; publish it again or withdraw it",
        CHANGED: f"{statement} says something else on {where} than what was approved: somebody changed it there",
    }
    kind = "PostGone" if what == GONE else "PostChanged"
    return alarm(snapshot, f"{what}/{posted.key.split('/', 1)[1]}", kind, told[what], posted.step)

"""The outbox: effects are claimed with a lease, and settled by the one who holds it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from engine.change import Change
from engine.effects import Effect, EffectState, Receipt
from engine.timeline import Entry
from state.rows import record, table
from state.store import Store, cancel_orphans

LEASE = timedelta(seconds=60)
"""Past it, whoever claimed the effect has died: a living owner holds on to it (`hold`)."""

_effect = table(Effect)
_needed = _effect.alias("needed")
_other = _effect.alias("other")


@dataclass(frozen=True)
class Claimed:
    """An effect that is ours to deliver until the lease ends."""

    effect: Effect
    base: Receipt | None
    superseded: bool = False
    """A newer one is queued in its place, or it is to be withdrawn: it is only looked up, and not sent again."""


def _due(now: datetime) -> Any:
    return or_(
        and_(_effect.c.state == EffectState.QUEUED, _effect.c.not_before <= now),
        and_(_effect.c.state == EffectState.SENDING, _effect.c.lease_until <= now),
    )


def _of(incident: int | None) -> Any:
    return _effect.c.incident.is_(None) if incident is None else _effect.c.incident == incident


def _ready() -> Any:
    """What it needs is there, and none that it takes the place of is under way: the newest text must come last."""
    alone = or_(_effect.c.replaces == "", ~_rival(or_(_other.c.state == EffectState.SENDING, _other.c.uncertain)))
    return and_(or_(_effect.c.needs.is_(None), _needed.c.state == EffectState.SENT), alone)


def _rival(where: Any) -> Any:
    """Whether another effect with the same `replaces` is open, and this holds for it."""
    same = and_(_other.c.replaces == _effect.c.replaces, _other.c.key != _effect.c.key)
    open_ = _other.c.state.in_((EffectState.QUEUED, EffectState.SENDING))
    return select(_other.c.key).where(same, open_, where).correlate(_effect).exists()


def _joined(*columns: Any) -> Any:
    return select(*columns).select_from(_effect.outerjoin(_needed, _effect.c.needs == _needed.c.key))


def claim(store: Store, incident: int | None, owner: str, now: datetime, limit: int = 200) -> list[Claimed]:
    """Take the effects of an incident (None: those of no incident) that can be sent now, the urgent first.

    One whose lease ran out was being sent by somebody who died: it comes back as `uncertain`.
    """
    newer = and_(_effect.c.replaces != "", _rival(_other.c.state == EffectState.QUEUED))
    away = and_(_other.c.key == _effect.c.key + "/withdrawn", _other.c.state == EffectState.QUEUED)
    withdrawn = select(_other.c.key).where(away).correlate(_effect).exists()
    superseded = or_(newer, withdrawn).label("superseded")
    query = _joined(_effect, _needed.c.receipt.label("base"), superseded).where(_of(incident), _due(now), _ready())
    query = query.order_by(_effect.c.urgency, _effect.c.queued_at, _effect.c.key).limit(limit)
    with store.read() as connection:
        if connection.execute(query.with_only_columns(_effect.c.key).limit(1)).first() is None:
            return []
    taken = []
    with store.write() as connection:
        for row in connection.execute(query).mappings().all():
            there = record(Effect, row)
            ours = there.model_copy(
                update={
                    "state": EffectState.SENDING,
                    "lease_until": now + LEASE,
                    "lease_owner": owner,
                    "attempts": there.attempts + 1,
                    "uncertain": there.uncertain or there.state is EffectState.SENDING,
                    "version": there.version + 1,
                }
            )
            changes = {name: getattr(ours, name) for name in ("lease_until", "lease_owner", "attempts", "uncertain")}
            changes |= {"state": ours.state.value, "version": ours.version}
            # The state too: on PostgreSQL it may have been cancelled since the row was read.
            unchanged = and_(_effect.c.version == there.version, _effect.c.state == there.state)
            mine = and_(_effect.c.key == there.key, unchanged)
            if connection.execute(update(_effect).where(mine).values(changes)).rowcount == 1:
                base = Receipt.model_validate(row["base"]) if row["base"] else None
                taken.append(Claimed(ours, base, bool(row["superseded"])))
    return taken


def settle(store: Store, effect: Effect, entries: tuple[Entry, ...] = ()) -> None:
    """Record what became of a claimed effect. Raises Stale when the lease was lost meanwhile.

    What builds on an effect that will never be is cancelled with it.
    """

    def work(connection: Connection) -> None:
        store.apply_in(connection, Change(records=(effect,), entries=entries))
        if effect.state in (EffectState.FAILED, EffectState.CANCELLED):
            cancel_orphans(connection, effect.incident)

    store.together.do(work)


def hold(store: Store, owner: str, keys: Collection[str], now: datetime) -> None:
    """Lengthen the leases of what an owner is still sending."""
    with store.write() as connection:
        held = and_(_effect.c.key.in_(keys), _effect.c.state == EffectState.SENDING, _effect.c.lease_owner == owner)
        # What is being settled in this moment is left alone: to wait for it might be to wait for each other.
        free = select(_effect.c.key).where(held).with_for_update(skip_locked=True)
        connection.execute(update(_effect).where(_effect.c.key.in_(free)).values(lease_until=now + LEASE))


def is_ours(store: Store, claimed: Claimed) -> bool:
    """Whether nobody has taken the effect over since it was claimed."""
    there = store.first(Effect, key=claimed.effect.key)
    return there is not None and there.version == claimed.effect.version


def release(store: Store, owner: str, now: datetime) -> int:
    """End the leases of an owner that is known to have died; returns how many."""
    with store.write() as connection:
        held = and_(_effect.c.state == EffectState.SENDING, _effect.c.lease_owner == owner)
        return connection.execute(update(_effect).where(held).values(lease_until=now)).rowcount


def owners(store: Store) -> list[str]:
    """Who holds leases."""
    with store.read() as connection:
        held = _effect.c.state == EffectState.SENDING
        return list(connection.execute(select(_effect.c.lease_owner).where(held).distinct()).scalars())


def next_due(store: Store, incident: int | None) -> datetime | None:
    """When the next effect can be sent, or the next lease ends."""
    at = func.min(func.coalesce(_effect.c.lease_until, _effect.c.not_before))
    waiting = _effect.c.state.in_((EffectState.QUEUED, EffectState.SENDING))
    with store.read() as connection:
        found: datetime | None = connection.execute(_joined(at).where(_of(incident), waiting, _ready())).scalar()
        return found

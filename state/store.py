"""The store: changes in, snapshots out. One transaction a change; nothing outside is touched in it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, and_, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from engine.callout import CallOut, Invitation
from engine.change import Change
from engine.effects import Effect, EffectState
from engine.incident import Incident, Unknown
from engine.record import Record
from engine.timeline import Entry
from state import wakes
from state.rows import fields, identity, selected, table, values
from state.together import Together

R = TypeVar("R", bound=Record)

WITHOUT = "what it builds on did not happen: "
"""Begins the error of an effect that was cancelled because the one it needs failed or was cancelled."""


class Stale(Exception):
    """Somebody was there first; nothing was written. Load again and decide anew, or stop."""


def cancel_orphans(connection: Connection, incident: int | None) -> None:
    """Cancel what waits for an effect that will never be, and what waits for that in turn."""
    effect, needed = table(Effect), table(Effect).alias("needed")
    base = select(needed).where(needed.c.key == effect.c.needs)
    never = base.where(needed.c.state.in_((EffectState.FAILED, EffectState.CANCELLED))).exists()
    why = base.with_only_columns(WITHOUT + needed.c.error).scalar_subquery()
    orphans = update(effect).where(effect.c.incident == incident, effect.c.state == EffectState.QUEUED, never)
    while connection.execute(orphans.values(state=EffectState.CANCELLED, error=why)).rowcount:
        continue


def _place(one: Record) -> tuple[Any, ...]:
    """Where a record stands among those of its kind."""
    return tuple(getattr(one, name) for name in identity(type(one)))


class Store:
    """All that irrops remembers."""

    def __init__(self, engine: Engine):
        self.engine = engine
        # SQLite has one writer, and who finds it busy sleeps up to 100 ms: threads of one process queue here instead.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self.together = Together(self)
        self.insert: Any = pg_insert if engine.dialect.name == "postgresql" else sqlite_insert

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction. Raises Stale when it breaks a uniqueness."""
        try:
            with self._turn, self.engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise Stale(str(error.orig)) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; it holds up no writer."""
        with self.engine.connect().execution_options(reads=True) as connection:
            yield connection

    def close(self) -> None:
        """End what runs beside, and the connections."""
        self.together.close()
        self.engine.dispose()

    # ------------------------------------------------------------ writing

    def apply(self, change: Change, *, wake: tuple[int, datetime] | None = None) -> None:
        """Write a change, and ask for a look at an incident (0: the desk) at an instant. Raises Stale."""
        with self.write() as connection:
            self.apply_in(connection, change)
            if wake:
                wakes.ask_in(self, connection, *wake)

    def add(
        self, fresh: Sequence[R], follow: Callable[[list[R]], Change], look_at: Callable[[list[R]], int], now: datetime
    ) -> list[R]:
        """Insert records whose numbers the database gives, write what follows from them, and ask for a look.

        All in one transaction. Raises Stale where a uniqueness stands against it.
        """
        with self.write() as connection:
            numbered = self._number(connection, fresh)
            self.apply_in(connection, follow(numbered))
            wakes.ask_in(self, connection, look_at(numbered), now)
        return numbered

    def _number(self, connection: Connection, fresh: Sequence[R]) -> list[R]:
        if not fresh:
            return []
        kind, (name, *_) = table(type(fresh[0])), identity(type(fresh[0]))
        insert = kind.insert().returning(kind.c[name], sort_by_parameter_order=True)
        given = connection.execute(insert, [values(one) | {"version": 1} for one in fresh]).scalars()
        return [one.model_copy(update={name: number, "version": 1}) for one, number in zip(fresh, given, strict=True)]

    def declare(self, incident: Incident, follow: Callable[[Incident], Change], now: datetime) -> Incident:
        """Write a new incident and what follows from its number.

        The same `idempotency_key` again returns the incident that is there and writes nothing.
        """
        try:
            return self.add([incident], lambda new: follow(new[0]), lambda new: new[0].number, now)[0]
        except Stale:
            key = incident.idempotency_key
            there = self.first(Incident, idempotency_key=key) if key else None
            if there is None:
                raise
            return there

    def apply_in(self, connection: Connection, change: Change) -> None:
        """The same, inside a transaction."""
        fresh: dict[type[Record], list[Record]] = {}
        known: dict[type[Record], list[Record]] = {}
        for one in change.records:
            (known if one.version else fresh).setdefault(type(one), []).append(one)
        for one in change.unchanged:
            self._check(connection, one)
        # Always in the same order: on PostgreSQL two changes that meet in another one's rows would wait for each other.
        for kind in sorted(known, key=lambda kind: kind.__name__):
            self._update(connection, kind, sorted(known[kind], key=_place))
        for kind, records in fresh.items():
            connection.execute(table(kind).insert(), [values(one) | {"version": 1} for one in records])
        if change.forget:
            effects = table(Effect)
            forget = effects.c.key.in_(change.forget) & (effects.c.state == EffectState.QUEUED)
            connection.execute(update(effects).where(forget).values(state=EffectState.CANCELLED))
        self._queue(connection, change.effects)
        touched = {effect.incident for effect in change.effects if effect.needs}
        for incident in touched | {entry.incident for entry in change.entries if change.forget}:
            cancel_orphans(connection, incident)
        if change.entries:
            rows = [values(entry) | {"version": 1} for entry in change.entries]
            connection.execute(self.insert(table(Entry)).on_conflict_do_nothing(), rows)

    def _update(self, connection: Connection, kind: type[Record], records: Sequence[Record]) -> None:
        there, keys = table(kind), identity(kind)
        same = [there.c[name] == bindparam(f"old_{name}") for name in (*keys, "version")]
        rows = [
            {f"old_{name}": getattr(one, name) for name in (*keys, "version")}
            | {name: value for name, value in values(one).items() if name not in keys}
            | {"version": one.version + 1}
            for one in records
        ]
        query = update(there).where(*same).values({name: bindparam(name) for name in rows[0] if name[:4] != "old_"})
        if connection.execute(query, rows).rowcount != len(records):
            raise Stale(f"{kind.__name__} has changed meanwhile")

    def _check(self, connection: Connection, one: Record) -> None:
        """Make sure that a record is still as it was, and stays so until this is committed. Raises Stale."""
        there = table(type(one))
        same = [there.c[name] == getattr(one, name) for name in identity(type(one))]
        query = select(there.c.version).where(*same).with_for_update(read=True)  # SQLite has one writer anyway
        if connection.execute(query).scalar() != one.version:
            raise Stale(f"{type(one).__name__} has changed meanwhile")

    def _queue(self, connection: Connection, effects: Sequence[Effect]) -> None:
        if not effects:
            return
        kind = table(Effect)
        newer = [{"by": one.replaces, "fresh": one.key, "at": one.not_before} for one in effects if one.replaces]
        if newer:
            same = and_(kind.c.replaces == bindparam("by"), kind.c.key != bindparam("fresh"))
            older = and_(same, kind.c.state == EffectState.QUEUED)
            certain = and_(older, kind.c.uncertain.is_(False))
            connection.execute(update(kind).where(certain).values(state=EffectState.CANCELLED), newer)
            # One that may have happened is looked up at once: the newer waits until that is known.
            connection.execute(update(kind).where(older).values(not_before=bindparam("at")), newer)
        rows = [values(effect) | {"version": 1} for effect in effects]
        connection.execute(self.insert(kind).on_conflict_do_nothing(), rows)

    # ------------------------------------------------------------ reading

    def all(self, kind: type[R], *where: Any, order: str = "", limit: int = 0, **equal: Any) -> list[R]:
        """Records whose fields equal what is given."""
        columns, names = table(kind).c, fields(kind)
        query = selected(kind).where(*where, *(columns[name] == value for name, value in equal.items()))
        query = query.order_by(*([columns[order]] if order else [columns[name] for name in identity(kind)]))
        if limit:
            query = query.limit(limit)
        with self.read() as connection:
            # Rows as plain tuples: a look reads hundreds, and mappings of all columns take twice as long.
            return [kind.model_validate(dict(zip(names, row, strict=True))) for row in connection.execute(query)]

    def first(self, kind: type[R], **equal: Any) -> R | None:
        return next(iter(self.all(kind, limit=1, **equal)), None)

    def incident(self, number: int) -> Incident:
        """Raises NotAllowed when there is none."""
        there = self.first(Incident, number=number)
        if not there:
            raise Unknown(f"There is no incident INC-{number}; `irrops incident list` shows those there are.")
        return there

    def busy(self, live: Sequence[int], but: int) -> dict[str, str]:
        """Person → reference of another live incident that counts on them."""
        columns = table(Invitation).c
        others = [number for number in live if number != but]
        query = select(columns.person, columns.incident).where(
            columns.incident.in_(others), columns.answer != "no", columns.released_at.is_(None)
        )
        closed = select(table(CallOut).c.key).where(table(CallOut).c.closed_at.is_not(None))
        query = query.where(or_(columns.answer == "yes", columns.callout.not_in(closed)))
        with self.read() as connection:
            return {person: f"INC-{number}" for person, number in connection.execute(query)}

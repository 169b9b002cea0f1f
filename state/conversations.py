"""Conversations in the database: in once, out to one agent at a time. Meets `engine.triage.Conversations`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update

from engine.change import Change
from engine.triage import LIFT, SILENT_AFTER, Conversation, ConversationStatus, Queue, QueueFigures, claim
from state.rows import record, table, values
from state.store import Store

_c = table(Conversation)
_OPEN, _CLAIMED, _REFERRED = ConversationStatus.OPEN, ConversationStatus.CLAIMED, ConversationStatus.REFERRED


class StoredConversations:
    """The conversations of all incidents."""

    def __init__(self, store: Store):
        self.store = store

    def add(self, conversations: Sequence[Conversation]) -> list[bool]:
        """Insert them; for each tell whether it was new."""
        new = []
        with self.store.write() as connection:
            for one in conversations:
                query = self.store.insert(_c).values(values(one) | {"version": 1}).on_conflict_do_nothing()
                new.append(connection.execute(query.returning(_c.c.id)).first() is not None)
        return new

    def next_for(
        self,
        incident: int,
        languages: Collection[str],
        rights: Collection[str],
        agent: str,
        now: datetime,
        team: str = "",
        another: bool = False,
    ) -> Conversation | None:
        """Claim for the agent the conversation whose turn it is; None when there is none."""
        with self.store.write() as connection:
            if not another:
                held = and_(_c.c.agent == agent, _c.c.status == _CLAIMED, _c.c.claimed_at > now - SILENT_AFTER)
                query = select(_c).where(_c.c.incident == incident, held).order_by(_c.c.claimed_at).limit(1)
                row = connection.execute(query).mappings().first()
                if row:
                    return record(Conversation, row)
            where = and_(_c.c.incident == incident, _candidate(now, team), _fits(languages, rights))
            query = select(_c).where(where).order_by(_turn(now), _c.c.received_at, _c.c.id).limit(20)
            for row in connection.execute(query).mappings().all():
                there = record(Conversation, row)
                mine = claim(there, agent, now)
                changes = {name: value for name, value in values(mine).items() if name != "id"}
                changes["version"] = there.version + 1
                first = and_(_c.c.id == there.id, _c.c.version == there.version)
                if connection.execute(update(_c).where(first).values(changes)).rowcount == 1:
                    return mine.model_copy(update={"version": there.version + 1})
        return None

    def get(self, id: int) -> Conversation | None:
        return self.store.first(Conversation, id=id)

    def put(self, conversation: Conversation) -> Conversation:
        """Write it, and return it with its new version. Raises Stale."""
        self.store.apply(Change(records=(conversation,)))
        return conversation.model_copy(update={"version": conversation.version + 1})

    def figures(self, incident: int, now: datetime) -> QueueFigures:
        """As `engine.triage.figures` has it, counted by the database."""
        queue = self.store.first(Queue, incident=incident)
        if queue is None:
            return QueueFigures()
        with self.store.read() as connection:
            row = connection.execute(_count(queue, now)).mappings().one()
            free = and_(_c.c.incident == incident, _c.c.answered_at.is_(None), _c.c.status != _CLAIMED)
            query = select(_c.c.language, func.count()).where(free).group_by(_c.c.language).order_by(_c.c.language)
            by_language: dict[str, int] = {language: count for language, count in connection.execute(query)}
        counts = dict(row)
        coming = [at for name in ("answers", "solutions") if (at := counts.pop(name))]
        unwarned = [at for name in ("unwarned_answers", "unwarned_solutions") if (at := counts.pop(name))]
        return QueueFigures(
            **counts,
            next_breach_at=min(coming, default=None),
            next_unwarned_at=min(unwarned, default=None),
            waiting_by_language=by_language,
        )

    def search(
        self,
        incident: int,
        status: ConversationStatus | None = None,
        agent: str = "",
        customer: str = "",
        language: str = "",
        after: int = 0,
        limit: int = 50,
    ) -> list[Conversation]:
        """Find by what is given, ids above `after`, ascending."""
        equal = {"status": status and status.value, "agent": agent, "language": language}
        where: list[ColumnElement[bool]] = [_c.c[name] == value for name, value in equal.items() if value]
        if customer:
            where.append(func.lower(_c.c.customer).contains(customer.lower(), autoescape=True))
        return self.store.all(Conversation, _c.c.id > after, *where, incident=incident, order="id", limit=limit)

    def forget(self, before: datetime) -> int:
        """Delete those to which nothing has happened since; returns how many."""
        moments = (_c.c.received_at, _c.c.claimed_at, _c.c.answered_at, _c.c.solved_at)
        quiet = and_(*(or_(at.is_(None), at <= before) for at in moments))
        with self.store.write() as connection:
            return connection.execute(delete(_c).where(quiet)).rowcount


def _candidate(now: datetime, team: str) -> Any:
    waiting = _c.c.status == _REFERRED if team else _c.c.status == _OPEN
    silent = and_(_c.c.status == _CLAIMED, _c.c.claimed_at <= now - SILENT_AFTER)
    return and_(or_(waiting, silent), _c.c.referred_to == team)


def _fits(languages: Collection[str], rights: Collection[str]) -> Any:
    spoken: Any = _c.c.language.in_(["", *languages]) if languages else True
    seen: Any = [public for public, right in ((True, "public"), (False, "private")) if right in rights]
    return and_(spoken, _c.c.public.in_(seen))


def _turn(now: datetime) -> Any:
    soon = and_(_c.c.answered_at.is_(None), _c.c.answer_by >= now, _c.c.answer_by <= now + LIFT)
    return case((soon, _c.c.lifted_turn_at), else_=_c.c.turn_at)


def _count(queue: Queue, now: datetime) -> Any:
    unanswered, unsolved = _c.c.answered_at.is_(None), _c.c.solved_at.is_(None)
    soon = now + 2 * timedelta(seconds=queue.warn_before_s)

    def count(where: Any) -> Any:
        return func.coalesce(func.sum(case((where, 1), else_=0)), 0)

    def first(at: Any, where: Any) -> Any:
        return func.min(case((and_(where, at >= now), at)))

    unwarned: Any = True if queue.warned_until is None else _c.c.answer_by > queue.warned_until
    unwarned_solve: Any = True if queue.warned_until is None else _c.c.solve_by > queue.warned_until
    answer_open = and_(unanswered, unsolved)
    at_risk = or_(
        and_(answer_open, _c.c.answer_by >= now, _c.c.answer_by <= soon),
        and_(unsolved, _c.c.solve_by >= now, _c.c.solve_by <= soon),
    )
    late = and_(unanswered, _c.c.answer_by < now)
    return select(
        *(count(_c.c.status == status).label(status.value) for status in ConversationStatus),
        count(late).label("late_answers"),
        count(and_(unsolved, _c.c.solve_by < now)).label("late_solutions"),
        count(at_risk).label("at_risk"),
        first(_c.c.answer_by, answer_open).label("answers"),
        first(_c.c.solve_by, unsolved).label("solutions"),
        first(_c.c.answer_by, and_(answer_open, unwarned)).label("unwarned_answers"),
        first(_c.c.solve_by, and_(unsolved, unwarned_solve)).label("unwarned_solutions"),
        func.min(case((unanswered, _c.c.received_at))).label("oldest_open_at"),
        count(_c.c.answered_at <= _c.c.answer_by).label("kept"),
        count(or_(late, _c.c.answered_at > _c.c.answer_by)).label("broken"),
    ).where(_c.c.incident == queue.incident)

"""How people answered calls so far, counted by lane and hour. What it means for the next is in `engine.rates`."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, or_, select

from engine.callout import Answer, CallOut, Invitation
from engine.choice import STANDING_TEAM
from engine.incident import Incident
from engine.pace import ANSWERED_WITHIN, USUAL
from engine.people import Person
from engine.rates import History, Tally
from state.rows import table
from state.store import Store

SINCE = timedelta(days=365)
A_HAIR = 0.001
"""Minutes; SQLite counts days as floats."""

_invitation, _callout, _incident, _person = (table(one) for one in (Invitation, CallOut, Incident, Person))
_FULL = ANSWERED_WITHIN / timedelta(minutes=1)


def history(store: Store, now: datetime) -> History:
    """Count who was asked in the last year, at least ANSWERED_WITHIN ago, and who said yes in that time.

    Drills are left out, and the extra shifts that the standing team is offered: other people, another question. Who
    was still silent when the call-out was full, or was let go before, was no longer asked: they count by the share of
    answers that comes in as much time as they had. In one query, some rows for each lane and hour.
    """
    had = _had(store).label("had")
    soon = _minutes(store, _invitation.c.answered_at, _invitation.c.asked_at) <= _FULL + A_HAIR
    yes = func.sum(case(((_invitation.c.answer == Answer.YES) & soon, 1), else_=0))
    query = (
        select(_invitation.c.lane, _invitation.c.hour, had, func.count(), yes)
        .join(_incident, _incident.c.number == _invitation.c.incident)
        .join(_callout, _callout.c.key == _invitation.c.callout, isouter=True)
        .join(_person, _person.c.key == _invitation.c.person, isouter=True)
        .where(_incident.c.drill.is_(False), _invitation.c.lane != "")
        .where(_invitation.c.asked_at >= now - SINCE, _invitation.c.asked_at <= now - ANSWERED_WITHIN)
        .where(or_(_person.c.team.is_(None), _person.c.team != STANDING_TEAM))
        .group_by(_invitation.c.lane, _invitation.c.hour, had)
    )
    found: dict[tuple[str, int], Tally] = {}
    with store.read() as connection:
        for lane, hour, minutes, asked, said_yes in connection.execute(query):
            counted = asked * USUAL.come_in(timedelta(minutes=float(minutes)))
            found[lane, hour] = found.get((lane, hour), Tally()) + Tally(counted, int(said_yes))
    return found


def _had(store: Store) -> ColumnElement[Any]:
    """For how many whole minutes somebody was asked, at most ANSWERED_WITHIN; who answered counts in full."""
    until_full = _minutes(store, _callout.c.closed_at, _invitation.c.asked_at)
    let_go = _minutes(store, _invitation.c.released_at, _invitation.c.asked_at)
    cut = (_callout.c.closed_because == "full") & (until_full < _FULL)
    return case(
        (_invitation.c.answer != Answer.NONE, literal(_FULL)),
        (cut & or_(let_go.is_(None), until_full <= let_go), func.round(until_full)),
        (let_go < _FULL, func.round(let_go)),
        else_=literal(_FULL),
    )


def _minutes(store: Store, later: ColumnElement[Any], earlier: ColumnElement[Any]) -> ColumnElement[Any]:
    """Minutes between two columns, in the database's own words."""
    if store.engine.dialect.name == "postgresql":
        return func.extract("epoch", later - earlier) / 60
    return (func.julianday(later) - func.julianday(earlier)) * 1440

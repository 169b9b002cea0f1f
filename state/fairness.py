"""How often people were called: a count over the invitations. What is fair is decided in `engine.fairness`."""

from datetime import datetime

from sqlalchemy import func, select

from engine.callout import Invitation
from state.rows import table
from state.store import Store


def calls(store: Store, since: datetime) -> dict[str, int]:
    """Person key → how many call-outs asked them since then, over all incidents."""
    asked = table(Invitation).c
    query = select(asked.person, func.count()).where(asked.asked_at >= since).group_by(asked.person)
    with store.read() as connection:
        return {person: count for person, count in connection.execute(query)}

"""Bearer tokens, as hashes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from state.store import Store
from state.tables import TokenRow

_token = TokenRow.metadata.tables["token"]


@dataclass(frozen=True)
class Token:
    name: str
    role: str
    made_at: datetime


def add(store: Store, digest: str, name: str, role: str, now: datetime) -> None:
    """Raises Stale when the name is taken."""
    with store.write() as connection:
        connection.execute(_token.insert().values(digest=digest, name=name, role=role, made_at=now))


def find(store: Store, digest: str) -> Token | None:
    with store.read() as connection:
        query = select(_token.c.name, _token.c.role, _token.c.made_at).where(_token.c.digest == digest)
        row = connection.execute(query).mappings().first()
        return Token(**row) if row else None


def all(store: Store) -> list[Token]:
    with store.read() as connection:
        query = select(_token.c.name, _token.c.role, _token.c.made_at).order_by(_token.c.name)
        return [Token(**row) for row in connection.execute(query).mappings()]


def revoke(store: Store, name: str) -> bool:
    with store.write() as connection:
        return connection.execute(delete(_token).where(_token.c.name == name)).rowcount == 1

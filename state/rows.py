"""Records to rows and back. Field names are the same on both sides."""

from enum import Enum
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import JSON, Select, Table, select
from sqlmodel import SQLModel

from engine.record import Record
from state.tables import ROWS

R = TypeVar("R", bound=Record)


@cache
def table(record: type[Record]) -> Table:
    """The table of a record type."""
    row: type[SQLModel] = ROWS[record][0]
    return SQLModel.metadata.tables[str(row.__tablename__)]


def identity(record: type[Record]) -> tuple[str, ...]:
    return ROWS[record][1]


@cache
def _columns(record: type[Record]) -> tuple[tuple[str, bool], ...]:
    """Columns that the record fills, from its fields or from what it works out of them, and which hold JSON."""
    return tuple((c.name, isinstance(c.type, JSON)) for c in table(record).columns if _has(record, c.name))


def _has(record: type[Record], name: str) -> bool:
    return name in record.model_fields or isinstance(getattr(record, name, None), property)


def values(record: Record) -> dict[str, Any]:
    """The column values of a record. A number that the store gives (`id`, `number`) is left out while unset."""
    kind = type(record)
    plain = record.model_dump(mode="json", include={name for name, is_json in _columns(kind) if is_json})
    row = {name: plain[name] if is_json else _scalar(getattr(record, name)) for name, is_json in _columns(kind)}
    for given in ("id", "number"):
        if given in row and not row[given]:
            del row[given]
    return row


def _scalar(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


@cache
def fields(record: type[Record]) -> tuple[str, ...]:
    """Columns that a record is rebuilt from."""
    return tuple(column.name for column in table(record).columns if column.name in record.model_fields)


@cache
def selected(record: type[Record]) -> Select[Any]:
    """The query for all of them; built once, for building it takes as long as asking it."""
    return select(*(table(record).c[name] for name in fields(record)))


def record(kind: type[R], row: Any) -> R:
    """Rebuild a record from a row mapping."""
    return kind.model_validate({name: row[name] for name in fields(kind)})

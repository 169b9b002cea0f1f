"""The two base classes of everything that is decided or remembered, and aware instants."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone, such as 2026-11-22T04:10:00Z")
    return instant.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_utc)]
"""An aware instant, held in UTC."""


class Value(BaseModel):
    """Immutable, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(Value):
    """A value that the store remembers.

    `version` counts how often it was written: 0 is new. Writing a record whose version is no longer
    the stored one writes nothing (`state.store.Stale`): somebody was there first.
    """

    version: int = 0

"""Fitting: a text as the posts that a channel takes, whole or as a thread. Nothing is ever cut off."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar
from zoneinfo import ZoneInfo

from engine.limits import fits
from engine.ports import TextLimit
from engine.threads import split
from engine.wording import context

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot


class Text(Protocol):
    """A text in one language, as the posts of a thread."""

    @property
    def language(self) -> str: ...
    @property
    def parts(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=Text)


def parts(text: str, limit: TextLimit | None, promised: str) -> tuple[str, ...] | None:
    """The text as one post, or as a thread whose first part holds the promise; None where the channel takes neither."""
    if fits(text, limit).ok:
        return (text,)
    return split(text, limit, promised) if limit and limit.threads else None


def alike(texts: Iterable[T]) -> list[list[T]]:
    """Put together the texts that are the same on several channels, by language, in the order in which they came."""
    groups: dict[tuple[str, tuple[str, ...]], list[T]] = {}
    for one in texts:
        groups.setdefault((one.language, one.parts), []).append(one)
    return list(groups.values())


def promised_time(snapshot: "Snapshot", next_update_at: datetime | None) -> str:
    """How a promised instant is written in every language: the local time of day. Empty where nothing is promised."""
    if next_update_at is None:
        return ""
    return f"{next_update_at.astimezone(ZoneInfo(context(snapshot)['zone'])):%H:%M}"

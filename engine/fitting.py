"""Fitting: a text as the posts that a channel takes, whole or as a thread. Nothing is ever cut off."""

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.limits import fits
from engine.ports import TextLimit
from engine.threads import split
from engine.wording import context

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot


def parts(text: str, limit: TextLimit | None, promised: str) -> tuple[str, ...] | None:
    """The text as one post, or as a thread whose first part holds the promise; None where the channel takes neither."""
    if fits(text, limit).ok:
        return (text,)
    return split(text, limit, promised) if limit and limit.threads else None


def promised_time(snapshot: "Snapshot", next_update_at: datetime | None) -> str:
    """How a promised instant is written in every language: the local time of day. Empty where nothing is promised."""
    if next_update_at is None:
        return ""
    return f"{next_update_at.astimezone(ZoneInfo(context(snapshot)['zone'])):%H:%M}"

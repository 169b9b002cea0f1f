"""Durations as people write them: `30m`, `2h`, `1h30m`, `6d`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

_PARTS = re.compile(r"(?:(\d{1,9})d)?\s*(?:(\d{1,9})h)?\s*(?:(\d{1,9})m)?\s*(?:(\d{1,9})s)?")


def duration(text: Any) -> timedelta:
    """Read a duration. Raises ValueError that says how to write one."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str):
        match = _PARTS.fullmatch(text.strip())
        if match and any(match.groups()):
            days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
            if days <= 3650:
                return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    raise ValueError(f"{text!r} is not a duration; write it like 45s, 30m, 2h, 1h30m or 6d")


def spoken(span: timedelta) -> str:
    """Write a duration shortly, rounded to whole minutes from a minute up: `1 h 30 min`."""
    seconds = round(span.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 60:
        return f"{sign}{seconds} s"
    minutes = round(seconds / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return sign + " ".join(part for part in parts if part)


def _short(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


Duration = Annotated[timedelta, BeforeValidator(duration), PlainSerializer(_short, return_type=str)]

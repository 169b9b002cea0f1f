"""Reading one column of the people file: its text in, a person's value out, or what to write instead.

Rows, lines and files are in `engine.people_file`.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from engine.lanes import ADDRESS
from engine.languages import CODES
from engine.shifts import LONGEST, Shift, ShiftError, weekly

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CHAT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,63}")
_EMAIL = re.compile(r"[^@\s,;<>]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+[1-9][0-9 ()-]{6,24}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _matching(pattern: re.Pattern[str], expected: str, empty: bool = False) -> Callable[[str], str]:
    def reader(text: str) -> str:
        if not (pattern.fullmatch(text) or (empty and not text)):
            raise ValueError(f"{text!r} won't do; {expected}" if text else f"is empty; {expected}")
        return text

    return reader


def _name(text: str) -> str:
    if not 0 < len(text) <= 100 or not text.isprintable():
        raise ValueError("a name of 1 to 100 characters on one line is expected")
    return text


def _list(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))


def _words(text: str) -> tuple[str, ...]:
    _check_words(_list(text))
    return tuple(_list(text))


def _check_words(words: Iterable[str]) -> None:
    for word in words:
        if not _WORD.fullmatch(word):
            suggestion = re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") or "ground_staff"
            raise ValueError(f"{word!r} won't do; write it in lower case with underscores, such as {suggestion}")


def _levelled(text: str) -> dict[str, int]:
    """Read `rebooking:2;care` as words with their levels, 1 where none is written. Raises ValueError."""
    found: dict[str, int] = {}
    for part in _list(text):
        word, colon, level = part.partition(":")
        if colon and level not in ("1", "2", "3"):
            raise ValueError(f"{part!r} has no such level; write 1 (knows it), 2 (does it daily) or 3 (teaches it)")
        if word in found:
            raise ValueError(f"{word!r} stands there twice; keep one")
        found[word] = int(level or 1)
    return found


def _skills(text: str) -> dict[str, Any]:
    found = _levelled(text)
    _check_words(found)
    short = [word for word in found if len(word) < 3]
    if short:
        raise ValueError(f"{', '.join(short)}: two letters mean a language; write the skill out, such as rebooking")
    return {"skills": tuple(found), "levels": {word: level for word, level in found.items() if level > 1}}


def _languages(text: str) -> dict[str, Any]:
    found = _levelled(text)
    unknown = [code for code in found if code not in CODES]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no language code; write two letters of ISO 639-1, such as nl;en;es")
    if not found:
        raise ValueError("is empty; write at least one, such as en")
    return {"languages": tuple(found), "levels": {code: level for code, level in found.items() if level > 1}}


def _lanes(text: str) -> tuple[str, ...]:
    unknown = [lane for lane in _list(text) if lane not in ADDRESS]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no lane; write some of {', '.join(ADDRESS)}, the preferred one first")
    return tuple(_list(text))


def _answers(text: str) -> tuple[str, ...]:
    unknown = [word for word in _list(text) if word not in ("private", "public")]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: write private, public, both as private;public, or nothing")
    return tuple(_list(text))


_ZONES = frozenset(available_timezones())


def _zone(text: str) -> str:
    if text not in _ZONES:
        near = difflib.get_close_matches(text, _ZONES, n=1)
        example = near[0] if near else "Europe/Amsterdam"
        raise ValueError(f"{text!r} is no time zone; write one such as {example}")
    return text


def _active(text: str) -> bool:
    if text.lower() in ("", "yes", "true", "1"):
        return True
    if text.lower() in ("no", "false", "0"):
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def read(column: str, text: str, zone: str) -> dict[str, Any]:
    """Read a column into fields of a person; `zone` is the person's time zone. Raises ValueError."""
    if column == "shifts":
        return shifts(text)
    if column == "leave":
        return {"leave": leave(text, zone)}
    if column in _SEVERAL:
        return _SEVERAL[column](text)
    return {column: _READERS[column](text)}


_word = _matching(_WORD, "write it in lower case with underscores, such as ground_staff")
_READERS: dict[str, Callable[[str], Any]] = {
    "key": _matching(_KEY, "write lower-case letters, digits, dots and hyphens, at most 40, such as anna.bakker"),
    "name": _name,
    "department": _word,
    "team": lambda text: _word(text) if text else "",
    "roles": _words,
    "answers": _answers,
    "time_zone": _zone,
    "chat": _matching(_CHAT, "write the chat user id, such as U0123ABCD, or leave it empty", empty=True),
    "email": _matching(_EMAIL, "write an address such as anna@example.org, or leave it empty", empty=True),
    "phone": _matching(_PHONE, "write it with the country, such as +44 7700 900123, or leave it empty", empty=True),
    "lanes": _lanes,
    "active": _active,
}
_SEVERAL: dict[str, Callable[[str], dict[str, Any]]] = {"skills": _skills, "languages": _languages}


# ---------------------------------------------------------------- shifts and leave


def shifts(text: str) -> dict[str, Any]:
    """Part single shifts from weekly ones, and check both."""
    single = [_interval(part) for part in _list(text) if "/" in part]
    pattern = "; ".join(part for part in _list(text) if "/" not in part)
    weekly(pattern)
    single.sort(key=lambda shift: shift.start)
    for shift in single:
        if shift.end - shift.start > LONGEST:
            hours = (shift.end - shift.start) / timedelta(hours=1)
            raise ShiftError(f"{_written(shift)} lasts {hours:g} hours; a shift lasts at most 16, divide it")
    for shift, following in pairwise(single):
        if following.start < shift.end:
            raise ShiftError(f"{_written(following)} begins before {_written(shift)} ends; keep one of them")
    return {"shifts": tuple(single), "shift_pattern": pattern}


def leave(text: str, zone: str) -> tuple[Shift, ...]:
    """Read leave: whole days or stretches. Raises ValueError."""
    return tuple(_days_off(part, zone) for part in _list(text))


def _days_off(part: str, zone: str) -> Shift:
    """Read whole days where the person lives, first and last included: `2026-12-24/2026-12-27`; or instants."""
    first, _, last = part.partition("/")
    if not (_DAY.fullmatch(first) and _DAY.fullmatch(last or first)):
        return _interval(part)
    try:
        begin, over = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError(f"{part!r} has a day that is not in the calendar") from None
    _near(part, begin.year, over.year)
    over += timedelta(days=1)
    if over <= begin:
        raise ValueError(f"{part!r} ends before it begins; write the first day first")
    midnights = (datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in (begin, over))
    return Shift(start=next(midnights), end=next(midnights))


def _interval(part: str) -> Shift:
    ends = part.split("/")
    try:
        begin, over = (datetime.fromisoformat(end.strip()) for end in ends)
    except ValueError:
        raise ValueError(f"{part!r} can't be read; write 2026-11-22T06:00Z/2026-11-22T14:00Z") from None
    if begin.tzinfo is None or over.tzinfo is None:
        raise ValueError(f"{part!r} lacks its time zone; write 2026-11-22T06:00Z/2026-11-22T14:00Z")
    if over <= begin:
        raise ValueError(f"{part!r} ends before it begins; write the beginning first")
    _near(part, begin.year, over.year)
    return Shift(start=begin, end=over)


def _near(part: str, *years: int) -> None:
    if not all(2000 <= year <= 2099 for year in years):
        raise ValueError(f"{part!r} is not in this century; check the year")


def _written(shift: Shift) -> str:
    return f"{shift.start:%Y-%m-%dT%H:%MZ}/{shift.end:%Y-%m-%dT%H:%MZ}"

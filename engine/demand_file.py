"""Reading the organisation's usual week of messages from CSV: weekday, hour, language, messages.

What it is used for is in `engine.demand`.
"""

import csv
import io
import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.house import Demand

MAX_BYTES = 1024 * 1024
"""A week of 20 languages takes 80 kB."""
MOST_MESSAGES = 1_000_000.0
"""An hour; more is a slip of the pen."""
HEADER = ("weekday", "hour", "language", "messages")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ZONE = re.compile(r"#\s*time[ _]zone\s*[:=]\s*([^\s,;]+)[\s,;]*", re.IGNORECASE)
"""A spreadsheet that saves the file again adds separators after the comment."""
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class DemandFileError(Exception):
    """A demand file that can't be used; the message says where and what to write instead."""


def read_demand(path: Path) -> Demand:
    """Read a demand file. Raises DemandFileError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DemandFileError(f"{path}: larger than {MAX_BYTES // 1024} kB; a week of hours is expected, no more")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DemandFileError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DemandFileError(f"{path}: not UTF-8 text; save it as CSV UTF-8") from None
    return parse_demand(text, str(path))


def parse_demand(text: str, file: str = "demand.csv") -> Demand:
    """Read the text of a demand file. Raises DemandFileError.

    First `# time_zone: Europe/Amsterdam` (without it UTC), then a header, then a row for each hour of the week and
    language. Separated by commas, or as some spreadsheets do by semicolons with decimal commas. Each language needs
    all 168 hours: one left out by mistake would leave its customers without people.
    """
    lines = text.splitlines()
    zone = _zone(lines[0], file) if lines and lines[0].lstrip().startswith("#") else None
    body = lines[1:] if zone else lines
    separator = ";" if body and ";" in body[0] else ","
    rows = csv.reader(io.StringIO("\n".join(body)), delimiter=separator)
    first = 2 if zone else 1
    by_hour: dict[tuple[int, int, str], float] = {}
    seen: dict[tuple[int, int, str], int] = {}
    try:
        header = next(rows, [])
        if [cell.strip().lower() for cell in header] != list(HEADER):
            raise DemandFileError(f"{file}:{first}: the header must be {separator.join(HEADER)}")
        for row in rows:
            line = rows.line_num + first - 1
            if not any(cell.strip() for cell in row):
                continue
            key, count = _row(row, f"{file}:{line}", separator)
            if key in seen:
                raise DemandFileError(f"{file}:{line}: the same hour and language as line {seen[key]}; keep one")
            seen[key], by_hour[key] = line, count
    except csv.Error as error:
        raise DemandFileError(f"{file}:{rows.line_num + first - 1}: not readable as CSV: {error}") from None
    _complete(by_hour, file)
    return Demand(by_hour=by_hour, time_zone=zone or "UTC")


def _zone(line: str, file: str) -> str:
    match = _ZONE.fullmatch(line.strip())
    if not match:
        raise DemandFileError(f"{file}:1: only `# time_zone: Europe/Amsterdam` may stand here")
    try:
        ZoneInfo(match[1])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DemandFileError(f"{file}:1: {match[1]!r} is no time zone; write one such as Europe/Amsterdam") from None
    return match[1]


def _row(row: list[str], where: str, separator: str) -> tuple[tuple[int, int, str], float]:
    if len(row) != len(HEADER):
        raise DemandFileError(f"{where}: {len(HEADER)} cells are expected, there are {len(row)}")
    day, hour, language, messages = (cell.strip() for cell in row)
    if not re.fullmatch(r"\d{1,2}", hour, re.ASCII) or int(hour) > 23:
        raise DemandFileError(f"{where}: hour {hour!r} is not 0 to 23")
    if not _LANGUAGE.fullmatch(language):
        raise DemandFileError(f"{where}: language {language!r} is no code such as en, nl or es")
    return (_weekday(day, where), int(hour), language), _count(messages, where, separator)


def _weekday(text: str, where: str) -> int:
    found = [number for number, name in enumerate(WEEKDAYS) if text.lower() in (name, name[:3])]
    if not found:
        raise DemandFileError(
            f"{where}: weekday {text!r} is not Monday, Tuesday … (numbers count differently everywhere)"
        )
    return found[0]


def _count(text: str, where: str, separator: str) -> float:
    try:
        count = float(text.replace(",", ".") if separator == ";" else text)
    except ValueError:
        count = -1.0
    if not isfinite(count) or not 0 <= count <= MOST_MESSAGES:
        raise DemandFileError(f"{where}: messages {text!r} is not a number from 0 to {MOST_MESSAGES:.0f}, such as 12.5")
    return count


def _complete(by_hour: dict[tuple[int, int, str], float], file: str) -> None:
    languages = sorted({language for _, _, language in by_hour})
    if not languages:
        raise DemandFileError(f"{file}: has no hours; write a row for each hour of the week and language")
    for language in languages:
        missing = list(_missing(by_hour, language))
        if missing:
            day, hour = missing[0]
            raise DemandFileError(
                f"{file}: {language} lacks {len(missing)} of 168 hours, the first is {WEEKDAYS[day].title()} {hour}; "
                "write 0 for an hour in which nobody writes"
            )


def _missing(by_hour: dict[tuple[int, int, str], float], language: str) -> Iterator[tuple[int, int]]:
    return ((day, hour) for day in range(7) for hour in range(24) if (day, hour, language) not in by_hour)

"""Reading conversations from CSV, as social inboxes and spreadsheets write it. What follows is in `engine.triage`."""

import csv
from collections.abc import Iterator
from hashlib import sha256
from io import StringIO

from pydantic import ValidationError

from engine.triage import Incoming

COLUMNS = ("channel", "id", "customer", "text", "received_at", "language", "public")
NEEDED = ("channel", "text", "received_at")
MOST_SHOWN = 10
"""Mistakes listed at once; the rest is counted."""

_YES_NO = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}


class ConversationsFileError(Exception):
    """A file that can't be read; says in which lines, and what to write instead. Nothing of it is used."""


def read(raw: bytes | str, file: str = "conversations.csv") -> list[Incoming]:
    """Read all lines, or none. Raises ConversationsFileError.

    UTF-8, with or without a byte order mark; comma, semicolon or tab between the columns; the first line names them.
    A line without `id` gets one from its channel, customer, time and text, so that the same line again changes nothing.
    """
    rows = _rows(_decoded(raw, file), file)
    header = [name.strip().lower() for name in next(rows, (1, []))[1]]
    _check_header(header, file)
    read_lines, wrong = [], []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            read_lines.append(_incoming(dict(zip(header, cells, strict=False)), len(cells), len(header)))
        except ValueError as error:
            wrong.append(f"{file}:{line}: {_words(error)}")
    if wrong:
        more = [f"and {len(wrong) - MOST_SHOWN} more lines"] if len(wrong) > MOST_SHOWN else []
        raise ConversationsFileError("\n".join(wrong[:MOST_SHOWN] + more))
    return read_lines


def _decoded(raw: bytes | str, file: str) -> str:
    if isinstance(raw, str):
        return raw.removeprefix("\ufeff")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConversationsFileError(f"{file}:{line}: not UTF-8 text; save it as “CSV UTF-8”") from None


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise ConversationsFileError(f"{file}:{start}: {error}; check the quotes from here on") from None


def _check_header(header: list[str], file: str) -> None:
    missing = [name for name in NEEDED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    twice = sorted({name for name in header if header.count(name) > 1})
    wrong = [f"lacks {', '.join(missing)}"] if missing else []
    wrong += [f"has unknown columns {', '.join(map(repr, unknown))}"] if unknown else []
    wrong += [f"has {', '.join(twice)} twice"] if twice else []
    if wrong:
        raise ConversationsFileError(
            f"{file}:1: the first line {' and '.join(wrong)}; it may name {', '.join(COLUMNS)}"
        )


def _incoming(row: dict[str, str], found: int, expected: int) -> Incoming:
    if found != expected:
        raise ValueError(f"{found} columns instead of {expected}; put texts with separators in double quotes")
    cells = {name: cell.strip() for name, cell in row.items()}
    public = cells.pop("public", "").lower()
    if public not in _YES_NO:
        raise ValueError(f"public: {public!r} is neither yes nor no")
    if not cells.get("received_at"):
        raise ValueError("received_at is empty; write when the customer wrote, like 2026-11-22T04:10Z")
    if not cells.get("id"):
        parts = (cells["channel"].lower(), cells.get("customer", ""), cells["received_at"], cells["text"])
        cells["id"] = sha256("\x1f".join(parts).encode()).hexdigest()[:24]
    cells["channel"] = cells["channel"].lower()
    cells["language"] = cells.get("language", "").lower()
    return Incoming.model_validate({**cells, "public": _YES_NO[public]})


_REMEDIES = {
    "channel": "write the channel in lower-case letters, such as x, facebook or email",
    "received_at": "write the time with its zone, like 2026-11-22T04:10Z",
    "text": "a text of 1 to 20000 characters is expected",
    "language": "write a code such as en, or leave it empty to have it detected",
    "customer": "a handle of at most 120 characters is expected",
    "id": "an id of at most 200 characters is expected",
}


def _words(error: ValueError) -> str:
    """Say what is wrong without repeating what the customer wrote."""
    if not isinstance(error, ValidationError):
        return str(error)
    names = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors(include_url=False))
    return "; ".join(f"{name}: {_REMEDIES.get(name, 'not valid')}" for name in names)

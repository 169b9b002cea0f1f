"""Reading the people file: CSV in, people out, or every mistake with its line. What a person is: `engine.people`.

Nothing is half imported: either all people come back or none. One column's text is read in
`engine.people_columns`; columns and forms are described in docs/people.md.
"""

import csv
import difflib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import people_columns
from engine.people import Person
from engine.playbook import Finding

NEEDED = ("key", "name", "department", "languages", "time_zone", "chat", "shifts")
"""Without `shifts` everybody would count as free, so the column must be there, even where it is empty."""
OPTIONAL = ("team", "roles", "skills", "answers", "email", "phone", "lanes", "leave", "active")
COLUMNS = (*NEEDED, *OPTIONAL)

MAX_ROWS = 20_000
MAX_BYTES = 16 * 1024 * 1024
MAX_FINDINGS = 100
"""More mistakes are counted, not listed."""


class PeopleFileError(Exception):
    """A people file that can't be used; `findings` say why, line by line."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


def read(path: Path) -> tuple[Person, ...]:
    """Read a people file. Raises PeopleFileError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(str(path), 1, f"larger than {MAX_BYTES >> 20} MB; that is no people file")
        return parse(path.read_bytes(), str(path))
    except OSError as error:
        raise _refused(str(path), 1, f"can't be read: {error.strerror}") from None


def parse(raw: bytes | str, file: str = "people.csv") -> tuple[Person, ...]:
    """Read people from CSV, in the order of the file. Raises PeopleFileError with all findings."""
    rows = _rows(raw, file)
    header = next(rows, (1, []))[1]
    findings = [Finding(file=file, line=1, text=text) for text in _wrong_header(header)]
    if findings:
        raise PeopleFileError(findings)
    reading = _Reading(file)
    for count, (line, cells) in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise _refused(
                file, line, f"more than {MAX_ROWS:,} people; divide the file, or leave out who can't be called"
            )
        reading.row(line, header, cells)
    if not reading.people and not reading.findings:
        raise _refused(file, 1, "has a first line but nobody under it; add one line for each person")
    if reading.findings:
        raise PeopleFileError(reading.summary())
    return tuple(reading.people)


def _refused(file: str, line: int, text: str) -> PeopleFileError:
    return PeopleFileError([Finding(file=file, line=line, text=text)])


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _refused(file, line, "not UTF-8 text; save it as “CSV UTF-8”") from None


def _rows(raw: bytes | str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it begins, cells) of every row that isn't blank."""
    text = _decoded(raw, file) if isinstance(raw, bytes) else raw
    if not text.strip("\ufeff \r\n\t"):
        raise _refused(file, 1, f"is empty; the first line must name the columns: {','.join(COLUMNS)}")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise _refused(file, line, f"not readable as CSV: {error}; check the quotes in this line") from None


def _wrong_header(header: list[str]) -> Iterator[str]:
    if len(header) == 1 and any(sign in header[0] for sign in ";\t"):
        yield "the columns must be separated by commas; lists inside a column by semicolons"
        return
    for name in header:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            yield f"unknown column {name!r}; {f'did you mean {near[0]!r}?' if near else 'leave it out'}"
    for name in sorted({name for name in header if header.count(name) > 1}):
        yield f"the column {name!r} stands there twice; keep one"
    missing = [name for name in NEEDED if name not in header]
    if missing:
        yield f"missing column{'s' if len(missing) > 1 else ''}: {', '.join(missing)}; add them, empty where not known"


class _Reading:
    """People and mistakes as the rows go by."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.people: list[Person] = []
        self.findings: list[Finding] = []
        self._first: dict[tuple[str, str], int] = {}

    def row(self, line: int, header: list[str], cells: list[str]) -> None:
        if len(cells) != len(header):
            self._wrong(line, f"has {len(cells)} columns, the first line names {len(header)}; check commas and quotes")
            return
        row = dict(zip(header, cells, strict=True))
        values: dict[str, Any] = {}
        for column in COLUMNS:
            try:
                read = people_columns.read(column, row.get(column, ""), values.get("time_zone", "UTC"))
                values |= {**read, "levels": {**values.get("levels", {}), **read.get("levels", {})}}
            except ValueError as error:
                self._wrong(line, f"{column}: {error}")
        self._once(line, "key", values.get("key", ""))
        self._once(line, "chat", values.get("chat", ""))
        if not self.findings:
            self.people.append(Person(**values))

    def _once(self, line: int, column: str, value: str) -> None:
        if not value:
            return
        first = self._first.setdefault((column, value), line)
        if first != line:
            self._wrong(line, f"{column}: {value!r} stands on line {first} already; each person has one of their own")

    def _wrong(self, line: int, text: str) -> None:
        self.findings.append(Finding(file=self.file, line=line, text=text))

    def summary(self) -> list[Finding]:
        """The findings, at most MAX_FINDINGS, and how many more there are."""
        more = len(self.findings) - MAX_FINDINGS
        if more <= 0:
            return self.findings
        last = Finding(
            file=self.file, line=self.findings[MAX_FINDINGS].line, text=f"and {more} more mistakes from here"
        )
        return [*self.findings[:MAX_FINDINGS], last]

"""What of an effect went to which of its recipients, on disk. Nothing is sent here, and nothing decided.

For channels that serve several recipients with one effect and can't look afterwards whether it arrived. A recipient is
known by a mark, a hash: addresses and passwords are not kept.
"""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from engine.ports import Lost, Refused

_TABLE = """
CREATE TABLE IF NOT EXISTS sent (
    key TEXT NOT NULL, mark TEXT NOT NULL, state TEXT NOT NULL, place TEXT NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (key, mark)
) WITHOUT ROWID
"""
_PUT = "INSERT OR REPLACE INTO sent (key, mark, state, place, why) VALUES (?, ?, ?, ?, ?)"
_BUSY_S = 30
"""How long to wait for another process that writes; a write takes milliseconds."""


class State(StrEnum):
    """How far it came with one recipient. Without a line nothing has begun, or it surely came to nothing."""

    BEGUN = "begun"
    """May have happened: it is under way, or its end was lost."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good."""


class Line(NamedTuple):
    """One recipient of one effect."""

    state: State
    place: str
    """Whose it is, as people may read it: a domain, a service."""
    why: str
    """The reason, of one that was refused."""


class Page:
    """The lines of one effect, while it is ours alone."""

    def __init__(self, table: sqlite3.Connection, key: str, waited: bool) -> None:
        self._table, self._key = table, key
        self.waited = waited
        """Somebody else was at this effect when we came: its lines may be of a moment ago."""

    def lines(self) -> dict[str, Line]:
        """All lines, by mark."""
        found = self._table.execute("SELECT mark, state, place, why FROM sent WHERE key = ?", (self._key,))
        return {mark: Line(State(state), place, why) for mark, state, place, why in found}

    def begin(self, mark: str, place: str) -> None:
        """Write, to the disk, that it may have happened from now on. Raises Refused: then it must not be sent."""
        try:
            self._put(mark, State.BEGUN, place, "")
        except sqlite3.Error as error:
            raise Refused(f"The ledger can't be written ({error}); see to the disk.", permanent=False) from None

    def accepted(self, mark: str, place: str) -> None:
        """Write that it happened. Raises Lost: it did, and nobody will know."""
        try:
            self._put(mark, State.ACCEPTED, place, "")
        except sqlite3.Error as error:
            raise Lost(f"It was taken, and the ledger can't be written ({error}).") from None

    def refused(self, mark: str, place: str, why: str) -> None:
        """Write that it was refused for good."""
        self._put(mark, State.REFUSED, place, why)

    def forget(self, mark: str) -> None:
        """Strike the line out: it surely did not happen, and may be tried again."""
        self._table.execute("DELETE FROM sent WHERE key = ? AND mark = ?", (self._key, mark))

    def _put(self, mark: str, state: State, place: str, why: str) -> None:
        self._table.execute(_PUT, (self._key, mark, state, place, why))


class Ledger:
    """A file in a folder, made on first use. For several machines the folder must be one that they share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def file(self) -> Path:
        return self._folder / "ledger.db"

    @contextmanager
    def alone(self, key: str) -> Iterator[Page]:
        """Have the page of an effect alone, among all threads and processes. Raises Refused when it can't be opened.

        A process that dies lets go of it, so that a line which is begun while we are alone has no one at it.
        """
        with ExitStack() as stack:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                waited = stack.enter_context(_held(self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.lock"))
                table = stack.enter_context(closing(self._open()))
            except (OSError, sqlite3.Error) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise Refused(f"The ledger {self.file} can't be used ({why}).", permanent=False) from None
            yield Page(table, key, waited)

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600))
        table = sqlite3.connect(self.file, timeout=_BUSY_S, isolation_level=None)
        try:
            table.execute("PRAGMA synchronous = FULL")
            table.execute(_TABLE)
        except sqlite3.Error:
            table.close()
            raise
        return table


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold a lock file, which is gone afterwards; tells whether somebody else had it. Raises OSError."""
    file, waited = _taken(path)
    try:
        yield waited
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def _taken(path: Path) -> tuple[int, bool]:
    waited = False
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            waited = _locked(file) or waited
            if _is_at(file, path):  # else it was let go, and taken away, while we waited for it
                return file, waited
        except OSError:
            os.close(file)
            raise
        os.close(file)


def _locked(file: int) -> bool:
    """Lock a file; tells whether somebody else had it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        fcntl.flock(file, fcntl.LOCK_EX)
        return True


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False

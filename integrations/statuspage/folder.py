"""The status page's files: what was said (one file for each message, never changed) and the pages made from it.

What is on the pages is in `pages`.
"""

import errno
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from engine.effects import Amend, Post, Withdraw
from engine.record import Instant, Value

Kept = Post | Amend | Withdraw
"""The messages that change what the public reads."""

_PAGE = re.compile(r"(?P<of>.+?)(?:\.earlier(?:-\d+)?)?\.[a-z]{2,3}\.(?:html|atom)")


class Entry(Value):
    """One message as it was accepted."""

    key: str
    message: Annotated[Kept, Field(discriminator="kind")]
    of: str = ""
    """File of the post that is amended or withdrawn; empty for a post."""
    number: int = 0
    """Order in which the messages were kept, from 1."""
    kept_at: Instant | None = None

    @model_validator(mode="before")
    @classmethod
    def _first_format(cls, given: Any) -> Any:
        """Read files of the first version, which knew posts only."""
        if isinstance(given, dict) and "post" in given:
            return {"message": given["post"], **{name: given[name] for name in given if name != "post"}}
        return given


class Folder:
    """Files under one folder. Safe for several threads and processes under `locked`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[str, Entry] = {}
        self.unreadable: list[str] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other threads and processes."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._posts.mkdir(mode=0o700, exist_ok=True)  # it keeps withdrawn words; a web server need not read it
        if not os.access(self.root, os.W_OK) or not os.access(self._posts, os.W_OK):
            raise PermissionError(errno.EACCES, "permission denied")
        lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def exists(self) -> bool:
        return self._posts.is_dir()

    @staticmethod
    def name(key: str) -> str:
        """File of the message with this key, relative to the root."""
        return f"posts/{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def has(self, key: str) -> bool:
        return (self.root / self.name(key)).exists()

    def add(self, key: str, message: Kept, of: str, kept_at: datetime) -> Entry:
        """Keep a message, so that it survives the loss of power. The pages are stale until `publish`."""
        number = 1 + max((entry.number for entry in self.entries()), default=0)
        entry = Entry(key=key, message=message, of=of, number=number, kept_at=kept_at)
        self._stale.touch()
        _write(self.root / self.name(key), entry.model_dump_json(indent=1).encode(), keep=True)
        return entry

    def stale(self) -> bool:
        """Whether a crash came between a message and its pages."""
        return self._stale.exists()

    def entries(self) -> list[Entry]:
        """All messages. A file is read once: it never changes. One that can't be read is left out and named."""
        self.unreadable = []
        names = {file.name for file in os.scandir(self._posts) if file.name.endswith(".json")}
        for name in names - self._read.keys():
            try:
                self._read[name] = Entry.model_validate_json((self._posts / name).read_bytes())
            except (OSError, ValidationError):
                self.unreadable.append(f"posts/{name}")
        return [entry for name, entry in self._read.items() if name in names]

    def page(self, name: str) -> str | None:
        """What stands on a page now; None when there is no such page. Raises OSError."""
        try:
            return (self.root / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def publish(self, pages: Mapping[str, str | None]) -> None:
        """Write those pages that changed, each at once: a reader sees the old one or the new one. None: it stays.

        What an earlier version of these pages left over goes, for it may hold withdrawn words. Pages are not forced to
        the disk, which can take seconds on a busy one: after a loss of power `rebuild` makes them from the messages,
        which are.
        """
        for name, text in pages.items():
            path, content = self.root / name, (text or "").encode()
            if text is not None and (not path.exists() or path.read_bytes() != content):
                _write(path, content)
        for name in self._left_over(pages):
            (self.root / name).unlink(missing_ok=True)
        self._stale.unlink(missing_ok=True)

    def _left_over(self, pages: Mapping[str, str | None]) -> list[str]:
        """Further parts and other languages of these pages, which are no longer made."""
        made = {match["of"] for name in pages if (match := _PAGE.fullmatch(name))}
        there = (file.name for file in os.scandir(self.root) if file.is_file())
        return [n for n in there if n not in pages and (match := _PAGE.fullmatch(n)) and match["of"] in made]

    @property
    def _posts(self) -> Path:
        return self.root / "posts"

    @property
    def _stale(self) -> Path:
        return self.root / ".stale"


def _write(path: Path, content: bytes, keep: bool = False) -> None:
    """Put a file in place as a whole; with `keep` it survives the loss of power."""
    draft = path.with_name(f".{path.name}.tmp")  # under the lock nobody else has it
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        if keep:
            os.fsync(file.fileno())
    draft.replace(path)
    if keep:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

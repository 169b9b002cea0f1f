"""The status page's files: what was posted (one file for each post, never changed) and the pages made from it.

What is on the pages is in `pages`.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from engine.effects import Post
from engine.record import Value


class Entry(Value):
    """One post as it was accepted."""

    key: str
    post: Post


class Folder:
    """Files under one folder. Safe for several threads and processes under `locked`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[str, Entry] = {}
        self.unreadable: list[str] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other threads and processes."""
        self._posts.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @staticmethod
    def name(key: str) -> str:
        """File of the post with this key, relative to the root."""
        return f"posts/{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def has(self, key: str) -> bool:
        return (self.root / self.name(key)).exists()

    def add(self, entry: Entry) -> None:
        """Keep a post, so that it survives the loss of power. The pages are stale until `publish`."""
        self._stale.touch()
        _settle(self.root)
        _write(self.root / self.name(entry.key), entry.model_dump_json(indent=1).encode())
        _settle(self._posts)

    def stale(self) -> bool:
        """Whether a crash came between a post and its pages."""
        return self._stale.exists()

    def entries(self) -> list[Entry]:
        """All posts. A file is read once: it never changes. One that can't be read is left out and named."""
        self.unreadable = []
        names = {file.name for file in os.scandir(self._posts) if file.name.endswith(".json")}
        for name in names - self._read.keys():
            try:
                self._read[name] = Entry.model_validate_json((self._posts / name).read_bytes())
            except (OSError, ValidationError):
                self.unreadable.append(f"posts/{name}")
        return [entry for name, entry in self._read.items() if name in names]

    def publish(self, pages: Mapping[str, str]) -> None:
        """Write those pages that changed, each at once: a reader sees the old one or the new one."""
        for name, text in pages.items():
            path, content = self.root / name, text.encode()
            if not path.exists() or path.read_bytes() != content:
                _write(path, content)
        _settle(self.root)
        self._stale.unlink(missing_ok=True)

    @property
    def _posts(self) -> Path:
        return self.root / "posts"

    @property
    def _stale(self) -> Path:
        return self.root / ".stale"


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.tmp")  # under the lock nobody else has it
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _settle(folder: Path) -> None:
    """Make the names in a folder survive the loss of power."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

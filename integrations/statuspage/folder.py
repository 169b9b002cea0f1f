"""The status page's files: what was posted (one file for each post, never changed) and the pages made from it.

What is on the pages is in `pages`.
"""

import errno
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
        if not os.access(self.root, os.W_OK) or not os.access(self._posts, os.W_OK):
            raise PermissionError(errno.EACCES, "permission denied")
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
        _write(self.root / self.name(entry.key), entry.model_dump_json(indent=1).encode(), keep=True)

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
        """Write those pages that changed, each at once: a reader sees the old one or the new one.

        They are not forced to the disk, which can take seconds on a busy one: after a loss of power `rebuild` makes
        them from the posts, which are.
        """
        for name, text in pages.items():
            path, content = self.root / name, text.encode()
            if not path.exists() or path.read_bytes() != content:
                _write(path, content)
        self._stale.unlink(missing_ok=True)

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

"""The sandbox as a channel: takes every kind of message and records it once. It neither answers nor fails.

Only a Look is answered: what was withdrawn here is gone, all else stands as it was sent. It is not recorded, so that
the file shows what would be sent.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, get_args

from engine.effects import GONE, SAME, Amend, Direct, Look, Message, Receipt, Revise, Room, Text, Withdraw
from engine.ports import Refused, TextLimit
from integrations.sandbox.file import Recorded, messages

ALL_KINDS = frozenset(str(model.model_fields["kind"].default) for model in get_args(get_args(Message)[0]))


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """Stands for the channel `name`. Its file outlives the process, so that a key is recorded once for ever."""

    kinds = ALL_KINDS
    sandbox = True

    def __init__(
        self, name: str, folder: Path, limit: TextLimit | None = None, now: Callable[[], datetime] = _now
    ) -> None:
        self.name, self.limit = name, limit
        self._folder, self._now = folder, now
        self._receipts: dict[str, Receipt] = {}
        self._withdrawn: set[str] = set()
        """Ids of the posts that were withdrawn."""
        self._read_to = 0
        self._threads = Lock()

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Record it, unless the key is recorded already. Raises Refused when the file can't be written."""
        if isinstance(message, Look):
            return self._seen(message, base)
        try:
            with self._threads, self._locked() as file:
                self._catch_up()
                if key not in self._receipts:
                    self._append(file, message, key, base)
                return self._receipts[key]
        except OSError as error:
            raise Refused(f"the sandbox can't write {self._path}: {error.strerror}", permanent=False) from None

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look for the key in the file."""
        with self._threads:
            self._catch_up()
            return self._receipts.get(key)

    def check(self) -> list[str]:
        """Say whether the file can't be written."""
        try:
            with self._threads, self._locked():
                return []
        except OSError as error:
            return [f"The sandbox can't write {self._path}: {error.strerror}. Make the folder writable."]

    @property
    def _path(self) -> Path:
        return self._folder / f"{self.name}.jsonl"

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file and hold it against other processes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _catch_up(self) -> None:
        """Take in what other processes, or this one before a restart, have recorded."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._read_to:  # somebody emptied it: begin anew
            self._receipts, self._withdrawn, self._read_to = {}, set(), 0
        if size > self._read_to:
            recorded, self._read_to = messages(self._folder, self.name, self._read_to)
            for record in recorded:
                self._take(record)

    def _append(self, file: int, message: Message, key: str, base: Receipt | None) -> None:
        receipt = _receipt(self.name, message, key, base)
        record = Recorded(key=key, at=self._now(), message=message, base=base, receipt=receipt)
        line = record.model_dump_json() + "\n"
        size = os.fstat(file).st_size
        if size > self._read_to:  # a crash cut the last line off: it ends here, and was not sent
            line = "\n" + line
        written = os.write(file, line.encode())
        if written < len(line.encode()):
            raise OSError(28, "no space left")
        self._take(record)
        self._read_to = size + written

    def _take(self, record: Recorded) -> None:
        self._receipts[record.key] = record.receipt
        if isinstance(record.message, Withdraw) and record.base is not None:
            self._withdrawn.add(record.base.id)

    def _seen(self, look: Look, base: Receipt | None) -> Receipt:
        if base is None:
            raise Refused("There is no post to look at.", permanent=True)
        with self._threads:
            self._catch_up()
            gone = base.id in self._withdrawn
        return _with(base, seen=GONE if gone else SAME, text="" if gone else look.text)


def _receipt(name: str, message: Message, key: str, base: Receipt | None) -> Receipt:
    """What the outside would answer. Made from the key alone, so that the same seed gives the same drill."""
    mark = hashlib.sha256(key.encode()).hexdigest()[:12]
    if isinstance(message, Room):
        return Receipt(id=mark, place=mark, facts={"name": message.name})
    if isinstance(message, Revise | Amend) and base is not None:
        return base
    if isinstance(message, Withdraw) and base is not None:
        return _with(base, withdrawn=True)
    if isinstance(message, Direct):
        return Receipt(id=mark, place=message.address)
    if isinstance(message, Text) and base is None:
        return Receipt(id=mark, place=message.room)
    return Receipt(id=mark, place=base.place if base else name)


def _with(base: Receipt, **facts: Any) -> Receipt:
    return base.model_copy(update={"facts": {**base.facts, **facts}})

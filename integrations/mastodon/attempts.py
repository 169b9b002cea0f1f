"""What this process knows of the posts that it is making or has made: one at a time for each key."""

import threading
import time

from engine.effects import Receipt


class Attempt:
    """The post of one key. Whoever reads or changes it holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.receipt: Receipt | None = None
        """Of the post, once it is known to be there."""
        self.doubtful = False
        """It was sent, and whether it arrived is not known."""
        self._done_by = 0.0

    def unfinished(self, for_s: float) -> None:
        """The server may be at it for so many seconds yet."""
        self._done_by = time.monotonic() + for_s

    def waits_s(self) -> float:
        """For how many seconds yet it is no proof that the post is not to be seen."""
        return max(0.0, self._done_by - time.monotonic())


class Attempts:
    """All of them, by key. Gone with the process: then the server's own memory of keys, and a look, must do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Attempt] = {}

    def of(self, key: str) -> Attempt:
        with self._lock:
            return self._all.setdefault(key, Attempt())

    def others(self, key: str) -> frozenset[str]:
        """Ids of posts that are known to belong to other keys."""
        with self._lock:
            rest = [attempt.receipt for name, attempt in self._all.items() if name != key]
        return frozenset(receipt.id for receipt in rest if receipt)

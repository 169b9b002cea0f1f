"""Group commit: small pieces of work that come at once share a transaction, and so a flush to the disk."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from state.store import Store

MOST = 100
"""Pieces in one transaction."""

Work = Callable[[Connection], None]


class Together:
    """One thread that writes what many hand in. Each piece succeeds or fails by itself, and waits for its commit."""

    def __init__(self, store: "Store"):
        self._store = store
        self._waiting: queue.SimpleQueue[tuple[Work, Future[None]] | None] = queue.SimpleQueue()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, work: Work) -> None:
        """Carry out a piece of work in a transaction; returns when it is committed. Raises what the work raises."""
        done: Future[None] = Future()
        self._waiting.put((work, done))
        with self._started:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="together", daemon=True)
                self._thread.start()
        done.result()

    def close(self) -> None:
        """End the thread, after what was handed in."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(10)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while len(batch) < MOST and not last:
                try:
                    one = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if one is None:
                    last = True
                else:
                    batch.append(one)
            self._write(batch)
            if last:
                return

    def _write(self, batch: list[tuple[Work, Future[None]]]) -> None:
        failed: dict[int, BaseException] = {}
        try:
            with self._store.write() as connection:
                for number, (work, _) in enumerate(batch):
                    try:
                        with connection.begin_nested():
                            work(connection)
                    except Exception as error:
                        failed[number] = error
        except Exception as error:
            failed = dict.fromkeys(range(len(batch)), error)
        for number, (_, done) in enumerate(batch):
            if number in failed:
                done.set_exception(failed[number])
            else:
                done.set_result(None)

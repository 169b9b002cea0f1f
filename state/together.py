"""Group commit: small pieces of work that come at once share a transaction, and so a flush to the disk."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

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
        with self._started:
            self._waiting.put((work, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="together", daemon=True)
                self._thread.start()
        done.result()

    def close(self) -> None:
        """End the thread, after what was handed in. What comes later, from a delivery that hung, starts it again."""
        thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join(10)

    def _run(self) -> None:
        while True:
            batch, last = self._next()
            if batch:
                self._write(batch)
            with self._started:
                if last and self._waiting.empty():
                    self._thread = None
                    return

    def _next(self) -> tuple[list[tuple[Work, Future[None]]], bool]:
        """What waits, and whether the end was asked for."""
        one = self._waiting.get()
        batch = []
        while one is not None:
            batch.append(one)
            if len(batch) == MOST or self._waiting.empty():
                return batch, False
            one = self._waiting.get()
        return batch, True

    def _write(self, batch: list[tuple[Work, Future[None]]]) -> None:
        failed: dict[int, BaseException] = {}
        try:
            with self._store.write() as connection:
                for number, (work, _) in enumerate(batch):
                    try:
                        with connection.begin_nested():
                            work(connection)
                    except OperationalError:
                        raise  # a full disk takes the whole transaction along, also what went well in it
                    except Exception as error:
                        failed[number] = error
        except Exception as error:
            failed = dict.fromkeys(range(len(batch)), error)
        for number, (_, done) in enumerate(batch):
            if number in failed:
                done.set_exception(failed[number])
            else:
                done.set_result(None)

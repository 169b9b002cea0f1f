"""What a run works with. Wired by the desk; nothing here connects by itself."""

import os
import socket
import uuid
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pkgutil import resolve_name

from engine.house import House
from engine.ports import Channel, Clock
from engine.urgency import WordList
from state.store import Store

THREADS = 8
"""Deliveries at once on one channel: a channel that hangs holds up itself alone."""


@dataclass
class Crew:
    """Store, channels, house and clock, and who we are when we claim an effect."""

    store: Store
    channels: Mapping[str, Channel]
    house: House
    clock: Clock
    word_lists: dict[str, WordList] = field(default_factory=dict)
    """What makes a message urgent, by language."""
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
    """Machine, process and a random part: process numbers come again, in containers at every start."""
    _executors: dict[str, Executor] = field(default_factory=dict)

    def executor(self, channel: str) -> Executor:
        """The threads of a channel."""
        if channel not in self._executors:
            self._executors[channel] = ThreadPoolExecutor(THREADS, thread_name_prefix=f"send-{channel}")
        return self._executors[channel]

    def close(self) -> None:
        for executor in self._executors.values():
            executor.shutdown(wait=False, cancel_futures=True)
        self.store.close()


_current: Crew | None = None


def use(crew: Crew | None) -> None:
    """Set what the flows of this process work with."""
    global _current
    _current = crew


def current() -> Crew:
    """The crew of this process. A Prefect worker that starts a flow by itself wires one from the settings."""
    global _current
    if _current is None:
        _current = resolve_name(os.environ.get("IRROPS_WIRING", "desk.wiring:crew"))()
    return _current

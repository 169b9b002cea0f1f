"""An outside that acts as often as it is told, and the points at which a process kills itself on the way there.

What must hold afterwards is asserted by the tests; the lives that end here are started in `faults`.
"""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event

from engine.change import Change
from engine.effects import SAME, Effect, Look, Message, Receipt
from engine.ports import CannotTell, Channel, TextLimit
from integrations.sandbox.channel import ALL_KINDS
from state import outbox
from state.store import Store

POINTS = (
    "before_claim",  # the claim is written, its transaction not committed
    "after_claim",
    "before_send",
    "after_send",  # the outside has acted, its answer has not come back
    "before_record",  # what became of it is written, the transaction not committed
    "after_record",
)
TOGETHER = "together"
"""The thread of `state.together`."""
DECISIONS = ("before_decision", "after_decision")
"""Around the COMMIT of what a command or a step decided."""


def write(path: Path, line: dict[str, Any]) -> None:
    """Append a line in one go."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, json.dumps(line).encode() + b"\n")
    os.close(file)


def lines(path: Path) -> list[dict[str, Any]]:
    """What was appended, oldest first."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Outside:
    """A channel that never looks whether it did a thing before, in a file that outlives who told it."""

    kinds = ALL_KINDS
    limit: TextLimit | None = None
    sandbox = False

    def __init__(self, name: str, home: Path, blind: bool = False):
        self.name, self.path, self.blind = name, home / "outside.jsonl", blind

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Act. A look is no act: it is on file elsewhere."""
        if isinstance(message, Look):
            write(self.path.with_name("looks.jsonl"), {"key": key, "channel": self.name})
            return self._receipt(key, base).model_copy(update={"facts": {"seen": SAME, "text": message.text}})
        write(self.path, {"key": key, "channel": self.name, "message": message.model_dump(mode="json")})
        return self._receipt(key, base)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look into the file, unless blind."""
        if isinstance(message, Look):
            return None
        if self.blind:
            raise CannotTell(f"{self.name} keeps no history")
        there = any(line["key"] == key for line in lines(self.path))
        return self._receipt(key, base) if there else None

    def _receipt(self, key: str, base: Receipt | None) -> Receipt:
        return Receipt(id=key, place=base.place if base else self.name)

    def check(self) -> list[str]:
        return []


class Killer:
    """Kills its own process at a point, once for each name that passes there: the next life gets further."""

    def __init__(self, point: str, log: Path, only: str = ""):
        self.point, self.log, self.only = point, log, only
        self.met = {line["name"] for line in lines(log)}
        self.one = threading.RLock()
        self._here: tuple[int, str, Callable[[Any], set[str]]] | None = None

    def cross(self, point: str, names: set[str]) -> None:
        """Die here, unless every name died here before."""
        if point == self.point:
            with self.one:
                self._die(names)

    def _die(self, names: set[str]) -> None:
        fresh = {name for name in names - self.met if self.only in name}
        if fresh:
            for name in sorted(fresh):
                write(self.log, {"name": name})
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def around(self, what: str, names: Callable[[Any], set[str]]) -> Iterator[None]:
        """Pass `before_<what>` right before the COMMIT of what runs inside; one at a time, so that no name slips by."""
        if self.point not in (f"before_{what}", f"after_{what}"):
            yield
            return
        with self.one:
            self._here = (threading.get_ident(), f"before_{what}", names)
            try:
                yield
            finally:
                self._here = None

    def watch(self, store: Store) -> None:
        """Be asked at each COMMIT: of the thread that is inside `around`, or of the one that commits for many."""

        def commit(connection: Any) -> None:
            if self._here is None:
                return
            thread, point, names = self._here
            ours = threading.get_ident() == thread or threading.current_thread().name == TOGETHER
            if ours and point == self.point:
                self._die(names(connection))

        event.listen(store.engine, "commit", commit)


class Armed:
    """A channel with the points around its `send`."""

    def __init__(self, channel: Channel, killer: Killer):
        self._channel, self._killer = channel, killer
        self.find, self.check = channel.find, channel.check
        self.name, self.kinds, self.limit, self.sandbox = channel.name, channel.kinds, channel.limit, channel.sandbox

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Send between the points; one at a time, so that none acts unseen while another dies."""
        with self._killer.one:
            self._killer.cross("before_send", {key})
            receipt = self._channel.send(message, key, base)
            self._killer.cross("after_send", {key})
        return receipt


def arm(killer: Killer, store: Store, owner: str) -> None:
    """Put the points around claiming, recording and deciding."""
    killer.watch(store)
    claim, settle, apply, declare = outbox.claim, outbox.settle, store.apply, store.declare
    taken: set[str] = set()

    def sending(connection: Any) -> set[str]:
        query = "SELECT key FROM effect WHERE state = 'sending' AND lease_owner = ?"
        return {row[0] for row in connection.exec_driver_sql(query, (owner,))} - taken

    def armed_claim(*given: Any, **more: Any) -> list[outbox.Claimed]:
        with killer.around("claim", sending):
            claimed = claim(*given, **more)
            keys = {one.effect.key for one in claimed}
            taken.update(keys)
            killer.cross("after_claim", keys)
        return claimed

    def armed_settle(store: Store, effect: Effect, entries: Any = ()) -> None:
        with killer.around("record", lambda _: {effect.key}):
            settle(store, effect, entries)
            killer.cross("after_record", {effect.key})

    def armed_apply(change: Change, **more: Any) -> None:
        name = {_outline(change)}
        with killer.around("decision", lambda _: name):
            apply(change, **more)
            killer.cross("after_decision", name)

    def armed_declare(*given: Any) -> Any:
        with killer.around("decision", lambda _: {"declare"}):
            there = declare(*given)
            killer.cross("after_decision", {"declare"})
        return there

    outbox.claim, outbox.settle = armed_claim, armed_settle
    store.apply, store.declare = armed_apply, armed_declare  # type: ignore[method-assign]


def arm_calls(killer: Killer, api: Any) -> None:
    """Put a point after each call to Slack: opening a room alone takes three."""
    tell = api.tell

    def armed_tell(method: str, place: str = "", ticket: str = "", **arguments: Any) -> Any:
        answer = tell(method, place, ticket, **arguments)
        killer.cross("after_call", {f"{method} {ticket}"})
        return answer

    api.tell = armed_tell


def _outline(change: Change) -> str:
    """Tell decisions apart by what they write, without versions."""
    records = [f"{type(one).__name__} {getattr(one, 'name', '')}" for one in change.records]
    return " ".join([*records, *(one.key for one in change.effects), *(one.kind for one in change.entries)])

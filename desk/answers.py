"""Answers to invitations, decided together: those that come while others are written are the next write.

Five thousand people who answer within a minute are some hundred transactions, not five thousand; each answer still
sees what the ones before it led to, so a quota is never exceeded. What an answer means is in `engine.answering`.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from engine.change import Change
from engine.folding import fold, merged
from engine.incident import NotAllowed
from engine.ports import Reply
from engine.snapshot import Snapshot
from state import snapshots
from state.store import Stale

if TYPE_CHECKING:
    from desk.desk import Desk

Decide = Callable[[Snapshot], tuple[Change, Reply]]

MOST = 250
"""Answers in one transaction."""
TRIES = 20
"""Times the answers of one transaction are decided anew when another command came first."""


@dataclass
class _Waiting:
    person: str
    decide: Decide
    at: datetime
    said: "Future[Reply]" = field(default_factory=Future)


class Answers:
    """The answers of one desk, by incident. Who comes first writes for all who wait then; the next one for the rest."""

    def __init__(self, desk: "Desk"):
        self.desk = desk
        self._changed = threading.Condition()
        self._waiting: dict[int, list[_Waiting]] = {}
        self._written: set[int] = set()
        """Incidents whose answers somebody is writing."""

    def take(self, incident: int, person: str, decide: Decide) -> Reply:
        """Decide an answer with those that wait, and return its reply once it is written. Raises NotAllowed."""
        mine = _Waiting(person, decide, self.desk.clock.now())
        with self._changed:
            self._waiting.setdefault(incident, []).append(mine)
        while batch := self._turn(incident, mine):
            try:
                self._write(incident, batch)
            except BaseException as error:  # whatever goes wrong goes wrong for each of them: nobody waits for ever
                _fail(batch, error)
            finally:
                with self._changed:
                    self._written.discard(incident)
                    self._changed.notify_all()
        return mine.said.result()

    def _turn(self, incident: int, mine: _Waiting) -> list[_Waiting]:
        """Wait until it is ours to write, and take those to be written; nothing once our own answer is decided.

        One for each person: a second click waits, and sees what the first led to.
        """
        with self._changed:
            self._changed.wait_for(lambda: mine.said.done() or incident not in self._written)
            if mine.said.done():
                return []
            self._written.add(incident)
            batch: dict[str, _Waiting] = {}
            for one in self._waiting[incident]:
                if len(batch) < MOST:
                    batch.setdefault(one.person, one)
            taken = {id(one) for one in batch.values()}
            self._waiting[incident] = [one for one in self._waiting[incident] if id(one) not in taken]
            return list(batch.values())

    def _write(self, incident: int, batch: list[_Waiting]) -> None:
        for _ in range(TRIES):
            decided = self._decide(incident, batch)
            try:
                self.desk.apply(merged(change for change, _, _ in decided), incident)
            except Stale:
                continue
            for _, one, reply in decided:
                one.said.set_result(reply)
            return
        raise NotAllowed(f"INC-{incident} changes too fast just now; try again.")

    def _decide(self, incident: int, batch: list[_Waiting]) -> list[tuple[Change, _Waiting, Reply]]:
        desk = self.desk
        who = {one.person for one in batch}
        snapshot = snapshots.look_at_answers(desk.store, incident, desk.clock.now(), desk.crew.house, who)
        decided = []
        for one in batch:
            if one.said.done():
                continue
            try:
                change, reply = one.decide(replace(snapshot, now=one.at))  # whose yes came first waits first
            except Exception as problem:  # a refusal, or a defect: it is this person's alone
                one.said.set_exception(problem)
                continue
            snapshot = fold(snapshot, change)
            decided.append((change, one, reply))
        return decided


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    for one in batch:
        if not one.said.done():
            one.said.set_exception(error)

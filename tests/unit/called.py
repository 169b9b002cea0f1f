"""A desk whose call-out has just asked a crowd, and what can be read of it afterwards. For tests of answers."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from desk.clock import HandClock
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds
from desk.settings import load
from desk.wiring import crew
from engine.buttons import ANSWER
from engine.callout import Answer, CallOut, Invitation
from engine.people import Person
from engine.ports import Reply
from flows.crew import use
from integrations.sandbox import Sandbox
from tests.unit.volunteers import NIGHT, crowd

BOOK = """\
playbook: help-wanted
title: Help wanted
severity: SEV1
steps:
  - key: volunteers
    action: call_out
    with: {{quota: {quota}, waves: 1, respond_within: 30m, starts_in: 2h{more}}}
"""
CHANNELS = ("slack", "status_page", "bluesky")


class Called:
    """A desk, and its call-out INC-1."""

    def __init__(self, home: Path, url: str):
        self.home, self.url = home, url
        settings = load(home=home, playbooks=home / "playbooks", database=url)
        self.clock = HandClock(NIGHT)
        outside = {name: Sandbox(name, home / "sandbox") for name in CHANNELS}
        self.crew = crew(settings, self.clock, outside)
        self.desk = Desk(self.crew, Library(settings.playbooks))

    def settle(self) -> None:
        """Let everything happen that is due."""
        use(self.crew)
        asyncio.run(Rounds(self.crew, prefect=False).settle_down())

    def press(self, person: str, answer: str) -> Reply:
        """Press a button of the newest question to a person."""
        asked = [one for one in self.invitations() if one.person == person]
        return self.desk.press(ANSWER, f"{asked[-1].key}|{answer}", f"U0{person.upper()}")

    def callout(self) -> CallOut:
        return self.crew.store.all(CallOut)[0]

    def invitations(self) -> list[Invitation]:
        return self.crew.store.all(Invitation)

    def asked(self) -> list[str]:
        return [one.person for one in self.invitations()]

    def coming(self) -> set[str]:
        return {one.person for one in self.invitations() if one.answer is Answer.YES and not one.too_late}

    def waiting(self) -> list[str]:
        """Who waits, in the order of their yes."""
        late = [one for one in self.invitations() if one.answer is Answer.YES and one.too_late]
        return [one.person for one in sorted(late, key=lambda one: one.answered_at or NIGHT)]

    def adds_up(self) -> None:
        """The count and the invitations agree, and the quota is not exceeded."""
        callout = self.callout()
        assert callout.accepted == len(self.coming()) <= callout.quota

    def another(self) -> "Called":
        """Another process on the same database: an engine, a store and a desk of its own."""
        return Called(self.home, self.url)


@contextmanager
def called(
    home: Path, url: str, quota: int = 5, more: str = "", people: Sequence[Person] = crowd(80)
) -> Iterator[Called]:
    """Declare, and let the only wave go out. `more` is added to the step's parameters."""
    (home / "playbooks").mkdir(parents=True)
    (home / "playbooks" / "help-wanted.yaml").write_text(BOOK.format(quota=quota, more=more))
    there = Called(home, url)
    try:
        import_people(there.crew.store, list(people))
        there.desk.declare("help-wanted", facts={}, by="dora")
        there.settle()
        yield there
    finally:
        use(None)
        there.crew.close()


def at_once(*work: Callable[[], Reply]) -> list[Reply | Exception]:
    """Do all of it in threads that begin together; returns what each said or raised."""
    gate, said = threading.Barrier(len(work)), list[Reply | Exception]([Reply(text="")] * len(work))

    def do(number: int, one: Callable[[], Reply]) -> None:
        gate.wait()
        try:
            said[number] = one()
        except Exception as problem:
            said[number] = problem

    threads = [threading.Thread(target=do, args=(number, one)) for number, one in enumerate(work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "somebody waits for an answer that never comes"
    return said


def texts(said: Iterable[Reply | Exception]) -> list[str]:
    """What people were told; fails where somebody met an error."""
    problems = [one for one in said if isinstance(one, Exception)]
    assert problems == []
    return [one.text for one in said if isinstance(one, Reply)]

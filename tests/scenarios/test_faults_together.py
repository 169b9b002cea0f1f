"""Two at once: advances of one incident by two processes or two threads, and a declare that is sent several times."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from desk.rounds import Rounds
from engine.effects import EffectState
from engine.incident import Incident
from state import wakes
from tests.scenarios.aftermath import After, whole
from tests.scenarios.conftest import Scene
from tests.scenarios.faults import START, Lives, lives, store


@pytest.fixture(scope="module")
def server() -> Iterator[Lives]:
    with lives() as started:
        yield started


def test_two_processes_advance_one_incident(server: Lives) -> None:
    with server.home() as home:
        database, minutes = store(home), 0.0
        while minutes <= 60:
            assert server.live(home, together=2, act="now", minutes=minutes) == [0, 0]
            following = wakes.next_wake(database)
            assert following
            assert following > START
            minutes = (following - START).total_seconds() / 60
        database.engine.dispose()
        after = After(home)
    whole(after)
    assert len(after.sent) > 20
    assert [entry.kind for entry in after.timeline].count("StatementPublished") == 2


def test_two_threads_advance_one_incident(scene: Callable[..., Scene], caplog: pytest.LogCaptureFixture) -> None:
    desk = scene()
    ref = desk.desk.declare("it-outage", facts={"stations": "AMS"}, by="duty-manager").ref
    both = threading.Barrier(2)
    ended: list[str] = []

    def go() -> None:
        rounds = Rounds(desk.crew, prefect=False)
        both.wait()
        asyncio.run(rounds.settle_down())
        ended.append("well")

    for _ in range(4):
        threads = [threading.Thread(target=go) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        following = wakes.next_wake(desk.crew.store)
        assert following
        desk.clock.move_to(following)
    assert ended == ["well"] * 8
    assert caplog.records == []
    said = Counter(entry.facts["effect"] for entry in desk.desk.timeline(ref) if entry.kind == "EffectSent")
    sent = [effect.key for effect in desk.desk.effects(ref) if effect.state is EffectState.SENT]
    assert said == dict.fromkeys(sent, 1)
    assert len(sent) > 40


def test_a_declare_sent_six_times_at_once_makes_one_incident(server: Lives) -> None:
    with server.home() as home:
        assert server.live(home, together=6, act="declare", key="the same") == [0] * 6
        opened = store(home)
        assert len(opened.all(Incident)) == 1
        assert Counter(entry.kind for entry in After(home).timeline) == {"Declared": 1}
        assert After(home).log == ""
        opened.engine.dispose()

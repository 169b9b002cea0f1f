"""Slack's limits are kept without sleeping, and without holding back who has nothing to do with them."""

import threading

import pytest

from engine.ports import Refused
from integrations.slack.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def wait_of(pace: Pace, method: str, place: str = "", ticket: str = "") -> float:
    """How long one would have to wait; 0 when it goes now, -1 when it was refused for good."""
    try:
        pace.take(method, place, ticket)
    except Refused as refused:
        return -1 if refused.permanent else refused.retry_after or -1
    return 0


def test_one_message_a_second_in_a_conversation(clock: Clock):
    pace = Pace(clock=clock)
    assert wait_of(pace, "chat.postMessage", "C1") == 0
    clock.now += 0.4
    assert wait_of(pace, "chat.postMessage", "C1") == pytest.approx(0.6)
    assert wait_of(pace, "chat.postMessage", "C2") == 0
    clock.now += 0.6
    assert wait_of(pace, "chat.postMessage", "C1") == 0


def test_forty_people_are_written_to_at_once(clock: Clock):
    pace = Pace(clock=clock)
    for number in range(40):
        assert wait_of(pace, "conversations.open") == 0
        assert wait_of(pace, "chat.postMessage", f"D{number}") == 0


def test_a_method_has_its_minute(clock: Clock):
    pace = Pace(clock=clock)
    assert [wait_of(pace, "conversations.create") for _ in range(20)] == [0] * 20
    assert wait_of(pace, "conversations.create") == pytest.approx(3)
    assert wait_of(pace, "conversations.setTopic") == 0
    clock.now += 3
    assert wait_of(pace, "conversations.create") == 0
    assert wait_of(pace, "conversations.create") == pytest.approx(3)


def test_what_is_refused_uses_nothing_up(clock: Clock):
    pace = Pace(clock=clock)
    pace.take("chat.postMessage", "C1")
    for _ in range(10):
        wait_of(pace, "chat.postMessage", "C1")
    clock.now += 1
    assert wait_of(pace, "chat.postMessage", "C1") == 0


def test_who_has_to_wait_is_given_a_turn_and_keeps_it(clock: Clock):
    pace = Pace(clock=clock)
    waits = [wait_of(pace, "chat.postMessage", "C1", f"k{number}") for number in range(10)]
    assert waits == pytest.approx([*range(10)])
    clock.now += 5
    assert [wait_of(pace, "chat.postMessage", "C1", f"k{number}") for number in range(1, 6)] == [0] * 5
    assert wait_of(pace, "chat.postMessage", "C1", "k6") == pytest.approx(1)
    assert wait_of(pace, "chat.postMessage", "C1", "late") == pytest.approx(5)


def test_who_comes_before_their_turn_is_urgent_and_changes_places_with_the_next(clock: Clock):
    pace = Pace(clock=clock)
    for _ in range(50):
        pace.take("conversations.open")
    bulk = [wait_of(pace, "conversations.open", "", f"U{number}") for number in range(100)]
    assert bulk[-1] == pytest.approx(120)
    assert wait_of(pace, "conversations.open", "", "page/1") == pytest.approx(121.2)
    assert wait_of(pace, "conversations.open", "", "page/1") == pytest.approx(1.2)
    assert wait_of(pace, "conversations.open", "", "page/1") == pytest.approx(1.2), "once ahead, no further"
    assert wait_of(pace, "conversations.open", "", "page/2") == pytest.approx(122.4)
    assert wait_of(pace, "conversations.open", "", "page/2") == pytest.approx(2.4), "behind the other urgent one"
    clock.now += 2.4
    assert wait_of(pace, "conversations.open", "", "page/1") == 0
    assert wait_of(pace, "conversations.open", "", "page/2") == 0
    clock.now += 1.2
    assert wait_of(pace, "conversations.open", "", "U2") == 0, "the others keep their turns"
    clock.now += 118.8
    assert [wait_of(pace, "conversations.open", "", f"U{number}") for number in (0, 1)] == [0, 0]
    assert clock.now == pytest.approx(1000 + 122.4), "and all together take as long as before"


def test_only_who_has_a_turn_is_told_that_the_urgent_may_come_sooner(clock: Clock):
    pace = Pace(clock=clock)
    pace.take("chat.postMessage", "C1", "k1")
    sooner = []
    for ticket in ("k2", "k2", ""):
        with pytest.raises(Refused) as refused:
            pace.take("chat.postMessage", "C1", ticket)
        sooner.append(refused.value.sooner)
    pace.hold("chat.postMessage", "C1", 30)
    with pytest.raises(Refused) as refused:
        pace.take("chat.postMessage", "C1", "k3")
    assert [*sooner, refused.value.sooner] == [0.0, None, None, None]


def test_three_hundred_people_come_twice_each(clock: Clock):
    pace, refusals = Pace(clock=clock), 0
    waiting = {f"U{number}": clock.now for number in range(300)}
    while waiting:
        user = min(waiting, key=waiting.__getitem__)
        clock.now = max(clock.now, waiting[user])
        wait = wait_of(pace, "conversations.open", "", user)
        refusals += wait > 0
        waiting[user] = clock.now + wait
        if wait == 0:
            del waiting[user]
    assert refusals == 250
    assert clock.now == pytest.approx(1000 + 250 * 1.2)


def test_who_comes_a_moment_early_may_go(clock: Clock):
    pace = Pace(clock=clock)
    pace.take("chat.postMessage", "C1", "k1")
    wait = wait_of(pace, "chat.postMessage", "C1", "k2")
    clock.now += wait - 0.02
    assert wait_of(pace, "chat.postMessage", "C1", "k2") == 0


def test_a_429_holds_back_its_method_alone(clock: Clock):
    pace = Pace(clock=clock)
    pace.hold("conversations.list", "", 30)
    assert wait_of(pace, "conversations.list", "C1") == 30
    assert wait_of(pace, "conversations.open") == 0
    clock.now += 30
    assert wait_of(pace, "conversations.list") == 0


def test_a_429_counts_also_without_pace(clock: Clock):
    pace = Pace(on=False, clock=clock)
    for _ in range(200):
        assert wait_of(pace, "chat.postMessage", "C1") == 0
    pace.hold("chat.postMessage", "C1", 5)
    assert wait_of(pace, "chat.postMessage", "C1") == 5
    assert wait_of(pace, "chat.postMessage", "C2") == 0


def test_a_shorter_429_does_not_shorten_a_longer_one(clock: Clock):
    pace = Pace(clock=clock)
    pace.hold("chat.postMessage", "C1", 60)
    pace.hold("chat.postMessage", "C1", 1)
    assert wait_of(pace, "chat.postMessage", "C1") == 60


def test_many_threads_share_one_limit(clock: Clock):
    pace, passed = Pace(clock=clock), []
    gate = threading.Barrier(8)

    def press() -> None:
        gate.wait()
        passed.extend(1 for _ in range(10) if wait_of(pace, "conversations.create") == 0)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 20


def test_what_it_remembers_of_conversations_does_not_grow(clock: Clock):
    pace = Pace(clock=clock)
    for number in range(5000):
        clock.now += 0.01
        pace.take("chat.postMessage", f"D{number}")
    assert len(pace._lines) <= 1001

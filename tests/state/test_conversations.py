"""Conversations in the database do what `engine.triage` says, on both databases."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from engine.change import Change
from engine.triage import Conversation, ConversationStatus, Queue, answer, figures, order, refer
from state.conversations import StoredConversations
from state.store import Stale, Store
from tests.state.test_store import declared

T0 = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
BOTH = ("public", "private")


@pytest.fixture
def conversations(store: Store) -> StoredConversations:
    declared(store)
    queue = Queue(incident=1, opened_at=T0, answer_within_s=3600, solve_within_s=86400)
    store.apply(Change(records=(queue,)))
    return StoredConversations(store)


def one(n: int, **more: object) -> Conversation:
    received = T0 + timedelta(minutes=n)
    fields = {
        "incident": 1,
        "key": f"x/{n}",
        "channel": "x",
        "customer": f"@c{n}",
        "text": "stuck",
        "language": "en",
        "received_at": received,
        "answer_by": received + timedelta(hours=1),
        "solve_by": received + timedelta(hours=24),
    }
    return Conversation.model_validate(fields | more)


def test_the_same_message_again_changes_nothing(conversations: StoredConversations) -> None:
    assert conversations.add([one(1), one(2), one(1)]) == [True, True, False]
    assert conversations.add([one(2, text="other"), one(3)]) == [False, True]
    assert [c.text for c in conversations.search(1)] == ["stuck", "stuck", "stuck"]


def test_the_order_is_that_of_the_engine(conversations: StoredConversations) -> None:
    now = T0 + timedelta(minutes=50)
    conversations.add([one(n, urgency=1 + n * 7 % 4) for n in range(24)])
    expected = [c.key for c in sorted(conversations.search(1, limit=100), key=lambda c: order(c, now))]
    taken = []
    while (got := conversations.next_for(1, ["en"], BOTH, "a", now, another=True)) is not None:
        taken.append(got.key)
    assert taken == expected


def test_two_agents_never_get_the_same(conversations: StoredConversations) -> None:
    conversations.add([one(n) for n in range(40)])
    got: list[str] = []
    barrier = threading.Barrier(4)

    def work(agent: str) -> None:
        barrier.wait()
        while (mine := conversations.next_for(1, ["en"], BOTH, agent, T0, another=True)) is not None:
            got.append(mine.key)

    threads = [threading.Thread(target=work, args=(f"a{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 40
    assert len(set(got)) == 40


def test_language_rights_and_silence_decide_who_gets_what(conversations: StoredConversations) -> None:
    conversations.add([one(1, language="es"), one(2, public=True), one(3)])
    assert conversations.next_for(1, ["nl"], BOTH, "a", T0) is None
    private = conversations.next_for(1, ["en"], ("private",), "a", T0)
    assert private is not None
    assert private.key == "x/3"
    again = conversations.next_for(1, ["en"], ("private",), "a", T0)
    assert again == private
    late = T0 + timedelta(minutes=16)
    other = conversations.next_for(1, ["en"], ("private",), "b", late)
    assert other is not None
    assert (other.key, other.agent) == ("x/3", "b")
    with pytest.raises(Stale):
        conversations.put(answer(private, "a", late))


def test_what_is_referred_goes_to_that_team_only(conversations: StoredConversations) -> None:
    conversations.add([one(1)])
    mine = conversations.next_for(1, ["en"], BOTH, "a", T0)
    assert mine is not None
    conversations.put(refer(mine, "a", "baggage"))
    assert conversations.next_for(1, ["en"], BOTH, "b", T0) is None
    theirs = conversations.next_for(1, ["en"], BOTH, "b", T0, team="baggage")
    assert theirs is not None
    assert theirs.status is ConversationStatus.CLAIMED


def test_the_figures_are_those_of_the_engine(conversations: StoredConversations) -> None:
    queue = Queue(incident=1, opened_at=T0, answer_within_s=3600, solve_within_s=86400, version=1)
    conversations.add([one(n, urgency=1 + n % 4, language=("en", "es", "")[n % 3]) for n in range(12)])
    for n, agent in enumerate("abcd"):
        mine = conversations.next_for(1, [], BOTH, agent, T0 + timedelta(minutes=20 * n))
        if mine and n < 3:
            conversations.put(answer(mine, agent, T0 + timedelta(minutes=61 * (n + 1))))
    for minutes in (0, 55, 66, 130, 1500):
        now = T0 + timedelta(minutes=minutes)
        assert conversations.figures(1, now) == figures(conversations.search(1, limit=100), queue, now)


def test_customers_messages_are_deleted_after_their_time(conversations: StoredConversations) -> None:
    conversations.add([one(1), one(60 * 24 * 5)])
    assert conversations.forget(T0 + timedelta(days=2)) == 1
    assert [c.key for c in conversations.search(1)] == [f"x/{60 * 24 * 5}"]

"""X and Facebook behind a real proxy that loses, spoils and refuses: whatever happens, the other side counts one post.

Neither has a server of its own that one could run: the stand-ins of tests/unit keep the posts.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from engine.effects import Amend, Look, Post, Receipt, Withdraw
from engine.ports import ASKS_TO_WAIT, Channel, Lost, Refused
from integrations import facebook, x
from tests.unit.facebook_server import PAGE_ID, TOKEN, VERSION, FacebookServer, facebook_server
from tests.unit.faulty_http import HTML, FaultyServer, deliver
from tests.unit.x_server import KEYS, XServer, x_server

pytestmark = pytest.mark.peers

TEXT = "Our systems are down & we are working on it. Help: https://airline.example/help?a=1&b=2"
FEED = {"x": "/2/tweets", "facebook": "/feed"}


class Ours:
    """One of the two, behind the proxy: its stand-in, and how to make a channel on it."""

    def __init__(self, name: str, server: Any, faulty: Callable[..., str]) -> None:
        self.name, self.server, self._faulty = name, server, faulty
        self._made: list[Any] = []

    def behind(self, **faults: object) -> Callable[[], Channel]:
        """Put a proxy before it that does so to posts; gives what makes a channel, a new one each time."""
        url = self._faulty(self.server.url, match=FEED[self.name], **faults).rstrip("/")
        return partial(self._connect, url)

    def _connect(self, url: str) -> Channel:
        if isinstance(self.server, XServer):
            self.server.known_as = [url]
            channel: Any = x.connect(x.Settings.model_validate({**KEYS, "api_url": url, "timeout_s": 5}))
        else:
            given = {"page": PAGE_ID, "page_token": TOKEN, "api_url": url + VERSION, "timeout_s": 5}
            channel = facebook.connect(facebook.Settings.model_validate(given))
        self._made.append(channel)
        return channel

    def close(self) -> None:
        for channel in self._made:
            channel.close()


@pytest.fixture(params=["x", "facebook"])
def ours(request: pytest.FixtureRequest, faulty: Callable[..., str]) -> Iterator[Ours]:
    kinds: dict[str, Callable[[], Any]] = {"x": x_server, "facebook": facebook_server}
    with kinds[request.param]() as server:
        if isinstance(server, XServer):
            server.refuses_duplicates = False  # what keeps it at one is to be ours
        made = Ours(request.param, server, faulty)
        yield made
        made.close()


def post(text: str = TEXT, **more: Any) -> Post:
    plain = {"incident": "INC-1", "title": "IT outage", "message": "holding", "language": "en", "severity": "SEV1"}
    rest = {"status": "responding", "statement": "INC-1-u/first_word#1", "drafted_at": datetime.now(UTC)}
    return Post.model_validate({**plain, **rest, "text": text, **more})


def once(server: FaultyServer) -> None:
    assert isinstance(server, XServer | FacebookServer)
    assert (server.made, server.texts()) == (1, [TEXT])


def test_three_lost_answers_and_three_restarts_make_one_post(ours: Ours) -> None:
    connect = ours.behind(lose=3)
    receipt = deliver(connect, post(), "k")
    once(ours.server)
    assert receipt.id in ours.server.posts
    assert connect().send(Look(text=TEXT), "l", receipt).facts["seen"] == "same"
    withdrawn = deliver(connect, Withdraw(statement="s", language="en", reason="r"), "w", receipt)
    assert withdrawn.facts["withdrawn"]
    assert ours.server.posts == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, HTML), (200, HTML), (500, '{"error": {"code": 1, "message": "unknown"}}'), (200, '{"data": {"id"')],
    ids=["page", "200 page", "500", "broken"],
)
def test_answers_that_are_none_make_one_post(ours: Ours, status: int, body: str) -> None:
    deliver(ours.behind(spoil=2, status=status, body=body), post(), "k")
    once(ours.server)


def test_a_429_in_the_way_and_then_a_lost_answer_make_one_post(ours: Ours) -> None:
    connect = ours.behind(refuse=1, lose=1)
    with pytest.raises(Refused, match=ASKS_TO_WAIT) as refused:
        connect().send(post(), "k")
    assert not refused.value.permanent
    deliver(connect, post(), "k")
    once(ours.server)


def test_two_threads_at_once_with_a_lost_answer_make_one_post(ours: Ours) -> None:
    channel = ours.behind(lose=1)()
    with ThreadPoolExecutor(2) as pool:
        sends = [pool.submit(channel.send, post(), "k") for _ in range(2)]
    done = [send.exception() or send.result() for send in sends]
    assert sorted(type(one) for one in done if isinstance(one, Lost)) == [Lost]
    assert [one.id for one in done if isinstance(one, Receipt)] == list(ours.server.posts)
    once(ours.server)


def test_a_thread_and_a_correction_through_lost_answers(ours: Ours) -> None:
    connect = ours.behind(lose=2)
    first = deliver(connect, post("One"), "k/1")
    if ours.name == "x":
        second = deliver(connect, post("Two", part=2, parts=2), "k/2", first)
        assert ours.server.posts[second.id]["answers"] == first.id
        assert ours.server.texts() == ["One", "Two"]
    else:
        assert deliver(connect, Amend(post=post("Two")), "a", first) == first
        assert ours.server.texts() == ["Two"]
    assert ours.server.made == len(ours.server.posts)


def test_the_proxy_has_seen_each_body_as_we_sent_it(ours: Ours) -> None:
    ours.behind()().send(post(), "k")
    (call,) = [call for call in ours.server.calls if call.method == "POST"]
    if ours.name == "x":
        assert json.loads(call.body) == {"text": TEXT}
    else:
        assert b"access_token" not in call.body
        assert TOKEN not in call.target

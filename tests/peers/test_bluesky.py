"""Bluesky against its own server: one post, whatever is lost on the way."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from engine.effects import Post
from engine.ports import CannotTell, Lost, Refused
from integrations.bluesky import Settings, connect
from integrations.bluesky.channel import Bluesky
from tests.peers import outward
from tests.peers.outward import BlueskyServer

pytestmark = pytest.mark.peers
bluesky_server = outward.bluesky_server

COUNT = itertools.count()
NOW = datetime(2026, 11, 22, 4, 10, 33, 120456, tzinfo=UTC)
TEXT = "Café ☕ closed: our systems are down. Rebook at https://airline.example/help?x=1&y=ü. #AirlineHelp 👨‍👩‍👧"


def post(text: str = TEXT, **more: object) -> Post:
    plain = {"incident": "INC-1", "title": "IT outage", "message": "holding", "language": "en", "severity": "SEV1"}
    rest = {"status": "responding", "statement": "INC-1-u/first_word#1", "drafted_at": NOW}
    return Post.model_validate({**plain, **rest, "text": text, **more})


class Ours:
    """An account of its own for one test, and our channel on it."""

    def __init__(self, server: BlueskyServer, name: str) -> None:
        self.server, self.who = server, server.account(name)
        self.channels: list[Bluesky] = []

    def channel(self, **more: object) -> Bluesky:
        given = {"handle": self.who["handle"], "app_password": self.who["password"], "service_url": self.server.url}
        self.channels.append(connect(Settings.model_validate({**given, "timeout_s": 5, **more})))
        return self.channels[-1]

    def posts(self) -> list[str]:
        return [record["value"]["text"] for record in self.server.posts(self.who["did"])]


@pytest.fixture
def ours(bluesky_server: BlueskyServer) -> Iterator[Ours]:
    account = Ours(bluesky_server, f"airline-{next(COUNT)}")
    yield account
    for channel in account.channels:
        channel.close()


def test_sent_twice_and_by_two_processes_it_is_there_once(ours: Ours) -> None:
    channel = ours.channel()
    assert channel.find(post(), "key") is None
    receipt = channel.send(post(), "key")
    assert channel.send(post(), "key") == receipt
    assert ours.channel().send(post(), "key") == receipt
    assert ours.channel().find(post(), "key") == receipt
    assert ours.posts() == [TEXT]


def test_threads_that_send_the_same_post_make_one(ours: Ours) -> None:
    channel = ours.channel()
    with ThreadPoolExecutor(6) as pool:
        receipts = list(pool.map(lambda _: channel.send(post(), "key"), range(6)))
    assert len({receipt.id for receipt in receipts}) == 1
    assert ours.posts() == [TEXT]


def test_the_record_says_what_was_drafted_with_links_and_tags_in_place(ours: Ours) -> None:
    ours.channel().send(post(language="nl"), "key")
    (record,) = ours.server.posts(ours.who["did"])
    value = record["value"]
    assert (value["createdAt"], value["langs"]) == ("2026-11-22T04:10:33.120Z", ["nl"])
    marked = {}
    for facet in value["facets"]:
        place, (feature,) = facet["index"], facet["features"]
        marked[TEXT.encode()[place["byteStart"] : place["byteEnd"]].decode()] = feature.get("uri") or feature["tag"]
    url = "https://airline.example/help?x=1&y=ü"
    assert marked == {url: url, "#AirlineHelp": "AirlineHelp"}


def test_the_languages_of_one_statement_and_later_ones_keep_apart_and_in_order(ours: Ours) -> None:
    channel = ours.channel()
    for minutes in (30, 0, 60):
        at = NOW + timedelta(minutes=minutes)
        for language in ("en", "nl", "es"):
            text = f"{minutes} {language}"
            channel.send(post(text, language=language, drafted_at=at), f"st/{minutes}/{language}")
    texts = ours.posts()
    assert len(texts) == 9
    assert [text.split()[0] for text in texts] == ["0"] * 3 + ["30"] * 3 + ["60"] * 3


def test_a_lost_answer_is_lost_then_found_and_a_repeat_adds_nothing(ours: Ours) -> None:
    channel = ours.channel()
    assert channel.check() == []
    ours.server.wire.lose = 1
    with pytest.raises(Lost):
        channel.send(post(), "key")
    assert ours.server.wire.lose == 0
    found = channel.find(post(), "key")
    assert found is not None
    assert channel.send(post(), "key") == found
    assert ours.posts() == [TEXT]


def test_an_answer_lost_while_logging_in_is_refused_because_nothing_was_posted(ours: Ours) -> None:
    channel = ours.channel()
    ours.server.wire.lose = 1
    with pytest.raises(Refused) as refused:
        channel.send(post(), "key")
    assert not refused.value.permanent
    assert ours.posts() == []
    channel.send(post(), "key")
    assert ours.posts() == [TEXT]


def test_another_text_under_the_same_key_is_left_for_a_person(ours: Ours) -> None:
    channel = ours.channel()
    channel.send(post("One"), "key")
    with pytest.raises(CannotTell, match="another text"):
        channel.find(post("Two"), "key")


def test_a_wrong_password_is_permanent_and_says_what_to_do(ours: Ours) -> None:
    channel = ours.channel(app_password="wrong")
    with pytest.raises(Refused, match="Make a new app password") as refused:
        channel.send(post(), "key")
    assert refused.value.permanent
    assert "wrong" not in str(refused.value)
    assert "app password" in channel.check()[0]


def test_what_the_server_itself_would_refuse_is_refused_for_good(ours: Ours) -> None:
    channel = ours.channel()
    with pytest.raises(Refused, match="InvalidRequest") as refused:
        channel.send(post(language="not a language"), "key")
    assert refused.value.permanent
    assert ours.posts() == []


def test_our_limit_is_the_servers(ours: Ours) -> None:
    channel = ours.channel()
    channel.send(post("👨‍👩‍👧" * 100 + "x" * 200), "fits")
    with pytest.raises(Refused, match="too long for Bluesky"):
        channel.send(post("x" * 301), "too many graphemes")
    with pytest.raises(Refused, match="bytes"):
        channel.send(post("👨‍👩‍👧" * 200), "too many bytes")
    assert len(ours.posts()) == 1


def test_a_session_that_the_server_no_longer_takes_is_made_anew(ours: Ours) -> None:
    channel = ours.channel()
    channel.send(post("One"), "one")
    session = channel._logged_in()._client._session
    session.access_jwt = session.access_jwt[:-4] + "AAAA"
    with pytest.raises(Refused, match="logs in anew") as refused:
        channel.send(post("Two"), "two")
    assert not refused.value.permanent
    channel.send(post("Two"), "two")
    assert len(ours.posts()) == 2


def test_too_many_log_ins_are_refused_for_a_while_and_for_how_long_is_known(ours: Ours) -> None:
    def log_in_anew() -> None:
        for _ in range(40):
            ours.channel().send(post(), "key")

    with pytest.raises(Refused, match="allows no more for now") as refused:
        log_in_anew()
    assert not refused.value.permanent
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 300
    assert ours.posts() == [TEXT]


def test_an_unreachable_server_is_refused_for_now(ours: Ours) -> None:
    channel = ours.channel(service_url=f"http://127.0.0.1:{outward.free_port()}")
    with pytest.raises(Refused, match="can't be reached") as refused:
        channel.send(post(), "key")
    assert not refused.value.permanent


def test_a_drill_is_not_posted_unless_the_account_is_for_tests(ours: Ours) -> None:
    with pytest.raises(Refused, match="drill"):
        ours.channel().send(post("[DRILL] x", drill=True), "key")
    ours.channel(post_drills=True).send(post("[DRILL] x", drill=True), "key")
    assert ours.posts() == ["[DRILL] x"]

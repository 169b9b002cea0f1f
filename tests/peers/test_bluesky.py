"""Bluesky against its own server: one post, whatever is lost on the way."""

import itertools
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from engine.effects import CHANGED, GONE, SAME, Look, Message, Post, Receipt, Withdraw
from engine.ports import CannotTell, Lost, Refused
from integrations.bluesky import Settings, connect
from integrations.bluesky.channel import Bluesky
from tests.peers import outward
from tests.peers.outward import BlueskyServer, Wire

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


# ---------------------------------------------------------------- threads, corrections, withdrawals, looks

WITHDRAW = Withdraw(statement="INC-1-u/first_word#1", language="en", reason="wrong airport")


def test_a_thread_and_its_correction_hang_together(ours: Ours) -> None:
    channel = ours.channel()
    first = channel.send(post("One", parts=3), "1")
    second = channel.send(post("Two", part=2, parts=3), "2", first)
    third = channel.send(post("Three", part=3, parts=3), "3", second)
    channel.send(post("Not three but four", corrects="s"), "4", third)
    replies = {}
    for found in ours.server.posts(ours.who["did"]):
        reply = found["value"].get("reply", {})
        replies[found["value"]["text"]] = {
            end: (ref["uri"], ref["cid"]) for end, ref in reply.items() if end != "$type"
        }
    refs = [(receipt.id, receipt.facts["cid"]) for receipt in (first, second, third)]
    assert replies == {
        "One": {},
        "Two": {"root": refs[0], "parent": refs[0]},
        "Three": {"root": refs[0], "parent": refs[1]},
        "Not three but four": {"root": refs[0], "parent": refs[2]},
    }


def test_an_answer_sent_again_by_another_process_is_the_same_record_and_is_found(ours: Ours) -> None:
    first = ours.channel().send(post("One"), "1")
    second = ours.channel().send(post("Two", part=2), "2", first)
    assert ours.channel().send(post("Two", part=2), "2", first) == second
    assert ours.channel().find(post("Two", part=2), "2", first) == second
    assert second.facts["root"] == {"uri": first.id, "cid": first.facts["cid"]}
    assert ours.posts() == ["One", "Two"]


def test_a_room_elsewhere_is_nothing_to_answer(ours: Ours) -> None:
    receipt = ours.channel().send(post(), "1", Receipt(id="1763784000.000100", place="C0001"))
    assert "root" not in receipt.facts
    assert ours.posts() == [TEXT]


def test_withdrawn_it_is_gone_twice_is_done_and_another_stays(ours: Ours) -> None:
    channel = ours.channel()
    first, _ = channel.send(post("One"), "1"), channel.send(post("Two"), "2")
    assert channel.find(WITHDRAW, "w", first) is None
    receipt = channel.send(WITHDRAW, "w", first)
    assert receipt == first.model_copy(update={"facts": {**first.facts, "withdrawn": True}})
    assert channel.send(WITHDRAW, "w", first) == receipt == ours.channel().find(WITHDRAW, "w", first)
    assert ours.posts() == ["Two"]


def test_the_post_of_another_account_is_not_said_to_be_withdrawn(ours: Ours, bluesky_server: BlueskyServer) -> None:
    first = ours.channel().send(post(), "1")
    other = Ours(bluesky_server, f"airline-{next(COUNT)}").channel()
    for ask in (other.send, other.find):
        with pytest.raises(Refused, match="not of airline"):
            ask(WITHDRAW, "w", first)
    other.close()
    assert ours.posts() == [TEXT]


def test_a_look_tells_same_changed_and_gone_and_changes_nothing(ours: Ours) -> None:
    channel = ours.channel()
    first, look = channel.send(post(), "1"), Look(text=TEXT)
    before = ours.server.posts(ours.who["did"])
    assert channel.send(look, "l", first).facts == {**first.facts, "seen": SAME, "text": TEXT}
    assert channel.find(look, "l", first) is None
    assert ours.server.posts(ours.who["did"]) == before
    channel.send(post("All is well."), "1")  # the same record, overwritten as by another program
    assert channel.send(look, "l", first).facts == {**first.facts, "seen": CHANGED, "text": "All is well."}
    channel.send(WITHDRAW, "w", first)
    assert channel.send(look, "l", first).facts == {**first.facts, "seen": GONE, "text": ""}


# ---------------------------------------------------------------- faults on the way

HTML = "<!DOCTYPE html><title>Please wait</title>"


class Silent(Wire):
    """Swallows answers while `hold` is above 0, and keeps the line open: the caller times out."""

    hold = 0

    def _pass_on(self, source: socket.socket, sink: socket.socket, answer: bool) -> bool:
        if answer and self.hold and source.recv(65536):
            self.hold -= 1
            return True
        return super()._pass_on(source, sink, answer)


@pytest.fixture
def between(bluesky_server: BlueskyServer) -> Iterator[Callable[[int], None]]:
    """Let what stands at a port carry all calls; put back afterwards. The client takes its server's own address."""
    wire, straight = bluesky_server.wire, bluesky_server.wire.to

    def carry(port: int) -> None:
        wire.to = port

    yield carry
    wire.to = straight


def deliver(channel: Bluesky, message: Message, key: str, base: Receipt | None = None) -> Receipt:
    """Send as the outbox does: after a lost answer look, and send again only where it is not there."""
    uncertain = False
    for _ in range(6):
        try:
            found = channel.find(message, key, base) if uncertain else None
            return found or channel.send(message, key, base)
        except Lost:
            uncertain = True
    raise AssertionError("six attempts were not enough")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"lose": 6}, id="answers lost"),
        pytest.param({"spoil": 6, "status": 500, "body": HTML}, id="500 after storing"),
        pytest.param({"spoil": 6, "status": 502, "body": HTML}, id="502 after storing"),
        pytest.param({"spoil": 6, "status": 200, "body": HTML}, id="HTML"),
    ],
)
def test_one_post_and_one_withdrawal_whatever_becomes_of_the_answers(
    ours: Ours, between: Callable[[int], None], faulty: Callable[..., str], fault: dict[str, object]
) -> None:
    proxy = faulty(f"http://127.0.0.1:{ours.server.wire.to}", match="Record", **fault)
    between(urlsplit(proxy).port or 0)
    channel = ours.channel()
    with pytest.raises(Lost):
        channel.send(post("One"), "1")
    first = deliver(channel, post("One"), "1")
    assert ours.posts() == ["One"]
    with pytest.raises(Lost):
        channel.send(post(), "2", first)
    second = deliver(ours.channel(), post(), "2", first)  # after a restart
    assert ours.posts() == ["One", TEXT]
    with pytest.raises(Lost):
        channel.send(WITHDRAW, "w", second)
    assert deliver(channel, WITHDRAW, "w", second).facts["withdrawn"] is True
    assert ours.posts() == ["One"]


def test_stored_and_then_timed_out_it_is_there_once(ours: Ours, between: Callable[[int], None]) -> None:
    silent = Silent(ours.server.wire.to)
    between(silent.port)
    channel = ours.channel(timeout_s=2)
    assert channel.check() == []
    silent.hold = 1
    with pytest.raises(Lost, match="Timeout"):
        channel.send(post(), "key")
    assert silent.hold == 0
    assert ours.posts() == [TEXT]
    assert channel.find(post(), "key") == channel.send(post(), "key")
    assert ours.posts() == [TEXT]
    silent.close()

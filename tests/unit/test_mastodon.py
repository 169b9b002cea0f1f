"""Mastodon by HTTP against a server that keeps posts: one post whatever is lost, and what each answer means."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.effects import CHANGED, GONE, SAME, Amend, Look, Message, Post, Receipt, Text, Withdraw
from engine.ports import CannotTell, Lost, Refused
from integrations.mastodon import Settings, connect
from integrations.mastodon.channel import Mastodon
from integrations.mastodon.text import plain, same
from tests.peers.programs import free_port
from tests.unit.mastodon_server import CUT, NO_ANSWER, PAGE_HTML, TOKEN, MastodonServer, content

TEXT = "Café ☕ closed: our systems are down.\n\nRebook at https://airline.example/help?x=1&y=2. #AirlineHelp 👨‍👩‍👧"
NOW = datetime.now(UTC)
WITHDRAW = Withdraw(statement="INC-1-abc/first_word#1", language="en", reason="wrong airport")


def post(text: str = TEXT, **more: object) -> Post:
    plain = {"incident": "INC-1", "title": "IT outage", "message": "holding", "language": "en", "severity": "SEV1"}
    rest = {"status": "responding", "statement": "INC-1-abc/first_word#1", "drafted_at": NOW}
    return Post.model_validate({**plain, **rest, "text": text, **more})


@pytest.fixture
def server() -> Iterator[MastodonServer]:
    running = MastodonServer()
    yield running
    running.close()


Make = Callable[..., Mastodon]


@pytest.fixture
def make(server: MastodonServer) -> Iterator[Make]:
    made: list[Mastodon] = []

    def channel(still_at_it_s: float = 0, **more: object) -> Mastodon:
        given = {"server_url": server.url, "access_token": TOKEN, "timeout_s": 0.4, **more}
        made.append(Mastodon(Settings.model_validate(given), still_at_it_s))
        return made[-1]

    yield channel
    for each in made:
        each.close()


def deliver(channel: Mastodon, message: Message, key: str, base: Receipt | None = None) -> Receipt:
    """Send as the outbox does: after a lost answer look, and send again only where it is not there."""
    uncertain = False
    for _ in range(6):
        try:
            found = channel.find(message, key, base) if uncertain else None
            return found or channel.send(message, key, base)
        except Lost:
            uncertain = True
        except Refused as error:
            if error.permanent:
                raise
            time.sleep(error.retry_after or 0)
    raise AssertionError("six attempts were not enough")


# ---------------------------------------------------------------- a post


def test_a_post_is_public_in_its_language_and_its_receipt_leads_to_it(server: MastodonServer, make: Make) -> None:
    receipt = make().send(post(language="nl"), "key")
    (status,) = server.statuses.values()
    assert (status["text"], status["language"], status["visibility"]) == (TEXT, "nl", "public")
    assert (receipt.id, receipt.url, receipt.place) == (status["id"], status["url"], server.url)


def test_the_second_part_and_a_correction_answer_the_first(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post("One"), "1")
    second = channel.send(post("Two", part=2, parts=2), "2", first)
    room = Receipt(id="1763784000.000100", place="C0001")
    channel.send(post("Three"), "3", room)
    assert [status["in_reply_to_id"] for status in server.statuses.values()] == [None, first.id, None]
    assert make().find(post("Two", part=2, parts=2), "2", first) == second


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(NO_ANSWER, b"", id="answer lost"),
        pytest.param(500, PAGE_HTML, id="500 after storing"),
        pytest.param(502, PAGE_HTML, id="502 after storing"),
        pytest.param(200, PAGE_HTML, id="HTML"),
        pytest.param(403, PAGE_HTML, id="a guard's own page"),
        pytest.param(200, b"", id="empty"),
        pytest.param(200, b'{"id":"1"}', id="not a post"),
        pytest.param(200, CUT, id="cut off"),
    ],
)
@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("honours_keys", [True, False], ids=["", "keys ignored"])
def test_when_the_answer_is_spoilt_there_is_one_post(
    server: MastodonServer, make: Make, status: int, body: bytes, restarted: bool, honours_keys: bool
) -> None:
    server.fail_next, server.honours_keys = [(status, body)], honours_keys
    channel = make()
    with pytest.raises(Lost):
        channel.send(post(), "key")
    later = make() if restarted else channel
    found = later.find(post(), "key")
    assert found is not None
    assert later.send(post(), "key") == found
    assert server.made == 1


@pytest.mark.parametrize("honours_keys", [True, False], ids=["", "keys ignored"])
def test_many_answers_lost_in_a_row_leave_one_post(server: MastodonServer, make: Make, honours_keys: bool) -> None:
    server.fail_next = [(NO_ANSWER, b""), (500, PAGE_HTML), (200, PAGE_HTML), (502, b"")]
    server.honours_keys = honours_keys
    receipt = deliver(make(), post(), "key")
    assert server.made == 1
    assert receipt.id in server.statuses


def test_stored_and_then_timed_out_it_is_found(server: MastodonServer, make: Make) -> None:
    server.answer_after_s = [0.8]
    assert deliver(make(), post(), "key").id in server.statuses
    assert server.made == 1


def test_timed_out_and_stored_only_later_it_is_waited_for(server: MastodonServer, make: Make) -> None:
    server.store_takes_s = 1.0
    channel = make(still_at_it_s=1.5)
    with pytest.raises(Lost):
        channel.send(post(), "key")
    with pytest.raises(Refused, match="may still be storing it") as refused:
        channel.find(post(), "key")
    assert not refused.value.permanent
    assert 0 < (refused.value.retry_after or 0) <= 1.5
    with pytest.raises(Lost, match="may still be storing"):
        channel.send(post(), "key")
    deliver(channel, post(), "key")
    assert server.made == 1


def test_two_threads_that_send_the_same_make_one_post(server: MastodonServer, make: Make) -> None:
    server.store_takes_s = 0.1
    channel = make()
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda _: channel.send(post(), "key"), range(4)))
    assert len({receipt.id for receipt in receipts}) == 1
    assert server.made == 1


def test_the_server_alone_would_have_made_several(server: MastodonServer, make: Make) -> None:
    """The race of Mastodon's own keys is there to be lost: without it the test above would prove nothing."""
    server.store_takes_s = 0.2
    channels = [make() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda channel: channel.send(post(), "key"), channels))
    assert server.made > 1


def test_two_posts_at_once_do_not_wait_for_each_other(server: MastodonServer, make: Make) -> None:
    server.store_takes_s = 1
    channel, both = make(timeout_s=10), threading.Barrier(2, timeout=5)

    def send(number: int) -> None:
        both.wait()
        channel.send(post(f"{number}"), f"key/{number}")

    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, range(2)))
    assert time.monotonic() - began < 1.9


def test_a_look_that_is_refused_leaves_a_lost_post_lost(server: MastodonServer, make: Make) -> None:
    server.fail_next = [(500, PAGE_HTML)]
    channel = make()
    with pytest.raises(Lost):
        channel.send(post(), "key")
    server.scopes = frozenset({"write:statuses"})
    with pytest.raises(Lost, match="read:statuses"):
        channel.send(post(), "key")
    assert server.made == 1


def test_two_threads_one_of_which_loses_its_answer_make_one_post(server: MastodonServer, make: Make) -> None:
    server.fail_next, server.honours_keys = [(NO_ANSWER, b"")], False
    channel = make()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: deliver(channel, post(), "key"), range(2)))
    assert server.made == 1


# ---------------------------------------------------------------- looking for it


def test_what_was_never_sent_is_not_found(server: MastodonServer, make: Make) -> None:
    server.put("Something else")
    assert make().find(post(), "key") is None
    assert server.made == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"at": NOW - timedelta(minutes=6)}, id="older"),
        pytest.param({"language": "nl"}, id="another language"),
        pytest.param({"in_reply_to_id": "1"}, id="an answer"),
        pytest.param({"reblog": {"id": "1"}}, id="a boost"),
        pytest.param({"account": {"id": "8", "acct": "else"}}, id="somebody else's"),
    ],
)
def test_another_post_with_the_same_words_is_not_taken_for_it(
    server: MastodonServer, make: Make, other: dict[str, Any]
) -> None:
    server.put(TEXT, **other)
    assert make().find(post(), "key") is None


@pytest.mark.parametrize(
    "own",
    [{}, {"at": NOW - timedelta(minutes=4)}, {"language": None}, {"language": "en-GB"}],
    ids=["plain", "a little earlier", "no language", "a region"],
)
def test_its_own_is_found(server: MastodonServer, make: Make, own: dict[str, Any]) -> None:
    status = server.put(TEXT, **own)
    found = make().find(post(), "key")
    assert found is not None
    assert found.id == status["id"]


def test_the_same_words_of_two_incidents_are_two_posts(server: MastodonServer, make: Make) -> None:
    channel = make()
    one = channel.send(post(), "INC-1/key")
    server.fail_next = [(500, b"{}")]
    other = deliver(channel, post(), "INC-2/key")
    assert one.id != other.id
    assert server.made == 2


def test_it_is_found_on_a_later_page(server: MastodonServer, make: Make) -> None:
    status = server.put(TEXT, at=NOW)
    for number in range(90):
        server.put(f"{number}", at=NOW + timedelta(seconds=number + 1))
    found = make().find(post(), "key")
    assert found is not None
    assert found.id == status["id"]


def test_among_too_many_posts_a_person_looks(server: MastodonServer, make: Make) -> None:
    for number in range(401):
        server.put(f"{number}", at=NOW + timedelta(seconds=number))
    with pytest.raises(CannotTell, match="over 400 posts"):
        make().find(post(), "key")


# ---------------------------------------------------------------- edit, withdraw, look


def test_an_edit_changes_the_words_in_place_and_is_found(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post("Gate B4"), "1")
    amend = Amend(post=post("Gate B5", language="es"))
    assert channel.find(amend, "2", first) is None
    receipt = channel.send(amend, "2", first)
    assert receipt == first == make().find(amend, "2", first)
    assert server.texts() == ["Gate B5"]
    assert server.statuses[first.id]["language"] == "es"


def test_an_edit_whose_answer_is_lost_is_found(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post("Gate B4"), "1")
    server.fail_next = [(NO_ANSWER, b"")]
    assert deliver(channel, Amend(post=post("Gate B5")), "2", first) == first
    assert (server.made, server.texts()) == (1, ["Gate B5"])
    assert len([call for call in server.calls if call[0] == "PUT"]) == 1


def test_what_is_gone_can_not_be_edited_and_the_sentence_says_what_to_do(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post(), "1")
    server.delete(first.id)
    assert channel.find(Amend(post=post("New")), "2", first) is None
    with pytest.raises(Refused, match="publish the new words as a statement") as refused:
        channel.send(Amend(post=post("New")), "2", first)
    assert refused.value.permanent


def test_withdrawn_it_is_gone_and_twice_is_done(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post(), "1")
    assert channel.find(WITHDRAW, "2", first) is None
    receipt = channel.send(WITHDRAW, "2", first)
    assert (receipt.id, receipt.facts) == (first.id, {**first.facts, "withdrawn": True})
    assert channel.send(WITHDRAW, "2", first) == receipt == channel.find(WITHDRAW, "2", first)
    assert server.texts() == []


def test_a_withdrawal_whose_answer_is_lost_is_found(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post(), "1")
    server.fail_next = [(NO_ANSWER, b"")]
    assert deliver(channel, WITHDRAW, "2", first).facts["withdrawn"] is True
    assert server.texts() == []


def test_the_post_of_another_account_is_not_said_to_be_withdrawn(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post(), "1")
    server.statuses[first.id]["account"] = {"id": "8", "acct": "former"}
    with pytest.raises(Refused, match="not of this account") as refused:
        channel.send(WITHDRAW, "2", first)
    assert refused.value.permanent


def test_a_look_tells_same_changed_and_gone(server: MastodonServer, make: Make) -> None:
    channel = make()
    first = channel.send(post(), "1")
    look = Look(text=TEXT)
    seen = channel.send(look, "2", first)
    assert seen.facts == {**first.facts, "seen": SAME, "text": TEXT}
    assert channel.find(look, "2", first) is None
    server.edit(first.id, "All is well.")
    assert channel.send(look, "2", first).facts == {**first.facts, "seen": CHANGED, "text": "All is well."}
    server.delete(first.id)
    assert channel.send(look, "2", first).facts == {**first.facts, "seen": GONE, "text": ""}
    assert {method for method, _ in server.calls[1:]} == {"GET"}


@pytest.mark.parametrize("status", [200, 404, 500, 403])
def test_an_error_page_is_never_taken_for_a_post_that_is_gone(server: MastodonServer, make: Make, status: int) -> None:
    channel = make()
    first = channel.send(post(), "1")
    for message in (Look(text=TEXT), WITHDRAW):
        server.refuse_next = [(status, PAGE_HTML, {})]
        with pytest.raises((Lost, Refused)):
            channel.send(message, "2", first)
    server.refuse_next = [(status, PAGE_HTML, {})]
    with pytest.raises((Lost, Refused)):
        channel.find(WITHDRAW, "2", first)


@pytest.mark.parametrize("message", [WITHDRAW, Look(text=TEXT), Amend(post=post())], ids=lambda m: m.kind)
@pytest.mark.parametrize("base", [None, Receipt(id="1", place="https://other.example")], ids=["none", "elsewhere"])
def test_what_is_not_on_this_server_is_left_alone(
    server: MastodonServer, make: Make, message: Message, base: Receipt | None
) -> None:
    with pytest.raises(Refused, match="by hand") as refused:
        make().send(message, "key", base)
    assert refused.value.permanent
    assert server.calls == []


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("status", "error", "permanent", "says"),
    [
        (401, "El token de acceso ha sido revocado", True, "Make a new one"),
        (403, "This action is outside the authorized scopes", True, "write:statuses"),
        (422, "Validation failed: Text character limit of 500 exceeded", True, "character limit of 500"),
        (409, "Conflict", False, "for now"),
    ],
)
def test_what_was_refused_is_refused_and_says_what_to_do(
    server: MastodonServer, make: Make, status: int, error: str, permanent: bool, says: str
) -> None:
    server.refuse_next = [(status, f'{{"error":"{error}"}}'.encode(), {})]
    channel = make()
    with pytest.raises(Refused, match=says) as refused:
        channel.send(post(), "key")
    assert refused.value.permanent is permanent
    assert TOKEN not in str(refused.value)
    channel.send(post(), "key")
    assert [method for method, _ in server.calls] == ["POST", "POST"]


def test_a_token_without_the_right_to_write_is_named_and_with_it_the_post_is_made(
    server: MastodonServer, make: Make
) -> None:
    server.scopes = frozenset({"read:statuses", "read:accounts"})
    with pytest.raises(Refused, match="write:statuses"):
        make().send(post(), "key")
    assert server.made == 0


def iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Retry-After", lambda at: "90"),
        ("X-RateLimit-Reset", iso),
        ("X-RateLimit-Reset", lambda at: str(int(at.timestamp()))),
    ],
    ids=["retry-after", "iso", "epoch"],
)
@pytest.mark.parametrize("body", [b'{"error":"Throttled"}', PAGE_HTML], ids=["json", "html"])
def test_a_429_says_when_to_come_again(
    server: MastodonServer, make: Make, name: str, value: Callable[[datetime], str], body: bytes
) -> None:
    server.refuse_next = [(429, body, {name: value(datetime.now(UTC) + timedelta(seconds=90))})]
    with pytest.raises(Refused, match="asks us to wait") as refused:
        make().send(post(), "key")
    assert not refused.value.permanent
    assert refused.value.retry_after == pytest.approx(90, abs=5)
    assert len(server.calls) == 1


def test_a_reset_that_can_not_be_read_is_no_reset(server: MastodonServer, make: Make) -> None:
    server.refuse_next = [(429, b"{}", {"X-RateLimit-Reset": "soon"})]
    with pytest.raises(Refused) as refused:
        make().send(post(), "key")
    assert refused.value.retry_after is None


def test_an_unreachable_server_is_refused_for_now(make: Make) -> None:
    with pytest.raises(Refused, match="can't be reached") as refused:
        make(server_url=f"http://127.0.0.1:{free_port()}").send(post(), "key")
    assert not refused.value.permanent


@pytest.mark.parametrize(
    ("given", "says"),
    [({"server_url": "mastodon.example"}, "no web address"), ({"access_token": "ünd so"}, "copy it again")],
)
def test_a_setting_that_can_not_be_right_is_named(make: Make, given: dict[str, str], says: str) -> None:
    with pytest.raises(Refused, match=says) as refused:
        make(**given).send(post(), "key")
    assert refused.value.permanent


def test_a_server_that_moved_or_is_no_mastodon_is_named(server: MastodonServer, make: Make) -> None:
    server.refuse_next = [(301, b"", {"Location": "https://new.example/"}), (404, PAGE_HTML, {})]
    with pytest.raises(Refused, match=r"moved to https://new\.example/; set server_url"):
        make().send(post(), "key")
    with pytest.raises(Refused, match="no Mastodon at server_url"):
        make().send(post(), "key")
    assert len(server.calls) == 2


def test_what_does_not_fit_is_a_drill_or_is_no_statement_never_leaves(server: MastodonServer, make: Make) -> None:
    for message in (post("x" * 501), post("[DRILL] x", drill=True), Text(text="Situation", room="duty")):
        with pytest.raises(Refused) as refused:
            make().send(message, "key")
        assert refused.value.permanent
    first = make().send(post(), "first")
    with pytest.raises(Refused, match="drill"):
        make().send(Amend(post=post("[DRILL] x", drill=True)), "key", first)
    assert server.texts() == [TEXT]
    make(post_drills=True).send(post("[DRILL] x", drill=True), "drill")
    assert server.texts() == [TEXT, "[DRILL] x"]


# ---------------------------------------------------------------- doctor


def test_doctor_finds_nothing_where_all_is_well_and_changes_nothing(server: MastodonServer, make: Make) -> None:
    assert make().check() == []
    assert server.made == 0


@pytest.mark.parametrize(
    ("scopes", "says"),
    [
        ({"read:statuses", "read:accounts"}, "withdraw"),
        ({"write:statuses", "read:accounts"}, "look up our posts"),
        ({"write:statuses", "read:statuses"}, "log in"),
    ],
)
def test_doctor_names_the_right_that_is_missing(
    server: MastodonServer, make: Make, scopes: set[str], says: str
) -> None:
    server.scopes = frozenset(scopes)
    (finding,) = make().check()
    assert says in finding
    assert finding.endswith(".")


def test_doctor_says_when_the_server_takes_less_than_we_think(server: MastodonServer, make: Make) -> None:
    (finding,) = make(max_characters=1000).check()
    assert "takes 500 characters" in finding
    assert "set it to 500" in finding
    server.max_characters = 5000
    assert make(max_characters=1000).check() == []


def test_doctor_says_one_sentence_for_a_bad_token(make: Make) -> None:
    findings = make(access_token="old").check()
    assert [finding for finding in findings if "Make a new one" in finding]
    assert not [finding for finding in findings if "old" in finding]


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "One\nTwo\n\n\nThree",
        "5 < 6 & “quoted” 'it' <b>",
        "Ask @help@mastodon.example now",
        "الرحلات متوقفة: https://airline.example/ar/help\nنعتذر.",
    ],
)
def test_what_the_server_makes_of_a_text_says_the_same(text: str) -> None:
    assert same(plain(content(text)), text)
    assert not same(plain(content(text)), text + " not")


def test_plain_text_keeps_lines_and_links_whole() -> None:
    """The HTML is as a Mastodon 4.4 makes it."""
    link = (
        '<a href="https://www.example.org/long" target="_blank" rel="nofollow noopener" translate="no">'
        '<span class="invisible">https://www.</span><span class="ellipsis">example.org/lo</span>'
        '<span class="invisible">ng</span></a>'
    )
    assert plain(f"<p>I&#39;m here<br />{link}</p><p>End</p>") == "I'm here\nhttps://www.example.org/long\n\nEnd"


def test_connecting_asks_nothing(server: MastodonServer) -> None:
    channel = connect(Settings.model_validate({"server_url": server.url, "access_token": TOKEN}))
    channel.close()
    assert server.calls == []

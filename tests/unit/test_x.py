"""X, against a stand-in that keeps posts: what is sent and stands there, what its refusals mean, that it is once."""

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from engine.effects import CHANGED, GONE, SAME, Amend, Look, Post, Receipt, Withdraw
from engine.ports import ASKS_TO_WAIT, CannotTell, Lost, Refused
from integrations.x import Settings
from integrations.x.channel import X
from integrations.x.text import read, same
from tests.unit import x_server as x
from tests.unit.faulty_http import BROKEN, FAIL, FINE_PAGE, LOSE, NEVER, PAGE, Fault, Reply, deliver
from tests.unit.x_server import KEYS, XServer

TEXT = "Café <closed> & rebooking: see https://airline.example/help?a=1&copy=2#now or airline.com/s/.\n\nAlles 100% ☕"
WITHDRAW = Withdraw(statement="s", language="en", reason="wrong")


def post(text: str = TEXT, **more: Any) -> Post:
    plain = {"incident": "INC-1", "title": "IT outage", "message": "holding", "language": "en", "severity": "SEV1"}
    rest = {"status": "responding", "statement": "INC-1-u/first_word#1", "drafted_at": datetime.now(UTC)}
    return Post.model_validate({**plain, **rest, "text": text, **more})


@pytest.fixture
def server() -> Iterator[XServer]:
    with x.x_server() as running:
        yield running


@pytest.fixture
def channel_of(server: XServer) -> Iterator[Callable[..., X]]:
    made: list[X] = []

    def make(settles_s: float | None = None, **more: Any) -> X:
        given = {**KEYS, "api_url": server.url, "timeout_s": 5, **more}
        made.append(X(Settings.model_validate(given), settles_s))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(channel_of: Callable[..., X]) -> X:
    return channel_of()


# ---------------------------------------------------------------- what is sent, and what stands there


def test_a_post_is_made_signed_and_its_receipt_leads_to_it(server: XServer, channel: X) -> None:
    receipt = channel.send(post(), "k")
    assert server.texts() == [TEXT]
    assert receipt == Receipt(id=next(iter(server.posts)), place="x.com", url=f"https://x.com/i/status/{receipt.id}")
    (call,) = server.calls
    assert json.loads(call.body) == {"text": TEXT}
    assert call.headers["authorization"].startswith("OAuth ")


@pytest.mark.parametrize("wrong", KEYS)
def test_a_wrong_key_is_refused_for_good_and_says_what_to_make(server: XServer, channel_of: Any, wrong: str) -> None:
    with pytest.raises(Refused, match="Make a new access token with read and write") as refused:
        channel_of(**{wrong: "somethingElse0000000"}).send(post(), "k")
    assert refused.value.permanent
    assert server.made == 0


def test_what_x_shows_reads_as_it_was_written(server: XServer, channel: X) -> None:
    receipt = channel.send(post(), "k")
    shown = server._shown(server.posts[receipt.id])
    assert "t.co" in shown["text"]
    assert "&lt;closed&gt; &amp;" in shown["text"]
    assert read(shown).replace("http://airline.com", "airline.com") == TEXT
    seen = channel.send(Look(text=TEXT), "look", receipt)
    assert seen.facts["seen"] == SAME
    assert seen.facts["text"] == read(shown)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a  b\n", "a b"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("see airline.com/x.", "see http://airline.com/x."),
        ("see https://airline.com/", "see https://airline.com"),
        ("https://airline.com/ü", "https://airline.com/%C3%BC"),
    ],
)
def test_what_nobody_edited_is_the_same(written: str, shown: str) -> None:
    assert same(written, shown)


@pytest.mark.parametrize(
    ("written", "shown"), [("10:30", "11:30"), ("see a.com/x", "see a.com/y"), ("No.", "No"), ("a", "A")]
)
def test_what_somebody_edited_is_not(written: str, shown: str) -> None:
    assert not same(written, shown)


def test_a_long_post_is_read_whole() -> None:
    note = {
        "text": "All &gt; of it https://t.co/a1",
        "entities": {"urls": [{"url": "https://t.co/a1", "expanded_url": "https://b.com"}]},
    }
    assert read({"text": "All &gt; of", "note_tweet": note}) == "All > of it https://b.com"


def test_a_post_edited_by_hand_is_seen_as_changed_with_its_new_words(server: XServer, channel: X) -> None:
    receipt = channel.send(post("Wait at home."), "k")
    server.edit(receipt.id, "Wait at home, please.")
    seen = channel.send(Look(text="Wait at home."), "look", receipt)
    assert (seen.facts["seen"], seen.facts["text"]) == (CHANGED, "Wait at home, please.")
    assert seen.id == receipt.id


def test_a_post_deleted_by_hand_is_seen_as_gone_and_other_facts_stay(server: XServer, channel: X) -> None:
    receipt = channel.send(post(), "k").model_copy(update={"facts": {"part": 1}})
    server.remove(receipt.id)
    assert channel.send(Look(text=TEXT), "look", receipt).facts == {"part": 1, "seen": GONE, "text": ""}
    server.breaks(Fault("GET", reply=Reply(404, x.missing(receipt.id))))
    assert channel.send(Look(text=TEXT), "look", receipt).facts["seen"] == GONE


@pytest.mark.parametrize(
    "reply", [PAGE.reply, Reply(404, "<html>"), Reply(404, {"errors": [{"code": 34}]}), Reply(200, {})]
)
def test_what_is_no_word_of_x_about_the_post_is_not_gone(server: XServer, channel: X, reply: Reply) -> None:
    receipt = channel.send(post(), "k")
    server.breaks(Fault("GET", reply=reply))
    with pytest.raises(Refused):
        channel.send(Look(text=TEXT), "look", receipt)


def test_a_thread_hangs_together_and_a_correction_answers(server: XServer, channel: X) -> None:
    first = channel.send(post("1"), "k/1")
    second = channel.send(post("2", part=2, parts=3), "k/2", first)
    third = channel.send(post("3", part=3, parts=3), "k/3", second)
    correction = channel.send(post("Not 1 but 4", corrects="s"), "c", first)
    hang = {id: made["answers"] for id, made in server.posts.items()}
    assert hang == {first.id: "", second.id: first.id, third.id: second.id, correction.id: first.id}


def test_where_x_lets_nobody_reply_it_says_so_and_quoting_does(server: XServer, channel_of: Any) -> None:
    first = channel_of().send(post("1"), "k/1")
    server.breaks(Fault(acts=False, reply=x.NO_REPLY))
    with pytest.raises(Refused, match="Set answer_by to quote") as refused:
        channel_of().send(post("2 https://a.com", part=2), "k/2", first)
    assert refused.value.permanent
    quoting = channel_of(answer_by="quote")
    second = quoting.send(post("2 https://a.com", part=2), "k/2", first)
    assert server.posts[second.id]["quotes"] == first.id
    assert quoting.find(post("2 https://a.com", part=2), "k/2", first) == second
    assert quoting.send(Look(text="2 https://a.com"), "l", second).facts["seen"] == SAME


def test_a_part_without_the_one_before_and_a_post_of_the_sandbox_are_refused(server: XServer, channel: X) -> None:
    sandbox = Receipt(id="1", place="sandbox")
    for message, base in [(post(part=2), None), (post(part=2), sandbox), (post(corrects="s"), sandbox)]:
        with pytest.raises(Refused, match="not made on X"):
            channel.send(message, "k", base)
    for message in (WITHDRAW, Look(text="x")):
        with pytest.raises(Refused, match="not made on X"):
            channel.send(message, "k", sandbox)
    assert server.calls == []


def test_an_answer_to_a_post_that_is_gone_is_for_good_and_to_one_not_seen_yet_for_now(
    server: XServer, channel: X
) -> None:
    first = channel.send(post("1"), "k/1")
    server.breaks(Fault(acts=False, reply=x.NOT_VISIBLE))
    with pytest.raises(Refused, match="does not see it yet") as refused:
        channel.send(post("2", part=2), "k/2", first)
    assert not refused.value.permanent
    server.remove(first.id)
    with pytest.raises(Refused, match="it is gone") as refused:
        channel.send(post("2", part=2), "k/2", first)
    assert refused.value.permanent


def test_a_post_is_withdrawn_and_again_and_when_somebody_was_there_first(server: XServer, channel: X) -> None:
    receipt = channel.send(post(), "k")
    assert channel.find(WITHDRAW, "w", receipt) is None
    done = channel.send(WITHDRAW, "w", receipt)
    assert server.posts == {}
    assert done.facts == {"withdrawn": True}
    assert channel.send(WITHDRAW, "w", receipt) == done == channel.find(WITHDRAW, "w", receipt)


def test_an_edited_post_is_withdrawn_with_all_its_versions(server: XServer, channel: X) -> None:
    receipt = channel.send(post(), "k")
    server.edit(receipt.id, "other")
    channel.send(WITHDRAW, "w", receipt)
    assert server.posts == {}


def test_what_was_not_deleted_is_not_called_withdrawn(server: XServer, channel: X) -> None:
    receipt = channel.send(post(), "k")
    for reply in (Reply(200, {"data": {"deleted": False}}), Reply(404, x.missing("1")), x.forbidden("Not yours.")):
        server.breaks(Fault("DELETE", acts=False, reply=reply))
        with pytest.raises(Refused):
            channel.send(WITHDRAW, "w", receipt)
    assert len(server.posts) == 1


@pytest.mark.parametrize("fault", [LOSE, FAIL, PAGE, FINE_PAGE, BROKEN])
def test_a_lost_answer_to_a_deletion_is_looked_for(server: XServer, channel: X, fault: Fault) -> None:
    receipt = channel.send(post(), "k")
    server.breaks(Fault("DELETE", drop=fault.drop, reply=fault.reply))
    with pytest.raises(Lost):
        channel.send(WITHDRAW, "w", receipt)
    assert channel.find(WITHDRAW, "w", receipt) == channel.send(WITHDRAW, "w", receipt)


# ---------------------------------------------------------------- finding


def test_a_post_is_found_by_its_words_and_what_it_answers(server: XServer, channel: X) -> None:
    first = channel.send(post("1"), "k/1")
    other = server.put("elsewhere")
    assert channel.find(post(), "k") is None
    made = server.put(TEXT)
    assert channel.find(post(), "k").id == made
    assert channel.find(post(part=2), "k/2", first) is None
    answer = server.put(TEXT, answers=first.id)
    assert channel.find(post(part=2), "k/2", first).id == answer
    assert channel.find(post(corrects="s"), "c", first.model_copy(update={"id": other})) is None


def test_it_looks_from_five_minutes_before_the_draft(server: XServer, channel: X) -> None:
    now = datetime.now(UTC)
    server.put(TEXT, at=now - timedelta(minutes=7))
    assert channel.find(post(drafted_at=now), "k") is None
    made = server.put(TEXT, at=now - timedelta(minutes=4))
    assert channel.find(post(drafted_at=now), "k").id == made


def test_it_turns_the_pages_and_asks_once_who_it_is(server: XServer, channel: X) -> None:
    made = server.put(TEXT)
    for number in range(250):
        server.put(f"Answer {number}")
    assert channel.find(post(), "k").id == made
    assert channel.find(post("another"), "k") is None
    assert [call.path for call in server.calls].count("/2/users/me") == 1
    assert len([call for call in server.calls if call.path.endswith("/tweets")]) == 6


def test_beyond_a_thousand_posts_a_person_decides(server: XServer, channel: X) -> None:
    for number in range(1001):
        server.put(f"Answer {number}")
    with pytest.raises(CannotTell, match="over 1000 posts"):
        channel.find(post(), "k")


def test_a_look_is_never_found(channel: X, server: XServer) -> None:
    assert channel.find(Look(text="x"), "l", Receipt(id="1", place="x.com")) is None
    assert server.calls == []


@pytest.mark.parametrize(
    "fault",
    [
        *(LOSE, FAIL, PAGE, FINE_PAGE, BROKEN),
        *(Fault(reply=Reply(200, body)) for body in ({"data": [{"id": "1"}]}, {}, {"meta": {}})),
    ],
)
def test_what_goes_wrong_while_reading_is_asked_again(server: XServer, channel: X, fault: Fault) -> None:
    """Above all it is not taken for a list without our post: that would be posted again."""
    server.put(TEXT)
    channel.send(Look(text=TEXT), "l", Receipt(id=next(iter(server.posts)), place="x.com"))
    for _ in ("who we are", "our posts"):
        server.breaks(Fault("GET", drop=fault.drop, reply=fault.reply))
        with pytest.raises(Refused) as refused:
            channel.find(post(), "k")
        assert not refused.value.permanent
        channel._account().user()
    assert channel.find(post(), "k")


# ---------------------------------------------------------------- the same text again


def test_a_text_that_x_has_already_of_this_statement_is_done(server: XServer, channel_of: Any) -> None:
    first = channel_of().send(post(), "k")
    assert channel_of().send(post(), "k") == first
    assert server.made == 1


def test_a_list_that_is_a_moment_behind_is_read_again(server: XServer, channel_of: Any) -> None:
    server.lag = timedelta(seconds=2)
    first = channel_of().send(post(), "k")
    assert channel_of().send(post(), "k") == first
    assert server.made == 1


def test_a_text_that_x_has_of_before_is_refused_for_good(server: XServer, channel: X) -> None:
    server.put(TEXT, at=datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(Refused, match="Change a word") as refused:
        channel.send(post(), "k")
    assert refused.value.permanent
    assert server.made == 1


# ---------------------------------------------------------------- exactly once

FAULTS = {"lost": LOSE, "500": FAIL, "page": PAGE, "200 page": FINE_PAGE, "broken": BROKEN, "never": NEVER}


@pytest.mark.parametrize("names", itertools.product(FAULTS, repeat=2), ids="+".join)
def test_whatever_gets_lost_there_is_one_post(server: XServer, channel_of: Any, names: tuple[str, ...]) -> None:
    """Each attempt by a new channel, as after a restart; reading fails too; X's own refusal of twins is off."""
    server.refuses_duplicates = False
    server.breaks(*(FAULTS[name] for name in names))
    server.breaks(Fault("GET", drop=True), Fault("GET", reply=PAGE.reply))
    receipt = deliver(channel_of, post(), "k")
    assert server.texts() == [TEXT]
    assert server.made == 1
    assert receipt.id in server.posts
    assert deliver(channel_of, WITHDRAW, "w", receipt).facts["withdrawn"]


def test_an_answer_that_comes_too_late_is_lost_and_found(server: XServer, channel_of: Any) -> None:
    server.breaks(Fault(late=1.0), Fault("GET", late=1.0))
    deliver(lambda: channel_of(timeout_s=0.3), post(), "k")
    assert (server.made, server.count("POST")) == (1, 1)


def test_a_thread_whose_answers_get_lost_is_one_thread(server: XServer, channel_of: Any) -> None:
    base = None
    for part in (1, 2, 3):
        server.breaks(LOSE, FAIL)
        base = deliver(channel_of, post(f"Part {part}", part=part, parts=3), f"k/{part}", base)
    assert server.texts() == ["Part 1", "Part 2", "Part 3"]


@pytest.mark.parametrize("arrives", [True, False])
def test_what_is_stored_after_we_gave_up_waiting_is_not_posted_again(
    server: XServer, channel_of: Any, arrives: bool
) -> None:
    """It is not there when we look first; only after a while does that prove that it never arrived."""
    server.refuses_duplicates = False
    channel = channel_of(settles_s=1.0, timeout_s=0.3)
    server.breaks(Fault(slow=0.8, acts=arrives))
    with pytest.raises(Lost):
        channel.send(post(), "k")
    for _ in range(2):
        with pytest.raises(Refused, match="may still be storing it") as refused:
            channel.find(post(), "k")
        assert not refused.value.permanent
        assert 0 < refused.value.retry_after <= 1
    with pytest.raises(Lost, match="may still be storing it"):
        channel.send(post(), "k")
    assert (server.made, server.count("POST")) == (0, 1)
    time.sleep(2.1)
    assert bool(channel.find(post(), "k")) is arrives
    assert channel.send(post(), "k").id in server.posts
    assert (server.made, server.count("POST")) == (1, 1 if arrives else 2)


@pytest.mark.parametrize("lose", [0, 1])
def test_two_threads_at_once_make_one_post(server: XServer, channel: X, lose: int) -> None:
    """One channel, X's own refusal off: the second waits for the first, and looks."""
    server.refuses_duplicates = False
    server.breaks(Fault(slow=0.2, drop=bool(lose)))
    with ThreadPoolExecutor(2) as pool:
        sends = [pool.submit(channel.send, post(), "k") for _ in range(2)]
    done = [send.exception() or send.result() for send in sends]
    assert server.made == 1
    assert sum(isinstance(one, Lost) for one in done) == lose
    assert len({one.id for one in done if isinstance(one, Receipt)}) == 1


def test_two_processes_at_once_make_one_post_since_x_refuses_the_second(server: XServer, channel_of: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(lambda _: channel_of().send(post(), "k"), range(2)))
    assert server.made == 1
    assert receipts[0] == receipts[1]


def test_languages_do_not_wait_for_one_another(server: XServer, channel: X) -> None:
    server.breaks(Fault(late=0.4), Fault(late=0.4), Fault(late=0.4))
    began = datetime.now(UTC)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda word: channel.send(post(word), f"k/{word}"), ("en", "nl", "es")))
    assert datetime.now(UTC) - began < timedelta(seconds=0.8)


def test_after_a_refusal_nothing_is_read_before_it_is_sent_again(server: XServer, channel: X) -> None:
    server.breaks(Fault(acts=False, reply=Reply(429, {})))
    with pytest.raises(Refused):
        channel.send(post(), "k")
    channel.send(post(), "k")
    assert server.count("GET") == 0


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (x.UNAUTHORIZED, "expired or were revoked"),
        (Reply(401, ""), "expired or were revoked"),
        (x.APP_ONLY, "OAuth 1.0a User Context"),
        (x.READ_ONLY, "read and write"),
        (x.NOT_ENROLLED, "client-not-enrolled"),
        (x.CREDITS, "402 CreditsDepleted"),
        (x.USAGE_CAP, "UsageCapExceeded"),
        (Reply(403, x.USAGE_CAP.body), "UsageCapExceeded"),
        (Reply(402, ""), "buy credits"),
        (x.forbidden("Your account is suspended."), "Your account is suspended."),
        (Reply(400, {"title": "Invalid Request", "detail": "One or more parameters."}), "One or more parameters."),
        (Reply(301, "", {"Location": "https://elsewhere.example"}), "301"),
    ],
)
def test_what_asking_again_does_not_help_is_for_good_and_named(
    server: XServer, channel: X, reply: Reply, says: str
) -> None:
    server.breaks(Fault(acts=False, reply=reply))
    with pytest.raises(Refused) as refused:
        channel.send(post(), "k")
    assert refused.value.permanent
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")
    assert server.count("POST") == 1


def test_an_app_token_in_place_of_the_accounts_is_what_x_itself_calls_app_only(server: XServer) -> None:
    import httpx

    answer = httpx.post(f"{server.url}/2/tweets", json={"text": "x"}, headers={"Authorization": "Bearer AAAA"})
    assert answer.json()["type"].endswith("unsupported-authentication")


def test_a_clock_that_is_wrong_is_named_in_place_of_the_keys(server: XServer, channel: X) -> None:
    for minutes, way in ((-20, "ahead of"), (20, "behind")):
        date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        server.breaks(Fault(acts=False, reply=x.UNAUTHORIZED, headers={"Date": date}))
        with pytest.raises(Refused, match=f"clock is 20 minutes {way} X's"):
            channel.send(post(), "k")


def test_a_pace_that_is_too_fast_waits_until_x_says(server: XServer, channel: X) -> None:
    reset = int(datetime.now(UTC).timestamp()) + 600
    headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": str(reset)}
    body = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}
    server.breaks(Fault(acts=False, reply=Reply(429, body, headers)))
    with pytest.raises(Refused, match=ASKS_TO_WAIT) as refused:
        channel.send(post(), "k")
    assert not refused.value.permanent
    assert refused.value.retry_after == pytest.approx(600, abs=3)
    server.breaks(Fault(acts=False, reply=Reply(429, "")))
    with pytest.raises(Refused, match=ASKS_TO_WAIT) as refused:
        channel.send(post(), "k")
    assert (refused.value.permanent, refused.value.retry_after) == (False, None)


def test_a_limit_for_the_day_does_not_wait_for_tomorrow(server: XServer, channel: X) -> None:
    tomorrow = datetime(2030, 3, 4, 14, 5, tzinfo=UTC)
    headers = {"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": str(int(tomorrow.timestamp()))}
    headers |= {"x-rate-limit-remaining": "3", "x-rate-limit-reset": "1"}
    server.breaks(Fault(acts=False, reply=Reply(429, {}, headers)))
    with pytest.raises(Refused, match="until 2030-03-04 14:05 UTC") as refused:
        channel.send(post(), "k")
    assert refused.value.permanent


@pytest.mark.parametrize(
    "reply", [FAIL.reply, PAGE.reply, FINE_PAGE.reply, BROKEN.reply, Reply(200, {}), Reply(403, "<html>")]
)
def test_what_may_have_happened_is_lost_and_not_sent_again_by_itself(server: XServer, channel: X, reply: Reply) -> None:
    server.breaks(Fault(reply=reply))
    with pytest.raises(Lost):
        channel.send(post(), "k")
    assert server.count("POST") == 1


def test_without_a_connection_nothing_happened(channel_of: Any) -> None:
    with pytest.raises(Refused, match="can't be reached") as refused:
        channel_of(api_url="http://127.0.0.1:9").send(post(), "k")
    assert not refused.value.permanent
    for address in ("x.com", "http://x.com:port", "https://"):
        with pytest.raises(Refused, match="api_url") as refused:
            channel_of(api_url=address).send(post(), "k")
        assert refused.value.permanent


def test_what_is_not_for_x_never_leaves(server: XServer, channel_of: Any) -> None:
    with pytest.raises(Refused, match="drill"):
        channel_of().send(post("[DRILL] x", drill=True), "k")
    with pytest.raises(Refused, match="too long for X"):
        channel_of().send(post("好" * 141), "k")
    with pytest.raises(Refused, match="kind amend"):
        channel_of().send(Amend(post=post()), "k")
    assert server.calls == []
    channel_of(post_drills=True).send(post("[DRILL] x", drill=True), "k")
    channel_of().send(post("好" * 140), "k")
    assert server.made == 2


def test_doctor_hears_what_is_wrong(server: XServer, channel_of: Any) -> None:
    assert channel_of().check() == []
    server.access = "read"
    assert "may only read" in channel_of().check()[0]
    assert "expired or were revoked" in channel_of(access_token_secret="wrong-secret").check()[0]
    server.breaks(Fault("GET", reply=PAGE.reply))
    assert channel_of().check()[0].endswith(".")
    assert server.count("POST") == 0


def test_no_secret_is_in_logs_or_errors(server: XServer, channel_of: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel_of().send(post(), "k")
    with pytest.raises(Refused) as refused:
        channel_of(consumer_secret="another-secret-0000").send(post("x"), "k")
    for secret in (KEYS["consumer_secret"], KEYS["access_token_secret"], "another-secret-0000"):
        assert secret not in caplog.text + str(refused.value)

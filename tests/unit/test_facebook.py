"""A Facebook page, against a stand-in that keeps posts: what stands there, what refusals mean, and that it is once."""

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.effects import CHANGED, GONE, SAME, Amend, Look, Message, Post, Receipt, Room, Withdraw
from engine.ports import ASKS_TO_WAIT, CannotTell, Lost, Refused
from integrations.facebook import Settings
from integrations.facebook.channel import Facebook
from tests.unit import facebook_server as fb
from tests.unit.facebook_server import PAGE_ID, SECRET, TOKEN, FacebookServer
from tests.unit.faulty_http import BROKEN, FAIL, FINE_PAGE, LOSE, NEVER, PAGE, Fault, Reply, deliver

TEXT = "Café <closed> & rebooking: see https://airline.example/help?a=1&b=2.\n\nAlles 100% ☕"
WITHDRAW = Withdraw(statement="s", language="en", reason="wrong")


def post(text: str = TEXT, **more: Any) -> Post:
    plain = {"incident": "INC-1", "title": "IT outage", "message": "holding", "language": "en", "severity": "SEV1"}
    rest = {"status": "responding", "statement": "INC-1-u/first_word#1", "drafted_at": datetime.now(UTC)}
    return Post.model_validate({**plain, **rest, "text": text, **more})


@pytest.fixture
def server() -> Iterator[FacebookServer]:
    with fb.facebook_server() as running:
        yield running


@pytest.fixture
def channel_of(server: FacebookServer) -> Iterator[Callable[..., Facebook]]:
    made: list[Facebook] = []

    def make(settles_s: float | None = None, **more: Any) -> Facebook:
        given = {"page": PAGE_ID, "page_token": TOKEN, "api_url": server.api_url, "timeout_s": 5, **more}
        made.append(Facebook(Settings.model_validate(given), settles_s))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(channel_of: Callable[..., Facebook]) -> Facebook:
    return channel_of()


# ---------------------------------------------------------------- what is sent, and what stands there


def test_a_post_is_made_and_its_receipt_leads_to_it(server: FacebookServer, channel: Facebook) -> None:
    receipt = channel.send(post(), "k")
    assert server.texts() == [TEXT]
    url = f"https://www.facebook.com/{receipt.id}"
    assert receipt == Receipt(id=next(iter(server.posts)), place=f"facebook.com/{PAGE_ID}", url=url)


def test_the_token_is_in_no_address_log_or_error(
    server: FacebookServer, channel_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = channel_of(app_secret=SECRET)
    for number in range(101):
        server.put(f"Post {number}")
    receipt = channel.send(post(), "k")
    channel.find(post("elsewhere"), "l")
    channel.check()
    for message in (Look(text=TEXT), Amend(post=post("x")), WITHDRAW):
        channel.send(message, "m", receipt)
    server.breaks(Fault(acts=False, reply=fb.EXPIRED))
    with pytest.raises(Refused) as refused:
        channel.send(post(), "k")
    assert len(server.calls) > 8
    for secret in (TOKEN, SECRET):
        assert not [call.target for call in server.calls if secret in call.target]
        assert secret not in caplog.text + str(refused.value)


def test_where_the_app_demands_it_we_prove_that_we_have_its_secret(server: FacebookServer, channel_of: Any) -> None:
    server.wants_proof = True
    with pytest.raises(Refused, match="appsecret_proof"):
        channel_of().send(post(), "k")
    channel = channel_of(app_secret=SECRET)
    receipt = channel.send(post(), "k")
    assert channel.find(post(), "k") == receipt
    assert channel.check() == []
    for message in (Look(text=TEXT), Amend(post=post("x")), WITHDRAW):
        channel.send(message, "m", receipt)
    assert server.posts == {}


def test_other_words_take_the_place_of_a_post(server: FacebookServer, channel: Facebook) -> None:
    receipt, amend = channel.send(post(), "k"), Amend(post=post("Corrected."))
    assert channel.find(amend, "a", receipt) is None
    assert channel.send(amend, "a", receipt) == receipt == channel.send(amend, "a", receipt)
    assert channel.find(amend, "a", receipt) == receipt
    assert (server.texts(), server.made) == (["Corrected."], 1)


def test_a_look_tells_same_changed_hidden_and_gone(server: FacebookServer, channel: Facebook) -> None:
    receipt = channel.send(post(), "k").model_copy(update={"facts": {"kept": 1}})
    look = Look(text=f"{TEXT}\n")
    assert channel.send(look, "l", receipt).facts == {"kept": 1, "seen": SAME, "text": TEXT}
    server.posts[receipt.id]["message"] = "Edited."
    assert channel.send(look, "l", receipt).facts == {"kept": 1, "seen": CHANGED, "text": "Edited."}
    for field, value in (("is_published", False), ("is_hidden", True)):
        server.posts[receipt.id] |= {"is_published": True, field: value}
        assert channel.send(look, "l", receipt).facts["seen"] == GONE
    del server.posts[receipt.id]
    assert channel.send(look, "l", receipt).facts == {"kept": 1, "seen": GONE, "text": ""}


def test_a_post_is_withdrawn_and_again_and_when_somebody_was_there_first(
    server: FacebookServer, channel: Facebook
) -> None:
    receipt = channel.send(post(), "k")
    assert channel.find(WITHDRAW, "w", receipt) is None
    done = channel.send(WITHDRAW, "w", receipt)
    assert (server.posts, done.facts) == ({}, {"withdrawn": True})
    assert channel.send(WITHDRAW, "w", receipt) == done == channel.find(WITHDRAW, "w", receipt)


@pytest.mark.parametrize("message", [WITHDRAW, Look(text=TEXT)])
def test_what_a_token_of_another_page_can_not_see_is_not_gone(
    server: FacebookServer, channel: Facebook, message: Message
) -> None:
    receipt = channel.send(post(), "k")
    server.me = "another"
    with pytest.raises(Refused, match=f"is of another, not of the page {PAGE_ID}") as refused:
        channel.send(message, "w", receipt)
    assert refused.value.permanent
    assert len(server.posts) == 1


def test_a_post_of_the_sandbox_or_of_another_page_is_left_alone(server: FacebookServer, channel: Facebook) -> None:
    for base in (None, Receipt(id="1", place="sandbox"), Receipt(id="1_2", place="facebook.com/1")):
        for message in (WITHDRAW, Look(text="x"), Amend(post=post())):
            with pytest.raises(Refused, match="not made on this Facebook page"):
                channel.send(message, "k", base)
    assert server.calls == []


# ---------------------------------------------------------------- finding


def test_a_post_is_found_by_its_words_from_five_minutes_before_the_draft(
    server: FacebookServer, channel: Facebook
) -> None:
    now = datetime.now(UTC)
    server.put(TEXT, at=now - timedelta(minutes=7))
    server.put("elsewhere")
    assert channel.find(post(drafted_at=now), "k") is None
    made = server.put(TEXT, at=now - timedelta(minutes=4))
    assert channel.find(post(f" {TEXT} ", drafted_at=now), "k").id == made


def test_it_turns_the_pages_and_beyond_a_thousand_a_person_decides(server: FacebookServer, channel: Facebook) -> None:
    made = server.put(TEXT)
    for number in range(250):
        server.put(f"Post {number}")
    assert channel.find(post(), "k").id == made
    assert channel.find(post("another"), "k") is None
    assert server.count("GET") == 6
    for number in range(800):
        server.put(f"More {number}")
    with pytest.raises(CannotTell, match="over 1000 posts"):
        channel.find(post(), "k")


@pytest.mark.parametrize(
    "reply", [None, PAGE.reply, FINE_PAGE.reply, BROKEN.reply, fb.AWAY, Reply(200, {}), Reply(200, [])]
)
def test_what_goes_wrong_while_reading_is_asked_again(
    server: FacebookServer, channel: Facebook, reply: Reply | None
) -> None:
    """Above all it is not taken for a list without our post, nor for a post that is gone."""
    receipt = channel.send(post(), "k")
    for ask in (lambda: channel.find(post(), "k"), lambda: channel.send(Look(text=TEXT), "l", receipt)):
        server.breaks(Fault("GET", drop=reply is None, reply=reply))
        with pytest.raises(Refused) as refused:
            ask()
        assert not refused.value.permanent
        assert ask()


# ---------------------------------------------------------------- exactly once

FAULTS = {
    "lost": LOSE,
    "500": FAIL,
    "unknown": Fault(reply=fb.UNKNOWN),
    "page": PAGE,
    "200 page": FINE_PAGE,
    "broken": BROKEN,
    "never": NEVER,
}


@pytest.mark.parametrize("names", itertools.product(FAULTS, repeat=2), ids="+".join)
def test_whatever_gets_lost_there_is_one_post(server: FacebookServer, channel_of: Any, names: tuple[str, ...]) -> None:
    """Each attempt by a new channel, as after a restart; reading fails too."""
    server.breaks(*(FAULTS[name] for name in names))
    server.breaks(Fault("GET", drop=True), Fault("GET", reply=PAGE.reply))
    receipt = deliver(channel_of, post(), "k")
    assert (server.texts(), server.made) == ([TEXT], 1)
    assert receipt.id in server.posts


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_whatever_gets_lost_a_post_is_corrected_and_withdrawn(
    server: FacebookServer, channel_of: Any, fault: Fault
) -> None:
    receipt = channel_of().send(post(), "k")
    server.breaks(fault, Fault("DELETE", fault.acts, fault.drop, fault.late, fault.reply))
    assert deliver(channel_of, Amend(post=post("Corrected.")), "a", receipt) == receipt
    assert server.texts() == ["Corrected."]
    assert deliver(channel_of, WITHDRAW, "w", receipt).facts["withdrawn"]
    assert (server.posts, server.made) == ({}, 1)


def test_an_answer_that_comes_too_late_is_lost_and_found(server: FacebookServer, channel_of: Any) -> None:
    server.breaks(Fault(late=1.0), Fault("GET", late=1.0))
    deliver(lambda: channel_of(timeout_s=0.3), post(), "k")
    assert (server.made, server.count("POST")) == (1, 1)


@pytest.mark.parametrize("arrives", [True, False])
def test_what_is_stored_after_we_gave_up_waiting_is_not_posted_again(
    server: FacebookServer, channel_of: Any, arrives: bool
) -> None:
    """It is not there when we look first; only after a while does that prove that it never arrived."""
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
def test_two_threads_at_once_make_one_post(server: FacebookServer, channel: Facebook, lose: int) -> None:
    server.breaks(Fault(slow=0.2, drop=bool(lose)))
    with ThreadPoolExecutor(2) as pool:
        sends = [pool.submit(channel.send, post(), "k") for _ in range(2)]
    done = [send.exception() or send.result() for send in sends]
    assert server.made == 1
    assert sum(isinstance(one, Lost) for one in done) == lose
    assert len({one.id for one in done if isinstance(one, Receipt)}) == 1


def test_a_text_that_facebook_has_already_of_this_statement_is_done(server: FacebookServer, channel_of: Any) -> None:
    server.refuses_duplicates = True
    assert channel_of().send(post(), "k") == channel_of().send(post(), "k")
    assert server.made == 1


def test_a_text_that_facebook_has_of_before_is_refused_for_good(server: FacebookServer, channel: Facebook) -> None:
    server.refuses_duplicates = True
    server.put(TEXT, at=datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(Refused, match="Change a word") as refused:
        channel.send(post(), "k")
    assert refused.value.permanent


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (fb.EXPIRED, "190/463: it has expired"),
        (fb.INVALID, "190/467: it was revoked"),
        (fb.refusal(190, status=401), "190: it is not valid"),
        (fb.refusal(102), "Make a new page token"),
        (fb.refusal(200, message="(#200) requires pages_manage_posts", status=403), "needs pages_manage_posts"),
        (fb.refusal(10, message="(#10) no", status=403), "needs pages_manage_posts"),
        (fb.refusal(283, message="(#283) Requires pages_read_engagement"), "needs pages_read_engagement"),
        (fb.BLOCKED, "blocked us for a while (368)"),
        (fb.refusal(100, message="Invalid parameter"), "(100): Invalid parameter."),
        (fb.missing("POST", "1"), "no such post or page"),
        (Reply(302, "", {"Location": "https://www.facebook.com"}), "correct api_url"),
    ],
)
def test_what_asking_again_does_not_help_is_for_good_and_named(
    server: FacebookServer, channel: Facebook, reply: Reply, says: str
) -> None:
    server.breaks(Fault(acts=False, reply=reply))
    with pytest.raises(Refused) as refused:
        channel.send(post(), "k")
    assert refused.value.permanent
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")
    assert server.count("POST") == 1


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001])
@pytest.mark.parametrize("minutes", [0, 7])
def test_a_pace_that_is_too_fast_waits_as_long_as_facebook_estimates(
    server: FacebookServer, channel: Facebook, code: int, minutes: int
) -> None:
    use = {"type": "pages", "call_count": 100, "total_cputime": 25, "total_time": 25}
    cases = {PAGE_ID: [{**use, "estimated_time_to_regain_access": each} for each in (0, minutes)]}
    headers = {"X-Business-Use-Case-Usage": json.dumps(cases), "X-App-Usage": '{"call_count":100}'}
    reply = fb.refusal(code, status=403, is_transient=True)._replace(headers=headers)
    server.breaks(Fault(acts=False, reply=reply))
    with pytest.raises(Refused, match=ASKS_TO_WAIT) as refused:
        channel.send(post(), "k")
    assert not refused.value.permanent
    assert refused.value.retry_after == (minutes * 60 or None)


@pytest.mark.parametrize("header", ["", "{", "[]", '{"1": [{}]}', '{"1": null}'])
def test_an_estimate_that_can_not_be_read_is_none(server: FacebookServer, channel: Facebook, header: str) -> None:
    server.breaks(Fault(acts=False, reply=fb.MANY._replace(headers={"X-Business-Use-Case-Usage": header})))
    with pytest.raises(Refused, match=ASKS_TO_WAIT) as refused:
        channel.send(post(), "k")
    assert refused.value.retry_after is None


@pytest.mark.parametrize(
    "reply",
    [
        *(fb.UNKNOWN, fb.AWAY, fb.refusal(1), fb.refusal(2), fb.refusal(100, status=500)),
        *(FAIL.reply, PAGE.reply, FINE_PAGE.reply, BROKEN.reply),
        *(Reply(200, {}), Reply(200, {"id": ""}), Reply(403, "<html>")),
    ],
)
def test_what_may_have_happened_is_lost_and_not_sent_again_by_itself(
    server: FacebookServer, channel: Facebook, reply: Reply
) -> None:
    server.breaks(Fault(reply=reply))
    with pytest.raises(Lost):
        channel.send(post(), "k")
    assert server.count("POST") == 1


def test_without_a_connection_nothing_happened(channel_of: Any) -> None:
    with pytest.raises(Refused, match="can't be reached") as refused:
        channel_of(api_url="http://127.0.0.1:9").send(post(), "k")
    assert not refused.value.permanent
    with pytest.raises(Refused, match="api_url") as refused:
        channel_of(api_url="graph.facebook.com").send(post(), "k")
    assert refused.value.permanent


def test_what_is_not_for_facebook_never_leaves(server: FacebookServer, channel_of: Any) -> None:
    channel = channel_of()
    for message, why in [
        (post("[DRILL] x", drill=True), "drill"),
        (post("x" * 63207), "too long for Facebook"),
        (post(part=2), "no threads"),
        (Room(name="r", topic="t", purpose="p"), "kind room"),
    ]:
        with pytest.raises(Refused, match=why) as refused:
            channel.send(message, "k")
        assert refused.value.permanent
    amend = Amend(post=post("[DRILL] x", drill=True))
    with pytest.raises(Refused, match="drill"):
        channel.send(amend, "k", Receipt(id="1", place=f"facebook.com/{PAGE_ID}"))
    assert server.calls == []
    channel_of(post_drills=True).send(post("[DRILL] x", drill=True), "k")
    assert server.made == 1


# ---------------------------------------------------------------- doctor


def test_doctor_hears_what_is_wrong_with_the_token(server: FacebookServer, channel_of: Any) -> None:
    assert channel_of().check() == []
    server.scopes.remove("pages_manage_posts")
    assert channel_of().check() == ["The page token lacks pages_manage_posts; make a new one with it, and set it."]
    server.tells_of_tokens = False
    assert channel_of().check() == []
    server.me = "77"
    assert channel_of().check()[0].startswith(f"The page token is of 77, not of the page {PAGE_ID}")
    assert "not valid" in channel_of(page_token="wrong").check()[0]
    server.breaks(Fault("GET", reply=PAGE.reply))
    assert channel_of().check()[0].endswith(".")
    assert server.made == 0


def test_doctor_hears_of_a_token_that_ends_soon(server: FacebookServer, channel_of: Any) -> None:
    now = datetime.now(UTC)
    server.expires_at = int((now + timedelta(days=30)).timestamp())
    assert channel_of().check() == []
    server.expires_at = int((now + timedelta(days=3)).timestamp())
    assert f"ends on {now + timedelta(days=3):%d %b %Y}" in channel_of().check()[0]

"""The marketing scheduler as a channel: our webhook's contract and Mastodon's scheduled posts, over real HTTP."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from engine.effects import Hold, Text
from engine.ports import Lost, Refused
from integrations.marketing import Settings
from integrations.marketing.channel import Marketing
from integrations.marketing.mastodon import PUT_OFF
from tests.unit.scheduler_server import Contract, MastodonServer, serve

NOW = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
HOLD = Hold(incident="INC-1", held=True, reason="IT outage (SEV2)")
RELEASE = Hold(incident="INC-1", held=False, reason="IT outage is over")
DRILL = HOLD.model_copy(update={"drill": True})
HTML = "<html><body>Please log in</body></html>"


@pytest.fixture
def there() -> Iterator[Contract]:
    contract = Contract()
    with serve(contract):
        yield contract


def channel(url: str, **more: Any) -> Marketing:
    return Marketing(Settings.model_validate({"url": url, "timeout_s": 2, **more}), lambda: NOW)


# ---------------------------------------------------------------- the contract


def test_hold_and_release_are_told_and_looked_at(there: Contract) -> None:
    receipt = channel(there.url, token="t-1").send(HOLD, "INC-1-abc/no_marketing#1/marketing")
    assert there.held
    assert receipt.facts == {"held": True, "scheduled": 12, "missed": 0}
    put, get = there.seen
    assert (put.method, get.method) == ("PUT", "GET")
    assert put.json == {"held": True, "incident": "INC-1", "reason": "IT outage (SEV2)", "drill": False}
    assert put.headers["authorization"] == get.headers["authorization"] == "Bearer t-1"
    assert put.headers["idempotency-key"] == "INC-1-abc/no_marketing#1/marketing"
    assert "x-irrops-signature" not in put.headers
    assert channel(there.url).send(RELEASE, "k").facts["held"] is False
    assert not there.held


def test_done_twice_it_is_done_once(there: Contract) -> None:
    both = [channel(there.url).send(HOLD, "k") for _ in range(2)]
    assert both[0] == both[1]
    assert there.changes == 1


def test_a_webhook_can_verify_that_it_is_us(there: Contract) -> None:
    channel(there.url, secret="s3").send(HOLD, "k")
    for seen in there.seen:
        time = seen.headers["x-irrops-timestamp"]
        assert int(time) == NOW.timestamp()
        signed = time.encode() + b"." + seen.method.encode() + b"." + seen.body
        expected = hmac.new(b"s3", signed, hashlib.sha256).hexdigest()
        assert seen.headers["x-irrops-signature"] == f"sha256={expected}"


def test_what_was_asked_for_is_found_whoever_did_it(there: Contract) -> None:
    assert channel(there.url).find(HOLD, "k") is None
    there.held = True
    found = channel(there.url).find(HOLD, "k")
    assert found
    assert found.facts["scheduled"] == 12
    assert channel(there.url).find(RELEASE, "k") is None
    assert there.count("PUT") == 0


def test_a_scheduler_that_takes_it_and_does_nothing_is_not_believed(there: Contract) -> None:
    there.fault("PUT", lie=True)
    with pytest.raises(Refused, match="took the request to hold, and has not done it") as refused:
        channel(there.url).send(HOLD, "k")
    assert not refused.value.permanent
    assert channel(there.url).send(HOLD, "k").facts["held"]


def test_a_lost_answer_is_found_afterwards(there: Contract) -> None:
    there.fault("PUT", lose=True)
    with pytest.raises(Lost):
        channel(there.url).send(HOLD, "k")
    assert channel(there.url).find(HOLD, "k")
    assert there.changes == 1


def test_an_answer_that_comes_too_late_is_lost(there: Contract) -> None:
    there.fault("PUT", after=1.0)
    with pytest.raises(Lost, match="ReadTimeout"):
        channel(there.url, timeout_s=0.2).send(HOLD, "k")


def test_done_but_not_to_be_seen_is_lost_and_nothing_is_claimed(there: Contract) -> None:
    there.fault("GET", status=200, body=HTML)
    with pytest.raises(Lost, match=r"Told to hold, but what came of it can't be seen: .* answers text/html"):
        channel(there.url).send(HOLD, "k")


@pytest.mark.parametrize(
    ("fault", "kind", "permanent", "says"),
    [
        ({"status": 401}, Refused, True, "correct marketing.token or marketing.secret"),
        ({"status": 403}, Refused, True, "HTTP 403"),
        ({"status": 404}, Refused, True, "see marketing.url"),
        ({"status": 302, "headers": {"Location": "/login"}}, Refused, True, "has moved .*correct marketing.url"),
        ({"status": 429, "headers": {"Retry-After": "7"}}, Refused, False, "asks us to wait"),
        ({"status": 503}, Refused, False, "asks us to wait"),
        ({"status": 500}, Lost, None, "leaves open whether it was done .HTTP 500"),
        ({"status": 502, "body": HTML}, Lost, None, "HTTP 502"),
    ],
)
def test_each_failure_is_named(there: Contract, fault: Any, kind: type[Exception], permanent: Any, says: str) -> None:
    there.fault("PUT", **fault)
    with pytest.raises(kind, match=says) as raised:
        channel(there.url).send(HOLD, "k")
    if isinstance(raised.value, Refused):
        assert raised.value.permanent is permanent
        assert raised.value.retry_after == (7 if fault["status"] == 429 else None)
    assert there.count("PUT") == 1, "nothing is sent again by itself, and no redirect is followed"


@pytest.mark.parametrize("answer", ["[]", '{"held": "yes", "scheduled": 1}', '{"held": true}', '{"scheduled": -1}'])
def test_an_answer_that_breaks_the_contract_says_what_is_expected(there: Contract, answer: str) -> None:
    there.answer = lambda seen, act: (200, json.loads(answer))  # type: ignore[method-assign]
    with pytest.raises(Refused, match=r'expected is \{"held": true or false, "scheduled": a number\}') as refused:
        channel(there.url).find(HOLD, "k")
    assert not refused.value.permanent


def test_what_only_reads_is_never_lost(there: Contract) -> None:
    for fault in ({"lose": True}, {"status": 500}):
        there.fault("GET", **fault)
        with pytest.raises(Refused) as refused:
            channel(there.url).find(HOLD, "k")
        assert not refused.value.permanent


def test_where_nobody_listens_nothing_has_happened() -> None:
    with pytest.raises(Refused, match="can't be reached") as refused:
        channel("http://127.0.0.1:9/hold").send(HOLD, "k")
    assert not refused.value.permanent


# ---------------------------------------------------------------- drills, doctor, settings


def test_a_drill_only_looks(there: Contract) -> None:
    receipt = channel(there.url).send(DRILL, "k")
    assert receipt.facts == {"held": False, "scheduled": 12, "missed": 0, "only_looked": True}
    assert there.count("PUT") == 0
    assert channel(there.url).find(DRILL, "k") is None
    there.fault("GET", status=401)
    with pytest.raises(Refused) as refused:
        channel(there.url).send(DRILL, "k")
    assert refused.value.permanent, "a drill shows that the token has expired"


def test_a_drill_holds_where_the_settings_let_it(there: Contract) -> None:
    assert channel(there.url, hold_in_drills=True).send(DRILL, "k").facts["held"]
    assert there.held
    assert there.seen[0].json["drill"] is True


def test_other_messages_are_refused_for_good(there: Contract) -> None:
    with pytest.raises(Refused, match="marketing takes no text") as refused:
        channel(there.url).send(Text(text="t"), "k")
    assert refused.value.permanent
    assert not there.seen


def test_doctor_hears_what_is_wrong(there: Contract) -> None:
    assert channel(there.url).check() == []
    there.token = "other"
    [found] = channel(there.url, token="old").check()
    assert found.endswith("or give it the right.")
    assert there.count("PUT") == 0


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        ({}, False),
        ({"url": "https://a.example"}, True),
        ({"url": "https://a.example", "scheduler": "mastodon"}, False),
        ({"url": "https://a.example", "scheduler": "mastodon", "token": "t"}, True),
    ],
)
def test_when_the_sandbox_stands_for_it(given: dict[str, str], complete: bool) -> None:
    assert Settings.model_validate(given).complete is complete


def test_an_address_that_is_none_is_refused_with_an_example() -> None:
    with pytest.raises(ValidationError, match="write it like https://scheduler"):
        Settings(url="scheduler.example")
    assert "s3" not in repr(Settings.model_validate({"secret": "s3", "token": "s3"}))


# ---------------------------------------------------------------- Mastodon


@pytest.fixture
def mastodon() -> Iterator[MastodonServer]:
    server = MastodonServer(NOW)
    server.token = "t-1"
    with serve(server):
        server.url = server.url.removesuffix("/hold")
        yield server


def at_mastodon(server: MastodonServer, now: datetime = NOW, **more: Any) -> Marketing:
    server.now = now
    settings = {"url": server.url, "scheduler": "mastodon", "token": "t-1", "timeout_s": 2, **more}
    return Marketing(Settings.model_validate(settings), lambda: now)


def hours(*count: float) -> list[timedelta]:
    return [timedelta(hours=one) for one in count]


def test_scheduled_posts_are_put_off_and_brought_back_to_their_times(mastodon: MastodonServer) -> None:
    mastodon.schedule(*hours(1, 5, 30.5))
    before = dict(mastodon.posts)
    receipt = at_mastodon(mastodon).send(HOLD, "k")
    assert receipt.facts == {"held": True, "scheduled": 3, "missed": 0}
    assert mastodon.posts == {number: at + PUT_OFF for number, at in before.items()}
    assert at_mastodon(mastodon).send(RELEASE, "k").facts == {"held": False, "scheduled": 3, "missed": 0}
    assert mastodon.posts == before


def test_a_post_whose_time_has_passed_stays_held_and_is_counted(mastodon: MastodonServer) -> None:
    past, soon, later = mastodon.schedule(*hours(1, 6.08, 20))
    at_mastodon(mastodon).send(HOLD, "k")
    receipt = at_mastodon(mastodon, NOW + timedelta(hours=6)).send(RELEASE, "k")
    assert receipt.facts == {"held": False, "scheduled": 3, "missed": 2}
    assert mastodon.posts[later] == NOW + timedelta(hours=20)
    assert all(mastodon.posts[one] > NOW + PUT_OFF / 2 for one in (past, soon))


def test_all_pages_are_read_also_where_the_server_gives_fewer_than_asked(mastodon: MastodonServer) -> None:
    mastodon.page = 15
    mastodon.schedule(*(timedelta(days=1 + i // 20, hours=1) for i in range(100)))
    receipt = at_mastodon(mastodon).send(HOLD, "k")
    assert receipt.facts["scheduled"] == 100
    assert min(mastodon.posts.values()) > NOW + PUT_OFF / 2


def test_a_crash_half_way_is_made_good_and_nothing_is_put_off_twice(mastodon: MastodonServer) -> None:
    mastodon.schedule(*hours(1, 2, 3, 4))
    mastodon.fault("PUT", lose=True)
    with pytest.raises(Lost):
        at_mastodon(mastodon).send(HOLD, "k")
    assert mastodon.changes == 1
    assert at_mastodon(mastodon).find(HOLD, "k") is None
    at_mastodon(mastodon).send(HOLD, "k")
    assert mastodon.changes == 4
    assert max(mastodon.posts.values()) < NOW + PUT_OFF + timedelta(days=1)


def test_a_limit_of_the_server_is_not_the_end(mastodon: MastodonServer) -> None:
    mastodon.schedule(*hours(1, 2))
    mastodon.fault("PUT", status=429, headers={"Retry-After": "300"})
    with pytest.raises(Refused) as refused:
        at_mastodon(mastodon).send(HOLD, "k")
    assert (refused.value.permanent, refused.value.retry_after) == (False, 300)


def test_one_post_that_can_not_be_moved_keeps_no_other_from_it(mastodon: MastodonServer) -> None:
    mastodon.schedule(*hours(1, 2, 3))
    mastodon.fault("PUT", status=422, body='{"error": "Validation failed"}')
    with pytest.raises(Refused, match="HTTP 422"):
        at_mastodon(mastodon).send(HOLD, "k")
    assert mastodon.changes == 2


def test_a_post_that_was_published_meanwhile_stops_nothing(mastodon: MastodonServer) -> None:
    gone, _ = mastodon.schedule(*hours(1, 2))
    mastodon.gone.add(gone)
    assert at_mastodon(mastodon).send(HOLD, "k").facts["scheduled"] == 1


def test_nothing_scheduled_is_held_and_released_alike(mastodon: MastodonServer) -> None:
    assert at_mastodon(mastodon).send(HOLD, "k").facts["scheduled"] == 0
    assert at_mastodon(mastodon).find(RELEASE, "k")
    assert mastodon.count("PUT") == 0


def test_a_token_without_the_right_is_named(mastodon: MastodonServer) -> None:
    [found] = at_mastodon(mastodon, token="expired").check()
    assert "HTTP 401" in found


def test_a_page_that_is_no_list_is_not_taken_for_an_empty_one(mastodon: MastodonServer) -> None:
    mastodon.fault("GET", status=200, body=HTML)
    with pytest.raises(Refused, match="answers text/html"):
        at_mastodon(mastodon).find(HOLD, "k")


def test_a_drill_moves_nothing(mastodon: MastodonServer) -> None:
    mastodon.schedule(*hours(1, 2))
    receipt = at_mastodon(mastodon).send(DRILL, "k")
    assert receipt.facts == {"held": False, "scheduled": 2, "missed": 0, "only_looked": True}
    assert mastodon.changes == 0

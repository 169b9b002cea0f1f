"""What people write to the app directly: each message is answered once, where it was written; nothing else is."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.effects import Button
from engine.incident import NotAllowed
from engine.ports import Reply
from integrations.slack import words
from integrations.slack.blocks import REPLY
from tests.unit.slack_server import ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import Desk, handle_http, opened, signed


@pytest.fixture
def slack() -> Iterator[ScriptedSlack]:
    with scripted_slack() as server:
        yield server


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.open.set()


@pytest.fixture
def app(slack: ScriptedSlack, desk: Desk) -> Any:
    return opened(slack, desk)


MESSAGE = {
    "type": "message",
    "channel": "D1",
    "channel_type": "im",
    "user": "U1",
    "text": "in 2 hours",
    "ts": "1795493442.000100",
    "client_msg_id": "c6f1",
}


def write(app: Any, headers: dict[str, str] | None = None, **more: Any) -> int:
    event = {name: value for name, value in {**MESSAGE, **more}.items() if value is not None}
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event})
    sent = {**signed(body), "Content-Type": "application/json", **(headers or {})}
    return handle_http(app, sent, body.encode())[0]


def test_a_message_is_answered_where_it_was_written(app: Any, slack: ScriptedSlack, desk: Desk):
    assert write(app) == 200
    (told,) = slack.sent("chat.postMessage")
    assert (told["channel"], told["text"]) == ("D1", "Thank you")
    assert "thread_ts" not in told
    assert desk.written == [("U1", "in 2 hours", datetime(2026, 11, 24, 4, 10, 42, 100, tzinfo=UTC))]


def test_a_message_in_a_thread_is_answered_in_the_thread(app: Any, slack: ScriptedSlack):
    write(app, thread_ts="1795493000.000100")
    (told,) = slack.sent("chat.postMessage")
    assert told["thread_ts"] == "1795493000.000100"


def test_what_is_not_understood_is_answered_with_the_buttons(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = Reply(text="Sorry?", buttons=(Button(label="I can come", action="answer", value="i|yes"),))
    write(app, text="no idea")
    (told,) = slack.sent("chat.postMessage")
    row = (told["blocks"] if isinstance(told["blocks"], list) else json.loads(told["blocks"]))[1]
    assert (row["block_id"], row["elements"][0]["value"]) == (REPLY, "i|yes")


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed", "message": {"text": "yes"}},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"subtype": "file_share"},
        {"channel_type": "channel", "channel": "C1"},
        {"channel_type": "mpim", "channel": "G1"},
        {"user": None},
        {"text": ""},
        {"text": " \n "},
    ],
)
def test_bots_edits_rooms_and_empty_messages_are_left_alone(
    app: Any, slack: ScriptedSlack, desk: Desk, more: dict[str, Any]
):
    assert write(app, **more) == 200
    time.sleep(0.1)
    assert (desk.written, slack.calls) == ([], [])


@pytest.mark.parametrize("headers", [{}, {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}])
def test_a_message_that_slack_sends_again_is_answered_once(
    app: Any, slack: ScriptedSlack, desk: Desk, headers: dict[str, str]
):
    desk.open.clear()
    assert write(app) == 200
    assert write(app, headers) == 200
    desk.open.set()
    assert len(slack.sent("chat.postMessage", 2, within=0.3)) == 1
    assert len(desk.written) == 1
    write(app, ts="1795493443.000100")
    assert len(slack.sent("chat.postMessage", 2)) == 2


def test_a_retry_whose_first_never_came_is_answered(app: Any, slack: ScriptedSlack):
    write(app, {"X-Slack-Retry-Num": "2", "X-Slack-Retry-Reason": "connection_failed"})
    assert len(slack.sent("chat.postMessage")) == 1


def test_slack_has_its_answer_while_the_desk_is_busy(app: Any, desk: Desk):
    desk.open.clear()
    started = time.monotonic()
    assert write(app) == 200
    assert time.monotonic() - started < 1
    assert desk.written == []


@pytest.mark.parametrize(
    ("failure", "said"), [(NotAllowed("You are not there."), "You are not there."), (RuntimeError("x"), words.FAILED)]
)
def test_a_refusal_and_a_failure_are_answered_too(
    app: Any, slack: ScriptedSlack, desk: Desk, failure: Exception, said: str
):
    desk.reply = failure
    write(app)
    assert slack.sent("chat.postMessage")[0]["text"] == said


def test_what_slack_escapes_is_read_as_it_was_typed(app: Any, slack: ScriptedSlack, desk: Desk):
    write(app, text="yes &amp; no", ts="no-number")
    slack.sent("chat.postMessage")
    assert desk.written == [("U1", "yes & no", None)]


def test_an_event_that_the_manifest_does_not_name_has_nobody_to_take_it(app: Any):
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event": {"type": "reaction_added", "user": "U1"}})
    assert handle_http(app, {**signed(body), "Content-Type": "application/json"}, body.encode())[0] == 404

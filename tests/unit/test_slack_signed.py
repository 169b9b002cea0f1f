"""Presses, commands and forms over signed HTTP: authentic ones are answered at once, forged ones not at all."""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest

from engine.effects import Button
from engine.incident import NotAllowed
from engine.playbook import FactsError, Playbook
from engine.ports import HomeItem, Reply
from integrations.slack import Settings, words
from integrations.slack.inbound import build_app, handle_http
from tests.unit.slack_server import OK, Answer, ScriptedSlack, scripted_slack

T = TypeVar("T")
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM = "application/x-www-form-urlencoded"

PLAYBOOKS = [
    Playbook.model_validate(each)
    for each in (
        {
            "playbook": "ash-cloud",
            "title": "Volcanic ash cloud",
            "severity": "SEV1",
            "facts": {
                "airspace": {"type": "text", "ask": "Which airspace?"},
                "stations": {"type": "stations", "ask": "Which stations?"},
                "passengers": {"type": "integer", "min": 0, "default": 0, "ask": "Passengers affected so far"},
                "reopens": {"type": "instant", "required": False, "ask": "Reopens when?"},
            },
            "steps": [{"key": "first_word", "action": "publish_statement"}],
        },
        {
            "playbook": "strike",
            "title": "Strike",
            "severity": "SEV2",
            "facts": {
                "whose": {"type": "choice", "choices": ["own staff", "others"], "ask": "Who strikes?"},
                "announced": {"type": "yes_no", "default": True, "ask": "Was it announced?"},
                "stations": {"type": "stations", "ask": "Which stations?"},
            },
            "steps": [{"key": "first_word", "action": "publish_statement"}],
        },
    )
]


class Desk:
    """A door that remembers what came through it."""

    def __init__(self) -> None:
        self.pressed: list[tuple[str, str, str]] = []
        self.declared: dict[str, tuple[str, str, dict[str, str], str]] = {}
        self.reply: Reply | Exception = Reply(text="Thank you")
        self.refuses: Exception | None = None
        self.refuses_declaring: Exception | None = None
        self.items: list[HomeItem] | Exception = []
        self.waiting: list[HomeItem] | Exception = []
        self.written: list[tuple[str, str, datetime | None]] = []
        self.asked: list[tuple[str, ...]] = []
        self.open = threading.Event()
        self.open.set()

    def press(self, action: str, value: str, chat_user: str) -> Reply:
        self.open.wait(10)
        self.pressed.append((action, value, chat_user))
        return given(self.reply)

    def playbooks(self) -> list[Playbook]:
        if self.refuses:
            raise self.refuses
        return PLAYBOOKS

    def declare_from_chat(
        self, playbook: str, severity: str, facts: Mapping[str, str], chat_user: str, key: str
    ) -> str:
        if self.refuses_declaring:
            raise self.refuses_declaring
        self.declared.setdefault(key, (playbook, severity, dict(facts), chat_user))
        return f"INC-{list(self.declared).index(key) + 1}"

    def status_for_chat(self) -> str:
        return "INC-1 is responding"

    def home(self, chat_user: str) -> list[HomeItem]:
        return given(self.items)

    def said(self, chat_user: str, text: str, written_at: datetime | None = None) -> Reply:
        self.open.wait(10)
        self.written.append((chat_user, text, written_at))
        return given(self.reply)

    def approvals(self, chat_user: str) -> list[HomeItem]:
        self.open.wait(10)
        return given(self.waiting)

    def approve_in_chat(self, statement: str, chat_user: str) -> str:
        self.asked.append(("approve", statement, chat_user))
        return given(self.reply).text

    def page_in_chat(self, text: str, chat_user: str) -> Reply:
        self.asked.append(("page", text, chat_user))
        return given(self.reply)


def given(what: T | Exception) -> T:
    """What the test has put there; an exception is raised."""
    if isinstance(what, Exception):
        raise what
    return what


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


def opened(slack: ScriptedSlack, desk: Desk) -> Any:
    """Make the app that signed requests come in by."""
    return build_app(Settings(bot_token="xoxb-1", signing_secret=SECRET, api_url=slack.api_url), desk)


def signed(body: str, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """Sign as Slack documents: v0=HMAC-SHA256(secret, "v0:timestamp:body")."""
    stamp = str(int(time.time() if at is None else at))
    signature = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}", "Content-Type": FORM}


def post(app: Any, payload: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    body = urlencode({"payload": json.dumps(payload)})
    return handle_http(app, signed(body), body.encode())


def press(
    slack: ScriptedSlack, action_id: str = "answer:0", value: str = "i-1|yes", user: str = "U1", block_id: str = "b"
) -> dict[str, Any]:
    action = {"type": "button", "action_id": action_id, "block_id": block_id, "value": value, "action_ts": "1.0"}
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": user},
        "container": {"type": "message", "message_ts": "1.0", "channel_id": "D1", "is_ephemeral": False},
        "channel": {"id": "D1"},
        "message": {"ts": "1.0"},
        "response_url": f"{slack.url}/hook",
        "trigger_id": "1.2.3",
        "actions": [action],
    }


def command(slack: ScriptedSlack, text: str) -> str:
    told = {"command": "/irrops", "text": text, "user_id": "U1", "team_id": "T1", "channel_id": "C1"}
    return urlencode({**told, "trigger_id": "1.2.3", "response_url": f"{slack.url}/hook"})


def submission(view_id: str = "V1", slug: str = "ash-cloud", **entered: dict[str, Any]) -> dict[str, Any]:
    severity = {f"severity:{slug}": {"value": {"selected_option": {"value": "SEV2"}}}}
    playbook = {"playbook": {"playbook": {"selected_option": {"value": slug}}}}
    facts = {
        "fact:airspace:text": {"value": {"value": "EHAA"}},
        "fact:stations:stations": {"value": {"value": "ams, rtm"}},
        "fact:passengers:integer": {"value": {"value": "1200"}},
        "fact:reopens:instant": {"value": {"selected_date_time": None}},
    }
    values = {
        **playbook,
        **severity,
        **facts,
        **{name.replace("__", ":"): {"value": each} for name, each in entered.items()},
    }
    view = {"id": view_id, "type": "modal", "callback_id": "declare", "hash": "h", "state": {"values": values}}
    return {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view}


def test_we_sign_as_slack_documents():
    """The example of https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    documented = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signed(body, at=1531420618)["X-Slack-Signature"] == documented


def test_a_press_is_answered_and_told(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = Reply(text="Thank you", revise="You are coming <!here>")
    status, _, _ = post(app, press(slack))
    assert status == 200
    revised, told = slack.sent("hook", 2)
    assert desk.pressed == [("answer", "i-1|yes", "U1")]
    assert revised["replace_original"] is True
    assert revised["text"] == "You are coming &lt;!here&gt;"
    assert [block["type"] for block in revised["blocks"]] == ["section"]
    assert (told["text"], told["response_type"], told["replace_original"]) == ("Thank you", "ephemeral", False)


def test_a_message_that_stays_as_it_is_is_not_replaced(app: Any, slack: ScriptedSlack, desk: Desk):
    post(app, press(slack))
    (told,) = slack.sent("hook")
    assert told["response_type"] == "ephemeral"


def test_what_is_not_allowed_is_told_to_the_person_alone(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = NotAllowed("Only the comms lead approves.")
    post(app, press(slack, "approve:0"))
    (told,) = slack.sent("hook")
    assert (told["text"], told["response_type"]) == ("Only the comms lead approves.", "ephemeral")


def test_what_the_house_logs_is_logged_with_slack_too(app: Any, slack: ScriptedSlack, caplog: Any):
    assert post(app, press(slack))[0] == 200
    logging.getLogger("irrops.rounds").error("the advance of INC-1 broke off")
    assert "broke off" in caplog.text


def test_a_failure_of_ours_is_told_without_what_was_typed(app: Any, slack: ScriptedSlack, desk: Desk, caplog: Any):
    desk.reply = RuntimeError("Mrs Jansen, booking ABC123")
    post(app, press(slack))
    (told,) = slack.sent("hook")
    assert told["text"] == words.FAILED
    assert "RuntimeError" in caplog.text
    assert "Jansen" not in caplog.text


def test_forty_who_press_at_once_are_answered_within_three_seconds(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.open.clear()
    started = time.monotonic()
    with ThreadPoolExecutor(40) as crowd:
        answers = list(crowd.map(lambda number: post(app, press(slack, user=f"U{number}")), range(40)))
    assert time.monotonic() - started < 3
    assert {status for status, _, _ in answers} == {200}
    assert desk.pressed == []
    desk.open.set()
    assert len(slack.sent("hook", 40)) == 40
    assert len({user for _, _, user in desk.pressed}) == 40


def test_a_message_that_can_not_be_replaced_does_not_hide_the_answer(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = Reply(text="Thank you", revise="You are coming")
    slack.says("hook", Answer(drop=True), Answer(drop=True), OK)
    post(app, press(slack))
    assert slack.sent("hook", 3)[-1]["text"] == "Thank you"


def test_no_call_to_slack_stands_before_the_answer(app: Any, slack: ScriptedSlack, desk: Desk):
    post(app, press(slack))
    slack.sent("hook")
    assert [method for method, _ in slack.calls] == ["hook"]


@pytest.mark.parametrize(
    "change",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "é"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "yesterday"},
        {"X-Slack-Request-Timestamp": "١٢٣"},
        {"X-Slack-Request-Timestamp": "1531420618"},
    ],
)
def test_a_forged_request_is_refused(app: Any, slack: ScriptedSlack, desk: Desk, change: dict[str, str]):
    body = urlencode({"payload": json.dumps(press(slack))})
    status, _, _ = handle_http(app, {**signed(body), **change}, body.encode())
    assert status == 401
    assert desk.pressed == []


def test_a_replayed_request_is_refused(app: Any, slack: ScriptedSlack, desk: Desk):
    body = urlencode({"payload": json.dumps(press(slack))})
    assert handle_http(app, signed(body, at=time.time() - 290), body.encode())[0] == 200
    assert len(slack.sent("hook")) == 1
    assert handle_http(app, signed(body, at=time.time() - 310), body.encode())[0] == 401
    assert handle_http(app, signed(body, secret="another"), body.encode())[0] == 401
    assert handle_http(app, signed(body), body.encode() + b"&x=1")[0] == 401


def test_without_a_signing_secret_nobody_comes_in(slack: ScriptedSlack, desk: Desk):
    app = build_app(Settings(bot_token="xoxb-1", api_url=slack.api_url), desk)
    body = urlencode({"payload": json.dumps(press(slack))})
    assert handle_http(app, signed(body, secret=""), body.encode())[0] == 401


@pytest.mark.parametrize("body", ["{not json", "payload=%7Bnot+json"])
def test_a_signed_body_that_is_no_json_is_a_bad_request(app: Any, body: str):
    assert handle_http(app, signed(body), body.encode())[0] == 400


def test_help_and_status(app: Any, slack: ScriptedSlack):
    for text in ("", "help", "what"):
        body = command(slack, text)
        status, _, answer = handle_http(app, signed(body), body.encode())
        assert (status, json.loads(answer)) == (200, {"text": words.HELP, "response_type": "ephemeral"})
    body = command(slack, "status")
    assert handle_http(app, signed(body), body.encode())[0] == 200
    assert slack.sent("hook")[0]["text"] == "INC-1 is responding"


def test_a_form_that_opens_too_late_is_said(app: Any, slack: ScriptedSlack):
    slack.says("views.open", {"ok": False, "error": "expired_trigger_id"})
    body = command(slack, "declare")
    handle_http(app, signed(body), body.encode())
    assert slack.sent("hook")[0]["text"] == words.TOO_SLOW


@pytest.mark.parametrize(
    ("failure", "said"),
    [(NotAllowed("You hold no role."), "You hold no role."), (RuntimeError("disk"), words.FAILED)],
)
def test_a_desk_that_fails_still_answers(app: Any, slack: ScriptedSlack, desk: Desk, failure: Exception, said: str):
    desk.refuses = failure
    body = command(slack, "declare")
    assert handle_http(app, signed(body), body.encode())[0] == 200
    assert slack.sent("hook")[0]["text"] == said
    status, _, answer = post(app, submission())
    assert status == 200
    assert said in answer
    assert desk.declared == {}


def test_a_form_is_declared_and_says_so(app: Any, slack: ScriptedSlack, desk: Desk):
    status, _, answer = post(app, submission())
    assert status == 200
    assert json.loads(answer)["response_action"] == "update"
    (shown,) = slack.sent("views.update")
    facts = {"airspace": "EHAA", "stations": "ams, rtm", "passengers": "1200"}
    assert desk.declared == {"slack/V1": ("ash-cloud", "SEV2", facts, "U1")}
    assert words.declared("INC-1") in json.dumps(shown, ensure_ascii=False)


def test_a_form_that_is_sent_twice_is_one_incident(app: Any, slack: ScriptedSlack, desk: Desk):
    post(app, submission())
    post(app, submission())
    first, second = slack.sent("views.update", 2)
    assert first["view"] == second["view"]
    assert len(desk.declared) == 1


def test_mistakes_are_shown_in_the_form(app: Any, desk: Desk):
    sent = submission(
        fact__airspace__text={"value": None},
        fact__stations__stations={"value": "Amsterdam"},
        fact__passengers__integer={"value": "-3"},
    )
    status, _, answer = post(app, sent)
    shown = json.loads(answer)
    assert (status, shown["response_action"]) == (200, "errors")
    assert shown["errors"]["fact:airspace:text"] == words.REQUIRED
    assert "AMS,RTM" in shown["errors"]["fact:stations:stations"]
    assert "-3 is outside 0" in shown["errors"]["fact:passengers:integer"]
    assert desk.declared == {}


def test_a_form_that_was_still_changing_is_not_declared(app: Any, desk: Desk):
    sent = submission()
    sent["view"]["state"]["values"]["playbook"]["playbook"]["selected_option"]["value"] = "strike"
    shown = json.loads(post(app, sent)[2])
    assert shown["errors"] == {"playbook": words.FORM_CHANGING}
    assert desk.declared == {}


def test_a_time_from_the_form_is_utc(app: Any, slack: ScriptedSlack, desk: Desk):
    post(app, submission(fact__reopens__instant={"selected_date_time": 1795320600}))
    slack.sent("views.update")
    assert desk.declared["slack/V1"][2]["reopens"] == "2026-11-22T04:10:00+00:00"


@pytest.mark.parametrize("refusal", [NotAllowed("You hold no role."), FactsError(PLAYBOOKS[0], ["too many"], [])])
def test_what_the_desk_refuses_is_shown_in_the_form(app: Any, slack: ScriptedSlack, desk: Desk, refusal: Exception):
    desk.refuses_declaring = refusal
    post(app, submission())
    assert str(refusal) in json.dumps(slack.sent("views.update")[0])


def test_who_closed_the_form_is_told_directly(app: Any, slack: ScriptedSlack):
    slack.says("views.update", {"ok": False, "error": "not_found"})
    post(app, submission())
    (told,) = slack.sent("chat.postMessage")
    assert (told["channel"], told["text"]) == ("U1", words.declared("INC-1"))


def home_event() -> str:
    event = {"type": "app_home_opened", "user": "U1", "tab": "home", "channel": "D1", "event_ts": "1.0"}
    return json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event})


def test_the_home_tab_shows_what_waits(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.items = [HomeItem(text="INC-1 waits for you", buttons=(Button(label="Approve", action="approve", value="S"),))]
    body = home_event()
    headers = {**signed(body), "Content-Type": "application/json"}
    assert handle_http(app, headers, body.encode())[0] == 200
    (published,) = slack.sent("views.publish")
    view = published["view"] if isinstance(published["view"], dict) else json.loads(published["view"])
    assert published["user_id"] == "U1"
    assert [block["type"] for block in view["blocks"]] == ["section", "section", "actions"]


def test_a_press_in_the_home_tab_is_told_there(app: Any, slack: ScriptedSlack, desk: Desk):
    pressed = press(slack, "approve:0", "S")
    del pressed["response_url"], pressed["channel"], pressed["message"]
    post(app, {**pressed, "view": {"id": "V1", "type": "home"}})
    (published,) = slack.sent("views.publish")
    assert "Thank you" in json.dumps(published)
    assert slack.sent("hook", within=0) == []

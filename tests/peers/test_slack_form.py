"""`/irrops declare`, “Read and edit” and the Home tab against emulate: real triggers (3 seconds), real views."""

import json
import re
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from engine.ports import Reply
from integrations.slack import Settings, statement_form, words
from integrations.slack.inbound import build_app, handle_http
from tests.peers.conftest import SIGNING_SECRET, Slack
from tests.unit.slack_screen import Screen
from tests.unit.slack_server import scripted_slack
from tests.unit.test_slack_signed import Desk, home_event, press, signed, submission
from tests.unit.test_slack_statement_form import NL, Decider, form

pytestmark = pytest.mark.peers


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def app(slack: Slack, desk: Desk) -> Any:
    return build_app(Settings(bot_token=slack.token, signing_secret=SIGNING_SECRET, api_url=slack.api_url), desk)


def send(app: Any, body: str, content_type: str = "application/x-www-form-urlencoded") -> str:
    headers = {**signed(body, secret=SIGNING_SECRET), "Content-Type": content_type}
    status, _, answer = handle_http(app, headers, body.encode())
    assert status == 200
    return answer


def views(slack: Slack, person: str) -> dict[str, str]:
    """The views of a person in emulate's own inspector: id → hash."""
    page = httpx.get(slack.api_url.removesuffix("api/"), params={"tab": "views"}).text
    found = re.findall(r"<tr>(<td>V.*?)</tr>", page, re.DOTALL)
    rows = [re.findall(r"<td>(?:<span[^>]*>)?([^<]*)", row) for row in found]
    return {row[0]: row[5] for row in rows if row[2] == person}


def wait_for_change(slack: Slack, person: str, before: dict[str, str]) -> dict[str, str]:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if (now := views(slack, person)) != before:
            return now
        time.sleep(0.02)
    raise AssertionError(f"Slack shows {person} nothing new")


def command(app: Any, slack: Slack, person: str, trigger: str = "") -> str:
    """Type `/irrops declare`."""
    user = slack.people[person]
    trigger = trigger or slack.client().api_call("views.generateTriggerId", params={"user_id": user})["trigger_id"]
    send(
        app,
        urlencode({"command": "/irrops", "text": "declare", "user_id": user, "team_id": "T1", "trigger_id": trigger}),
    )
    return trigger


def test_the_form_opens_changes_and_says_what_was_declared(app: Any, slack: Slack, desk: Desk):
    person = "person30"
    command(app, slack, person)
    ((view_id, first),) = wait_for_change(slack, person, {}).items()

    action = {"type": "static_select", "action_id": "playbook", "block_id": "playbook", "action_ts": "1.0"}
    chosen = {**action, "selected_option": {"value": "strike"}}
    body = {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": slack.people[person]}, "actions": [chosen]}
    view = {"id": view_id, "hash": first, "type": "modal", "callback_id": "declare"}
    send(app, urlencode({"payload": json.dumps({**body, "view": view})}))
    second = wait_for_change(slack, person, {view_id: first})
    assert list(second) == [view_id]

    answer = json.loads(send(app, urlencode({"payload": json.dumps(submission(view_id))})))
    assert answer["response_action"] == "update"
    assert list(wait_for_change(slack, person, second)) == [view_id]
    assert list(desk.declared) == [f"slack/{view_id}"]


def test_a_form_opens_once_for_one_command(app: Any, slack: Slack):
    person = "person31"
    trigger = command(app, slack, person)
    opened = wait_for_change(slack, person, {})
    command(app, slack, person, trigger)
    time.sleep(0.3)
    assert views(slack, person) == opened


def test_the_home_tab_is_published(app: Any, slack: Slack):
    person = "person32"
    send(app, home_event().replace('"U1"', f'"{slack.people[person]}"'), "application/json")
    first = wait_for_change(slack, person, {})
    send(app, home_event().replace('"U1"', f'"{slack.people[person]}"'), "application/json")
    assert list(wait_for_change(slack, person, first)) == list(first)


# ---------------------------------------------------------------- “Read and edit”


@pytest.fixture
def decider() -> Decider:
    decider = Decider()
    decider.reply = Reply(text="ST-3 is approved.", revise="ST-3 was approved by Cora.")
    return decider


@pytest.fixture
def statements(slack: Slack, decider: Decider) -> Any:
    return build_app(Settings(bot_token=slack.token, signing_secret=SIGNING_SECRET, api_url=slack.api_url), decider)


def read(app: Any, slack: Slack, person: str, trigger: str = "", url: str = "") -> str:
    """Press “Read and edit”; returns the trigger."""
    user = slack.people[person]
    trigger = trigger or slack.client().api_call("views.generateTriggerId", params={"user_id": user})["trigger_id"]
    with scripted_slack() as elsewhere:
        body = {**press(elsewhere, "read:1", "k", user), "trigger_id": trigger}
    send(app, urlencode({"payload": json.dumps({**body, "response_url": url or body["response_url"]})}))
    return trigger


def test_a_statement_is_read_turned_and_decided(statements: Any, slack: Slack, decider: Decider):
    person = "person33"
    read(statements, slack, person)
    ((view_id, first),) = wait_for_change(slack, person, {}).items()

    screen = Screen(statement_form.opened(form(), "", ""), view_id, slack.people[person])
    chosen = screen.choose("language:0", "nl")
    chosen["view"]["hash"] = first
    send(statements, urlencode({"payload": json.dumps(chosen)}))
    second = wait_for_change(slack, person, {view_id: first})
    assert list(second) == [view_id]

    send(statements, urlencode({"payload": json.dumps(chosen)}))  # the hash is not the view's any more
    time.sleep(0.3)
    assert views(slack, person) == second

    screen.update(statement_form.turned(chosen["view"], form("nl")))
    screen.type(f"text:{NL}", "Wij weten het.")
    screen.choose("do", "approve")
    assert send(statements, urlencode({"payload": json.dumps(screen.submitted())})) == ""
    ((decision, user),) = decider.decided
    assert (decision.texts, user) == ({NL: "Wij weten het."}, slack.people[person])


def test_the_texts_of_a_slow_desk_come_into_the_form_that_is_open(statements: Any, slack: Slack, decider: Decider):
    person = "person34"
    decider.open.clear()
    read(statements, slack, person)
    opened = wait_for_change(slack, person, {})
    decider.open.set()
    assert list(wait_for_change(slack, person, opened)) == list(opened)


def test_a_trigger_opens_one_form_and_whoever_is_too_late_is_told(statements: Any, slack: Slack):
    person = "person35"
    trigger = read(statements, slack, person)
    opened = wait_for_change(slack, person, {})
    with scripted_slack() as elsewhere:
        read(statements, slack, person, trigger, f"{elsewhere.url}/hook")
        assert elsewhere.sent("hook")[0]["text"] == words.TOO_SLOW_TO_READ
        late = slack.client().api_call("views.generateTriggerId", params={"user_id": slack.people[person]})
        time.sleep(3.2)
        read(statements, slack, person, late["trigger_id"], f"{elsewhere.url}/hook")
        assert [told["text"] for told in elsewhere.sent("hook", 2)][1:] == [words.TOO_SLOW_TO_READ]
    assert views(slack, person) == opened

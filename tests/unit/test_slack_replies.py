"""What Slack is told after a press: the choices below the answer, one answer in the place of the one before."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.effects import Button
from engine.incident import NotAllowed
from engine.playbook import FactsError
from engine.ports import HomeItem, Reply
from integrations.slack import home_tab
from integrations.slack.blocks import REPLY, VIEW_BLOCK_LIMIT
from tests.unit.slack_server import ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import PLAYBOOKS, Desk, handle_http, home_event, opened, post, press, signed


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


TIMES = (
    Button(label="07:00", action="answer", value="i-1|later|2026-11-24T06:00Z"),
    Button(label="08:00", action="answer", value="i-1|later|2026-11-24T07:00Z"),
)
ASKS_WHEN = Reply(text="From when can you come?", buttons=TIMES)


def view_of(published: dict[str, Any]) -> dict[str, Any]:
    view = published["view"]
    return view if isinstance(view, dict) else json.loads(view)


def test_the_choices_stand_below_the_answer_for_the_person_alone(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = ASKS_WHEN
    post(app, press(slack, value="i-1|later"))
    (told,) = slack.sent("hook")
    assert (told["response_type"], told["replace_original"]) == ("ephemeral", False)
    text, row = told["blocks"]
    assert text["text"]["text"] == "From when can you come?"
    assert row["block_id"] == REPLY
    assert [(each["text"]["text"], each["value"]) for each in row["elements"]] == [(b.label, b.value) for b in TIMES]
    assert {each["action_id"] for each in row["elements"]} == {"answer:0", "answer:1"}


@pytest.mark.parametrize("where", ["under an answer", "in a message that only they see"])
def test_the_next_answer_takes_the_place_of_the_one_before(app: Any, slack: ScriptedSlack, desk: Desk, where: str):
    desk.reply = Reply(text="Noted", revise="You can come from 07:00")
    pressed = press(slack, value=TIMES[0].value, block_id=REPLY if where == "under an answer" else "b")
    pressed["container"]["is_ephemeral"] = where != "under an answer"
    post(app, pressed)
    assert slack.sent("hook", 2, within=0.5) == [
        {
            "replace_original": True,
            "text": "Noted",
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Noted", "verbatim": True}}],
        }
    ]
    assert desk.pressed == [("answer", TIMES[0].value, "U1")]


def test_a_refusal_takes_the_place_of_the_choices_too(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = NotAllowed("Somebody else was asked this.")
    post(app, press(slack, block_id=REPLY))
    (told,) = slack.sent("hook")
    assert (told["text"], told["replace_original"]) == ("Somebody else was asked this.", True)


def test_facts_that_are_missing_are_named(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = FactsError(PLAYBOOKS[0], [], ["airspace"])
    post(app, press(slack, "declare_proposal:0", "4"))
    (told,) = slack.sent("hook")
    assert told["text"] == str(desk.reply)


def test_the_choices_are_shown_in_the_home_tab(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = ASKS_WHEN
    desk.items = [HomeItem(text="INC-1 asks for your help", buttons=TIMES[:1])]
    pressed = press(slack, value="i-1|later")
    del pressed["response_url"], pressed["channel"], pressed["message"]
    post(app, {**pressed, "container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1", "type": "home"}})
    (published,) = slack.sent("views.publish")
    said, row, _, item, _ = view_of(published)["blocks"]
    assert said["text"]["text"] == "From when can you come?"
    assert [each["value"] for each in row["elements"]] == [b.value for b in TIMES]
    assert item["text"]["text"] == "INC-1 asks for your help"
    assert slack.sent("hook", within=0) == []


def test_who_is_not_in_the_people_file_is_told_so_in_the_home_tab(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.items = NotAllowed("You are not in the people file.")
    body = home_event()
    handle_http(app, {**signed(body), "Content-Type": "application/json"}, body.encode())
    (published,) = slack.sent("views.publish")
    assert view_of(published)["blocks"][0]["text"]["text"] == "You are not in the people file."


def test_the_home_tab_keeps_slacks_limit_and_says_what_it_left_out():
    items = [HomeItem(text=f"Item {number}", buttons=TIMES) for number in range(80)]
    laid_out = home_tab.layout(items, ASKS_WHEN)["blocks"]
    assert len(laid_out) <= VIEW_BLOCK_LIMIT
    assert len(laid_out) >= VIEW_BLOCK_LIMIT - 2
    shown = sum(block["type"] == "section" and block["text"]["text"].startswith("Item") for block in laid_out)
    assert laid_out[-1]["text"]["text"].startswith(f"… and {80 - shown} more")
    assert [block["type"] for block in laid_out[-3:]] == ["section", "actions", "section"]


def test_a_home_tab_that_fits_exactly_is_whole():
    items = [HomeItem(text=f"Item {number}") for number in range(VIEW_BLOCK_LIMIT - 2)]
    laid_out = home_tab.layout(items)["blocks"]
    assert laid_out[-1]["text"]["text"] == f"Item {VIEW_BLOCK_LIMIT - 3}"

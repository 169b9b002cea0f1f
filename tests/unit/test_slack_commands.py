"""`/irrops approve`, `page` and `help`: answered at once, worked later, shown to the person alone."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.effects import Button
from engine.incident import NotAllowed
from engine.ports import HomeItem, Reply
from integrations.slack import words
from integrations.slack.blocks import REPLY
from tests.unit.slack_server import ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import Desk, command, handle_http, opened, signed


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


def statement(number: int) -> HomeItem:
    buttons = (
        Button(label="Approve", action="approve", value=f"k{number}"),
        Button(label="Reject", action="reject", value=f"k{number}"),
    )
    return HomeItem(text=f"*ST-{number}* waits.\n\nWe are aware.", buttons=buttons)


def give(app: Any, slack: ScriptedSlack, text: str) -> str:
    body = command(slack, text)
    status, _, answer = handle_http(app, signed(body), body.encode())
    assert status == 200
    return answer


def test_what_waits_is_shown_each_in_a_message_of_its_own(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.waiting = [statement(2), statement(1)]
    assert give(app, slack, "approve") == ""
    told = slack.sent("hook", 2)
    assert [each["text"] for each in told] == ["*ST-2* waits.\n\nWe are aware.", "*ST-1* waits.\n\nWe are aware."]
    assert {each["response_type"] for each in told} == {"ephemeral"}
    assert [[b["value"] for b in each["blocks"][1]["elements"]] for each in told] == [["k2", "k2"], ["k1", "k1"]]
    assert {each["blocks"][1]["block_id"] for each in told} == {REPLY}


def test_a_command_is_answered_five_times_at_most(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.waiting = [statement(number) for number in range(7)]
    give(app, slack, "approve")
    told = slack.sent("hook", 6, within=1)
    assert len(told) == 5
    assert told[-1]["text"] == words.more_to_approve(3)


def test_one_is_approved_by_its_reference(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.reply = Reply(text="ST-3 is approved.")
    give(app, slack, "approve ST-3")
    assert slack.sent("hook")[0]["text"] == "ST-3 is approved."
    assert desk.asked == [("approve", "ST-3", "U1")]


def test_who_may_not_approve_is_told(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.waiting = NotAllowed("Nothing waits for you.")
    give(app, slack, "Approve")
    assert slack.sent("hook")[0]["text"] == "Nothing waits for you."


def test_somebody_is_called_by_name_and_the_choice_is_offered(app: Any, slack: ScriptedSlack, desk: Desk):
    anna = Button(label="Anna, operations", action="page", value="anna||R&D burns")
    desk.reply = Reply(text="2 people match Anna.", buttons=(anna,))
    give(app, slack, "page <@U0ANNA|anna> R&amp;D burns")
    (told,) = slack.sent("hook")
    assert desk.asked == [("page", "<@U0ANNA|anna> R&D burns", "U1")]
    assert told["blocks"][1]["elements"][0]["value"] == "anna||R&D burns"


def test_slack_has_its_answer_while_the_desk_is_busy(app: Any, slack: ScriptedSlack, desk: Desk):
    desk.open.clear()
    started = time.monotonic()
    give(app, slack, "approve")
    assert time.monotonic() - started < 1
    assert slack.sent("hook", within=0) == []


@pytest.fixture
def hint(root: Path) -> list[str]:
    manifest = yaml.safe_load((root / "integrations/slack/manifest.yaml").read_text())
    (told,) = manifest["features"]["slash_commands"]
    return [each.split()[0] for each in told["usage_hint"].split(" | ")]


def test_every_verb_of_the_hint_works_is_in_the_help_and_in_the_guide(
    app: Any, slack: ScriptedSlack, desk: Desk, hint: list[str], root: Path
):
    guide = (root / "docs/slack.md").read_text()
    assert hint == ["declare", "status", "approve", "page", "help"]
    for verb in hint:
        assert f"/irrops {verb}" in words.HELP
        assert f"`/irrops {verb}" in guide
        answer = give(app, slack, verb)
        assert (verb == "help") == ("text" in json.loads(answer or "{}"))

"""Slack answers 429 in one method for minutes: everything else goes on, in every incident, and the delay is shown."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desk.showing import as_json, as_text
from engine.effects import EffectState
from flows.crew import THREADS
from integrations import slack as real
from integrations.slack.blocks import carries
from integrations.slack.pace import Pace
from tests.scenarios.conftest import Scene
from tests.scenarios.sick_slack import SickSlack, sick_slack
from tests.scenarios.test_slack_desk import HELP_WANTED

SHOWN = re.compile(r"Slack asks us to wait until \d{4}-\d\d-\d\d (\d\d:\d\d) UTC \(\d\d:\d\d\) for direct messages")


@pytest.fixture
def slack() -> Iterator[SickSlack]:
    with sick_slack() as running:
        yield running


@pytest.fixture
def desk(scene: Callable[..., Scene], slack: SickSlack, tmp_path: Path) -> Scene:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "help-wanted.yaml").write_text(HELP_WANTED)
    told = {"bot_token": "xoxb-sick", "api_url": slack.api_url, "timeout_s": 5, "pace": False}
    channel = real.connect(real.Settings.model_validate(told))
    made = scene(folder, slack=channel)
    channel._api.pace = Pace(on=False, clock=lambda: made.clock.now().timestamp())  # a Retry-After in the desk's time
    return made


def test_direct_messages_wait_and_all_else_goes_on(desk: Scene, slack: SickSlack) -> None:
    slack.fall_ill("429", only=("conversations.open",))
    refs = [desk.declare("help-wanted"), desk.declare("help-wanted")]
    desk.pass_time(minutes=4)

    assert [room["name"] for room in slack.rooms.values()][1:] == ["inc-1-help-wanted", "inc-2-help-wanted"]
    assert all(slack.messages[room["id"]] for room in list(slack.rooms.values())[1:])
    assert slack.calls["conversations.open"] <= 9 * THREADS  # each half minute what is in the air, not everybody
    for ref in refs:
        directs = [one for one in desk.desk.effects(ref) if one.message.kind == "direct" and one.channel == "slack"]
        assert {one.state for one in directs} == {EffectState.QUEUED}
        others = [one for one in desk.desk.effects(ref) if one.message.kind in ("room", "text", "topic")]
        assert {one.state for one in others} == {EffectState.SENT}
        assert all("until" in one.error for one in directs)

        later = max(one.not_before for one in directs)
        shown = SHOWN.search(as_text(desk.desk, ref))
        assert shown is not None
        assert shown[1] == f"{later:%H:%M}"
        assert any(SHOWN.match(line) for line in as_json(desk.desk, ref)["delayed"])
    assert len(SHOWN.findall(desk.desk.status_for_chat())) == 2
    manager = desk.holder("duty_manager")
    assert len(SHOWN.findall("\n".join(item.text for item in desk.desk.home(manager.chat)))) == 2

    slack.recover()
    desk.pass_time(minutes=1)
    for ref in refs:
        assert as_json(desk.desk, ref)["delayed"] == []
        assert "\ndelayed" not in as_text(desk.desk, ref)
        sent = [one for one in desk.desk.effects(ref) if one.message.kind == "direct" and one.channel == "slack"]
        assert {one.state for one in sent} == {EffectState.SENT}
        for one in sent:
            assert sum(carries(message, one.key) for there in slack.messages.values() for message in there) == 1


def test_a_room_that_slack_holds_back_holds_back_no_other(desk: Scene, slack: SickSlack) -> None:
    first = desk.declare("help-wanted")
    slack.fall_ill("429", only=("conversations.create",))
    second = desk.declare("help-wanted")
    desk.desk.resolve(first, "duty-manager")
    desk.pass_time(minutes=3)
    room = next(one for one in desk.desk.effects(second) if one.message.kind == "room")
    assert room.state is EffectState.QUEUED
    assert any("for rooms (1 wait)" in line for line in as_json(desk.desk, second)["delayed"])
    assert as_json(desk.desk, first)["delayed"] == []
    topics = [one for one in desk.desk.effects(first) if one.message.kind in ("topic", "revise")]
    assert topics
    assert {one.state for one in topics} <= {EffectState.SENT, EffectState.CANCELLED}
    people = [one for one in desk.desk.effects(second) if one.message.kind == "direct"]
    assert {one.state for one in people} == {EffectState.SENT}

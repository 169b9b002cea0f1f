"""Slack that answers 429, 500, HTML or nothing: the public hears in time, people are told, and nothing comes twice."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.delivery import ALARM_AFTER
from engine.effects import EffectState
from integrations import slack as real
from integrations.slack.blocks import carries
from integrations.slack.pace import Pace
from tests.scenarios.conftest import Scene
from tests.scenarios.faults import QUIET_DAY, ROOT
from tests.scenarios.sick_slack import ILLNESSES, WRITES, SickSlack, sick_slack


@pytest.fixture
def slack() -> Iterator[SickSlack]:
    with sick_slack() as running:
        yield running


@pytest.fixture
def desk(scene: Callable[..., Scene], slack: SickSlack, tmp_path: Path) -> Scene:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "quiet-day.yaml").write_text(QUIET_DAY)
    told = {"bot_token": "xoxb-sick", "api_url": slack.api_url, "timeout_s": 1, "pace": False}
    channel = real.connect(real.Settings(**told))
    made = scene(folder, slack=channel)
    channel._api.pace = Pace(on=False, clock=lambda: made.clock.now().timestamp())  # a Retry-After in the desk's time
    return made


def copies(slack: SickSlack, key: str) -> int:
    """How often the message with this effect key is in the workspace."""
    return sum(carries(message, key) for there in slack.messages.values() for message in there)


def all_there_once(desk: Scene, slack: SickSlack, ref: str) -> None:
    effects = [one for one in desk.desk.effects(ref) if one.channel == "slack" and one.message.kind != "look"]
    assert {effect.state for effect in effects} <= {EffectState.SENT, EffectState.CANCELLED}
    written = [effect for effect in effects if effect.message.kind in ("post", "text", "direct")]
    sent = {effect.key: copies(slack, effect.key) for effect in written if effect.state is EffectState.SENT}
    assert sent == dict.fromkeys(sent, 1)
    assert len(sent) >= 6
    assert [room["name"] for room in slack.rooms.values()].count("inc-1-quiet-day") == 1
    assert len(slack.rooms) == 2
    said = Counter(entry.facts["effect"] for entry in desk.desk.timeline(ref) if entry.kind == "EffectSent")
    assert set(said.values()) == {1}


@pytest.mark.parametrize("illness", ILLNESSES)
def test_slack_is_ill_from_the_first_minute(desk: Scene, slack: SickSlack, illness: str) -> None:
    slack.fall_ill(illness)
    ref = desk.declare("quiet-day")
    desk.pass_time(minutes=3, seconds=30)

    (published,) = [entry for entry in desk.desk.timeline(ref) if entry.kind == "StatementPublished"]
    assert published.facts["channels"] == ["status_page"]
    assert published.facts["failed"] == ["slack"]
    assert published.facts["seconds"] == 120
    assert len(desk.status_page.all("post")) == 2

    troubled = [effect for effect in desk.desk.effects(ref) if effect.attempts >= ALARM_AFTER]
    assert {"room", "direct"} == {effect.message.kind for effect in troubled}
    assert {effect.state for effect in troubled} <= {EffectState.QUEUED, EffectState.CANCELLED}
    assert "it goes on trying" in _alarm(desk, ref)

    slack.recover()
    desk.pass_time(minutes=14)
    all_there_once(desk, slack, ref)
    assert len(desk.status_page.all("post")) == 4


def _alarm(desk: Scene, ref: str) -> str:
    return next(entry.text for entry in desk.desk.timeline(ref) if entry.kind == "DeliveryTrouble")


def test_a_429_is_waited_for_as_long_as_it_says(desk: Scene, slack: SickSlack) -> None:
    slack.fall_ill("429", only=("conversations.create",))
    ref = desk.declare("quiet-day")
    (room,) = [effect for effect in desk.desk.effects(ref) if effect.message.kind == "room"]
    assert (room.not_before - desk.clock.now()).total_seconds() == pytest.approx(30, abs=1)
    assert not room.uncertain
    desk.pass_time(seconds=25)
    assert slack.calls["conversations.create"] == 1


@pytest.mark.parametrize("illness", [one for one in ILLNESSES if one.endswith("after acting")])
def test_an_answer_that_was_lost_is_found_in_the_history(desk: Scene, slack: SickSlack, illness: str) -> None:
    slack.fall_ill(illness, only=WRITES)
    ref = desk.declare("quiet-day")
    desk.pass_time(minutes=2, seconds=30)
    slack.recover()
    desk.pass_time(minutes=1)
    all_there_once(desk, slack, ref)
    posted = [effect for effect in desk.desk.effects(ref) if effect.message.kind in ("post", "text", "direct")]
    sent = [effect for effect in posted if effect.channel == "slack" and effect.state is EffectState.SENT]
    assert {effect.attempts for effect in sent} == {2}
    assert slack.calls["chat.postMessage"] == len(sent)
    assert slack.calls["conversations.create"] == 2  # the name is taken: by ourselves


FIRST_USE = """
import threading
from engine.effects import Direct, Receipt, Text
from integrations import slack

channel = slack.connect(slack.Settings(bot_token="xoxb-first", api_url="http://127.0.0.1:9/api/", pace=False))
together, said = threading.Barrier(16), []

def send(number):
    room = number % 2
    together.wait()
    message = Text(text="Hello") if room else Direct(person="a", address=f"U{number:04}", text="Hello")
    together.wait()
    try:
        channel.send(message, f"key/{number}", Receipt(id="C0000001") if room else None)
    except Exception as error:
        said.append(type(error).__name__)

threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(*said)
"""


def test_the_first_messages_of_a_process_go_out_in_many_threads_at_once() -> None:
    """slack-sdk is imported on first use; its modules import each other, and may come half to each thread."""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", FIRST_USE], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.stdout.split() == ["Refused"] * 16, done.stderr

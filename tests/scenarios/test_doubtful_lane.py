"""A provider that acts and never answers: nobody is called without end, and the next lane is tried."""

from pathlib import Path
from typing import Any

from engine.effects import Effect, EffectState, Message, Receipt
from engine.ports import CannotTell, Lost
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import storm
from tests.unit.volunteers import someone


class Mute:
    """A gateway that does what it is told and loses every answer."""

    name, kinds, limit, sandbox = "sms", frozenset({"direct"}), None, False

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        self.sent.append(key)
        raise Lost("no answer within 10 s")

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        raise CannotTell("an SMS can't be looked up")

    def check(self) -> list[str]:
        return []


def with_lanes(scene: Scene, **more: Any) -> Scene:
    """The same scene with more lanes than chat."""
    house = scene.crew.house
    scene.crew.house = type(house)(**{**vars(house), "lanes": ("slack", *more)})
    scene.crew.channels = {**scene.crew.channels, **more}
    return scene


def test_a_lost_answer_is_sent_three_times_at_most(tmp_path: Path) -> None:
    mute = Mute()
    with storm(tmp_path, [someone("ada", chat="", phone="+31 20 123 4567")]) as made:
        scene = with_lanes(made, sms=mute)
        scene.declare("storm")
        for _ in range(200):
            scene.pass_time(minutes=3)
        [asked] = [one for one in scene.crew.store.all(Effect) if one.channel == "sms"]
    assert mute.sent == [asked.key] * 3
    assert (asked.state, asked.doubtful) == (EffectState.FAILED, 3)
    assert "it may have arrived 3 times" in asked.error


def test_the_next_lane_is_tried_meanwhile(tmp_path: Path) -> None:
    mute = Mute()
    ada = someone("ada", phone="+31 20 123 4567", lanes=("sms", "slack"))
    with storm(tmp_path, [ada]) as made:
        scene = with_lanes(made, sms=mute)
        scene.declare("storm")
        scene.pass_time(minutes=6)
        assert [one.person for one in scene.slack.all("direct")] == ["ada"]

"""Deliveries that hang, come back late, or can never be: nothing twice, nothing old after new, nothing stuck for ever."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.clock import HandClock, SystemClock
from desk.rounds import Rounds
from engine.change import Change
from engine.effects import Effect, EffectState, Message, Receipt, Revise, Text
from engine.ports import Clock, Lost, Refused
from engine.timeline import Entry
from flows.crew import Crew
from state import outbox, wakes
from tests.scenarios.conftest import START, Scene
from tests.scenarios.killer import Outside, lines


class Moody(Outside):
    """The outside, with a say in each send before it acts and after."""

    def __init__(self, home: Path, name: str = "slack"):
        super().__init__(name, home)
        self.before: Callable[[str], None] = lambda key: None
        self.after: Callable[[str], None] = lambda key: None

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        self.before(key)
        receipt = super().send(message, key, base)
        self.after(key)
        return receipt

    def keys(self, part: str = "") -> list[str]:
        """What it did, oldest first."""
        return [line["key"].split("/", 1)[1] for line in lines(self.path) if part in line["key"]]


@pytest.fixture
def slack(tmp_path: Path) -> Moody:
    return Moody(tmp_path)


@pytest.fixture
def desk(scene: Callable[..., Scene], slack: Moody) -> Scene:
    return scene(slack=slack)


def test_a_room_that_can_not_be_opened_takes_what_builds_on_it_along(desk: Scene, slack: Moody) -> None:
    def no_rooms(key: str) -> None:
        if key.endswith("/room"):
            raise Refused("restricted_action", permanent=True)

    slack.before = no_rooms
    ref = desk.declare("it-outage", stations="AMS")
    desk.pass_time(minutes=45)
    left = [effect.key for effect in desk.desk.effects(ref) if not effect.state.settled]
    assert left == []
    assert desk.timeline(ref).has("DeliveryTrouble")
    assert len(desk.status_page.all("post")) >= 3


def test_an_old_situation_is_not_shown_after_a_newer_one(desk: Scene, slack: Moody) -> None:
    """The answer to one revision is lost; the next is sent before the first is tried again."""
    lost: list[str] = []

    def lose_one(key: str) -> None:
        if "/situation/" in key and not lost:
            lost.append(key)
            raise Lost("no answer")

    slack.before = lose_one
    ref = desk.declare("it-outage", stations="AMS")
    desk.desk.change_severity(ref, "SEV1", "duty-manager")
    desk.settle()
    desk.pass_time(minutes=2)
    assert lost
    numbers = [int(key.split("/")[1]) for key in slack.keys("/situation/")]
    assert numbers == sorted(numbers)
    assert all(effect.state.settled for effect in desk.desk.effects(ref))

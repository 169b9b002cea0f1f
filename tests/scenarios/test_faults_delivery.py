"""Deliveries that hang, come back late or can never be: nothing twice, nothing old after new, nothing stuck."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.delivery import ALARM_AFTER, in_trouble
from engine.effects import Effect, EffectState, Message, Receipt, Text
from engine.ports import Lost, Refused
from flows import advance
from state import outbox
from tests.scenarios.conftest import START, Scene
from tests.scenarios.faults import QUIET_DAY
from tests.scenarios.killer import Outside, lines

POST = "#1/slack/"
"""Part of the key of a first statement's post in Slack."""


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

    def did(self, begin: str) -> list[str]:
        """What it did whose key begins so, oldest first."""
        keys = [line["key"].split("/", 1)[1] for line in lines(self.path)]
        return [key for key in keys if key.startswith(begin)]

    def posts(self) -> list[str]:
        return [key for key in self.did("") if POST in key]


class Ticking:
    """The machine's clock, as if it were the bad day."""

    def __init__(self) -> None:
        self._behind = datetime.now(UTC) - START

    def now(self) -> datetime:
        return datetime.now(UTC) - self._behind


@pytest.fixture
def slack(tmp_path: Path) -> Moody:
    return Moody(tmp_path)


@pytest.fixture
def desk(scene: Callable[..., Scene], slack: Moody, tmp_path: Path) -> Scene:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "quiet-day.yaml").write_text(QUIET_DAY)
    return scene(folder, slack=slack)


def test_a_room_that_can_not_be_opened_takes_what_builds_on_it_along(desk: Scene, slack: Moody) -> None:
    def no_rooms(key: str) -> None:
        if key.endswith("/room"):
            raise Refused("restricted_action", permanent=True)

    slack.before = no_rooms
    ref = desk.declare("quiet-day")
    desk.pass_time(minutes=22)
    left = [effect.key for effect in desk.desk.effects(ref) if not effect.state.settled]
    assert left == []
    assert desk.timeline(ref).has("DeliveryTrouble")
    assert len(desk.status_page.all("post")) == 6


def test_an_old_situation_is_not_shown_after_a_newer_one(desk: Scene, slack: Moody) -> None:
    """The answer to one revision is lost; the next is sent before the first is tried again."""
    lost: list[str] = []

    def lose_one(key: str) -> None:
        if "/situation/" in key and not lost:
            lost.append(key)
            raise Lost("no answer")

    slack.before = lose_one
    ref = desk.declare("quiet-day")
    desk.desk.change_severity(ref, "SEV2", "duty-manager")
    desk.settle()
    desk.pass_time(minutes=2)
    assert lost
    numbers = [int(key.split("/")[1]) for key in slack.did("situation/")]
    assert numbers == sorted(numbers)
    assert all(effect.state.settled for effect in desk.desk.effects(ref) if effect.message.kind != "look")


def test_a_room_that_a_person_sends_again_brings_along_what_was_cancelled(desk: Scene, slack: Moody) -> None:
    def no_rooms(key: str) -> None:
        if key.endswith("/room"):
            raise Refused("restricted_action", permanent=True)

    slack.before = no_rooms
    ref = desk.declare("quiet-day")
    assert slack.did("invite") == []
    slack.before = lambda key: None
    (room,) = [effect for effect in desk.desk.effects(ref) if effect.message.kind == "room"]
    desk.desk.decide_effect(room.key, happened=False, by="duty-manager")
    desk.settle()
    assert slack.did("room") == ["room"]
    assert slack.did("invite") == ["invite/1"]
    assert len(slack.did("situation")) == len(set(slack.did("situation"))) >= 1


def test_an_old_statement_whose_answer_was_lost_is_not_posted_after_a_newer_one(desk: Scene, slack: Moody) -> None:
    """The first word may be out or not. When that can be found out the update is due: the old is not sent any more."""

    def away(key: str) -> None:
        if POST in key:
            raise Lost("no answer")

    slack.before = away
    ref = desk.declare("quiet-day")
    desk.pass_time(minutes=10, seconds=1)
    slack.before = lambda key: None
    desk.pass_time(minutes=3)
    assert [key for key in slack.posts() if key.startswith("first_word")] == []
    assert sorted(slack.posts()) == ["next_update#1/slack/en", "next_update#1/slack/nl"]
    old = [effect for effect in desk.desk.effects(ref) if "/first_word#1/slack/" in effect.key]
    assert {effect.state for effect in old} == {EffectState.CANCELLED}
    assert all("newer" in effect.error for effect in old)


def test_a_newer_text_waits_until_it_is_known_what_became_of_the_older(desk: Scene, slack: Moody) -> None:
    """The first word is out, but its answer was lost: it is found, and the update comes after it."""
    lost: set[str] = set()

    def lose_each_once(key: str) -> None:
        if POST in key and not key.endswith("/look") and key not in lost:
            lost.add(key)
            raise Lost("no answer")

    slack.after = lose_each_once
    ref = desk.declare("quiet-day")
    desk.pass_time(minutes=15)
    assert len(lost) == 4
    assert sorted(slack.posts()) == sorted(key.split("/", 1)[1] for key in lost)
    posts = [effect for effect in desk.desk.effects(ref) if POST in effect.key and effect.message.kind != "look"]
    assert {effect.state for effect in posts} == {EffectState.SENT}


def test_a_delivery_that_takes_longer_than_its_lease_is_not_made_twice(
    desk: Scene, slack: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=0.6))
    desk.crew.clock = desk.desk.clock = Ticking()
    slack.before = lambda key: time.sleep(2) if key.endswith("/room") else None
    ref = desk.declare("quiet-day")
    assert slack.did("room") == ["room"]
    (room,) = [effect for effect in desk.desk.effects(ref) if effect.message.kind == "room"]
    assert (room.state, room.attempts) == (EffectState.SENT, 1)


def test_a_delivery_that_waited_until_another_took_it_is_not_made(desk: Scene, slack: Moody) -> None:
    ref = desk.desk.declare("quiet-day", facts={}, by="duty-manager").ref
    number = desk.desk.snapshot(ref).incident.number
    change = advance.keep(desk.desk.snapshot(ref), advance.plan(desk.desk.snapshot(ref)))
    desk.crew.store.apply(change)
    waiting = outbox.claim(desk.crew.store, number, "an advance that broke off", desk.clock.now())
    desk.clock.move(outbox.LEASE)
    desk.settle()
    for one in waiting:
        advance.send(desk.crew, one)
    assert slack.did("room") == ["room"]


def test_a_hanging_channel_holds_up_itself_alone(
    desk: Scene, slack: Moody, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack hangs until the status page is out; and an advance that waits long is not taken for one in a circle."""
    monkeypatch.setattr(advance, "ROUNDS", 40)
    monkeypatch.setattr(advance, "PATIENCE", 0.01)
    held_up: list[str] = []

    def hang(key: str) -> None:
        if POST in key:
            until = time.monotonic() + 10
            while len(desk.status_page.all("post")) < 2 and time.monotonic() < until:
                time.sleep(0.02)
            if time.monotonic() >= until:
                held_up.append(key)
            time.sleep(1)

    slack.before = hang
    desk.declare("quiet-day")
    desk.pass_time(minutes=3)
    assert held_up == []
    assert len(slack.posts()) == 2
    assert caplog.records == []


def test_a_newer_text_waits_for_the_older_that_is_on_its_way(desk: Scene, slack: Moody) -> None:
    """The situation changes while a revision of it hangs; both are shown, the newer last."""
    changed: list[str] = []

    def change_meanwhile(key: str) -> None:
        if "/situation/" in key and not changed:
            changed.append(key)
            desk.desk.change_severity("INC-1", "SEV1", "duty-manager")
            time.sleep(1)

    slack.before = change_meanwhile
    desk.declare("quiet-day")
    numbers = [int(key.split("/")[1]) for key in slack.did("situation/")]
    assert changed
    assert len(numbers) >= 2
    assert numbers == sorted(numbers)


def test_a_delivery_that_ends_after_everything_was_closed_is_recorded_and_hangs_nothing(desk: Scene) -> None:
    ref = desk.desk.declare("quiet-day", facts={}, by="duty-manager").ref
    snapshot = desk.desk.snapshot(ref)
    desk.crew.store.apply(advance.keep(snapshot, advance.plan(snapshot)))
    (room,) = outbox.claim(desk.crew.store, snapshot.incident.number, desk.crew.owner, desk.clock.now())
    advance.send(desk.crew, room)
    hanging = outbox.claim(desk.crew.store, snapshot.incident.number, desk.crew.owner, desk.clock.now())[0]
    desk.crew.store.close()
    late = threading.Thread(target=advance.send, args=(desk.crew, hanging), daemon=True)
    late.start()
    late.join(5)
    assert not late.is_alive()
    assert desk.desk.snapshot(ref).effect(hanging.effect.key).state is EffectState.SENT  # type: ignore[union-attr]


def test_the_attempt_that_is_under_way_has_not_failed_yet() -> None:
    tried = Effect(
        key="INC-1/a", incident=1, channel="slack", message=Text(text="a"), queued_at=START, not_before=START
    )
    away = tried.model_copy(update={"attempts": ALARM_AFTER})
    under_way = away.model_copy(update={"state": EffectState.SENDING})
    assert not in_trouble(tried, lambda _: None)
    assert in_trouble(away, lambda _: None)
    assert not in_trouble(under_way, lambda _: None)
    assert in_trouble(under_way.model_copy(update={"attempts": ALARM_AFTER + 1}), lambda _: None)


def test_what_builds_on_an_effect_in_trouble_is_in_trouble_too() -> None:
    room = Effect(key="INC-1/r", incident=1, channel="slack", message=Text(text="r"), queued_at=START, not_before=START)
    post = room.model_copy(update={"key": "INC-1/p", "needs": "INC-1/r"})
    for more, stuck in (
        ({}, False),
        ({"attempts": ALARM_AFTER}, True),
        ({"state": EffectState.SENT, "attempts": ALARM_AFTER}, False),
        ({"state": EffectState.UNKNOWN}, True),  # a person decides, whenever that may be
    ):
        base = room.model_copy(update=more)
        assert in_trouble(post, {"INC-1/r": base}.get) is stuck

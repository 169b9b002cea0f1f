"""The marketing pause from the declaration to the end, with a real scheduler's server on the other side."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.marketing import Settings
from integrations.marketing.channel import Marketing
from tests.scenarios.conftest import Scene
from tests.unit.scheduler_server import Contract, serve

PLAYBOOK = """
playbook: {name}
title: {title}
severity: SEV2
steps:
  - {{key: no_marketing, action: pause_marketing, with: {{where: "https://posts.example/queue"}}}}
stand_down:
  - {{key: marketing_again, action: release_marketing}}
"""


@pytest.fixture
def scheduler() -> Iterator[Contract]:
    contract = Contract(scheduled=12)
    with serve(contract):
        yield contract


@pytest.fixture
def pausing(scene: Callable[..., Scene], scheduler: Contract, tmp_path: Path) -> Callable[..., Scene]:
    """Make a desk whose playbooks hold the marketing posts."""

    def make(**settings: Any) -> Scene:
        folder = tmp_path / "playbooks"
        folder.mkdir()
        for name, title in (("outage", "IT outage"), ("ash", "Volcanic ash")):
            (folder / f"{name}.yaml").write_text(PLAYBOOK.format(name=name, title=title))
        chosen = Settings.model_validate({"url": scheduler.url, "timeout_s": 1, **settings})
        return scene(playbooks=folder, marketing=Marketing(chosen, lambda: datetime.now(UTC)))

    return make


def step(scene: Scene, ref: str, key: str) -> Any:
    return scene.desk.snapshot(ref).state(key)


def alarms(scene: Scene) -> list[str]:
    return [one.text for one in scene.slack.all("direct") if "marketing" in one.text.lower()]


def test_posts_are_held_at_once_and_released_at_the_end(pausing: Callable[..., Scene], scheduler: Contract) -> None:
    scene = pausing()
    ref = scene.declare("outage")
    assert scheduler.held
    held = next(entry for entry in scene.timeline(ref).entries if entry.kind == "MarketingHeld")
    assert held.text == "Marketing posts held: 12 scheduled"
    assert step(scene, ref, "no_marketing").status == "done"
    scene.desk.resolve(ref, by="duty-manager")
    scene.settle()
    assert not scheduler.held
    released = next(entry for entry in scene.timeline(ref).entries if entry.kind == "MarketingReleased")
    assert released.text == "Marketing posts released: 12 scheduled"
    assert scheduler.told == [True, False]
    assert not alarms(scene)


def test_whoever_ends_last_releases(pausing: Callable[..., Scene], scheduler: Contract) -> None:
    scene = pausing()
    first, second = scene.declare("outage"), scene.declare("ash")
    scene.desk.resolve(first, by="duty-manager")
    scene.settle()
    assert scheduler.held
    skipped = step(scene, first, "marketing_again")
    assert skipped.status == "skipped"
    assert skipped.reason == f"{second} still holds the marketing posts; whoever ends last releases them"
    scene.desk.stand_down(second, by="duty-manager", reason="false alarm")
    scene.settle()
    assert not scheduler.held
    assert step(scene, second, "marketing_again").status == "done"


def test_a_drill_holds_nothing_and_keeps_nobody_from_releasing(
    pausing: Callable[..., Scene], scheduler: Contract
) -> None:
    scene = pausing()
    drill = scene.desk.declare("ash", facts={}, by="duty-manager", drill=True).ref
    scene.settle()
    assert not scheduler.held
    assert scheduler.count("PUT") == 0
    assert scene.timeline(drill).has("MarketingHeld", held=False)
    real = scene.declare("outage")
    assert scheduler.held
    scene.desk.resolve(drill, by="duty-manager")
    scene.settle()
    assert scheduler.held, "the drill's end releases nothing of ours"
    scene.desk.resolve(real, by="duty-manager")
    scene.settle()
    assert not scheduler.held


def test_lost_answers_and_refusals_hold_once(pausing: Callable[..., Scene], scheduler: Contract) -> None:
    scene = pausing()
    scheduler.fault("PUT", lose=True)
    scheduler.fault("PUT", status=503)
    scheduler.fault("GET", status=200, body="<html>")
    ref = scene.declare("outage")
    scene.pass_time(minutes=5)
    assert scheduler.changes == 1
    assert step(scene, ref, "no_marketing").status == "done"


def test_a_scheduler_that_is_down_is_stopped_by_hand_and_held_when_it_is_back(
    pausing: Callable[..., Scene], scheduler: Contract
) -> None:
    scene = pausing()
    scheduler.fault("PUT", times=6, status=503)
    ref = scene.declare("outage")
    scene.pass_time(minutes=1)
    [text] = set(alarms(scene))
    assert "stop the scheduled posts by hand: https://posts.example/queue. It goes on trying." in text
    assert step(scene, ref, "no_marketing").status == "waiting"
    scene.pass_time(minutes=30)
    assert scheduler.held
    assert step(scene, ref, "no_marketing").status == "done"
    assert len(set(alarms(scene))) == 1
    assert not scene.timeline(ref).has("DeliveryTrouble")


def test_a_token_that_expired_fails_the_step_and_says_what_to_do(
    pausing: Callable[..., Scene], scheduler: Contract
) -> None:
    scheduler.token = "new"
    scene = pausing(token="old")
    ref = scene.declare("outage")
    failed = step(scene, ref, "no_marketing")
    assert failed.status == "failed"
    assert "HTTP 401" in failed.reason
    [text] = set(alarms(scene))
    assert "stop the scheduled posts by hand: https://posts.example/queue" in text


def test_what_could_not_be_held_yet_is_not_held_after_the_end(
    pausing: Callable[..., Scene], scheduler: Contract
) -> None:
    scene = pausing()
    scheduler.fault("PUT", times=3, status=503)
    ref = scene.declare("outage")
    scene.desk.stand_down(ref, by="duty-manager", reason="false alarm")
    scene.pass_time(hours=1)
    assert scheduler.told[-1:] == [False]
    assert True not in scheduler.told
    assert step(scene, ref, "no_marketing").status == "done"
    assert step(scene, ref, "marketing_again").status == "done"


def test_a_release_that_waits_gives_way_to_the_next_incident(
    pausing: Callable[..., Scene], scheduler: Contract
) -> None:
    scene = pausing()
    first = scene.declare("outage")
    scheduler.fault("PUT", times=2, status=503)
    scene.desk.resolve(first, by="duty-manager")
    scene.settle()
    assert scheduler.held
    second = scene.declare("ash")
    scene.pass_time(hours=1)
    assert scheduler.held
    assert scheduler.told == [True, True]
    assert step(scene, first, "marketing_again").status == "skipped"
    assert step(scene, second, "no_marketing").status == "done"


def test_a_drill_that_goes_on_keeps_nobody_from_releasing(pausing: Callable[..., Scene], scheduler: Contract) -> None:
    scene = pausing()
    real = scene.declare("outage")
    scene.desk.declare("ash", facts={}, by="duty-manager", drill=True)
    scene.settle()
    scene.desk.resolve(real, by="duty-manager")
    scene.settle()
    assert not scheduler.held


def test_a_hold_that_took_the_place_of_another_serves_both(pausing: Callable[..., Scene], scheduler: Contract) -> None:
    scene = pausing()
    scheduler.fault("PUT", times=3, status=503)
    first = scene.declare("outage")
    second = scene.declare("ash")
    scene.desk.stand_down(second, by="duty-manager", reason="false alarm")
    scene.pass_time(hours=1)
    assert scheduler.held, "the first still needs it, and its own hold gave way to the second's"
    scene.desk.resolve(first, by="duty-manager")
    scene.settle()
    assert not scheduler.held

"""Promised updates through hours of an incident: kept by themselves, reminded of, escalated, told in the review."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.review import Review, review
from tests.scenarios.conftest import START, Scene

PLAYBOOK = """
playbook: outage
title: IT outage
severity: SEV2
facts:
  systems: {{type: choice, choices: [booking, check_in, website_and_app, all], default: all, ask: "Which?"}}
  flights_hit: {{type: yes_no, default: false, ask: "Flights?"}}
steps:
  - key: first_word
    action: publish_statement
    with: {{message: holding, channels: [status_page], languages: [en]}}
    approval: {{by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}}
    due_within: 15m
  - key: next_update
    action: publish_statement
    every: 30m
    relax: {{2h: 1h, 4h: 2h}}
    with: {{message: update, channels: [status_page], languages: [en]}}
    approval: {{{approval}}}
stand_down:
  - key: all_clear
    action: publish_statement
    when: "status == 'resolved'"
    with: {{message: resolution, channels: [status_page], languages: [en]}}
    approval: {{by: comms_lead, within: 8m, unanswered_after: 15m, publish: preapproved}}
"""
ALONE = "by: comms_lead, within: 5m, then: deputy_comms_lead, unanswered_after: 10m, publish: preapproved"
HELD = "by: comms_lead, within: 10m, publish: hold"


@pytest.fixture
def promising(scene: Callable[..., Scene], tmp_path: Path) -> Callable[[str], Scene]:
    def make(approval: str) -> Scene:
        folder = tmp_path / "playbooks"
        folder.mkdir()
        (folder / "outage.yaml").write_text(PLAYBOOK.format(approval=approval))
        return scene(playbooks=folder)

    return make


def reviewed(scene: Scene, ref: str) -> Review:
    return review(scene.desk.snapshot(ref), scene.desk.timeline(ref))


def told(scene: Scene, words: str) -> list[Any]:
    return [one for one in scene.slack.all("direct") if words in one.text]


def test_updates_go_out_although_nothing_changed_and_every_promise_is_kept(promising: Callable[[str], Scene]) -> None:
    scene = promising(ALONE)
    ref = scene.declare("outage")
    scene.pass_time(hours=9)
    posts = [one for one in scene.status_page.all("post") if one.message == "update"]
    drafted = [one.drafted_at - START for one in posts]
    assert drafted == [timedelta(minutes=m) for m in (30, 60, 90, 120, 180, 240, 360, 480)]
    assert len({one.text for one in posts}) == len(posts), "each names its own time"
    scene.desk.resolve(ref, by="duty-manager")
    scene.pass_time(hours=1)
    found = reviewed(scene, ref)
    assert len(found.promises) == 1 + len(posts)
    assert found.share_kept == 1.0
    assert [one.kept_by for one in found.promises][:-1] == [after.statement for _, after in pairwise(found.promises)]
    assert not told(scene, "promised")
    assert not scene.timeline(ref).has("UpdateOverdue")


def test_a_promise_that_needs_a_person_is_reminded_of_alarmed_and_escalated(promising: Callable[[str], Scene]) -> None:
    scene = promising(HELD)
    ref = scene.declare("outage")
    scene.pass_time(minutes=13)
    first = scene.desk.snapshot(ref).statements[0]
    assert first.next_update_at
    scene.clock.move_to(first.next_update_at - timedelta(minutes=11))
    scene.settle()
    assert not scene.timeline(ref).has("PromiseReminded")
    scene.pass_time(minutes=1)
    assert scene.timeline(ref).count("PromiseReminded") == 1
    assert told(scene, "irrops statement approve ST-2 --as comms_lead")
    scene.pass_time(minutes=10)
    assert scene.timeline(ref).count("UpdateOverdue") == 1
    assert not scene.timeline(ref).has("PromiseEscalated")
    scene.pass_time(minutes=10)
    assert scene.timeline(ref).count("PromiseEscalated") == 1
    late = told(scene, "is late, and none is out")
    everybody = {
        person.key
        for role in ("comms_lead", "deputy_comms_lead", "duty_manager")
        for person in scene.desk.snapshot(ref).holders(role)
        if person.chat
    }
    assert sorted(one.person for one in late) == sorted(everybody)
    scene.pass_time(hours=3)
    assert scene.timeline(ref).count("PromiseReminded") == 1
    assert scene.timeline(ref).count("PromiseEscalated") == 1
    [promise] = reviewed(scene, ref).promises
    assert promise.kept is False


def test_a_yes_after_the_reminder_keeps_the_promise(promising: Callable[[str], Scene]) -> None:
    scene = promising(HELD)
    ref = scene.declare("outage")
    scene.pass_time(minutes=13)
    first = scene.desk.snapshot(ref).statements[0]
    assert first.next_update_at
    scene.pass_time(minutes=(first.next_update_at - scene.clock.now()) / timedelta(minutes=1) - 5)
    reminder = told(scene, "the public was promised")[0]
    assert reminder.buttons
    scene.desk.press(reminder.buttons[0].action, reminder.buttons[0].value, reminder.address)
    scene.settle()
    scene.pass_time(minutes=30)
    assert reviewed(scene, ref).promises[0].kept is True
    assert not scene.timeline(ref).has("UpdateOverdue")

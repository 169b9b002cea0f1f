"""Starting a call-out by hand, and entering what was said on the phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import calling_out
from desk.calling_out import Mistyped, overrides_of
from engine.callout import Answer
from engine.incident import NotAllowed
from engine.steps import StepStatus
from engine.timeline import Entry
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import asked, asked_of, minutes, storm, under_way


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with under_way(tmp_path) as made:
        yield made


def requests(scene: Scene) -> list[Entry]:
    return [one for one in scene.desk.timeline("INC-1") if one.kind == "CallOutRequested"]


def test_what_when_held_back_runs_now(scene: Scene):
    before = scene.desk.snapshot("INC-1").state("more")
    assert before
    assert before.status is StepStatus.SKIPPED
    state = calling_out.start(scene.desk, "INC-1", "more", by="dora")
    assert (state.name, state.status, state.nudged) == ("more#1", StepStatus.WAITING, True)
    scene.settle()
    assert len(asked(scene, "more#1")) > 2
    [entry] = requests(scene)
    assert (entry.text, entry.actor, entry.step) == ("dora starts more#1 by hand", "dora", "more#1")


def test_a_step_that_never_ran_runs_with_what_was_changed(scene: Scene):
    calling_out.start(scene.desk, "INC-1", "by_plan", {"quota": 2, "at_least": {"rebooking": 1}}, by="dora")
    scene.settle()
    [slot] = [one for one in scene.desk.snapshot("INC-1").callouts if one.step == "by_plan#1"]
    assert (slot.quota, slot.minima) == (2, {"rebooking": 1})
    assert requests(scene)[0].text == "dora starts by_plan#1 by hand with quota 2, at_least rebooking 1"


def test_what_was_changed_holds_in_the_next_wave_too(scene: Scene):
    calling_out.start(scene.desk, "INC-1", "more", {"quota": 1}, by="dora")
    scene.settle()
    scene.pass_time(minutes=16)
    [slot] = [one for one in scene.desk.snapshot("INC-1").callouts if one.step == "more#1"]
    assert (slot.quota, slot.waves) == (1, 2)


def test_a_double_click_starts_it_once(scene: Scene):
    first = calling_out.start(scene.desk, "INC-1", "more", {"quota": 2}, by="dora")
    assert calling_out.start(scene.desk, "INC-1", "more", {"quota": 2}, by="dora").name == first.name
    scene.settle()
    assert calling_out.start(scene.desk, "INC-1", "more", {"quota": 2}, by="dora").name == first.name
    scene.settle()
    assert len(requests(scene)) == 1
    assert {one.step for one in scene.desk.snapshot("INC-1").callouts} == {"volunteers#1", "more#1"}


def test_another_wish_while_it_runs_is_told_how_it_stands(scene: Scene):
    person = next(one for one in asked(scene) if one.person.startswith("p"))
    who = scene.desk.person(person.person)
    assert who
    scene.desk.answer(person.key, Answer.YES, who)
    with pytest.raises(NotAllowed, match=rf"volunteers#1 runs already: 1 of 3 come, {len(asked(scene))} asked"):
        calling_out.start(scene.desk, "INC-1", by="dora")
    with pytest.raises(NotAllowed, match="runs already"):
        calling_out.start(scene.desk, "INC-1", "volunteers", {"quota": 9}, by="dora")
    assert requests(scene) == []


def test_one_that_has_ended_runs_anew(scene: Scene):
    scene.pass_time(hours=7)
    state = scene.desk.snapshot("INC-1").state("volunteers")
    assert state
    assert state.status is StepStatus.DONE
    assert calling_out.start(scene.desk, "INC-1", by="dora").name == "volunteers#2"
    scene.settle()
    assert asked(scene, "volunteers#2")
    assert not {one.key for one in asked(scene, "volunteers#2")} & {one.key for one in asked(scene)}


def test_the_same_wish_later_is_a_new_one(scene: Scene):
    calling_out.start(scene.desk, "INC-1", "more", by="dora")
    scene.settle()
    scene.clock.move_to(scene.clock.now() + minutes(2))
    with pytest.raises(NotAllowed, match="runs already"):
        calling_out.start(scene.desk, "INC-1", "more", by="dora")


def test_a_closed_incident_calls_nobody(scene: Scene):
    scene.desk.resolve("INC-1", "dora")
    with pytest.raises(NotAllowed, match="INC-1 is resolved: nobody is called for it"):
        calling_out.start(scene.desk, "INC-1", "more", by="dora")
    assert requests(scene) == []


def test_a_playbook_without_a_call_out_says_what_to_do(tmp_path: Path):
    plain = """
playbook: storm
title: Storm
severity: SEV3
steps:
  - {key: crisis_queue, action: open_queue, with: {answer_within: 60m, solve_within: 24h}}
"""
    with storm(tmp_path, playbook=plain) as scene:
        scene.declare("storm")
        with pytest.raises(NotAllowed, match=r"has no call_out step; add one to playbooks/storm\.yaml"):
            calling_out.start(scene.desk, "INC-1", by="dora")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ((None, [], []), {}),
        ((3, ["es=2"], ["rebooking:2=4", "ticketing+fr=1"]), None),
    ],
)
def test_what_is_changed_is_read_as_people_write_it(given: tuple, read: dict | None):
    wanted = {"quota": 3, "languages": {"es": 2}, "at_least": {"rebooking:2": 4, "ticketing+fr": 1}}
    assert overrides_of(*given) == (wanted if read is None else read)


@pytest.mark.parametrize("text", ["es", "=3", "es=x", "es=-1", "es=99999", "es="])
def test_what_cannot_be_read_says_how_to_write_it(text: str):
    with pytest.raises(Mistyped, match="write it as es=3"):
        overrides_of(None, [text], [])


# ---------------------------------------------------------------- on the phone


def test_an_answer_on_the_phone_is_entered_by_code_key_or_name(scene: Scene):
    for word, person in [(asked(scene)[0].code.lower(), asked(scene)[0].person), (asked(scene)[1].person, None)]:
        calling_out.enter(scene.desk, word, "no", by="dora")
        there = asked_of(scene, person or word)
        assert (there.answer, there.answered_on) == (Answer.NO, "desk")
    entered = [one for one in scene.desk.timeline("INC-1") if one.kind == "AnswerEntered"]
    assert [one.actor for one in entered] == ["dora", "dora"]
    assert asked(scene)[0].code not in " ".join(one.text for one in entered)


def test_later_on_the_phone_counts_from_now(scene: Scene):
    person = next(one.person for one in asked(scene) if one.person.startswith("p"))
    reply = calling_out.enter(scene.desk, person, "in 3 hours", "INC-1", by="dora")
    there = asked_of(scene, person)
    assert (there.answer, there.comes_at) == (Answer.LATER, scene.clock.now() + minutes(180))
    assert "07:10 UTC" in reply


def test_what_was_not_understood_changes_nothing(scene: Scene):
    person = next(one.person for one in asked(scene) if one.person.startswith("p"))
    assert "not understood" in calling_out.enter(scene.desk, person, "banana", by="dora")
    assert asked_of(scene, person).answer is Answer.NONE
    assert not [one for one in scene.desk.timeline("INC-1") if one.kind == "AnswerEntered"]


@pytest.mark.parametrize(
    ("word", "ref", "says"),
    [
        ("ABCDEFGHIJ", "", "neither a code nor a person"),
        ("nobody", "", "neither a code nor a person"),
        ("far", "", "Far Away was not asked for a live incident"),
        ("far", "INC-1", "Far Away was not asked for INC-1"),
        ("P001 Tester", "INC-7", "P001 Tester was not asked for INC-7"),
    ],
)
def test_who_was_not_asked_cannot_answer(scene: Scene, word: str, ref: str, says: str):
    with pytest.raises(NotAllowed, match=says):
        calling_out.enter(scene.desk, word, "yes", ref, by="dora")

"""How call-outs are shown: counted, planned, and set for a terminal."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from desk import calling_out, callout_plan, callout_text, callout_view
from desk.callout_view import SlotView
from engine.callout import Answer, asked_by
from engine.change import Change
from engine.effects import Effect, EffectState
from engine.incident import NotAllowed, Unknown
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import PLAYBOOK, asked, asked_of, storm
from tests.unit.volunteers import NIGHT, crowd, someone

ZONE = "Europe/Amsterdam"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with storm(tmp_path) as made:
        yield made


def answer(scene: Scene, person: str, given: str, **more: object) -> None:
    there = scene.desk.person(person)
    assert there
    scene.desk.answer(asked_of(scene, person).key, Answer(given), there, **more)


def first(scene: Scene) -> SlotView:
    return callout_view.show(scene.desk, "INC-1").slots[0]


# ---------------------------------------------------------------- while it runs


def test_everybody_who_was_asked_is_counted_once(scene: Scene):
    scene.declare("storm")
    people = [one.person for one in asked(scene)]
    starts_at = first(scene).starts_at
    plain = [key for key in people if key.startswith("p")]
    answer(scene, plain[0], "yes")
    answer(scene, plain[1], "no")
    answer(scene, plain[2], "later", comes_at=starts_at + timedelta(hours=1))
    counts = first(scene).counts
    assert (counts.asked, counts.yes, counts.no, counts.later) == (len(people), 1, 1, 1)
    assert counts.silent == len(people) - 3
    assert sum(counts.model_dump(exclude={"asked"}).values()) == counts.asked


def test_who_comes_is_named_with_their_hours(scene: Scene):
    scene.declare("storm")
    starts_at, later = first(scene).starts_at, first(scene).starts_at + timedelta(hours=1)
    early, late = [one.person for one in asked(scene) if one.person.startswith("p")][:2]
    answer(scene, late, "later", comes_at=later)
    answer(scene, early, "yes", on="sms")
    view = first(scene)
    [comes], [can] = view.coming, view.later
    assert (comes.person, comes.comes_at, comes.until, comes.answered_on) == (early, starts_at, view.ends_at, "sms")
    assert comes.buddy == "Tim Bakker"
    assert (can.person, can.comes_at) == (late, later)


def test_places_beyond_the_quota_are_the_waiting_list(scene: Scene):
    scene.declare("storm")
    speakers = [one.person for one in asked(scene) if one.person.startswith(("s", "eva"))]
    others = [one.person for one in asked(scene) if one.person.startswith("p")]
    for key in [speakers[0], *others[:3]]:
        answer(scene, key, "yes")
    scene.settle()
    view = first(scene)
    assert (view.state, view.counts.yes, view.counts.waiting) == ("full", 3, 1)
    assert [one.person for one in view.waiting_list] == [others[2]]
    assert (view.expected, view.next_wave_at) == (None, None)


def test_each_qualification_has_its_own_row(scene: Scene):
    scene.declare("storm")
    speakers = [one.person for one in asked(scene) if one.person.startswith(("s", "eva"))]
    answer(scene, speakers[0], "yes")
    spanish, rebooking = first(scene).by_qualification
    assert (spanish.words, spanish.wanted, spanish.asked, spanish.yes) == ("Spanish", 1, len(speakers), 1)
    assert (rebooking.qualification, rebooking.wanted) == ("rebooking", None)
    assert rebooking.asked == len(asked(scene))


def test_who_nothing_reached_is_no_silence(scene: Scene):
    scene.declare("storm")
    lost, reached = asked(scene)[:2]
    store, key = scene.desk.store, asked_by(lost, lost.lane)
    there = store.first(Effect, key=key)
    assert there
    store.apply(Change(records=(there.model_copy(update={"state": EffectState.FAILED}),)))
    view = first(scene)
    assert view.counts.unreachable == 1
    name = {one.key: one.name for one in scene.desk.everybody()}
    assert [one.name for one in view.unreachable] == ["Far Away", name[lost.person]]
    assert name[reached.person] not in [one.name for one in view.unreachable]


def test_the_next_wave_and_what_is_expected_are_there_while_it_asks(scene: Scene):
    scene.declare("storm")
    view = first(scene)
    assert view.state == "asking"
    assert view.next_wave_at == scene.clock.now() + timedelta(minutes=15)
    assert view.expected
    assert view.expected.low <= view.expected.mean <= view.expected.high <= 3
    before = view.expected.chance
    for one in [each for each in asked(scene) if each.person.startswith("p")][:5]:
        answer(scene, one.person, "no")
    after = first(scene).expected
    assert after
    assert after.chance < before


def test_an_incident_that_is_over_has_nothing_to_watch(scene: Scene):
    scene.declare("storm")
    assert not callout_text.is_over(callout_view.show(scene.desk, "INC-1"))
    scene.desk.stand_down("INC-1", "dm", "false alarm")
    scene.settle()
    view = callout_view.show(scene.desk, "INC-1")
    assert view.slots[0].state == "over"
    assert callout_text.is_over(view)


def test_steps_that_have_asked_nobody_say_why(scene: Scene):
    scene.declare("storm")
    says = {one.step: one.says for one in callout_view.show(scene.desk, "INC-1").steps}
    assert says == {"more#1": "`when` does not hold: facts.flooded", "by_plan": "waits for planned"}


def test_by_lane_counts_where_they_were_asked_and_where_they_answered(scene: Scene):
    scene.declare("storm")
    plain = [one.person for one in asked(scene) if one.person.startswith("p")]
    answer(scene, plain[0], "yes")
    answer(scene, plain[1], "no", on="link")
    lanes = {one.lane: (one.asked, one.yes, one.no) for one in first(scene).by_lane}
    assert lanes == {"slack": (len(asked(scene)), 1, 0), "link": (0, 0, 1)}


def test_fairness_names_who_is_called_most(scene: Scene):
    scene.declare("storm")
    often = asked(scene)[0].person
    for number in range(4):
        scene.desk.declare("storm", facts={}, by="dm")
        old = asked(scene)[0]
        key = f"INC-{number + 2}/again/{often}"
        again = old.model_copy(update={"key": key, "callout": key, "incident": number + 2, "version": 0, "code": key})
        scene.desk.store.apply(Change(records=(again,)))
    found = first(scene).fairness
    assert found
    assert [(one.person, one.calls) for one in found.most] == [(often, 5)]
    assert found.evenness is not None
    assert found.evenness < 0.7
    assert "5 times" in callout_text.standing(callout_view.show(scene.desk, "INC-1"), ZONE)


def test_calls_older_than_three_months_are_forgiven(scene: Scene):
    scene.declare("storm")
    for days, calls in [(89, len(asked(scene))), (91, 0)]:
        scene.clock.move_to(NIGHT + timedelta(days=days))
        found = first(scene).fairness
        assert found
        assert (found.calls, found.evenness is None) == (calls, not calls)


# ---------------------------------------------------------------- before it starts


def test_the_plan_asks_nobody_and_names_everybody(scene: Scene):
    with_steps = scene.desk.declare("storm", facts={}, by="dm").ref
    plan = callout_plan.plan(scene.desk, with_steps)
    [slot] = plan.slots
    assert slot.need == "3 people by 2026-11-22 06:10 UTC (07:10), 1 of them Spanish"
    assert len(slot.first_wave) == slot.asks > 3
    assert any("es" in one.holds for one in slot.first_wave)
    named = {one.person for one in slot.first_wave} | {one.person for one in slot.people}
    assert named == {one.key for one in scene.desk.everybody()}
    assert sum(slot.not_asked.values()) == len(slot.people)
    assert [one.name for one in slot.unreachable] == ["Far Away"]
    assert slot.outlook
    assert slot.outlook.chance > 0.8
    assert scene.desk.snapshot(with_steps).invitations == ()
    assert scene.desk.snapshot(with_steps).steps == ()


def test_the_plan_is_what_happens(scene: Scene):
    scene.desk.declare("storm", facts={}, by="dm")
    [slot] = callout_plan.plan(scene.desk, "INC-1").slots
    scene.settle()
    assert {one.person for one in asked(scene)} == {one.person for one in slot.first_wave}
    assert {one.lane for one in slot.first_wave} == {"slack"}


def test_what_is_changed_for_now_is_planned(scene: Scene):
    scene.desk.declare("storm", facts={}, by="dm")
    changed = calling_out.overrides_of(5, ["es=2"], ["rebooking+nl=1"])
    [slot] = callout_plan.plan(scene.desk, "INC-1", "volunteers", changed).slots
    assert (slot.quota, slot.minima) == (5, {"es": 2, "rebooking+nl": 1})
    assert "1 of them rebooking and Dutch" in slot.need


def test_two_slots_are_planned_for_different_people(tmp_path: Path):
    with storm(tmp_path, playbook=PLAYBOOK.replace("lasts: 4h, where", "lasts: 8h, slot: 4h, where")) as scene:
        scene.desk.declare("storm", facts={}, by="dm")
        one, two = callout_plan.plan(scene.desk, "INC-1").slots
        assert (one.slot, two.slot, one.ends_at) == (1, 2, two.starts_at)
        both = [each.person for each in (*one.first_wave, *two.first_wave)]
        assert len(both) == len(set(both))
        assert two.not_asked["asked already"] == len(one.first_wave)


def test_a_plan_without_a_staffing_plan_asks_for_the_quota(scene: Scene):
    scene.declare("storm")
    with pytest.raises(NotAllowed, match=r"no staffing plan yet .* --quota"):
        callout_plan.plan(scene.desk, "INC-1", "by_plan")
    assert callout_plan.plan(scene.desk, "INC-1", "by_plan", {"quota": 2}).slots[0].quota == 2


def test_a_running_call_out_is_planned_as_it_stands(scene: Scene):
    scene.declare("storm")
    answer(scene, next(one.person for one in asked(scene) if one.person.startswith("p")), "yes")
    [slot] = callout_plan.plan(scene.desk, "INC-1").slots
    assert (slot.accepted, slot.outlook) == (1, None)
    with pytest.raises(NotAllowed, match="runs already"):
        callout_plan.plan(scene.desk, "INC-1", None, {"quota": 9})


@pytest.mark.parametrize(
    ("step", "changed", "says"),
    [
        ("nosuch", {}, "no call-out step 'nosuch'; there is volunteers, more, by_plan"),
        (None, {"quota": 0}, "quota"),
        (None, {"quota": 501}, "quota"),
        (None, {"languages": {"spanish": 1}}, "languages.spanish"),
        (None, {"at_least": {"Rebooking": 1}}, "is no qualification"),
        (None, {"quota": 2, "languages": {"es": 3}}, "add up to 3, more than the quota of 2"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(scene: Scene, step: str | None, changed: dict, says: str):
    scene.desk.declare("storm", facts={}, by="dm")
    with pytest.raises(NotAllowed) as refused:
        callout_plan.plan(scene.desk, "INC-1", step, changed)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_there_is_no_plan_for_an_incident_that_is_not_there(scene: Scene):
    with pytest.raises(Unknown):
        callout_plan.plan(scene.desk, "INC-9")


# ---------------------------------------------------------------- on a terminal


def test_nothing_is_wider_than_80_columns(tmp_path: Path):
    long = "Wilhelmina-Antoinette van Oldenbarnevelt tot Zevenbergen-Rodenrijs der Nederlanden"
    people = [*crowd(30, name=long, department="a_department_with_a_long_name"), someone("far", name=long, chat="")]
    with storm(tmp_path, people) as scene:
        scene.declare("storm")
        for one in asked(scene)[:6]:
            answer(scene, one.person, "yes", on="link")
        text = callout_text.standing(callout_view.show(scene.desk, "INC-1"), ZONE)
        plan = callout_text.planned(callout_plan.plan(scene.desk, "INC-1", "more"), ZONE)
        for line in [*text.splitlines(), *plan.splitlines()]:
            assert len(line) <= 80, line


def test_the_screen_says_what_a_duty_manager_asks(scene: Scene):
    scene.declare("storm")
    answer(scene, next(one.person for one in asked(scene) if one.person.startswith("p")), "yes")
    text = callout_text.standing(callout_view.show(scene.desk, "INC-1"), ZONE)
    for part in (
        "3 people by 2026-11-22 06:10 UTC (07:10), 1 of them Spanish",
        "1 of 3 come",
        "more are asked at 04:25 UTC (05:25), in 15 min, if needed",
        "OUT OF REACH (1): Far Away",
        "more#1: `when` does not hold",
    ):
        assert part in text, part
    assert "█" in text


def test_before_anything_is_asked_the_screen_says_what_to_do(scene: Scene):
    scene.desk.declare("storm", facts={}, by="dm")
    text = callout_text.standing(callout_view.show(scene.desk, "INC-1"), ZONE)
    assert "irrops callout plan INC-1" in text
    assert "irrops callout start INC-1" in text


def test_another_day_is_written_with_its_date(scene: Scene):
    scene.declare("storm")
    view = callout_view.show(scene.desk, "INC-1").model_copy(update={"now": first(scene).starts_at + timedelta(days=1)})
    assert "11-22 06:10 UTC (11-22 07:10)" in callout_text.standing(view, ZONE)


def test_a_small_window_says_how_much_is_left():
    text = "\n".join(str(number) for number in range(40))
    shown = callout_text.fitting(text, 24).splitlines()
    assert len(shown) == 24
    assert shown[-1].startswith("… 17 more lines")
    assert callout_text.fitting(text, 40) == text


@pytest.mark.parametrize(
    ("chance", "said"), [(0.0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1.0, "100%")]
)
def test_nothing_is_called_certain_that_only_comes_close(chance: float, said: str):
    assert callout_text._percent(chance) == said

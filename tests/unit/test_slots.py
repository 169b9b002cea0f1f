"""The need by slot and qualification, and whose turn it is."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from engine.choice import Reason
from engine.need import in_words, need_of
from engine.people import Person
from engine.qualification import holds, parts, spoken
from engine.staffing import Slot, StaffingPlan
from tests.unit.volunteers import NIGHT, asked, crowd, kinds, later, reply, run, sent, situation, someone

HALF = timedelta(minutes=30)


def plan(*missing: dict[str, int], start: datetime = NIGHT - timedelta(minutes=10)) -> StaffingPlan:
    """A plan that lacks so many by language in each half hour."""
    rows = []
    for number, lacks in enumerate(missing):
        at = start + number * HALF
        for language, count in {**lacks, "*": sum(lacks.values())}.items():
            seat = {"start": at, "language": language, "messages": 1.0, "on_duty": 0, "offered": 0}
            rows.append(Slot(needed=count, **seat))
    worst = max(sum(lacks.values()) for lacks in missing)
    return StaffingPlan(incident=7, made_at=NIGHT, answer_within_s=1800, share=0.9, slots=tuple(rows), shortfall=worst)


def test_each_slot_has_the_need_of_its_own_hours() -> None:
    # 04:00 to 05:00 lacks 9, the first slot (05:10 to 09:10) 4, the second 6 of whom 2 Spanish
    needs = plan(*[{"en": 9}] * 2, *[{"en": 4}] * 8, *[{"en": 4, "es": 2}] * 12)
    snapshot, _ = run(replace(situation(crowd(200), quota="from_staffing", lasts="8h"), staffing=needs))
    found = [(one.slot, one.quota, one.minima) for one in snapshot.slots("volunteers#1")]
    assert found == [(1, 6, {"en": 4}), (2, 6, {"en": 4})], "no Spanish speaker could be called"
    assert need_of(needs, NIGHT, NIGHT + HALF) == (9, {"en": 9})


def test_slots_are_equal_and_follow_one_another() -> None:
    snapshot, _ = run(situation(crowd(200), quota=2, lasts="10h", slot="4h"))
    slots = snapshot.slots("volunteers#1")
    assert [one.slot for one in slots] == [1, 2, 3]
    assert all(one.ends_at == other.starts_at for one, other in pairwise(slots))
    assert {one.ends_at - one.starts_at for one in slots} == {timedelta(hours=3, minutes=20)}
    assert len(set(asked(snapshot))) == len(asked(snapshot)), "nobody is asked for two slots"


def test_a_later_slot_is_asked_for_when_its_time_comes() -> None:
    people = crowd(300)
    snapshot, outcome = run(situation(people, quota=1, lasts="12h", slot="4h", ask_ahead="2h", waves=1))
    first, second, _ = snapshot.slots("volunteers#1")
    assert {one.callout for one in snapshot.invitations} == {first.key}
    snapshot, _, _ = reply_for(sent(snapshot), first.key)
    assert second.opens_at == second.starts_at - timedelta(hours=2)
    snapshot, outcome = run(later(snapshot, minutes=1))
    assert (outcome.kind, outcome.until) == ("wait", second.opens_at)
    assert second.opens_at
    snapshot, _ = run(replace(snapshot, now=second.opens_at))
    assert {one.callout for one in snapshot.invitations} == {first.key, second.key}


def reply_for(snapshot, callout):  # type: ignore[no-untyped-def]
    from engine.answering import answer
    from engine.callout import Answer
    from tests.unit.volunteers import apply

    one = next(i for i in snapshot.invitations if i.callout == callout)
    who = next(p for p in snapshot.people if p.key == one.person)
    change, said = answer(snapshot, one.key, Answer.YES, who, snapshot.now)
    return apply(snapshot, change), change, said


def test_a_qualification_may_ask_for_a_level_and_for_several_at_once() -> None:
    anna = someone("anna", skills=("rebooking", "care"), languages=("en", "es"), levels={"rebooking": 2})
    assert holds(anna, "rebooking:2")
    assert holds(anna, "rebooking:2+es")
    assert holds(anna, "care")
    assert not holds(anna, "rebooking:3")
    assert not holds(anna, "care:2")
    assert not holds(anna, "rebooking+fr")
    assert spoken("rebooking:2+es") == "rebooking (level 2) and Spanish"
    with pytest.raises(ValueError, match=r"write es, rebooking, rebooking:2 or rebooking:2\+es"):
        parts("Rebooking 2")


def test_places_are_kept_for_a_level_as_for_a_language() -> None:
    experts = crowd(3, "x", levels={"rebooking": 3})
    snapshot, _ = run(situation((*crowd(60), *experts), quota=3, at_least={"rebooking:3": 1}, waves=1))
    assert any(one.startswith("x") for one in asked(snapshot))
    snapshot = sent(snapshot)
    for person in [one for one in asked(snapshot) if one.startswith("p")][:3]:
        snapshot, _, _ = reply(snapshot, person, "yes")
    assert snapshot.callouts[0].accepted == 2, "the third place waits for somebody of level 3"


def test_a_need_is_said_as_a_duty_manager_would() -> None:
    assert in_words(12, {"es": 3}, "06:00") == "12 people by 06:00, 3 of them Spanish"
    assert in_words(1, {}) == "1 person"
    _, outcome = run(situation((*crowd(200), *crowd(40, "s", languages=("es",))), quota=12, languages={"es": 3}))
    assert outcome.entries[0].text.startswith("12 people by 05:10 UTC, 3 of them Spanish; 22 Nov 05:10")


def by_department(*names: str) -> tuple[Person, ...]:
    return tuple(p for name in names for p in crowd(4, name[:2], department=name))


def test_departments_are_asked_in_the_order_of_their_turn() -> None:
    people = by_department("ground_staff", "cabin_crew", "marketing")
    first = ["ground_staff", "cabin_crew"]
    snapshot, outcome = run(situation(people, quota=9, first=first, waves=9))
    assert {one[:2] for one in asked(snapshot)} == {"gr"}
    assert outcome.entries[0].facts[str(Reason.TURN)] == 8
    snapshot, _ = run(later(sent(snapshot), minutes=15))  # silent: the deputy is called, nobody else is left there
    assert {one[:2] for one in asked(snapshot)} == {"gr", "ca"}
    snapshot, _ = run(later(sent(snapshot), minutes=15))
    assert {one[:2] for one in asked(snapshot)} == {"gr", "ca", "ma"}


def test_nobody_is_woken_where_the_playbook_says_so() -> None:
    # 05:10 in Amsterdam, 13:10 in Tokyo
    people = (*crowd(4), *crowd(4, "t", time_zone="Asia/Tokyo"))
    snapshot, _ = run(situation(people, quota=8, call_between="07:00-22:00"))
    assert {one[0] for one in asked(snapshot)} == {"t"}
    snapshot, _ = run(situation(people, quota=8, call_between="22:00-06:00"))
    assert {one[0] for one in asked(snapshot)} == {"p"}


def test_a_drop_out_after_the_last_wave_is_replaced_all_the_same() -> None:
    snapshot, _ = run(situation(crowd(40), quota=1, waves=1))
    snapshot = sent(snapshot)
    person = asked(snapshot)[0]
    snapshot, _, _ = reply(snapshot, person, "yes")
    snapshot, outcome = run(snapshot)
    assert kinds(outcome.entries)[0] == "CallOutFilled"
    before = len(asked(snapshot))
    snapshot, _, _ = reply(sent(snapshot), person, "no")
    for silent in asked(snapshot):
        if silent != person:
            snapshot, _, _ = reply(snapshot, silent, "no")
    snapshot, outcome = run(snapshot)
    assert len(asked(snapshot)) > before


def test_a_slot_that_is_not_asked_for_yet_keeps_its_minima() -> None:
    spanish = crowd(3, "s", languages=("es",))
    with_ = {"quota": 3, "languages": {"es": 2}, "lasts": "8h", "slot": "4h", "ask_ahead": "1h", "waves": 1}
    snapshot, outcome = run(situation((*crowd(60), *spanish), **with_))
    assert [one.minima for one in snapshot.slots("volunteers#1")] == [{"es": 2}, {"es": 2}]
    assert "CallOutShort" not in kinds(outcome.entries)

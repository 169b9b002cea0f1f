"""The end of somebody's hours: asked for the handover, thanked, asked how it was. Each once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine import debrief, shift_end
from engine.answering import answer
from engine.buttons import DEBRIEF, HANDOVER
from engine.callout import Answer, CallOut, Invitation
from engine.change import Change
from engine.effects import Direct, Text
from engine.handover import NOTHING, hand_over, next_slots, nothing_open
from engine.incident import NotAllowed
from engine.notes import LONGEST, says_nothing
from engine.plan import plan
from engine.snapshot import Snapshot
from tests.unit.test_release import release
from tests.unit.volunteers import NIGHT, apply, asked, crowd, kinds, later, reply, run, sent, situation, someone

BEGINS, ENDS = NIGHT + timedelta(hours=1), NIGHT + timedelta(hours=5)


def working(count: int = 2, **with_: Any) -> Snapshot:
    """So many have said yes to a call-out for twice as many; a step that ended long ago."""
    snapshot = sent(run(situation(crowd(20), **{"quota": count * 2, **with_}))[0])
    for person in asked(snapshot)[:count]:
        snapshot, _, _ = reply(snapshot, person, "yes")
    return sent(snapshot)


def when(snapshot: Snapshot, **span: float) -> Snapshot:
    """So long after the slot begins."""
    return replace(snapshot, now=BEGINS + timedelta(**span))


def kept(snapshot: Snapshot) -> tuple[Snapshot, Change]:
    change = shift_end.keep(snapshot)
    return apply(snapshot, change), change


def told(change: Change) -> dict[str, Direct]:
    return {one.message.person: one.message for one in change.effects if isinstance(one.message, Direct)}


def of(snapshot: Snapshot, person: str) -> Invitation:
    return next(one for one in snapshot.invitations if one.person == person)


def slot_of(snapshot: Snapshot, one: Invitation) -> CallOut:
    return next(slot for slot in snapshot.callouts if slot.key == one.callout)


# ---------------------------------------------------------------- when


def test_the_clock_wakes_ten_minutes_before_the_end_and_at_it() -> None:
    snapshot = working()
    assert set(shift_end.wakes(snapshot)) == {ENDS - timedelta(minutes=10), ENDS}
    ended = replace(snapshot, steps=(), now=BEGINS, statements=())
    assert plan(replace(ended, playbook=ended.playbook.model_copy(update={"steps": ()}))).wake_at == ENDS - timedelta(
        minutes=10
    )


def test_nothing_is_due_while_they_work_or_for_who_has_no_place() -> None:
    snapshot = working()
    assert not shift_end.due(when(snapshot, hours=3, minutes=49))
    assert shift_end.due(when(snapshot, hours=3, minutes=50))
    nobody = replace(snapshot, invitations=tuple(one for one in snapshot.invitations if one.answer is not Answer.YES))
    assert not shift_end.due(when(nobody, hours=4))


def test_after_a_long_stand_still_nobody_is_thanked_days_later() -> None:
    snapshot = working()
    assert shift_end.due(when(snapshot, hours=15))
    assert not shift_end.due(when(snapshot, hours=16))


# ---------------------------------------------------------------- the handover is asked for


def test_ten_minutes_before_the_end_they_are_asked_what_is_open() -> None:
    snapshot, change = kept(when(working(), hours=3, minutes=50))
    messages = told(change)
    assert set(messages) == set(asked(snapshot)[:2])
    one = messages[asked(snapshot)[0]]
    assert "What is still open?" in one.text
    assert [(button.action, button.label) for button in one.buttons] == [(HANDOVER, "Nothing is open")]
    assert [(one.kind, one.text) for one in change.entries] == [
        ("HandoverAsked", "2 responders asked what is still open; the slot ends in 10 min")
    ]
    assert not shift_end.due(snapshot)
    assert kept(snapshot)[1] == Change()


def test_whoever_is_reached_by_voice_is_not_rung_up_for_it() -> None:
    person = someone("anna", chat="", phone="+31201234567", email="anna@example.org", lanes=("voice", "email"))
    snapshot = situation([person], quota=1)
    snapshot = replace(snapshot, house=replace(snapshot.house, lanes=("slack", "voice", "email")))
    snapshot = sent(run(snapshot)[0])
    snapshot, _, _ = reply(snapshot, "anna", "yes")
    _, change = kept(when(snapshot, hours=4))
    assert [one.channel for one in change.effects] == ["email"]


# ---------------------------------------------------------------- thanks


def test_at_the_end_they_are_thanked_told_their_hours_and_asked_two_questions() -> None:
    snapshot = working()
    late = asked(snapshot)[3]
    snapshot, _, _ = reply(when(snapshot, hours=1), late, "yes")
    snapshot, change = kept(when(snapshot, hours=4))
    first = told(change)[asked(snapshot)[0]]
    assert "06:10 (05:10 UTC), 22 Nov to 10:10 (09:10 UTC), 22 Nov (4 h)" in first.text
    assert "(3 h)" in told(change)[late].text
    assert "1. How well were you prepared" in first.text
    assert "2. What should be different next time?" in first.text
    assert "3." not in first.text
    assert [(button.action, button.label) for button in first.buttons] == [(DEBRIEF, n) for n in "12345"]
    assert kinds(change.entries) == ["SlotEnded"]
    assert kept(later(snapshot, minutes=1))[1] == Change()


def test_whoever_left_the_house_is_only_noted() -> None:
    snapshot = working()
    gone = asked(snapshot)[0]
    snapshot = replace(snapshot, people=tuple(one for one in snapshot.people if one.key != gone))
    after, change = kept(when(snapshot, hours=4))
    assert gone not in told(change)
    assert of(after, gone).thanked_at == after.now
    assert not shift_end.due(after)


def test_several_slots_end_each_at_its_own_time() -> None:
    snapshot = working()
    second = snapshot.callouts[0].model_copy(update={"key": "second", "slot": 2, "ends_at": ENDS + timedelta(hours=4)})
    moved = of(snapshot, asked(snapshot)[1]).model_copy(update={"callout": "second"})
    others = tuple(one for one in snapshot.invitations if one.key != moved.key)
    snapshot = replace(snapshot, callouts=(*snapshot.callouts, second), invitations=(*others, moved))
    snapshot, change = kept(when(snapshot, hours=4))
    assert set(told(change)) == {others[0].person}
    snapshot, change = kept(when(snapshot, hours=8))
    assert set(told(change)) == {moved.person}
    assert "(8 h)" in told(change)[moved.person].text


def test_a_drill_is_marked_once_and_ends_like_any_other() -> None:
    snapshot = sent(run(situation(crowd(9), quota=2, drill=True))[0])
    person = asked(snapshot)[0]
    snapshot, _, _ = reply(snapshot, person, "yes")
    _, change = kept(when(snapshot, hours=4))
    assert told(change)[person].text.count("[DRILL]") == 1


# ---------------------------------------------------------------- released before the end


def test_released_at_the_end_of_the_incident_they_are_thanked_then_and_not_again() -> None:
    snapshot, outcome = release(when(working(), hours=2))
    person = asked(snapshot)[0]
    [thanks] = [e.message for e in outcome.effects if isinstance(e.message, Direct) and e.message.person == person]
    assert "(2 h)" in thanks.text
    assert "1. How well were you prepared" in thanks.text
    assert [button.action for button in thanks.buttons] == [DEBRIEF] * 5
    assert of(snapshot, person).released_because == "the incident is over"
    assert not shift_end.due(when(snapshot, hours=4))


def test_whoever_was_thanked_at_the_end_of_the_slot_hears_nothing_when_the_incident_ends() -> None:
    snapshot, _ = kept(when(working(), hours=4))
    snapshot, outcome = release(later(snapshot, hours=1))
    assert [effect for effect in outcome.effects if isinstance(effect.message, Direct)] == []
    assert of(snapshot, asked(snapshot)[0]).released_at == snapshot.now


def test_let_go_twice_they_hear_it_once() -> None:
    snapshot = when(working(), hours=2)
    one = of(snapshot, asked(snapshot)[0])
    person = next(person for person in snapshot.people if person.key == one.person)
    record, effects = shift_end.let_go(snapshot, slot_of(snapshot, one), one, person, "need fell", over=False)
    assert "needs fewer people now" in effects[0].message.text
    assert record.released_because == "need fell"
    assert shift_end.let_go(snapshot, slot_of(snapshot, one), record, person, "again")[1] == ()


def test_let_go_with_notice_they_are_thanked_when_they_go() -> None:
    snapshot = working()
    person = asked(snapshot)[0]
    going = of(snapshot, person).model_copy(update={"released_at": BEGINS + timedelta(hours=2)})
    others = tuple(one for one in snapshot.invitations if one.key != going.key)
    snapshot = replace(snapshot, invitations=(*others, going))
    snapshot, change = kept(when(snapshot, hours=1, minutes=50))
    assert set(told(change)) == {person}
    assert "What is still open?" in told(change)[person].text
    snapshot, change = kept(when(snapshot, hours=2))
    assert "(2 h)" in told(change)[person].text
    snapshot, change = kept(when(snapshot, hours=4))
    assert person not in told(change)


def test_spared_before_they_begin_the_entry_goes_and_nothing_is_asked() -> None:
    person = someone("anna", email="anna@example.org")
    snapshot = situation([person], quota=1)
    snapshot = replace(snapshot, house=replace(snapshot.house, lanes=("slack", "email")))
    snapshot, _, _ = reply(sent(run(snapshot)[0]), "anna", "yes")
    spared = of(snapshot, "anna").model_copy(update={"released_at": snapshot.now})
    snapshot = replace(snapshot, invitations=(spared,))
    snapshot, change = kept(snapshot)
    assert [one.message.attachments[0].type for one in change.effects] == ["text/calendar; method=CANCEL"]
    assert change.entries == ()
    assert not shift_end.due(when(snapshot, hours=4))


# ---------------------------------------------------------------- handing over


def relieved() -> tuple[Snapshot, Invitation, Invitation]:
    """Two slots; one works in the first, another will in the second."""
    snapshot = working()
    second = snapshot.callouts[0].model_copy(
        update={"key": "second", "slot": 2, "starts_at": ENDS, "ends_at": ENDS + timedelta(hours=4)}
    )
    first, next_ = (of(snapshot, person) for person in asked(snapshot)[:2])
    next_ = next_.model_copy(update={"callout": "second", "begins_at": ENDS})
    others = tuple(one for one in snapshot.invitations if one.key != next_.key)
    snapshot = replace(snapshot, callouts=(*snapshot.callouts, second), invitations=(*others, next_))
    return when(snapshot, hours=3, minutes=55), first, next_


def left_note(snapshot: Snapshot, one: Invitation, text: str) -> tuple[Snapshot, Change]:
    person = next(person for person in snapshot.people if person.key == one.person)
    change = hand_over(snapshot, slot_of(snapshot, one), of(snapshot, one.person), person, text)
    return apply(snapshot, change), change


def test_a_note_reaches_those_who_come_next_and_the_room() -> None:
    snapshot, first, next_ = relieved()
    snapshot, change = left_note(snapshot, first, "Two families\n wait for a hotel;  12 and 17.")
    assert of(snapshot, first.person).handover == "Two families wait for a hotel; 12 and 17."
    assert set(told(change)) == {next_.person}
    assert "“Two families wait for a hotel; 12 and 17.”" in told(change)[next_.person].text
    [room] = [one for one in change.effects if isinstance(one.message, Text)]
    assert room.needs == snapshot.incident.key("room")
    assert "hands over" in room.message.text
    [entry] = change.entries
    assert (entry.kind, entry.facts) == ("HandedOver", {"told": 1})
    assert "families" not in entry.text, "what is open may be a customer's business: not on the timeline"


def test_the_same_note_is_passed_on_once_and_a_second_one_is_added() -> None:
    snapshot, first, _ = relieved()
    snapshot, _ = left_note(snapshot, first, "One.")
    assert left_note(snapshot, first, " One. ")[1] == Change()
    snapshot, change = left_note(snapshot, first, "Two.")
    assert of(snapshot, first.person).handover == "One.\nTwo."
    assert "Two." in change.effects[0].message.text
    assert "One." not in change.effects[0].message.text


def test_whoever_accepts_after_the_note_finds_it_in_the_briefing() -> None:
    snapshot, first, _ = relieved()
    snapshot, _ = left_note(snapshot, first, "Case 12 waits.")
    person = next(one for one in snapshot.people if one.key == asked(snapshot)[5])
    late = of(snapshot, person.key).model_copy(update={"callout": "second"})
    others = tuple(one for one in snapshot.invitations if one.key != late.key)
    snapshot = replace(snapshot, invitations=(*others, late))
    change, _ = answer(snapshot, late.key, Answer.YES, person, snapshot.now)
    name = next(one.name for one in snapshot.people if one.key == first.person)
    assert f"From those who worked before you:\n• {name}: Case 12 waits." in change.effects[0].message.text


def test_the_next_slot_is_the_first_of_its_kind_to_begin_and_end_later() -> None:
    snapshot, first, _ = relieved()
    here = slot_of(snapshot, first)
    hour = timedelta(hours=1)
    third = here.model_copy(update={"key": "third", "starts_at": ENDS + 4 * hour, "ends_at": ENDS + 9 * hour})
    within = here.model_copy(update={"key": "within", "starts_at": BEGINS + hour})
    shift = {"step": "staff_up#1", "starts_at": ENDS - hour, "ends_at": ENDS + hour}
    other = here.model_copy(update={"key": "other", **shift})
    snapshot = replace(snapshot, callouts=(*snapshot.callouts, third, within, other))
    assert [one.key for one in next_slots(snapshot, here)] == ["second"]
    assert next_slots(snapshot, third) == []


def test_nothing_open_is_noted_and_passed_to_nobody() -> None:
    snapshot, first, _ = relieved()
    snapshot = apply(snapshot, nothing_open(of(snapshot, first.person)))
    assert of(snapshot, first.person).handover == NOTHING
    assert nothing_open(of(snapshot, first.person)) == Change()
    for text in ("nothing", "Nothing.", " niets ", "NADA!", "-", "no"):
        assert says_nothing(text), text
    assert not says_nothing("no hotel for family 12")


@pytest.mark.parametrize(
    ("text", "span", "said"),
    [
        ("  \n ", {"hours": 4}, "still open"),
        ("x" * (LONGEST + 1), {"hours": 4}, "2,000 characters"),
        ("Case 12", {"minutes": -5}, "have not begun"),
    ],
)
def test_a_note_that_can_t_be_taken_gets_a_sentence(text: str, span: dict[str, float], said: str) -> None:
    snapshot, first, _ = relieved()
    with pytest.raises(NotAllowed, match=said):
        left_note(when(snapshot, **span), first, text)


# ---------------------------------------------------------------- the debrief


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", {"prepared": "4"}),
        (" 5/5 ", {"prepared": "5"}),
        ("2, more headsets", {"prepared": "2", "different": "more headsets"}),
        ("4\n", {"prepared": "4"}),
        ("4 more headsets", {"different": "4 more headsets"}),
        ("7", {"different": "7"}),
        ("More\x00 headsets", {"different": "More headsets"}),
        ("  ", {}),
    ],
)
def test_what_somebody_writes_back_is_read(text: str, expected: dict[str, str]) -> None:
    assert debrief.read(text) == expected


def test_answers_are_kept_together_and_may_be_changed() -> None:
    snapshot = when(working(), hours=4)
    person = asked(snapshot)[0]
    snapshot = apply(snapshot, debrief.answered(snapshot, of(snapshot, person), {"prepared": "4"}))
    assert debrief.missing(of(snapshot, person)) == ("different",)
    assert debrief.answered(snapshot, of(snapshot, person), {"prepared": "4"}) == Change()
    snapshot = apply(snapshot, debrief.answered(snapshot, of(snapshot, person), {"prepared": "5", "different": "Tea"}))
    assert of(snapshot, person).debrief == {"prepared": "5", "different": "Tea"}


@pytest.mark.parametrize("answers", [{"prepared": "6"}, {"prepared": "well"}, {"food": "good"}])
def test_an_answer_that_is_none_gets_a_sentence(answers: dict[str, str]) -> None:
    snapshot = when(working(), hours=4)
    with pytest.raises(NotAllowed, match="from 1 to 5"):
        debrief.answered(snapshot, of(snapshot, asked(snapshot)[0]), answers)
    with pytest.raises(NotAllowed, match="have not begun"):
        debrief.answered(when(snapshot, minutes=-1), of(snapshot, asked(snapshot)[0]), {"prepared": "3"})

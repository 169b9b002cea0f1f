"""“I can come later” and “not this time, and not for a while”."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.answering import answer, standing
from engine.callout import Answer, Invitation
from engine.change import Change
from engine.effects import Direct, Revise
from engine.people import Person
from engine.ports import Reply
from engine.snapshot import Snapshot
from tests.unit.volunteers import NIGHT, apply, asked, crowd, kinds, later, reply, run, sent, situation, someone

STARTS = NIGHT + timedelta(hours=1)


def two_slots(people: tuple[Person, ...] = crowd(20), **with_: object) -> Snapshot:
    """Work from 05:10 to 13:10 UTC in two slots of four hours."""
    with_ = {"quota": 2, "lasts": "8h", "slot": "4h", "waves": 1, **with_}
    snapshot, _ = run(situation(people, **with_))
    return sent(snapshot)


def comes(snapshot: Snapshot, person: str, **span: float) -> tuple[Snapshot, Change, Reply]:
    """Press “I can come later” and choose a time after the beginning of the first slot."""
    first = snapshot.slots("volunteers#1")[0]
    who = next(one for one in snapshot.people if one.key == person)
    at = STARTS + timedelta(**span)
    change, said = answer(snapshot, f"{first.key}/{person}", Answer.LATER, who, snapshot.now, comes_at=at)
    return apply(snapshot, change), change, said


def invitation(snapshot: Snapshot, person: str) -> Invitation:
    return next(one for one in snapshot.invitations if one.person == person)


def in_first(snapshot: Snapshot) -> list[str]:
    first = snapshot.slots("volunteers#1")[0]
    return [one.person for one in snapshot.invitations if one.callout == first.key]


def test_the_button_asks_when_and_offers_times_and_the_next_slot() -> None:
    snapshot = two_slots()
    person = in_first(snapshot)[0]
    first = snapshot.slots("volunteers#1")[0]
    who = next(one for one in snapshot.people if one.key == person)
    change, said = answer(snapshot, f"{first.key}/{person}", Answer.LATER, who, snapshot.now)
    assert change == Change(), "nothing is said yet"
    assert said.text == "From when can you come?"
    assert [button.label for button in said.buttons] == [
        "07:10 (06:10 UTC), 22 Nov",
        "08:10 (07:10 UTC), 22 Nov",
        "09:10 (08:10 UTC), 22 Nov",
        "10:10 (09:10 UTC), 22 Nov",
    ]
    assert said.buttons[0].value == f"{first.key}/{person}|later|2026-11-22T06:10Z"


def test_who_comes_when_the_next_slot_begins_takes_a_place_there() -> None:
    snapshot = two_slots()
    person = in_first(snapshot)[0]
    snapshot, change, said = comes(snapshot, person, hours=4)
    first, second = snapshot.slots("volunteers#1")
    assert (first.accepted, second.accepted) == (0, 1)
    there = invitation(snapshot, person)
    assert (there.callout, there.answer, there.comes_at) == (second.key, Answer.YES, None)
    assert "10:10 (09:10 UTC), 22 Nov" in said.text
    [changed] = [effect for effect in change.effects if isinstance(effect.message, Revise)]
    assert "From: 10:10 (09:10 UTC), 22 Nov" in changed.message.text
    assert changed.needs == f"{first.key}/{person}/ask", "the message that asked is the one that changes"


def test_a_full_later_slot_has_a_waiting_list() -> None:
    snapshot = two_slots(quota=1)
    one, other = in_first(snapshot)[:2]
    snapshot, _, _ = comes(snapshot, one, hours=4)
    snapshot, _, said = comes(snapshot, other, hours=4)
    assert standing(invitation(snapshot, other)) == "waiting"
    assert "waiting list" in said.text
    assert snapshot.slots("volunteers#1")[1].accepted == 1


def test_nobody_moves_to_a_slot_in_which_they_are_on_duty() -> None:
    # on duty from 22:10 UTC on: eleven hours of rest end with the first slot, not with the second
    shift = someone("x", shift_pattern="Sun 22:00-23:30").model_dump()["shift_pattern"]
    snapshot = two_slots(crowd(20, shift_pattern=shift))
    person = in_first(snapshot)[0]
    snapshot, _, said = comes(snapshot, person, hours=4)
    assert snapshot.slots("volunteers#1")[1].accepted == 0
    assert "hours are over" in said.text


def test_who_comes_during_the_slot_is_noted_and_called_when_it_would_fall_short() -> None:
    snapshot, _ = run(situation(crowd(6), quota=2, waves=1))
    snapshot = sent(snapshot)
    first, second = asked(snapshot)[:2]
    snapshot, _, said = comes(snapshot, first, hours=2)
    assert standing(invitation(snapshot, first)) == "later"
    assert "from 08:10 (07:10 UTC), 22 Nov" in said.text
    assert snapshot.callouts[0].accepted == 0, "two hours late is no place by the beginning"
    snapshot, _, _ = reply(snapshot, second, "yes")
    snapshot, outcome = run(later(snapshot, minutes=50))
    assert kinds(outcome.entries)[-2:] == ["ResponderConfirmed", "CallOutFilled"]
    there = invitation(snapshot, first)
    assert (standing(there), there.comes_at) == ("accepted", STARTS + timedelta(hours=2))
    texts = [e.message.text for e in outcome.effects if isinstance(e.message, Direct) and e.message.person == first]
    assert len(texts) == 1
    assert "From: 08:10 (07:10 UTC), 22 Nov" in texts[0]


def test_half_an_hour_late_is_in_time() -> None:
    snapshot = two_slots()
    person = in_first(snapshot)[0]
    snapshot, _, _ = comes(snapshot, person, minutes=30)
    assert snapshot.slots("volunteers#1")[0].accepted == 1


def test_who_has_a_place_and_can_only_come_later_frees_it_for_who_waits() -> None:
    snapshot = two_slots(quota=1)
    one, other = in_first(snapshot)[:2]
    first_key = snapshot.slots("volunteers#1")[0].key
    for person in (one, other):
        who = next(p for p in snapshot.people if p.key == person)
        snapshot = apply(snapshot, answer(snapshot, f"{first_key}/{person}", Answer.YES, who, NIGHT)[0])
    assert standing(invitation(snapshot, other)) == "waiting"
    snapshot, _, _ = comes(snapshot, one, hours=4)
    first, second = snapshot.slots("volunteers#1")
    assert (first.accepted, second.accepted) == (1, 1)
    assert standing(invitation(snapshot, other)) == "accepted"
    assert invitation(snapshot, one).callout == second.key


def test_pressing_the_same_time_twice_is_one_answer() -> None:
    snapshot, _ = run(situation(crowd(6), quota=2, waves=1))
    person = asked(snapshot)[0]
    snapshot, _, _ = comes(sent(snapshot), person, hours=2)
    assert comes(snapshot, person, hours=2)[1] == Change()


def test_a_no_is_noted_at_once_and_asks_for_how_long() -> None:
    snapshot, _ = run(situation(crowd(6), quota=2))
    person = asked(snapshot)[0]
    snapshot, _, said = reply(sent(snapshot), person, "no")
    key = invitation(snapshot, person).key
    assert standing(invitation(snapshot, person)) == "declined"
    assert [button.value for button in said.buttons] == [f"{key}|quiet|{span}" for span in ("1d", "7d", "30d")]


@pytest.mark.parametrize("said_no_before", [True, False])
def test_who_wants_quiet_is_left_in_peace_that_long(said_no_before: bool) -> None:
    snapshot, _ = run(situation(crowd(6), quota=2))
    person = asked(snapshot)[0]
    snapshot = sent(snapshot)
    if said_no_before:
        snapshot, _, _ = reply(snapshot, person, "no")
    who = next(one for one in snapshot.people if one.key == person)
    key = invitation(snapshot, person).key
    change, said = answer(snapshot, key, Answer.NO, who, snapshot.now, quiet=timedelta(days=7))
    snapshot = apply(snapshot, change)
    assert standing(invitation(snapshot, person)) == "declined"
    assert next(p for p in snapshot.people if p.key == person).quiet_until == NIGHT + timedelta(days=7)
    assert "29 Nov" in said.text


def test_who_wants_quiet_is_not_asked() -> None:
    peaceful = crowd(9, quiet_until=NIGHT + timedelta(hours=1))
    _, outcome = run(situation(peaceful, quota=1))
    assert "9 wishing not to be called just now" in outcome.reason
    _, outcome = run(replace(situation(peaceful, quota=1), now=NIGHT + timedelta(hours=1)))
    assert outcome.kind == "wait"

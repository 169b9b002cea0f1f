"""From lane to lane: who is not reached on one is asked on the next, within a budget."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.answering import answer
from engine.callout import Answer, ask_key
from engine.effects import Direct, EffectState, Revise
from engine.lanes import code, lanes_of
from engine.limits import fits
from engine.snapshot import Snapshot
from integrations import Config, limits
from tests.unit.volunteers import NIGHT, apply, crowd, house, kinds, later, run, sent, situation, someone

HOUSE = house(lanes=("slack", "email", "sms"), secret="s3cret", public_url="https://irrops.example.org")
REACHED = {"email": "anna@example.org", "phone": "+31 20 123 4567"}


def night(*people: Any, **with_: Any) -> Snapshot:
    with_ = {"quota": 1, "respond_within": "15m", **with_}
    return replace(situation(people, **with_), house=HOUSE)


def lanes_used(outcome: Any) -> list[str]:
    return [effect.channel for effect in outcome.effects]


def test_a_persons_own_order_comes_before_the_houses() -> None:
    anna = someone("anna", **REACHED)
    assert lanes_of(anna, HOUSE) == ("slack", "email", "sms")
    assert lanes_of(anna.model_copy(update={"lanes": ("sms", "voice", "slack")}), HOUSE) == ("sms", "slack")
    assert lanes_of(someone("bea", chat="", phone="+31 20 1"), HOUSE) == ("sms",)
    assert lanes_of(someone("cees", chat=""), HOUSE) == ()


def test_the_code_is_the_same_again_and_nobody_elses() -> None:
    assert code("s", "INC-1/a") == code("s", "INC-1/a")
    assert len({code("s", "INC-1/a"), code("s", "INC-1/b"), code("t", "INC-1/a")}) == 3
    assert len(code("s", "INC-1/a")) == 10


def test_silence_on_one_lane_brings_the_next_after_five_minutes_and_each_lane_once() -> None:
    snapshot, outcome = run(night(someone("anna", **REACHED)))
    assert lanes_used(outcome) == ["slack"]
    assert outcome.until == NIGHT + timedelta(minutes=1), "whether it arrived is looked at soon"
    snapshot, outcome = run(later(sent(snapshot), minutes=1))
    assert (lanes_used(outcome), outcome.until) == ([], NIGHT + timedelta(minutes=5))
    snapshot, outcome = run(later(snapshot, minutes=4))
    assert lanes_used(outcome) == ["email"]
    assert kinds(outcome.entries) == ["ResponderAskedAgain"]
    snapshot, outcome = run(later(sent(snapshot), minutes=5))
    assert lanes_used(outcome) == ["sms"]
    snapshot, outcome = run(later(sent(snapshot), minutes=4))
    assert (lanes_used(outcome), outcome.until) == ([], NIGHT + timedelta(minutes=15))
    assert snapshot.invitations[0].lanes == ("slack", "email", "sms")


def test_a_refusal_brings_the_next_lane_at_once() -> None:
    snapshot, _ = run(night(someone("anna", **REACHED)))
    snapshot = sent(snapshot, failed=[ask_key(snapshot.invitations[0].key)])
    snapshot, outcome = run(later(snapshot, minutes=1))
    assert lanes_used(outcome) == ["email"]
    assert "slack did not reach them" in outcome.entries[0].text


def test_a_lane_that_hangs_brings_the_next_one_too() -> None:
    snapshot, _ = run(night(someone("anna", **REACHED)))
    stuck = tuple(e.model_copy(update={"attempts": 4}) for e in snapshot.effects)
    snapshot, outcome = run(later(replace(snapshot, effects=stuck), minutes=1))
    assert lanes_used(outcome) == ["email"]


def test_without_chat_the_message_carries_a_code_and_a_link_and_no_buttons() -> None:
    snapshot, outcome = run(night(someone("anna", chat="", **REACHED)))
    [effect] = outcome.effects
    [asked] = snapshot.invitations
    assert isinstance(effect.message, Direct)
    assert (effect.channel, effect.message.address) == ("email", "anna@example.org")
    assert f"https://irrops.example.org/a/{asked.code}" in effect.message.text
    assert effect.message.subject == "IT outage (INC-7)"
    assert effect.message.buttons == ()
    assert (asked.lane, asked.hour) == ("email", 5)


def test_who_answered_is_not_asked_on_the_next_lane() -> None:
    snapshot, _ = run(night(someone("anna", **REACHED), quota=2))
    said = snapshot.invitations[0].model_copy(update={"answer": Answer.NO, "answered_at": NIGHT, "version": 2})
    snapshot = replace(sent(snapshot), invitations=(said,))
    assert lanes_used(run(later(snapshot, minutes=6))[1]) == []


def test_the_budget_stops_further_lanes_and_further_calls() -> None:
    anna = someone("anna", **REACHED)
    snapshot, _ = run(night(anna))
    spent = replace(later(sent(snapshot), minutes=6), pages={"anna": HOUSE.pages})
    assert lanes_used(run(spent)[1]) == []
    _, outcome = run(replace(night(anna), pages={"anna": HOUSE.pages}))
    assert "1 called often enough today" in outcome.reason


def test_a_place_is_confirmed_where_they_answered() -> None:
    snapshot, _ = run(night(someone("anna", chat="", **REACHED)))
    [asked] = snapshot.invitations
    [anna] = snapshot.people
    change, _ = answer(sent(snapshot), asked.key, Answer.YES, anna, NIGHT, on="link")
    assert {effect.channel for effect in change.effects} == {"email"}
    assert any("We count on you" in e.message.text for e in change.effects if isinstance(e.message, Direct))
    snapshot = apply(snapshot, change)
    assert snapshot.callouts[0].accepted == 1


def test_nobody_is_waited_for_whom_no_lane_reaches() -> None:
    people = crowd(1, email="a@example.org")
    snapshot, _ = run(replace(night(*people), people=(*people, *crowd(3, "q"))))
    while any(effect.state is EffectState.QUEUED for effect in snapshot.effects):
        failed = [effect.key for effect in snapshot.effects]
        snapshot, outcome = run(later(sent(snapshot, failed=failed), seconds=1))
    assert outcome.kind == "done"
    assert "everybody who may be called has been asked" in outcome.reason


@pytest.mark.parametrize("language", ["en", "nl", "es"])
@pytest.mark.parametrize("lane", ["slack", "email", "sms", "voice", "push"])
def test_what_asks_and_what_confirms_fits_into_the_lane(lane: str, language: str) -> None:
    anna = someone("anna", languages=(language,), lanes=(lane,), name="Maximiliana " + "x" * 80, **REACHED)
    snapshot = replace(situation([anna], quota=1, where="w" * 200, drill=True), house=replace(HOUSE, lanes=(lane,)))
    long = snapshot.incident.model_copy(update={"title": "t" * 60, "number": 123456})
    snapshot, outcome = run(replace(snapshot, incident=long))
    change, _ = answer(sent(snapshot), snapshot.invitations[0].key, Answer.YES, snapshot.people[0], NIGHT, on=lane)
    sent_there = [effect.message for effect in (*outcome.effects, *change.effects) if effect.channel == lane]
    assert len(sent_there) >= 2
    for message in sent_there:
        assert isinstance(message, Direct | Revise)
        assert fits(message.text, limits(Config())[lane]).ok, message.text

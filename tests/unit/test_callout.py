"""A call-out from the first wave to the last answer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from engine.actions import call_out
from engine.callout import Answer, ask, ask_key
from engine.effects import Direct, Revise
from engine.house import ANSWER_RATE
from engine.incident import NotAllowed, Status
from engine.people import Person
from engine.rates import belief_for
from engine.snapshot import Snapshot
from engine.staffing import StaffingPlan
from engine.steps import StepStatus
from engine.waves import size
from tests.unit.volunteers import (
    NIGHT,
    apply,
    asked,
    crowd,
    house,
    kinds,
    later,
    playbook,
    reply,
    run,
    sent,
    situation,
    someone,
)


def started(people: tuple[Person, ...], **with_: object) -> Snapshot:
    """A call-out whose first wave has been delivered."""
    snapshot, outcome = run(situation(people, **with_))
    assert outcome.kind == "wait"
    return sent(snapshot)


def first_wave(quota: int) -> int:
    """How many the first of four waves asks, an hour before the work begins."""
    belief = belief_for("slack", 5, ANSWER_RATE, {})
    return size(quota, belief, (), timedelta(hours=1), waves_left=4, every=timedelta(minutes=15))


def step_status(snapshot: Snapshot) -> StepStatus:
    state = snapshot.state("volunteers")
    assert state
    return state.status


# ---------------------------------------------------------------- waves


def test_the_first_wave_asks_as_many_as_are_likely_to_fill_the_quota() -> None:
    snapshot, outcome = run(situation(crowd(100), quota=3))
    [callout] = snapshot.callouts
    assert 0 < len(snapshot.invitations) == first_wave(3) == len(outcome.effects)
    assert (outcome.kind, outcome.until, outcome.for_what) == ("wait", NIGHT + timedelta(minutes=15), "answers: 0 of 3")
    assert callout.key == "INC-7-abc123abc123/volunteers#1"
    assert (callout.starts_at, callout.ends_at) == (NIGHT + timedelta(hours=1), NIGHT + timedelta(hours=5))
    assert kinds(outcome.entries) == ["CallOutStarted", "CallOutWaveAsked"]
    facts = outcome.entries[1].facts
    assert facts["low"] <= facts["expected"] <= facts["high"] <= 3


def test_hours_begin_at_a_round_time() -> None:
    odd = NIGHT + timedelta(minutes=2, seconds=31)
    snapshot, _ = run(situation(crowd(9), now=odd, quota=1))
    assert snapshot.callouts[0].starts_at == NIGHT + timedelta(hours=1, minutes=5)


def test_each_is_asked_by_a_direct_message_with_two_buttons() -> None:
    snapshot, outcome = run(situation([someone("anna")], quota=1, where="Crew room 2"))
    [effect] = outcome.effects
    [invitation] = snapshot.invitations
    assert isinstance(effect.message, Direct)
    assert (effect.key, effect.step) == (f"{invitation.key}/ask", "volunteers#1")
    assert (effect.channel, effect.urgency, effect.if_unknown) == ("slack", 3, "send_again")
    assert (effect.message.person, effect.message.address) == ("anna", "U0ANNA")
    assert [button.value for button in effect.message.buttons] == [
        f"{invitation.key}|{answer}" for answer in ("yes", "later", "no")
    ]
    assert "IT outage" in effect.message.text
    assert "Crew room 2" in effect.message.text
    assert "06:10 (05:10 UTC), 22 Nov" in effect.message.text


def test_people_are_asked_in_their_own_language_where_there_is_one() -> None:
    people = [someone("anna", languages=("tr", "nl", "en")), someone("berk", languages=("tr",))]
    snapshot = situation(people, quota=2)
    snapshot, outcome = run(snapshot)
    by_person = {effect.message.person: effect.message for effect in outcome.effects}
    assert "kun je helpen" in by_person["anna"].text
    assert by_person["anna"].buttons[0].label == "Ik kan komen"
    assert "can you help" in by_person["berk"].text
    assert by_person["berk"].buttons[0].label == "I can come"


def test_a_drill_says_so_in_every_text_but_not_on_the_buttons() -> None:
    people = [someone("anna"), someone("bea", languages=("es",)), someone("cees", languages=("nl",))]
    _, outcome = run(situation(people, drill=True, quota=2))
    for effect in outcome.effects:
        assert effect.message.text.startswith(("[DRILL]", "[OEFENING]", "[SIMULACRO]"))
        assert not any("[" in button.label for button in effect.message.buttons)


def test_running_again_at_the_same_time_changes_nothing() -> None:
    first = situation(crowd(100), quota=3)
    snapshot, outcome = run(first)
    assert run(first)[1] == outcome
    again, second = run(snapshot)
    assert (second.kind, second.records, second.effects, second.entries) == ("wait", (), (), ())
    assert asked(again) == asked(snapshot)


def test_who_was_called_is_remembered() -> None:
    snapshot = started(crowd(10), quota=1)
    called = {person.key for person in snapshot.people if person.last_called_at == NIGHT}
    assert called == set(asked(snapshot))
    assert len(called) == first_wave(1)


def test_the_next_wave_comes_when_the_time_has_passed_and_asks_others() -> None:
    snapshot = started(crowd(100), quota=3)
    before = set(asked(snapshot))
    assert run(later(snapshot, minutes=14))[1].records == ()
    snapshot, outcome = run(later(snapshot, minutes=50))
    new = [one for one in snapshot.invitations if one.wave == 2]
    assert len(new) >= 3
    assert not before & {one.person for one in new}
    assert outcome.until == snapshot.now + timedelta(minutes=15)
    assert snapshot.callouts[0].waves == 2


def test_the_next_wave_is_smaller_for_what_has_come_in_and_may_still_come() -> None:
    snapshot = started(crowd(300), quota=12)
    [first] = {len(snapshot.invitations)}
    coming = [one.person for one in snapshot.invitations][:9]
    for person in coming:
        snapshot, _, _ = reply(snapshot, person, "yes")
    snapshot, outcome = run(later(snapshot, minutes=30))
    assert outcome.for_what == "answers: 9 of 12"
    assert 0 < len(snapshot.invitations) - first < first_wave(12)


def test_there_is_no_wait_for_people_who_have_all_answered() -> None:
    snapshot = started(crowd(9), quota=1)
    snapshot = replace(snapshot, people=snapshot.people + crowd(9, "q"))
    for person in asked(snapshot):
        snapshot, _, _ = reply(snapshot, person, "no")
    state = snapshot.state("volunteers")
    assert state
    assert state.nudged
    snapshot, outcome = run(snapshot)
    assert outcome.kind == "wait"
    assert {one.person for one in snapshot.invitations if one.wave == 2} <= {person.key for person in crowd(9, "q")}


def test_an_undelivered_question_is_nobody_to_wait_for() -> None:
    snapshot, _ = run(situation(crowd(9), quota=1))
    snapshot = replace(snapshot, people=snapshot.people + crowd(9, "q"))
    snapshot = sent(snapshot, failed=[ask_key(one.key) for one in snapshot.invitations])
    assert snapshot.now < (snapshot.callouts[0].respond_by or NIGHT)
    snapshot, _ = run(snapshot)
    assert {one.wave for one in snapshot.invitations} == {1, 2}


def test_when_nobody_is_left_to_ask_it_says_so_and_raises_an_alarm() -> None:
    snapshot = started((*crowd(5), *crowd(3, "t", shift_pattern="Sun 05:00-13:00")), quota=4)
    assert len(asked(snapshot)) == 5
    snapshot, _, _ = reply(snapshot, "p001", "yes")
    snapshot, outcome = run(later(snapshot, minutes=15))
    assert outcome.kind == "done"
    assert outcome.reason == (
        "1 of 4 come, and everybody who may be called has been asked (5 asked already, 3 on duty)"
    )
    assert kinds(outcome.entries) == ["CallOutShort"]
    assert snapshot.callouts[0].closed_at == snapshot.now


def test_nobody_to_ask_at_all_is_said_at_once() -> None:
    snapshot, outcome = run(situation(crowd(3, chat=""), quota=2))
    assert (outcome.kind, kinds(outcome.entries)) == ("done", ["RespondersUnreachable", "CallOutShort"])
    assert "3 out of reach on every lane" in outcome.reason
    assert snapshot.callouts[0].closed_at


def test_there_are_at_most_so_many_waves() -> None:
    snapshot = started(crowd(300), quota=2, waves=2)
    snapshot, _ = run(later(snapshot, minutes=50))
    snapshot, outcome = run(later(snapshot, minutes=50))
    assert outcome.reason == "0 of 2 come, and all 2 waves have been asked"
    assert max(one.wave for one in snapshot.invitations) == 2


def test_nobody_is_asked_for_hours_that_are_over() -> None:
    snapshot = started(crowd(100), quota=2)
    snapshot, outcome = run(later(snapshot, hours=6))
    assert outcome.reason == "0 of 2 come, and the hours are over"


def test_unreachable_people_are_reported_when_the_call_out_starts() -> None:
    _, outcome = run(situation((*crowd(20), *crowd(4, "t", chat="")), quota=1))
    started, unreachable, _ = outcome.entries
    assert "4 out of reach on every lane" in started.text
    assert started.facts["out of reach on every lane"] == 4
    assert unreachable.text == "4 who could help can't be reached on any lane: t000, t001, t002, t003"


# ---------------------------------------------------------------- quota and languages


def plan(shortfall: int, **languages: int) -> StaffingPlan:
    return StaffingPlan(
        incident=7,
        made_at=NIGHT,
        answer_within_s=3600,
        share=0.9,
        slots=(),
        shortfall=shortfall,
        shortfall_by_language={"*": shortfall, **languages},
    )


def test_the_quota_comes_from_the_staffing_plan() -> None:
    people = crowd(100, languages=("en", "es"))
    snapshot, _ = run(replace(situation(people, quota="from_staffing"), staffing=plan(7, es=2, nl=0)))
    assert (snapshot.callouts[0].quota, snapshot.callouts[0].minima) == (7, {"es": 2})


def test_languages_that_add_up_to_more_than_the_shortfall_are_cut_to_fit() -> None:
    assert call_out.within({"es": 5, "nl": 3, "de": 1}, 6) == {"es": 3, "nl": 2, "de": 1}
    assert call_out.within({"es": 2}, 6) == {"es": 2}


def test_no_shortfall_no_call_out() -> None:
    snapshot, outcome = run(replace(situation(crowd(9), quota="from_staffing"), staffing=plan(0)))
    assert (outcome.kind, outcome.effects, snapshot.callouts) == ("skip", (), ())
    assert run(situation(crowd(9), quota="from_staffing"))[1].kind == "fail"


def test_enough_speakers_are_asked_for_each_language() -> None:
    people = (*crowd(200), *crowd(20, "s", languages=("es", "en")))
    snapshot = started(people, quota=6, languages={"es": 2})
    spanish = [one for one in asked(snapshot) if one.startswith("s")]
    assert len(spanish) >= first_wave(2)


def test_when_every_place_wants_a_language_only_its_speakers_are_asked() -> None:
    spanish, french = crowd(30, "s", languages=("es",)), crowd(30, "f", languages=("fr",))
    snapshot = started((*crowd(50), *spanish, *french), quota=2, languages={"es": 1, "fr": 1})
    asked_by = [one[0] for one in asked(snapshot)]
    assert (asked_by.count("s"), asked_by.count("f"), asked_by.count("p")) == (first_wave(1), first_wave(1), 0)


def test_places_are_kept_for_the_languages_that_are_still_missing() -> None:
    people = (*crowd(40), *crowd(20, "s", languages=("es", "en")))
    snapshot = started(people, quota=3, languages={"es": 2})
    others = [one for one in asked(snapshot) if one.startswith("p")]
    spanish = [one for one in asked(snapshot) if one.startswith("s")]
    snapshot, _, _ = reply(snapshot, others[0], "yes")
    snapshot, _, _ = reply(snapshot, others[1], "yes")
    assert snapshot.callouts[0].accepted == 1, "the two other places wait for Spanish"
    snapshot, _, _ = reply(snapshot, spanish[0], "yes")
    snapshot, _, _ = reply(snapshot, spanish[1], "yes")
    assert snapshot.callouts[0].accepted == 3
    assert run(snapshot)[1].reason == "3 of 3 come: enough"


def test_places_nobody_can_fill_in_that_language_go_to_others_and_the_alarm_is_raised() -> None:
    people = (*crowd(40), someone("sara", languages=("es", "en")))
    snapshot, outcome = run(situation(people, quota=3, languages={"es": 2}))
    assert kinds(outcome.entries) == ["CallOutShort", "CallOutStarted", "CallOutWaveAsked"]
    assert outcome.entries[0].text.startswith("Only 1 of the 2 wanted with Spanish can be called")
    assert snapshot.callouts[0].minima == {"es": 1}
    snapshot = sent(snapshot)
    others = [one for one in asked(snapshot) if one.startswith("p")]
    for person in others[:3]:
        snapshot, _, _ = reply(snapshot, person, "yes")
    assert snapshot.callouts[0].accepted == 2
    snapshot, _, _ = reply(snapshot, "sara", "no")
    snapshot, outcome = run(later(snapshot, minutes=15))
    assert snapshot.callouts[0].accepted == 3, "who waited takes the place that no Spanish speaker can take"
    assert kinds(outcome.entries) == ["CallOutShort", "ResponderConfirmed", "CallOutFilled"]
    assert any(isinstance(e.message, Direct) and e.message.person == others[2] for e in outcome.effects)


# ---------------------------------------------------------------- answers


def test_yes_takes_a_place_and_brings_the_briefing() -> None:
    snapshot = started(crowd(20), quota=2, where="Crew room 2")
    first = asked(snapshot)[0]
    snapshot, change, said = reply(snapshot, first, "yes")
    [effect] = change.effects
    assert isinstance(effect.message, Revise)
    assert effect.needs == ask_key(effect.key.rsplit("/", 1)[0])
    for expected in (
        "We count on you",
        "Crew room 2",
        "Private messages first.",
        "Promise nothing about compensation.",
    ):
        assert expected in effect.message.text
    assert [button.value.split("|")[1] for button in effect.message.buttons] == ["no"], "a way to take it back"
    assert snapshot.callouts[0].accepted == 1
    assert "expected from 06:10" in said.text
    [entry] = change.entries
    assert (entry.kind, entry.text) == ("ResponderAccepted", f"{first} (customer_care) accepts: 1 of 2")


def test_the_steps_own_briefing_goes_before_the_playbooks() -> None:
    snapshot = started(crowd(9), quota=1, briefing="Bring your badge.\nAsk for Iris.")
    _, change, _ = reply(snapshot, asked(snapshot)[0], "yes")
    assert "• Bring your badge.\n• Ask for Iris." in change.effects[0].message.text
    assert "Private messages first." not in change.effects[0].message.text


def test_two_clicks_are_one_answer() -> None:
    snapshot = started(crowd(20), quota=2)
    first = asked(snapshot)[0]
    snapshot, _, said = reply(snapshot, first, "yes")
    again, change, same = reply(snapshot, first, "yes")
    assert (change.records, change.effects, change.entries) == ((), (), ())
    assert same == said
    assert again.callouts[0].accepted == 1


def test_somebody_elses_click_is_refused() -> None:
    snapshot = started(crowd(20), quota=2)
    one, other = asked(snapshot)[:2]
    from engine.answering import answer

    who = next(person for person in snapshot.people if person.key == other)
    key = next(i.key for i in snapshot.invitations if i.person == one)
    with pytest.raises(NotAllowed, match="Somebody else was asked"):
        answer(snapshot, key, Answer.YES, who, snapshot.now)
    with pytest.raises(NotAllowed, match="has not asked this"):
        answer(snapshot, "INC-7-abc123abc123/volunteers#1/nobody", Answer.YES, who, snapshot.now)


def test_the_quota_is_never_exceeded_however_many_say_yes() -> None:
    snapshot = started(crowd(60), quota=3)
    for person in asked(snapshot):
        snapshot, _, _ = reply(snapshot, person, "yes")
    [callout] = snapshot.callouts
    coming = [one for one in snapshot.invitations if one.answer is Answer.YES and not one.too_late]
    assert callout.accepted == len(coming) == 3
    assert sum(one.too_late for one in snapshot.invitations) == len(snapshot.invitations) - 3


def test_two_who_take_the_last_place_at_once_write_the_same_version() -> None:
    snapshot = started(crowd(20), quota=1)
    one, other = asked(snapshot)[:2]
    _, first, _ = reply(snapshot, one, "yes")
    _, second, _ = reply(snapshot, other, "yes")
    snapshot = apply(snapshot, first)
    with pytest.raises(AssertionError, match="from an old version"):
        apply(snapshot, second)
    snapshot, change, said = reply(snapshot, other, "yes")
    assert snapshot.callouts[0].accepted == 1
    assert "waiting list" in said.text
    assert "need not come" in change.effects[0].message.text


def test_when_full_it_stops_and_thanks_those_who_have_not_answered() -> None:
    snapshot = started(crowd(20), quota=1)
    first, second, *rest = asked(snapshot)
    snapshot, _, _ = reply(snapshot, second, "no")
    snapshot, _, _ = reply(snapshot, first, "yes")
    state = snapshot.state("volunteers")
    assert state
    assert state.nudged
    snapshot, outcome = run(snapshot)
    assert (outcome.kind, outcome.reason) == ("done", "1 of 1 come: enough")
    assert kinds(outcome.entries) == ["CallOutFilled"]
    assert {effect.needs for effect in outcome.effects} == {
        ask_key(one.key) for one in snapshot.invitations if one.person in rest
    }
    assert all(isinstance(e.message, Revise) and not e.message.buttons for e in outcome.effects)
    assert all("enough people" in e.message.text for e in outcome.effects)
    assert (snapshot.callouts[0].closed_because, snapshot.callouts[0].closed_at) == ("full", snapshot.now)


def test_a_late_yes_goes_on_the_waiting_list() -> None:
    snapshot = started(crowd(20), quota=1)
    first, second = asked(snapshot)[:2]
    snapshot, _, _ = reply(snapshot, first, "yes")
    snapshot, _ = run(snapshot)
    snapshot, change, said = reply(later(snapshot, minutes=5), second, "yes")
    invitation = next(one for one in snapshot.invitations if one.person == second)
    assert (invitation.answer, invitation.too_late) == (Answer.YES, True)
    assert "waiting list" in said.text
    assert change.entries == ()


def test_a_drop_out_is_replaced_from_the_waiting_list_in_the_order_of_their_yes() -> None:
    snapshot = started(crowd(30), quota=1, waves=1)
    first, second, third = asked(snapshot)[:3]
    snapshot, _, _ = reply(snapshot, first, "yes")
    snapshot, _ = run(snapshot)
    snapshot, _, _ = reply(later(snapshot, minutes=1), third, "yes")
    snapshot, _, _ = reply(later(snapshot, minutes=1), second, "yes")
    snapshot, change, said = reply(sent(snapshot), first, "no")
    assert "can't come this time" in said.text
    assert snapshot.callouts[0].accepted == 1
    standing = {one.person: (one.answer, one.too_late) for one in snapshot.invitations}
    assert standing[first] == (Answer.NO, False)
    assert standing[third] == (Answer.YES, False)
    assert standing[second] == (Answer.YES, True)
    assert kinds(change.entries) == ["ResponderDroppedOut", "ResponderConfirmed"]
    [told] = [e for e in change.effects if isinstance(e.message, Direct)]
    assert told.message.person == third
    assert "a place has come free" in told.message.text
    assert step_status(snapshot) is StepStatus.DONE, "nobody else is asked"


def test_a_place_that_comes_free_while_somebody_joins_the_waiting_list_is_not_lost() -> None:
    snapshot = started(crowd(30), quota=1, waves=1)
    first, second = asked(snapshot)[:2]
    snapshot, _, _ = reply(snapshot, first, "yes")
    snapshot, _ = run(snapshot)
    _, too_late, _ = reply(snapshot, second, "yes")
    snapshot, _, _ = reply(snapshot, first, "no")
    with pytest.raises(AssertionError, match="from an old version"):
        apply(snapshot, too_late)
    snapshot, _, said = reply(snapshot, second, "yes")
    assert "expected" in said.text


def test_a_drop_out_without_a_waiting_list_opens_the_call_out_again() -> None:
    snapshot = started(crowd(200), quota=2)
    first, second = asked(snapshot)[:2]
    for person in (first, second):
        snapshot, _, _ = reply(snapshot, person, "yes")
    snapshot, outcome = run(snapshot)
    assert outcome.kind == "done"
    snapshot, change, _ = reply(later(sent(snapshot), minutes=50), first, "no")
    [callout] = snapshot.callouts
    assert (callout.accepted, callout.closed_at) == (1, None)
    assert kinds(change.entries) == ["ResponderDroppedOut"]
    assert step_status(snapshot) is StepStatus.WAITING
    asked_before = len(snapshot.invitations)
    snapshot, outcome = run(snapshot)
    assert outcome.for_what == "answers: 1 of 2"
    assert len(snapshot.invitations) > asked_before


def test_who_said_no_may_change_their_mind() -> None:
    snapshot = started(crowd(20), quota=2)
    first = asked(snapshot)[0]
    snapshot, no, _ = reply(snapshot, first, "no")
    assert "can't come this time" in no.effects[0].message.text
    assert no.effects[0].message.buttons == ()
    snapshot, yes, _ = reply(snapshot, first, "yes")
    assert snapshot.callouts[0].accepted == 1
    assert no.effects[0].key != yes.effects[0].key, "each answer changes the message"


def test_a_late_yes_to_a_call_out_that_fell_short_still_counts() -> None:
    snapshot = started(crowd(5), quota=4)
    snapshot, outcome = run(later(snapshot, minutes=15))
    assert outcome.kind == "done"
    snapshot, _, said = reply(later(snapshot, minutes=5), "p001", "yes")
    assert snapshot.callouts[0].accepted == 1
    assert "expected" in said.text


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.STOOD_DOWN])
def test_a_button_of_an_incident_that_is_over_explains_itself(status: Status) -> None:
    snapshot = started(crowd(20), quota=2)
    over = replace(snapshot, incident=snapshot.incident.model_copy(update={"status": status}))
    after, change, said = reply(over, asked(over)[0], "yes")
    assert after.callouts[0].accepted == 0
    assert (change.records, change.effects) == ((), ())
    assert "nobody is called for it any more" in said.text
    assert said.revise == said.text


def test_an_answer_after_the_hours_are_over_explains_itself() -> None:
    snapshot = later(started(crowd(20), quota=2), hours=6)
    after, _, said = reply(snapshot, asked(snapshot)[0], "yes")
    assert after.callouts[0].accepted == 0
    assert said.revise


def test_an_offer_of_staffing_is_answered_the_same_way_but_its_step_is_not_opened_again() -> None:
    offering = playbook({"key": "staff_up", "action": "raise_staffing"}, quota=1)
    snapshot = replace(situation(crowd(2)), playbook=offering)
    callout = (
        started(crowd(2), quota=1)
        .callouts[0]
        .model_copy(update={"key": "INC-7-abc123abc123/staff_up#1", "step": "staff_up#1", "version": 0, "waves": 1})
    )
    from engine.answering import answer
    from engine.change import Change
    from engine.steps import StepState

    done = StepState(incident=7, key="staff_up", status=StepStatus.DONE, started_at=NIGHT)
    invitations, effects = ask(snapshot, callout, snapshot.people, wave=1)
    snapshot = apply(snapshot, Change(records=(callout, done, *invitations), effects=effects))
    anna = snapshot.people[0]
    change, _ = answer(snapshot, f"{callout.key}/{anna.key}", Answer.YES, anna, NIGHT)
    snapshot = apply(snapshot, change)
    assert snapshot.callouts[0].accepted == 1
    change, _ = answer(snapshot, f"{callout.key}/{anna.key}", Answer.NO, anna, NIGHT)
    snapshot = apply(snapshot, change)
    assert snapshot.callouts[0].accepted == 0
    assert [state.status for state in snapshot.steps] == [StepStatus.DONE]


# ---------------------------------------------------------------- what may stand in a playbook


@pytest.mark.parametrize(
    "wrong",
    [
        {"quota": 0},
        {"quota": 501},
        {"quota": True},
        {"quota": "some"},
        {"lasts": "25h"},
        {"slot": "13h"},
        {"at_least": {"rebooking:4": 1}},
        {"skills": ["Check in"]},
        {"call_between": "7-22"},
        {"departments": {"operations_control": {"at_most": "lots"}}},
        {"languages": {"spanish": 2}},
        {"respond_within": "5s"},
        {"colour": "red"},
    ],
)
def test_a_wrong_parameter_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        call_out.Params.model_validate(wrong)


def check(book: object, **more: object) -> list[str]:
    step = book.step("volunteers")  # type: ignore[attr-defined]
    params = call_out.Params.model_validate(step.with_)
    return [text for _, text in call_out.check(step, params, book, house(**more))]  # type: ignore[arg-type]


def test_a_quota_from_staffing_needs_a_staffing_step_before_it() -> None:
    staffing = {"key": "staff_up", "action": "raise_staffing"}
    between = {"key": "queue", "action": "open_queue", "after": ["staff_up"]}
    book = playbook(staffing, between, quota="from_staffing")
    assert "needs a raise_staffing step before this one" in check(book)[0]
    for before in ("queue", "staff_up"):
        steps = [s.model_copy(update={"after": (before,)}) if s.key == "volunteers" else s for s in book.steps]
        assert check(book.model_copy(update={"steps": tuple(steps)})) == []


def test_languages_must_fit_into_the_quota_and_hours_into_the_law() -> None:
    from engine.house import Rest

    assert "add up to 4, more than the quota of 3" in check(playbook(quota=3, languages={"es": 3, "nl": 1}))[0]
    short = Rest(longest_shift=timedelta(hours=3))
    assert "nobody may work longer than 3 h" in check(playbook(quota=3), rest=short)[0]
    assert check(playbook(quota=3, languages={"es": 3})) == []


def test_the_preview_says_whom_it_would_ask() -> None:
    book = playbook(quota=12, languages={"es": 3}, departments={"operations_control": {"at_most": "10%"}})
    step = book.step("volunteers")
    lines = call_out.preview(step, call_out.Params.model_validate(step.with_), book, house(), {})
    assert lines == [
        "calls in 12 people, 3 of them Spanish, from 1 h after the first wave, for 4 h",
        "asks on slack in at most 4 waves, each with 15 min",
        f"first wave: {first_wave(12)} people (25% usually answer)",
        "at most 10% of operations_control",
    ]

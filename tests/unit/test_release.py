"""Letting responders go when the incident is over: everybody, once."""

from dataclasses import replace
from datetime import timedelta

from engine.actions import release_responders
from engine.callout import Answer, ask_key
from engine.change import Change
from engine.effects import Direct, Revise
from engine.incident import Status
from engine.snapshot import Snapshot
from engine.steps import Outcome
from tests.unit.volunteers import (
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
    step_run,
)


def release(snapshot: Snapshot) -> tuple[Snapshot, Outcome]:
    over = replace(snapshot, incident=snapshot.incident.model_copy(update={"status": Status.RESOLVED}))
    outcome = release_responders.run(step_run(over, "thank_you", release_responders.Params()), over)
    return apply(over, Change(records=outcome.records, effects=outcome.effects, entries=outcome.entries)), outcome


def called(**with_: object) -> Snapshot:
    """A call-out for two: one accepted, one declined, the others silent."""
    snapshot = sent(run(situation(crowd(12), **{"quota": 2, **with_}))[0])
    first, second = asked(snapshot)[:2]
    snapshot, _, _ = reply(snapshot, first, "yes")
    snapshot, _, _ = reply(snapshot, second, "no")
    return sent(snapshot)


def test_who_accepted_is_thanked_and_told_the_hours() -> None:
    snapshot = called()
    first = asked(snapshot)[0]
    snapshot, outcome = release(later(snapshot, hours=3, minutes=30))
    [thanks] = [effect for effect in outcome.effects if isinstance(effect.message, Direct)]
    assert (outcome.kind, thanks.message.person, thanks.message.address) == ("done", first, f"U0{first.upper()}")
    assert thanks.step == "thank_you#1"
    assert "06:10 (05:10 UTC), 22 Nov to 08:40 (07:40 UTC), 22 Nov (2 h 30 min)" in thanks.message.text
    [entry] = outcome.entries
    assert (entry.kind, entry.text) == ("RespondersReleased", "1 responder released with thanks")
    assert entry.facts == {"released": 1, "taken_back": len(snapshot.invitations) - 1}


def test_hours_end_with_the_slot_and_begin_with_a_late_answer() -> None:
    snapshot = later(called(), hours=2)
    late = asked(snapshot)[2]
    snapshot, _, _ = reply(snapshot, late, "yes")
    _, outcome = release(later(snapshot, hours=10))
    by_person = {e.message.person: e.message.text for e in outcome.effects if isinstance(e.message, Direct)}
    assert "(3 h)" in by_person[late]
    assert "(4 h)" in by_person[asked(snapshot)[0]]


def test_who_has_not_begun_need_not_come() -> None:
    _, outcome = release(later(called(), minutes=20))
    [thanks] = [effect for effect in outcome.effects if isinstance(effect.message, Direct)]
    assert "You need not come" in thanks.message.text
    assert "hours sheet" not in thanks.message.text


def test_open_invitations_are_taken_back_and_declined_ones_left_in_peace() -> None:
    snapshot = called()
    silent = asked(snapshot)[2:]
    snapshot, outcome = release(snapshot)
    revised = [effect for effect in outcome.effects if isinstance(effect.message, Revise)]
    assert {effect.needs for effect in revised} == {
        ask_key(one.key) for one in snapshot.invitations if one.person in silent
    }
    assert all(not effect.message.buttons and "is over" in effect.message.text for effect in revised)
    assert all(one.released_at == snapshot.now for one in snapshot.invitations)
    assert (snapshot.callouts[0].closed_at, snapshot.callouts[0].closed_because) == (
        snapshot.now,
        "responders released",
    )


def test_the_waiting_list_is_told_too() -> None:
    snapshot = sent(run(situation(crowd(12), quota=1))[0])
    for person in asked(snapshot)[:2]:
        snapshot, _, _ = reply(snapshot, person, "yes")
    _, outcome = release(sent(snapshot))
    keys = [effect.key for effect in outcome.effects if isinstance(effect.message, Revise)]
    assert any(f"/{asked(snapshot)[1]}/" in key for key in keys)


def test_a_question_that_never_arrived_is_not_taken_back() -> None:
    snapshot = run(situation(crowd(12), quota=1))[0]
    snapshot = sent(snapshot, failed=[ask_key(snapshot.invitations[0].key)])
    _, outcome = release(snapshot)
    assert len(outcome.effects) == len(snapshot.invitations) - 1


def test_everybody_is_released_once() -> None:
    snapshot, first = release(later(called(), hours=2))
    again, second = release(later(snapshot, minutes=1))
    assert first.effects
    assert (second.kind, second.effects, second.records, second.entries) == ("done", (), (), ())
    assert second.reason == "nobody had accepted"
    assert again.effects == snapshot.effects


def test_nobody_accepted_is_no_failure() -> None:
    snapshot = sent(run(situation([someone("anna")], quota=1))[0])
    snapshot, outcome = release(snapshot)
    assert (outcome.kind, outcome.reason, outcome.entries) == ("done", "nobody had accepted", ())
    assert snapshot.invitations[0].released_at
    assert (
        release_responders.run(step_run(situation(), "thank_you", release_responders.Params()), situation()).kind
        == "done"
    )


def test_after_the_release_a_click_explains_itself_and_the_person_is_free_for_others() -> None:
    snapshot, _ = release(called())
    assert kinds(release(snapshot)[1].entries) == []
    person = asked(snapshot)[0]
    after, change, said = reply(later(snapshot, minutes=5), person, "no")
    assert change.records == ()
    assert said.revise
    assert next(one for one in after.invitations if one.person == person).answer is Answer.YES


def test_a_released_invitation_stays_closed_when_the_incident_flares_up_again() -> None:
    snapshot, _ = release(called())
    again = replace(snapshot, incident=snapshot.incident.model_copy(update={"status": Status.RESPONDING}))
    after, change, said = reply(again, asked(again)[2], "yes")
    assert change.records == ()
    assert said.revise
    assert after.callouts[0].accepted == 1


def test_a_release_belongs_to_the_stand_down() -> None:
    book = playbook({"key": "early", "action": "release_responders"}, quota=1)
    params = release_responders.Params()
    [(path, text)] = release_responders.check(book.step("early"), params, book, house())
    assert path == ("action",)
    assert "stand_down" in text
    assert release_responders.check(book.step("thank_you"), params, book, house()) == []
    assert len(release_responders.preview(book.step("thank_you"), params, book, house(), {})) == 2


def test_the_thanks_come_in_the_persons_language() -> None:
    people = [someone("anna", languages=("nl",)), someone("bea", languages=("es",))]
    snapshot = sent(run(situation(people, quota=2, starts_in="5m"))[0])
    for person in ("anna", "bea"):
        snapshot, _, _ = reply(snapshot, person, "yes")
    _, outcome = release(later(snapshot, hours=1))
    by_person = {effect.message.person: effect.message.text for effect in outcome.effects}
    assert "je bent vrij" in by_person["anna"]
    assert "ya puedes irte" in by_person["bea"]
    assert "(55 min)" in by_person["bea"]


def test_whoever_has_not_begun_gets_the_entry_out_of_the_calendar_and_no_questions() -> None:
    people = [someone("anna", email="anna@example.org"), *crowd(5)]
    snapshot = situation(people, quota=6)
    snapshot = replace(snapshot, house=replace(snapshot.house, lanes=("slack", "email")))
    snapshot = sent(run(snapshot)[0])
    snapshot, _, _ = reply(snapshot, "anna", "yes")
    _, outcome = release(later(snapshot, minutes=5))
    mail, thanks = sorted((e for e in outcome.effects if isinstance(e.message, Direct)), key=lambda e: e.channel)
    assert (mail.channel, mail.message.attachments[0].type) == ("email", "text/calendar; method=CANCEL")
    assert thanks.message.buttons == ()
    assert "Two questions" not in thanks.message.text
    assert {one.step for one in outcome.effects} == {"thank_you#1"}
    _, outcome = release(later(snapshot, hours=2))
    assert [one.channel for one in outcome.effects if isinstance(one.message, Direct)] == ["slack"]


def test_everybody_is_written_to_where_they_answered() -> None:
    person = someone("anna", email="anna@example.org", lanes=("email", "slack"))
    snapshot = situation([person], quota=1)
    snapshot = replace(snapshot, house=replace(snapshot.house, lanes=("slack", "email")))
    snapshot = sent(run(snapshot)[0])
    snapshot, _, _ = reply(snapshot, "anna", "yes")
    _, outcome = release(later(snapshot, hours=2))
    [thanks] = [one for one in outcome.effects if isinstance(one.message, Direct)]
    assert (thanks.channel, thanks.message.address, thanks.message.buttons) == ("email", "anna@example.org", ())


def test_whoever_comes_in_two_slots_is_thanked_once() -> None:
    snapshot = called()
    [first] = [one for one in snapshot.invitations if one.answer is Answer.YES]
    ends_at = snapshot.callouts[0].ends_at
    hours = {"starts_at": ends_at, "ends_at": ends_at + timedelta(hours=4)}
    second = snapshot.callouts[0].model_copy(update={"key": "second", "slot": 2, **hours})
    again = first.model_copy(update={"key": "second/again", "callout": "second", "begins_at": second.starts_at})
    snapshot = replace(snapshot, callouts=(*snapshot.callouts, second), invitations=(*snapshot.invitations, again))
    snapshot, outcome = release(later(snapshot, hours=2))
    [thanks] = [one for one in outcome.effects if isinstance(one.message, Direct)]
    assert thanks.key == f"{first.key}/released"
    assert all(one.released_at for one in snapshot.invitations)

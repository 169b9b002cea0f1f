"""Incidents from end to end, with a clock set by hand."""

import pytest

from engine.buttons import ANSWER, APPROVE
from engine.effects import EffectState
from engine.incident import NotAllowed
from engine.playbook import FactsError
from tests.scenarios.conftest import Scene


def test_declaring_opens_the_room_the_queue_and_calls_people(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    (room,) = desk.slack.all("room")
    assert "SEV2" in room.topic
    assert desk.slack.all("invite")
    assert desk.slack.latest("text").text
    assert {message.person for message in desk.slack.all("direct")}
    timeline = desk.timeline(ref)
    for kind in ("Declared", "StatementDrafted", "StaffingRaised", "QueueOpened", "CallOutStarted"):
        assert timeline.has(kind), kind


def test_unanswered_approval_publishes_the_preapproved_text(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS", detail_en="The mainframe is on fire")
    desk.pass_time(minutes=11)
    assert desk.status_page.all() == []
    assert desk.timeline(ref).has("ApprovalEscalated")
    desk.pass_time(minutes=1)
    english = next(post for post in desk.status_page.all("post") if post.language == "en")
    assert english.text.startswith("We are aware")
    assert desk.timeline(ref).has("StatementPublished", approved_by="preapproved")
    assert {post.language for post in desk.bluesky.all("post")} == {"en", "nl", "es", "pt"}


def test_what_was_typed_on_the_day_goes_out_only_when_somebody_approved_it(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS", detail_en="Check-in works at AMS only")
    desk.pass_time(minutes=30)
    update = next(one for one in desk.desk.snapshot(ref).statements if one.message == "update")
    approver = desk.holder("comms_lead")
    desk.desk.press(APPROVE, update.key, approver.chat)
    desk.settle()
    said = [post.text for post in desk.status_page.all("post") if (post.message, post.language) == ("update", "en")]
    assert "Check-in works at AMS only" in said[0]
    desk.pass_time(minutes=45)
    unapproved = [p.text for p in desk.status_page.all("post") if (p.message, p.language) == ("update", "en")][1]
    assert "Check-in works at AMS only" not in unapproved


def test_an_approved_text_is_sent_byte_for_byte_and_a_second_click_changes_nothing(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS", detail_en="Check-in works at AMS only")
    approver = desk.holder("comms_lead")
    (statement,) = desk.desk.snapshot(ref).statements
    desk.desk.press(APPROVE, statement.key, approver.chat)
    desk.settle()
    sent = {(post.language, post.text) for post in desk.status_page.all("post")}
    assert sent == {(text.language, text.text) for text in statement.texts if text.channel == "status_page"}
    with pytest.raises(NotAllowed, match="approved"):
        desk.desk.press(APPROVE, statement.key, approver.chat)
    desk.pass_time(minutes=20)
    assert len(desk.status_page.all("post")) == 4


def test_an_update_follows_every_half_hour_and_replaces_nothing(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    desk.pass_time(minutes=105)
    english = [post for post in desk.status_page.all("post") if post.language == "en"]
    assert [post.message for post in english] == ["holding", "update", "update", "update"]
    assert desk.timeline(ref).count("StatementPublished") == 4


def test_a_volunteer_accepts_once_and_is_released_once(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    snapshot = desk.desk.snapshot(ref)
    asked = next(one for one in snapshot.invitations if "/volunteers#1/" in one.key)
    person = desk.desk.person(asked.person)
    assert person is not None
    for _ in range(2):
        desk.desk.press(ANSWER, f"{asked.key}|yes", person.chat)
    desk.settle()
    callout = next(one for one in desk.desk.snapshot(ref).callouts if one.key == asked.callout)
    assert callout.accepted == 1
    other = next(one for one in snapshot.invitations if one.person != asked.person)
    with pytest.raises(NotAllowed, match="Somebody else"):
        desk.desk.press(ANSWER, f"{other.key}|yes", person.chat)
    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=30)
    thanks = [message for message in desk.slack.all("direct") if message.person == person.key]
    assert len(thanks) == 2
    assert desk.timeline(ref).count("RespondersReleased") == 1


def test_a_resolved_incident_says_so_to_the_public_and_stops(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    desk.pass_time(minutes=20)
    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=20)
    assert desk.status_page.latest("post").message == "resolution"
    desk.pass_time(hours=2)
    assert desk.status_page.latest("post").message == "apology"
    before = len(desk.status_page.all("post"))
    desk.pass_time(hours=3)
    assert len(desk.status_page.all("post")) == before
    with pytest.raises(NotAllowed, match="is resolved"):
        desk.desk.resolve(ref, "duty-manager")


def test_a_false_alarm_before_the_first_word_says_nothing_to_the_public(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    desk.pass_time(minutes=2)
    desk.desk.stand_down(ref, "duty-manager", "a test of the alarm")
    desk.pass_time(hours=1)
    assert desk.status_page.all("post") == []
    assert all(one.state is not EffectState.QUEUED for one in desk.desk.effects(ref))


def test_the_severity_of_a_running_incident_changes_what_is_shown(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    desk.desk.change_severity(ref, "SEV1", "duty-manager")
    desk.settle()
    assert desk.desk.snapshot(ref).incident.severity == "SEV1"
    assert "SEV1" in desk.slack.latest("topic").topic
    assert "SEV1" in desk.slack.latest("revise").text


def test_an_edit_of_the_playbook_changes_no_running_incident(desk: Scene) -> None:
    ref = desk.declare("it-outage", stations="AMS")
    stored = desk.desk.snapshot(ref).incident.playbook_text
    assert stored == (desk.desk.library.folder / "it-outage.yaml").read_text()


def test_the_same_key_declares_once(desk: Scene) -> None:
    refs = {desk.declare("it-outage", key="alert-42", stations="AMS") for _ in range(3)}
    assert refs == {"INC-1"}
    assert len(desk.slack.all("room")) == 1


def test_missing_facts_are_listed_and_nothing_is_written(desk: Scene) -> None:
    with pytest.raises(FactsError, match=r"airspace.*stations"):
        desk.declare("ash-cloud")
    assert desk.desk.incidents() == []


@pytest.mark.parametrize(
    ("playbook", "facts"),
    [
        ("ash-cloud", {"airspace": "the Netherlands", "stations": "AMS,EIN", "passengers": "12000"}),
        ("strike", {}),
    ],
)
def test_every_playbook_runs_through_its_first_hour_and_its_end(
    desk: Scene, playbook: str, facts: dict[str, str]
) -> None:
    wanted = desk.desk.library.get(playbook)[0].facts
    given = {name: facts.get(name) or _made_up(fact) for name, fact in wanted.items() if fact.must or name in facts}
    ref = desk.declare(playbook, **given)
    desk.pass_time(minutes=2)
    approver = desk.holder("comms_lead")
    desk.desk.approve(desk.desk.snapshot(ref).statements[0].ref, approver.key, approver.roles)
    desk.pass_time(minutes=58)
    assert desk.timeline(ref).has("StatementPublished")
    assert not [s for s in desk.desk.snapshot(ref).steps if s.status == "failed"]
    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=60)
    assert desk.timeline(ref).has("RespondersReleased") or desk.timeline(ref).count("StepDone") > 3


def _made_up(fact: object) -> str:
    kind = getattr(fact, "type", "text")
    choices = getattr(fact, "choices", ())
    made = {"stations": "AMS", "integer": "3", "yes_no": "yes", "instant": "2026-11-25T06:00Z", "text": "the north"}
    return choices[0] if kind == "choice" else made[kind]

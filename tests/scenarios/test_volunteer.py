"""A volunteer from the call to the review: briefed, looked after, thanked, and heard."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from icalendar import Calendar

from desk import calendar, handing_over, hours_csv, reviewing
from desk.people import import_people
from desk.signing_off import sign_off
from engine.buttons import ANSWER
from engine.callout import CallOut, Invitation
from engine.change import Change
from engine.incident import NotAllowed
from engine.people import Person
from engine.people_file import read as read_people
from engine.triage import Incoming, NotFound, receive
from tests.conftest import ROOT
from tests.scenarios.conftest import Scene

BOOK = """
playbook: help
title: Help needed
severity: SEV2
facts:
  stations: {type: stations, ask: "Which stations?"}
briefing:
  we_dont_say: [What caused it.]
  hand_over: [Who waits for a word from us.]
steps:
  - {key: crisis_queue, action: open_queue, with: {answer_within: 30m, solve_within: 4h}}
  - {key: volunteers, action: call_out, with: {quota: 4, starts_in: 1h, lasts: 4h, where: "Crisis room"}}
stand_down:
  - {key: thank_you, action: release_responders}
"""


@pytest.fixture
def desk(scene: Callable[..., Scene], tmp_path: Path) -> Scene:
    """A desk whose playbook does no more than call people in, all of whom are written to in English."""
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "help.yaml").write_text(BOOK)
    made = scene(playbooks=folder)
    import_people(made.crew.store, list(people()))
    return made


def people() -> Iterator[Person]:
    """The example organisation, everybody with English first."""
    for one in read_people(ROOT / "examples" / "people.csv"):
        yield one.model_copy(update={"languages": ("en", *(code for code in one.languages if code != "en"))})


def yes(desk: Scene, ref: str) -> tuple[Person, str]:
    """Somebody asked by the first call-out says yes; they, and the key of their invitation."""
    open_ = [one for one in desk.desk.snapshot(ref).invitations if not one.answer]
    pairs = ((desk.desk.person(one.person), one) for one in open_)
    person, asked = next((person, one) for person, one in pairs if person and not person.answers)
    desk.desk.press(ANSWER, f"{asked.key}|yes", person.chat)
    desk.settle()
    return person, asked.key


def there(desk: Scene, key: str) -> tuple[Invitation, CallOut]:
    invitation = desk.crew.store.first(Invitation, key=key)
    callout = invitation and desk.crew.store.first(CallOut, key=invitation.callout)
    assert invitation
    assert callout
    return invitation, callout


def to(desk: Scene, person: str, words: str = "") -> list[Any]:
    return [one for one in desk.slack.all("direct") if one.person == person and words in one.text]


def until(desk: Scene, key: str, before: timedelta = timedelta()) -> None:
    """Let time pass until so long before the end of somebody's slot."""
    left = there(desk, key)[1].ends_at - before - desk.clock.now()
    desk.pass_time(seconds=left.total_seconds())


def press(desk: Scene, person: Person, words: str, value: str) -> Any:
    """Press the button with this end of its value under the newest message to a person that has these words."""
    [button] = [one for one in to(desk, person.key, words)[-1].buttons if one.value.endswith(value)]
    reply = desk.desk.press(button.action, button.value, person.chat)
    desk.settle()
    return reply


def test_a_volunteer_from_yes_to_the_review(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    person, key = yes(desk, ref)
    invitation, _ = there(desk, key)
    guide = desk.desk.person(invitation.buddy)
    assert guide
    assert guide.team == "social"
    assert set(guide.languages) & set(person.languages)
    briefing = next(one.text for one in reversed(desk.slack.all("revise")) if "We count on you" in one.text)
    for words in (f"Your buddy is {guide.name}", "stations: AMS", "What we don't say:", "At the end, hand over:"):
        assert words in briefing
    assert to(desk, guide.key, person.name)

    until(desk, key, timedelta(minutes=9))
    assert len(to(desk, person.key, "What is still open?")) == 1
    reply = handing_over.takes_text(desk.desk, person, "Case 12 waits for a hotel")
    desk.settle()
    assert reply
    assert reply.text == "Noted and passed on. Thank you."
    assert any("Case 12 waits for a hotel" in one.text for one in desk.slack.all("text"))
    assert desk.timeline(ref).count("HandedOver") == 1

    until(desk, key)
    [thanks] = to(desk, person.key, "are over. Thank you")
    assert "(4 h)" in thanks.text
    assert "what should be different" in press(desk, person, "are over", "|2").text
    assert "that was all" in handing_over.takes_text(desk.desk, person, "Tell us <where> the coffee is").text
    assert handing_over.takes_text(desk.desk, person, "and the tea") is None, "both are answered"
    desk.pass_time(hours=3)
    assert len(to(desk, person.key, "are over. Thank you")) == 1

    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=30)
    assert not to(desk, person.key, "you are released"), "thanked once"
    report = reviewing.gather(desk.crew, ref)
    told = report.review.model_dump(mode="json")["volunteers"]
    assert told["ratings"] == {"2": 1}
    assert told["remarks"] == ["Tell us <where> the coffee is"]
    assert told["handed_over"] == 1
    page = report.html()
    assert "What volunteers said" in page
    assert "Tell us &lt;where&gt; the coffee is" in page
    _, _, said = page.partition("What volunteers said")
    assert person.name not in said.partition("</section>")[0]
    assert "Tell us &lt;where> the coffee is" in report.markdown()


def test_two_looks_and_two_presses_say_everything_once(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    person, key = yes(desk, ref)
    until(desk, key, timedelta(minutes=10))
    for _ in range(3):
        desk.desk.wake(desk.desk.snapshot(ref).incident.number)
        desk.settle()
    first = press(desk, person, "What is still open?", key)
    assert first.revise == press(desk, person, "What is still open?", key).revise
    until(desk, key)
    before = len(desk.slack.all("direct"))
    desk.desk.wake(desk.desk.snapshot(ref).incident.number)
    desk.settle()
    assert len(desk.slack.all("direct")) == before
    assert len(to(desk, person.key, "What is still open?")) == 1
    assert press(desk, person, "are over", "|4").text == press(desk, person, "are over", "|4").text
    other = next(one for one in desk.desk.everybody() if one.key != person.key and one.chat)
    with pytest.raises(NotAllowed, match="Somebody else"):
        handing_over.debrief(desk.desk, key, {"prepared": "1"}, other)
    desk.clock.move_to(desk.clock.now() + timedelta(hours=49))
    assert handing_over.takes_text(desk.desk, person, "More tea") is None, "two days later they mean something else"


def test_a_text_that_answers_a_newer_question_is_left_to_it(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    person, key = yes(desk, ref)
    assert handing_over.takes_text(desk.desk, person, "yes") is None, "they work, and nothing was asked"
    until(desk, key)
    invitation, _ = there(desk, key)
    asked_at = desk.clock.now() + timedelta(minutes=1)
    fresh = Invitation(
        key=f"{key}-2", incident=1, callout=invitation.callout, person=person.key, wave=2, asked_at=asked_at
    )
    desk.crew.store.apply(Change(records=(fresh,)))
    assert handing_over.takes_text(desk.desk, person, "yes") is None


# ---------------------------------------------------------------- hours


def test_hours_are_written_for_the_personnel_department(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    first, key = yes(desk, ref)
    second, other = yes(desk, ref)
    _, callout = there(desk, key)
    until(desk, key, timedelta(hours=3))
    desk.desk.press(ANSWER, f"{other}|no", second.chat)
    until(desk, key, timedelta(hours=2))
    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=30)
    rows = {row["person"]: row for row in csv.DictReader(io.StringIO(hours_csv.write(desk.desk, ref)))}
    one = rows[first.key]
    assert (one["hours"], one["released_because"], one["lane"]) == ("2.00", "the incident is over", "slack")
    assert one["from_utc"] == f"{callout.starts_at:%Y-%m-%dT%H:%MZ}"
    assert one["from_local"] == first.local(callout.starts_at).isoformat(timespec="minutes")
    assert (one["name"], one["department"], one["slot"]) == (first.name, first.department, "volunteers#1 slot 1")
    assert rows[second.key]["hours"] == "1.00"
    assert set(rows) == {first.key, second.key}, "who did not come worked no hours"


# ---------------------------------------------------------------- the public feed


def public_message(desk: Scene, ref: str) -> None:
    queue = desk.desk.incident_queue(desk.desk.snapshot(ref).incident.number)
    assert queue
    message = Incoming(channel="x", id="1", text="Where is my flight?", language="en", public=True)
    desk.desk.conversations.add([receive(queue, message, desk.clock.now(), desk.desk.word_lists)])


def test_the_buddy_signs_a_volunteer_off_and_the_people_file_has_the_last_word(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    person, key = yes(desk, ref)
    guide = desk.desk.person(there(desk, key)[0].buddy)
    assert guide
    assert desk.desk.called_in(1, person.key)
    assert not desk.desk.called_in(1, guide.key)
    with pytest.raises(NotAllowed, match="social team"):
        desk.desk.press("sign_off", person.key, person.chat)
    assert "may answer the public feed" in press(desk, guide, person.name, person.key).text
    press(desk, guide, person.name, person.key)
    assert desk.desk.person(person.key).signed_off == ("public",)
    assert desk.timeline(ref).count("SignedOff") == 1
    entry = next(one for one in desk.desk.timeline(ref) if one.kind == "SignedOff")
    assert (entry.actor, person.key in entry.text) == (guide.key, True)

    import_people(desk.crew.store, list(people()))
    assert desk.desk.person(person.key).signed_off == ("public",), "the file says what it said before"
    changed = [one.model_copy(update={"answers": ("private",)}) if one.key == person.key else one for one in people()]
    import_people(desk.crew.store, changed)
    assert desk.desk.person(person.key).signed_off == ()

    sign_off(desk.desk, person.key, "social-lead")
    sign_off(desk.desk, person.key, "social-lead", public=False)
    assert desk.desk.person(person.key).signed_off == ()
    assert desk.timeline(ref).count("SignOffTakenBack") == 1
    with pytest.raises(NotAllowed, match="people file"):
        sign_off(desk.desk, "nobody", "social-lead")
    with pytest.raises(NotAllowed, match="`answers`"):
        sign_off(desk.desk, guide.key, "social-lead", public=False)


def test_after_their_hours_nobody_is_called_in_any_more(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    person, key = yes(desk, ref)
    until(desk, key, timedelta(minutes=1))
    assert desk.desk.called_in(1, person.key)
    until(desk, key)
    assert not desk.desk.called_in(1, person.key)


# ---------------------------------------------------------------- the calendar by link


def test_the_calendar_entry_can_be_fetched_by_its_code(desk: Scene) -> None:
    ref = desk.declare("help", stations="AMS")
    person, key = yes(desk, ref)
    invitation, callout = there(desk, key)
    app = FastAPI()
    app.state.desk = desk.desk
    app.include_router(calendar.router())
    client = TestClient(app)
    found: httpx.Response = client.get(f"/calendar/{invitation.code.lower()}.ics")
    assert found.headers["content-type"] == "text/calendar; method=PUBLISH; charset=utf-8"
    assert "irrops-INC-1.ics" in found.headers["content-disposition"]
    assert "no-store" in found.headers["cache-control"]
    [event] = Calendar.from_ical(found.text).walk("VEVENT")
    assert (event["dtstart"].dt, event["dtend"].dt) == (callout.starts_at, callout.ends_at)
    assert client.get(f"/calendar/{invitation.code}.ics").text == found.text, "the same entry, byte for byte"
    desk.desk.press(ANSWER, f"{key}|no", person.chat)
    gone = client.get(f"/calendar/{invitation.code}.ics")
    [event] = Calendar.from_ical(gone.text).walk("VEVENT")
    assert (str(event["status"]), "method=CANCEL" in gone.headers["content-type"]) == ("CANCELLED", True)
    for code in ("AAAAAAAAAA", "x"):
        with pytest.raises(NotFound):
            client.get(f"/calendar/{code}.ics")

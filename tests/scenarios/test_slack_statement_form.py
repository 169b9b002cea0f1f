"""“Read and edit” from the signed press through the desk to what goes out: all of a form counts, or nothing of it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from engine.buttons import APPROVE, READ
from engine.incident import NotAllowed
from engine.limits import fits
from engine.people import Person
from engine.ports import Decision, FormMistakes
from engine.statements import Statement, StatementStatus
from engine.trial import cases
from integrations.sandbox import Sandbox
from integrations.slack import Settings, statement_form
from integrations.slack.inbound import build_app, handle_http
from integrations.x import LIMIT
from tests.scenarios.conftest import Scene
from tests.unit.slack_screen import Screen
from tests.unit.slack_server import ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import SECRET, post, press, signed
from tests.unit.test_slack_statement_form import send, turn, view_of

OUTAGE = """\
playbook: outage
title: Outage
severity: SEV2
facts:
  systems: {type: choice, choices: [booking, check_in, website_and_app, all], default: all, ask: "Which systems?"}
  stations: {type: stations, required: false, ask: "Which stations?"}
  flights_hit: {type: yes_no, default: false, ask: "Are flights hit?"}
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page, x, bluesky, slack], languages: [en, nl, es, pt]}
    approval:
      {by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}
  - key: second_word
    action: publish_statement
    after: [first_word]
    with: {message: update, channels: [status_page, x], languages: [en]}
    approval: {by: comms_lead, within: 8m, then: deputy_comms_lead, four_eyes: true}
"""


@pytest.fixture
def desk(scene: Callable[..., Scene], tmp_path: Path) -> Scene:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "outage.yaml").write_text(OUTAGE)
    desk = scene(folder, x=Sandbox("x", tmp_path / "sandbox", LIMIT))
    desk.declare("outage", stations="AMS")
    return desk


@pytest.fixture
def slack() -> Iterator[ScriptedSlack]:
    with scripted_slack() as server:
        yield server


@pytest.fixture
def app(desk: Scene, slack: ScriptedSlack) -> Any:
    return build_app(Settings(bot_token="xoxb-1", signing_secret=SECRET, api_url=slack.api_url), desk.desk)


@pytest.fixture
def lead(desk: Scene) -> Person:
    return desk.holder("comms_lead")


def read(app: Any, slack: ScriptedSlack, desk: Scene, person: Person) -> Screen:
    """Press “Read and edit” under the newest request."""
    request = [one for one in desk.slack.all("direct") if one.person == person.key and one.buttons][-1]
    button = next(one for one in request.buttons if one.action == READ)
    before = len(slack.sent("views.open", within=0))
    post(app, press(slack, f"{button.action}:1", button.value, user=person.chat))
    return Screen(view_of(slack.sent("views.open", before + 1)[-1]), user=person.chat)


def there(desk: Scene, name: str = "ST-1") -> Statement:
    return desk.desk.statement(name)


def whole(desk: Scene, channel: str, language: str, name: str = "ST-1") -> str:
    return next("\n\n".join(t.parts) for t in there(desk, name).texts if (t.channel, t.language) == (channel, language))


def edited(screen: Screen, place: str, add: str) -> str:
    """Put a sentence in front of a text; returns the whole."""
    text = f"{add} {screen.shown(f'text:{place}')}"
    screen.type(f"text:{place}", text)
    return text


def test_two_languages_are_edited_and_approved_and_go_out_word_for_word(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    untouched = whole(desk, "status_page", "es")
    screen = read(app, slack, desk, lead)
    assert "*ST-1* holding, INC-1 SEV2 Outage" in screen.texts()
    english = edited(screen, "status_page|en", "Good morning.")
    turn(app, slack, screen, "nl")
    dutch = edited(screen, "status_page|nl", "Goedemorgen.")
    screen.choose("do", "approve")
    assert send(app, screen) == {}
    assert slack.sent("hook")[0]["text"] == f"ST-1 was approved, with other words, by {lead.name}."
    desk.settle()
    sent = {one.language: one.text for one in desk.status_page.all("post") if one.message == "holding"}
    assert (sent["en"], sent["nl"], sent["es"]) == (english, dutch, untouched)
    timeline = desk.timeline("INC-1")
    assert timeline.count("StatementEdited") == timeline.count("StatementApproved") == 1
    assert timeline.has("StatementPublished", approved_by=lead.key)
    assert f"approved by {lead.name}" in " ".join(one.text for one in desk.slack.all("revise"))


def test_channels_that_show_the_same_text_are_edited_together(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    screen = read(app, slack, desk, lead)
    fields = [block for block in screen.inputs() if block["block_id"].startswith("text:")]
    together = next(block for block in fields if "," in block["label"]["text"])
    channels = [one.replace(" ", "_") for one in together["label"]["text"].split(": ", 1)[1].split(", ")]
    text = edited(screen, together["block_id"].removeprefix("text:"), "Hello.")
    screen.choose("do", "keep")
    assert send(app, screen) == {}
    assert {whole(desk, channel, "en") for channel in channels} == {text}
    assert there(desk).status is StatementStatus.DRAFTED


def test_the_length_left_is_that_of_the_channel(desk: Scene, app: Any, slack: ScriptedSlack, lead: Person):
    screen = read(app, slack, desk, lead)
    hints = " ".join(block["hint"]["text"] for block in screen.inputs() if "hint" in block)
    post_ = next(text for text in there(desk).texts if (text.channel, text.language) == ("x", "en")).text
    assert f"x: {fits(post_, LIMIT)}" in hints
    assert "of 280" in hints


def test_all_mistakes_are_shown_at_once_and_nothing_is_changed(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    before = there(desk)
    screen = read(app, slack, desk, lead)
    screen.type("text:x|en", "x" * 600)
    screen.type("text:status_page|en", "It was the fault of our supplier, and there is no compensation.")
    screen.choose("do", "approve")
    errors = send(app, screen)["errors"]
    assert set(errors) == {"text:x|en", "text:status_page|en"}
    assert "Too long for x" in errors["text:x|en"]
    assert "of 280" in errors["text:x|en"]
    assert there(desk) == before
    assert desk.timeline("INC-1").count("StatementEdited") == 0


def test_words_that_the_check_stops_stand_when_it_is_said_why(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    screen = read(app, slack, desk, lead)
    edited(screen, "status_page|en", "There is no compensation.")
    screen.choose("do", "approve")
    assert set(send(app, screen)["errors"]) == {"text:status_page|en"}
    screen.type("anyway", "legal has approved it")
    assert send(app, screen) == {}
    (entry,) = [one for one in desk.desk.timeline("INC-1") if one.kind == "StatementEdited"]
    assert "legal has approved it" in entry.text


def test_a_mistake_in_a_language_that_is_not_shown_is_named_at_the_choice_of_language(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    screen = read(app, slack, desk, lead)
    turn(app, slack, screen, "nl")
    screen.type("text:x|nl", "x" * 600)
    turn(app, slack, screen, "en")
    screen.choose("do", "approve")
    (sentence,) = send(app, screen)["errors"].values()
    assert sentence.startswith("Dutch: Too long for x")


def test_an_edit_in_between_is_never_overwritten(desk: Scene, app: Any, slack: ScriptedSlack, lead: Person):
    screen = read(app, slack, desk, lead)
    edited(screen, "status_page|en", "Mine.")
    theirs = f"Theirs. {whole(desk, 'status_page', 'en')}"
    desk.desk.edit("ST-1", {("status_page", "en"): theirs}, "somebody.else")
    screen.choose("do", "approve")
    errors = send(app, screen)["errors"]
    assert "edited by somebody.else after you opened this form" in errors["do"]
    assert whole(desk, "status_page", "en") == theirs
    assert there(desk).status is StatementStatus.DRAFTED


def test_the_deputy_who_was_faster_is_named(desk: Scene, app: Any, slack: ScriptedSlack, lead: Person):
    screen = read(app, slack, desk, lead)
    deputy = next(one for one in desk.desk.everybody() if "deputy_comms_lead" in one.roles)
    desk.desk.approve("ST-1", deputy.key, deputy.roles)
    edited(screen, "status_page|en", "Mine.")
    screen.choose("do", "approve")
    assert f"it was approved by {deputy.name}" in send(app, screen)["errors"]["do"]
    assert desk.timeline("INC-1").count("StatementEdited") == 0
    post(app, press(slack, f"{READ}:1", there(desk).key, user=lead.chat))
    assert f"it was approved by {deputy.name}" in slack.sent("hook")[-1]["text"]
    assert len(slack.sent("views.open", within=0)) == 1


def test_who_does_not_hold_the_role_sees_no_text_and_decides_nothing(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    volunteer = next(one for one in desk.desk.everybody() if one.chat and not one.roles)
    for user in (volunteer.chat, "U0STRANGER"):
        post(app, press(slack, f"{READ}:1", there(desk).key, user=user))
    told = sorted(slack.sent("hook", 2), key=lambda one: one["text"])
    assert "is for comms_lead or deputy_comms_lead to decide" in told[0]["text"]
    assert "people file" in told[1]["text"]
    assert "aware" not in json.dumps(told)
    screen = read(app, slack, desk, lead)
    screen.user = volunteer.chat
    screen.choose("do", "approve")
    assert "is for comms_lead or deputy_comms_lead to decide" in send(app, screen)["errors"]["do"]
    assert there(desk).status is StatementStatus.DRAFTED


def test_nobody_approves_their_own_words_where_four_eyes_are_asked_for(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    desk.desk.approve("ST-1", lead.key, lead.roles)
    desk.settle()
    before = there(desk, "ST-2")
    screen = read(app, slack, desk, lead)
    words = edited(screen, "status_page|en", "Good morning.")
    screen.choose("do", "approve")
    assert "your own words" in send(app, screen)["errors"]["do"]
    assert there(desk, "ST-2") == before, "nothing of it was kept"
    screen.choose("do", "keep")
    assert send(app, screen) == {}
    desk.settle()
    deputy = next(one for one in desk.desk.everybody() if "deputy_comms_lead" in one.roles)
    other = desk.desk.statement_form("ST-2", "en", deputy.chat)
    assert f"in the words of {lead.name}" in other.heading
    assert words in [text.text for text in other.texts]
    done = Decision(statement="ST-2", seen=other.seen, do=Decision.APPROVE)
    assert desk.desk.decide_in_chat(done, deputy.chat).revise == f"ST-2 was approved by {deputy.name}."


def test_kept_words_are_asked_about_anew_and_the_old_buttons_are_refused(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person
):
    old = there(desk).key
    screen = read(app, slack, desk, lead)
    edited(screen, "status_page|en", "Good morning.")
    screen.choose("do", "keep")
    assert send(app, screen) == {}
    desk.settle()
    newest = [one for one in desk.slack.all("direct") if one.person == lead.key][-1]
    assert "Good morning." in newest.text
    with pytest.raises(NotAllowed, match="edited after you were shown it"):
        desk.desk.press(APPROVE, old, lead.chat)
    approve = next(one for one in newest.buttons if one.action == APPROVE)
    assert "is approved" in desk.desk.press(approve.action, approve.value, lead.chat).text


@pytest.mark.parametrize(("do", "typed"), [("approve", True), ("approve", False), ("keep", True), ("reject", False)])
def test_the_same_form_sent_again_changes_nothing(
    desk: Scene, app: Any, slack: ScriptedSlack, lead: Person, do: str, typed: bool
):
    screen = read(app, slack, desk, lead)
    if typed:
        edited(screen, "status_page|en", "Good morning.")
    screen.type("reason", "the wrong incident")
    screen.choose("do", do)
    body = urlencode({"payload": json.dumps(screen.submitted())})
    headers = signed(body)
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: handle_http(app, headers, body.encode()), range(8)))
    assert {(status, text) for status, _, text in answers} == {(200, "")}
    after, entries = there(desk), len(desk.desk.timeline("INC-1"))
    assert send(app, screen) == {}
    desk.settle()
    assert send(app, screen) == {}
    timeline = desk.timeline("INC-1")
    kinds = [timeline.count(f"Statement{kind}") for kind in ("Edited", "Approved", "Rejected")]
    assert kinds == [int(typed), int(do == "approve"), int(do == "reject")]
    assert there(desk).texts == after.texts
    assert len(desk.desk.timeline("INC-1")) >= entries


def test_rejecting_wants_a_reason_and_keeps_it(desk: Scene, app: Any, slack: ScriptedSlack, lead: Person):
    screen = read(app, slack, desk, lead)
    screen.choose("do", "reject")
    assert list(send(app, screen)["errors"]) == ["reason"]
    screen.type("reason", "the wrong incident")
    assert send(app, screen) == {}
    assert (there(desk).status, there(desk).rejected_because) == (StatementStatus.REJECTED, "the wrong incident")
    assert slack.sent("hook")[0]["text"] == f"ST-1 was rejected by {lead.name}."


def test_nothing_changed_is_nothing_to_keep(desk: Scene, app: Any, slack: ScriptedSlack, lead: Person):
    screen = read(app, slack, desk, lead)
    screen.choose("do", "keep")
    assert "You have changed nothing" in send(app, screen)["errors"]["do"]


@pytest.mark.parametrize("do", ["", "publish"])
def test_a_decision_that_there_is_not_is_refused(desk: Scene, lead: Person, do: str):
    with pytest.raises(FormMistakes, match="Choose what"):
        desk.desk.decide_in_chat(Decision(statement="ST-1", seen="", do=do), lead.chat)


def test_a_text_that_there_is_not_is_refused(desk: Scene, lead: Person):
    given = Decision(statement="ST-1", seen="", do="approve", texts={"pigeon|en": "Coo."})
    with pytest.raises(FormMistakes, match="no text for pigeon"):
        desk.desk.decide_in_chat(given, lead.chat)


def test_a_drill_shows_its_mark_and_keeps_it(desk: Scene, lead: Person):
    ref = desk.desk.declare("outage", facts={"stations": "AMS"}, by="duty-manager", drill=True).ref
    desk.settle()
    (statement,) = desk.desk.snapshot(ref).statements
    form = desk.desk.statement_form(statement.ref, "en", lead.chat)
    assert form.heading.startswith("[DRILL] ")
    first = form.texts[0]
    without = first.text.removeprefix("[DRILL] ")
    same = Decision(statement=form.statement, seen=form.seen, do="keep", texts={first.name: without})
    with pytest.raises(FormMistakes, match="changed nothing"):
        desk.desk.decide_in_chat(same, lead.chat)
    desk.desk.decide_in_chat(same.model_copy(update={"texts": {first.name: f"Now: {without}"}}), lead.chat)
    assert desk.desk.statement(statement.ref).texts[0].text.startswith("[DRILL] Now: ")


def test_the_home_tab_and_the_list_of_what_waits_have_the_button_too(desk: Scene, lead: Person):
    for item in (desk.desk.home(lead.chat)[0], desk.desk.approvals(lead.chat)[0]):
        assert [button.label for button in item.buttons] == ["Approve ST-1", "Read and edit", "Reject"]
        assert {button.value for button in item.buttons} == {there(desk).key}


def test_the_request_says_how_much_more_there_is_and_what_the_check_stops(desk: Scene, lead: Person):
    (first,) = [one for one in desk.slack.all("direct") if one.person == lead.key]
    assert "4 channels, in English, Spanish, Dutch and Portuguese." in first.text
    assert "The check stops" not in first.text
    told = f"There is no compensation. {whole(desk, 'status_page', 'en')}"
    desk.desk.edit("ST-1", {("status_page", "en"): told}, lead.key, "legal has approved it")
    desk.settle()
    newest = [one for one in desk.slack.all("direct") if one.person == lead.key][-1]
    assert "The check stops status_page (en): “no compensation”" in newest.text


def test_where_chat_opens_no_forms_it_is_said_where_to_edit(desk: Scene, lead: Person):
    assert "irrops statement edit ST-1" in desk.desk.press(READ, there(desk).key, lead.chat).text


@pytest.mark.parametrize("playbook", ["ash-cloud", "it-outage", "strike"])
def test_the_form_of_every_playbook_is_one_that_slack_takes(scene: Callable[..., Scene], playbook: str):
    desk = scene()
    book, _ = desk.desk.library.get(playbook)
    facts = max(cases(book, desk.crew.house), key=lambda one: len(str(one)))
    plain = {name: ", ".join(value) if isinstance(value, tuple | list) else value for name, value in facts.items()}
    ref = desk.declare(playbook, **plain)
    lead = desk.holder("comms_lead")
    (statement, *_) = desk.desk.snapshot(ref).statements
    for language in sorted({text.language for text in statement.texts}):
        view = statement_form.opened(desk.desk.statement_form(statement.ref, language, lead.chat), "", "")
        assert len(view["blocks"]) <= 100
        assert len(json.dumps(view)) < 250_000
        assert any(block.get("block_id", "").startswith("text:") for block in view["blocks"])

"""What people press, write and command in Slack, from the signed request through the desk to the timeline."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from engine.buttons import ANSWER, APPROVE, DECLARE, DISMISS, PAGE, REJECT
from engine.callout import Answer, Invitation
from engine.change import Change
from engine.correlation import Proposal
from engine.effects import Button
from engine.incident import NotAllowed
from engine.people import Person
from engine.ports import Reply
from integrations.slack import Settings
from integrations.slack.inbound import build_app, handle_http
from tests.scenarios.conftest import Scene
from tests.unit.slack_server import ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import SECRET, command, press, signed

HELP_WANTED = """\
playbook: help-wanted
title: Help wanted
severity: SEV2
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page, slack], languages: [en, nl]}
    approval: {by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}
  - key: volunteers
    action: call_out
    with: {quota: 2, respond_within: 15m, starts_in: 1h, lasts: 4h}
stand_down:
  - {key: thank_you, action: release_responders}
"""


@pytest.fixture
def desk(scene: Callable[..., Scene], tmp_path: Path) -> Scene:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "help-wanted.yaml").write_text(HELP_WANTED)
    return in_english(scene(folder))


def in_english(desk: Scene) -> Scene:
    """Let everybody be written to in English, and live in one time zone: who is asked is drawn by lot."""
    same = {"languages": ("en",), "time_zone": "Europe/Amsterdam"}
    people = tuple(one.model_copy(update=same) for one in desk.desk.everybody())
    desk.crew.store.apply(Change(records=people))
    return desk


@pytest.fixture
def slack() -> Iterator[ScriptedSlack]:
    with scripted_slack() as server:
        yield server


@pytest.fixture
def app(desk: Scene, slack: ScriptedSlack) -> Any:
    return build_app(Settings(bot_token="xoxb-1", signing_secret=SECRET, api_url=slack.api_url), desk.desk)


def asked(desk: Scene, ref: str = "INC-1") -> list[tuple[Invitation, Person]]:
    """Who was asked to help, with their invitation."""
    invitations = [one for one in desk.desk.snapshot(ref).invitations if "/volunteers#1" in one.key]
    people = {one.key: one for one in desk.desk.everybody()}
    return [(one, people[one.person]) for one in invitations]


def now(desk: Scene, key: str) -> Invitation:
    found = desk.desk.store.first(Invitation, key=key)
    assert found
    return found


def taken(desk: Scene, ref: str = "INC-1") -> int:
    return sum(one.accepted for one in desk.desk.snapshot(ref).callouts)


def values(buttons: tuple[Button, ...]) -> list[str]:
    return [button.value.partition("|")[2] for button in buttons]


# ---------------------------------------------------------------- buttons


def test_coming_later_asks_when_and_notes_the_choice(desk: Scene):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    asks = desk.desk.press(ANSWER, f"{one.key}|later", person.chat)
    assert (now(desk, one.key).answer, asks.revise) == (Answer.NONE, None)
    assert [value.split("|")[0] for value in values(asks.buttons)] == ["later"] * 3
    chosen = asks.buttons[1]
    noted = desk.desk.press(chosen.action, chosen.value, person.chat)
    there = now(desk, one.key)
    assert there.answer is Answer.LATER
    assert f"{there.comes_at:%Y-%m-%dT%H:%MZ}" == chosen.value.rsplit("|", 1)[1]
    assert (noted.buttons, f"{person.local(there.comes_at):%H:%M}" in noted.text) == ((), True)
    assert desk.desk.press(chosen.action, chosen.value, person.chat) == noted
    assert now(desk, one.key).version == there.version


def test_not_this_time_is_noted_at_once_and_asks_for_how_long(desk: Scene):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    reply = desk.desk.press(ANSWER, f"{one.key}|no", person.chat)
    assert now(desk, one.key).answer is Answer.NO
    assert values(reply.buttons) == ["quiet|1d", "quiet|7d", "quiet|30d"]
    week = reply.buttons[1]
    desk.desk.press(week.action, week.value, person.chat)
    after = desk.desk.person(person.key)
    assert after is not None
    assert after.quiet_until == desk.clock.now() + timedelta(days=7)


MALFORMED = ["", "|", "yes", "KEY", "KEY|", "KEY|maybe", "KEY|later|soon", "KEY|later|2026-11-24T08:00", "KEY|quiet"]
MALFORMED += [
    "KEY|quiet|",
    "KEY|quiet|99999d",
    "KEY|yes|2026-11-24T08:00Z",
    "KEY|no|x",
    "KEY|later|x|y",
    "nonsense|yes",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_button_that_can_not_be_read_is_one_clear_sentence(desk: Scene, value: str):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    with pytest.raises(NotAllowed, match=r"can't be read here any more|not known here|That is no answer"):
        desk.desk.press(ANSWER, value.replace("KEY", one.key), person.chat)
    assert now(desk, one.key) == one


@pytest.mark.parametrize(
    ("action", "value"), [(DECLARE, "x"), (DECLARE, "٣"), (APPROVE, ""), (REJECT, "x|y"), ("soar", "x"), (PAGE, "")]
)
def test_no_button_of_ours_ends_in_a_failure(desk: Scene, action: str, value: str):
    desk.declare("help-wanted")
    with pytest.raises(NotAllowed):
        desk.desk.press(action, value, asked(desk)[0][1].chat)


@pytest.mark.parametrize(("action", "says"), [(DECLARE, "is declared"), (DISMISS, "Dismissed")])
def test_a_proposal_is_decided_by_a_duty_manager_alone(desk: Scene, action: str, says: str):
    proposed = Proposal(
        playbook="help-wanted", group="it", title="Help", severity="SEV2", proposed_at=desk.crew.clock.now()
    )
    desk.desk.store.add([proposed], lambda _: Change(), lambda _: 0, desk.crew.clock.now())
    volunteer = next(one for one in desk.desk.everybody() if one.chat and not one.roles)
    with pytest.raises(NotAllowed, match="Only a duty manager"):
        desk.desk.press(action, "1", volunteer.chat)
    manager = next(one for one in desk.desk.everybody() if one.chat and "duty_manager" in one.roles)
    assert says in desk.desk.press(action, "1", manager.chat).text


def test_a_button_of_an_incident_that_was_stood_down_explains_itself_and_goes(desk: Scene):
    ref = desk.declare("help-wanted")
    one, person = asked(desk)[0]
    desk.desk.stand_down(ref, "duty-manager", "false alarm")
    desk.settle()
    before = now(desk, one.key)
    reply = desk.desk.press(ANSWER, f"{one.key}|yes", person.chat)
    assert "stood down" in reply.text
    assert (reply.revise, reply.buttons) == (reply.text, ())
    assert (now(desk, one.key), taken(desk)) == (before, 0)


def test_somebody_elses_click_is_refused(desk: Scene):
    desk.declare("help-wanted")
    (one, _), (_, other) = asked(desk)[:2]
    with pytest.raises(NotAllowed, match="Somebody else was asked"):
        desk.desk.press(ANSWER, f"{one.key}|yes", other.chat)
    with pytest.raises(NotAllowed, match="not in the people file"):
        desk.desk.press(ANSWER, f"{one.key}|yes", "U0STRANGER")
    assert now(desk, one.key) == one


def test_two_clicks_at_once_are_one_answer(desk: Scene):
    ref = desk.declare("help-wanted")
    one, person = asked(desk)[0]
    with ThreadPoolExecutor(8) as hands:
        replies = list(hands.map(lambda _: desk.desk.press(ANSWER, f"{one.key}|yes", person.chat), range(8)))
    assert len({reply.text for reply in replies}) == 1
    assert taken(desk) == 1
    assert desk.timeline(ref).count("ResponderAccepted") == 1


def test_a_signed_request_that_is_played_again_is_one_answer(desk: Scene, app: Any, slack: ScriptedSlack):
    ref = desk.declare("help-wanted")
    one, person = asked(desk)[0]
    body = urlencode({"payload": json.dumps(press(slack, value=f"{one.key}|yes", user=person.chat))})
    headers = signed(body)
    for count in (1, 2, 3):
        assert handle_http(app, headers, body.encode())[0] == 200
        assert len(slack.sent("hook", count)) == count
    assert taken(desk) == 1
    assert desk.timeline(ref).count("ResponderAccepted") == 1
    late = signed(body, at=float(headers["X-Slack-Request-Timestamp"]) - 301)
    assert handle_http(app, late, body.encode())[0] == 401


# ---------------------------------------------------------------- plain words


def test_plain_words_are_an_answer(desk: Scene):
    desk.declare("help-wanted")
    (one, person), (two, other), (three, third) = asked(desk)[:3]
    assert desk.desk.said(person.chat, "yes!").text.startswith("You are expected")
    assert now(desk, one.key).answer is Answer.YES
    assert now(desk, one.key).answered_on == "slack"
    declined = desk.desk.said(other.chat, "sorry, I can't")
    assert (now(desk, two.key).answer, values(declined.buttons)[0]) == (Answer.NO, "quiet|1d")
    desk.desk.said(third.chat, "at 7")
    assert now(desk, three.key).answer is Answer.LATER
    assert third.local(now(desk, three.key).comes_at or one.asked_at).hour == 7


def test_later_without_a_time_asks_when(desk: Scene):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    assert values(desk.desk.said(person.chat, "later").buttons)[0].startswith("later|")
    assert now(desk, one.key) == one


def test_what_is_not_plain_changes_nothing_and_brings_the_buttons(desk: Scene):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    reply = desk.desk.said(person.chat, "yes if my boss agrees")
    assert "not understood" in reply.text
    assert values(reply.buttons) == ["yes", "later", "no"]
    assert now(desk, one.key) == one
    desk.desk.said(person.chat, "yes")
    assert values(desk.desk.said(person.chat, "where do I go?").buttons) == ["no"]


def test_a_message_that_came_late_means_the_time_at_which_it_was_written(desk: Scene):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    written = desk.clock.now()
    desk.pass_time(minutes=10)
    desk.desk.said(person.chat, "in 2 hours", written)
    assert now(desk, one.key).comes_at == written + timedelta(hours=2)


def test_a_time_is_meant_in_the_hours_that_were_asked_for(scene: Callable[..., Scene], tmp_path: Path):
    folder = tmp_path / "tomorrow"
    folder.mkdir()
    (folder / "help-wanted.yaml").write_text(HELP_WANTED.replace("starts_in: 1h", "starts_in: 26h"))
    desk = in_english(scene(folder))  # 04:10; the hours are 06:10 to 10:10 tomorrow
    desk.declare("help-wanted")
    (one, person), (two, other) = asked(desk)[:2]
    desk.desk.said(person.chat, "at 8")
    comes_at = now(desk, one.key).comes_at
    assert comes_at is not None
    assert f"{person.local(comes_at):%d %H:%M}" == "25 08:00"
    desk.desk.said(other.chat, "in 2 hours")
    assert now(desk, two.key).answer is Answer.YES  # long before it begins


def test_who_refused_may_still_change_their_mind_in_plain_words(desk: Scene):
    desk.declare("help-wanted")
    one, person = asked(desk)[0]
    desk.desk.said(person.chat, "no")
    assert desk.desk.said(person.chat, "good luck everybody!").text.startswith("Nothing is asked of you")
    desk.desk.said(person.chat, "yes")
    assert now(desk, one.key).answer is Answer.YES


def test_nothing_asked_is_said_in_one_sentence(desk: Scene):
    ref = desk.declare("help-wanted")
    one, person = asked(desk)[0]
    someone_else = next(p for p in desk.desk.everybody() if p.chat and p.key not in {i.person for i, _ in asked(desk)})
    assert desk.desk.said(someone_else.chat, "yes").buttons == ()
    with pytest.raises(NotAllowed, match="not in the people file"):
        desk.desk.said("U0STRANGER", "yes")
    desk.desk.stand_down(ref, "duty-manager", "false alarm")
    desk.settle()
    assert desk.desk.said(person.chat, "yes").text.startswith("Nothing is asked of you")
    assert now(desk, one.key).answer is Answer.NONE


def test_the_newest_question_is_meant(desk: Scene):
    desk.declare("help-wanted")
    desk.pass_time(minutes=1)
    desk.declare("help-wanted")
    both = {one.person for one, _ in asked(desk)} & {one.person for one, _ in asked(desk, "INC-2")}
    for one, person in asked(desk, "INC-2")[:1]:
        desk.desk.said(person.chat, "yes")
        assert now(desk, one.key).answer is Answer.YES
    assert both == set()  # who is asked for one incident is not asked for another


# ---------------------------------------------------------------- commands and the Home tab


def give(app: Any, slack: ScriptedSlack, person: Person, text: str) -> None:
    body = command(slack, text).replace("user_id=U1", f"user_id={person.chat}")
    assert handle_http(app, signed(body), body.encode())[0] == 200


def test_what_waits_is_shown_word_for_word_to_who_may_approve_it(desk: Scene, app: Any, slack: ScriptedSlack):
    desk.declare("help-wanted")
    (statement,) = desk.desk.snapshot("INC-1").statements
    lead = desk.holder("comms_lead")
    give(app, slack, lead, "approve")
    (told,) = slack.sent("hook")
    for text in statement.texts:
        assert text.text[:200].split("\n")[0] in told["text"]
    assert "slack (en)" in told["text"]
    assert [button["value"] for button in told["blocks"][-1]["elements"]] == [statement.key] * 3
    volunteer = next(person for _, person in asked(desk) if not person.roles)
    give(app, slack, volunteer, "approve")
    give(app, slack, volunteer, f"approve {statement.ref}")
    refused = slack.sent("hook", 3)[1:]
    assert all("comms" in each["text"] and len(each["blocks"]) == 1 for each in refused)
    assert "We are aware" not in json.dumps(refused)
    give(app, slack, lead, f"approve {statement.ref.lower()}")
    assert "is approved" in slack.sent("hook", 4)[3]["text"]
    desk.settle()
    assert desk.timeline("INC-1").has("StatementPublished", approved_by=lead.key)
    give(app, slack, lead, "approve")
    assert slack.sent("hook", 5)[4]["text"] == "No statement waits for approval."


def test_status_says_what_runs_is_late_and_waits_and_how_the_call_out_stands(desk: Scene):
    assert desk.desk.status_for_chat() == "No incident is live, and no proposal waits."
    desk.declare("help-wanted")
    people = asked(desk)
    desk.desk.said(people[0][1].chat, "yes")
    desk.desk.said(people[1][1].chat, "no")
    text = desk.desk.status_for_chat()
    assert text.startswith("*INC-1* SEV2 Help wanted: responding\n")
    assert "• waits: first_word#1 for approval by comms_lead" in text
    silent = len(people) - 2
    assert f"called volunteers#1: 1 of 2 come (1 no, {silent} silent; {len(people)} asked)" in text


def test_the_home_tab_shows_what_waits_for_me_newest_first_then_what_runs(desk: Scene):
    desk.declare("help-wanted")
    desk.pass_time(minutes=1)
    desk.declare("help-wanted")
    lead = desk.holder("comms_lead")
    first, second, *running = desk.desk.home(lead.chat)
    assert [item.text.split()[0] for item in (first, second)] == ["*ST-2*", "*ST-1*"]
    assert "We are aware" in first.text
    assert [item.text.split()[0] for item in running] == ["*INC-2*", "*INC-1*"]
    assert "called volunteers#1: 0 of 2 come" in running[0].text
    one, person = asked(desk, "INC-2")[0]
    waiting = desk.desk.home(person.chat)[0]
    assert "INC-2" in waiting.text
    assert values(waiting.buttons) == ["yes", "later", "no"]
    desk.desk.press(ANSWER, f"{one.key}|yes", person.chat)
    coming = desk.desk.home(person.chat)[0]
    assert "You are expected" in coming.text
    assert values(coming.buttons) == ["no"]


def test_an_edited_statement_is_not_approved_by_the_button_that_showed_other_words(desk: Scene):
    desk.declare("help-wanted")
    lead = desk.holder("comms_lead")
    shown = desk.desk.home(lead.chat)[0].buttons[0]
    desk.desk.edit("ST-1", {("status_page", "en"): "We are aware of it."}, "somebody.else")
    fresh = desk.desk.home(lead.chat)[0].buttons[0]
    desk.desk.edit("ST-1", {("status_page", "en"): "We are aware of it now."}, "somebody.else")
    with pytest.raises(NotAllowed, match="edited after you were shown it"):
        desk.desk.press(fresh.action, fresh.value, lead.chat)
    assert shown.value != fresh.value


def test_somebody_is_called_by_name(desk: Scene):
    desk.declare("help-wanted")
    manager = desk.holder("duty_manager")
    lead = desk.holder("comms_lead")
    reply = desk.desk.page_in_chat(f"{lead.name} the words are wrong", manager.chat)
    assert "INC-1" in reply.text
    assert lead.name in reply.text
    (page,) = desk.desk.snapshot("INC-1").pages_open
    assert (page.person, page.why, page.by) == (lead.key, "the words are wrong", manager.key)
    waiting = desk.desk.home(lead.chat)
    assert any("the words are wrong" in item.text and item.buttons for item in waiting)


def test_where_a_name_fits_several_people_one_chooses(desk: Scene):
    desk.declare("help-wanted")
    desk.declare("help-wanted")
    manager = desk.holder("duty_manager")
    reply: Reply = desk.desk.page_in_chat("comms_lead come quickly", manager.chat)
    holders = [one.key for one in desk.desk.everybody() if "comms_lead" in one.roles]
    assert sorted(button.value.split("|")[0] for button in reply.buttons) == sorted(holders)
    chosen = reply.buttons[0]
    which = desk.desk.press(chosen.action, chosen.value, manager.chat)
    assert [button.label for button in which.buttons] == ["INC-2 SEV2 Help wanted", "INC-1 SEV2 Help wanted"]
    desk.desk.press(which.buttons[0].action, which.buttons[0].value, manager.chat)
    (page,) = desk.desk.snapshot("INC-2").pages_open
    assert (page.person, page.why) == (chosen.value.split("|")[0], "come quickly")


@pytest.mark.parametrize(
    ("text", "person", "why"),
    [
        ("{name} inc-1 help us", "{key}", "help us"),
        ("<@{chat}|x> help us", "{key}", "help us"),
        ("@{key} help us", "{key}", "help us"),
        ("{upper}", "{key}", "{manager} asks you to call back"),
    ],
)
def test_whom_and_why_are_told_apart(desk: Scene, text: str, person: str, why: str):
    desk.declare("help-wanted")
    manager, lead = desk.holder("duty_manager"), desk.holder("comms_lead")
    names = {"name": lead.name, "upper": lead.name.upper(), "chat": lead.chat, "key": lead.key, "manager": manager.name}
    desk.desk.page_in_chat(text.format(**names), manager.chat)
    (page,) = desk.desk.snapshot("INC-1").pages_open
    assert (page.person, page.why) == (person.format(**names), why.format(**names))


@pytest.mark.parametrize("text", ["", "  ", "Nobody help", "<@U0NOBODY> help"])
def test_nobody_of_that_name_is_one_sentence(desk: Scene, text: str):
    desk.declare("help-wanted")
    with pytest.raises(NotAllowed, match="/irrops page Anna"):
        desk.desk.page_in_chat(text, desk.holder("duty_manager").chat)

"""What Slack's answers mean: happened, refused for now, refused for good, or nobody knows."""

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest

from engine.effects import Direct, Invite, Message, Receipt, Room, Text
from engine.ports import ASKS_TO_WAIT, CannotTell, Channel, Lost, Refused
from integrations.slack import Settings, connect
from integrations.slack.blocks import block_mark, purpose_mark
from integrations.slack.checkup import SCOPES
from tests.unit.slack_server import Answer, ScriptedSlack, scripted_slack

ROOM = Receipt(id="C0000000001", place="C0000000001")
TEXT = Text(text="Hello")
POSTED = {"ok": True, "channel": ROOM.id, "ts": "1700000000.000100"}
WHO = {"ok": True, "user_id": "U0IRROPS", "url": "https://ops.slack.com/"}


@pytest.fixture
def slack() -> Iterator[ScriptedSlack]:
    with scripted_slack() as server:
        server.says("auth.test", WHO)
        server.says("chat.postMessage", POSTED)
        yield server


def channel(slack: ScriptedSlack | str, **settings: object) -> Channel:
    url = slack if isinstance(slack, str) else slack.api_url
    return connect(Settings.model_validate({"bot_token": "xoxb-1", "api_url": url, "pace": False, **settings}))


LOST = {
    "500": Answer({"ok": False}, status=500),
    "503 with an error code": Answer({"ok": False, "error": "ratelimited"}, status=503),
    "502 as HTML": Answer("<html>Bad gateway</html>", status=502),
    "HTML": Answer("<html>Please log in to the wifi</html>"),
    "empty": Answer(""),
    "cut short": Answer('{"ok": tr'),
    "a list": Answer("[]"),
    "null": Answer("null"),
    "a sentence as error": Answer({"ok": False, "error": "Something went wrong."}),
    "yes, but not to what": Answer({"ok": True}),
    "internal error": Answer({"ok": False, "error": "internal_error"}),
    "fatal error": Answer({"ok": False, "error": "fatal_error"}),
    "closed without an answer": Answer(drop=True),
    "too late": Answer(POSTED, after=1.5),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_what_may_have_happened_is_lost_and_not_sent_twice(slack: ScriptedSlack, answer: Answer):
    slack.says("chat.postMessage", answer)
    with pytest.raises(Lost):
        channel(slack, timeout_s=1).send(TEXT, "k", ROOM)
    assert len(slack.sent("chat.postMessage")) == 1


def test_429_names_the_wait(slack: ScriptedSlack):
    slack.says("chat.postMessage", Answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "12"}))
    with pytest.raises(Refused) as refused:
        channel(slack).send(TEXT, "k", ROOM)
    assert (refused.value.permanent, refused.value.retry_after) == (False, 12.0)


def test_429_as_html_is_a_wait_too(slack: ScriptedSlack):
    slack.says("chat.postMessage", Answer("<html>Slow down</html>", 429))
    with pytest.raises(Refused) as refused:
        channel(slack).send(TEXT, "k", ROOM)
    assert (refused.value.permanent, refused.value.retry_after) == (False, 30.0)


def test_a_429_holds_back_that_conversation_alone(slack: ScriptedSlack):
    slack.says("chat.postMessage", Answer({"ok": False}, 429, {"Retry-After": "60"}), POSTED)
    busy = channel(slack)
    for _ in range(2):
        with pytest.raises(Refused):
            busy.send(TEXT, "k", ROOM)
    assert len(slack.sent("chat.postMessage")) == 1
    assert busy.send(TEXT, "k", Receipt(id="C0000000002", place="C0000000002")) is not None


def test_a_limit_of_the_workspace_holds_back_every_conversation(slack: ScriptedSlack):
    slack.says("chat.postMessage", {"ok": False, "error": "message_limit_exceeded"}, POSTED)
    busy = channel(slack)
    for place in ("C0000000001", "C0000000002"):
        with pytest.raises(Refused) as refused:
            busy.send(TEXT, "k", Receipt(id=place, place=place))
        assert not refused.value.permanent
    assert len(slack.sent("chat.postMessage")) == 1


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("invalid_auth", "copy the bot token again"),
        ("channel_not_found", "invite the app"),
        ("is_archived", "unarchive"),
        ("missing_scope", "manifest.yaml"),
        ("a_word_of_next_year", "docs.slack.dev/reference/methods/chat.postMessage"),
    ],
)
def test_a_refusal_for_good_says_what_to_do(slack: ScriptedSlack, code: str, remedy: str):
    slack.says("chat.postMessage", {"ok": False, "error": code})
    with pytest.raises(Refused, match=remedy) as refused:
        channel(slack).send(TEXT, "k", ROOM)
    assert refused.value.permanent


def test_a_missing_scope_is_named(slack: ScriptedSlack):
    slack.says("chat.postMessage", {"ok": False, "error": "missing_scope", "needed": "chat:write"})
    with pytest.raises(Refused, match="chat:write"):
        channel(slack).send(TEXT, "k", ROOM)


OF_A_PERSON = {
    "conversations.open": {
        "user_not_found": "people file",
        "users_not_found": "people file",
        "user_disabled": "deactivated",
        "user_not_visible": "another workspace",
        "channel_not_found": "another workspace",
        "invalid_user_combination": "another workspace",
        "cannot_dm_bot": "belongs to a bot",
        "team_access_not_granted": "not installed in that person's workspace",
        "account_inactive": "install it again",
        "missing_scope": "manifest.yaml",
    },
    "chat.postMessage": {
        "messages_tab_disabled": "App Home",
        "user_disabled": "deactivated",
        "channel_not_found": "no such channel",
        "is_archived": "archived",
        "restricted_action": "workspace setting",
        "ekm_access_denied": "suspended",
        "team_not_found": "chat id",
    },
}


@pytest.mark.parametrize(
    ("method", "code", "remedy"),
    [(method, code, remedy) for method, codes in OF_A_PERSON.items() for code, remedy in codes.items()],
)
def test_whom_slack_does_not_reach_is_refused_for_good_so_that_the_next_lane_is_tried(
    slack: ScriptedSlack, method: str, code: str, remedy: str
):
    slack.says("conversations.open", {"ok": True, "channel": {"id": "D1"}})
    slack.says(method, {"ok": False, "error": code})
    with pytest.raises(Refused, match=remedy) as refused:
        channel(slack).send(Direct(person="p", address="U1", text="Can you come?"), "k")
    assert refused.value.permanent
    assert len(slack.sent(method)) == 1


def test_a_conversation_that_is_gone_is_opened_anew_the_next_time(slack: ScriptedSlack):
    slack.says("conversations.open", {"ok": True, "channel": {"id": "D1"}}, {"ok": True, "channel": {"id": "D2"}})
    slack.says("chat.postMessage", {"ok": False, "error": "channel_not_found"}, POSTED)
    ours, direct = channel(slack), Direct(person="p", address="U1", text="Can you come?")
    with pytest.raises(Refused):
        ours.send(direct, "k1")
    ours.send(direct, "k2")
    assert [sent["channel"] for sent in slack.sent("chat.postMessage")] == ["D1", "D2"]


@pytest.mark.parametrize("code", ["org_user_not_in_team", "invitee_cant_see_channel", "no_external_invite_permission"])
def test_somebody_of_another_workspace_keeps_nobody_else_out_of_the_room(slack: ScriptedSlack, code: str):
    theirs = {"ok": False, "error": code}
    slack.says("conversations.invite", theirs, {"ok": True}, theirs, {"ok": True})
    receipt = channel(slack).send(Invite(members=("U1", "U2")), "k", ROOM)
    assert receipt.facts == {"not_invited": {"U2": code}}


def test_a_429_in_one_method_leaves_the_others_and_says_until_when(slack: ScriptedSlack):
    slack.says("conversations.open", Answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "240"}))
    busy = channel(slack)
    before = datetime.now(UTC)
    said = []
    for person in ("U1", "U2"):
        with pytest.raises(Refused) as refused:
            busy.send(Direct(person="p", address=person, text="Can you come?"), person)
        assert not refused.value.permanent
        assert 238 < (refused.value.retry_after or 0) <= 240
        said.append(str(refused.value))
    assert len(slack.sent("conversations.open")) == 1
    for sentence in said:
        assert ASKS_TO_WAIT in sentence
        found = re.search(r"until (\d\d:\d\d:\d\d) UTC\.", sentence)
        assert found
        at = datetime.combine(before.date(), time.fromisoformat(found[1]), UTC)
        assert timedelta(seconds=238) < (at - before) % timedelta(days=1) < timedelta(seconds=245)
    assert busy.send(TEXT, "k", ROOM).id == POSTED["ts"]
    slack.says("conversations.create", {"ok": True, "channel": {"id": "C9"}})
    assert busy.send(Room(name="inc-2", topic="t", purpose="p"), "k").id == "C9"


def test_what_never_left_is_refused_for_now():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/api/"
        for url in (closed, "http://slack.invalid/api/"):
            with pytest.raises(Refused) as refused:
                channel(url).send(TEXT, "k", ROOM)
            assert not refused.value.permanent


def test_a_read_without_answer_loses_nothing(slack: ScriptedSlack):
    slack.says("conversations.open", Answer("", 500))
    with pytest.raises(Refused) as refused:
        channel(slack).send(Direct(person="p", address="U1", text="Hi"), "k")
    assert not refused.value.permanent
    assert slack.sent("chat.postMessage", within=0) == []


def test_a_sent_message_stays_sent_when_its_link_is_not_known(slack: ScriptedSlack):
    slack.says("auth.test", Answer("", 500))
    assert channel(slack).send(TEXT, "k", ROOM) == Receipt(id=POSTED["ts"], place=ROOM.id)


def test_the_link_is_asked_for_once(slack: ScriptedSlack):
    ours = channel(slack)
    receipts = [ours.send(TEXT, key, ROOM) for key in ("k1", "k2")]
    assert [each.url for each in receipts] == ["https://ops.slack.com/archives/C0000000001/p1700000000000100"] * 2
    assert len(slack.sent("auth.test")) == 1


def test_slack_lets_in_whom_it_can_and_names_the_rest(slack: ScriptedSlack):
    errors = [
        {"user": "U2", "ok": False, "error": "user_not_found"},
        {"user": "U3", "ok": False, "error": "already_in_channel"},
    ]
    slack.says("conversations.invite", {"ok": True, "errors": errors})
    receipt = channel(slack).send(Invite(members=("U1", "U2", "U3")), "k", ROOM)
    assert receipt.facts == {"not_invited": {"U2": "user_not_found"}}


def test_an_error_that_names_nobody_is_found_by_asking_one_by_one(slack: ScriptedSlack):
    nobody = {"ok": False, "error": "user_not_found"}
    slack.says("conversations.invite", nobody, {"ok": True}, nobody, {"ok": True})
    receipt = channel(slack).send(Invite(members=("U1", "U2")), "k", ROOM)
    assert receipt.facts == {"not_invited": {"U2": "user_not_found"}}


def test_a_room_is_looked_for_on_every_page(slack: ScriptedSlack):
    ours = {"id": "C2", "name": "inc-2", "purpose": {"value": f"Ash {purpose_mark('k')}"}}
    slack.says(
        "conversations.list",
        {"ok": True, "channels": [{"id": "C1", "name": "x"}], "response_metadata": {"next_cursor": "two"}},
        {"ok": True, "channels": [ours], "response_metadata": {"next_cursor": ""}},
    )
    found = channel(slack).find(Room(name="inc-2", topic="t", purpose="Ash"), "k")
    assert found is not None
    assert found.id == "C2"
    assert slack.sent("conversations.list")[1]["cursor"] == "two"


def test_a_room_of_another_app_is_not_taken_over(slack: ScriptedSlack):
    theirs = {"id": "C1", "name": "inc-2", "creator": "U0OTHER", "purpose": {"value": ""}}
    slack.says("conversations.list", {"ok": True, "channels": [theirs]})
    slack.says("conversations.create", {"ok": False, "error": "name_taken"}, {"ok": True, "channel": {"id": "C9"}})
    receipt = channel(slack).send(Room(name="inc-2", topic="t", purpose="p"), "k")
    assert (receipt.id, receipt.facts["name"]) == ("C9", "inc-2-2")


def test_the_app_joins_a_public_room_and_posts_once(slack: ScriptedSlack):
    slack.says("chat.postMessage", {"ok": False, "error": "not_in_channel"}, POSTED)
    assert channel(slack).send(TEXT, "k", ROOM).id == POSTED["ts"]
    assert [method for method, _ in slack.calls][:3] == ["chat.postMessage", "conversations.join", "chat.postMessage"]


def test_a_room_that_can_not_be_joined_is_refused_for_good(slack: ScriptedSlack):
    slack.says("chat.postMessage", {"ok": False, "error": "not_in_channel"}, POSTED)
    slack.says("conversations.join", {"ok": False, "error": "method_not_supported_for_channel_type"})
    with pytest.raises(Refused) as refused:
        channel(slack).send(TEXT, "k", ROOM)
    assert refused.value.permanent
    assert len(slack.sent("chat.postMessage")) == 1


def test_a_topic_that_is_refused_for_good_leaves_the_room(slack: ScriptedSlack):
    slack.says("conversations.create", {"ok": True, "channel": {"id": "C9"}})
    slack.says("conversations.setTopic", {"ok": False, "error": "restricted_action"})
    receipt = channel(slack).send(Room(name="inc-2", topic="t", purpose="p"), "k")
    assert receipt.id == "C9"
    assert "restricted_action" in receipt.facts["not_set"][0]


def test_a_history_without_end_is_not_read_to_the_end(slack: ScriptedSlack):
    page = {"ok": True, "messages": [{"ts": "1.0", "text": "talk"}], "response_metadata": {"next_cursor": "more"}}
    slack.says("conversations.history", page)
    with pytest.raises(CannotTell):
        channel(slack).find(TEXT, "k", ROOM)
    assert len(slack.sent("conversations.history")) == 25


@pytest.mark.parametrize("code", ["missing_scope", "not_in_channel", "channel_not_found"])
def test_a_history_that_may_not_be_read_tells_nothing(slack: ScriptedSlack, code: str):
    slack.says("conversations.history", {"ok": False, "error": code})
    with pytest.raises(CannotTell):
        channel(slack).find(TEXT, "k", ROOM)


def test_a_history_that_does_not_answer_is_asked_again_later(slack: ScriptedSlack):
    slack.says("conversations.history", Answer("", 500))
    with pytest.raises(Refused) as refused:
        channel(slack).find(TEXT, "k", ROOM)
    assert not refused.value.permanent


def test_a_message_by_somebody_else_is_not_ours(slack: ScriptedSlack):
    other = {"ts": "1.0", "metadata": {"event_type": "task", "event_payload": {"key": "k"}}}
    ours = {"ts": "2.0", "blocks": [{"block_id": block_mark("k")}]}
    slack.says("conversations.history", {"ok": True, "messages": [other]}, {"ok": True, "messages": [other, ours]})
    ask: tuple[Message, str, Receipt] = (TEXT, "k", ROOM)
    assert channel(slack).find(*ask) is None
    found = channel(slack).find(*ask)
    assert found is not None
    assert found.id == "2.0"


def test_check_is_silent_when_all_is_well(slack: ScriptedSlack):
    slack.says("auth.test", Answer(WHO, headers={"x-oauth-scopes": ",".join(SCOPES)}))
    slack.says("conversations.list", {"ok": True, "channels": [{"id": "C1", "name": "irrops-duty"}]})
    assert channel(slack, app_token="xapp-1").check() == []


def test_check_names_what_is_missing(slack: ScriptedSlack):
    given = ",".join(scope for scope in SCOPES if scope != "im:write")
    slack.says("auth.test", Answer(WHO, headers={"X-OAuth-Scopes": given}))
    slack.says("conversations.list", {"ok": True, "channels": [{"id": "C1", "name": "irrops-duty"}]})
    slack.says("apps.connections.open", {"ok": False, "error": "not_allowed_token_type"})
    scope, socket_mode = channel(slack, app_token="xapp-1").check()
    assert "im:write" in scope
    assert "reinstall" in scope
    assert "connections:write" in socket_mode


def test_check_says_that_the_token_is_wrong(slack: ScriptedSlack):
    slack.says("auth.test", {"ok": False, "error": "invalid_auth"})
    (problem,) = channel(slack).check()
    assert "copy the bot token again" in problem


def test_without_a_token_nothing_is_tried(slack: ScriptedSlack):
    (problem,) = channel(slack, bot_token=None).check()
    assert "no bot token" in problem
    with pytest.raises(Refused, match="sandbox"):
        channel(slack, bot_token=" ").send(TEXT, "k", ROOM)
    assert slack.calls == []


def test_secrets_are_not_shown(slack: ScriptedSlack):
    settings = Settings(bot_token="xoxb-secret", app_token="xapp-secret", signing_secret="sign-secret")
    assert "secret" not in repr(settings).replace("signing_secret", "")

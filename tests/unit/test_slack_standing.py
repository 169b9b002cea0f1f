"""What stands in Slack: read back as Slack writes it, with answers that a well-behaved counterpart never gives."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.effects import CHANGED, GONE, SAME, Hold, Look, Receipt, Withdraw
from engine.ports import Lost, Refused
from integrations.slack import Settings, connect
from integrations.slack.blocks import message, plain, same
from tests.unit.slack_server import Answer, ScriptedSlack, scripted_slack

TS = "1795335859.000321"
POST = Receipt(id=TS, place="C0DUTY001", url="https://ops.slack.com/x", facts={"kept": 1})
TEXT = "Delays & <ash> 🌋🇳🇱 at 14:30, see https://status.airline.example."
WITHDRAW = Withdraw(statement="s", language="en", reason="wrong airport")


@pytest.fixture
def slack() -> Iterator[ScriptedSlack]:
    with scripted_slack() as running:
        yield running


def looked(slack: ScriptedSlack) -> dict[str, Any]:
    return channel(slack).send(Look(text=TEXT), "k/look", POST).facts


def channel(slack: ScriptedSlack) -> Any:
    return connect(Settings.model_validate({"bot_token": "xoxb-1", "api_url": slack.api_url, "pace": False}))


def found(**more: Any) -> dict[str, Any]:
    return {"ok": True, "messages": [{"type": "message", "ts": TS, **more}]}


def test_only_the_one_message_is_asked_for(slack: ScriptedSlack) -> None:
    slack.says("conversations.history", found(blocks=message(TEXT)))
    assert looked(slack) == {"kept": 1, "seen": SAME, "text": TEXT}
    (asked,) = slack.sent("conversations.history")
    assert (asked["channel"], asked["latest"], asked["oldest"], asked["limit"]) == ("C0DUTY001", TS, TS, "1")
    assert asked["inclusive"] in ("1", "true", "True")


@pytest.mark.parametrize(
    "gone",
    [
        {"ok": True, "messages": []},
        {"ok": True, "messages": [{"ts": TS, "subtype": "tombstone", "text": "This message was deleted."}]},
        {"ok": True, "messages": [{"ts": "1795335800.000001", "text": TEXT}]},
        {"ok": True},
    ],
)
@pytest.mark.parametrize("replies", [{"ok": False, "error": "thread_not_found"}, {"ok": True, "messages": []}])
def test_what_was_deleted_is_gone(slack: ScriptedSlack, gone: dict[str, Any], replies: dict[str, Any]) -> None:
    slack.says("conversations.history", gone)
    slack.says("conversations.replies", replies)
    assert looked(slack) == {"kept": 1, "seen": GONE, "text": ""}


def test_a_look_that_gets_no_answer_says_nothing_of_the_post(slack: ScriptedSlack) -> None:
    slack.says("conversations.history", Answer("<html>Bad gateway</html>", status=502))
    with pytest.raises(Refused) as refused:
        looked(slack)
    assert not refused.value.permanent


def test_an_edit_by_another_app_of_ours_is_seen(slack: ScriptedSlack) -> None:
    slack.says("conversations.history", found(text="All is well."))
    assert looked(slack) == {"kept": 1, "seen": CHANGED, "text": "All is well."}


def test_a_withdrawal_whose_answer_is_no_answer_is_lost_and_then_done(slack: ScriptedSlack) -> None:
    slack.says("chat.delete", Answer(drop=True), {"ok": False, "error": "message_not_found"})
    with pytest.raises(Lost):
        channel(slack).send(WITHDRAW, "k", POST)
    assert channel(slack).send(WITHDRAW, "k", POST).facts == {"kept": 1, "withdrawn": True}


def test_a_withdrawal_that_is_not_allowed_is_refused(slack: ScriptedSlack) -> None:
    slack.says("chat.delete", {"ok": False, "error": "compliance_exports_prevent_deletion"})
    with pytest.raises(Refused, match="compliance_exports") as refused:
        channel(slack).send(WITHDRAW, "k", POST)
    assert refused.value.permanent


def test_marketing_is_not_held_here(slack: ScriptedSlack) -> None:
    with pytest.raises(Refused) as refused:
        channel(slack).send(Hold(incident="INC-1", held=True, reason="r"), "k")
    assert refused.value.permanent
    assert slack.calls == []


@pytest.mark.parametrize(
    ("seen", "ours", "alike"),
    [
        ("Ash :volcano::flag-nl: at 14:30", "Ash 🌋🇳🇱 at 14:30", True),
        ("Thanks :+1::skin-tone-2: to all", "Thanks 👍🏼 to all", True),
        ("At 14:20", "At 14:30", False),
        ("At 14.30", "At 14:30", False),
        ("1,000 people", "10,00 people", False),
        ("No compensation", "Compensation", False),
        ("line one\nline two", "line one line two", True),
        ("See https://a.example/b", "See https://a.example/c", False),
        ("", "We are aware.", False),
        ("Wij weten het – écht", "Wij weten het - echt", False),
        ("نحن على علم", "نحن على علم", True),
    ],
)
def test_what_counts_is_what_is_read(seen: str, ours: str, alike: bool) -> None:
    assert same(seen, ours) is alike


def test_a_text_is_read_back_as_it_was() -> None:
    text = "A & B <c> see https://x.example/?a=1&b=2, <https://y.example|ours>, <@U0001>, mailto & 🌋"
    assert plain({"blocks": message(text, (), "mark")}) == text
    assert plain({"text": "only &lt;text&gt;"}) == "only <text>"
    assert plain({}) == ""

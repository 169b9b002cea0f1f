"""The Slack channel against emulate, a Slack counterpart that we did not write."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from engine.effects import (
    CHANGED,
    GONE,
    SAME,
    Amend,
    Button,
    Direct,
    Invite,
    Look,
    Post,
    Receipt,
    Revise,
    Room,
    Text,
    Topic,
    Withdraw,
)
from engine.ports import CannotTell, Channel, Lost, Refused
from integrations.slack import Settings, connect
from tests.peers.conftest import BLIND, PEOPLE, Slack

pytestmark = pytest.mark.peers


def channel(slack: Slack, api_url: str = "", token: str = "", pace: bool = False) -> Channel:
    return connect(Settings(bot_token=token or slack.token, api_url=api_url or slack.api_url, pace=pace))


def new_room() -> tuple[Room, str]:
    """A room whose name no other test has, and its key."""
    unique = uuid4().hex[:10]
    room = Room(name=f"inc-{unique}", topic="INC-7 · SEV1 · responding", purpose="Ash cloud over EHAA & EGTT")
    return room, f"INC-7-{unique}/room"


@pytest.fixture
def opened(slack: Slack) -> Receipt:
    room, key = new_room()
    return channel(slack).send(room, key)


def test_a_room_has_its_topic_and_can_be_found_again(slack: Slack):
    room, key = new_room()
    receipt = channel(slack).send(room, key)
    there = slack.channel(room.name)
    assert receipt.id == receipt.place == there["id"]
    assert there["topic"]["value"] == room.topic
    assert there["purpose"]["value"].startswith(room.purpose)
    assert receipt.url == f"https://ops.slack.com/archives/{there['id']}"
    assert channel(slack).find(room, key) == receipt
    assert channel(slack).find(room, "INC-8-other/room") is None


def test_a_room_that_was_opened_is_not_opened_twice(slack: Slack):
    room, key = new_room()
    assert channel(slack).send(room, key) == channel(slack).send(room, key)
    with pytest.raises(StopIteration):
        slack.channel(f"{room.name}-2")


def test_a_room_left_half_made_is_finished(slack: Slack):
    room, key = new_room()
    half = slack.client().conversations_create(name=room.name)["channel"]["id"]
    assert channel(slack).find(room, key) is None
    assert channel(slack).send(room, key).id == half
    assert slack.channel(room.name)["topic"]["value"] == room.topic


def test_a_name_that_others_hold_gets_a_number(slack: Slack):
    room, key = new_room()
    theirs = slack.client().conversations_create(name=room.name)["channel"]["id"]
    slack.client().conversations_setPurpose(channel=theirs, purpose="Holiday planning")
    receipt = channel(slack).send(room, key)
    assert receipt.facts["name"] == f"{room.name}-2"
    assert slack.channel(room.name)["purpose"]["value"] == "Holiday planning"


def test_people_are_brought_in_and_strangers_are_named(slack: Slack, opened: Receipt):
    first, second = slack.people[PEOPLE[0]], slack.people[PEOPLE[1]]
    assert channel(slack).send(Invite(members=(first,)), "k/1", opened).facts == {}
    receipt = channel(slack).send(Invite(members=(first, "U0STRANGER", second)), "k/2", opened)
    assert receipt.facts["not_invited"] == {"U0STRANGER": "user_not_found"}
    members = slack.client().conversations_members(channel=opened.id)["members"]
    assert {first, second} <= set(members)


def test_thirty_people_are_brought_in_at_once(slack: Slack, opened: Receipt):
    everybody = tuple(slack.people[name] for name in PEOPLE[:30])
    assert channel(slack).send(Invite(members=everybody), "k/1", opened).facts == {}
    assert set(everybody) <= set(slack.client().conversations_members(channel=opened.id, limit=999)["members"])


def test_the_topic_changes(slack: Slack, opened: Receipt):
    channel(slack).send(Topic(topic="INC-7 · SEV1 · monitoring"), "k/topic", opened)
    assert slack.client().conversations_info(channel=opened.id)["channel"]["topic"]["value"].endswith("monitoring")


def test_a_text_with_buttons_arrives_once_and_is_found(slack: Slack, opened: Receipt):
    button = Button(label="Approve", action="approve", value="S-1", style="primary")
    text = Text(text="Holding statement <!channel> for R&D", buttons=(button,))
    receipt = channel(slack).send(text, "k/text", opened)
    (message,) = slack.messages(opened.id)
    section, actions = message["blocks"]
    assert message["ts"] == receipt.id
    assert section["text"]["text"] == "Holding statement &lt;!channel&gt; for R&amp;D"
    assert actions["elements"][0] | {} == {
        "type": "button",
        "text": {"type": "plain_text", "text": "Approve", "emoji": True},
        "action_id": "approve:0",
        "value": "S-1",
        "style": "primary",
    }
    assert channel(slack).find(text, "k/text", opened) == receipt
    assert channel(slack).find(text, "k/other", opened) is None


def test_a_message_is_found_by_its_block_when_metadata_is_gone(slack: Slack, opened: Receipt):
    text = Text(text="On the way")
    receipt = channel(slack).send(text, "k/text", opened)
    slack.client().chat_update(
        channel=opened.id,
        ts=receipt.id,
        text="x",
        blocks=slack.messages(opened.id)[0]["blocks"],
        metadata={"event_type": "gone", "event_payload": {}},
    )
    assert channel(slack).find(text, "k/text", opened) == receipt


def test_a_message_is_found_far_back(slack: Slack, opened: Receipt):
    text = Text(text="The one")
    receipt = channel(slack).send(text, "k/the-one", opened)
    client = slack.client()
    for number in range(210):
        client.chat_postMessage(channel=opened.id, text=f"talk {number}")
    assert channel(slack).find(text, "k/the-one", opened) == receipt


def test_a_long_text_is_sent_whole(slack: Slack, opened: Receipt):
    lines = [f"{number:04} KL{number} to <https://example.org/{number}|the desk> & back" for number in range(200)]
    channel(slack).send(Text(text="\n".join(lines)), "k/long", opened)
    parts = [block["text"]["text"] for block in slack.messages(opened.id)[0]["blocks"]]
    assert all(len(part) <= 3000 for part in parts)
    assert "\n".join(parts).replace("&amp;", "&").splitlines() == lines


def test_a_message_without_room_goes_to_the_default_room(slack: Slack):
    receipt = channel(slack).send(Text(text="Proposal"), f"k/{uuid4().hex}")
    assert receipt.place == slack.channel("irrops-duty")["id"]


def test_the_app_joins_a_public_room_that_it_is_not_in(slack: Slack):
    name = f"gate-{uuid4().hex[:8]}"
    place = slack.client().conversations_create(name=name)["channel"]["id"]
    slack.client().conversations_invite(channel=place, users=slack.people[PEOPLE[3]])
    slack.client().conversations_leave(channel=place)
    text = Text(text="Anybody there?", room=f"#{name}")
    receipt = channel(slack).send(text, "k/gate")
    assert [each["ts"] for each in slack.messages(place)] == [receipt.id]


def test_forty_people_are_written_to_without_waiting(slack: Slack):
    paced = channel(slack, pace=True)
    for name in PEOPLE[:40]:
        paced.send(Direct(person=name, address=slack.people[name], text="Can you come?"), f"k/{name}")


def test_a_direct_message_is_revised_in_place(slack: Slack):
    buttons = (
        Button(label="I can come", action="answer", value="i|yes"),
        Button(label="Not", action="answer", value="i|no"),
    )
    key = f"k/{uuid4().hex}"
    direct = Direct(person="p", address=slack.people[PEOPLE[41]], text="Can you come?", buttons=buttons)
    receipt = channel(slack).send(direct, key)
    assert channel(slack).find(direct, key) == receipt
    revised = channel(slack).send(Revise(text="Thank you, enough have come."), "k/revise", receipt)
    (message,) = [each for each in slack.messages(receipt.place) if each["ts"] == receipt.id]
    assert revised.id == receipt.id
    assert [block["type"] for block in message["blocks"]] == ["section"]
    assert message["text"] == "Thank you, enough have come."
    assert channel(slack).find(direct, key) == receipt


def test_a_person_whom_slack_does_not_know_is_refused_for_good(slack: Slack):
    with pytest.raises(Refused, match="people file") as refused:
        channel(slack).send(Direct(person="p", address="U0STRANGER", text="Hello"), "k/1")
    assert refused.value.permanent


def test_an_archived_room_is_refused_for_good(slack: Slack, opened: Receipt):
    slack.client().conversations_archive(channel=opened.id)
    with pytest.raises(Refused, match="unarchive") as refused:
        channel(slack).send(Text(text="Hello"), "k/1", opened)
    assert refused.value.permanent


def test_a_lost_answer_is_found_and_not_sent_again(slack: Slack, opened: Receipt, faulty: Callable[..., str]):
    lossy = channel(slack, faulty(slack.api_url, match="chat.postMessage", lose=1))
    text = Text(text="Exactly once")
    with pytest.raises(Lost):
        lossy.send(text, "k/once", opened)
    found = lossy.find(text, "k/once", opened)
    (message,) = slack.messages(opened.id)
    assert found is not None
    assert found.id == message["ts"]


def test_an_answer_spoilt_on_the_way_is_lost(slack: Slack, opened: Receipt, faulty: Callable[..., str]):
    spoilt = faulty(slack.api_url, match="chat.postMessage", spoil=1, status=502, body="<html>Bad gateway</html>")
    text = Text(text="Exactly once")
    with pytest.raises(Lost):
        channel(slack, spoilt).send(text, "k/once", opened)
    assert channel(slack).find(text, "k/once", opened) is not None
    assert len(slack.messages(opened.id)) == 1


@pytest.mark.parametrize("lost", ["conversations.create", "conversations.setTopic", "conversations.setPurpose"])
def test_a_room_whose_answers_get_lost_is_one_room(slack: Slack, faulty: Callable[..., str], lost: str):
    room, key = new_room()
    lossy = channel(slack, faulty(slack.api_url, match=lost, lose=1))
    with pytest.raises(Lost):
        lossy.send(room, key)
    receipt = lossy.find(room, key) or lossy.send(room, key)
    assert slack.channel(room.name)["id"] == receipt.id
    assert slack.channel(room.name)["topic"]["value"] == room.topic
    with pytest.raises(StopIteration):
        slack.channel(f"{room.name}-2")


def test_a_429_is_a_refusal_that_names_the_wait(slack: Slack, opened: Receipt, faulty: Callable[..., str]):
    busy = channel(slack, faulty(slack.api_url, match="chat.postMessage", refuse=1, retry_after=7))
    with pytest.raises(Refused) as refused:
        busy.send(Text(text="Later"), "k/later", opened)
    assert (refused.value.permanent, refused.value.retry_after) == (False, 7.0)
    with pytest.raises(Refused) as held:
        busy.send(Text(text="Later"), "k/later", opened)
    assert 5 < (held.value.retry_after or 0) <= 7
    assert slack.messages(opened.id) == []
    room, key = new_room()
    elsewhere = busy.send(room, key)
    assert busy.send(Text(text="Others go on"), "k/others", elsewhere).place == elsewhere.id


POST = Post(
    incident="INC-7",
    title="Ash cloud",
    message="holding",
    language="en",
    text="We are aware of <ash> & delays 🌋 at 14:30, see https://status.airline.example.",
    severity="SEV1",
    status="responding",
    statement="s",
    drafted_at="2026-11-22T04:10:00Z",
)
WITHDRAW = Withdraw(statement="s", language="en", reason="wrong airport")


def seen(slack: Slack, text: str, post: Receipt) -> object:
    receipt = channel(slack).send(Look(text=text), "k/look", post)
    assert (receipt.id, receipt.place, receipt.url) == (post.id, post.place, post.url)
    assert channel(slack).find(Look(text=text), "k/look", post) is None
    return receipt.facts["seen"]


def test_a_post_for_slack_goes_into_the_room_and_is_seen_there(slack: Slack, opened: Receipt):
    post = channel(slack).send(POST, "k/post", opened)
    assert slack.messages(opened.id)[0]["ts"] == post.id
    slack.client().chat_postMessage(channel=opened.id, text="Others talk on.")
    looked = channel(slack).send(Look(text=POST.text), "k/look", post)
    assert looked.facts == {"seen": SAME, "text": POST.text}
    assert seen(slack, POST.text.replace("14:30", "14:20"), post) == CHANGED
    assert len(slack.messages(opened.id)) == 2


def test_a_long_post_is_seen_as_it_was_sent(slack: Slack, opened: Receipt):
    lines = [f"{number:04} KL{number} to <https://example.org/{number}|the desk> & back" for number in range(200)]
    long = POST.model_copy(update={"text": "\n".join(lines)})
    post = channel(slack).send(long, "k/long", opened)
    assert seen(slack, long.text, post) == SAME
    assert seen(slack, long.text.replace("KL199", "KL198"), post) == CHANGED


def test_a_post_is_amended_in_its_place_and_again_without_harm(slack: Slack, opened: Receipt):
    post = channel(slack).send(POST, "k/post", opened)
    amend = Amend(post=POST.model_copy(update={"text": "Correction: <!channel> not Rotterdam."}))
    assert channel(slack).find(amend, "k/amend", post) is None
    assert channel(slack).send(amend, "k/amend", post) == post
    assert channel(slack).send(amend, "k/amend", post) == post
    (message,) = slack.messages(opened.id)
    assert message["ts"] == post.id
    assert "&lt;!channel&gt; not Rotterdam" in message["blocks"][0]["text"]["text"]
    assert seen(slack, POST.text, post) == CHANGED
    assert seen(slack, amend.post.text, post) == SAME
    assert channel(slack).find(POST, "k/post", opened) == post


def test_a_post_is_withdrawn_once_and_for_all(slack: Slack, opened: Receipt):
    post, other = channel(slack).send(POST, "k/post", opened), channel(slack).send(POST, "k/other", opened)
    for _ in range(2):
        withdrawn = channel(slack).send(WITHDRAW, "k/withdraw", post)
        assert withdrawn == post.model_copy(update={"facts": {"withdrawn": True}})
    assert [message["ts"] for message in slack.messages(opened.id)] == [other.id]
    looked = channel(slack).send(Look(text=POST.text), "k/look", post)
    assert looked.facts == {"seen": GONE, "text": ""}
    assert seen(slack, POST.text, other) == SAME
    with pytest.raises(Refused, match="deleted it") as refused:
        channel(slack).send(Amend(post=POST), "k/amend", post)
    assert refused.value.permanent


@pytest.mark.parametrize("kind", ["amend", "withdraw"])
def test_what_lost_its_answer_is_done_again_and_is_done_once(
    slack: Slack, opened: Receipt, faulty: Callable[..., str], kind: str
):
    post = channel(slack).send(POST, "k/post", opened)
    method = {"amend": "chat.update", "withdraw": "chat.delete"}[kind]
    message = {"amend": Amend(post=POST.model_copy(update={"text": "Corrected."})), "withdraw": WITHDRAW}[kind]
    with pytest.raises(Lost):
        channel(slack, faulty(slack.api_url, match=method, lose=1)).send(message, "k/again", post)
    assert channel(slack).find(message, "k/again", post) is None
    assert channel(slack).send(message, "k/again", post).id == post.id
    assert len(slack.messages(opened.id)) == (kind == "amend")
    assert seen(slack, "Corrected.", post) == (SAME if kind == "amend" else GONE)


def test_a_look_into_a_room_that_is_not_there_is_refused_for_good(slack: Slack):
    with pytest.raises(Refused, match="channel_not_found") as refused:
        channel(slack).send(Look(text="x"), "k/look", Receipt(id="1700000000.000001", place="C0NOWHERE1"))
    assert refused.value.permanent


def test_without_the_right_to_read_a_look_is_refused_and_names_the_scope(slack: Slack, opened: Receipt):
    post = channel(slack).send(POST, "k/post", opened)
    with pytest.raises(Refused, match="channels:history") as refused:
        channel(slack, token=BLIND).send(Look(text=POST.text), "k/look", post)
    assert refused.value.permanent


def test_without_the_right_to_read_it_cannot_tell(slack: Slack, opened: Receipt):
    text = Text(text="Hello")
    blind = channel(slack, token=BLIND)
    blind.send(text, "k/blind", opened)
    with pytest.raises(CannotTell, match="channels:history"):
        blind.find(text, "k/blind", opened)


def test_check_names_the_missing_way_back(slack: Slack):
    (problem,) = channel(slack).check()
    assert "app_token" in problem
    settings = Settings(bot_token=slack.token, api_url=slack.api_url, signing_secret="s", default_room="#nowhere")
    (problem,) = connect(settings).check()
    assert "#nowhere" in problem

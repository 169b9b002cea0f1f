"""Slack's own faults against emulate: people out of reach, names that are held, and a 429 that lasts for minutes."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from engine.effects import Button, Direct, Room, Text
from engine.ports import ASKS_TO_WAIT, Channel, Refused, Reply
from integrations.slack import Settings, connect
from integrations.slack.blocks import REPLY
from integrations.slack.inbound import build_app
from tests.peers.conftest import PEOPLE, SIGNING_SECRET, Slack
from tests.peers.test_slack_form import send, wait_for_change
from tests.unit.test_slack_signed import Desk, home_event

pytestmark = pytest.mark.peers


def channel(slack: Slack, api_url: str = "") -> Channel:
    return connect(Settings(bot_token=slack.token, api_url=api_url or slack.api_url, pace=False))


def room(name: str) -> Room:
    return Room(name=name, topic="INC-7 · SEV1", purpose="Ash cloud")


def test_a_person_who_is_gone_is_refused_for_good_and_the_next_is_written_to(slack: Slack):
    ours = channel(slack)
    with pytest.raises(Refused) as refused:
        ours.send(Direct(person="p", address="U0GONE", text="Can you come?"), f"k/{uuid4().hex}")
    assert refused.value.permanent
    there = Direct(person="q", address=slack.people[PEOPLE[5]], text="Can you come?")
    assert ours.send(there, f"k/{uuid4().hex}").place.startswith("D")


def test_a_name_that_an_archived_room_holds_gets_a_number(slack: Slack):
    name = f"inc-{uuid4().hex[:10]}"
    old = slack.client().conversations_create(name=name)["channel"]["id"]
    slack.client().conversations_archive(channel=old)
    receipt = channel(slack).send(room(name), f"k/{uuid4().hex}")
    assert receipt.id != old
    assert receipt.facts["name"] == f"{name}-2"
    assert channel(slack).send(Text(text="It works"), f"k/{uuid4().hex}", receipt).place == receipt.id


def test_a_429_that_lasts_for_minutes_in_one_method_holds_back_that_method_alone(
    slack: Slack, faulty: Callable[..., str]
):
    busy = channel(slack, faulty(slack.api_url, match="conversations.open", refuse=1, retry_after=180))
    opened = busy.send(room(f"inc-{uuid4().hex[:10]}"), f"k/{uuid4().hex}")
    for name in PEOPLE[6:9]:  # the proxy refuses once: the others are not even asked
        with pytest.raises(Refused, match=f"{ASKS_TO_WAIT}.* until .* UTC") as refused:
            busy.send(Direct(person="p", address=slack.people[name], text="Can you come?"), f"k/{name}")
        assert not refused.value.permanent
        assert 170 < (refused.value.retry_after or 0) <= 180
    other = busy.send(room(f"inc-{uuid4().hex[:10]}"), f"k/{uuid4().hex}")
    for each in (opened, other):
        assert busy.send(Text(text="Others go on"), f"k/{uuid4().hex}", each).place == each.id


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def app(slack: Slack, desk: Desk) -> Any:
    return build_app(Settings(bot_token=slack.token, signing_secret=SIGNING_SECRET, api_url=slack.api_url), desk)


def test_what_somebody_writes_is_answered_in_the_conversation_with_the_buttons_once(app: Any, slack: Slack, desk: Desk):
    desk.reply = Reply(text="Sorry?", buttons=(Button(label="I can come", action="answer", value="i|yes"),))
    person = slack.people[PEOPLE[10]]
    place = slack.client().conversations_open(users=person)["channel"]["id"]
    event = {"type": "message", "channel": place, "channel_type": "im", "user": person, "text": "perhaps", "ts": "17.1"}
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event})
    before = {message["ts"] for message in slack.messages(place)}
    for _ in range(2):
        send(app, body, "application/json")

    def fresh() -> list[dict[str, Any]]:
        return [message for message in slack.messages(place) if message["ts"] not in before]

    until = time.monotonic() + 5
    while not fresh() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    (answer,) = fresh()
    assert answer["text"] == "Sorry?"
    assert (answer["blocks"][1]["block_id"], answer["blocks"][1]["elements"][0]["value"]) == (REPLY, "i|yes")


def test_the_choices_after_a_press_are_published_in_the_home_tab(app: Any, slack: Slack, desk: Desk):
    name = PEOPLE[33]
    person = slack.people[name]
    send(app, home_event().replace('"U1"', f'"{person}"'), "application/json")
    first = wait_for_change(slack, name, {})
    desk.reply = Reply(text="From when?", buttons=(Button(label="07:00", action="answer", value="i|later|x"),))
    action = {"type": "button", "action_id": "answer:1", "block_id": "b", "value": "i|later", "action_ts": "1.0"}
    body = {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": person}, "actions": [action]}
    view = {"id": next(iter(first)), "type": "home"}
    send(app, urlencode({"payload": json.dumps({**body, "view": view})}))
    assert list(wait_for_change(slack, name, first)) == list(first)
    assert desk.pressed == [("answer", "i|later", person)]

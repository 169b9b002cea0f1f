"""Lost answers and kill -9 against Slack's counterpart: what people see in its history is there exactly once."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.effects import EffectState
from integrations.slack.blocks import carries, purpose_mark
from tests.peers.conftest import Slack
from tests.scenarios.aftermath import After
from tests.scenarios.faults import Lives, lives
from tests.scenarios.killer import lines

pytestmark = pytest.mark.peers

MINUTES = 13
"""The first word goes out after twelve."""
ROOM = "inc-1-bad-day"


@pytest.fixture(scope="module")
def server() -> Iterator[Lives]:
    with lives() as started:
        yield started


@pytest.fixture
def lived(server: Lives, slack: Slack) -> Iterator[Callable[..., tuple[After, set[str]]]]:
    """Live through the first minutes against Slack, dying at a point; gives what is seen after, and where it died."""
    chats = tuple(slack.people[name] for name in sorted(slack.people) if name.startswith("person"))

    def live(api_url: str, point: str = "") -> tuple[After, set[str]]:
        told = {"bot_token": slack.token, "api_url": api_url, "pace": False, "timeout_s": 5}
        with server.home(chats=chats) as home:
            server.live_on(home, point=point, slack=told, uid=uuid.uuid4().hex[:12], minutes=MINUTES)
            return After(home), {line["name"] for line in lines(home / f"killed-{point}.jsonl")}

    yield live
    for each in slack.client().conversations_list(limit=999)["channels"]:
        if each["name"].startswith(ROOM):  # free the name for the next test
            slack.client().conversations_rename(channel=each["id"], name=f"was-{uuid.uuid4().hex[:12]}")


def everything_once(after: After, slack: Slack) -> None:
    """Each Slack effect is sent, on the timeline once, and in the workspace once with its words."""
    effects = [effect for effect in after.effects if effect.channel == "slack" and effect.state is EffectState.SENT]
    assert {effect.state for effect in after.effects} <= {EffectState.SENT, EffectState.CANCELLED}
    assert {"room", "invite", "text", "direct", "post", "revise"} <= {effect.message.kind for effect in effects}
    (room,) = [effect for effect in effects if effect.message.kind == "room"]
    listed = slack.client().conversations_list(limit=999)["channels"]
    (there,) = [each for each in listed if purpose_mark(room.key) in each["purpose"]["value"]]
    assert not [each for each in listed if each["name"].startswith(ROOM) and not each["purpose"]["value"]]
    for effect in effects:
        if effect.message.kind in ("text", "direct", "post"):
            found = [message for message in history(slack, effect, there["id"]) if carries(message, effect.key)]
            assert len(found) == 1, effect.key
    said = [entry.facts["effect"] for entry in after.timeline if entry.kind == "EffectSent"]
    assert len(said) == len(set(said)) == len(after.sent)
    assert after.log == ""


def history(slack: Slack, effect: Any, room: str) -> list[dict[str, Any]]:
    if effect.message.kind != "direct":
        return slack.messages(room)
    opened = slack.client().conversations_open(users=effect.message.address)
    return slack.messages(opened["channel"]["id"])


@pytest.mark.parametrize("point", ["after_call", "before_send", "after_send", "before_record", "after_claim"])
def test_killed_at_each_effect(lived: Callable[..., Any], slack: Slack, point: str) -> None:
    after, met = lived(slack.api_url, point)
    everything_once(after, slack)
    assert len(met) >= 15
    if point == "after_call":
        assert {"conversations.create", "conversations.setPurpose", "chat.postMessage"} <= {
            one.split()[0] for one in met
        }


@pytest.mark.parametrize(
    ("match", "lose"), [("chat.postMessage", 8), ("conversations.create", 1), ("conversations.setPurpose", 1), ("", 20)]
)
@pytest.mark.parametrize("point", ["", "after_send"])
def test_answers_are_lost_on_the_way(
    lived: Callable[..., Any], slack: Slack, faulty: Callable[..., str], match: str, lose: int, point: str
) -> None:
    after, met = lived(faulty(slack.api_url, match=match, lose=lose), point)
    everything_once(after, slack)
    assert bool(met) == bool(point)
    lost = [effect for effect in after.effects if effect.channel == "slack" and effect.attempts > 1]
    assert len(lost) >= min(lose, 5)

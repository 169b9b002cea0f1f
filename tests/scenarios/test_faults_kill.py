"""kill -9 at every effect and decision of the first hour: after the restarts all happened once and is on record."""

from collections import Counter
from collections.abc import Iterator

import pytest

from engine.effects import EffectState
from tests.scenarios.aftermath import After, whole
from tests.scenarios.faults import Lives, lives
from tests.scenarios.killer import DECISIONS, POINTS, lines


@pytest.fixture(scope="module")
def server() -> Iterator[Lives]:
    with lives() as started:
        yield started


@pytest.fixture(scope="module")
def undisturbed(server: Lives) -> After:
    with server.home() as home:
        assert server.live(home) == [0]
        return After(home)


def test_the_hour_is_one_worth_killing(undisturbed: After) -> None:
    whole(undisturbed)
    kinds = Counter(effect.message.kind for effect in undisturbed.sent.values())
    assert {"room", "invite", "text", "post", "direct", "revise"} <= set(kinds)
    assert kinds["direct"] >= 6
    for kind in ("StatementPublished", "ApprovalUnanswered", "QueueOpened", "CallOutStarted", "StaffingRaised"):
        assert any(entry.kind == kind for entry in undisturbed.timeline), kind


@pytest.mark.parametrize("point", [*POINTS, *DECISIONS])
def test_killed_there_at_each_of_them(server: Lives, undisturbed: After, point: str) -> None:
    with server.home() as home:
        kills = server.live_on(home, point=point)
        after, met = After(home), {line["name"] for line in lines(home / f"killed-{point}.jsonl")}
    whole(after)
    assert after.happened() == undisturbed.happened()
    assert after.told() == undisturbed.told()
    assert after.last_of_the_situation() == undisturbed.last_of_the_situation()
    if point in POINTS:
        assert met >= set(after.sent)
        assert kills >= 10
    else:
        assert "declare" in met
        assert kills >= 20


def test_a_statement_that_nobody_can_look_for_waits_for_a_person(server: Lives) -> None:
    with server.home() as home:
        assert server.live_on(home, point="after_send", only="#1/bluesky/", blind=("bluesky",), minutes=13) == 1
        after = After(home)
    times = Counter(line["key"] for line in after.outside)
    posts = {effect.key: effect.state for effect in after.effects if effect.channel == "bluesky"}
    assert set(posts.values()) == {EffectState.UNKNOWN}
    assert sum(times[key] for key in posts) == 1
    said = Counter(entry.facts["effect"] for entry in after.timeline if entry.kind == "EffectUnknown")
    assert said == dict.fromkeys(posts, 1)
    alarms = [entry.text for entry in after.timeline if entry.kind == "DeliveryTrouble"]
    assert len(alarms) == 1
    assert "irrops effect decide" in alarms[0]


def test_a_call_that_nobody_can_look_for_goes_out_again(server: Lives) -> None:
    with server.home() as home:
        kills = server.live_on(home, point="after_send", only="/ask", blind=("slack",), minutes=1)
        after = After(home)
    times = Counter(line["key"] for line in after.outside)
    calls = [effect for effect in after.effects if effect.key.endswith("/ask")]
    assert kills == len(calls) >= 4
    assert {effect.state for effect in calls} == {EffectState.SENT}
    assert all(times[effect.key] >= 2 for effect in calls)

"""kill -9 at every effect and decision of the first hour: after the restart all of it happened once, and is on record."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.effects import Effect, EffectState
from engine.timeline import Entry
from state.store import Store
from tests.scenarios.faults import CHANNELS, Lives, lives, quick_folder, store
from tests.scenarios.killer import DECISIONS, POINTS, lines


@pytest.fixture(scope="module")
def server() -> Iterator[Lives]:
    with lives() as started:
        yield started


@pytest.fixture(scope="module")
def fresh(server: Lives) -> Iterator[Callable[[], Any]]:
    """Make homes with people, a playbook and no incident."""
    with quick_folder() as folder:
        first = folder / "first"
        first.mkdir()
        assert server.live(first, act="prepare") == [0]

        @contextmanager
        def home() -> Iterator[Path]:
            with quick_folder() as place:
                yield Path(shutil.copytree(first, place / "home"))

        yield home


class After:
    """What can be seen after the hour."""

    def __init__(self, home: Path):
        opened: Store = store(home)
        self.effects = opened.all(Effect)
        self.timeline = opened.all(Entry)
        opened.engine.dispose()
        self.outside = lines(home / "outside.jsonl")
        log = home / "log"
        self.log = log.read_text() if log.exists() else ""

    @property
    def sent(self) -> dict[str, Effect]:
        return {effect.key: effect for effect in self.effects if effect.state is EffectState.SENT}

    def happened(self) -> dict[str, tuple[Any, datetime | None]]:
        """Key → what was sent and when. How often the situation was revised depends on who looked when."""
        changing = ("revise", "topic")
        return {key: (one.message, one.sent_at) for key, one in self.sent.items() if one.message.kind not in changing}

    def told(self) -> Counter[Any]:
        """What the timeline says beside deliveries. Not the words: who was killed often has tried often."""
        return Counter((entry.at, entry.kind, entry.step) for entry in self.timeline if entry.kind != "EffectSent")

    def last_of_the_situation(self) -> Any:
        shown = [line for line in self.outside if line["key"].split("/")[1] == "situation"]
        return shown[-1]["message"]["text"]


@pytest.fixture(scope="module")
def undisturbed(server: Lives, fresh: Callable[[], Any]) -> After:
    with fresh() as home:
        assert server.live(home) == [0]
        return After(home)


def whole(after: After) -> None:
    """Every effect is settled, happened once with the content on record, and is on the timeline once."""
    assert after.log == ""
    assert {effect.state for effect in after.effects} <= {EffectState.SENT, EffectState.CANCELLED}
    assert Counter(line["key"] for line in after.outside) == dict.fromkeys(after.sent, 1)
    for line in after.outside:
        assert line["message"] == after.sent[line["key"]].message.model_dump(mode="json")
    said = Counter(entry.facts["effect"] for entry in after.timeline if entry.kind == "EffectSent")
    assert said == dict.fromkeys(after.sent, 1)


def test_the_hour_is_one_worth_killing(undisturbed: After) -> None:
    whole(undisturbed)
    kinds = Counter(effect.message.kind for effect in undisturbed.sent.values())
    assert {"room", "invite", "text", "post", "direct", "revise"} <= set(kinds)
    assert kinds["direct"] >= 6
    for kind in ("StatementPublished", "ApprovalUnanswered", "QueueOpened", "CallOutStarted", "StaffingRaised"):
        assert any(entry.kind == kind for entry in undisturbed.timeline), kind


@pytest.mark.parametrize("point", [*POINTS, *DECISIONS])
def test_killed_there_at_each_of_them(
    server: Lives, fresh: Callable[[], Any], undisturbed: After, point: str
) -> None:
    with fresh() as home:
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


def test_killed_where_nobody_can_look_a_statement_waits_and_a_call_goes_again(
    server: Lives, fresh: Callable[[], Any]
) -> None:
    with fresh() as home:
        server.live_on(home, point="after_send", blind=CHANNELS, minutes=15)
        after = After(home)
    assert after.log == ""
    times = Counter(line["key"] for line in after.outside)
    for effect in after.effects:
        if effect.message.kind == "post":
            assert effect.state is EffectState.UNKNOWN
            assert times[effect.key] <= 1
        elif effect.state is not EffectState.CANCELLED:
            assert effect.state is EffectState.SENT
            assert times[effect.key] >= 2
    assert any(effect.message.kind == "post" and times[effect.key] for effect in after.effects)
    unknown = {effect.key for effect in after.effects if effect.state is EffectState.UNKNOWN}
    said = Counter(entry.facts["effect"] for entry in after.timeline if entry.kind == "EffectUnknown")
    assert unknown
    assert said == dict.fromkeys(unknown, 1)
    alarms = [entry.text for entry in after.timeline if entry.kind == "DeliveryTrouble"]
    assert any("irrops effect decide" in text for text in alarms)

"""kill -9 while a thread goes out, is corrected, withdrawn and looked at: each happens once, the record is right."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.statements import Statement
from tests.scenarios.aftermath import After, whole
from tests.scenarios.faults import Lives, lives, store
from tests.scenarios.killer import lines

BOOK = """\
playbook: bad-day
title: A bad day
severity: SEV2
facts:
  stations: {type: stations, ask: "Which stations?"}
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page, bluesky], languages: [en]}
    approval: {by: comms_lead, within: 8m, unanswered_after: 12m, publish: preapproved}
"""
THREAD = " ".join(
    [
        "Our flights at Amsterdam are disrupted since this morning and we are working on it with everybody we have.",
        "If you travel today, look at the status of your flight before you leave for the airport.",
        "Do you need help? Send us a private message with your name, and please never post your booking in public.",
        "Our next update follows by {promised}, even if nothing has changed.",
    ]
)
RIGHT = "Boarding goes on at Amsterdam. Come to the airport at your usual time."
FIRST, CORRECTION, DRAFT = "ST-1", "ST-2", "ST-2"
ACTS = (
    (1, "edit", FIRST, THREAD),
    (2, "approve", FIRST, ""),
    (5, "correct", "", RIGHT),
    (6, "approve", CORRECTION, ""),
    (17, "withdraw", CORRECTION, "it was right before"),
)
DAY = {"book": BOOK, "acts": ACTS, "watched": True, "minutes": 32}

Stand = dict[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[Lives]:
    with lives() as started:
        yield started


def seen(home: Path) -> tuple[After, Stand, Counter[str]]:
    """What is left: without the looks, which are made again and again; the statements; what was looked at."""
    after, opened = After(home), store(home)
    after.effects = [one for one in after.effects if one.message.kind != "look"]
    statements = {
        one.ref: (one.status, one.approved_by, one.corrects, str(one.live_at), str(one.withdrawn_at), one.message)
        for one in opened.all(Statement)
    }
    opened.engine.dispose()
    return after, statements, Counter(line["key"] for line in lines(home / "looks.jsonl"))


@pytest.fixture(scope="module")
def undisturbed(server: Lives) -> tuple[After, Stand, Counter[str]]:
    with server.home(**DAY) as home:
        assert server.live(home, **DAY) == [0]
        return seen(home)


def test_the_half_hour_is_one_worth_killing(undisturbed: tuple[After, Stand, Counter[str]]) -> None:
    after, statements, looks = undisturbed
    whole(after)
    keys = {key.split("/", 1)[1]: one.message.kind for key, one in after.sent.items()}
    assert keys["first_word#1/bluesky/en/2"] == "post"
    assert keys["by_hand#1/status_page/en"] == "amend"
    assert keys["by_hand#1/bluesky/en"] == "post"
    assert {key for key, kind in keys.items() if kind == "withdraw"} == {
        "by_hand#1/bluesky/en/withdrawn",
        "by_hand#1/status_page/en/withdrawn",
    }
    assert {how for how, *_ in statements.values()} == {"corrected", "withdrawn"}
    looked = {key.split("/", 1)[1].removesuffix("/look") for key in looks}
    assert looked == {
        "by_hand#1/status_page/en",
        "by_hand#1/bluesky/en",
        *(f"first_word#1/bluesky/en{n}" for n in ("", "/2")),
    }


@pytest.mark.parametrize(
    "point",
    ["before_claim", "after_claim", "before_send", "after_send", "before_record", "after_record", "before_decision"],
)
def test_killed_there_at_each_of_them(
    server: Lives, undisturbed: tuple[After, Stand, Counter[str]], point: str
) -> None:
    calm, stood, looks = undisturbed
    with server.home(**DAY) as home:
        kills = server.live_on(home, point=point, **DAY)
        after, statements, looked = seen(home)
        met = {line["name"] for line in lines(home / f"killed-{point}.jsonl")}
    whole(after)
    assert kills >= 10
    assert statements == stood
    assert after.happened() == calm.happened()
    assert after.told() == calm.told()
    assert looked.keys() == looks.keys()
    if point != "before_decision":
        assert met >= {*after.sent, *looks}

"""kill -9 during a call-out with answers: nobody is asked twice on a lane, and nobody who accepted is lost."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.answering import comes, standing
from engine.callout import CallOut, Invitation
from tests.scenarios.aftermath import After, whole
from tests.scenarios.faults import START, Lives, lives, store

LANES = ("slack", "email", "sms")
SAID = (
    (1, 0, "yes", -1),
    (2, 1, "yes", -1),
    (3, 2, "yes", -1),  # enough: on the waiting list
    (4, 0, "no", -1),  # drops out, and is replaced
    (7, 1, "later", 120),  # frees a place, and can come during the slot
)
DAY = {"lanes": LANES, "said": SAID, "minutes": 50}


Stand = dict[str, tuple[str, tuple[str, ...], datetime | None]]
"""Person → how they stand, on which lanes they were asked, from when they can come."""


@pytest.fixture(scope="module")
def server() -> Iterator[Lives]:
    with lives() as started:
        yield started


def records(home: Path) -> tuple[list[CallOut], list[Invitation]]:
    opened = store(home)
    found = opened.all(CallOut), [one for one in opened.all(Invitation) if "/volunteers#1" in one.key]
    opened.engine.dispose()
    return found


def stands(invitations: list[Invitation]) -> Stand:
    return {one.person: (standing(one), one.lanes, one.comes_at) for one in invitations}


@pytest.fixture(scope="module")
def undisturbed(server: Lives) -> tuple[After, Stand]:
    with server.home() as home:
        assert server.live(home, **DAY) == [0]
        return After(home), stands(records(home)[1])


def test_the_quarter_is_one_worth_killing(undisturbed: tuple[After, Stand]):
    after, stand = undisturbed
    whole(after)
    assert Counter(how for how, _, _ in stand.values())["accepted"] >= 1
    assert any(at for _, _, at in stand.values()), "somebody comes later"
    assert {lane for _, lanes, _ in stand.values() for lane in lanes} == set(LANES)
    kinds = Counter(entry.kind for entry in after.timeline)
    for kind in ("ResponderAccepted", "ResponderDroppedOut", "ResponderConfirmed", "ResponderAskedAgain"):
        assert kinds[kind], kind


@pytest.mark.parametrize("point", ["before_claim", "after_send", "before_record", "before_decision", "after_decision"])
def test_killed_there_at_each_of_them(server: Lives, undisturbed: tuple[After, Stand], point: str):
    calm, stand = undisturbed
    with server.home() as home:
        kills = server.live_on(home, point=point, **DAY)
        after, (callouts, invitations) = After(home), records(home)
    whole(after)
    assert kills >= 10
    assert {one: (how, at) for one, (how, _, at) in stands(invitations).items()} == {
        one: (how, at) for one, (how, _, at) in stand.items()
    }
    if point not in ("after_send", "before_record"):
        # there each death counts as an attempt for all that was claimed, and after four the next lane is tried
        assert stands(invitations) == stand
        assert after.happened() == calm.happened()
        assert after.told() == calm.told()
    asked = Counter(line["key"] for line in after.outside if "/ask" in line["key"])
    assert set(asked.values()) == {1}, "nobody is asked twice on one lane"
    for callout in callouts:
        those = [one for one in invitations if one.callout == callout.key]
        if callout.step == "volunteers#1":
            assert callout.accepted == sum(map(comes, those)) <= callout.quota
    assert START + timedelta(minutes=50) >= max(entry.at for entry in after.timeline)

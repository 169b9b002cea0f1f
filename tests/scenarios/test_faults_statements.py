"""Statements when the outside fails, end to end: the product's own channels on platforms that keep their own count."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from desk import speaking
from desk.packing import pack
from desk.settings import load
from desk.signing_key import signing_key
from desk.verifying import verify
from engine.effects import EffectState
from engine.incident import NotAllowed
from engine.promise import promises
from engine.public import post_of
from engine.statements import Statement, StatementStatus
from engine.timeline import Entry
from tests.scenarios.conftest import Scene
from tests.scenarios.platforms import (
    LANGUAGES,
    TIMEOUT_S,
    Flaky,
    Platforms,
    a_past_tuesday,
    approve,
    lead,
    live,
    outlive,
    platforms,
    playbooks,
    standing,
)
from tests.unit.facebook_server import EXPIRED
from tests.unit.faulty_http import FAIL, FINE_PAGE, LOSE, Fault
from tests.unit.mastodon_server import NO_ANSWER, PAGE_HTML

CHANNELS = ("x", "facebook", "mastodon", "status_page")
SOCIAL = CHANNELS[:3]
LATE = Fault(late=TIMEOUT_S * 2)
ROLE = ("comms_lead",)
WRONG = {"lost": (LOSE, [(NO_ANSWER, b"")]), "500": (FAIL, [(500, b"{}")]), "html": (FINE_PAGE, [(200, PAGE_HTML)])}


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Platforms]:
    with platforms(tmp_path) as there:
        yield there


@pytest.fixture
def desk(scene: Callable[..., Scene], tmp_path: Path, outside: Platforms) -> Scene:
    """The first word is drafted for all platforms."""
    made = scene(playbooks=playbooks(tmp_path, CHANNELS), at=a_past_tuesday(), **outside.channels)
    outside.now = made.clock.now
    made.declare("speaking", stations="AMS")
    return made


def texts(scene: Scene, name: str, channel: str) -> set[str]:
    return {part for one in scene.desk.statement(name).texts if one.channel == channel for part in one.parts}


def entries(scene: Scene, kind: str) -> list[Entry]:
    return [one for one in scene.desk.timeline("INC-1") if one.kind == kind]


def sick(outside: Platforms, how: str, times: int) -> None:
    """Have the next posts stored on every platform, and answered like that."""
    if how == "late":
        outside.x.breaks(*[LATE] * times)
        outside.facebook.breaks(*[LATE] * times)
        outside.mastodon.answer_after_s = [TIMEOUT_S * 2] * times
        return
    fault, answers = WRONG[how]
    outside.x.breaks(*[fault] * times)
    outside.facebook.breaks(*[fault] * times)
    outside.mastodon.fail_next = answers * times


# ---------------------------------------------------------------- once, whatever the answers


@pytest.mark.parametrize("how", ["lost", "500", "html", "late"])
def test_each_platform_has_one_post_in_each_language_whatever_it_answers(
    desk: Scene, outside: Platforms, how: str
) -> None:
    outside.x.refuses_duplicates = False  # what keeps it at one is to be ours
    each = len(LANGUAGES)
    sick(outside, how, each)
    approve(desk, "ST-1")
    outlive(desk)
    assert outside.made() == dict.fromkeys(SOCIAL, each)
    for channel, stand in outside.stand().items():
        assert set(stand) == texts(desk, "ST-1", channel)
    assert {one.state for one in live(desk).values()} == {"live"}

    sick(outside, how, each)
    there = speaking.correct(desk.desk, "INC-1", {"en": "Boarding goes on at AMS."}, "clara", ROLE)
    desk.settle()
    outlive(desk)
    assert outside.made() == {"x": 2 * each, "facebook": each, "mastodon": each}, "edited in place but on X"
    assert set(outside.stand()["x"]) == texts(desk, "ST-1", "x") | texts(desk, there.ref, "x")
    assert all(post["answers"] for post in outside.x.posts.values() if post["raw"] in texts(desk, there.ref, "x"))
    for channel in ("facebook", "mastodon"):
        assert set(outside.stand()[channel]) == texts(desk, there.ref, channel)
    assert "Boarding goes on at AMS." in outside.page()

    for name in (there.ref, "ST-1"):
        speaking.withdraw(desk.desk, name, "clara", ROLE, "wrong airport")
        desk.settle()
        outlive(desk)
    assert outside.stand() == {"x": [], "facebook": [], "mastodon": []}
    assert outside.made() == {"x": 2 * each, "facebook": each, "mastodon": each}
    assert "Boarding goes on at AMS." not in outside.page()
    assert {one.state for one in live(desk).values()} == {"withdrawn"}
    assert not [one for one in desk.desk.effects("INC-1") if one.state in (EffectState.FAILED, EffectState.UNKNOWN)]


# ---------------------------------------------------------------- no right to write


def test_a_token_without_the_right_is_named_and_the_others_go_on(desk: Scene, outside: Platforms) -> None:
    outside.x.access = "read"
    approve(desk, "ST-1")
    outlive(desk)
    there = desk.desk.statement("ST-1")
    assert there.status is StatementStatus.LIVE
    assert there.live_at is not None
    assert there.live_at - there.drafted_at < timedelta(minutes=15)
    assert outside.made() == {"x": 0, "facebook": 2, "mastodon": 2}
    (published,) = entries(desk, "StatementPublished")
    assert "in time" in published.text
    assert published.facts["failed"] == ["x"]
    (alarm,) = entries(desk, "DeliveryTrouble")
    assert "x" in alarm.text
    assert "permission" in alarm.text or "write" in alarm.text
    manager = lead(desk, "duty_manager")
    assert any(
        one.person == manager.key and "x" in one.text and "write" in one.text for one in desk.slack.all("direct")
    )
    assert "failed" in live(desk)["x", "en"].behind

    outside.x.access = "read-write"
    for effect in [one for one in desk.desk.effects("INC-1") if one.state is EffectState.FAILED]:
        desk.desk.decide_effect(effect.key, happened=False, by="clara")
    desk.settle()
    outlive(desk)
    assert outside.made() == {"x": 2, "facebook": 2, "mastodon": 2}
    assert set(outside.stand()["x"]) == texts(desk, "ST-1", "x")
    assert {(one.state, one.behind) for one in live(desk).values()} == {("live", "")}
    with pytest.raises(NotAllowed, match="only an unknown or failed effect"):
        desk.desk.decide_effect(effect.key, happened=False, by="clara")


def test_a_token_that_has_expired_is_told_as_such(desk: Scene, outside: Platforms) -> None:
    outside.facebook.breaks(*[Fault(acts=False, reply=EXPIRED)] * 2)
    approve(desk, "ST-1")
    outlive(desk)
    assert outside.made() == {"x": 2, "facebook": 0, "mastodon": 2}
    (alarm,) = entries(desk, "DeliveryTrouble")
    assert "facebook" in alarm.text
    assert "expired" in alarm.text or "ended" in alarm.text or "token" in alarm.text
    assert desk.desk.statement("ST-1").status is StatementStatus.LIVE


# ---------------------------------------------------------------- by hand, over there


def test_what_somebody_deletes_or_changes_there_is_noticed_and_told_once(desk: Scene, outside: Platforms) -> None:
    approve(desk, "ST-1")
    outlive(desk)
    (english,) = (one.text for one in desk.desk.statement("ST-1").texts if (one.channel, one.language) == ("x", "en"))
    outside.x.remove(next(id for id, post in outside.x.posts.items() if post["raw"] == english))
    outside.facebook.posts[next(iter(outside.facebook.posts))]["message"] = "We are fine, nothing happened."
    changed = next(iter(outside.mastodon.statuses))
    outside.mastodon.edit(changed, "We are fine, nothing happened.")
    desk.pass_time(minutes=16)
    assert sorted(one.text.split(" on ")[1].split(" (")[0] for one in entries(desk, "PostChanged")) == [
        "facebook",
        "mastodon",
    ]
    (gone,) = entries(desk, "PostGone")
    assert "x (en)" in gone.text
    assert live(desk)["x", "en"].state == "gone"
    assert live(desk)["x", "nl"].state == "live"
    assert sum(one.state == "changed" for one in live(desk).values()) == 2
    manager = lead(desk, "duty_manager")
    told = [one.text for one in desk.slack.all("direct") if one.person == manager.key and "x (en)" in one.text]
    assert len(told) == 1
    desk.pass_time(minutes=16)
    assert (len(entries(desk, "PostGone")), len(entries(desk, "PostChanged"))) == (1, 2)


# ---------------------------------------------------------------- who decides


@pytest.fixture
def plain(scene: Callable[..., Scene], tmp_path: Path) -> Scene:
    """The first word is drafted, for a sandbox."""
    made = scene(playbooks=playbooks(tmp_path, ("bluesky", "mastodon")))
    made.declare("speaking", stations="AMS")
    return made


def test_who_comes_after_the_deputy_or_the_silence_is_told_who_decided_and_when(plain: Scene) -> None:
    plain.pass_time(minutes=9)
    deputy, first = lead(plain, "deputy_comms_lead"), lead(plain)
    plain.desk.approve("ST-1", deputy.key, deputy.roles)
    plain.settle()
    with pytest.raises(NotAllowed, match=rf"approved by {deputy.name} at 04:19"):
        plain.desk.approve("ST-1", first.key, first.roles)
    with pytest.raises(NotAllowed, match=rf"approved by {deputy.name} at 04:19"):
        plain.desk.reject("ST-1", first.key, first.roles, "too late")
    plain.pass_time(minutes=40)
    late = next(one for one in speaking.statements(plain.desk, "INC-1") if one.message == "update")
    assert late.approved_by == "preapproved"
    with pytest.raises(NotAllowed, match="nobody had answered, so the pre-approved text was taken at "):
        plain.desk.approve(late.ref, first.key, first.roles)
    plain.settle()
    once = {(one.statement, one.language): one.text for one in plain.bluesky.all("post")}
    assert len(once) == len(plain.bluesky.all("post")) == 4


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do them in threads that start together; gives what each returned, or was refused with."""
    gate = Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return act()
        except NotAllowed as why:
            return why

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def test_two_who_approve_at_the_same_instant_are_one_approval(plain: Scene) -> None:
    people = [lead(plain), lead(plain, "deputy_comms_lead")] * 3
    said = at_once(*[lambda who=who: plain.desk.approve("ST-1", who.key, who.roles) for who in people])
    assert sum(isinstance(one, Statement) for one in said) == 1
    refused = [str(one) for one in said if isinstance(one, NotAllowed)]
    assert len(refused) == 5
    assert all("approved by" in one for one in refused)
    plain.settle()
    assert len(entries(plain, "StatementApproved")) == 1
    assert len(plain.bluesky.all("post")) == 2


@pytest.mark.parametrize("turn", range(4))
def test_what_goes_out_is_what_was_approved_though_somebody_edits_meanwhile(plain: Scene, turn: int) -> None:
    place = ("bluesky", "en")
    shown = next(one.text for one in plain.desk.statement("ST-1").texts if (one.channel, one.language) == place)
    new = shown.replace("\n", " ", 1) if "\n" in shown else shown + " Thank you."
    first = lead(plain)
    acts = [
        lambda: plain.desk.approve("ST-1", first.key, first.roles, ""),  # what irrops drafted was shown
        lambda: plain.desk.edit("ST-1", {place: new}, "editor"),
    ]
    approved, edited = at_once(*(acts if turn % 2 else reversed(acts)))[:: 1 if turn % 2 else -1]
    plain.settle()
    sent = {one.text for one in plain.bluesky.all("post") if one.language == "en"}
    if isinstance(approved, Statement):
        assert isinstance(edited, NotAllowed)
        assert sent == {shown}
    else:
        assert "edited after you were shown it" in str(approved)
        assert not sent
        approve(plain, "ST-1")
        assert {one.text for one in plain.bluesky.all("post") if one.language == "en"} == {new}


# ---------------------------------------------------------------- withdrawn at an awkward moment


def test_withdrawing_what_was_corrected_in_place_leaves_the_correction(plain: Scene, tmp_path: Path) -> None:
    approve(plain, "ST-1")
    plain.pass_time(minutes=1)
    there = speaking.correct(plain.desk, "INC-1", {"en": "Boarding goes on at AMS."}, "clara", ROLE)
    plain.settle()
    speaking.withdraw(plain.desk, "ST-1", "clara", ROLE, "wrong airport")
    plain.settle()
    assert {(one.statement, one.state) for one in live(plain).values()} == {(there.ref, "live")}
    for channel in ("bluesky", "mastodon"):
        stand = standing(tmp_path / "sandbox", channel)
        assert {part for threads in stand.values() for parts in threads for part in parts} == texts(
            plain, there.ref, channel
        )


def test_what_may_be_out_when_it_is_withdrawn_is_taken_away(scene: Callable[..., Scene], tmp_path: Path) -> None:
    losing = Flaky("bluesky", tmp_path / "sandbox")
    made = scene(playbooks=playbooks(tmp_path, ("bluesky", "mastodon")), bluesky=losing)
    made.declare("speaking", stations="AMS")
    losing.mood = "losing"
    approve(made, "ST-1")
    made.pass_time(seconds=3)
    assert standing(tmp_path / "sandbox", "bluesky"), "it has arrived, and nobody knows"
    speaking.withdraw(made.desk, "ST-1", "clara", ROLE, "wrong airport")
    made.settle()
    losing.mood = "well"
    outlive(made)
    assert not standing(tmp_path / "sandbox", "bluesky")
    assert {one.state for one in live(made).values()} == {"withdrawn"}


# ---------------------------------------------------------------- the clocks change


@pytest.mark.parametrize(
    ("at", "before", "after"),
    [
        (datetime(2026, 10, 25, 0, 52, tzinfo=UTC), timedelta(hours=2), timedelta(hours=1)),  # 02:52 comes twice
        (datetime(2027, 3, 28, 0, 52, tzinfo=UTC), timedelta(hours=1), timedelta(hours=2)),  # 02:52 does not come
    ],
)
def test_when_the_clocks_change_bytes_and_promises_stay(
    scene: Callable[..., Scene], tmp_path: Path, at: datetime, before: timedelta, after: timedelta
) -> None:
    away = Flaky("bluesky", tmp_path / "sandbox")
    made = scene(playbooks=playbooks(tmp_path, ("bluesky", "mastodon")), at=at, bluesky=away)
    made.declare("speaking", stations="AMS")
    drafted = made.desk.statement("ST-1")
    promised = drafted.next_update_at
    assert promised is not None
    assert promised > at + timedelta(minutes=8), "it falls behind the change"
    local = promised + after
    assert f"{local:%H:%M} ({promised:%H:%M} UTC)" in drafted.texts[0].text
    away.mood = "losing"
    approve(made, "ST-1")
    made.pass_time(minutes=10)  # over the change
    away.mood = "well"
    outlive(made)
    for channel, box in (("bluesky", made.bluesky), ("mastodon", made.mastodon)):
        sent = sorted(one.text for one in box.all("post"))
        assert sent == sorted(one.text for one in drafted.texts if one.channel == channel)
        assert all(one.next_update_at == promised for one in box.all("post"))
    (open_,) = promises(speaking.statements(made.desk, "INC-1"), made.clock.now())
    assert (open_.due, open_.kept) == (promised, None)
    made.pass_time(minutes=30)  # the update comes by itself when nobody answers
    kept, *_ = promises(speaking.statements(made.desk, "INC-1"), made.clock.now())
    assert kept.kept is (kept.kept_at is not None and kept.kept_at <= promised) is True
    assert not made.timeline("INC-1").has("UpdateOverdue")


@pytest.mark.parametrize("at", [datetime(2026, 10, 25, 0, 52, tzinfo=UTC), datetime(2027, 3, 28, 0, 52, tzinfo=UTC)])
def test_a_promise_is_broken_by_utc_over_a_change_of_clocks(
    scene: Callable[..., Scene], tmp_path: Path, at: datetime
) -> None:
    made = scene(playbooks=playbooks(tmp_path, ("bluesky",)), at=at)
    made.declare("speaking", stations="AMS")
    approve(made, "ST-1")
    due = made.desk.statement("ST-1").next_update_at
    assert due is not None
    made.pass_time(minutes=31)
    update = speaking.statements(made.desk, "INC-1")[-1]
    first = lead(made)
    made.desk.reject(update.ref, first.key, first.roles, "nothing to say")
    made.pass_time(seconds=(due - made.clock.now()).total_seconds() - 1)
    assert not made.timeline("INC-1").has("UpdateOverdue")
    made.pass_time(seconds=2)
    (overdue,) = entries(made, "UpdateOverdue")
    assert overdue.at == due
    assert [one.kept for one in promises(speaking.statements(made.desk, "INC-1"), made.clock.now())] == [False]


# ---------------------------------------------------------------- the pack


def test_the_pack_of_corrections_and_withdrawals_verifies(desk: Scene, outside: Platforms, tmp_path: Path) -> None:
    approve(desk, "ST-1")
    outlive(desk)
    there = speaking.correct(desk.desk, "INC-1", {"en": "Boarding goes on at AMS."}, "clara", ROLE)
    desk.settle()
    speaking.withdraw(desk.desk, there.ref, "clara", ROLE, "wrong airport")
    desk.settle()
    key = signing_key(load(home=tmp_path))
    made = pack(desk.desk, "INC-1", tmp_path / "pack.zip", key=key, by="clara")
    assert (made.statements, made.sandboxed) == (2, 0)
    assert made.texts == sum(post_of(one) is not None for one in desk.desk.effects("INC-1"))
    verdict = verify(tmp_path / "pack.zip", house=key.public_key())
    assert verdict.problems == ()
    spoiled = tmp_path / "spoiled.zip"
    spoiled.write_bytes((tmp_path / "pack.zip").read_bytes().replace(b"wrong airport", b"right airport"[:13]))
    assert verify(spoiled, house=key.public_key()).problems

"""Statements beside the playbook: drafted, corrected, withdrawn, watched, called for. Every channel is a sandbox."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desk import speaking, statement_view
from engine.effects import CHANGED, GONE, SAME, Look, Message, Receipt
from engine.incident import NotAllowed
from engine.ports import CannotTell, Lost
from engine.public import Seen
from engine.statements import StatementStatus
from integrations.sandbox import Sandbox
from tests.scenarios.conftest import Scene

ROLE = ("comms_lead",)


class Looked(Sandbox):
    """A sandbox whose posts can be looked at, deleted and changed by hand."""

    sandbox = False

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.by_hand: dict[str, tuple[str, str]] = {}
        self.looks = 0

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        if isinstance(message, Look) and base:
            self.looks += 1
            seen, text = self.by_hand.get(base.id, (SAME, message.text))
            return base.model_copy(update={"facts": {**base.facts, "seen": seen, "text": text}})
        return super().send(message, key, base)


class Forgetful(Sandbox):
    """Loses the answer to every post, and can't be searched."""

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        super().send(message, key, base)
        raise Lost("no answer")

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        raise CannotTell("nobody can look there")


def approve(scene: Scene, name: str) -> None:
    person = scene.holder("comms_lead")
    scene.desk.approve(name, person.key, person.roles)
    scene.settle()


def live(scene: Scene) -> dict[tuple[str, str], Seen]:
    """The news of each place; notices of passengers' rights stand beside it."""
    return {(one.channel, one.language): one for one in speaking.live(scene.desk, "INC-1") if one.message != "rights"}


@pytest.fixture
def out(desk: Scene) -> Scene:
    """The first word is out everywhere."""
    desk.declare("it-outage", stations="AMS", detail_en="Check-in works at AMS only")
    approve(desk, "ST-1")
    desk.pass_time(minutes=2)
    return desk


def test_a_draft_by_hand_is_asked_approved_and_sent_like_the_playbooks_own(out: Scene) -> None:
    out.pass_time(minutes=10)
    there = speaking.draft(out.desk, "INC-1", "update", "editor")
    out.settle()
    assert out.desk.statement(there.ref).status is StatementStatus.DRAFTED
    assert any("update" in message.text for message in out.slack.all("direct"))
    assert [post.message for post in out.bluesky.all("post") if post.language == "en"] == ["holding"]
    approve(out, there.ref)
    assert out.desk.statement(there.ref).status is StatementStatus.LIVE
    sent = [post.text for post in out.bluesky.all("post") if (post.message, post.language) == ("update", "en")]
    (text,) = (text for text in there.texts if (text.channel, text.language) == ("bluesky", "en"))
    assert sent == list(text.parts)
    assert live(out)["bluesky", "en"].statement == there.ref
    assert out.timeline("INC-1").has("StatementPublished", message="update")


def test_a_draft_by_hand_that_nobody_answers_does_as_the_playbooks_step(out: Scene) -> None:
    there = speaking.draft(out.desk, "INC-1", "update", "editor", ["bluesky"], ["en"])
    out.pass_time(minutes=10)
    after = out.desk.statement(there.ref)
    assert (after.status, after.approved_by) == (StatementStatus.LIVE, "preapproved")
    assert {text.channel for text in after.texts} == {"bluesky"}


@pytest.mark.parametrize(
    ("message", "channels", "why"),
    [
        ("alarm", [], "is no message to the public"),
        ("correction_text", [], "is no message to the public"),
        ("holding_flood", [], "there is no such message"),
        ("update", ["sms"], "No statements go out on sms"),
        ("update", ["pigeon"], "No statements go out on pigeon"),
    ],
)
def test_what_can_not_be_drafted_is_said_in_a_sentence(out: Scene, message: str, channels: list[str], why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        speaking.draft(out.desk, "INC-1", message, "editor", channels)


def test_a_correction_goes_everywhere_with_one_action_and_says_what_changed(out: Scene) -> None:
    before = live(out)
    text = "We are aware of a problem with check-in. Boarding goes on. Come to the airport at your usual time."
    there = speaking.correct(out.desk, "INC-1", {"en": text}, "clara", ROLE, what_changed="Boarding goes on.")
    out.settle()
    after = live(out)
    assert after.keys() == before.keys()
    assert {one.statement for one in after.values()} == {there.ref}
    assert text in after["status_page", "en"].parts[0]
    assert "Boarding goes on." in after["status_page", "en"].parts[0]
    assert out.desk.statement("ST-1").status is StatementStatus.CORRECTED
    amended = out.status_page.all("amend")
    assert {message.post.language for message in amended} == {"en", "nl", "es", "pt"}
    answers = [post for post in out.bluesky.all("post") if post.corrects]
    assert {post.language for post in answers} == {"en", "nl", "es", "pt"}
    assert not [post for post in out.status_page.all("post") if post.corrects]


def test_the_text_in_another_language_says_which_language_it_is_in(out: Scene) -> None:
    speaking.correct(out.desk, "INC-1", {"en": "Boarding goes on.", "nl": "Het instappen gaat door."}, "clara", ROLE)
    out.settle()
    parts = {language: live(out)["status_page", language].parts[0] for language in ("en", "nl", "es")}
    assert "Het instappen gaat door." in parts["nl"]
    assert "Boarding goes on." not in parts["nl"]
    assert "Boarding goes on." in parts["es"]
    assert "inglés" in parts["es"].lower()


def test_a_correction_of_somebody_who_may_not_approve_waits(out: Scene) -> None:
    there = speaking.correct(out.desk, "INC-1", {"en": "Boarding goes on."}, "anna", ("social_lead",))
    out.settle()
    assert out.desk.statement(there.ref).status is StatementStatus.DRAFTED
    assert live(out)["bluesky", "en"].statement == "ST-1"
    approve(out, there.ref)
    assert live(out)["bluesky", "en"].statement == there.ref


def test_a_correction_corrects_a_correction(out: Scene) -> None:
    for text in ("Boarding goes on.", "Boarding goes on at gate D only."):
        there = speaking.correct(out.desk, "INC-1", {"en": text}, "clara", ROLE)
        out.pass_time(minutes=1)
    assert "gate D" in live(out)["status_page", "en"].parts[0]
    assert [s.status for s in speaking.statements(out.desk, "INC-1")][:3] == ["corrected", "corrected", "live"]
    assert live(out)["x", "en"].statement == there.ref


def test_the_notice_of_rights_stands_beside_the_news_and_is_not_corrected_with_it(out: Scene) -> None:
    notice = speaking.draft(out.desk, "INC-1", "rights", "editor", ["status_page", "facebook"], ["en"])
    assert notice.next_update_at is None
    approve(out, notice.ref)
    out.pass_time(minutes=1)
    speaking.correct(out.desk, "INC-1", {"en": "Boarding goes on."}, "clara", ROLE)
    out.pass_time(minutes=1)
    beside = [one for one in speaking.live(out.desk, "INC-1") if one.statement == notice.ref]
    assert {(one.channel, one.state, one.behind) for one in beside} == {
        ("status_page", "live", ""),
        ("facebook", "live", ""),
    }
    assert "Boarding goes on." in live(out)["facebook", "en"].parts[0]


def test_nothing_public_is_nothing_to_correct(desk: Scene) -> None:
    desk.declare("it-outage", stations="AMS")
    with pytest.raises(NotAllowed, match="nothing to correct"):
        speaking.correct(desk.desk, "INC-1", {"en": "No."}, "clara", ROLE)
    with pytest.raises(NotAllowed, match="can't be empty"):
        speaking.correct(desk.desk, "INC-1", {"en": "  "}, "clara", ROLE)


def test_withdrawn_is_taken_away_where_it_can_and_stays_on_the_record(out: Scene) -> None:
    speaking.withdraw(out.desk, "ST-1", "clara", ROLE, "wrong airport")
    out.settle()
    for channel in (out.status_page, out.bluesky, out.x, out.mastodon, out.facebook):
        assert {message.reason for message in channel.all("withdraw")} == {"wrong airport"}
        assert len(channel.all("withdraw")) == len(channel.all("post"))
    there = out.desk.statement("ST-1")
    assert (there.status, there.withdrawn_by, there.withdrawn_because) == ("withdrawn", "clara", "wrong airport")
    assert live(out)["bluesky", "en"].state == "withdrawn"
    assert live(out)["email", "en"].state == "live"
    assert "can't be taken away here" in live(out)["email", "en"].behind
    assert not live(out)["bluesky", "en"].behind
    clock = statement_view.as_json(out.desk, "ST-1")["clock"]["places"]
    assert {place["state"] for place in clock if place["channel"] == "bluesky"} == {"withdrawn"}
    (entry,) = (e for e in out.desk.timeline("INC-1") if e.kind == "StatementWithdrawn")
    assert "email" in entry.text
    with pytest.raises(NotAllowed, match="was withdrawn by"):
        speaking.withdraw(out.desk, "ST-1", "clara", ROLE, "again")


def test_withdrawing_shows_what_stood_before(out: Scene) -> None:
    out.pass_time(minutes=30)
    update = next(one for one in speaking.statements(out.desk, "INC-1") if one.message == "update")
    approve(out, update.ref)
    assert live(out)["x", "en"].statement == update.ref
    speaking.withdraw(out.desk, update.ref, "clara", ROLE, "too early")
    out.settle()
    assert live(out)["x", "en"].statement == "ST-1"


def test_withdrawing_a_correction_shows_what_stood_before_only_where_it_was_an_answer(out: Scene) -> None:
    there = speaking.correct(out.desk, "INC-1", {"en": "Boarding goes on."}, "clara", ROLE)
    out.pass_time(minutes=1)
    speaking.withdraw(out.desk, there.ref, "clara", ROLE, "not so either")
    out.pass_time(minutes=1)
    assert live(out)["bluesky", "en"].statement == "ST-1"
    assert live(out)["mastodon", "en"].state == "withdrawn"


def test_only_who_decides_withdraws_and_only_with_a_reason(out: Scene) -> None:
    with pytest.raises(NotAllowed, match="to withdraw"):
        speaking.withdraw(out.desk, "ST-1", "anna", ("social_lead",), "because")
    with pytest.raises(NotAllowed, match="Say why"):
        speaking.withdraw(out.desk, "ST-1", "clara", ROLE, " ")


def test_a_draft_that_was_never_public_is_rejected_not_withdrawn(desk: Scene) -> None:
    desk.declare("it-outage", stations="AMS")
    with pytest.raises(NotAllowed, match="reject it instead"):
        speaking.withdraw(desk.desk, "ST-1", "clara", ROLE, "because")


@pytest.fixture
def watched(scene: Callable[..., Scene], tmp_path: Path) -> tuple[Scene, Looked]:
    """Bluesky can be looked at, and the first word is out."""
    bluesky = Looked("bluesky", tmp_path / "sandbox")
    made = scene(bluesky=bluesky)
    made.declare("it-outage", stations="AMS")
    approve(made, "ST-1")
    return made, bluesky


def receipt_of(scene: Scene, channel: str, language: str) -> Receipt:
    posted = scene.desk.snapshot("INC-1").posts
    (receipt,) = (e.receipt for e in posted if e.channel == channel and e.message.language == language)  # type: ignore
    assert receipt is not None
    return receipt


@pytest.mark.parametrize(("found", "kind", "state"), [(GONE, "PostGone", "gone"), (CHANGED, "PostChanged", "changed")])
def test_a_post_that_somebody_touched_there_is_noticed_and_told_once(
    watched: tuple[Scene, Looked], found: str, kind: str, state: str
) -> None:
    scene, bluesky = watched
    scene.pass_time(minutes=16)
    assert bluesky.looks == 4
    assert live(scene)["bluesky", "en"].state == "live"
    bluesky.by_hand[receipt_of(scene, "bluesky", "en").id] = (found, "Hacked")
    scene.pass_time(minutes=16)
    seen = live(scene)["bluesky", "en"]
    assert (seen.state, seen.found) == (state, "Hacked" if found == CHANGED else "")
    assert live(scene)["bluesky", "nl"].state == "live"
    assert scene.timeline("INC-1").count(kind) == 1
    assert any("bluesky (en)" in message.text for message in scene.slack.all("direct"))
    scene.pass_time(minutes=16)
    assert scene.timeline("INC-1").count(kind) == 1
    assert not [entry for entry in scene.desk.timeline("INC-1") if entry.facts.get("kind") == "look"]


def test_looking_now_looks_at_all_that_stands(watched: tuple[Scene, Looked]) -> None:
    scene, bluesky = watched
    speaking.look(scene.desk, "INC-1")
    scene.settle()
    assert bluesky.looks == 4
    assert live(scene)["bluesky", "en"].looked_at == scene.clock.now()
    speaking.look(scene.desk, "INC-1")
    scene.settle()
    assert bluesky.looks == 8


def test_a_correction_of_what_was_deleted_there_is_a_post_of_its_own(watched: tuple[Scene, Looked]) -> None:
    scene, bluesky = watched
    bluesky.by_hand[receipt_of(scene, "bluesky", "en").id] = (GONE, "")
    speaking.look(scene.desk, "INC-1")
    scene.settle()
    there = speaking.correct(scene.desk, "INC-1", {"en": "Boarding goes on."}, "clara", ROLE)
    scene.settle()
    effects = {effect.key: effect for effect in speaking.posted(scene.desk, there)}
    assert effects[f"{there.key}/bluesky/en"].needs is None
    assert effects[f"{there.key}/bluesky/nl"].needs == "/".join((scene.desk.statement("ST-1").key, "bluesky", "nl"))


def test_nobody_looks_once_the_incident_has_ended(watched: tuple[Scene, Looked]) -> None:
    scene, bluesky = watched
    scene.desk.resolve("INC-1", "duty-manager")
    scene.settle()
    looks = bluesky.looks
    scene.pass_time(hours=2)
    assert bluesky.looks == looks


def test_a_post_that_nobody_can_find_out_about_calls_a_person(scene: Callable[..., Scene], tmp_path: Path) -> None:
    made = scene(x=Forgetful("x", tmp_path / "sandbox"))
    made.declare("it-outage", stations="AMS")
    approve(made, "ST-1")
    made.pass_time(minutes=5)
    assert live(made)["x", "en"].behind.startswith("ST-1 may be out or not")
    assert len(made.x.all("post")) == 4
    timeline = made.timeline("INC-1")
    assert timeline.count("PostUndecided") == 4
    (page,) = (entry for entry in made.desk.timeline("INC-1") if entry.kind == "Paged")
    assert "x (en)" in page.text
    unsure = [e for e in made.desk.effects("INC-1") if e.channel == "x" and e.state == "unknown"]
    made.desk.decide_effect(unsure[0].key, happened=True, by="clara")
    made.settle()
    made.pass_time(minutes=30)
    assert len(made.x.all("post")) <= 8


def test_what_is_withdrawn_before_anybody_knows_whether_it_is_out_is_not_sent_any_more(
    scene: Callable[..., Scene], tmp_path: Path
) -> None:
    class Deaf(Sandbox):
        def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
            raise Lost("no answer")

    made = scene(x=Deaf("x", tmp_path / "sandbox"))
    made.declare("it-outage", stations="AMS")
    approve(made, "ST-1")
    speaking.withdraw(made.desk, "ST-1", "clara", ROLE, "wrong airport")
    made.crew.channels["x"].send = lambda *_: pytest.fail("it was sent after it had been withdrawn")  # type: ignore
    made.pass_time(minutes=2)
    states = {effect.state for effect in made.desk.effects("INC-1") if effect.channel == "x"}
    assert states == {"cancelled"}


def test_two_accounts_speak_their_own_languages(scene: Callable[..., Scene], tmp_path: Path) -> None:
    made = scene(**{"bluesky@spain": Sandbox("bluesky@spain", tmp_path / "sandbox")})
    house = made.crew.house
    made.crew.house = replace(
        house,
        channels={**house.channels, "bluesky@spain": house.channels["bluesky"]},
        speaks={"bluesky": ("en", "nl"), "bluesky@spain": ("es",)},
    )
    made.declare("it-outage", stations="AMS")
    there: Any = speaking.draft(made.desk, "INC-1", "update", "editor", ["bluesky", "bluesky@spain"])
    approve(made, there.ref)
    places = {(text.channel, text.language) for text in there.texts}
    assert places == {("bluesky", "en"), ("bluesky", "nl"), ("bluesky@spain", "es")}

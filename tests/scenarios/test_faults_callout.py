"""A call-out while Slack is down, while a lane loses every answer, and in a night in which the clocks change."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desk.people import import_people
from engine.callout import Answer, CallOut, Invitation
from engine.choice import Reason, sift
from engine.delivery import MOST_DOUBTFUL
from engine.effects import EffectState, Message, Receipt, Room
from engine.people import Person
from engine.ports import CannotTell, Lost
from integrations import slack as real
from integrations.sandbox import Sandbox
from integrations.slack.channel import SlackChannel
from integrations.slack.pace import Pace
from tests.scenarios.conftest import Scene
from tests.scenarios.sick_slack import SickSlack, sick_slack
from tests.unit.volunteers import crowd, situation, someone

HELP = """\
playbook: help
title: Help needed
severity: SEV2
steps:
  - key: volunteers
    action: call_out
    with: {quota: 3, starts_in: 1h, lasts: 8h, slot: 8h, respond_within: 20m, waves: 2}
stand_down:
  - {key: thank_you, action: release_responders}
"""
WORD = """\
playbook: word
title: A word to the public
severity: SEV3
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page], languages: [en]}
"""
LANES = ("slack", "email", "sms")
NOWHERE = "http://127.0.0.1:9/api/"
REACHED = {"email": "somebody@example.org", "phone": "+44 7700 900123"}


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "help.yaml").write_text(HELP)
    (folder / "word.yaml").write_text(WORD)
    return folder


@pytest.fixture
def slack() -> Iterator[SickSlack]:
    with sick_slack() as running:
        yield running


Opener = Callable[..., tuple[Scene, SlackChannel]]


@pytest.fixture
def with_slack(scene: Callable[..., Scene], playbooks: Path) -> Opener:
    """A desk with the Slack at an address."""

    def open_(url: str) -> tuple[Scene, SlackChannel]:
        channel = real.connect(real.Settings(bot_token="xoxb-down", api_url=url, timeout_s=1, pace=False))
        desk = scene(playbooks, lanes=LANES, slack=channel)
        channel._api.pace = Pace(on=False, clock=lambda: desk.clock.now().timestamp())
        import_people(desk.crew.store, crowd(60, **REACHED))
        return desk, channel

    return open_


def invitations(desk: Scene) -> list[Invitation]:
    return desk.desk.store.all(Invitation)


def says(desk: Scene, invitation: Invitation, given: Answer, on: str) -> None:
    person = desk.desk.person(invitation.person)
    assert person
    desk.desk.answer(invitation.key, given, person, on=on)


def questions(desk: Scene, lane: str) -> dict[str, datetime]:
    """Who was asked on a lane, and when it went out."""
    found = [one for one in desk.desk.effects("INC-1") if one.channel == lane and "/ask" in one.key]
    sent = [one for one in found if one.state is EffectState.SENT and one.sent_at]
    return {one.key.split("/")[2]: one.sent_at for one in sent if one.sent_at}


# ---------------------------------------------------------------- Slack is down


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_slack_is_down_for_the_whole_call_out(with_slack: Opener, slack: SickSlack, how: str) -> None:
    slack.fall_ill("nothing")
    desk, channel = with_slack(NOWHERE if how == "refuses" else slack.api_url)
    began, ref = desk.clock.now(), desk.declare("help")
    other = desk.declare("word")
    assert desk.timeline(other).has("StatementPublished"), "other incidents go on"

    desk.pass_time(minutes=2)
    people = {one.person for one in invitations(desk)}
    assert len(people) >= 9
    assert questions(desk, "slack") == {}
    assert set(questions(desk, "email")) == people
    assert max(questions(desk, "email").values()) - began <= timedelta(minutes=2)
    assert questions(desk, "sms") == {}, "the mails have their time first"

    desk.pass_time(minutes=6)
    assert set(questions(desk, "sms")) == people
    for number, one in enumerate(invitations(desk)[:3]):
        says(desk, one, Answer.YES, "email" if number else "sms")
    desk.settle()
    assert desk.timeline(ref).has("CallOutFilled", accepted=3)
    assert set(Counter((e.channel, e.key) for e in desk.desk.effects(ref)).values()) == {1}
    said = Counter(entry.facts["effect"] for entry in desk.desk.timeline(ref) if entry.kind == "EffectSent")
    assert set(said.values()) == {1}
    come = {one.person for one in invitations(desk) if one.answer is Answer.YES}
    _slack_comes_back(desk, channel, slack, come)


def _slack_comes_back(desk: Scene, channel: SlackChannel, slack: SickSlack, come: set[str]) -> None:
    """Nobody is asked any more for a call-out that is full; who comes finds the briefing."""
    slack.recover()
    channel._api._client.base_url = slack.api_url
    desk.pass_time(minutes=10)
    assert set(questions(desk, "slack")) == come
    left = [one.key for one in desk.desk.effects("INC-1") if not one.state.settled]
    assert left == []


def test_who_drops_out_while_slack_is_down_is_replaced_by_mail(with_slack: Opener) -> None:
    desk, _ = with_slack(NOWHERE)
    desk.declare("help")
    desk.pass_time(minutes=2)
    for one in invitations(desk)[:5]:
        says(desk, one, Answer.YES, "email")
    desk.settle()
    there = invitations(desk)
    says(desk, there[0], Answer.NO, "email")
    desk.pass_time(minutes=1)
    (callout,) = desk.desk.store.all(CallOut)
    coming = [one.person for one in invitations(desk) if one.answer is Answer.YES and not one.too_late]
    assert coming == [one.person for one in there[1:4]], "the first who waited"
    assert callout.accepted == 3
    place = [e for e in desk.desk.effects("INC-1") if e.key.startswith(there[3].key) and "/place-" in e.key]
    assert [(one.channel, one.state) for one in place] == [("email", EffectState.SENT)]


# ---------------------------------------------------------------- a lane that loses every answer


class Deaf(Sandbox):
    """A gateway that sends each time, whose answer never comes and which keeps no history."""

    calls: Counter[str] = Counter()

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        self.calls[key] += 1
        raise Lost("No answer came from the service (ReadTimeout).")

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        raise CannotTell("Whether a message by sms arrived can't be looked up.")


def test_a_lane_that_loses_every_answer_pages_nobody_without_end(
    scene: Callable[..., Scene], playbooks: Path, tmp_path: Path
) -> None:
    sms = Deaf("sms", tmp_path / "sandbox")
    sms.calls = Counter()
    desk = scene(playbooks, lanes=("sms", "email"), sms=sms)
    import_people(desk.crew.store, crowd(60, **REACHED))
    desk.declare("help")
    desk.pass_time(minutes=2)
    people = {one.person for one in invitations(desk)}
    asked = {key: count for key, count in sms.calls.items() if "/ask" in key}
    assert len(asked) == len(people)
    assert set(asked.values()) == {MOST_DOUBTFUL}
    assert set(questions(desk, "email")) == people, "and the next lane has its turn"
    desk.pass_time(hours=26)
    assert {key: sms.calls[key] for key in asked} == asked
    failed = [one for one in desk.desk.effects("INC-1") if one.key in asked]
    assert {one.state for one in failed} == {EffectState.FAILED}
    assert all("it may have arrived 3 times" in one.error for one in failed)


def test_what_surely_did_not_arrive_is_sent_as_often_as_it_takes(
    scene: Callable[..., Scene], playbooks: Path, tmp_path: Path
) -> None:
    class Forgetful(Deaf):
        """The same, but one can look: nothing is ever there."""

        def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
            return None

    slack = Forgetful("slack", tmp_path / "sandbox")
    slack.calls = Counter()
    desk = scene(playbooks, slack=slack)
    desk.declare("help")
    desk.pass_time(minutes=6)
    (room,) = [one for one in desk.desk.effects("INC-1") if isinstance(one.message, Room)]
    assert room.state is EffectState.QUEUED
    assert slack.calls[room.key] > MOST_DOUBTFUL
    assert room.doubtful == 1, "only the last send"


# ---------------------------------------------------------------- the clocks change

AUTUMN = datetime(2026, 10, 24, 22, 10, tzinfo=UTC)
"""Sunday 00:10 in Amsterdam; at 03:00 it becomes 02:00."""
SPRING = datetime(2027, 3, 27, 22, 10, tzinfo=UTC)
"""Saturday 23:10 in Amsterdam; at 02:00 it becomes 03:00."""


@pytest.mark.parametrize(
    ("night", "begins", "ends"),
    [
        (AUTUMN, "01:10, 25 Oct (23:10 UTC, 24 Oct)", "08:10 (07:10 UTC), 25 Oct"),
        (SPRING, "00:10, 28 Mar (23:10 UTC, 27 Mar)", "09:10 (07:10 UTC), 28 Mar"),
    ],
)
def test_eight_hours_of_work_are_eight_hours_when_the_clocks_change(
    scene: Callable[..., Scene], playbooks: Path, night: datetime, begins: str, ends: str
) -> None:
    desk = scene(playbooks, at=night)
    import_people(desk.crew.store, crowd(60))
    ref = desk.declare("help")
    (callout,) = desk.desk.store.all(CallOut)
    assert callout.ends_at - callout.starts_at == timedelta(hours=8)
    question = next(one for one in desk.slack.all("direct") if one.person.startswith("p0"))
    assert begins in question.text
    assert ends in question.text
    one = invitations(desk)[0]
    says(desk, one, Answer.YES, "slack")
    desk.pass_time(hours=9)
    told = [e.message for e in desk.desk.effects(ref) if e.key.startswith(one.key) and e.message.kind == "direct"]
    assert any("(8 h)" in message.text for message in told), [message.text for message in told]


def slot(starts_at: datetime, **span: float) -> CallOut:
    ends_at = starts_at + timedelta(**span)
    return CallOut(key="c", incident=7, step="volunteers#1", quota=1, starts_at=starts_at, ends_at=ends_at)


def left_out(person: Person, callout: CallOut) -> Reason | None:
    """Why this person is not asked."""
    snapshot = replace(situation([person]), now=callout.starts_at - timedelta(hours=1))
    return sift(snapshot, callout)[1].get(person.key)


@pytest.mark.parametrize(
    ("begins", "pattern", "why"),
    [
        # Saturday evening to 02:10 or 01:10 by the clock; until the next shift the clock and the hours differ by one.
        ("2026-10-24T20:10Z", "Sun 12:10-20:00", None),  # 10 h by the clock, 11 in truth
        ("2026-10-24T20:10Z", "Sun 12:05-20:00", Reason.NOT_RESTED),
        ("2027-03-27T20:10Z", "Sun 13:10-20:00", None),  # 12 h by the clock, 11 in truth
        ("2027-03-27T20:10Z", "Sun 12:10-20:00", Reason.NOT_RESTED),  # 11 h by the clock, 10 in truth
    ],
)
def test_rest_is_counted_in_hours_not_by_the_clock(begins: str, pattern: str, why: Reason | None) -> None:
    callout = slot(datetime.fromisoformat(begins), hours=4)
    assert left_out(someone("anna", shift_pattern=pattern), callout) is why


@pytest.mark.parametrize("night", [AUTUMN, SPRING])
def test_the_weekly_limit_is_counted_in_hours_not_by_the_clock(night: datetime) -> None:
    begins = night + timedelta(hours=1)
    anna = someone("anna", shift_pattern="Mon-Fri 09:00-17:00")
    assert left_out(anna, slot(begins, hours=8)) is None, "40 and 8 are 48"
    assert left_out(anna, slot(begins, hours=8, minutes=1)) is Reason.WEEKLY_LIMIT


def test_who_answers_with_a_time_that_the_change_leaves_out_comes_an_hour_later_by_the_new_time(
    scene: Callable[..., Scene], playbooks: Path
) -> None:
    desk = scene(playbooks, at=SPRING)
    import_people(desk.crew.store, crowd(60))
    desk.declare("help")
    one = invitations(desk)[0]
    reply = desk.desk.said(f"U0{one.person.upper()}", "I can come at 02:30")
    (there,) = [other for other in invitations(desk) if other.key == one.key]
    assert (there.answer, there.comes_at) == (Answer.LATER, datetime(2027, 3, 28, 1, 30, tzinfo=UTC))
    assert "03:30 (01:30 UTC), 28 Mar" in reply.text

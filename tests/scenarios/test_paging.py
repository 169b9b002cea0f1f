"""Calling people by name, and letting volunteers go, on a whole desk with its database and clock."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from desk import easing, paging
from desk.api import build
from desk.desk import Desk
from desk.inbox import Inbox
from desk.rounds import Rounds
from desk.settings import load
from engine.buttons import ACKNOWLEDGE, ANSWER
from engine.effects import Direct, Message, Receipt
from engine.incident import NotAllowed
from engine.pages import Page, code_of
from engine.people import Person
from engine.ports import Refused
from integrations.sandbox import Sandbox
from tests.scenarios.conftest import Scene
from tests.unit.test_api import headers

WHY = "the status page shows the wrong airport"


def calls(desk: Scene, lane: str = "slack") -> list[Direct]:
    """The calls of commands that went out on a lane: with the button in chat, with a code elsewhere."""
    sent: list[Direct] = (desk.slack if lane == "slack" else _outside(desk, lane)).all("direct")
    if lane == "slack":
        return [one for one in sent if any(re.search(r"/page/\d+$", page_of(one)) for _ in one.buttons)]
    return [one for one in sent if WHY in one.text]


def page_of(message: Direct) -> str:
    """The key of the page that a message belongs to; empty for another message."""
    return next((button.value for button in message.buttons if button.action == ACKNOWLEDGE), "")


def _outside(desk: Scene, lane: str) -> Any:
    return type(desk.slack)(desk.slack.folder, lane)


def entries(desk: Scene, ref: str, kind: str) -> list[str]:
    return [entry.text for entry in desk.desk.timeline(ref) if entry.kind == kind]


def call(desk: Scene, name: str, why: str = WHY, incident: str | None = None) -> str:
    said = paging.page(desk.desk, name, "duty-manager", why, incident)
    desk.settle()
    return said


def the_page(desk: Scene) -> Page:
    [page] = desk.crew.store.all(Page, step="")
    return page


@pytest.fixture
def ref(desk: Scene) -> str:
    return desk.declare("it-outage", stations="AMS")


# ---------------------------------------------------------------- silence


def test_silence_goes_to_the_deputies_then_to_the_duty_managers_by_name_then_to_the_room(desk: Scene, ref: str) -> None:
    lead = desk.holder("comms_lead")
    assert call(desk, lead.key) == f"{ref}: {lead.name} (comms lead) is called by duty-manager: {WHY}."
    for minute in range(0, 45, 5):
        assert len(calls(desk)) == 1 + minute // 5 if minute < 40 else 8
        desk.pass_time(minutes=5)
    people = [desk.desk.person(one.person) for one in calls(desk)]
    roles = [next(r for r in person.roles if r.endswith(("comms_lead", "duty_manager"))) for person in people if person]
    assert roles == ["comms_lead", "deputy_comms_lead", "deputy_comms_lead", *["duty_manager"] * 5]
    assert len({one.person for one in calls(desk)}) == 8
    managers = desk.desk.snapshot(ref).holders("duty_manager")
    assert any(
        f"Nobody answered: {managers[0].name} (duty manager) is called" in text
        for text in entries(desk, ref, "PageEscalated")
    )
    [unanswered] = [text for text in entries(desk, ref, "PageUnanswered") if people[0] and people[0].name in text]
    assert all(person.name in unanswered for person in people if person)
    assert "Nobody answers" in desk.slack.latest("text").text
    desk.pass_time(minutes=30)
    assert len(calls(desk)) == 8


def test_an_acknowledgement_stops_it_and_the_others_hear_who_has_it(desk: Scene, ref: str) -> None:
    lead = desk.holder("comms_lead")
    call(desk, lead.name.upper())
    desk.pass_time(minutes=5)
    deputy = desk.desk.person(calls(desk)[-1].person)
    assert deputy
    for _ in range(2):
        reply = desk.desk.press(ACKNOWLEDGE, the_page(desk).key, deputy.chat)
        desk.settle()
    assert any(words in reply.text for words in ("you have got it", "jij hebt het opgepakt", "te encargas tú"))
    assert entries(desk, ref, "PageAcknowledged") == [f"{deputy.name} has got it, 5 min after the first call: {WHY}"]
    revised = [message.text for message in desk.slack.all("revise")]
    theirs = re.compile(rf"{deputy.name} (has got it|heeft het opgepakt)|se encarga {deputy.name}")
    assert sum(bool(theirs.search(text)) for text in revised) == 1
    before = len(calls(desk))
    desk.pass_time(minutes=30)
    assert len(calls(desk)) == before == 2
    with pytest.raises(NotAllowed, match="not called"):
        desk.desk.press(ACKNOWLEDGE, the_page(desk).key, desk.holder("social_lead").chat)


def test_what_was_called_is_called_once_also_after_a_restart(desk: Scene, ref: str) -> None:
    call(desk, desk.holder("comms_lead").key)
    for _ in range(3):
        desk.desk = Desk(desk.crew, desk.desk.library)
        desk.rounds = Rounds(desk.crew, prefect=False)
        desk.desk.wake(int(ref.removeprefix("INC-")))
        desk.settle()
    assert len(calls(desk)) == 1
    desk.clock.move_to(desk.clock.now() + timedelta(hours=2))  # irrops was down for two hours
    desk.settle()
    assert len(calls(desk)) == 2


def test_when_the_incident_is_resolved_nobody_else_is_called(desk: Scene, ref: str) -> None:
    call(desk, desk.holder("comms_lead").key)
    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=30)
    assert len(calls(desk)) == 1
    assert entries(desk, ref, "PageEnded") == ["The incident is over: nobody else is called"]


# ---------------------------------------------------------------- lanes, codes, budgets


class Closed(Sandbox):
    """A chat that takes no direct messages."""

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        if isinstance(message, Direct):
            raise Refused("user_not_found", permanent=True)
        return super().send(message, key, base)


def test_a_lane_that_refuses_is_followed_by_the_next_at_once_and_the_code_answers(
    scene: Callable[..., Scene], tmp_path: Path
) -> None:
    folder = tmp_path / "sandbox"
    desk = scene(slack=Closed("slack", folder), sms=Sandbox("sms", folder))
    desk.crew.house = replace(desk.crew.house, lanes=("slack", "sms"))
    ref = desk.declare("it-outage", stations="AMS")
    lead = desk.holder("comms_lead")
    call(desk, lead.key)
    [text] = calls(desk, "sms")
    assert (text.person, text.address) == (lead.key, lead.phone)
    incident = desk.desk.snapshot(ref).incident
    code = code_of(desk.crew.house, incident, the_page(desk), lead.key)
    assert re.search(rf"(Reply|Antwoord|Responde) {code} (yes|ja|sí)", text.text)
    with pytest.raises(NotAllowed, match="Nobody was called"):
        paging.acknowledge_by_code(desk.desk, "AAAAAAAAAA")
    paging.acknowledge_by_code(desk.desk, f" {code[:5].lower()} {code[5:]}")
    assert the_page(desk).acknowledged_by == lead.key


def test_somebody_without_a_role_is_called_on_the_next_lanes_too(scene: Callable[..., Scene], tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    desk = scene(slack=Closed("slack", folder), sms=Sandbox("sms", folder), voice=Sandbox("voice", folder))
    desk.crew.house = replace(desk.crew.house, lanes=("sms", "slack", "voice"))
    desk.declare("it-outage", stations="AMS")
    somebody = next(one for one in desk.desk.everybody() if one.chat and one.phone and not (one.roles or one.lanes))
    call(desk, somebody.key)
    assert [one.person for one in calls(desk, "sms")] == [somebody.key]
    desk.pass_time(minutes=5)  # chat is next and refuses, so the voice follows at once
    assert [one.person for one in calls(desk, "voice")] == [somebody.key]


def test_the_budget_counts_calls_of_all_incidents(desk: Scene, ref: str) -> None:
    desk.crew.house = replace(desk.crew.house, pages=1)
    other = desk.declare(
        "strike", by="duty-manager", strikers="own_cabin_crew", stations="AMS", starts_at="2026-11-25T04:00Z"
    )
    lead = desk.holder("comms_lead")
    call(desk, lead.key, incident=ref)
    desk.desk.press(ACKNOWLEDGE, the_page(desk).key, lead.chat)
    said = call(desk, lead.key, incident=other)
    assert f"{lead.name} was called once in 24 hours, the most that is allowed: " in said
    assert [one.person for one in calls(desk)].count(lead.key) == 1
    desk.clock.move_to(desk.clock.now() + timedelta(hours=25))
    assert f"{lead.name} (comms lead) is called by" in call(desk, lead.key, "once more", incident=other)


# ---------------------------------------------------------------- by link, by reply


@pytest.fixture
def away(scene: Callable[..., Scene], tmp_path: Path) -> tuple[Scene, Person, str]:
    """Somebody called by SMS, and the code that they were sent."""
    desk = scene(sms=Sandbox("sms", tmp_path / "sandbox"))
    desk.crew.house = replace(desk.crew.house, lanes=("sms",), public_url="https://irrops.example")
    ref = desk.declare("it-outage", stations="AMS")
    lead = desk.holder("comms_lead")
    call(desk, lead.key)
    code = code_of(desk.crew.house, desk.desk.snapshot(ref).incident, the_page(desk), lead.key)
    assert f"https://irrops.example/p/{code}" in calls(desk, "sms")[0].text
    return desk, lead, code


def web(desk: Scene, tmp_path: Path, **more: Any) -> TestClient:
    return TestClient(build(desk.desk, load(home=tmp_path), Inbox(desk.desk)), **more)


def test_the_link_shows_the_call_and_only_its_button_takes_it(away: tuple[Scene, Person, str], tmp_path: Path) -> None:
    desk, lead, code = away
    client = web(desk, tmp_path)
    for _ in range(2):
        page = client.get(f"/p/{code}")
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert WHY in page.text
        assert '<form method="post">' in page.text
    assert not the_page(desk).acknowledged_by
    taken = client.post(f"/p/{code.lower()}")
    assert the_page(desk).acknowledged_by == lead.key
    assert "<form" not in taken.text
    assert client.post(f"/p/{code}").status_code == 200
    again = client.get(f"/p/{code}")
    assert (again.status_code, "<form" in again.text) == (410, False)
    assert client.get("/p/AAAAAAAAAA").status_code == 404
    assert [client.post(f"/p/AAAAAAAA{n:02}").status_code for n in range(40)][-1] == 429


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("{code} yes", True),
        ("{code}", True),
        ("sí, {code}", True),
        ("yes\n\nOn Tue, 24 Nov 2026 irrops wrote:\n> Reply {code} yes", True),
        ("{code} no", False),
        ("{code} who is this?", False),
        ("yes", False),
        ("AAAAAAAAAA yes", False),
    ],
)
def test_a_reply_takes_it_where_it_is_a_plain_yes(
    away: tuple[Scene, Person, str], tmp_path: Path, text: str, taken: bool
) -> None:
    desk, _lead, code = away
    gateway = web(desk, tmp_path, headers=headers(desk.desk, "gateway"))
    answer = gateway.post("/replies/sms", json={"from": "+100", "text": text.format(code=code)})
    assert answer.status_code == 200, answer.text
    assert bool(the_page(desk).acknowledged_by) == taken
    assert bool(answer.json()["reply"]) == ("{code}" in text)


# ---------------------------------------------------------------- who is meant


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("elodie.marchand", "elodie.marchand"),
        ("Élodie Marchand", "elodie.marchand"),
        ("elodie marchand", "elodie.marchand"),
        ("MARCHAND, Elodie", "elodie.marchand"),
        ("elo march", "elodie.marchand"),
        ("<@U01196|elodie>", "elodie.marchand"),
        ("pawel maz", "pawel.mazur"),
    ],
)
def test_a_person_is_found_by_key_mention_and_any_part_of_the_name(desk: Scene, name: str, key: str) -> None:
    assert paging.find(desk.desk.everybody(), name).key == key


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("elodie", r"“elodie” may be 2 people: Élodie Marchand \(elodie.marchand, duty manager\); Élodie Perrin"),
        ("Methuselah", "Nobody in the people file is called “Methuselah”"),
        ("", "Say whom to call"),
        ("  ?! ", "Nobody in the people file"),
    ],
)
def test_a_name_that_is_nobody_s_or_several_people_s_is_one_sentence(desk: Scene, name: str, says: str) -> None:
    with pytest.raises(NotAllowed, match=says):
        paging.find(desk.desk.everybody(), name)


def test_without_a_live_incident_or_with_two_it_is_said_what_to_do(desk: Scene) -> None:
    with pytest.raises(NotAllowed, match="No incident is live"):
        call(desk, "elodie.perrin")
    desk.declare("it-outage", stations="AMS")
    desk.declare("it-outage", stations="RTM")
    with pytest.raises(NotAllowed, match=r"2 incidents are live .* such as INC-2"):
        call(desk, "elodie.perrin")
    assert call(desk, "elodie.perrin", incident="inc-2").startswith("INC-2: Élodie Perrin")


# ---------------------------------------------------------------- call-outs


def test_a_call_out_that_nobody_answers_calls_somebody_by_name(desk: Scene, ref: str) -> None:
    desk.pass_time(minutes=60)
    called = [entry for entry in desk.desk.timeline(ref) if entry.kind == "Paged"]
    assert called
    assert called[0].step == "volunteers#1"
    assert "nobody has answered" in called[0].text.lower()
    assert "come, needed by" in called[0].text
    sent = [one for one in desk.slack.all("direct") if "/page/volunteers#1" in page_of(one)]
    assert any(word in sent[0].text for word in ("Please find people", "Zoek alsjeblieft mensen", "Busca personas"))
    pairs = [(page_of(one), one.person) for one in sent]
    assert len(pairs) == len(set(pairs))  # nobody twice in one page
    assert any(desk.desk.person(person).roles == ("duty_manager",) for _, person in pairs)  # type: ignore[union-attr]


def volunteers(desk: Scene, ref: str, count: int) -> list[Person]:
    """So many of those who were asked say yes."""
    found = []
    for one in [i for i in desk.desk.snapshot(ref).invitations if "/volunteers#1" in i.key][:count]:
        person = desk.desk.person(one.person)
        assert person
        desk.desk.press(ANSWER, f"{one.key}|yes", person.chat)
        found.append(person)
    desk.settle()
    return found


def test_when_the_need_falls_people_go_once_and_resolving_thanks_only_the_others(desk: Scene, ref: str) -> None:
    people = volunteers(desk, ref, 4)
    callout = next(one for one in desk.desk.snapshot(ref).callouts if one.step == "volunteers#1")
    assert callout.accepted == 4
    said = easing.ease(desk.desk, ref, None, 1, "duty-manager")
    desk.settle()
    assert "3 need not come" in said
    spared = {
        m.person
        for m in desk.slack.all("direct")
        if "need not come" in m.text or "estás libre" in m.text or "je bent vrij" in m.text
    }
    assert len(spared & {one.key for one in people}) == 3
    with pytest.raises(NotAllowed, match="lowers"):
        easing.ease(desk.desk, ref, "volunteers", 1, "duty-manager")
    before = len(desk.slack.all("direct"))
    desk.desk.resolve(ref, "duty-manager")
    desk.pass_time(minutes=30)
    after = [m.person for m in desk.slack.all("direct")[before:]]
    assert spared.isdisjoint(after)
    assert {one.key for one in people} - spared <= set(after)


@pytest.mark.parametrize(
    ("step", "to", "says"),
    [("nothing", 1, "Say which call-out"), ("volunteers", -1, "no number"), ("volunteers", 500, "lowers")],
)
def test_easing_what_cannot_be_eased_is_one_sentence(desk: Scene, ref: str, step: str, to: int, says: str) -> None:
    with pytest.raises(NotAllowed, match=says):
        easing.ease(desk.desk, ref, step, to, "duty-manager")

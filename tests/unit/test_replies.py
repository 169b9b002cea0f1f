"""Replies by SMS or e-mail, as a gateway hands them in."""

import logging
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from desk.api import build
from desk.api_replies import FORM, Incoming, Repeats, _said, unquoted
from desk.inbox import Inbox
from desk.settings import load
from engine.callout import Answer
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import PEOPLE, asked, asked_of, minutes, under_way
from tests.unit.test_api import headers, is_problem
from tests.unit.volunteers import someone

EVA = "+31612345678"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    people = [one for one in PEOPLE if one.key in ("eva", "tim", "dm", "s000", "s001")] + [
        someone("p1", name="Pim O'Nil")
    ]
    with under_way(tmp_path, people) as made:
        yield made


@pytest.fixture
def api(scene: Scene, tmp_path: Path) -> Iterator[TestClient]:
    app = build(scene.desk, load(home=tmp_path), Inbox(scene.desk))
    with TestClient(app, raise_server_exceptions=False, headers=headers(scene.desk, "gateway")) as client:
        yield client


def reply(api: TestClient, text: str, sender: str = "+100", lane: str = "sms", **more: object) -> str:
    got = api.post(f"/replies/{lane}", json={"from": sender, "text": text, **more})
    assert got.status_code == 200, got.text
    return got.json()["reply"]


def test_the_code_says_who_answers_from_whatever_number(api: TestClient, scene: Scene):
    code = asked_of(scene, "p1").code
    assert "You are expected from 07:10" in reply(api, f"{code} yes")
    there = asked_of(scene, "p1")
    assert (there.answer, there.answered_on) == (Answer.YES, "sms")


def test_without_a_code_the_number_says_who_it_is(api: TestClient, scene: Scene):
    assert "je kunt komen vanaf 08:10" in reply(api, "over 3 uur", EVA)
    there = asked_of(scene, "eva")
    assert (there.answer, there.comes_at) == (Answer.LATER, scene.clock.now() + minutes(180))


def test_a_shared_address_needs_the_code(api: TestClient, scene: Scene):
    assert reply(api, "yes", "shared@example.com", "email") == ""
    assert asked_of(scene, "s000").answer is Answer.NONE
    reply(api, f"yes {asked_of(scene, 's000').code}", "shared@example.com", "email")
    assert (asked_of(scene, "s000").answer, asked_of(scene, "s001").answer) == (Answer.YES, Answer.NONE)


def test_an_e_mail_that_quotes_our_message_is_understood(api: TestClient, scene: Scene):
    code = asked_of(scene, "p1").code
    text = f"Not this time.\n\nOn Sun, 22 Nov 2026 irrops wrote:\n> Can you help? yes / no\n> https://irrops.example/a/{code}\n"
    assert "can't come this time" in reply(api, text, "other@example.com", "email")
    assert asked_of(scene, "p1").answer is Answer.NO


def test_strangers_hear_nothing(api: TestClient, scene: Scene):
    assert reply(api, "yes please") == ""
    assert reply(api, "ABCDEFGHIJ yes") == ""
    assert all(one.answer is Answer.NONE for one in asked(scene))


def test_what_is_not_understood_says_how(api: TestClient, scene: Scene):
    assert "“yes”, “in 2 hours”" in reply(api, f"{asked_of(scene, 'p1').code} banana")
    assert asked_of(scene, "p1").answer is Answer.NONE


def test_a_repeat_is_one_answer_with_the_same_reply(api: TestClient, scene: Scene):
    code = asked_of(scene, "p1").code
    first = reply(api, f"{code} in 3 hours", id="SM1")
    there = asked_of(scene, "p1")
    scene.clock.move_to(scene.clock.now() + minutes(10))
    assert reply(api, f"{code} in 3 hours", id="SM1") == first
    assert asked_of(scene, "p1") == there
    reply(api, f"{code} in 3 hours", id="SM2")
    assert asked_of(scene, "p1").comes_at == (there.comes_at or scene.clock.now()) + minutes(10)


def test_in_two_hours_counts_from_when_it_was_written(api: TestClient, scene: Scene):
    written = scene.clock.now() - minutes(20)
    reply(api, f"{asked_of(scene, 'p1').code} in 3 hours", written_at=written.isoformat())
    assert asked_of(scene, "p1").comes_at == written + minutes(180)


def test_twilio_sends_a_form_and_gets_twiml(api: TestClient, scene: Scene):
    form = {"From": EVA, "Body": "ja", "MessageSid": "SM123", "AccountSid": "AC1", "NumMedia": "0"}
    for _ in range(2):
        got = api.post("/replies/sms", data=form)
        assert got.headers["content-type"] == "application/xml"
        [message] = ElementTree.fromstring(got.text)
        assert (message.tag, ElementTree.fromstring(got.text).tag) == ("Message", "Response")
        assert "We verwachten je" in (message.text or "")
    assert len([one for one in scene.desk.timeline("INC-1") if one.kind == "ResponderAccepted"]) == 1
    silent = api.post("/replies/sms", data={"From": "+1", "Body": "<hello> & yes"})
    assert list(ElementTree.fromstring(silent.text)) == []


def test_twilio_can_send_its_token_as_a_password(scene: Scene, tmp_path: Path):
    token = headers(scene.desk, "gateway")["Authorization"].split()[1]
    app = build(scene.desk, load(home=tmp_path), Inbox(scene.desk))
    with TestClient(app) as plain:
        form = {"From": EVA, "Body": "nee"}
        assert plain.post("/replies/sms", data=form, auth=("irrops", token)).status_code == 200
        refused = plain.post("/replies/sms", data=form, auth=("irrops", "wrong"))
        is_problem(refused, 401)
        assert refused.headers["www-authenticate"].startswith("Basic")
        is_problem(plain.post("/replies/sms", data=form, headers={"Authorization": "Basic %%%"}), 401)
        is_problem(plain.get("/incidents", auth=("irrops", token)), 401)


@pytest.mark.parametrize("role", ["reader", "agent", "source", "approver", "duty_manager"])
def test_only_a_gateway_hands_in_replies(api: TestClient, scene: Scene, role: str):
    body = {"from": EVA, "text": "yes"}
    is_problem(api.post("/replies/sms", json=body, headers=headers(scene.desk, role)), 403, "gateway")
    assert asked_of(scene, "eva").answer is Answer.NONE


@pytest.mark.parametrize(
    ("lane", "body", "kind", "status", "says"),
    [
        ("fax", b"{}", "application/json", 422, "lane"),
        ("sms", b"{", "application/json", 422, "JSON"),
        ("sms", b"[]", "application/json", 422, "object"),
        ("sms", b'{"from": "+1"}', "application/json", 422, "text: Field required"),
        ("sms", b'{"from": "+1", "text": "a", "written_at": "2026-11-22T04:10"}', "application/json", 422, "time zone"),
        ("sms", b"From=%2B1", "application/x-www-form-urlencoded", 422, "text: Field required"),
        ("sms", b"<x/>", "text/xml", 415, "application/json"),
    ],
)
def test_what_is_wrong_is_said(api: TestClient, lane: str, body: bytes, kind: str, status: int, says: str):
    got = api.post(f"/replies/{lane}", content=body, headers={"Content-Type": kind})
    is_problem(got, status, says)


def test_a_sender_who_guesses_is_turned_away(api: TestClient, scene: Scene):
    for _ in range(30):
        assert reply(api, "ABCDEFGHIJ yes", "+666") == ""
    code = asked_of(scene, "p1").code
    is_problem(api.post("/replies/sms", json={"from": "+666", "text": f"{code} yes"}), 429)
    assert asked_of(scene, "p1").answer is Answer.NONE
    assert reply(api, f"{code} yes", "+667")


def test_nothing_personal_is_logged(api: TestClient, scene: Scene, caplog: pytest.LogCaptureFixture):
    code = asked_of(scene, "eva").code
    with caplog.at_level(logging.INFO):
        reply(api, f"{code} ja", EVA)
        reply(api, "ABCDEFGHIJ yes", "+666")
        api.post("/replies/sms", content=b"{", headers={"Content-Type": "application/json"})
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    for word in (code, "ABCDEFGHIJ", EVA, "+666", "Eva"):
        assert word not in "\n".join(ours)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("yes", "yes"),
        ("yes\n> old\nmore", "yes"),
        ("ja\n\nOp zo 22 nov 2026 om 05:10 schreef irrops:\n\nKun je", "ja"),
        ("sí\n________________________________\nDe: irrops", "sí"),
        ("no\n-----Original Message-----\nyes", "no"),
        ("> only a quote", ""),
    ],
)
def test_only_their_own_words_count(text: str, own: str):
    assert unquoted(text) == own


def test_twiml_is_well_formed_whatever_is_said():
    [message] = ElementTree.fromstring(bytes(_said(FORM, "“yes” < 07:10 & <b>").body))
    assert message.text == "“yes” < 07:10 & <b>"


def test_a_repeat_is_known_for_an_hour():
    at = [0.0]
    seen, answers = Repeats(lambda: at[0]), iter(["one", "two", "three"])
    message = Incoming.model_validate({"from": "+1", "text": "yes", "id": "a"})
    assert [seen.once(message, lambda: next(answers)) for _ in range(2)] == ["one", "one"]
    at[0] = 3601
    assert seen.once(message, lambda: next(answers)) == "two"
    other = Incoming.model_validate({"from": "+1", "text": "yes"})
    assert seen.once(other, lambda: next(answers)) == "three"

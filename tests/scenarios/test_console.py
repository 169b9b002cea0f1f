"""The console: who may enter, what is shown, and that each button does what it says. No script, no mocks."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from desk import speaking
from desk.api import build
from desk.auth import make_token
from desk.inbox import Inbox
from desk.settings import load
from engine.statements import StatementStatus
from tests.scenarios.conftest import Scene


@pytest.fixture
def browser(desk: Scene, tmp_path) -> Iterator[TestClient]:  # type: ignore[no-untyped-def]
    """Somebody who may approve, logged in, while ST-1 waits."""
    desk.declare("it-outage", stations="AMS", detail_en="Check-in works at AMS only")
    app = build(desk.desk, load(home=tmp_path), Inbox(desk.desk))
    with TestClient(app, base_url="http://console.test") as client:
        enter(client, desk, "clara", "approver")
        yield client


def enter(client: TestClient, desk: Scene, name: str, role: str) -> None:
    token = make_token(desk.desk.store, name, role, desk.clock.now())
    answer = client.post("/console/login", data={"token": token}, follow_redirects=False)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def fields(html: str) -> dict[str, str]:
    """The hidden fields and texts of the page's first long form, as a browser would send them."""
    from html import unescape

    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))
    found |= {
        name: unescape(text) for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', html, re.S)
    }
    return found


def test_nobody_enters_without_a_token_and_a_gateway_is_nobody(desk: Scene, browser: TestClient) -> None:
    browser.cookies.clear()
    for path in ("/console", "/console/incidents/INC-1", "/console/statements/ST-1"):
        answer = browser.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert browser.post("/console/statements/ST-1", data={"do": "approve"}, follow_redirects=False).status_code == 303
    assert browser.post("/console/login", data={"token": "irrops_wrong"}).status_code == 403
    token = make_token(desk.desk.store, "twilio", "gateway", desk.clock.now())
    assert browser.post("/console/login", data={"token": token}).status_code == 403
    assert desk.desk.statement("ST-1").status is StatementStatus.DRAFTED


def test_the_board_shows_what_waits(browser: TestClient) -> None:
    page = browser.get("/console")
    assert "ST-1, holding" in page.text
    assert "first_word#1 waits for approval by comms_lead" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "<script" not in page.text


def test_what_was_shown_is_approved_and_sent(desk: Scene, browser: TestClient) -> None:
    page = browser.get("/console/statements/ST-1")
    before = desk.desk.statement("ST-1").texts
    answer = browser.post("/console/statements/ST-1", data={**fields(page.text), "role": "comms_lead", "do": "approve"})
    assert "ST-1 is approved" in answer.text
    desk.settle()
    there = desk.desk.statement("ST-1")
    assert (there.status, there.approved_by, there.texts) == (StatementStatus.LIVE, "clara", before)
    assert '<a href="/console/statements/ST-1">ST-1</a>, 0 s' in browser.get("/console/incidents/INC-1").text
    assert "Withdraw it" in browser.get("/console/statements/ST-1").text


def test_words_changed_in_the_form_are_approved_as_they_were_typed(desk: Scene, browser: TestClient) -> None:
    data = fields(browser.get("/console/statements/ST-1").text)
    (field,) = (name for name, value in data.items() if name.startswith("places.") and "status_page|en" in value)
    text = f"text.{field.partition('.')[2]}"
    data[text] = data[text].replace("We are aware", "We know") + "\r\n"
    browser.post("/console/statements/ST-1", data={**data, "role": "comms_lead", "do": "approve"})
    desk.settle()
    (post,) = (post for post in desk.status_page.all("post") if post.language == "en")
    assert post.text.startswith("We know")
    assert post.text == post.text.strip()
    edited = {(t.channel, t.language) for t in desk.desk.statement("ST-1").texts if t.text.startswith("We know")}
    assert edited == {tuple(place.split("|")) for place in data[field].split(",")}


def test_a_form_made_before_somebody_elses_edit_decides_nothing_and_loses_nothing(
    desk: Scene, browser: TestClient
) -> None:
    data = fields(browser.get("/console/statements/ST-1").text)
    desk.desk.edit("ST-1", {("status_page", "en"): "Others typed this."}, "anna", "a test")
    data["text.1"] = "Mine, which took me a while"
    answer = browser.post("/console/statements/ST-1", data={**data, "role": "comms_lead", "do": "approve"})
    assert answer.status_code == 400
    assert "was edited after you were shown it" in answer.text
    assert "Mine, which took me a while" in answer.text
    assert desk.desk.statement("ST-1").status is StatementStatus.DRAFTED


def test_too_long_a_text_is_said_and_kept_in_the_form(desk: Scene, browser: TestClient) -> None:
    data = fields(browser.get("/console/statements/ST-1").text)
    (field,) = (name for name, value in data.items() if name.startswith("places.") and "facebook|en" in value)
    data[f"text.{field.partition('.')[2]}"] = "word " * 20000
    more = {"role": "comms_lead", "do": "edit", "anyway": "a test"}
    answer = browser.post("/console/statements/ST-1", data={**data, **more})
    assert answer.status_code == 400
    assert "Too long for" in answer.text


def test_rejecting_wants_a_reason_and_publishes_nothing(desk: Scene, browser: TestClient) -> None:
    data = fields(browser.get("/console/statements/ST-1").text) | {"role": "comms_lead", "do": "reject"}
    assert "Say why" in browser.post("/console/statements/ST-1", data=data).text
    assert "is rejected" in browser.post("/console/statements/ST-1", data={**data, "reason": "wrong"}).text
    desk.settle()
    assert desk.desk.statement("ST-1").rejected_because == "wrong"
    assert desk.status_page.all("post") == []


def test_correcting_and_withdrawing_from_the_console(desk: Scene, browser: TestClient) -> None:
    data = fields(browser.get("/console/statements/ST-1").text) | {"role": "comms_lead", "do": "approve"}
    browser.post("/console/statements/ST-1", data=data)
    desk.pass_time(minutes=1)
    corrected = {"text.en": "Boarding goes on.", "text.nl": "", "role": "comms_lead", "do": "correct"}
    assert "goes out everywhere now" in browser.post("/console/incidents/INC-1", data=corrected).text
    desk.settle()
    newest = speaking.statements(desk.desk, "INC-1")[-1]
    assert {one.statement for one in speaking.live(desk.desk, "INC-1")} == {newest.ref}
    gone = {"reason": "not so", "role": "duty_manager", "do": "withdraw"}
    assert "is withdrawn" in browser.post(f"/console/statements/{newest.ref}", data=gone).text


def test_a_draft_is_started_from_the_console(desk: Scene, browser: TestClient) -> None:
    answer = browser.post("/console/incidents/INC-1", data={"message": "update", "do": "draft"})
    assert "ST-2 is drafted" in answer.text
    assert desk.desk.statement("ST-2").drafted_by == "clara"


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_a_form_from_elsewhere_does_nothing(desk: Scene, browser: TestClient, headers: dict[str, str]) -> None:
    data = fields(browser.get("/console/statements/ST-1").text) | {"role": "comms_lead", "do": "approve"}
    answer = browser.post("/console/statements/ST-1", data=data, headers=headers)
    assert answer.status_code == 409
    assert desk.desk.statement("ST-1").status is StatementStatus.DRAFTED


def test_a_reader_reads_and_decides_nothing(desk: Scene, browser: TestClient) -> None:
    browser.cookies.clear()
    enter(browser, desk, "rita", "reader")
    page = browser.get("/console/statements/ST-1").text
    assert "Approve these words" not in page
    assert "is for a reader" in browser.post("/console/statements/ST-1", data={"do": "approve"}).text
    assert desk.desk.statement("ST-1").status is StatementStatus.DRAFTED


def test_what_is_not_there_is_said(browser: TestClient) -> None:
    assert "There is no statement ST-99" in browser.get("/console/statements/ST-99").text
    assert "There is no incident INC-99" in browser.get("/console/incidents/INC-99").text
    assert "another version" in browser.post("/console/statements/ST-1", data={"do": "explode"}).text


def test_a_typed_text_is_shown_as_text(desk: Scene, browser: TestClient) -> None:
    desk.desk.edit("ST-1", {("status_page", "en"): "<b>bold</b> Next update by 14:30. Message us."}, "anna", "a test")
    assert "<b>bold" not in browser.get("/console/statements/ST-1").text
    assert "<script>" not in browser.get("/console?said=<script>alert(1)</script>").text

"""The HTTP API: rights, problem details, idempotency, limits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from desk.api import MAX_BODY, build
from desk.auth import RIGHTS, make_token
from desk.clock import SystemClock
from desk.desk import Desk
from desk.inbox import Inbox
from desk.library import Library
from desk.settings import load
from desk.wiring import crew

ALERT = {
    "version": "4",
    "groupKey": '{}:{alertname="CheckinDown"}',
    "status": "firing",
    "receiver": "irrops",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "CheckinDown", "service": "checkin", "severity": "critical"},
            "annotations": {"summary": "Check-in is down"},
            "startsAt": "2026-11-21T22:43:33.632Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": "aaaaaaaaaaaaaaaa",
        }
    ],
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = load(home=tmp_path)
    wired = crew(settings)
    yield Desk(wired, Library(settings.playbooks))
    wired.close()


@pytest.fixture
def api(desk: Desk, tmp_path: Path) -> Iterator[TestClient]:
    settings = load(home=tmp_path, alertmanager={"token": "tok123"})
    with TestClient(build(desk, settings, Inbox(desk)), raise_server_exceptions=False) as client:
        yield client


def headers(desk: Desk, role: str = "duty_manager") -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(desk.store, role, role, SystemClock().now())}"}


def is_problem(response: Any, status: int, *words: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    for word in words:
        assert word in body["detail"]


def test_declare_show_and_list(api: TestClient, desk: Desk) -> None:
    me = headers(desk)
    made = api.post("/incidents", json={"playbook": "it-outage", "facts": {"stations": "ams, rtm"}}, headers=me)
    assert made.status_code == 201
    assert made.json()["incident"] == "INC-1"
    assert made.json()["facts"]["stations"] == ["AMS", "RTM"]
    shown = api.get("/incidents/INC-1", headers=me).json()
    assert shown["timeline"][0]["kind"] == "Declared"
    assert [one["incident"] for one in api.get("/incidents?live=true", headers=me).json()] == ["INC-1"]


def test_declaring_again_with_the_same_key_is_the_same_incident(api: TestClient, desk: Desk) -> None:
    me = headers(desk) | {"Idempotency-Key": "k-1"}
    body = {"playbook": "it-outage", "facts": {"stations": "AMS"}}
    refs = {api.post("/incidents", json=body, headers=me).json()["incident"] for _ in range(3)}
    assert refs == {"INC-1"}
    assert len(desk.incidents()) == 1
    is_problem(api.post("/incidents", json=body | {"playbook": "strike", "facts": {}}, headers=me), 422, "missing")


def test_without_a_token_nothing_is_said(api: TestClient, desk: Desk) -> None:
    is_problem(api.get("/incidents"), 401, "irrops token make")
    is_problem(api.get("/incidents", headers={"Authorization": "Bearer irrops_guess"}), 401)
    assert api.get("/incidents").headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", sorted(RIGHTS))
def test_only_a_duty_manager_declares(api: TestClient, desk: Desk, role: str) -> None:
    body = {"playbook": "it-outage", "facts": {"stations": "AMS"}}
    made = api.post("/incidents", json=body, headers=headers(desk, role))
    if role == "duty_manager":
        assert made.status_code == 201
    else:
        is_problem(made, 403, role)
        assert desk.incidents() == []


def test_what_is_wrong_is_said_with_its_remedy(api: TestClient, desk: Desk) -> None:
    me = headers(desk)
    is_problem(api.post("/incidents", json={"playbook": "it-outag"}, headers=me), 404, "did you mean it-outage?")
    wrong = {"playbook": "it-outage", "facts": {"stations": "Amsterdam", "colour": "red"}}
    is_problem(api.post("/incidents", json=wrong, headers=me), 422, "stations", "colour")
    is_problem(api.get("/incidents/INC-9", headers=me), 404, "INC-9")
    is_problem(api.get("/incidents/banana", headers=me), 404, "write it like INC-12")
    is_problem(api.get("/incidents/INC-99999999999999999999/queue", headers=me), 404, "write it like INC-12")
    is_problem(api.post("/incidents", json={"playbooks": "x"}, headers=me), 422, "playbooks")
    is_problem(api.post("/incidents", content=b"{", headers=me), 422)
    assert desk.incidents() == []


def test_a_second_resolve_is_refused_in_one_sentence(api: TestClient, desk: Desk) -> None:
    me = headers(desk)
    api.post("/incidents", json={"playbook": "it-outage", "facts": {"stations": "AMS"}}, headers=me)
    assert api.post("/incidents/INC-1/resolve", headers=me).json()["status"] == "resolved"
    is_problem(api.post("/incidents/INC-1/resolve", headers=me), 409, "INC-1 is resolved", "reviewed")


def test_a_body_of_ten_megabytes_is_refused(api: TestClient, desk: Desk) -> None:
    big = b"x" * (10 * 1024 * 1024)
    is_problem(api.post("/alerts/alertmanager", content=big), 413)

    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_BODY // 65536 + 2):
            yield b"x" * 65536

    is_problem(api.post("/alerts/alertmanager", content=chunks()), 413)


def test_an_alert_is_stored_once_and_a_repeat_is_no_news(api: TestClient, desk: Desk) -> None:
    token = {"Authorization": "Bearer tok123"}
    first = api.post("/alerts/alertmanager", json=ALERT, headers=token)
    assert first.status_code == 202
    assert first.json() == {"accepted": 1, "new": 1}
    assert api.post("/alerts/alertmanager", json=ALERT, headers=token).json() == {"accepted": 1, "new": 0}
    is_problem(api.post("/alerts/alertmanager", json=ALERT), 401)
    is_problem(api.post("/alerts/alertmanager", json={"version": "9"}, headers=token), 400)
    is_problem(api.post("/alerts/nosuch", json=ALERT, headers=token), 404, "alertmanager")


def test_the_openapi_document_names_every_door(api: TestClient) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    assert {"/incidents", "/incidents/{ref}", "/statements/{name}/approve", "/alerts/{source}"} <= set(paths)
    assert "/incidents/{ref}/conversations/next" in paths

"""Call-outs over HTTP: how they stand, what would be asked, starting one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from desk import callout_view
from desk.api import build
from desk.inbox import Inbox
from desk.settings import load
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import asked, under_way
from tests.unit.test_api import headers, is_problem


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with under_way(tmp_path) as made:
        yield made


@pytest.fixture
def api(scene: Scene, tmp_path: Path) -> Iterator[TestClient]:
    app = build(scene.desk, load(home=tmp_path), Inbox(scene.desk))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_how_it_stands_is_what_the_command_line_says(api: TestClient, scene: Scene):
    got = api.get("/incidents/INC-1/callouts", headers=headers(scene.desk, "reader"))
    assert got.status_code == 200
    assert got.json() == callout_view.show(scene.desk, "INC-1").model_dump(mode="json")
    assert got.json()["slots"][0]["counts"]["asked"] == len(asked(scene))
    for secret in (one.code for one in asked(scene)):
        assert secret not in got.text


def test_the_plan_takes_what_is_to_be_changed(api: TestClient, scene: Scene):
    me = headers(scene.desk, "reader")
    query = "step=more&quota=4&language=es=2&language=nl=1&at_least=rebooking=1"
    slot = api.get(f"/incidents/1/callouts/plan?{query}", headers=me).json()["slots"][0]
    assert (slot["quota"], slot["minima"]) == (4, {"es": 2, "nl": 1, "rebooking": 1})
    assert slot["first_wave"]
    is_problem(api.get("/incidents/1/callouts/plan?step=more&language=Spanish", headers=me), 422, "language")
    is_problem(api.get("/incidents/1/callouts/plan?step=more&quota=2&language=es=3", headers=me), 422, "add up to 3")
    is_problem(api.get("/incidents/1/callouts/plan?quota=2", headers=me), 409, "runs already")
    is_problem(api.get("/incidents/7/callouts/plan", headers=me), 404, "INC-7")


def test_a_duty_manager_starts_one_and_a_double_click_starts_no_other(api: TestClient, scene: Scene):
    me, body = headers(scene.desk), {"step": "more", "quota": 2, "languages": {"es": 1}}
    for _ in range(2):
        got = api.post("/incidents/INC-1/callouts", json=body, headers=me)
        assert (got.status_code, got.json()) == (202, {"incident": "INC-1", "step": "more#1"})
        scene.settle()
    slots = api.get("/incidents/INC-1/callouts", headers=me).json()["slots"]
    assert [(one["step"], one["quota"], one["minima"]) for one in slots if one["step"] == "more#1"] == [
        ("more#1", 2, {"es": 1})
    ]
    is_problem(api.post("/incidents/INC-1/callouts", json={}, headers=me), 409, "volunteers#1 runs already")
    is_problem(api.post("/incidents/INC-1/callouts", json={"quota": 0}, headers=me), 422, "quota")
    is_problem(api.post("/incidents/INC-1/callouts", json={"step": "x"}, headers=me), 409, "there is volunteers, more")


@pytest.mark.parametrize("role", ["reader", "agent", "approver", "source", "gateway"])
def test_only_a_duty_manager_starts_one(api: TestClient, scene: Scene, role: str):
    is_problem(api.post("/incidents/1/callouts", json={"step": "more"}, headers=headers(scene.desk, role)), 403, role)
    assert not asked(scene, "more#1")


@pytest.mark.parametrize("role", ["source", "gateway"])
def test_who_may_not_read_learns_no_names(api: TestClient, scene: Scene, role: str):
    me = headers(scene.desk, role)
    is_problem(api.get("/incidents/1/callouts", headers=me), 403)
    is_problem(api.get("/incidents/1/callouts/plan", headers=me), 403)
    is_problem(api.get("/incidents/1/callouts"), 401)

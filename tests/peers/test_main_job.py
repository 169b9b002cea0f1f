"""The main job on real input: Alertmanager fires at `irrops serve`; Slack, the status page and the queue show it."""

import csv
import hashlib
import hmac
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.peers.conftest import SIGNING_SECRET, Slack
from tests.peers.outward import alertmanager_to, program, until
from tests.peers.programs import ROOT, free_port, running

pytestmark = [pytest.mark.peers, pytest.mark.timeout(240)]

IRROPS = Path(sys.executable).with_name("irrops")


class Service:
    """A running `irrops serve`, and its command line."""

    def __init__(self, slack: Slack, home: Path, port: int, prefect_port: int):
        self.home, self.port, self.prefect_port = home, port, prefect_port
        self.url = f"http://127.0.0.1:{port}"
        self.env = {
            "IRROPS_HOME": str(home),
            "IRROPS_PORT": str(port),
            "IRROPS_PREFECT_PORT": str(prefect_port),
            "IRROPS_SLACK_BOT_TOKEN": slack.token,
            "IRROPS_SLACK_API_URL": slack.api_url,
            "IRROPS_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "IRROPS_ALERTMANAGER_TOKEN": "a-token",
        }

    def irrops(self, *words: str) -> str:
        import os

        done = subprocess.run(
            [IRROPS, *words], env={**os.environ, **self.env}, cwd=self.home, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def show(self, ref: str = "INC-1") -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.irrops("incident", "show", ref, "--json"))
        return shown

    def press(self, user: str, channel: str, message: dict[str, Any], label: str) -> int:
        """Press a button under a message, signed as Slack does."""
        button = next(
            element
            for block in message["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
            if element["text"]["text"] == label
        )
        payload = {
            "type": "block_actions",
            "team": {"id": "T1", "domain": "ops"},
            "user": {"id": user, "team_id": "T1"},
            "api_app_id": "A1",
            "token": "t",
            "trigger_id": "1.2.3",
            "response_url": "",
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel},
            "channel": {"id": channel, "name": "directmessage"},
            "message": message,
            "actions": [{**button, "block_id": "b", "action_ts": "1.0"}],
        }
        body = urlencode({"payload": json.dumps(payload)})
        stamp = str(int(time.time()))
        signature = hmac.new(SIGNING_SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signature}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return httpx.post(f"{self.url}/slack/events", content=body, headers=headers, timeout=5).status_code


def people_file(slack: Slack, path: Path) -> None:
    """An organisation of the people in the Slack workspace: leads, a social team, volunteers."""
    head = (ROOT / "examples" / "people.csv").read_text().splitlines()[0].split(",")
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, head)
        rows.writeheader()
        for name, chat in sorted(slack.people.items()):
            if not name.startswith("person"):
                continue
            number = int(name.removeprefix("person"))
            role = {1: "duty_manager", 2: "comms_lead", 3: "deputy_comms_lead"}.get(number, "")
            social = 4 <= number < 8
            rows.writerow(
                {name: "" for name in head}
                | {
                    "key": name,
                    "name": name.title(),
                    "department": "communications" if role or social else "customer_care",
                    "team": "social" if social else "",
                    "roles": role,
                    "languages": "en;nl;es",
                    "skills": "check_in;rebooking;ticketing;care",
                    "answers": "private;public",
                    "time_zone": "UTC",
                    "chat": chat,
                    "email": f"{name}@example.org",
                    "active": "yes",
                }
            )


@pytest.fixture
def service(slack: Slack, tmp_path: Path) -> Iterator[Service]:
    home = tmp_path / "home"
    home.mkdir()
    there = Service(slack, home, free_port(), free_port())
    people_file(slack, tmp_path / "people.csv")
    there.irrops("people", "import", str(tmp_path / "people.csv"))

    def ready() -> bool:
        try:
            return httpx.get(f"{there.url}/openapi.json", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    with running([IRROPS, "serve"], ready, tmp_path / "serve.log", env=there.env, cwd=home):
        yield there


def direct(slack: Slack, user: str) -> tuple[str, list[dict[str, Any]]]:
    """The direct messages that a person got: channel, messages."""
    channel = slack.client().conversations_open(users=user)["channel"]["id"]
    return channel, slack.messages(channel)


def test_an_alert_becomes_a_response(slack: Slack, service: Service, tmp_path: Path) -> None:
    with alertmanager_to(f"{service.url}/alerts/alertmanager", "a-token", tmp_path) as alertmanager:
        labels = ["alertname=DcsDown", "service=dcs", "severity=critical", "region=eu"]
        add = [program("amtool"), f"--alertmanager.url={alertmanager}", "alert", "add", *labels]
        subprocess.run([*add, "--annotation=summary=Departure control is down"], check=True, timeout=20)

        # The alert declared, and its repeats (every two seconds) did not.
        database = f"file:{service.home / 'irrops.db'}?mode=ro"

        def repeats() -> int:
            with sqlite3.connect(database, uri=True) as connection:
                found = connection.execute("SELECT coalesce(max(repeats), 0) FROM alert").fetchone()
            return int(found[0])

        until("two repeats of the alert", lambda: repeats() >= 2)
    assert [one["incident"] for one in json.loads(service.irrops("incident", "list", "--json"))] == ["INC-1"]

    # Slack: a room with its topic and a situation post.
    listed = slack.client().conversations_list
    room = until("the room", lambda: [one for one in listed(limit=999)["channels"] if _is_ours(one)])
    assert "SEV1" in room[0]["topic"]["value"]
    until("the situation post", lambda: slack.messages(room[0]["id"]))

    # The approver approves by button; the statement is on the status page.
    approver = slack.people["person02"]
    channel, messages = until("the request for approval", lambda: _with_buttons(direct(slack, approver), "Approve"))
    assert service.press(approver, channel, messages[0], "Approve") == 200
    page = service.home / "status" / "index.html"
    until("the page in the status folder", page.exists)
    until("the statement to be live", lambda: service.show()["statements"][0]["status"] == "live")
    assert "IT problem" in page.read_text()
    assert (service.home / "status" / "feed.atom").exists()

    # The queue is open: a conversation goes in, and out to an agent.
    assert service.show()["queue"]["answer_within_s"] == 1800
    token = service.irrops("token", "make", "agent", "--role", "agent").strip()
    me = {"Authorization": f"Bearer {token}"}
    message = {"channel": "x", "id": "1", "text": "We are stranded at the gate with a baby", "language": "en"}
    assert httpx.post(f"{service.url}/incidents/INC-1/conversations", json=message, headers=me).json()["new"] == 1
    taken = httpx.post(f"{service.url}/incidents/INC-1/conversations/next", json={"agent": "person05"}, headers=me)
    assert taken.json()["urgency"] == 1

    # A volunteer says yes by button, another no; the message says so in place.
    everybody = [name for name in sorted(slack.people) if name.startswith("person")]
    asked = [name for name in everybody if _with_buttons(direct(slack, slack.people[name]), "I can come")]
    assert len(asked) >= 2
    for name, label, answer in ((asked[0], "I can come", "yes"), (asked[1], "Not this time", "no")):
        user = slack.people[name]
        channel, messages = direct(slack, user)
        mine = next(m for m in messages if _labels(m) and label in _labels(m))
        assert service.press(user, channel, mine, label) == 200
        until(f"{name}'s answer", lambda who=name, what=answer: _answer(service, who) == what)
        until("the button to go", lambda c=channel, t=mine["ts"], b=label: b not in _labels(_message(slack, c, t)))

    # What runs is in Prefect, under the incident's name, once its server is up.
    until("Prefect's server", lambda: _flow_runs(service.prefect_port) is not None, seconds=90)
    service.irrops("incident", "severity", "INC-1", "SEV2")
    until("a flow run", lambda: _flow_runs(service.prefect_port), seconds=30)


def _is_ours(channel: dict[str, Any]) -> bool:
    return str(channel["name"]).startswith("inc-1-it-outage") and "SEV1" in channel["topic"]["value"]


def _labels(message: dict[str, Any]) -> list[str]:
    blocks = [block for block in message.get("blocks", []) if block["type"] == "actions"]
    return [element["text"]["text"] for block in blocks for element in block["elements"]]


def _with_buttons(found: tuple[str, list[dict[str, Any]]], label: str) -> Any:
    channel, messages = found
    carrying = [message for message in messages if label in _labels(message)]
    return (channel, carrying) if carrying else None


def _message(slack: Slack, channel: str, ts: str) -> dict[str, Any]:
    return next(message for message in slack.messages(channel) if message["ts"] == ts)


def _answer(service: Service, person: str) -> str:
    with sqlite3.connect(f"file:{service.home / 'irrops.db'}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT answer FROM invitation WHERE person = ?", (person,)).fetchone()
    return str(found[0]) if found else ""


def _flow_runs(port: int) -> list[Any] | None:
    try:
        answer = httpx.post(f"http://127.0.0.1:{port}/api/flow_runs/filter", json={}, timeout=5)
    except httpx.HTTPError:
        return None
    return [run for run in answer.json() if run["name"] == "INC-1" and "incident:INC-1" in run["tags"]]

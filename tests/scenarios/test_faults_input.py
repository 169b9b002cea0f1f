"""Bad input at every door: one clear sentence with the place and the remedy, and nothing is lost or half-written."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from desk.api import build
from desk.auth import make_token
from desk.cli import main
from desk.clock import SystemClock
from desk.desk import Desk
from desk.inbox import Inbox
from desk.library import Library
from desk.settings import load
from desk.wiring import crew
from state.database import open_database

GOOD = """\
playbook: bad
title: A bad one
severity: SEV2
facts:
  stations: {type: stations, ask: "Which stations?"}
  passengers: {type: integer, min: 0, default: 0, ask: "How many passengers?"}
steps:
  - key: word
    action: publish_statement
    with: {message: holding, channels: [status_page], languages: [en], next_update_in: 30m}
  - key: queue
    action: open_queue
    after: [word]
    with: {answer_within: 60m, solve_within: 24h}
"""
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

BAD_PLAYBOOKS = {
    "an unknown key": (GOOD.replace("severity: SEV2", "severity: SEV2\ncolour: red"), 4, ("'colour'", "known here")),
    "an unknown parameter": (GOOD.replace("answer_within", "answer_in"), 14, ("'answer_in'", "mean answer_within?")),
    "a cycle": (
        GOOD.replace("action: publish_statement", "action: publish_statement\n    after: [queue]"),
        10,
        ("word after queue after word", "take one `after` out"),
    ),
    "a duration that is none": (GOOD.replace("60m", "10 minutes-ish"), 14, ("10 minutes-ish", "write it like")),
    "a bomb": (BOMB, 1, ("anchors", "write the value out")),
    "far too large": (GOOD + "#" * 300_000, 1, ("larger than", "split it")),
    "no YAML": (GOOD.replace("steps:", "steps: ["), 8, ("check the indentation",)),
    "a step after none": (GOOD.replace("[word]", "[wrd]"), 13, ("no step 'wrd'", "Did you mean word?")),
    "an action that is none": (GOOD.replace("open_queue", "open_que"), 12, ("'open_que'", "Did you mean open_queue?")),
    "an expression that is none": (
        GOOD.replace("after: [word]", 'when: "facts.stations =="'),
        13,
        ("not an expression",),
    ),
}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The only line on stderr that is no announcement."""
        lines = [line for line in self.err.splitlines() if not line.startswith(("SANDBOX", "NO PEOPLE"))]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("irrops: ")
        return lines[0]


Command = Callable[..., Said]


@pytest.fixture
def irrops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, in this process."""
    monkeypatch.setenv("IRROPS_HOME", str(tmp_path))
    monkeypatch.setenv("IRROPS_PREFECT", "false")

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["irrops", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    return run


def folder_with(tmp_path: Path, name: str, content: str) -> Path:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / name).write_text(content)
    return folder


def test_the_playbook_that_is_spoilt_below_is_good(irrops: Command, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "bad.yaml", GOOD)
    assert irrops("playbook", "check", str(folder / "bad.yaml")).code == 0


@pytest.mark.parametrize("what", BAD_PLAYBOOKS)
def test_a_playbook_with(irrops: Command, tmp_path: Path, what: str) -> None:
    content, line, words = BAD_PLAYBOOKS[what]
    file = folder_with(tmp_path, "bad.yaml", content) / "bad.yaml"
    said = irrops("playbook", "check", str(file))
    assert said.code == 2
    findings = said.out.splitlines()
    assert all(finding.startswith(f"{file}:") for finding in findings)
    (finding,) = [finding for finding in findings if all(word in finding for word in words)]
    assert finding.startswith(f"{file}:{line}: ")
    assert "Traceback" not in said.err


def test_a_template_that_does_not_render(
    irrops: Command, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = shutil.copytree(root / "templates" / "messages", tmp_path / "messages")
    (messages / "holding" / "en.j2").write_text("We fly {{ plane.kind }} today.\n")
    monkeypatch.setenv("IRROPS_MESSAGES", str(messages))
    file = folder_with(tmp_path, "bad.yaml", GOOD) / "bad.yaml"
    said = irrops("playbook", "check", str(file))
    assert said.code == 2
    assert str(file) in said.out
    assert "plane" in said.out
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (("stations=Amsterdam",), ("AMSTERDAM is no station", "AMS,RTM")),
        (("stations=AMS", "passengers=many"), ("passengers", "'many' is not a whole number")),
        (("stations=AMS", "passengers=-3"), ("-3 is outside 0",)),
        (("stations=AMS", "colour=red"), ("colour is not asked for", "stations, passengers")),
        ((), ("missing: stations", "Which stations?")),
        (("stations",), ("write it as NAME=VALUE",)),
        (("stations=AMS", "passengers=" + "9" * 40), ("passengers", "whole number")),
    ],
)
def test_facts(
    irrops: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: tuple[str, ...], words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("IRROPS_PLAYBOOKS", str(folder_with(tmp_path, "bad.yaml", GOOD)))
    said = irrops("declare", "bad", *(word for fact in facts for word in ("--fact", fact)))
    assert said.code == 2
    for word in words:
        assert word in said.sentence
    assert "No incident was ever declared" in irrops("incident", "list").err


BAD_PEOPLE = """\
key,name,department,languages,skills,time_zone,chat,lanes,shifts
anna,Anna Bakker,ticketing,nl;en,rebooking:2,Europe/Amsterdam,U0ANNA,sms;slack,Mon-Fri 09:00-17:00
anna,Anna Twice,ticketing,nl,care,Europe/Amsterdam,U0OTHER,,
bea,Bea Boer,ticketing,nl;xx,care,Europe/Amsterdm,U0BEA,,
carl,Carl Boer,ticketing,nl,care:9,Europe/Amsterdam,U0CARL,pigeon,Mon 05:00-23:00
"""
MISTAKES = {
    3: ("key: 'anna' stands on line 2 already",),
    4: ("languages: xx: no language code; write two letters", "no time zone; write one such as Europe/Amsterdam"),
    5: ("skills: 'care:9' has no such level; write 1", "lanes: pigeon: no lane; write some of slack", "at most 16"),
}


def test_a_people_file_full_of_mistakes(irrops: Command, tmp_path: Path) -> None:
    file = tmp_path / "staff.csv"
    file.write_text(BAD_PEOPLE)
    for verb in ("check", "import"):
        said = irrops("people", verb, str(file))
        assert said.code == 2
        lines = [line for line in (said.out + said.err).splitlines() if str(file) in line]
        for number, mistakes in MISTAKES.items():
            here = [line for line in lines if f"{file}:{number}: " in line]
            assert len(here) == len(mistakes)
            assert all(any(mistake in line for line in here) for mistake in mistakes)
        assert "Traceback" not in said.err
    assert "Nobody" in irrops("people", "list").err
    file.write_text("\n".join(BAD_PEOPLE.splitlines()[:2]))
    said = irrops("people", "check", str(file))
    assert (said.code, said.err) == (0, "1 people, all good.\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("incident", "show", "INC-9"), ("no incident INC-9", "irrops incident list")),
        (("incident", "show", "banana"), ("banana", "INC-12")),
        (("incident", "show", "INC-" + "9" * 30), ("INC-12",)),
        (("incident", "resolve", "INC-9"), ("no incident INC-9",)),
        (("declare", "it-outag"), ("no playbook 'it-outag'", "did you mean it-outage?")),
        (("declare", "it-outage", "--severity", "HIGH"), ("'HIGH' is no severity", "SEV1")),
        (("approve", "ST-9", "--as", "comms_lead"), ("no statement ST-9", "irrops incident show")),
        (("effect", "decide", "INC-1-x/nothing", "--sent"), ("no effect", "irrops effect list")),
        (("alert", "receive", "nagios", "pyproject.toml"), ("nagios", "alertmanager")),
        (("alert", "receive", "alertmanager", "pyproject.toml"), ("not JSON", "Alertmanager")),
        (("alert", "receive", "alertmanager", "nothing.json"), ("nothing.json",)),
        (("declare", "it-outage", "--by", "\udcff"), ("not UTF-8",)),
    ],
)
def test_a_command_that_names_what_is_not_there(irrops: Command, words: tuple[str, ...], says: tuple[str, ...]) -> None:
    said = irrops(*words)
    assert said.code == 2
    for word in says:
        assert word in said.sentence
    assert "No incident was ever declared" in irrops("incident", "list").err


def test_a_second_resolve(irrops: Command) -> None:
    assert irrops("declare", "it-outage").code == 0
    assert irrops("incident", "resolve", "INC-1").code == 0
    before = irrops("incident", "show", "INC-1", "--json").out
    said = irrops("incident", "resolve", "INC-1")
    assert said.code == 2
    assert "INC-1 is resolved" in said.sentence
    assert "Possible from here: responding, reviewed" in said.sentence
    assert irrops("incident", "show", "INC-1", "--json").out == before


def test_a_database_of_a_newer_irrops(irrops: Command, tmp_path: Path) -> None:
    assert irrops("declare", "it-outage").code == 0
    engine = open_database(f"sqlite:///{tmp_path / 'irrops.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    before = (tmp_path / "irrops.db").read_bytes()
    for words in (("declare", "it-outage"), ("incident", "list"), ("incident", "resolve", "INC-1")):
        said = irrops(*words)
        assert said.code == 2
        assert "9999" in said.sentence
        assert "upgrade irrops" in said.sentence
    assert (tmp_path / "irrops.db").read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"IRROPS_PORT": "none"}, ("port", "docs/settings.md")),
        ({"IRROPS_SLACK_COLOUR": "red"}, ("slack.colour",)),
        ({"IRROPS_DATABASE": "somewhere"}, ("not a database address", "sqlite:///")),
        ({"IRROPS_DATABASE": "sqlite:////proc/irrops.db"}, ("database", "open")),
        ({"IRROPS_SLACK_BOT_TOKEN_FILE": "/nowhere/token"}, ("IRROPS_SLACK_BOT_TOKEN_FILE", "can't be read")),
    ],
)
def test_settings(
    irrops: Command, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: tuple[str, ...]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    said = irrops("incident", "list")
    assert said.code == 2
    for word in words:
        assert word in said.sentence


# ---------------------------------------------------------------- HTTP


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = load(home=tmp_path)
    wired = crew(settings)
    yield Desk(wired, Library(settings.playbooks))
    wired.close()


@pytest.fixture
def api(desk: Desk, tmp_path: Path) -> Iterator[TestClient]:
    settings = load(home=tmp_path, alertmanager={"token": "tok"})
    token = make_token(desk.store, "me", "duty_manager", SystemClock().now())
    with TestClient(build(desk, settings, Inbox(desk)), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def declared(facts: str, playbook: str = "strike") -> dict[str, Any]:
    body = f'{{"playbook": "{playbook}", "facts": {facts}}}'.encode()
    return {"url": "/incidents", "content": body, "headers": {"Content-Type": "application/json"}}


HUGE = "9" * 30
BAD_REQUESTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "ten megabytes": ({"url": "/incidents", "content": b"x" * 10_000_000}, 413, "5 MB; send it in parts"),
    "ten megabytes of alerts": ({"url": "/alerts/alertmanager", "content": b"x" * 10_000_000}, 413, "in parts"),
    "no JSON": (declared("{"), 422, "JSON"),
    "no UTF-8": (declared("").copy() | {"content": b'{"playbook":"\xff"}'}, 400, "parsing the body"),
    "a thousand brackets": (declared("[" * 100_000), 400, "parsing the body"),
    "a number of 5,000 digits": (declared(f'{{"stations": {"9" * 5000}}}'), 400, "parsing the body"),
    "half a character": (declared('{"detail_en": "\\ud800"}', "it-outage"), 422, "detail_en"),
    "a control character": (declared('{"detail_en": "a\\u0000b"}', "it-outage"), 422, "control characters"),
    "facts of the wrong type": (declared('{"stations": {"a": 1}}', "it-outage"), 422, "stations"),
    "facts that are missing": (declared("{}"), 422, "missing"),
    "a playbook that is none": (declared("{}", "stirke"), 404, "did you mean strike?"),
    "an unknown field": (declared('{}, "color": 1'), 422, "color"),
    "an incident that is none": ({"url": "/incidents/INC-9/resolve"}, 404, "no incident INC-9"),
    "an incident that can't be": ({"url": f"/incidents/INC-{HUGE}/resolve"}, 404, "write it like INC-12"),
    "a proposal that can't be": ({"url": f"/proposals/{HUGE}/dismiss"}, 404, "no proposal"),
    "a statement that can't be": (
        {"url": f"/statements/ST-{HUGE}/approve", "json": {"role": "comms_lead"}},
        404,
        "no statement",
    ),
    "a way that is none": ({"url": "/nonsense"}, 404, "Not Found"),
    "a method that is none": ({"url": "/incidents/INC-1"}, 405, "Not Allowed"),
    "alerts that are none": (
        {"url": "/alerts/alertmanager", "content": b"[" * 100_000, "headers": {"Authorization": "Bearer tok"}},
        400,
        "version 4, is expected",
    ),
}


@pytest.mark.parametrize("what", BAD_REQUESTS)
def test_a_request_with(api: TestClient, desk: Desk, what: str) -> None:
    request, status, word = BAD_REQUESTS[what]
    answer = api.post(**request)
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert word in problem["detail"]
    assert desk.incidents() == []

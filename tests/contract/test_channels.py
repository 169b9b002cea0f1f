"""What every channel keeps to. A new one in the registry is tested without a change here."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from engine.check import check
from engine.effects import Attachment, Direct, Invite, Message, Post, Receipt, Revise, Room, Text, Topic
from engine.lanes import ADDRESS
from engine.limits import measure
from engine.playbook import parse
from engine.ports import Channel, Refused, TextLimit
from integrations import CHANNELS, LIMITS, READY, SECTIONS, SOURCES, Config, open_channels
from integrations.sandbox import Sandbox, messages
from integrations.sandbox.channel import ALL_KINDS
from tests.example_house import PLAYBOOK, ROLES, example_house

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
EXAMPLES: dict[str, Message] = {
    "post": Post(
        incident="INC-1",
        title="IT outage",
        message="holding",
        language="en",
        text="We are aware.",
        severity="SEV1",
        status="responding",
        statement="INC-1-abc/first_word#1",
        drafted_at=NOW,
    ),
    "room": Room(name="inc-1-it-outage", topic="t", purpose="p"),
    "topic": Topic(topic="t"),
    "invite": Invite(members=("U0001",)),
    "text": Text(text="Situation", room="duty"),
    "direct": Direct(
        person="ada",
        address="U0001",
        text="Can you come?",
        subject="Call-out",
        attachments=(Attachment(name="slot.ics", type="text/calendar; method=PUBLISH", text="BEGIN:VCALENDAR"),),
    ),
    "revise": Revise(text="Situation, changed"),
}
BASE = Receipt(id="1", place="C0001")
SECRET = "a-secret-that-must-not-be-shown"

channels = pytest.mark.parametrize("name", CHANNELS)


def section(name: str) -> str:
    """The section of the settings that a channel or source has."""
    return SECTIONS.get(name, name)


def connected(name: str, home: Path) -> Channel:
    return CHANNELS[name](Config().at(home), lambda: NOW)


def test_the_examples_are_all_kinds() -> None:
    assert set(EXAMPLES) == {model.model_fields["kind"].default for model in get_args(get_args(Message)[0])}
    assert set(EXAMPLES) == ALL_KINDS


def test_the_registry_speaks_of_the_same_channels_everywhere() -> None:
    assert set(CHANNELS) == set(LIMITS) == set(READY)
    assert SECTIONS.keys() <= CHANNELS.keys() | SOURCES.keys()


@channels
def test_a_channel_says_what_it_is_before_it_connects(name: str, tmp_path: Path) -> None:
    channel = connected(name, tmp_path)
    assert channel.name == name
    assert channel.kinds
    assert channel.kinds <= EXAMPLES.keys()
    assert channel.sandbox is False
    assert channel.limit == LIMITS[name]
    assert not list(tmp_path.iterdir())


@channels
def test_a_limit_can_be_measured_and_says_where_it_is_from(name: str) -> None:
    limit = LIMITS[name]
    if limit is not None:
        assert isinstance(limit, TextLimit)
        assert measure("abc", limit) == 3
        assert len(limit.source) > 10


@pytest.mark.parametrize("name", sorted({*map(section, CHANNELS), *map(section, SOURCES), "sandbox"}))
def test_every_setting_is_described_and_an_unknown_one_refused(name: str) -> None:
    field = Config.model_fields[name]
    assert field.description
    settings = field.annotation
    assert settings is not None
    assert issubclass(settings, BaseModel)
    for setting, info in settings.model_fields.items():
        assert info.description, f"{name}.{setting} has no description"
        assert info.description[-1] in ".)"
    with pytest.raises(ValidationError, match="not_a_setting"):
        settings.model_validate({"not_a_setting": 1})


@pytest.mark.parametrize("name", Config.model_fields)
def test_secrets_are_not_shown(name: str) -> None:
    settings = Config.model_fields[name].annotation
    assert settings is not None
    secret = [
        s for s, info in settings.model_fields.items() if SecretStr in (info.annotation, *get_args(info.annotation))
    ]
    hinting = [s for s in settings.model_fields if any(word in s for word in ("token", "password", "secret"))]
    assert set(hinting) <= set(secret)
    shown = settings.model_validate(dict.fromkeys(secret, SECRET))
    assert SECRET not in f"{shown!r} {shown} {shown.model_dump_json()}"


def test_without_credentials_the_sandbox_stands_for_a_channel_under_its_name(tmp_path: Path) -> None:
    opened = open_channels(Config(), tmp_path)
    assert set(opened) == set(CHANNELS)
    for name, channel in opened.items():
        assert channel.name == name
        assert channel.sandbox is not READY[name](Config())
        assert channel.limit == LIMITS[name]
    assert not opened["status_page"].sandbox


def test_with_credentials_the_real_one_is_opened_and_nothing_connects(tmp_path: Path) -> None:
    given = {
        "slack": {"bot_token": "xoxb-1"},
        "bluesky": {"handle": "a.example", "app_password": "p"},
        "email": {"host": "smtp.invalid", "sender": "duty@airline.example"},
        "apprise": dict.fromkeys(("sms", "voice", "push"), "json://nobody.invalid/{address}"),
    }
    opened = open_channels(Config.model_validate(given), tmp_path)
    assert not any(channel.sandbox for channel in opened.values())


def test_always_means_that_nothing_leaves_the_house(tmp_path: Path) -> None:
    given = {"slack": {"bot_token": "xoxb-1"}, "sandbox": {"always": True}}
    opened = open_channels(Config.model_validate(given), tmp_path)
    assert all(channel.sandbox for channel in opened.values())
    opened["status_page"].send(EXAMPLES["post"], "k")
    assert not (tmp_path / "status").exists()
    assert len(messages(tmp_path / "sandbox", "status_page")[0]) == 1


@channels
def test_a_channel_has_a_twin_in_the_sandbox_that_takes_all_it_takes(name: str, tmp_path: Path) -> None:
    twin = Sandbox(name, tmp_path, LIMITS[name])
    assert connected(name, tmp_path).kinds <= twin.kinds


@channels
def test_sent_twice_there_is_one_receipt_found_only_afterwards(name: str, tmp_path: Path) -> None:
    """Where there are no credentials this asks the sandbox; the real ones are asked in tests/peers."""

    def opened() -> Channel:
        return open_channels(Config(), tmp_path)[name]

    for kind in opened().kinds:
        message, key = EXAMPLES[kind], f"INC-1-abc/{kind}"
        assert opened().find(message, key, BASE) is None
        receipt = opened().send(message, key, BASE)
        assert receipt.id
        assert opened().send(message, key, BASE) == receipt
        assert opened().find(message, key, BASE) == receipt
        assert opened().find(message, f"{key}/other", BASE) is None
        if opened().sandbox:
            assert message in [recorded.message for recorded in messages(tmp_path / "sandbox", name)[0]]


@channels
def test_a_kind_that_a_channel_does_not_take_is_refused_for_good(name: str, tmp_path: Path) -> None:
    channel = connected(name, tmp_path)
    for kind in EXAMPLES.keys() - channel.kinds:
        with pytest.raises(Refused) as refused:
            channel.send(EXAMPLES[kind], "k")
        assert refused.value.permanent


@channels
def test_doctor_hears_a_sentence_for_each_thing_that_is_wrong(name: str, tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("")
    for found in open_channels(Config(), tmp_path / "in-the-way")[name].check():
        assert found.endswith(".")
    assert open_channels(Config(), tmp_path / "in-the-way")[name].check()
    assert open_channels(Config(), tmp_path)[name].check() == []


@pytest.mark.parametrize("lane", ADDRESS)
def test_a_lane_writes_to_people(lane: str, tmp_path: Path) -> None:
    assert "direct" in connected(lane, tmp_path).kinds


@pytest.mark.parametrize("lane", sorted(ADDRESS.keys() - {"slack"}))
def test_a_playbook_can_not_publish_where_one_person_is_reached(lane: str, tmp_path: Path) -> None:
    assert "post" not in connected(lane, tmp_path).kinds
    playbook, lines = parse(PLAYBOOK.replace("bluesky]", f"{lane}]", 1), "it-outage.yaml")
    findings = check(playbook, lines, example_house(channels=LIMITS), ROLES, SOURCES)
    text = f"{lane} reaches one person at a time and takes no statements; use bluesky, slack, status_page"
    assert text in [finding.text for finding in findings if not finding.warning]


def test_importing_the_registry_brings_no_client(root: Path) -> None:
    heavy = ("atproto", "slack_sdk", "slack_bolt", "httpx", "babel", "aiohttp", "apprise", "requests", "smtplib")
    code = f"import sys, integrations; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_of_each_integration_is_in_the_registry(root: Path) -> None:
    folders = {path.parent.name for path in (root / "integrations").glob("*/__init__.py")}
    assert folders == set(Config.model_fields)
    assert {*map(section, CHANNELS), *map(section, SOURCES), "sandbox"} == folders

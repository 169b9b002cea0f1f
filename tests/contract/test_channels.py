"""What every channel keeps to. A new one in the registry is tested without a change here."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from desk.settings import SettingsError, load
from engine.check import check
from engine.effects import (
    GONE,
    SAME,
    Amend,
    Attachment,
    Direct,
    Hold,
    Invite,
    Look,
    Message,
    Post,
    Receipt,
    Revise,
    Room,
    Text,
    Topic,
    Withdraw,
)
from engine.lanes import ADDRESS
from engine.limits import measure
from engine.playbook import parse
from engine.ports import Channel, Refused, TextLimit
from integrations import (
    CHANNELS,
    FOLDERS,
    KINDS,
    LIMITS,
    READY,
    SECTIONS,
    SOURCES,
    Config,
    channel_of,
    kinds,
    limits,
    names,
    open_channels,
    ready,
)
from integrations.sandbox import Sandbox, messages
from integrations.sandbox.channel import ALL_KINDS
from tests.example_house import PLAYBOOK, ROLES, example_house

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
POST = Post(
    incident="INC-1",
    title="IT outage",
    message="holding",
    language="en",
    text="We are aware.",
    severity="SEV1",
    status="responding",
    statement="INC-1-abc/first_word#1",
    drafted_at=NOW,
)
EXAMPLES: dict[str, Message] = {
    "post": POST,
    "amend": Amend(post=POST.model_copy(update={"text": "We are aware, and were wrong."})),
    "withdraw": Withdraw(statement=POST.statement, language="en", reason="wrong airport"),
    "look": Look(text=POST.text),
    "hold": Hold(incident="INC-1", held=True, reason="IT outage"),
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
OF_A_POST = frozenset({"amend", "withdraw", "look"})
"""Kinds that build on a post of this channel."""
CREDENTIALS = {
    "slack": {"bot_token": "xoxb-1"},
    "bluesky": {"handle": "a.example", "app_password": "p"},
    "x": dict.fromkeys(("consumer_key", "consumer_secret", "access_token", "access_token_secret"), "s"),
    "mastodon": {"server_url": "https://mastodon.example", "access_token": "t"},
    "facebook": {"page": "1", "page_token": "t"},
    "email": {"host": "smtp.invalid", "sender": "duty@airline.example"},
    "apprise": {
        **dict.fromkeys(("sms", "voice", "push"), "json://nobody.invalid/{address}"),
        "posts": "json://nobody.invalid/statements",
    },
    "marketing": {"url": "https://nobody.invalid/hold"},
}
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
    assert set(CHANNELS) == set(LIMITS) == set(READY) == set(KINDS) == set(names(Config()))
    assert SECTIONS.keys() <= CHANNELS.keys() | SOURCES.keys()
    assert limits(Config()).keys() == kinds(Config()).keys() == CHANNELS.keys()


def test_the_folders_under_the_home_are_those_of_sections_that_have_one(tmp_path: Path) -> None:
    with_folder = {name for name in Config.model_fields if hasattr(getattr(Config(), name), "folder")}
    assert with_folder == set(FOLDERS)
    placed = Config().at(tmp_path)
    assert {getattr(placed, section).folder for section in FOLDERS} == {tmp_path / one for one in FOLDERS.values()}
    assert Config.model_validate({"email": {"folder": "/there"}}).at(tmp_path).email.folder == Path("/there")


@channels
def test_a_channel_says_what_it_is_before_it_connects(name: str, tmp_path: Path) -> None:
    channel = connected(name, tmp_path)
    assert channel.name == name
    assert channel.kinds
    assert channel.kinds == KINDS[name] == kinds(Config())[name]
    assert channel.kinds <= EXAMPLES.keys()
    assert channel.sandbox is False
    assert channel.limit == LIMITS[name](Config()) == limits(Config())[name]
    assert not list(tmp_path.iterdir())


@channels
def test_what_can_be_amended_withdrawn_or_looked_at_was_posted(name: str) -> None:
    assert "post" in KINDS[name] or not KINDS[name] & OF_A_POST


@channels
def test_a_limit_can_be_measured_and_says_where_it_is_from(name: str) -> None:
    limit = LIMITS[name](Config())
    if limit is not None:
        assert isinstance(limit, TextLimit)
        assert 0 < measure("abc", limit) <= 3 < measure("a" * 5000, limit)
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


@pytest.mark.parametrize("name", sorted(Config.model_fields.keys() - {"accounts"}))
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
        assert channel.limit == LIMITS[name](Config())
    assert not opened["status_page"].sandbox


def test_with_credentials_the_real_one_is_opened_and_nothing_connects(tmp_path: Path) -> None:
    opened = open_channels(Config.model_validate(CREDENTIALS), tmp_path)
    assert [name for name, channel in opened.items() if channel.sandbox] == []


def test_always_means_that_nothing_leaves_the_house(tmp_path: Path) -> None:
    given = {"slack": {"bot_token": "xoxb-1"}, "sandbox": {"always": True}}
    opened = open_channels(Config.model_validate(given), tmp_path)
    assert all(channel.sandbox for channel in opened.values())
    opened["status_page"].send(EXAMPLES["post"], "k")
    assert not (tmp_path / "status").exists()
    assert len(messages(tmp_path / "sandbox", "status_page")[0]) == 1


@channels
def test_a_channel_has_a_twin_in_the_sandbox_that_takes_all_it_takes(name: str, tmp_path: Path) -> None:
    twin = Sandbox(name, tmp_path, LIMITS[name](Config()))
    assert connected(name, tmp_path).kinds <= twin.kinds


@channels
def test_sent_twice_there_is_one_receipt_found_only_afterwards(name: str, tmp_path: Path) -> None:
    """Where there are no credentials this asks the sandbox; the real ones are asked in tests/peers."""

    def opened() -> Channel:
        return open_channels(Config(), tmp_path)[name]

    for kind in sorted(opened().kinds - OF_A_POST):
        message, key = EXAMPLES[kind], f"INC-1-abc/{kind}"
        assert opened().find(message, key, BASE) is None
        receipt = opened().send(message, key, BASE)
        assert receipt.id
        assert opened().send(message, key, BASE) == receipt
        assert opened().find(message, key, BASE) == receipt
        assert opened().find(message, f"{key}/other", BASE) is None
        if opened().sandbox:
            assert message in [recorded.message for recorded in messages(tmp_path / "sandbox", name)[0]]


def _takes_posts() -> list[str]:
    return [name for name, taken in KINDS.items() if "post" in taken]


@pytest.mark.parametrize("name", _takes_posts())
def test_a_post_is_amended_looked_at_and_withdrawn(name: str, tmp_path: Path) -> None:
    """A Look is never found: it changes nothing. The others are found, or are harmless when done again."""

    def opened() -> Channel:
        return open_channels(Config(), tmp_path)[name]

    def looked(text: str) -> object:
        return opened().send(Look(text=text), "k/look", post).facts["seen"]

    able, post = opened().kinds, opened().send(POST, "INC-1-abc/post")
    if "look" in able:
        assert looked(POST.text) == SAME
        assert opened().find(EXAMPLES["look"], "k/look", post) is None
    if "amend" in able:
        amended = opened().send(EXAMPLES["amend"], "k/amend", post)
        assert (amended.id, amended.place) == (post.id, post.place)
        assert opened().send(EXAMPLES["amend"], "k/amend", post) == amended
        assert opened().find(EXAMPLES["amend"], "k/amend", post) in (amended, None)
        assert looked("We are aware, and were wrong.") == SAME
    if "withdraw" in able:
        assert opened().find(EXAMPLES["withdraw"], "k/withdraw", post) is None
        withdrawn = opened().send(EXAMPLES["withdraw"], "k/withdraw", post)
        assert (withdrawn.id, withdrawn.facts["withdrawn"]) == (post.id, True)
        assert opened().send(EXAMPLES["withdraw"], "k/withdraw", post) == withdrawn
        assert opened().find(EXAMPLES["withdraw"], "k/withdraw", post) in (withdrawn, None)
        assert looked(POST.text) == GONE


@pytest.mark.parametrize("kind", sorted(OF_A_POST))
@pytest.mark.parametrize("name", _takes_posts())
def test_what_builds_on_a_post_is_refused_without_one(name: str, kind: str, tmp_path: Path) -> None:
    """Also on a channel that could connect: it is seen before anything is asked of the outside."""
    given = {section(name): CREDENTIALS.get(section(name), {})}
    channel = open_channels(Config.model_validate(given), tmp_path)[name]
    if kind in channel.kinds:
        with pytest.raises(Refused) as refused:
            channel.send(EXAMPLES[kind], "k")
        assert refused.value.permanent


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


@pytest.mark.parametrize("name", CHANNELS)
def test_a_playbook_publishes_where_statements_are_taken_and_only_there(name: str) -> None:
    playbook, lines = parse(PLAYBOOK.replace("bluesky]", f"{name}]", 1), "it-outage.yaml")
    house = example_house(channels=limits(Config()), kinds=kinds(Config()))
    findings = [one.text for one in check(playbook, lines, house, ROLES, SOURCES) if not one.warning]
    no_place = [text for text in findings if "takes no statements" in text]
    assert bool(no_place) is ("post" not in KINDS[name]), findings


# ---- accounts ------------------------------------------------------------------------------------------------------

SPAIN = {"handle": "spain.example", "app_password": SECRET}


def with_accounts(**accounts: object) -> Config:
    """`bluesky_at_spain=…` for the account bluesky@spain."""
    named = {name.replace("_at_", "@"): settings for name, settings in accounts.items()}
    return Config.model_validate({"bluesky": CREDENTIALS["bluesky"], "accounts": named})


def test_an_account_opens_under_its_own_name_with_its_own_settings(tmp_path: Path) -> None:
    config = with_accounts(bluesky_at_spain=SPAIN)
    assert names(config)[-1] == "bluesky@spain"
    assert channel_of("bluesky@spain") == "bluesky"
    assert (config.of("bluesky@spain").bluesky.handle, config.of("bluesky").bluesky.handle) == (
        "spain.example",
        "a.example",
    )
    assert limits(config)["bluesky@spain"] == limits(config)["bluesky"]
    assert kinds(config)["bluesky@spain"] == kinds(config)["bluesky"]
    opened = open_channels(config, tmp_path)
    assert (opened["bluesky@spain"].name, opened["bluesky"].name) == ("bluesky@spain", "bluesky")
    assert opened["bluesky@spain"] is not opened["bluesky"]
    assert not opened["bluesky@spain"].sandbox


def test_an_account_has_what_it_does_not_set_from_its_channel() -> None:
    given = {
        "bluesky": {**CREDENTIALS["bluesky"], "timeout_s": 3},
        "accounts": {"bluesky@spain": {"handle": "es.example"}},
    }
    account = Config.model_validate(given).of("bluesky@spain").bluesky
    assert (account.handle, account.timeout_s) == ("es.example", 3)
    assert account.app_password == SecretStr("p")


def test_an_account_without_credentials_is_the_sandbox_under_its_own_name(tmp_path: Path) -> None:
    config = Config.model_validate({"accounts": {"bluesky@spain": {"handle": "es.example"}}})
    assert not ready(config, "bluesky@spain")
    box = open_channels(config, tmp_path)["bluesky@spain"]
    assert (box.sandbox, box.name, box.limit) == (True, "bluesky@spain", limits(config)["bluesky"])
    box.send(POST, "k")
    assert len(messages(tmp_path / "sandbox", "bluesky@spain")[0]) == 1
    assert messages(tmp_path / "sandbox", "bluesky")[0] == []


def test_accounts_have_folders_of_their_own(tmp_path: Path) -> None:
    config = with_accounts(status_page_at_spain={}, email_at_spain=CREDENTIALS["email"], sms_at_spain={})
    placed = config.at(tmp_path)
    assert placed.of("status_page@spain").statuspage.folder == tmp_path / "status@spain"
    assert placed.of("email@spain").email.folder == tmp_path / "email@spain"
    opened = open_channels(config, tmp_path)
    opened["status_page"].send(POST, "k")
    assert opened["status_page@spain"].find(POST, "k") is None


def test_an_account_of_a_lane_is_the_same_lane(tmp_path: Path) -> None:
    there = {"sms": "json://nobody.invalid/{address}"}
    lane = open_channels(with_accounts(sms_at_spain=there), tmp_path)["sms@spain"]
    assert not lane.sandbox
    assert lane.name == "sms@spain"
    with pytest.raises(Refused) as refused:  # it looks the lane up by what it is, not by what it is called
        lane.send(EXAMPLES["direct"].model_copy(update={"address": "nobody"}), "k")
    assert "phone number" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("bluesky", SPAIN, "write it like bluesky@spain"),
        ("bluesky@", SPAIN, "write it like bluesky@spain"),
        ("bluesky@Spain/..", SPAIN, "write it like bluesky@spain"),
        ("blusky@spain", SPAIN, "write it like bluesky@spain"),
        ("bluesky@spain", {"app_pasword": SECRET}, "app_pasword"),
        ("bluesky@spain", {"app_password": SECRET, "timeout_s": "soon"}, "timeout_s"),
        ("bluesky@spain", SECRET, "as a table"),
        ("bluesky@spain", None, "as a table"),
    ],
)
def test_a_wrong_account_is_a_sentence_that_keeps_its_secret(
    name: str, given: object, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as wrong:
        load(accounts={name: given})
    assert says in str(wrong.value)
    assert "\n\n" not in str(wrong.value)
    assert SECRET not in str(wrong.value)


def test_accounts_are_read_from_the_environment_and_their_secrets_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRROPS_BLUESKY_HANDLE", "a.example")
    monkeypatch.setenv("IRROPS_ACCOUNTS", json.dumps({"bluesky@spain": SPAIN}))
    settings = load(home=tmp_path)
    assert settings.of("bluesky@spain").bluesky.handle == "spain.example"
    assert settings.bluesky.handle == "a.example"
    for shown in (settings, settings.at(tmp_path), settings.accounts):
        assert SECRET not in f"{shown!r} {shown}"
    assert SECRET not in settings.model_dump_json()
    opened = open_channels(settings, tmp_path)
    assert not opened["bluesky@spain"].sandbox
    assert SECRET not in repr(vars(opened["bluesky@spain"]))


# ---- the registry --------------------------------------------------------------------------------------------------


def test_importing_the_registry_brings_no_client(root: Path) -> None:
    heavy = ("atproto", "slack_sdk", "slack_bolt", "httpx", "babel", "aiohttp", "apprise", "requests", "smtplib")
    code = f"import sys, integrations; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_of_each_integration_is_in_the_registry(root: Path) -> None:
    folders = {path.parent.name for path in (root / "integrations").glob("*/__init__.py")}
    assert folders == set(Config.model_fields) - {"accounts"}
    assert {*map(section, CHANNELS), *map(section, SOURCES), "sandbox"} == folders

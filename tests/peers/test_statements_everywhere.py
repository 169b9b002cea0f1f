"""One incident's statements through the real desk to real programs: approved, live, corrected, withdrawn, packed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import feedparser
import pytest

from desk import speaking
from desk.clock import HandClock
from desk.library import Library
from desk.packing import pack
from desk.people import import_people
from desk.settings import load
from desk.signing_key import signing_key
from desk.verifying import verify
from desk.wiring import crew
from engine.effects import EffectState
from engine.people_file import read as read_people
from flows.crew import use
from integrations import bluesky, email, slack, statuspage
from tests.peers import outward
from tests.peers.conftest import MailServer, Slack
from tests.peers.outward import BlueskyServer, until
from tests.peers.programs import ROOT
from tests.scenarios.conftest import Scene
from tests.scenarios.platforms import LANGUAGES, approve, live, playbooks

pytestmark = [pytest.mark.peers, pytest.mark.timeout(240)]
bluesky_server = outward.bluesky_server

CHANNELS = ("status_page", "slack", "bluesky", "email")
ROLES = ("duty_manager", "comms_lead", "deputy_comms_lead")
RIGHT = "Boarding goes on at AMS. Come to the airport at your usual time."


class World:
    """The programs, and what each of them counts."""

    def __init__(self, slack: Slack, pds: BlueskyServer, mails: MailServer, folder: Path) -> None:
        self.slack, self.pds, self.mails, self.page = slack, pds, mails, folder / "page"
        mark = uuid4().hex[:8]
        self.who = pds.account(f"all-{mark}")
        self.boxes = {language: f"{language}-{mark}" for language in LANGUAGES}

    def channels(self, folder: Path) -> dict[str, Any]:
        lists = {language: (f"{box}@ex.org",) for language, box in self.boxes.items()}
        sender = {"host": "127.0.0.1", "port": self.mails.port, "sender": "Example Air <duty@airline.example>"}
        mail = {**sender, "tls": "none", "folder": folder / "email", "statements": lists}
        login = {"handle": self.who["handle"], "app_password": self.who["password"], "service_url": self.pds.url}
        told = {"bot_token": self.slack.token, "api_url": self.slack.api_url}
        page = statuspage.Settings(folder=self.page, base_url="https://status.airline.example", languages=LANGUAGES)
        return {
            "bluesky": bluesky.connect(bluesky.Settings.model_validate(login)),
            "email": email.connect(email.Settings.model_validate(mail)),
            "slack": slack.connect(slack.Settings.model_validate(told)),
            "status_page": statuspage.connect(page),
        }

    def records(self) -> list[str]:
        return [one["value"]["text"] for one in self.pds.posts(self.who["did"])]

    def mailed(self) -> dict[str, int]:
        return {language: len(self.mails.mails(box)) for language, box in self.boxes.items()}

    def feed(self, language: str) -> list[Any]:
        parsed = feedparser.parse((self.page / f"feed.{language}.atom").read_text())
        assert not parsed.bozo
        return list(parsed.entries)

    def room(self, ref: str) -> list[str]:
        """What people read in the incident's room."""
        listed = self.slack.client().conversations_list(limit=999, types="public_channel,private_channel")["channels"]
        (name,) = (one["name"] for one in listed if one["name"].startswith(ref))
        return [message["text"] for message in self.slack.messages(self.slack.channel(name)["id"])]


@pytest.fixture
def world(slack: Slack, bluesky_server: BlueskyServer, mail_server: MailServer, tmp_path: Path) -> World:
    return World(slack, bluesky_server, mail_server, tmp_path)


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Iterator[Scene]:
    """A desk whose four channels are connected; the role holders are people of the Slack workspace."""
    clock, books = HandClock(datetime.now(UTC)), playbooks(tmp_path, CHANNELS)
    wired = crew(load(home=tmp_path / "home", playbooks=books), clock, world.channels(tmp_path))
    wired.house = replace(wired.house, status_url="https://status.airline.example")
    use(wired)
    everybody = read_people(ROOT / "examples" / "people.csv")
    holders = [next(one for one in everybody if role in one.roles) for role in ROLES]
    chats = [world.slack.people[f"person{number:02}"] for number in range(20, 23)]
    import_people(
        wired.store, [one.model_copy(update={"chat": chat}) for one, chat in zip(holders, chats, strict=True)]
    )
    made = Scene(wired, Library(books), clock, tmp_path / "sandbox")
    yield made
    use(None)
    wired.close()


def settle(desk: Scene) -> None:
    """Let the clock run until all is out: Slack takes one message a second in a room."""

    def out() -> bool:
        desk.clock.move_to(max(datetime.now(UTC), desk.clock.now()))
        desk.settle()
        waiting = [one for one in desk.desk.effects("INC-1") if not one.state.settled and one.not_before < soon]
        return not waiting

    soon = desk.clock.now() + timedelta(minutes=1)
    until("everything to be out", out)


def read(browser: Any, page: Path) -> str:
    """What a reader sees who opens a page."""
    tab = browser.new_page()
    tab.goto(page.as_uri())
    said = str(tab.inner_text("main"))
    tab.close()
    return said


def test_said_corrected_and_withdrawn_everywhere(desk: Scene, world: World, browser: Any, tmp_path: Path) -> None:
    desk.declare("speaking", stations="AMS")
    approve(desk, "ST-1")
    settle(desk)
    first = desk.desk.statement("ST-1")
    texts = {(one.channel, one.language): one.parts for one in first.texts}

    # Live everywhere, with links.
    seen = live(desk)
    assert set(seen) == {(channel, language) for channel in CHANNELS for language in LANGUAGES}
    assert {(one.state, one.behind, one.statement) for one in seen.values()} == {("live", "", "ST-1")}
    assert {channel for (channel, _), one in seen.items() if one.urls} == {"status_page", "slack", "bluesky"}
    posted = [part for (where, _), parts in texts.items() if where == "bluesky" for part in parts]
    assert sorted(world.records()) == sorted(posted)
    until("a mail in each mailbox", lambda: world.mailed() == dict.fromkeys(LANGUAGES, 1))
    for language in LANGUAGES:
        promise = texts["status_page", language][0].splitlines()[0]
        assert promise in read(browser, world.page / f"index.{language}.html")
        assert len(world.feed(language)) == 1
    room = world.room("inc-1-speaking")
    for language in LANGUAGES:
        assert sum(texts["slack", language][0].splitlines()[0] in message for message in room) == 1

    # What the channels themselves say.
    speaking.look(desk.desk, "INC-1")
    settle(desk)
    looked = {place: one for place, one in live(desk).items() if one.looked_at}
    assert set(looked) == {
        (channel, language) for channel in ("status_page", "slack", "bluesky") for language in LANGUAGES
    }
    assert {one.state for one in looked.values()} == {"live"}

    # Corrected: in place on the page and in Slack, as an answer elsewhere.
    lead = desk.holder("comms_lead")
    there = speaking.correct(desk.desk, "INC-1", {"en": RIGHT}, lead.key, lead.roles)
    settle(desk)
    assert {one.statement for one in live(desk).values()} == {there.ref}
    answers = sum(len(one.parts) for one in there.texts if one.channel == "bluesky")
    assert len(world.records()) == len(posted) + answers
    until("the correction in each mailbox", lambda: world.mailed() == dict.fromkeys(LANGUAGES, 2))
    box = world.mails.mails(world.boxes["en"])
    assert box[1]["In-Reply-To"] == box[0]["Message-ID"]
    for language in LANGUAGES:
        assert RIGHT in read(browser, world.page / f"index.{language}.html")
        assert len(world.feed(language)) == 1
    assert sum(RIGHT in message for message in world.room("inc-1-speaking")) == len(LANGUAGES)

    # Withdrawn: gone wherever that is possible.
    for name in (there.ref, "ST-1"):
        speaking.withdraw(desk.desk, name, lead.key, lead.roles, "wrong airport")
        settle(desk)
    assert world.records() == []
    assert not any(RIGHT in message for message in world.room("inc-1-speaking"))
    for language in LANGUAGES:
        assert RIGHT not in read(browser, world.page / f"index.{language}.html")
    assert {one.state for (channel, _), one in live(desk).items() if channel != "email"} == {"withdrawn"}
    assert {one.state for (channel, _), one in live(desk).items() if channel == "email"} == {"live"}
    assert world.mailed() == dict.fromkeys(LANGUAGES, 2), "a mail can't be taken back, and nobody is written to again"
    unhappy = [one for one in desk.desk.effects("INC-1") if one.state in (EffectState.FAILED, EffectState.UNKNOWN)]
    assert not unhappy, [(one.key, one.error) for one in unhappy]

    # On the record.
    key = signing_key(load(home=tmp_path / "home"))
    made = pack(desk.desk, "INC-1", tmp_path / "pack.zip", key=key, by="clara")
    assert (made.statements, made.sandboxed) == (2, 0)
    assert verify(tmp_path / "pack.zip", house=key.public_key()).problems == ()
    lines = read(browser, _page_of(tmp_path))
    assert RIGHT in lines
    assert "wrong airport" in lines


def _page_of(folder: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(folder / "pack.zip") as zipped:
        return Path(zipped.extract("index.html", folder))

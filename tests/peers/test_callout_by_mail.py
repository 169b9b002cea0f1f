"""Somebody whom Slack does not know, from the mail that asks them to the calendar entry, over a real mail server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from icalendar import Calendar

from desk.api import build
from desk.clock import HandClock
from desk.inbox import Inbox
from desk.library import Library
from desk.people import import_people
from desk.settings import Settings, load
from desk.wiring import crew
from engine.callout import Invitation
from flows.crew import use
from tests.peers.conftest import MailServer
from tests.peers.outward import until
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import PLAYBOOK
from tests.unit.volunteers import NIGHT, someone

pytestmark = pytest.mark.peers

# mailboxes of their own: the server is shared with the tests of the channel
PEOPLE = (
    someone("ada", name="Ada Jansen", chat="", email="asked-ada@ex.org", languages=("nl", "en")),
    someone("bob", name="Bob Smith", chat="U0BOB", email="asked-bob@ex.org", lanes=("slack", "email")),
)


@pytest.fixture
def settings(tmp_path: Path, mail_server: MailServer) -> Settings:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "storm.yaml").write_text(PLAYBOOK)
    mail = {
        "host": "127.0.0.1",
        "port": mail_server.port,
        "sender": "Example Air <duty@airline.example>",
        "tls": "none",
    }
    return load(home=tmp_path / "home", playbooks=folder, email=mail, public_url="https://irrops.example.org")


@pytest.fixture
def scene(settings: Settings) -> Iterator[Scene]:
    clock = HandClock(NIGHT)
    wired = crew(settings, clock)
    use(wired)
    import_people(wired.store, PEOPLE)
    yield Scene(wired, Library(settings.playbooks), clock, settings.home / "sandbox")
    use(None)
    wired.close()


def invitation(scene: Scene, person: str) -> Invitation:
    [found] = scene.crew.store.all(Invitation, person=person)
    return found


def test_asked_by_mail_answered_by_link_briefed_by_mail(
    scene: Scene, settings: Settings, mail_server: MailServer
) -> None:
    before = len(mail_server.mails("asked-ada"))
    scene.declare("storm")
    asking = until("the mail that asks", lambda: mail_server.mails("asked-ada")[before:])[0]
    text = asking.get_body(("plain",)).get_content()
    assert "kun je helpen" in text
    [code] = re.findall(r"https://irrops\.example\.org/a/([A-Z2-7]{10})", text)
    with TestClient(build(scene.desk, settings, Inbox(scene.desk))) as web:
        assert "Kun je helpen" in web.get(f"/a/{code}").text
        assert web.post(f"/a/{code}", data={"text": "ja, prima"}).status_code == 200
        scene.settle()
        until("the briefing", lambda: len(mail_server.mails("asked-ada")) > before + 1)
        mails = mail_server.mails("asked-ada")[before:]
        briefing = next(one for one in mails if one["Message-ID"] != asking["Message-ID"])
        assert "We rekenen op je" in briefing.get_body(("plain",)).get_content()
        [part] = briefing.iter_attachments()
        [event] = Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")
        assert event["DTSTART"].dt == NIGHT.replace(hour=6)  # two hours later, to the next five minutes
        fetched = web.get(f"/calendar/{code}.ics")
        assert Calendar.from_ical(fetched.content).walk("VEVENT")[0]["UID"] == event["UID"]
    assert invitation(scene, "ada").answered_on == "link"


def test_silence_in_chat_brings_a_mail_after_five_minutes(scene: Scene, mail_server: MailServer) -> None:
    before = len(mail_server.mails("asked-bob"))
    scene.declare("storm")
    assert len(mail_server.mails("asked-bob")) == before
    scene.pass_time(minutes=5)
    until("the mail", lambda: len(mail_server.mails("asked-bob")) == before + 1)
    assert invitation(scene, "bob").lanes == ("slack", "email")
    assert scene.timeline("INC-1").has("ResponderAskedAgain", lane="email", before="slack", why="silent")

"""E-mail against OpenSMTPD: what arrives in the mailbox, and what an answer lost on the way comes to."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import SecretStr

from engine.effects import Attachment, Direct
from engine.ports import Lost, Refused
from integrations.email import Settings, connect
from tests.peers.conftest import MailServer
from tests.peers.outward import Wire, until

pytestmark = pytest.mark.peers

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nSUMMARY:Crisis desk – früh\r\nEND:VCALENDAR\r\n"
TEXT = "Cenizas volcánicas: ¿puedes venir?\n.\n..\nResponde con CODE123456 – 火山灰 🌋\n"


class DotWire(Wire):
    """Loses the answer to the final dot: the server has the mail, and we don't know."""

    def _pass_on(self, source: socket.socket, sink: socket.socket, answer: bool) -> bool:
        if not answer and source.recv(65536, socket.MSG_PEEK).endswith(b"\r\n.\r\n"):
            self.lose = 1
        return super()._pass_on(source, sink, answer)


def settings(port: int, **more: Any) -> Settings:
    given = {"host": "127.0.0.1", "port": port, "sender": "Example Air <duty@airline.example>", "tls": "none"}
    return Settings(**{**given, "timeout_s": 15, **more})


def ask(user: str, **more: Any) -> Direct:
    return Direct(**{"person": user, "address": f"{user}@ex.org", "subject": "¿Puedes venir? 🌋", "text": TEXT, **more})


def arrived(server: MailServer, user: str, count: int = 1) -> list[EmailMessage]:
    found: list[EmailMessage] = until(
        f"{count} mails for {user}", lambda: (got := server.mails(user)) and len(got) >= count and got
    )
    return found


@pytest.fixture
def dot_wire(mail_server: MailServer) -> Iterator[DotWire]:
    wire = DotWire(mail_server.port)
    yield wire
    wire.close()


def test_a_mail_is_in_the_mailbox_as_it_was_meant(mail_server: MailServer) -> None:
    calendar = Attachment(name="slot.ics", type="text/calendar; method=PUBLISH", text=ICS)
    channel = connect(settings(mail_server.port), lambda: NOW)
    receipt = channel.send(ask("ada", attachments=(calendar,)), "INC-1-abc/ada")
    (mail,) = arrived(mail_server, "ada")
    assert mail["Subject"] == "¿Puedes venir? 🌋"
    assert mail["Message-ID"] == receipt.id
    assert mail["Date"].datetime == NOW
    assert (mail["To"], mail["From"]) == ("ada@ex.org", "Example Air <duty@airline.example>")
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == TEXT
    (part,) = mail.iter_attachments()
    assert (part.get_content_type(), part.get_param("method")) == ("text/calendar", "PUBLISH")
    # A maildir has the machine's own line ends; base64 kept the calendar's, which RFC 5545 wants.
    assert part.get_payload(decode=True) == ICS.encode()


def test_a_lost_answer_leaves_it_open_and_a_second_send_is_the_same_mail(
    mail_server: MailServer, dot_wire: DotWire
) -> None:
    channel = connect(settings(dot_wire.port), lambda: NOW)
    with pytest.raises(Lost):
        channel.send(ask("bob"), "INC-1-abc/bob")
    assert dot_wire.lost == 1
    arrived(mail_server, "bob")
    receipt = connect(settings(mail_server.port), lambda: NOW).send(ask("bob"), "INC-1-abc/bob")
    first, second = arrived(mail_server, "bob", 2)
    assert first["Message-ID"] == second["Message-ID"] == receipt.id
    assert first.get_content() == second.get_content()


def test_who_is_not_served_is_refused_for_good(mail_server: MailServer) -> None:
    with pytest.raises(Refused, match="people file") as found:
        connect(settings(mail_server.port)).send(ask("eve", address="eve@elsewhere.example"), "k")
    assert found.value.permanent
    assert "eve" not in str(found.value)


def test_doctor_hears_how_it_stands(mail_server: MailServer) -> None:
    assert connect(settings(mail_server.port)).check() == []
    (found,) = connect(settings(mail_server.port, tls="starttls")).check()
    assert "STARTTLS" in found
    (found,) = connect(settings(mail_server.port, username="duty", password=SecretStr("pw"))).check()
    assert "IRROPS_EMAIL_USERNAME" in found


def test_two_hundred_mails_one_connection_each(mail_server: MailServer) -> None:
    """Eight at once, as the outbox sends them. At this rate 500 people of a call-out have theirs within a minute."""
    channel = connect(settings(mail_server.port), lambda: NOW)
    keys = [f"INC-1-abc/dee/{number}" for number in range(200)]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        receipts = set(threads.map(lambda key: channel.send(ask("dee"), key).id, keys))
    took = time.monotonic() - began
    assert took < 24
    assert len(receipts) == 200
    assert {mail["Message-ID"] for mail in arrived(mail_server, "dee", 200)} == receipts

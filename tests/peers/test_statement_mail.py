"""Statements by e-mail against OpenSMTPD: what is in the mailboxes, after lost answers and crashes."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from engine.effects import Post
from engine.ports import CannotTell, Lost, Refused
from integrations.email import Settings, connect
from tests.peers.conftest import MailServer
from tests.peers.outward import Wire, until

pytestmark = pytest.mark.peers

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
TEXT = (
    "Somos conscientes de la nube de cenizas – 火山灰 🌋.\n.\n..\n"
    "Más en https://status.airline.example/inc-1.\n\nPróximo aviso: 05:10 UTC."
)
POST = Post(
    incident="INC-1",
    title="Nube de cenizas volcánicas sobre el mar del Norte, retrasos en todos los vuelos de la mañana",
    message="holding",
    language="es",
    text=TEXT,
    severity="SEV1",
    status="responding",
    statement="INC-1-abc/first_word#1",
    drafted_at=NOW,
)


class NthDot(Wire):
    """Knows when the whole of the `nth` mail has been handed over, and then does what it is told."""

    nth = 0

    def __init__(self, to: int) -> None:
        super().__init__(to)
        self.dots = 0
        self.then: Callable[[], None] = lambda: None

    def _pass_on(self, source: socket.socket, sink: socket.socket, answer: bool) -> bool:
        if not answer and source.recv(65536, socket.MSG_PEEK).endswith(b"\r\n.\r\n"):
            self.dots += 1
            if self.dots == self.nth:
                self.lose = 1
                done = super()._pass_on(source, sink, answer)
                self.then()
                return done
        return super()._pass_on(source, sink, answer)


class House:
    """A house with three subscribers of its own, and what they have got."""

    def __init__(self, server: MailServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.users = [f"{name}-{uuid4().hex[:8]}" for name in ("press", "agents", "list")]
        self.key = f"INC-1-{uuid4().hex[:8]}/first_word#1/email/es"

    def settings(self, port: int = 0, also: tuple[str, ...] = ()) -> Settings:
        return Settings(
            host="127.0.0.1",
            port=port or self.server.port,
            sender="Example Air <duty@airline.example>",
            tls="none",
            timeout_s=15,
            folder=self.folder,
            statements={"es": tuple(f"{user}@ex.org" for user in self.users), "*": also},
        )

    def counts(self) -> list[int]:
        return [len(self.server.mails(user)) for user in self.users]

    def arrived(self, *wanted: int) -> None:
        until(f"{wanted} mails", lambda: self.counts() == list(wanted))

    def mail(self, user: str, number: int = 0) -> EmailMessage:
        return self.server.mails(user)[number]


@pytest.fixture
def house(mail_server: MailServer, tmp_path: Path) -> House:
    return House(mail_server, tmp_path / "email")


@pytest.fixture
def wire(mail_server: MailServer) -> Iterator[NthDot]:
    wire = NthDot(mail_server.port)
    yield wire
    wire.close()


def test_each_mailbox_has_one_mail_and_a_correction_below_it(house: House) -> None:
    receipt = connect(house.settings()).send(POST, house.key)
    assert connect(house.settings()).send(POST, house.key) == receipt == connect(house.settings()).find(POST, house.key)
    correction = POST.model_copy(update={"text": "Corrección: solo Rotterdam.", "corrects": POST.statement})
    connect(house.settings()).send(correction, f"{house.key}/corrected", receipt)
    house.arrived(2, 2, 2)
    for user in house.users:
        first, second = sorted(house.server.mails(user), key=lambda mail: mail["In-Reply-To"] is not None)
        assert first["Subject"] == POST.title
        assert first["To"] == f"{user}@ex.org"
        assert not [other for other in house.users if other != user and other.encode() in first.as_bytes()]
        assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
        plain, page = first.get_body(("plain",)), first.get_body(("html",))
        assert plain is not None
        assert page is not None
        assert plain.get_content().replace("\r\n", "\n").strip() == TEXT
        assert '<html lang="es">' in page.get_content()
    assert len({house.mail(user)["Message-ID"] for user in house.users}) == 3


def test_who_is_not_served_keeps_nobody_else_from_theirs(house: House) -> None:
    receipt = connect(house.settings(also=("eve@elsewhere.example",))).send(POST, house.key)
    house.arrived(1, 1, 1)
    assert (receipt.facts["recipients"], receipt.facts["accepted"]) == (4, 3)
    ((why, count),) = receipt.facts["refused"].items()
    assert (why.startswith("elsewhere.example: 5"), count) == (True, 1)
    house.users = []
    with pytest.raises(Refused, match="All 1 addresses") as refused:
        connect(house.settings(also=("eve@elsewhere.example",))).send(POST, f"{house.key}/2")
    assert refused.value.permanent
    assert "eve" not in str(refused.value)


def test_a_lost_answer_is_one_mailbox_in_doubt_and_only_a_person_has_it_sent_again(house: House, wire: NthDot) -> None:
    wire.nth = 2
    with pytest.raises(Lost, match="2 took it, 1 may have taken it or not"):
        connect(house.settings(wire.port)).send(POST, house.key)
    house.arrived(1, 1, 1)
    for _ in range(3):
        with pytest.raises(CannotTell):
            connect(house.settings()).find(POST, house.key)
    assert house.counts() == [1, 1, 1]
    receipt = connect(house.settings()).send(POST, house.key)
    house.arrived(1, 2, 1)
    first, second = house.server.mails(house.users[1])
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert connect(house.settings()).find(POST, house.key) == receipt


def _send(settings: Settings, key: str) -> None:
    connect(settings).send(POST, key)


@pytest.mark.parametrize("nth", [1, 3])
def test_killed_when_the_server_has_it_and_has_not_said_so(house: House, wire: NthDot, nth: int) -> None:
    process: Any = multiprocessing.get_context("spawn").Process(
        target=_send, args=(house.settings(wire.port), house.key)
    )
    wire.nth, wire.then = nth, lambda: os.kill(process.pid, signal.SIGKILL)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    house.arrived(*(1 if number < nth else 0 for number in range(3)))
    with pytest.raises(CannotTell, match="1 may have taken it or not"):
        connect(house.settings()).find(POST, house.key)
    connect(house.settings()).send(POST, house.key)
    house.arrived(*(2 if number == nth - 1 else 1 for number in range(3)))


def test_a_server_that_comes_and_goes_gets_each_mail_once(house: House, wire: NthDot) -> None:
    """As long as nobody is in doubt the outbox tries again, many times."""
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            connect(house.settings(_nobody())).send(POST, house.key)
        assert not refused.value.permanent
        assert connect(house.settings(_nobody())).find(POST, house.key) is None
    for _ in range(3):
        connect(house.settings(wire.port)).send(POST, house.key)
    house.arrived(1, 1, 1)


def _nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""E-mail: what a mail looks like, and what each fault of a mail server comes to. The servers run in process."""

import asyncio
import email
import email.policy
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr, ValidationError

from engine.effects import Attachment, Direct
from engine.ports import CannotTell, Lost, Refused
from integrations.email import Settings, connect
from integrations.email.mail import compose, message_id
from tests.certificates import self_signed

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
KEY = "INC-1-abc/volunteers#1/ada/email"
SENDER = "Example Air <duty@airline.example>"
ASK = Direct(person="ada", address="ada@ex.org", subject="Can you come?", text="Ash cloud.\n.\nReply with CODE123456\n")
ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nSUMMARY:Schicht – früh\r\nEND:VCALENDAR\r\n"
CALENDAR = Attachment(name="slot.ics", type="text/calendar; method=PUBLISH", text=ICS)


class Inbox:
    """Takes mails, unless told otherwise. `answers`: address → what RCPT is answered; `end`: what the final dot is."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.taken: list[str] = []
        self.answers: dict[str, str] = {}
        self.end: str | Callable[[SMTP], Any] = "250 2.0.0 taken"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 2.1.5 fine")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if callable(self.end):
            return str(await self.end(server))
        if self.end.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append(email.message_from_bytes(content, policy=email.policy.SMTP))  # type: ignore[arg-type]
            self.taken += envelope.rcpt_tos
        return self.end


class Started:
    """A running server, and how to reach it."""

    def __init__(self, inbox: Inbox, **options: Any) -> None:
        self.inbox = inbox
        self.controller = Controller(inbox, hostname="127.0.0.1", port=_free_port(), **options)
        self.controller.start()

    def settings(self, **more: Any) -> Settings:
        given = {"host": "127.0.0.1", "port": self.controller.port, "sender": SENDER, "tls": "none", "timeout_s": 5}
        return Settings(**{**given, **more})


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    running: list[Started] = []

    def one(**options: Any) -> Started:
        running.append(Started(Inbox(), **options))
        return running[-1]

    yield one
    for each in running:
        each.controller.stop()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Settings]]:
    """A server that says what it is told: `scripted(greeting, {"EHLO": b"250 x\\r\\n", …})`. None hangs up."""
    listeners: list[socket.socket] = []

    def serve(greeting: bytes | None, answers: Mapping[str, bytes | None] | None = None, **more: Any) -> Settings:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=_converse, args=(listener, greeting, {**YES, **(answers or {})}), daemon=True).start()
        given = {"host": "127.0.0.1", "port": listener.getsockname()[1], "sender": SENDER, "tls": "none"}
        return Settings(**{**given, "timeout_s": 1, **more})

    yield serve
    for listener in listeners:
        listener.close()


YES: dict[str, bytes | None] = {
    "EHLO": b"250-here\r\n250 8BITMIME\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 2.0.0 taken\r\n",
    "NOOP": b"250 ok\r\n",
    "RSET": b"250 ok\r\n",
    "QUIT": b"221 bye\r\n",
}


def _converse(listener: socket.socket, greeting: bytes | None, answers: Mapping[str, bytes | None]) -> None:
    try:
        near, _ = listener.accept()
    except OSError:
        return
    with suppress(OSError), near, near.makefile("rb") as lines:
        if greeting is None:
            return
        near.sendall(greeting)
        inside = False
        for line in lines:
            verb = line.strip().decode("ascii", "replace").upper()[:4].strip()
            if inside and verb != ".":
                continue
            answer = answers.get(verb, b"502 what?\r\n")
            if answer is None:
                return
            inside = verb == "DATA" and answer.startswith(b"354")
            near.sendall(answer)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def sent(settings: Settings, message: Direct = ASK, key: str = KEY) -> Any:
    return connect(settings, lambda: NOW).send(message, key)


def refused(settings: Settings, message: Direct = ASK) -> Refused:
    with pytest.raises(Refused) as found:
        sent(settings, message)
    return found.value


def written(message: Direct, sender: str = SENDER) -> EmailMessage:
    whole = compose(message, KEY, Settings(host="h", sender=sender), NOW)
    return email.message_from_bytes(whole, policy=email.policy.SMTP)  # type: ignore[arg-type, return-value]


# ---- the mail ------------------------------------------------------------------------------------------------------


def test_a_mail_arrives_with_its_headers_and_its_text_unharmed(start: Callable[..., Started]) -> None:
    server = start()
    receipt = sent(server.settings(reply_to="Crew desk <crew@airline.example>"))
    (mail,) = server.inbox.mails
    assert server.inbox.taken == ["ada@ex.org"]
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ada@ex.org", "Can you come?")
    assert mail["Reply-To"] == "Crew desk <crew@airline.example>"
    assert mail["Message-ID"] == receipt.id
    assert mail["Date"].datetime == NOW
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["Ash cloud.", ".", "Reply with CODE123456"]


def test_the_message_id_follows_from_the_key_alone(start: Callable[..., Started]) -> None:
    server = start()
    first, again = sent(server.settings()), sent(server.settings())
    other = sent(server.settings(), key=f"{KEY}/other")
    assert first == again
    assert other.id != first.id
    assert [mail["Message-ID"] for mail in server.inbox.mails] == [first.id, first.id, other.id]
    assert first.id.endswith("@airline.example>")
    assert "ada" not in first.id


def test_a_long_domain_leaves_the_message_id_whole() -> None:
    sender = f"duty@{'very-long.' * 9}example"
    assert written(ASK, sender)["Message-ID"] == message_id(KEY, Settings(sender=sender))


def test_any_letters_travel_in_seven_bits() -> None:
    message = ASK.model_copy(update={"subject": "¿Puedes venir? 火山灰 🌋", "text": "Über " + "é" * 2000 + "\nfin 🌋"})
    whole = compose(message, KEY, Settings(host="h", sender="Vuelos España <duty@airline.example>"), NOW)
    assert max(whole) < 128
    assert max(map(len, whole.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(whole, policy=email.policy.SMTP)
    assert mail["Subject"] == message.subject
    assert mail["From"].addresses[0].display_name == "Vuelos España"  # type: ignore[attr-defined]
    assert mail.get_content().splitlines() == message.text.splitlines()  # type: ignore[attr-defined]


def test_a_calendar_entry_keeps_its_method_and_every_byte() -> None:
    mail = written(ASK.model_copy(update={"attachments": (CALENDAR,)}))
    (part,) = mail.iter_attachments()
    assert part.get_content_type() == "text/calendar"
    assert (part.get_param("method"), part.get_param("charset")) == ("PUBLISH", "utf-8")
    assert part.get_filename() == "slot.ics"
    assert part.get_payload(decode=True) == ICS.encode()
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Reply with CODE123456" in body.get_content()


def test_an_attachment_that_is_no_text_is_carried_too() -> None:
    message = ASK.model_copy(update={"attachments": (Attachment(name="é.json", type="application/json", text="{}"),)})
    (part,) = written(message).iter_attachments()
    assert (part.get_content_type(), part.get_filename(), part.get_content()) == ("application/json", "é.json", b"{}")


def test_without_a_subject_the_first_line_serves() -> None:
    text = "\n  [DRILL] Can you come?\x07\nAsh cloud."
    assert written(ASK.model_copy(update={"subject": "", "text": text}))["Subject"] == "[DRILL] Can you come?"
    assert len(written(ASK.model_copy(update={"subject": "", "text": "x" * 5000}))["Subject"]) == 100


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Hello\r\nBcc: everybody@ex.org"},
        {"subject": "Hello\nBcc: everybody@ex.org"},
        {"subject": "Hello\u2028Bcc: everybody@ex.org"},
        {"subject": "Hello\x00"},
        {"address": "ada@ex.org\r\nRCPT TO:<eve@ex.org>"},
        {"address": "ada@ex.org\n"},
        {"address": "ada@ex.org, eve@ex.org"},
        {"address": "Ada <ada@ex.org>"},
        {"address": "<ada@ex.org> SIZE=1"},
        {"address": "ada"},
        {"address": ""},
        {"address": "žofie@ex.org"},
        {"attachments": (Attachment(name="a.ics\r\nX: y", type="text/calendar", text=""),)},
        {"attachments": (Attachment(name="a.ics", type="text/calendar\r\nX: y", text=""),)},
        {"text": "half a \ud83c"},
    ],
)
def test_what_would_break_out_of_its_place_is_refused_before_anything_connects(change: dict[str, Any]) -> None:
    answer = refused(Settings(host="nobody.invalid", sender=SENDER), ASK.model_copy(update=change))
    assert answer.permanent
    assert "ex.org" not in str(answer)


@pytest.mark.parametrize(
    "sender", ["duty", "a@b@c", "Duty <duty@airline.example>\nBcc: x@y.org", "Duty <>", "a b@c.de"]
)
def test_a_sender_that_is_no_address_is_no_setting(sender: str) -> None:
    with pytest.raises(ValidationError, match="write it like Example Air"):
        Settings(sender=sender)


def test_a_host_is_a_name() -> None:
    with pytest.raises(ValidationError, match=r"write it like smtp\.airline\.example"):
        Settings(host="smtp://mail.example")


# ---- answers -------------------------------------------------------------------------------------------------------


def test_greylisting_means_later(start: Callable[..., Started]) -> None:
    server = start()
    server.inbox.answers["ada@ex.org"] = "451 4.7.1 <ada@ex.org>: greylisted, see http://example"
    answer = refused(server.settings())
    assert (answer.permanent, answer.retry_after) == (False, 60)
    assert "451 4.7.1" in str(answer)
    server.inbox.answers.clear()
    assert sent(server.settings()).id == server.inbox.mails[0]["Message-ID"]


def test_an_unknown_person_is_refused_for_good_without_their_address(start: Callable[..., Started]) -> None:
    server = start()
    server.inbox.answers["ada@ex.org"] = "550 5.1.1 <ada@ex.org>: no such user"
    answer = refused(server.settings())
    assert answer.permanent
    assert "550 5.1.1" in str(answer)
    assert "people file" in str(answer)
    assert "ada" not in str(answer)
    assert server.inbox.mails == []


def test_a_server_that_does_not_relay_asks_for_a_log_in(start: Callable[..., Started]) -> None:
    server = start()
    server.inbox.answers["ada@ex.org"] = "554 5.7.1 <ada@ex.org>: Relay access denied"
    answer = refused(server.settings())
    assert answer.permanent
    assert "IRROPS_EMAIL_USERNAME" in str(answer)


def test_one_refused_person_keeps_nobody_else_from_their_mail(start: Callable[..., Started]) -> None:
    server = start()
    server.inbox.answers["bob@ex.org"] = "550 5.1.1 no such user"
    assert refused(server.settings(), ASK.model_copy(update={"address": "bob@ex.org"})).permanent
    sent(server.settings())
    assert server.inbox.taken == ["ada@ex.org"]


@pytest.mark.parametrize(
    ("answer", "permanent", "after"),
    [("452 4.3.1 full", False, 60), ("421 4.3.2 closing", False, None), ("554 5.7.1 looks like spam", True, None)],
)
def test_a_no_after_the_final_dot_is_a_no(
    start: Callable[..., Started], answer: str, permanent: bool, after: float | None
) -> None:
    server = start()
    server.inbox.end = answer
    found = refused(server.settings())
    assert (found.permanent, found.retry_after) == (permanent, after)
    assert answer[:9] in str(found)


def test_a_connection_that_breaks_after_the_mail_may_have_sent_it(start: Callable[..., Started]) -> None:
    async def hang_up(server: SMTP) -> str:
        assert server.transport is not None
        server.transport.abort()  # type: ignore[attr-defined]
        return "250 never heard"

    server = start()
    server.inbox.end = hang_up
    with pytest.raises(Lost):
        sent(server.settings())


def test_a_server_that_is_slow_after_the_mail_may_have_sent_it(start: Callable[..., Started]) -> None:
    async def sleep(server: SMTP) -> str:
        await asyncio.sleep(2)
        return "250 at last"

    server = start()
    server.inbox.end = sleep
    began = time.monotonic()
    with pytest.raises(Lost, match="did not say"):
        sent(server.settings(timeout_s=0.5))
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("end", [b"\xff\xfe what\r\n", b"<html>\r\n", b"354 more?\r\n", b"2" * 10_000 + b"\r\n", None])
def test_an_unreadable_answer_leaves_it_open(scripted: Callable[..., Settings], end: bytes | None) -> None:
    with pytest.raises(Lost):
        sent(scripted(b"220 here\r\n", {".": end}))


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
def test_a_break_before_the_mail_has_sent_nothing(scripted: Callable[..., Settings], verb: str) -> None:
    answer = refused(scripted(b"220 here\r\n", {verb: None}))
    assert not answer.permanent


@pytest.mark.parametrize(
    ("verb", "said", "permanent", "names"),
    [
        ("MAIL", b"530 5.7.0 Authentication required\r\n", True, "IRROPS_EMAIL_PASSWORD"),
        ("MAIL", b"550 5.7.1 not yours\r\n", True, "IRROPS_EMAIL_SENDER"),
        ("MAIL", b"552 5.3.4 too big\r\n", True, "too large"),
        ("MAIL", b"what?\r\n", False, "can't be understood"),
        ("DATA", b"451 4.3.0 not now\r\n", False, "451 4.3.0"),
        ("DATA", b"554 5.5.1 no\r\n", True, "554 5.5.1"),
        ("QUIT", None, None, ""),
        ("QUIT", b"500 never\r\n", None, ""),
    ],
)
def test_each_no_says_what_to_do(
    scripted: Callable[..., Settings], verb: str, said: bytes | None, permanent: bool | None, names: str
) -> None:
    settings = scripted(b"220 here\r\n", {verb: said})
    if permanent is None:
        assert sent(settings).place == "127.0.0.1"  # it was taken before the goodbye
        return
    answer = refused(settings)
    assert (answer.permanent, names in str(answer)) == (permanent, True), str(answer)


# ---- the way there -------------------------------------------------------------------------------------------------


def test_nobody_there_means_later() -> None:
    answer = refused(Settings(host="127.0.0.1", port=_free_port(), sender=SENDER))
    assert not answer.permanent
    assert "can't be reached" in str(answer)


def test_an_unknown_name_means_later() -> None:
    answer = refused(Settings(host="smtp.nobody.invalid", sender=SENDER))
    assert not answer.permanent
    assert "IRROPS_EMAIL_HOST" in str(answer)


@pytest.mark.parametrize(
    ("greeting", "permanent", "says"),
    [
        (b"<!doctype html><html><body>400 Bad Request</body></html>\r\n", True, "is no mail server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n<html>\r\n", True, "is no mail server"),
        (b"x" * 20_000, True, ""),
        (b"554 5.7.1 you are on a list\r\n", True, "refuses this machine"),
        (b"421 4.3.2 too busy\r\n", False, "421"),
        (None, False, "went away"),
        (b"", False, "in time"),
    ],
)
def test_a_greeting_that_is_none(
    scripted: Callable[..., Settings], greeting: bytes | None, permanent: bool, says: str
) -> None:
    answer = refused(scripted(greeting, timeout_s=0.5))
    assert (answer.permanent, says in str(answer)) == (permanent, True), str(answer)
    assert "html" not in str(answer)


def test_without_starttls_where_it_is_demanded_nothing_is_sent(start: Callable[..., Started]) -> None:
    server = start()
    answer = refused(server.settings(tls="starttls"))
    assert answer.permanent
    assert "IRROPS_EMAIL_TLS" in str(answer)
    assert server.inbox.mails == []


def test_starttls_encrypts_and_logs_in(
    start: Callable[..., Started], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bytes, bytes, bool]] = []

    def judge(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        seen.append((data.login, data.password, session.ssl is not None))
        return AuthResult(success=data.password == b"right", handled=False)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = start(tls_context=server_side(certificate), require_starttls=True, authenticator=judge, auth_required=True)
    who = {"tls": "starttls", "username": "duty"}
    sent(server.settings(**who, password=SecretStr("right")))
    assert seen == [(b"duty", b"right", True)]
    assert len(server.inbox.mails) == 1

    wrong = server.settings(**who, password=SecretStr("wr0ng"))
    answer = refused(wrong)
    assert answer.permanent
    assert "IRROPS_EMAIL_PASSWORD" in str(answer)
    assert "wr0ng" not in str(answer)
    assert connect(wrong).check() == [str(answer)]
    assert connect(server.settings(**who, password=SecretStr("right"))).check() == []
    assert refused(server.settings(**who, password=SecretStr("größer"))).permanent

    nameless = refused(server.settings(tls="starttls"))
    assert nameless.permanent
    assert "IRROPS_EMAIL_USERNAME" in str(nameless)
    assert len(server.inbox.mails) == 1


def test_an_untrusted_certificate_stops_everything(start: Callable[..., Started], certificate: Path) -> None:
    server = start(tls_context=server_side(certificate))
    answer = refused(server.settings(tls="starttls"))
    assert not answer.permanent
    assert "SSL_CERT_FILE" in str(answer)
    assert server.inbox.mails == []


def test_tls_from_the_first_byte(
    start: Callable[..., Started], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = start(ssl_context=server_side(certificate))
    sent(server.settings(tls="tls"))
    assert len(server.inbox.mails) == 1
    answer = refused(start().settings(tls="tls"))
    assert answer.permanent
    assert "IRROPS_EMAIL_TLS" in str(answer)
    waited = refused(server.settings(tls="none", timeout_s=0.5))
    assert not waited.permanent


def test_a_password_does_not_travel_unencrypted() -> None:
    answer = refused(Settings(host="mail.invalid", sender=SENDER, tls="none", username="u", password=SecretStr("p")))
    assert answer.permanent
    assert "IRROPS_EMAIL_TLS" in str(answer)


def test_a_server_that_takes_no_log_in(start: Callable[..., Started]) -> None:
    answer = refused(start().settings(username="u", password=SecretStr("p")))
    assert answer.permanent
    assert "IRROPS_EMAIL_USERNAME" in str(answer)


# ---- as a channel --------------------------------------------------------------------------------------------------


def test_whether_a_mail_arrived_is_not_known() -> None:
    with pytest.raises(CannotTell):
        connect(Settings(host="h", sender=SENDER)).find(ASK, KEY)


def test_without_a_server_it_says_what_to_set() -> None:
    channel = connect(Settings())
    assert refused(Settings()).permanent
    (found,) = channel.check()
    assert "IRROPS_EMAIL_HOST" in found
    assert "IRROPS_EMAIL_SENDER" in found


def test_doctor_hears_what_a_send_would(start: Callable[..., Started]) -> None:
    server = start()
    assert connect(server.settings()).check() == []
    assert connect(server.settings(tls="starttls")).check() == [str(refused(server.settings(tls="starttls")))]
    (half,) = connect(server.settings(username="u")).check()
    assert "IRROPS_EMAIL_PASSWORD" in half
    assert server.inbox.mails == []


def test_many_threads_send_many_mails(start: Callable[..., Started]) -> None:
    server = start()
    channel = connect(server.settings(), lambda: NOW)
    people = [ASK.model_copy(update={"address": f"p{number}@ex.org"}) for number in range(40)]
    threads = [
        threading.Thread(target=lambda part=part: [channel.send(one, one.address) for one in part])  # type: ignore[misc]
        for part in (people[::4], people[1::4], people[2::4], people[3::4])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(server.inbox.taken) == sorted(one.address for one in people)
    assert len({mail["Message-ID"] for mail in server.inbox.mails}) == 40

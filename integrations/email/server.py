"""The conversation with the mail server. What its answers mean is in `errors`.

A mail to one person has a connection of its own: simple, safe for threads, and no mail waits for another's time-out.
Those of a list go over one, for servers count connections.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from engine.ports import Lost, Refused
from integrations.email import Settings
from integrations.email.errors import RAISED, OfOne, meaning, refusal, unclear

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@contextmanager
def opened(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Connect, switch to TLS as set, log in; close afterwards. Raises Refused: no mail is under way yet."""
    if settings.username and settings.tls == "none" and settings.host not in LOOPBACK:
        raise Refused(
            "The mail password is not sent unencrypted; set IRROPS_EMAIL_TLS to starttls or tls.", permanent=True
        )
    with _refusing(settings):
        smtp = _greeted(settings)
    try:
        with _refusing(settings):
            _prepare(smtp, settings)
        yield smtp
        with suppress(*RAISED):  # what was taken stays taken, however the goodbye goes
            smtp.quit()
    finally:
        smtp.close()


def submit(
    smtp: smtplib.SMTP,
    settings: Settings,
    sender: str,
    recipient: str,
    mail: bytes,
    begin: Callable[[], None] = lambda: None,
) -> None:
    """Hand one mail over. Raises Refused, or Lost when the whole mail was sent and no answer came.

    `begin` is called when all has been said but the mail itself: from then on it may have happened.
    `SMTP.send_message` is not used: it doesn't say at which point a connection broke.
    """
    with _refusing(settings):
        size = [f"size={len(mail)}"] if smtp.has_extn("size") else []
        _must(smtp.mail(sender, size), "sender")
        _must(smtp.rcpt(recipient), "recipient")
    begin()
    try:
        code, said = smtp.data(mail)
    except smtplib.SMTPDataError as error:  # it did not let us begin
        raise refusal(error.smtp_code, error.smtp_error, "message") from None
    except RAISED as error:
        raise Lost(f"The mail server did not say whether it took the mail ({type(error).__name__}).") from None
    if unclear(code):
        raise Lost("The mail server's answer to the mail can't be understood.")
    _must((code, said), "message")


class Shared:
    """One connection for the mails of a list, opened on first use; anew when the server has closed it meanwhile."""

    def __init__(self, settings: Settings, sender: str) -> None:
        self._settings, self._sender = settings, sender
        self._stack = ExitStack()
        self._smtp: smtplib.SMTP | None = None

    def submit(self, recipient: str, mail: bytes, begin: Callable[[], None]) -> None:
        """Hand one mail over. Raises OfOne when the next may be taken, Refused when it won't be, or Lost."""
        used = self._smtp is not None
        try:
            self._try(recipient, mail, begin)
        except OfOne:
            raise
        except Refused:
            if not used:
                raise
            self._try(recipient, mail, begin)  # nothing has happened: servers close after so many mails, or a pause

    def close(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        self._smtp = None
        self._stack.close()

    def _try(self, recipient: str, mail: bytes, begin: Callable[[], None]) -> None:
        if self._smtp is None:
            self._smtp = self._stack.enter_context(opened(self._settings))
        smtp = self._smtp
        try:
            submit(smtp, self._settings, self._sender, recipient, mail, begin)
        except OfOne:
            with suppress(*RAISED):  # the next use finds out
                smtp.rset()
            raise
        except (Refused, Lost):
            smtp.close()  # without a goodbye, whose answer could take as long again
            self.close()
            raise


def try_out(smtp: smtplib.SMTP, settings: Settings, sender: str) -> None:
    """See whether the server would take a mail from us, without sending one. Raises Refused."""
    with _refusing(settings):
        _must(smtp.noop(), "message")
        _must(smtp.mail(sender), "sender")
        _must(smtp.rset(), "message")


def _greeted(settings: Settings) -> smtplib.SMTP:
    # Left to itself smtplib looks its own name up, which takes seconds when DNS is down.
    kind = partial(smtplib.SMTP_SSL, context=ssl.create_default_context()) if settings.tls == "tls" else smtplib.SMTP
    return kind(settings.host, settings.port, local_hostname="localhost", timeout=settings.timeout_s)


def _prepare(smtp: smtplib.SMTP, settings: Settings) -> None:
    smtp.local_hostname = _own_literal(smtp)
    smtp.ehlo_or_helo_if_needed()
    if settings.tls == "starttls":
        smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo_or_helo_if_needed()
    if settings.username:
        smtp.login(settings.username, settings.password.get_secret_value() if settings.password else "")


def _own_literal(smtp: smtplib.SMTP) -> str:
    """Name ourselves by our own address, as RFC 5321, section 4.1.4, wants where there may be no host name."""
    assert smtp.sock is not None
    host = str(smtp.sock.getsockname()[0])
    return f"[IPv6:{host}]" if smtp.sock.family == socket.AF_INET6 else f"[{host}]"


def _must(answer: tuple[int, bytes], what: str) -> None:
    if not 200 <= answer[0] < 300:
        raise refusal(*answer, what)


@contextmanager
def _refusing(settings: Settings) -> Iterator[None]:
    """Before the mail itself is sent every failure means that nothing happened."""
    try:
        yield
    except RAISED as error:
        raise meaning(error, settings) from None

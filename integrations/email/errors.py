"""What the mail server's answers and failures mean: refused for good, or for now. Nothing is sent here.

The server's own words are left out: they often carry the person's address. Its code and RFC 3463 status stay.
"""

import re
import smtplib
import socket
import ssl

from engine.ports import Refused
from integrations.email import Settings

RAISED = (smtplib.SMTPException, OSError, UnicodeError)
"""All that smtplib is known to raise for what the other side, or the way there, did."""

LATER_S = 60.0
"""Seconds until we come back when asked to. Greylisting mostly ends after five minutes, counted from the first try."""

_PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""OpenSSL's reasons where the other side does not speak TLS at all."""

_STATUS = re.compile(rb"\b([245]\.\d{1,3}\.\d{1,3})\b")

_LOG_IN = "set IRROPS_EMAIL_USERNAME and IRROPS_EMAIL_PASSWORD, or have the server take mail from this machine."

_FOR_GOOD = {
    "sender": "refuses our sender; correct IRROPS_EMAIL_SENDER, or let the user that logs in send as it.",
    "recipient": "takes no mail for this person's address; correct it in the people file, or have the server relay "
    "for this machine.",
    "message": "refuses the mail; its log says why.",
    "machine": "refuses this machine; ask who runs it.",
}
"""What was refused → what to do."""


class OfOne(Refused):
    """The server said no to this mail or address, and may take the next. `code` is all that it said of why."""

    def __init__(self, code: str, reason: str, *, permanent: bool, retry_after: float | None = None):
        self.code = code
        super().__init__(reason, permanent=permanent, retry_after=retry_after)


def unclear(code: int) -> bool:
    """Whether it is neither yes nor no. smtplib says -1 for a line that begins with no number."""
    return code // 100 not in (2, 4, 5)


def refusal(code: int, said: bytes | str, what: str) -> Refused:
    """Judge an answer other than yes. `what` was refused: our `machine`, the `sender`, `recipient` or `message`."""
    words = said.encode(errors="replace") if isinstance(said, str) else said
    found = _STATUS.search(words)
    status = found[1].decode() if found else ""
    why = f"{code} {status}".strip()
    if code == 421:
        return Refused(f"The mail server closes for now ({why}).", permanent=False)
    if unclear(code):
        return Refused("The mail server's answer can't be understood.", permanent=False)
    if code == 530:
        return Refused(_no(why, code, status, what), permanent=True)
    later = 400 <= code < 500
    text = f"The mail server asks us to come back ({why})." if later else _no(why, code, status, what)
    wait = LATER_S if later else None
    if what in ("recipient", "message"):
        return OfOne(why, text, permanent=not later, retry_after=wait)
    return Refused(text, permanent=not later, retry_after=wait)


def _no(why: str, code: int, status: str, what: str) -> str:
    """Say what to do about a no for good."""
    if code == 530 or (what == "recipient" and status.startswith("5.7.")):
        return f"The mail server sends nothing for us ({why}); {_LOG_IN}"
    if code == 552 and what != "recipient":
        return f"The mail is too large for the mail server ({why}); shorten it."
    return f"The mail server ({why}) {_FOR_GOOD[what]}"


def meaning(error: Exception, settings: Settings) -> Refused:
    """Judge a failure before the mail itself was sent."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, smtplib.SMTPException):
        return _said_no(error, where)
    if isinstance(error, ssl.SSLError):
        return _no_tls(error, where, settings.tls)
    if isinstance(error, UnicodeError):
        return Refused(
            "The mail server's name, user or password has letters outside ASCII; correct IRROPS_EMAIL_HOST, "
            "IRROPS_EMAIL_USERNAME or IRROPS_EMAIL_PASSWORD.",
            permanent=True,
        )
    return _not_reached(error, where)


def _said_no(error: smtplib.SMTPException, where: str) -> Refused:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        if isinstance(error.__context__, TimeoutError):
            return _not_reached(error.__context__, where)
        return Refused(f"The mail server {where} went away before it took the mail.", permanent=False)
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return Refused(
            f"The mail server does not take the user and password ({error.smtp_code}); correct IRROPS_EMAIL_USERNAME "
            "and IRROPS_EMAIL_PASSWORD.",
            permanent=True,
        )
    if isinstance(error, smtplib.SMTPResponseException):
        if unclear(error.smtp_code):
            return Refused(
                f"What answers at {where} is no mail server; correct IRROPS_EMAIL_HOST and IRROPS_EMAIL_PORT.",
                permanent=True,
            )
        return refusal(error.smtp_code, error.smtp_error, "machine")
    if "STARTTLS" in str(error):
        return Refused(
            f"The mail server {where} does not offer STARTTLS, so that nothing is sent there; ask who runs it, or set "
            "IRROPS_EMAIL_TLS to tls (port 465), or to none inside the house.",
            permanent=True,
        )
    return Refused(
        f"The mail server {where} takes no log-in of ours; leave IRROPS_EMAIL_USERNAME empty.", permanent=True
    )


def _no_tls(error: ssl.SSLError, where: str, tls: str) -> Refused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            f"The certificate of {where} is not trusted here ({error.verify_message}); check the clock, or name your "
            "own authority's file in SSL_CERT_FILE.",
            permanent=False,
        )
    if tls == "tls" and error.reason in _PLAIN:
        return Refused(
            f"{where} does not speak TLS from the first byte; set IRROPS_EMAIL_TLS to starttls, or the port to 465.",
            permanent=True,
        )
    return Refused(
        f"Encryption with the mail server {where} fails ({error.reason or 'it went away'}).", permanent=False
    )


def _not_reached(error: Exception, where: str) -> Refused:
    if isinstance(error, socket.gaierror):
        return Refused(
            f"The mail server {where} can't be looked up; check IRROPS_EMAIL_HOST, the network and DNS.",
            permanent=False,
        )
    if isinstance(error, TimeoutError):
        return Refused(
            f"The mail server {where} does not answer in time (a port 465 wants IRROPS_EMAIL_TLS=tls).", permanent=False
        )
    return Refused(f"The mail server {where} can't be reached; check the network and its port.", permanent=False)

"""What happened on the wire while Apprise sent, which itself says only yes or no. Judging it is here, sending is not.

Apprise catches the client's exceptions and keeps the status code to itself, but both pass through logging: urllib3
reports each answer as a record whose arguments hold the status, and Apprise warns while it handles the exception. We
listen to both in the sending thread alone, and keep those records from the logs: they carry numbers and passwords.
"""

import logging
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from requests.exceptions import InvalidHeader, InvalidURL, MissingSchema
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from engine.ports import Lost, Refused

WAIT_S = 30.0
"""Seconds to wait after a 429: Apprise does not pass on how long the service asked for."""

_NEVER_LEFT = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
"""Failures before anything was sent, as the cause of what requests raises."""

_LATER = frozenset({408, 409, 425, 429})
_CREDENTIALS = frozenset({401, 402, 403, 407})


@dataclass
class Heard:
    """What passed by during one attempt."""

    events: list[int | BaseException] = field(default_factory=list)
    """Status codes and exceptions, in order."""


class Ear(logging.Filter):
    """Hears the records of two loggers in threads that listen, and lets none of those through."""

    here = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        heard: Heard | None = getattr(self.here, "heard", None)
        if heard is None:
            return record.name != _wire.name or record.levelno >= _usual_level()
        if record.name == _wire.name:
            self._take_answer(record, heard)
        elif record.levelno >= logging.WARNING:
            self._take_failure(heard)
        return False

    def _take_answer(self, record: logging.LogRecord, heard: Heard) -> None:
        """urllib3's record of an answer has eight arguments, the seventh is its status."""
        if isinstance(record.args, tuple) and len(record.args) == 8 and isinstance(record.args[6], int):
            heard.events.append(record.args[6])

    def _take_failure(self, heard: Heard) -> None:
        failure = sys.exc_info()[1]
        if failure is not None and failure is not self.here.outer:
            heard.events.append(failure)


_ear = Ear()
_wire = logging.getLogger("urllib3.connectionpool")


def _usual_level() -> int:
    """From which level on urllib3 would log without us."""
    return _wire.parent.getEffectiveLevel() if _wire.parent else logging.WARNING


def _fit() -> None:
    """Put the ear on both loggers; again where somebody has set up logging since. `addFilter` adds it once only."""
    for logger in (_wire, logging.getLogger("apprise")):
        logger.addFilter(_ear)
        logger.disabled = False
    if _wire.level != logging.DEBUG:
        _wire.setLevel(logging.DEBUG)


@contextmanager
def listening() -> Iterator[Heard]:
    """Hear what the code inside sends from this thread."""
    _fit()
    _ear.here.heard, _ear.here.outer = Heard(), sys.exc_info()[1]
    try:
        yield _ear.here.heard
    finally:
        _ear.here.heard = _ear.here.outer = None


def meaning(heard: Heard, setting: str, whose: str = "") -> Refused | Lost:
    """Judge an attempt that failed, by the last thing that happened.

    `setting` names where the service's URL is, `whose` what else may be wrong: "the person's address …, or ".
    """
    last = heard.events[-1] if heard.events else None
    if isinstance(last, int):
        return _answered(last, setting, whose)
    if isinstance(last, InvalidURL | InvalidHeader | MissingSchema):
        return Refused(f"The service's address is none; correct {setting}.", permanent=True)
    if last is not None and _never_left(last):
        return Refused("The service can't be reached; check the network and DNS.", permanent=False)
    if last is not None:
        return Lost(f"No answer came from the service ({type(last).__name__}).")
    return Lost("The service says that it failed, and not how.")


def _answered(status: int, setting: str, whose: str) -> Refused | Lost:
    why = f"HTTP {status}"
    if status in _LATER:
        wait = WAIT_S if status == HTTPStatus.TOO_MANY_REQUESTS else None
        return Refused(f"The service asks us to wait ({why}).", permanent=False, retry_after=wait)
    if status in _CREDENTIALS:
        return Refused(
            f"The service refuses our account ({why}); correct the password in {setting}, or see whether the account "
            "is in order and in credit.",
            permanent=True,
        )
    if 400 <= status < 500:
        return Refused(
            f"The service refuses the message ({why}); correct {whose}{setting}.",
            permanent=True,
        )
    if 300 <= status < 400:
        return Refused(f"The service has moved ({why}); correct the address in {setting}.", permanent=True)
    return Lost(f"The service's answer leaves open whether it was sent ({why}).")


def _never_left(error: BaseException) -> bool:
    """Look for a failure to connect among the causes. requests wraps urllib3's, which keeps its own in `reason`."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        seen.append(one)
        inner = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        waiting += [each for each in inner if isinstance(each, BaseException) and each not in seen]
    return any(isinstance(one, _NEVER_LEFT) for one in seen)

"""One effect to several recipients: to each once, and none keeps another from theirs. How it is sent is the channel's.

The ledger remembers who has it: what one send leaves open the next makes up for, and nobody is sent it a second time
unless a person has said so.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from engine.ports import CannotTell, Lost, Refused
from integrations.ledger import Ledger, Line, Page, State

MOST_LOST = 3
"""Lost answers in one send after which the rest is left: whoever loses so many will lose the others too."""


class Recipient(Protocol):
    """Somebody, or something, that one effect goes to."""

    @property
    def mark(self) -> str:
        """A hash that tells it from all others, and is the same in every send."""
        ...

    @property
    def place(self) -> str:
        """Whose it is, as people may read it: a domain, a service."""
        ...


R = TypeVar("R", bound=Recipient)


class ForAll(Refused):
    """The outside said no, and would say it to each of them: the rest is not tried."""


@dataclass(frozen=True)
class Words:
    """How a channel speaks of its recipients."""

    several: str
    """`addresses`"""
    remedy: str
    """What to do where all are refused."""


@dataclass
class _Run:
    """What one send came to."""

    lost: int = 0
    waits: list[Refused] = field(default_factory=list)
    stopped: ForAll | None = None

    @property
    def over(self) -> bool:
        return self.stopped is not None or self.lost >= MOST_LOST


def to_each(
    ledger: Ledger, key: str, recipients: Sequence[R], words: Words, send: Callable[[R, Callable[[], None]], None]
) -> dict[str, Any]:
    """Send to those who don't have it, and return how it stands, for the receipt: counts only.

    `send` gets a recipient, and what it calls just before it may happen; it raises Refused, ForAll or Lost. Those of
    whom nobody knows whether they have it are sent it again: the outbox asks a person first (`find_all`).
    Raises Refused while some don't have it yet, or for good when all are refused; Lost when an answer was.
    """
    with ledger.alone(key) as page:
        known, run = page.lines(), _Run()
        if page.waited and _in(known, State.BEGUN):
            raise Lost(f"Another process has sent it, and lost an answer. {_standing(known, recipients, words)}")
        for recipient in recipients:
            if run.over:
                break
            if recipient.mark not in known or known[recipient.mark].state is State.BEGUN:
                _one(page, recipient, send, run)
        return _judged(page, recipients, words, run)


def find_all(ledger: Ledger, key: str, recipients: Sequence[Recipient], words: Words) -> dict[str, Any] | None:
    """Look who has it; None where some surely don't and nobody may. Raises CannotTell where some may have it."""
    with ledger.alone(key) as page:
        known = page.lines()
    if _in(known, State.BEGUN):
        raise CannotTell(_standing(known, recipients, words))
    if not _in(known, State.ACCEPTED) or _without(known, recipients):
        return None
    return _facts(known)


def _one(page: Page, to: R, send: Callable[[R, Callable[[], None]], None], run: _Run) -> None:
    try:
        send(to, lambda: page.begin(to.mark, to.place))
        page.accepted(to.mark, to.place)
    except Lost:
        run.lost += 1
    except Refused as error:
        if error.permanent and not isinstance(error, ForAll):
            page.refused(to.mark, to.place, str(error))
            return
        page.forget(to.mark)
        run.stopped = error if isinstance(error, ForAll) else None
        run.waits.append(error)


def _judged(page: Page, recipients: Sequence[Recipient], words: Words, run: _Run) -> dict[str, Any]:
    known = page.lines()
    if run.lost:
        raise Lost(_standing(known, recipients, words))
    if run.waits:
        raise _unfinished(known, recipients, words, run)
    if not _in(known, State.ACCEPTED):
        for mark in known:  # whoever mends it wants them asked again
            page.forget(mark)
        raise Refused(f"All {len(known)} {words.several} refused it: {_whys(known)}. {words.remedy}", permanent=True)
    return _facts(known)


def _unfinished(known: Mapping[str, Line], recipients: Sequence[Recipient], words: Words, run: _Run) -> Refused:
    error = run.stopped or run.waits[0]
    text = f"{error} {_standing(known, recipients, words)}" if known else str(error)
    waits = [wait.retry_after for wait in run.waits if wait.retry_after is not None]
    return Refused(text, permanent=error.permanent, retry_after=max(waits, default=None))


def _facts(known: Mapping[str, Line]) -> dict[str, Any]:
    refused = Counter(f"{line.place}: {line.why}" for line in _in(known, State.REFUSED))
    return {"recipients": len(known), "accepted": len(_in(known, State.ACCEPTED)), "refused": dict(refused)}


def _standing(known: Mapping[str, Line], recipients: Sequence[Recipient], words: Words) -> str:
    """Say in counts who has it and who hasn't, without naming anybody."""
    unsure, without = _in(known, State.BEGUN), len(_without(known, recipients))
    refused = _in(known, State.REFUSED)
    parts = [f"{len(_in(known, State.ACCEPTED))} took it"]
    if unsure:
        places = Counter(line.place for line in unsure)
        parts.append(f"{len(unsure)} may have taken it or not ({_listed(places)})")
    if without:
        parts.append(f"{without} did not get it yet")
    if refused:
        parts.append(f"{len(refused)} refused it ({_whys(known)})")
    text = f"Of {len(known) + without} {words.several}: {', '.join(parts)}."
    return f"{text} Sent again, it goes only to the {len(unsure) + without} that may lack it." if unsure else text


def _whys(known: Mapping[str, Line]) -> str:
    return _listed(Counter(f"{line.place}: {line.why.rstrip('.')}" for line in _in(known, State.REFUSED)))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in sorted(counts.items()))


def _in(known: Mapping[str, Line], state: State) -> list[Line]:
    return [line for line in known.values() if line.state is state]


def _without(known: Mapping[str, Line], recipients: Sequence[Recipient]) -> list[Recipient]:
    return [one for one in recipients if one.mark not in known]

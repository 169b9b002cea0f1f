"""Finding the question that somebody answers: by the code that stands under it, or by who answers.

What the answer means is not decided here (`engine.answering`), nor how words are understood (`desk.said`).
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from sqlalchemy import func

from engine.callout import Answer, CallOut, Invitation
from engine.incident import Incident, NotAllowed, number_of
from engine.lanes import ADDRESS, CODE_LENGTH
from engine.people import Person
from state.rows import table
from state.snapshots import LIVE

if TYPE_CHECKING:
    from desk.desk import Desk

MISREAD = str.maketrans("018", "OIB")
"""Digits that base 32 does not have, and the letters they are taken for."""
_CODE = re.compile(rf"[A-Z2-7]{{{CODE_LENGTH}}}")
_WORD = re.compile(rf"(?<![0-9A-Za-z])[0-9A-Za-z]{{{CODE_LENGTH}}}(?![0-9A-Za-z])")


LONGEST = 4000
"""Characters of a text that are looked through for a code: an e-mail with what it replies to."""


@dataclass(frozen=True)
class Asked:
    """A question and the person whom it was put to."""

    invitation: Invitation
    person: Person


def by_code(desk: "Desk", code: str) -> Asked | None:
    """Find the question with this code, however it was typed; None when there is none.

    The code is looked up in an index by its whole value, so that the time taken says nothing of how much was right.
    """
    return _asked(desk, [_clean(code)]).get(_clean(code))


def by_code_within(desk: "Desk", text: str) -> tuple[Asked | None, str]:
    """Find the question whose code stands in a text, and the text without the code."""
    words = list(_WORD.finditer(text[:LONGEST]))
    known = _asked(desk, [_clean(word[0]) for word in words])
    for word in words:
        if asked := known.get(_clean(word[0])):
            return asked, f"{text[: word.start()]} {text[word.end() :]}".strip(" \t\n:,;.-")
    return None, text


def _clean(code: str) -> str:
    return re.sub(r"[\s-]", "", code).upper().translate(MISREAD)


def _asked(desk: "Desk", codes: Sequence[str]) -> dict[str, Asked]:
    good = [code for code in codes if _CODE.fullmatch(code)]
    if not good:
        return {}
    found = desk.store.all(Invitation, table(Invitation).c.code.in_(good))
    people = {one.key: one for one in desk.store.all(Person, table(Person).c.key.in_([i.person for i in found]))}
    active = {key: person for key, person in people.items() if person.active}
    return {one.code: Asked(one, active[one.person]) for one in found if one.person in active}


def by_address(desk: "Desk", lane: str, address: str) -> list[Person]:
    """The active people whom a lane finds at this address; more than one where they share it."""
    field, people = ADDRESS[lane], table(Person).c
    if field == "phone":
        digits = re.sub(r"[\s().-]", "", address)
        known: Any = people.phone
        for mark in " ()-":  # the people file keeps numbers as they were written
            known = func.replace(known, mark, "")
        same = known == (f"+{digits[2:]}" if digits.startswith("00") else digits)
    elif field == "email":
        same = func.lower(people.email) == parseaddr(address)[1].lower()
    else:
        same = people[field] == address
    return desk.store.all(Person, same, people[field] != "", active=True)


def newest(desk: "Desk", person: Person, ref: str = "") -> Asked | None:
    """The newest question put to somebody whose hours are not over; one they refused only where there is no other.

    Of live incidents, or of the one that `ref` names.
    """
    asked, now = table(Invitation).c, desk.clock.now()
    numbers = [one.number for one in desk.store.all(Incident, table(Incident).c.status.in_(LIVE))]
    numbers = [number for number in numbers if not ref or number == number_of(ref)]
    found = desk.store.all(Invitation, asked.released_at.is_(None), asked.incident.in_(numbers), person=person.key)
    slots = desk.store.all(CallOut, table(CallOut).c.key.in_([one.callout for one in found]))
    going_on = {one.key for one in slots if one.ends_at > now}
    there = [one for one in found if one.callout in going_on]
    latest = max(there, key=lambda one: (one.answer is not Answer.NO, one.asked_at, one.key), default=None)
    return Asked(latest, person) if latest else None


def by_word(desk: "Desk", word: str, ref: str = "") -> Asked:
    """Find the question that a duty manager means by a code, a person's key or name. Raises NotAllowed."""
    if asked := by_code(desk, word):
        return asked
    people = [one for one in desk.everybody() if word.casefold() in (one.key.casefold(), one.name.casefold())]
    if len(people) > 1:
        keys = ", ".join(sorted(one.key for one in people))
        raise NotAllowed(f"Several people are called {word}; give the key of one: {keys}.")
    if not people:
        raise NotAllowed(f"“{word}” is neither a code nor a person; `irrops callout show INC-n` names who was asked.")
    if asked := newest(desk, people[0], ref):
        return asked
    where = f"for {ref}" if ref else "for a live incident"
    raise NotAllowed(f"{people[0].name} was not asked {where}, so there is nothing to answer.")


class WrongCodes:
    """How many wrong codes came from where, in memory: a guesser is turned away, whatever the next code is.

    50 bits are out of reach of guessing anyway; this keeps the guesses off the database.
    """

    def __init__(self, most: int = 30, per_s: float = 60, clock: Callable[[], float] = time.monotonic):
        self.most, self.per_s, self.clock = most, per_s, clock
        self._since: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._turn = threading.Lock()

    def too_many(self, address: str) -> bool:
        """Tell whether this address has used up its wrong codes for now."""
        with self._turn:
            since, count = self._since.get(_network(address), (0.0, 0))
            return count >= self.most and self.clock() - since < self.per_s

    def note(self, address: str) -> None:
        """Count one wrong code. The count begins anew when `per_s` has passed since its first."""
        network, now = _network(address), self.clock()
        with self._turn:
            since, count = self._since.pop(network, (now, 0))
            self._since[network] = (since, count + 1) if now - since < self.per_s else (now, 1)
            while len(self._since) > KEPT:
                self._since.popitem(last=False)


KEPT = 10_000
"""Addresses remembered at most; the one that was wrong longest ago goes first."""


def _network(address: str) -> str:
    """An IPv6 customer has 2^64 addresses or more: the first 64 bits count as one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and not known.ipv4_mapped:
        return str(IPv6Address(int(known) >> 64 << 64))
    return str(known)

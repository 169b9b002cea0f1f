"""Calling somebody by name: finding who is meant, for which incident, and taking “I've got it”.

Who is called after whom, and when, is in `engine.paging`.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from desk.asked import LONGEST, MISREAD
from engine import paging
from engine.callout import Answer
from engine.change import Change
from engine.incident import NotAllowed, Unknown
from engine.lanes import CODE_LENGTH
from engine.pages import Page, code_of, told
from engine.people import Person
from engine.plain_words import understand
from engine.ports import Reply
from engine.snapshot import Snapshot
from engine.succession import title
from state import snapshots
from state.rows import table

if TYPE_CHECKING:
    from desk.desk import Desk

KNOWN_FOR = timedelta(days=7)
"""How long a code is known after the call."""
SHOWN = 5
"""People named where a name fits several."""
_WORD = re.compile(rf"(?<![0-9A-Za-z])[0-9A-Za-z]{{{CODE_LENGTH}}}(?![0-9A-Za-z])")
_PLAIN = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
"""Letters that Unicode does not take apart into a letter and an accent."""


# ---------------------------------------------------------------- calling


def page(desk: "Desk", name: str, by: str, why: str, incident: str | None = None) -> str:
    """Call a person now for an incident, the only live one where none is named. Returns what to tell who asked for it.

    `name`: key, chat mention, or name, whole or in part. Raises NotAllowed.
    """
    person, ref = find(desk.everybody(), name), incident or the_live_one(desk)
    called: list[str] = []

    def decide(snapshot: Snapshot) -> Change:
        change = paging.page(snapshots.with_everybody(desk.store, snapshot), person, why, by)
        called[:] = [entry.text for entry in change.entries]
        return change

    return f"{desk._command(ref, decide).ref}: {called[0]}."


def the_live_one(desk: "Desk") -> str:
    """The reference of the only live incident. Raises NotAllowed."""
    live = desk.incidents(live=True)
    if not live:
        raise NotAllowed("No incident is live, and people are called for one; declare it first (`irrops declare`).")
    if len(live) > 1:
        refs = ", ".join(f"{one.ref} {one.title}" for one in live)
        raise NotAllowed(f"{len(live)} incidents are live ({refs}); say which one, such as {live[-1].ref}.")
    return live[0].ref


# ---------------------------------------------------------------- who is meant


def find(people: Sequence[Person], name: str) -> Person:
    """Find the one person who is meant, by key, chat mention or name; case and accents don't matter.

    Raises NotAllowed with those it may be.
    """
    found = _matches(people, name)
    if len(found) == 1:
        return found[0]
    if not name.strip():
        raise NotAllowed("Say whom to call: their name, or their key in the people file.")
    if not found:
        raise NotAllowed(
            f"Nobody in the people file is called “{name.strip()}”; `irrops people list` shows who is there."
        )
    shown = "; ".join(f"{one.name} ({one.key}, {title(one, '')})" for one in found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise NotAllowed(f"“{name.strip()}” may be {len(found)} people: {shown}{more}. Say which, best by the key.")


def _matches(people: Sequence[Person], name: str) -> list[Person]:
    """Who fits, by the strictest rule that anybody fits: key or mention, whole name, words of it, their beginnings."""
    given = name.strip()
    mention = re.fullmatch(r"<@(\w+)(\|[^>]*)?>", given)
    wanted = plain(given.removeprefix("@"))
    words = wanted.split()
    rules: list[Callable[[Person], bool]] = [
        lambda one: one.key == given.casefold() or bool(mention and one.chat == mention[1]),
        lambda one: plain(one.name) == wanted,
        lambda one: set(words) <= set(plain(one.name).split()),
        lambda one: all(any(part.startswith(word) for part in plain(one.name).split()) for word in words),
    ]
    for rule in rules if given and (words or mention) else ():
        if found := [one for one in people if one.active and rule(one)]:
            return found
    return []


def plain(text: str) -> str:
    """A name as one may type it: without accents, in small letters, only letters and digits."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w]+", " ", bare).split())


# ---------------------------------------------------------------- “I've got it”


def acknowledge(desk: "Desk", key: str, person: Person) -> Reply:
    """Take “I've got it” for a page from somebody who was called. Twice is once. Raises NotAllowed."""
    replies: list[Reply] = []

    def decide(snapshot: Snapshot) -> Change:
        there = _page(desk, key)
        called = desk.store.all(Person, table(Person).c.key.in_(there.called))
        known = {one.key: one for one in (*snapshot.people, *called)}
        change, reply = paging.acknowledge(replace(snapshot, people=tuple(known.values())), there, person)
        replies.append(reply)
        return change

    desk._command(f"INC-{_page(desk, key).incident}", decide)
    return replies[-1]


def acknowledge_by_code(desk: "Desk", code: str) -> Reply:
    """The same for somebody who was called outside chat and has only the code. Raises NotAllowed."""
    found = by_code(desk, code)
    if not found:
        raise Unknown(f"Nobody was called with the code {code.strip()[:20]}; read it again from the newest message.")
    return acknowledge(desk, found[0].key, found[1])


def answered_in(desk: "Desk", own: str, whole: str, lane: str) -> str:
    """Take a reply by SMS or e-mail with a page's code in it; returns what to say. Empty where there is no such code.

    `own` is what somebody wrote themselves, `whole` also what they reply to. Only a plain yes, or the code alone,
    takes it; after anything else the call is said again, with how to answer it.
    """
    found = next((one for word in _WORD.findall(whole[:LONGEST]) if (one := by_code(desk, word))), None)
    if found is None:
        return ""
    page, person = found
    rest = _WORD.sub(lambda word: " " if by_code(desk, word[0]) else word[0], own).strip(" \t\n:,;.-!")
    meant = understand(rest, person.local(desk.clock.now()))
    if not rest or (meant and meant.answer is Answer.YES):
        return acknowledge(desk, page.key, person).text
    return told(desk.snapshot(f"INC-{page.incident}"), page, person, "page", lane)


def by_code(desk: "Desk", code: str) -> tuple[Page, Person] | None:
    """Find who was called with a code in the last week, however it was typed; None when nobody was.

    All are compared in full, so that the time taken says nothing of how much was right.
    """
    given = re.sub(r"[\s-]", "", code).upper().translate(MISREAD).encode()
    found: tuple[Page, str] | None = None
    for one in desk.store.all(Page, table(Page).c.at > desk.clock.now() - KNOWN_FOR):
        incident = desk.store.incident(one.incident)
        for key in one.called:
            if hmac.compare_digest(code_of(desk.crew.house, incident, one, key).encode(), given):
                found = (one, key)
    person = desk.person(found[1]) if found else None
    return (found[0], person) if found and person else None


def _page(desk: "Desk", key: str) -> Page:
    found = desk.store.first(Page, key=key)
    if not found:
        raise Unknown("This call is not known here any more.")
    return found

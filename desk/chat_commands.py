"""What the commands `status`, `approve` and `page` of chat do. How they are read and shown is the integration's."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from desk import home
from desk.paging import page as call
from desk.paging import plain
from engine.approval import approvers
from engine.buttons import PAGE
from engine.effects import Button
from engine.incident import Incident, NotAllowed
from engine.people import Person
from engine.ports import HomeItem, Reply

if TYPE_CHECKING:
    from desk.desk import Desk

MOST_CHOICES = 10
LONGEST_NAME = 6
"""Words."""
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_REF = re.compile(r"\bINC-\d{1,9}\b", re.IGNORECASE)
HOW_TO_PAGE = "Say whom and why: /irrops page Anna the queue is full."


def status(desk: "Desk") -> str:
    """What is live, late and waiting, how the call-outs stand, and what is held up outside."""
    live = desk.incidents(live=True)
    lines = [line for incident in reversed(live) for line in home.running(desk.snapshot(incident.ref))]
    lines += [home.proposed(one) for one in home.open_proposals(desk)]
    return "\n".join(lines) or "No incident is live, and no proposal waits."


# ---------------------------------------------------------------- approve


def approvals(desk: "Desk", person: Person) -> list[HomeItem]:
    """The statements that a person may approve now, newest first, each with all its texts. Raises NotAllowed.

    Nobody without the role is shown anything: the words are not out yet.
    """
    found = [one for one in home.drafted(desk) if set(person.roles) & set(approvers(*one))]
    if found:
        return [home.approval(*one) for one in found]
    others = {role for one in home.drafted(desk) for role in approvers(*one)}
    if others:
        roles = " or ".join(sorted(role.replace("_", " ") for role in others))
        raise NotAllowed(f"Nothing waits for you. What waits is for the {roles} to approve.")
    raise NotAllowed("No statement waits for approval.")


def approve(desk: "Desk", name: str, person: Person) -> str:
    """Approve a statement by its reference, as it stands now. Raises NotAllowed."""
    there = desk.approve(name, person.key, person.roles)
    return f"{there.ref} is approved, in {len(there.texts)} texts. It goes out now."


# ---------------------------------------------------------------- page


def page(desk: "Desk", person: Person, text: str) -> Reply:
    """`NAME [INC-n] [why]`: call somebody now. Where several people match the name, the reply lets choose."""
    refs = _REF.findall(text)
    words = _REF.sub(" ", text).split()
    if not words:
        raise NotAllowed(HOW_TO_PAGE)
    found, count = named(desk.everybody(), words)
    if not found:
        raise NotAllowed(f"Nobody in the people file is called {words[0]}. {HOW_TO_PAGE}")
    why, ref = " ".join(words[count:]), refs[0].upper() if refs else ""
    if len(found) == 1:
        return page_person(desk, person, found[0].key, ref, why)
    shown = sorted(found, key=lambda one: (one.name, one.key))[:MOST_CHOICES]
    label = " ".join(words[:count])
    more = f" These are the first {len(shown)}; give the whole name for another." if len(found) > len(shown) else ""
    buttons = tuple(_choice(f"{one.name}, {one.department.replace('_', ' ')}", one.key, ref, why) for one in shown)
    return Reply(text=f"{len(found)} people match {label}. Who is it?{more}", buttons=buttons)


def page_person(desk: "Desk", by: Person, key: str, ref: str, why: str) -> Reply:
    """Call this person, for an incident or the only live one. Raises NotAllowed."""
    live = desk.incidents(live=True)
    if not ref and len(live) > 1:
        buttons = tuple(_choice(_title(one), key, one.ref, why) for one in list(reversed(live))[:MOST_CHOICES])
        return Reply(text="For which incident?", buttons=buttons)
    return Reply(text=call(desk, key, by.key, why or f"{by.name} asks you to call back", ref or None))


def named(people: Iterable[Person], words: list[str]) -> tuple[list[Person], int]:
    """Who is meant by the first of these words, and by how many of them: the whole name before parts of it.

    A mention, a key or a role is one word. Parts are whole words: the first or last of a name, or both. No more is
    guessed, since what follows is why they are called.
    """
    everybody = list(people)
    if mentioned := _MENTION.fullmatch(words[0]):
        return [one for one in everybody if one.chat == mentioned[1]], 1
    said = [plain(word) for word in words[:LONGEST_NAME]]
    for count in range(len(said), 0, -1):
        meant = " ".join(said[:count])
        if found := [one for one in everybody if meant in (plain(one.key), plain(one.name))]:
            return found, count
    if both := [one for one in everybody if [_parts(one)[0], _parts(one)[-1]] == said[:2]]:
        return both, 2
    role = words[0].casefold()
    return [one for one in everybody if said[0] in _parts(one) or role in one.roles], 1


def _parts(person: Person) -> list[str]:
    return plain(person.name).split() or [""]


def _choice(label: str, key: str, ref: str, why: str) -> Button:
    return Button(label=label[:75], action=PAGE, value=f"{key}|{ref}|{why}"[:2000])


def _title(incident: Incident) -> str:
    return f"{incident.ref} {incident.severity} {incident.title}"

"""What a briefing says beyond who, when and where: the facts, the last public word, rights, buddy, notes of others.

The words around it are in `templates/messages/briefing/`, what the playbook says in its `briefing`.
"""

from collections.abc import Iterator
from typing import Any

from engine import buddy, calendar_entry, handover, triage
from engine.callout import CallOut, Invitation, language_for
from engine.choice import STANDING_TEAM
from engine.people import Person
from engine.playbook import Fact
from engine.snapshot import Snapshot
from engine.statements import StatementStatus
from engine.wording import local


def brief(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person, guide: Person | None
) -> dict[str, Any]:
    """Gather what the template `briefing` may speak of beside `engine.callout.told`.

    `known`: (fact, value) in words; `said`: what the public was told last, empty while nothing is out; `volunteer`:
    not of the social team; `public`: may answer the public feed; `guide`: who looks after them, and `asks`: whom to
    ask where nobody does, both empty or a name; `room`: the incident's chat room; `calendar`: link to the entry;
    `notes`: (name, note) of those who worked before them.
    """
    language = language_for(snapshot.house.wording, "briefing", person)
    leader = buddy.lead(snapshot, callout)
    return {
        "known": list(known(snapshot, person, language)),
        "said": last_word(snapshot, person),
        "volunteer": person.team != STANDING_TEAM,
        "public": "public" in triage.rights(person, called_in=True),
        "guide": guide.name if guide else "",
        "asks": leader.name if leader and not guide else "",
        "calendar": calendar_entry.link(snapshot, invitation),
        "notes": handover.notes_for(snapshot, callout),
    }


def known(snapshot: Snapshot, person: Person, language: str) -> Iterator[tuple[str, str | bool]]:
    """The facts in words, with the instants in the person's own time; yes and no stay true and false.

    A sentence that was written for customers in each language (`detail_nl`) is told in this one only.
    """
    facts = snapshot.playbook.facts
    for name, fact in facts.items():
        value = snapshot.incident.facts.get(name)
        stem, _, code = name.rpartition("_")
        translated = len(code) == 2 and f"{stem}_{language}" in facts
        if value not in (None, "", []) and (not translated or code == language):
            yield (stem if translated else name).replace("_", " "), _said(fact, value, person, language)


def _said(fact: Fact, value: Any, person: Person, language: str) -> str | bool:
    if fact.type == "instant":
        return local(value, person.time_zone, language)
    if fact.type == "stations":
        return ", ".join(value)
    if fact.type == "yes_no":
        return bool(value)
    return str(value).replace("_", " ") if fact.type == "choice" else str(value)


def last_word(snapshot: Snapshot, person: Person) -> str:
    """What the public was told last, in the person's language where it is written in that; empty while nothing is out.

    Of several channels the fullest text.
    """
    live = [one for one in snapshot.statements if one.live_at and one.status is not StatementStatus.WITHDRAWN]
    newest = max(live, key=lambda one: (one.live_at, one.key), default=None)
    if newest is None:
        return ""
    for language in (*person.languages, "en"):
        texts = [one.text for one in newest.texts if one.language == language]
        if texts:
            return max(texts, key=len)
    return max((one.text for one in newest.texts), key=len, default="")

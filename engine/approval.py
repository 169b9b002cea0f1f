"""Approval: who may say yes to a statement, whom it is shown to, and how those messages end.

What a yes or a no does to the statement is in `engine.statements`; when the next one is asked, in
`engine.actions.publish_statement`.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from engine import buttons, languages
from engine.checked import stops
from engine.effects import Button, Direct, Effect, Message, Revise
from engine.people import Person
from engine.wording import context

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot
    from engine.statements import Statement

DRAFTER = "irrops"
"""Who drafts from templates; anybody else has typed."""

SHOWN = 2900
"""Characters of a request; Slack takes 3000 in one section."""

MOST_STOPS = 3
"""Findings that a request names; the form has them all."""


def words(statement: "Statement") -> str:
    """Tell apart the wordings of one statement: empty as irrops drafted it, else part of a hash of its texts."""
    if statement.drafted_by == DRAFTER:
        return ""
    return sha256("\0".join(part for text in statement.texts for part in text.parts).encode()).hexdigest()[:12]


def button_value(statement: "Statement") -> str:
    """What an approve or reject button carries: the statement's key; once edited, also which words were shown."""
    shown = words(statement)
    return f"{statement.key}|{shown}" if shown else statement.key


def decisions(statement: "Statement", approve: str = "Approve") -> tuple[Button, ...]:
    """The buttons by which a draft is approved, read and edited, or rejected."""
    value = button_value(statement)
    return (
        Button(label=approve, action=buttons.APPROVE, value=value, style="primary"),
        Button(label="Read and edit", action=buttons.READ, value=value),
        Button(label="Reject", action=buttons.REJECT, value=value, style="danger"),
    )


def read_button(value: str) -> tuple[str, str]:
    """Read what a button carries: the statement's key, and the words that were shown (`seen` of `approve`)."""
    key, _, shown = value.partition("|")
    return key, shown


def approvers(snapshot: "Snapshot", statement: "Statement") -> tuple[str, ...]:
    """Roles that may decide: those named by the step, whether asked already or not."""
    roles, step = list(statement.asked), snapshot.spec(statement.step)
    if step and step.approval:
        roles += [role for role in (step.approval.by, step.approval.then) if role]
    return tuple(dict.fromkeys(roles))


def reachable(snapshot: "Snapshot", role: str) -> tuple[Person, ...]:
    """Who is asked for a role: its holders on duty, or all of them when none is; only those with a chat address."""
    holders = [person for person in snapshot.holders(role) if person.chat]
    return tuple([person for person in holders if person.on_duty(snapshot.now)] or holders)


def ask(snapshot: "Snapshot", statement: "Statement", role: str) -> tuple[Effect, ...]:
    """Show the texts to those who hold a role, with the buttons. Empty when nobody can be reached. Raises WordingError.

    These effects belong to no step: a chat that is away must not keep the step from ending.
    """
    people = reachable(snapshot, role)
    if not people:
        return ()
    text = _request(snapshot, statement, role)
    choices = decisions(statement)
    return tuple(
        _effect(
            snapshot,
            f"{_requests(statement)}{words(statement) or 'drafted'}/{role}/{person.key}",
            Direct(person=person.key, address=person.chat, text=text, buttons=choices),
        )
        for person in people
    )


def settle(snapshot: "Snapshot", statement: "Statement", outcome: str) -> tuple[Effect, ...]:
    """Take the buttons from all requests and say how it ended. Raises WordingError."""
    return _end(snapshot, statement, outcome, "")


def withdraw(snapshot: "Snapshot", statement: "Statement", outcome: str) -> tuple[Effect, ...]:
    """Take the buttons from the requests that showed other words than the statement has now. Raises WordingError."""
    return _end(snapshot, statement, outcome, f"{_requests(statement)}{words(statement) or 'drafted'}/")


def _end(snapshot: "Snapshot", statement: "Statement", outcome: str, but: str) -> tuple[Effect, ...]:
    asked = [
        effect
        for effect in snapshot.effects
        if effect.key.startswith(_requests(statement))
        and isinstance(effect.message, Direct)
        and not (but and effect.key.startswith(but))
    ]
    if not asked:
        return ()
    more = {"statement": {"ref": statement.ref, "message": statement.message}, "outcome": outcome}
    text = snapshot.house.wording.render(
        "approval_settled", snapshot.house.chat, "en", {**context(snapshot, "en"), **more}
    )
    return tuple(_effect(snapshot, f"{effect.key}/settled", Revise(text=text), needs=effect.key) for effect in asked)


def _request(snapshot: "Snapshot", statement: "Statement", role: str) -> str:
    """The request in words; the texts are cut so that all of it stays under SHOWN characters."""
    more = {
        "statement": {"message": statement.message, "drafted_by": statement.drafted_by},
        "role": role,
        "languages": [languages.name(code) for code in sorted({text.language for text in statement.texts})],
        "channels": len({text.channel for text in statement.texts}),
        "stops": _stops(snapshot, statement),
        "answer_by": _answer_by(snapshot, statement),
    }
    everything = {**context(snapshot, "en"), **more}
    room = SHOWN
    while True:
        texts = _shown(statement, room)
        text = snapshot.house.wording.render(
            "approval_request", snapshot.house.chat, "en", {**everything, "texts": texts}
        )
        if len(text) <= SHOWN or room < 80:
            return _cut(text, SHOWN)
        room = room * 2 // 3


def _shown(statement: "Statement", room: int) -> list[dict[str, object]]:
    """The English texts, or all when there is none; channels with the same text together."""
    english = [text for text in statement.texts if text.language == "en"] or list(statement.texts)
    together: dict[tuple[str, ...], list[str]] = {}
    for text in english:
        together.setdefault(text.parts, []).append(text.channel)
    return [
        {"channels": channels, "posts": posts(parts), "text": _cut("\n\n".join(parts), room)}
        for parts, channels in together.items()
    ]


def posts(parts: Sequence[str]) -> str:
    """Say of a thread how many posts it has; empty for one post."""
    return f": a thread of {len(parts)} posts" if len(parts) > 1 else ""


def _stops(snapshot: "Snapshot", statement: "Statement") -> list[str]:
    """What the lint would stop in any of the texts, each said once, with the first place that has it."""
    found: dict[str, str] = {}
    for text in statement.texts:
        for one in stops(
            snapshot, statement.message, text.channel, text.language, text.whole, statement.next_update_at
        ):
            found.setdefault(one.text, f"{text.channel} ({text.language}): {one.text}")
    shown = list(found.values())[:MOST_STOPS]
    return shown + ([f"and {len(found) - MOST_STOPS} more"] if len(found) > MOST_STOPS else [])


def _answer_by(snapshot: "Snapshot", statement: "Statement") -> dict[str, object]:
    """When nobody's answer has consequences, and which: `at` is None when nothing happens by itself."""
    step = snapshot.spec(statement.step)
    approval = step.approval if step else None
    if approval is None or approval.unanswered_after is None:
        return {"at": None, "publish": "hold"}
    return {"at": statement.drafted_at + approval.unanswered_after, "publish": approval.publish}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _requests(statement: "Statement") -> str:
    return f"{statement.key}/approval/"


def _effect(snapshot: "Snapshot", key: str, message: Message, needs: str | None = None) -> Effect:
    return Effect(
        key=key,
        incident=snapshot.incident.number,
        channel=snapshot.house.chat,
        message=message,
        needs=needs,
        urgency=1,
        queued_at=snapshot.now,
        not_before=snapshot.now,
        replaces=needs or key,
    )

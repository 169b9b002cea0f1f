"""Buttons pressed in chat: what each value says, and which command of the desk it becomes. Nothing is decided here."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from desk import chat_commands, handing_over, paging, signing_off, statement_form
from engine.approval import read_button
from engine.buttons import (
    ACKNOWLEDGE,
    ANSWER,
    APPROVE,
    DEBRIEF,
    DECLARE,
    DISMISS,
    HANDOVER,
    PAGE,
    READ,
    REJECT,
    SIGN_OFF,
)
from engine.callout import Answer
from engine.duration import duration
from engine.incident import NotAllowed
from engine.people import Person
from engine.ports import Reply

if TYPE_CHECKING:
    from desk.desk import Desk

UNREADABLE = "This button can't be read here any more; look for a newer message, or at the app's Home tab."
UNKNOWN = "This button belongs to another version of irrops; use the command line."


def press(desk: "Desk", action: str, value: str, chat_user: str) -> Reply:
    """Do what a button says, as the person who pressed it. Raises NotAllowed with one sentence."""
    person = desk.person_in_chat(chat_user)
    if action not in PRESSED:
        raise NotAllowed(UNKNOWN)
    return PRESSED[action](desk, value, person)


def _answer(desk: "Desk", value: str, person: Person) -> Reply:
    """`<invitation>|yes`, `|no`, `|later`, `|later|<instant>`, `|quiet|<duration>`."""
    invitation, _, given = value.partition("|")
    word, _, more = given.partition("|")
    try:
        if word == "quiet":
            return desk.answer(invitation, Answer.NO, person, quiet=duration(more))
        answer, at = Answer(word), datetime.fromisoformat(more) if more else None
    except ValueError:
        raise NotAllowed(UNREADABLE) from None
    if at is not None and (answer is not Answer.LATER or at.tzinfo is None):
        raise NotAllowed(UNREADABLE)
    return desk.answer(invitation, answer, person, comes_at=at)


def _approve(desk: "Desk", value: str, person: Person) -> Reply:
    key, seen = read_button(value)
    there = desk.approve(key, person.key, person.roles, seen)
    return Reply(text=f"{there.ref} is approved.", revise=f"{there.ref} was approved by {person.name}.")


def _reject(desk: "Desk", value: str, person: Person) -> Reply:
    there = desk.reject(read_button(value)[0], person.key, person.roles, "rejected in chat")
    return Reply(text=f"{there.ref} is rejected.", revise=f"{there.ref} was rejected by {person.name}.")


def _read(desk: "Desk", value: str, person: Person) -> Reply:
    """A chat that opens forms asks for one instead; any other is told where else it can be read and edited."""
    form = statement_form.form(desk, value, "", person)
    return Reply(text=f"Read and edit {form.statement} here: {form.elsewhere}")


def _declare(desk: "Desk", value: str, person: Person) -> Reply:
    _must_be_duty_manager(person)
    incident = desk.accept(_number(value), person.key)
    return Reply(text=f"{incident.ref} is declared.", revise=f"{incident.ref} was declared by {person.name}.")


def _dismiss(desk: "Desk", value: str, person: Person) -> Reply:
    _must_be_duty_manager(person)
    desk.dismiss(_number(value), person.key)
    return Reply(text="Dismissed.", revise=f"Dismissed by {person.name}.")


def _must_be_duty_manager(person: Person) -> None:
    if "duty_manager" not in person.roles:
        raise NotAllowed("Only a duty manager decides on a proposal; call the one on duty.")


def _page(desk: "Desk", value: str, person: Person) -> Reply:
    """`<person>|<incident, or empty>|<why>`."""
    key, _, more = value.partition("|")
    ref, _, why = more.partition("|")
    return chat_commands.page_person(desk, person, key, ref, why)


def _number(value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise NotAllowed(UNREADABLE)
    return int(value)


PRESSED: dict[str, Callable[["Desk", str, Person], Reply]] = {
    ANSWER: _answer,
    ACKNOWLEDGE: paging.acknowledge,
    APPROVE: _approve,
    READ: _read,
    REJECT: _reject,
    DECLARE: _declare,
    DISMISS: _dismiss,
    PAGE: _page,
    HANDOVER: handing_over.nothing_is_open,
    DEBRIEF: handing_over.rated,
    SIGN_OFF: signing_off.press,
}
"""Action (`engine.buttons`) → what it does."""

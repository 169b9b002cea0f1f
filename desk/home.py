"""What a person sees first in chat: what runs, and what waits for them."""

from typing import TYPE_CHECKING

from engine.buttons import APPROVE, DECLARE, DISMISS, REJECT, answers
from engine.correlation import Proposal
from engine.effects import Button
from engine.ports import HomeItem
from engine.statements import StatementStatus

if TYPE_CHECKING:
    from desk.desk import Desk
    from engine.people import Person
    from engine.snapshot import Snapshot


def items(desk: "Desk", person: "Person") -> list[HomeItem]:
    """What waits for the person first, then what runs."""
    waiting, running = [], []
    if "duty_manager" in person.roles:
        waiting += [_proposal(one) for one in desk.store.all(Proposal, status="open", limit=10)]
    for incident in desk.incidents(live=True):
        snapshot = desk.snapshot(incident.ref)
        waiting += [*_statements(snapshot, person), *_invitations(snapshot, person)]
        running.append(HomeItem(text=f"*{incident.ref}* {incident.severity} {incident.title}: {incident.status}"))
    return waiting + running


def _proposal(one: Proposal) -> HomeItem:
    buttons = (
        Button(label="Declare", action=DECLARE, value=str(one.id), style="primary"),
        Button(label="Dismiss", action=DISMISS, value=str(one.id)),
    )
    return HomeItem(text=f"Proposal {one.id}: {one.playbook}, {one.severity}. {one.title}", buttons=buttons)


def _statements(snapshot: "Snapshot", person: "Person") -> list[HomeItem]:
    return [
        HomeItem(
            text=f"{one.ref} ({one.message}) of {snapshot.incident.ref} waits for your approval.",
            buttons=(
                Button(label="Approve", action=APPROVE, value=one.key, style="primary"),
                Button(label="Reject", action=REJECT, value=one.key),
            ),
        )
        for one in snapshot.statements
        if one.status is StatementStatus.DRAFTED and set(one.asked) & set(person.roles)
    ]


def _invitations(snapshot: "Snapshot", person: "Person") -> list[HomeItem]:
    open_ones = {callout.key for callout in snapshot.callouts if not callout.closed_at}
    return [
        HomeItem(
            text=f"{snapshot.incident.ref} {snapshot.incident.title} asks for your help.", buttons=answers(one.key)
        )
        for one in snapshot.invitations
        if one.person == person.key and not one.answer and one.callout in open_ones
    ]

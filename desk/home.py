"""What a person sees first in chat: what waits for them, and what runs, each newest first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from desk.showing import delays, late
from engine import coming
from engine.answering import standing
from engine.approval import approvers, decisions, posts
from engine.buttons import ACKNOWLEDGE, DECLARE, DISMISS
from engine.callout import choices, told
from engine.correlation import Proposal
from engine.effects import Button
from engine.plan import waiting_for
from engine.ports import HomeItem
from engine.statements import Statement, StatementStatus
from engine.steps import StepStatus
from engine.wording import local

if TYPE_CHECKING:
    from datetime import datetime

    from desk.desk import Desk
    from engine.people import Person
    from engine.snapshot import Snapshot

    Dated = tuple[datetime, HomeItem]

MOST_PROPOSALS = 10


def items(desk: "Desk", person: "Person") -> list[HomeItem]:
    """What waits for the person first, then what runs."""
    live = [desk.snapshot(one.ref) for one in reversed(desk.incidents(live=True))]
    waiting: list[Dated] = []
    if "duty_manager" in person.roles:
        waiting += [(one.proposed_at, _proposal(one)) for one in open_proposals(desk)]
    for snapshot in live:
        waiting += _statements(snapshot, person)
        waiting += _invitations(snapshot, person)
        waiting += _pages(snapshot, person)
    waiting.sort(key=lambda dated: dated[0], reverse=True)
    return [item for _, item in waiting] + [HomeItem(text="\n".join(running(one))) for one in live]


# ---------------------------------------------------------------- what waits


def open_proposals(desk: "Desk") -> list[Proposal]:
    """The proposals that nobody has decided, newest first."""
    found = desk.store.all(Proposal, status="open")
    return sorted(found, key=lambda one: one.proposed_at, reverse=True)[:MOST_PROPOSALS]


def proposed(one: Proposal) -> str:
    """Say what an alert proposes."""
    return f"*Proposal {one.id}*: {one.playbook}, {one.severity}. {one.title}"


def _proposal(one: Proposal) -> HomeItem:
    buttons = (
        Button(label="Declare", action=DECLARE, value=str(one.id), style="primary"),
        Button(label="Dismiss", action=DISMISS, value=str(one.id)),
    )
    return HomeItem(text=proposed(one), buttons=buttons)


def drafted(desk: "Desk") -> "list[tuple[Snapshot, Statement]]":
    """The statements that wait for approval, newest first, each with its incident."""
    found = [(one.drafted_at, snapshot, one) for snapshot in _all(desk) for one in _waiting(snapshot)]
    return [(snapshot, one) for _, snapshot, one in sorted(found, key=lambda each: each[0], reverse=True)]


def _all(desk: "Desk") -> "Iterator[Snapshot]":
    numbers = {one.incident for one in desk.store.all(Statement, status=StatementStatus.DRAFTED)}
    return (desk.snapshot(f"INC-{number}") for number in sorted(numbers))


def _waiting(snapshot: "Snapshot") -> "Iterator[Statement]":
    over = {state.name for state in snapshot.steps if state.status.ended}
    drafts = (one for one in snapshot.statements if one.status is StatementStatus.DRAFTED)
    return (one for one in drafts if one.step not in over)


def approval(snapshot: "Snapshot", one: Statement) -> HomeItem:
    """A statement with its texts as each channel will show them, and the buttons."""
    together: dict[tuple[str, ...], list[str]] = {}
    for text in one.texts:
        together.setdefault(text.parts, []).append(f"{text.channel.replace('_', ' ')} ({text.language})")
    incident = snapshot.incident
    what = f"{one.message.replace('_', ' ')}, {incident.ref} {incident.title}"
    heading = f"{_mark(snapshot)}*{one.ref}* {what}, waits for your approval."
    texts = (f"*{', '.join(places)}{posts(parts)}*\n{_whole(parts)}" for parts, places in together.items())
    return HomeItem(text="\n\n".join([heading, *texts]), buttons=decisions(one, f"Approve {one.ref}"))


def _whole(parts: tuple[str, ...]) -> str:
    return "\n\n".join(parts)


def _statements(snapshot: "Snapshot", person: "Person") -> "Iterator[Dated]":
    for one in _waiting(snapshot):
        if set(approvers(snapshot, one)) & set(person.roles):
            yield one.drafted_at, approval(snapshot, one)


def _invitations(snapshot: "Snapshot", person: "Person") -> "Iterator[Dated]":
    """What the person was asked and has not answered, with the buttons; what they said yes to, with the way back."""
    going_on = {one.key: one for one in snapshot.callouts if one.ends_at > snapshot.now}
    for one in snapshot.invitations:
        callout = going_on.get(one.callout)
        if one.person != person.key or not callout or one.released_at:
            continue
        how = standing(one)
        if how == "declined" or (not how and callout.closed_at):
            continue
        called = snapshot.playbook.step(callout.step.partition("#")[0]).action == "call_out"
        hours = f"{local(callout.starts_at, person.time_zone)} to {local(callout.ends_at, person.time_zone)}"
        says = told(snapshot, callout, person, "call_out_reply", {"how": how}, one) if how else "Can you help?"
        text = f"{_ref(snapshot)} {snapshot.incident.title}, {hours}. {says}"
        buttons = choices(snapshot, one.key, person, accepted=bool(how), later=called)
        yield one.asked_at, HomeItem(text=text, buttons=buttons)


def _pages(snapshot: "Snapshot", person: "Person") -> "Iterator[Dated]":
    for one in snapshot.pages_open:
        if person.key in one.called:
            button = Button(label="I've got it", action=ACKNOWLEDGE, value=one.key, style="primary")
            yield one.at, HomeItem(text=f"{_ref(snapshot)} calls you: {one.why}", buttons=(button,))


# ---------------------------------------------------------------- what runs


def running(snapshot: "Snapshot") -> list[str]:
    """How an incident stands, in a few lines: what is late, failed or waits, the call-outs, what is held up outside."""
    incident, zone = snapshot.incident, snapshot.house.time_zone
    status = incident.status.replace("_", " ")
    lines = [f"{_ref(snapshot)} {incident.severity} {incident.title}: {status}"]
    lines += [f"• LATE {one.name}: due {local(one.due_at, zone)}" for one in late(snapshot) if one.due_at]
    lines += [f"• FAILED {one.name}: {one.reason}" for one in snapshot.steps if one.status is StepStatus.FAILED]
    lines += [f"• waits: {state.name} for {what}" for state, what in waiting_for(snapshot)]
    lines += [f"• {line}" for line in called(snapshot)]
    return lines + [f"• {line}" for line in delays(snapshot)]


def called(snapshot: "Snapshot") -> "Iterator[str]":
    """How each call-out stands: `called volunteers#1: 8 of 12 come (5 later, 9 no, 18 silent; 40 asked)`."""
    missed = coming.missing(snapshot.effects)
    for callout in sorted(snapshot.callouts, key=lambda one: (one.starts_at, one.step, one.slot)):
        mine = [one for one in snapshot.invitations if one.callout == callout.key]
        count = coming.tally(mine, missed)
        counts = {
            "on the waiting list": count.waiting,
            "later": count.later,
            "no": count.no,
            "silent": count.silent,
            "not reached": count.unreachable,
        }
        others = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "nobody else"
        name = callout.step if callout.slot == 1 else f"{callout.step} slot {callout.slot}"
        because = f", {callout.closed_because}" if callout.closed_at else ""
        yield f"called {name}: {count.yes} of {callout.quota} come ({others}; {count.asked} asked{because})"


def _mark(snapshot: "Snapshot") -> str:
    return "[DRILL] " if snapshot.incident.drill else ""


def _ref(snapshot: "Snapshot") -> str:
    return f"{_mark(snapshot)}*{snapshot.incident.ref}*"

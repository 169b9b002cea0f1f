"""Reminding of promised updates: before the time, and once it is past, to more people. Each once for each promise.

It is nobody's step: a promise made by hand has none, and a step that failed reminds nobody. What is noted on the
timeline is not done again, so a restart reminds nobody twice. The duty managers' first alarm is in `engine.room`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from engine import buttons, promise
from engine.approval import approvers, button_value, reachable
from engine.cadence import next_beat
from engine.change import Change
from engine.effects import Button, Direct, Effect
from engine.people import Person
from engine.playbook import Approval, Step
from engine.snapshot import Snapshot
from engine.statements import Statement, StatementStatus
from engine.timeline import Entry
from engine.wording import context

PATIENCE = timedelta(minutes=10)
"""So long after a promise broke those who can write are all told, not only the duty managers."""

WRITERS = ("comms_lead",)
"""Roles that are reminded, beside those who approve the updates."""

EVERYBODY = ("comms_lead", "deputy_comms_lead", "duty_manager")
"""Roles that are told when an update is late and stays away."""


def wakes(snapshot: Snapshot) -> Iterator[datetime]:
    """When a promise that stands is to be looked at: before its time, at it, and when it stays broken."""
    if (stands := _standing(snapshot)) is not None:
        _, due_at = stands
        yield from (due_at - snapshot.house.remind_before, due_at, due_at + PATIENCE)


def due(snapshot: Snapshot) -> bool:
    """Tell whether somebody is to be reminded now. Cheap, for it is asked at every look."""
    return _owed(snapshot) is not None


def keep(snapshot: Snapshot) -> Change:
    """Remind those who can still keep the promise, or tell everybody who could have. Raises WordingError."""
    owed = _owed(snapshot)
    if owed is None:
        return Change()
    message, statement, due_at = owed
    waiting = waiting_draft(snapshot, statement)
    early = message == "promise_due"
    roles = _reminded(snapshot, waiting) if early else EVERYBODY
    people = _people(snapshot, roles, on_duty=early)
    effects = tuple(_direct(snapshot, message, statement, due_at, waiting, person) for person in people)
    return Change(effects=effects, entries=(_entry(snapshot, message, statement, due_at, waiting, roles, people),))


# ---------------------------------------------------------------- what is owed


def _standing(snapshot: Snapshot) -> tuple[Statement, datetime] | None:
    statement = promise.standing(snapshot)
    if statement is None or statement.next_update_at is None:
        return None
    return statement, statement.next_update_at


def _owed(snapshot: Snapshot) -> tuple[str, Statement, datetime] | None:
    """Which message is owed, the statement that promised, and by when; None when nobody is to hear anything."""
    stands = _standing(snapshot)
    if stands is None:
        return None
    statement, due_at = stands
    if snapshot.now >= due_at + PATIENCE:
        message, owed = "promise_late", True
    else:
        message = "promise_due"
        owed = due_at - snapshot.house.remind_before <= snapshot.now < due_at and not _assured(snapshot, *stands)
    return (message, statement, due_at) if owed and _key(message, statement) not in snapshot.noted else None


def _key(message: str, statement: Statement) -> str:
    return f"{message.replace('_', '-')}/{statement.key}"


def _assured(snapshot: Snapshot, statement: Statement, due_at: datetime) -> bool:
    """Whether the next word goes out in time without anybody doing anything."""
    newer = list(_newer(snapshot, statement))
    if any(one.status is StatementStatus.APPROVED for one in newer):
        return True
    drafts = [one for one in newer if one.status is StatementStatus.DRAFTED]
    if drafts:
        return any(_by_itself(snapshot, one, due_at) for one in drafts)
    if not snapshot.incident.status.live:
        return _about_to_end(snapshot)
    step = promise.repeating(snapshot.playbook)
    return step is not None and _will_start(snapshot, step, due_at)


def _about_to_end(snapshot: Snapshot) -> bool:
    """Whether the incident has ended just now: what it says at its end is drafted in a moment."""
    steps = (step for step in snapshot.playbook.stand_down if step.action == "publish_statement")
    return any(not (step.after or step.start_after or snapshot.state(step.key)) for step in steps)


def _newer(snapshot: Snapshot, statement: Statement) -> Iterator[Statement]:
    """Statements that would keep the promise once they are live."""
    for one in snapshot.statements:
        if one.key != statement.key and one.drafted_at >= statement.drafted_at and promise.answers(one):
            yield one


def _by_itself(snapshot: Snapshot, draft: Statement, due_at: datetime) -> bool:
    """Whether a draft is published in time when nobody answers."""
    state = next((state for state in snapshot.steps if state.name == draft.step), None)
    spec = snapshot.spec(draft.step)
    rule = spec.approval if spec else None
    if state is None or state.status.ended or rule is None:
        return False
    return _published_at(rule, draft.drafted_at, due_at)


def _will_start(snapshot: Snapshot, step: Step, due_at: datetime) -> bool:
    """Whether the repeating step still comes, and publishes in time by itself. What `when` will say nobody knows."""
    last = snapshot.state(step.key)
    open_ = last is not None and not last.status.ended
    held = any((state := snapshot.state(key)) is None or not state.status.ended for key in step.after)
    if open_ or held or step.when:
        return False
    since = last.started_at if last else snapshot.incident.declared_at - timedelta(microseconds=1)
    beat = max(next_beat(step, snapshot.incident.declared_at, since), snapshot.now)
    return beat <= due_at if step.approval is None else _published_at(step.approval, beat, due_at)


def _published_at(rule: Approval, drafted_at: datetime, due_at: datetime) -> bool:
    if rule.publish != "preapproved" or rule.unanswered_after is None:
        return False
    return drafted_at + rule.unanswered_after <= due_at


def waiting_draft(snapshot: Snapshot, statement: Statement) -> Statement | None:
    """The newest draft that would keep the promise, and waits for somebody."""
    drafts = [one for one in _newer(snapshot, statement) if one.status is StatementStatus.DRAFTED]
    return max(drafts, key=lambda one: (one.drafted_at, one.key), default=None)


# ---------------------------------------------------------------- whom, and what they read


def _reminded(snapshot: Snapshot, waiting: Statement | None) -> tuple[str, ...]:
    """Roles that can keep the promise: who writes, who approves the draft that waits, or the updates."""
    step = promise.repeating(snapshot.playbook)
    rule = step.approval if step else None
    approve = approvers(snapshot, waiting) if waiting else (rule.by, rule.then) if rule else ()
    return tuple(dict.fromkeys([*WRITERS, *(role for role in approve if role)]))


def _people(snapshot: Snapshot, roles: Iterable[str], *, on_duty: bool) -> tuple[Person, ...]:
    """Holders of the roles that chat reaches, each once. On duty: or all of a role, when none of them is."""
    found = [
        person
        for role in roles
        for person in (reachable(snapshot, role) if on_duty else snapshot.holders(role))
        if person.chat
    ]
    return tuple({person.key: person for person in found}.values())


def _direct(
    snapshot: Snapshot,
    message: str,
    statement: Statement,
    due_at: datetime,
    waiting: Statement | None,
    person: Person,
) -> Effect:
    may = bool(waiting and set(person.roles) & set(approvers(snapshot, waiting)))
    more = {
        "statement": {"ref": statement.ref, "message": statement.message},
        "due_at": due_at,
        "waiting": {"ref": waiting.ref, "message": waiting.message} if waiting else None,
        "may_approve": may,
        "role": next((role for role in person.roles if waiting and role in approvers(snapshot, waiting)), ""),
        "update": _message(snapshot),
    }
    text = snapshot.house.wording.render(message, snapshot.house.chat, "en", {**context(snapshot, "en"), **more})
    press: tuple[Button, ...] = ()
    if may and waiting:
        press = (Button(label="Approve", action=buttons.APPROVE, value=button_value(waiting), style="primary"),)
    return Effect(
        key=snapshot.incident.key(message.replace("_", "-"), statement.step or statement.key, person.key),
        incident=snapshot.incident.number,
        channel=snapshot.house.chat,
        message=Direct(person=person.key, address=person.chat, text=text, buttons=press),
        urgency=1,
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )


def _message(snapshot: Snapshot) -> str:
    """What to draft when nothing waits: the message of the repeating step, else a plain update."""
    step = promise.repeating(snapshot.playbook)
    if not snapshot.incident.status.live:
        return "resolution"
    return str(step.with_.get("message", "update")) if step else "update"


def _entry(
    snapshot: Snapshot,
    message: str,
    statement: Statement,
    due_at: datetime,
    waiting: Statement | None,
    roles: Iterable[str],
    people: tuple[Person, ...],
) -> Entry:
    named = ", ".join(person.name for person in people) or f"nobody: no {' or '.join(roles)} can be reached"
    how = f"{waiting.ref} waits for approval" if waiting else "no draft waits"
    by = f"{statement.ref} promised the next update by {due_at:%H:%M} UTC"
    kind, text = "PromiseReminded", f"{by}, and {how}: reminded {named}"
    if message == "promise_late":
        late = int((snapshot.now - due_at) / timedelta(minutes=1))
        kind, text = "PromiseEscalated", f"{by}; {late} min late, and {how}: told {named}"
    return Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind=kind,
        text=text,
        step=statement.step,
        facts={"statement": statement.ref, "due": due_at.isoformat(), "people": len(people)},
        key=_key(message, statement),
    )

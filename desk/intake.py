"""Alerts: accepted at once, sorted in batches. What a batch means is decided in `engine.correlation`."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from engine.buttons import DECLARE, DISMISS
from engine.change import Change
from engine.correlation import Alert, Declaration, Proposal, StoredAlert, Verdict, decide
from engine.effects import Button, Effect, Text
from engine.timeline import Entry
from state import alerts as stored
from state import wakes

if TYPE_CHECKING:
    from desk.desk import Desk

log = logging.getLogger("irrops.intake")

IN_ONE_MESSAGE = 20
"""Proposals in one message to the duty manager; the first few carry buttons."""
WITH_BUTTONS = 5


def accept(desk: "Desk", alerts: Sequence[Alert]) -> list[bool]:
    """Store alerts; tells for each whether it was new."""
    fresh = stored.accept(desk.store, alerts, desk.clock.now())
    if any(fresh):
        desk.woken()
    return fresh


def sorter(desk: "Desk") -> Callable[[], int]:
    """What the rounds call to sort the alerts that came."""
    return lambda: sort(desk)


def sort(desk: "Desk") -> int:
    """Sort what came since; returns how many alerts. Safe to repeat after a crash at any line."""
    batch = stored.unsorted(desk.store)
    if not batch:
        return 0
    playbooks, findings = desk.library.all()
    for finding in findings:
        log.warning("%s", finding)
    waiting = desk.store.all(Proposal, status="open")
    causes = stored.live_causes(desk.store)
    decision = decide([one.alert for one in batch], playbooks, waiting, causes, desk.clock.now())
    for problem in decision.problems:
        log.warning("%s", problem)
    opened = {(one.playbook, one.group): _declare(desk, one, batch, decision.verdicts) for one in decision.declare}

    def follow(new: list[Proposal]) -> Change:
        proposals = {(one.playbook, one.group): one for one in new}
        pairs = zip(batch, decision.verdicts, strict=True)
        return Change(
            records=(*(_sorted(one, verdict, opened, proposals) for one, verdict in pairs), *decision.joined),
            effects=tuple(_notices(desk, new)),
            entries=tuple(_entries(desk, batch, decision.verdicts)),
        )

    desk.store.add(decision.propose, follow, lambda _: wakes.DESK, desk.clock.now())
    return len(batch)


def _declare(desk: "Desk", one: Declaration, batch: Sequence[StoredAlert], verdicts: Sequence[Verdict]) -> int:
    first = next(
        alert for alert, v in zip(batch, verdicts, strict=True) if (v.playbook, v.group) == (one.playbook, one.group)
    )
    key = f"alert:{sha256(f'{one.playbook}|{one.group}|{first.key}'.encode()).hexdigest()}"
    by = f"alert from {first.alert.source}"
    incident = desk.declare(one.playbook, facts=one.facts, by=by, severity=one.severity, key=key)
    accepted = Proposal(
        playbook=one.playbook,
        group=one.group,
        title=one.cause,
        severity=one.severity,
        facts=one.facts,
        status="accepted",
        proposed_at=incident.declared_at,
        decided_at=incident.declared_at,
        decided_by=by,
        incident=incident.number,
        alerts=one.alerts,
    )
    if (one.playbook, one.group) not in stored.live_causes(desk.store):
        desk.store.apply(Change(records=(accepted,)))
    return incident.number


def _sorted(
    one: StoredAlert,
    verdict: Verdict,
    opened: dict[tuple[str, str], int],
    proposals: dict[tuple[str, str], Proposal],
) -> StoredAlert:
    cause = (verdict.playbook, verdict.group)
    there = proposals.get(cause)
    return one.model_copy(
        update={
            "outcome": verdict.outcome,
            "incident": verdict.incident or opened.get(cause),
            "proposal": verdict.proposal or (there.id if there else None),
        }
    )


def _notices(desk: "Desk", proposals: Sequence[Proposal]) -> list[Effect]:
    """Tell the duty managers' room, many proposals in one message: a storm of causes is not a storm of messages."""
    return [
        _notice(desk, proposals[start : start + IN_ONE_MESSAGE], desk.clock.now())
        for start in range(0, len(proposals), IN_ONE_MESSAGE)
    ]


def _notice(desk: "Desk", proposals: Sequence[Proposal], now: datetime) -> Effect:
    house = desk.crew.house
    shown = [one.model_dump(mode="json") | {"exercise": one.exercise} for one in proposals]
    text = house.wording.render("proposal", house.chat, "en", {"proposals": shown, "drill": False})
    buttons = [
        button
        for one in proposals[:WITH_BUTTONS]
        for button in (
            Button(label=f"Declare {one.id}", action=DECLARE, value=str(one.id), style="primary"),
            Button(label=f"Dismiss {one.id}", action=DISMISS, value=str(one.id)),
        )
    ]
    names = "|".join(f"{one.id}:{one.group}:{one.proposed_at.isoformat()}" for one in proposals)
    key = f"desk/proposals/{proposals[0].id}-{sha256(names.encode()).hexdigest()[:12]}"
    return Effect(
        key=key,
        incident=None,
        channel=house.chat,
        message=Text(text=text, buttons=tuple(buttons)),
        urgency=0,
        queued_at=now,
        not_before=now,
    )


def _entries(desk: "Desk", batch: Sequence[StoredAlert], verdicts: Sequence[Verdict]) -> list[Entry]:
    """What alerts that joined a live incident add to its timeline: one line a batch."""
    joined: dict[int, list[StoredAlert]] = {}
    for one, verdict in zip(batch, verdicts, strict=True):
        if verdict.incident:
            joined.setdefault(verdict.incident, []).append(one)
    entries = []
    for incident, alerts in joined.items():
        over = all(one.alert.status == "resolved" for one in alerts)
        title, more = alerts[0].alert.title, f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
        text = f"{title}{more}: {'the alert has ended' if over else 'further alerts of this cause'}"
        kind = "AlertEnded" if over else "AlertJoined"
        key = f"alert/{alerts[0].key}"
        actor = alerts[0].alert.source
        entries.append(Entry(incident=incident, at=desk.clock.now(), kind=kind, text=text, actor=actor, key=key))
    return entries

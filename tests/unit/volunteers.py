"""A small world for the tests of call-outs: people, an incident, and applying what was decided as the store would."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.actions import call_out
from engine.answering import answer
from engine.callout import Answer, CallOut, Invitation
from engine.change import Change
from engine.effects import Effect, EffectState
from engine.house import House
from engine.incident import Incident, Severity, Status
from engine.people import Person
from engine.playbook import Playbook, Step
from engine.ports import Reply
from engine.record import Record
from engine.snapshot import Snapshot, StepRun
from engine.steps import Outcome, StepState, StepStatus
from engine.wording import Templates

NIGHT = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
"""A Sunday, 05:10 in Amsterdam."""
WORDING = Templates(Path(__file__).resolve().parents[2] / "templates" / "messages")


def someone(key: str, **more: Any) -> Person:
    """A rested, reachable volunteer of customer care who speaks English."""
    usual = {
        "name": f"{key.title()} Tester",
        "department": "customer_care",
        "languages": ("en",),
        "skills": ("rebooking",),
        "time_zone": "Europe/Amsterdam",
        "chat": f"U0{key.upper()}",
    }
    return Person(key=key, **{**usual, **more})


def crowd(count: int, prefix: str = "p", **more: Any) -> tuple[Person, ...]:
    return tuple(someone(f"{prefix}{index:03}", **more) for index in range(count))


def house(**more: Any) -> House:
    return House(wording=WORDING, channels={"slack": None}, **more)


def playbook(*more: dict[str, Any], **with_: Any) -> Playbook:
    steps = [*more, {"key": "volunteers", "action": "call_out", "with": with_}]
    return Playbook.model_validate(
        {
            "playbook": "it-outage",
            "title": "IT outage",
            "severity": "SEV1",
            "briefing": ["Private messages first.", "Promise nothing about compensation."],
            "steps": steps,
            "stand_down": [{"key": "thank_you", "action": "release_responders"}],
        }
    )


def situation(people: Iterable[Person] = (), now: datetime = NIGHT, drill: bool = False, **with_: Any) -> Snapshot:
    """An incident whose only step is a call-out with these parameters."""
    book = playbook(**with_)
    incident = Incident(
        number=7,
        uid="abc123abc123",
        playbook="it-outage",
        playbook_text="",
        title="IT outage",
        severity=Severity.SEV1,
        status=Status.RESPONDING,
        declared_by="dora",
        declared_at=now,
        status_at=now,
        drill=drill,
    )
    return Snapshot(now=now, incident=incident, playbook=book, house=house(), people=tuple(people))


def _merged(old: tuple[Any, ...], new: Iterable[Record], kind: type[Record], identity: str) -> tuple[Any, ...]:
    there = {getattr(one, identity): one for one in old}
    for one in new:
        if isinstance(one, kind):
            key = getattr(one, identity)
            stored = there[key].version if key in there else 0
            assert one.version == stored, f"{key} is written twice or from an old version"
            there[key] = one.model_copy(update={"version": stored + 1})
    return tuple(there.values())


def apply(snapshot: Snapshot, change: Change, later: timedelta = timedelta()) -> Snapshot:
    """What the store would hold afterwards: versions are checked, effects and entries with known keys left alone."""
    known = {one.key: one.version for one in snapshot.callouts}
    for one in change.unchanged:
        assert isinstance(one, CallOut)
        assert one.version == known[one.key], f"{one.key} is decided upon from an old version"
    effects = {effect.key: effect for effect in snapshot.effects}
    for effect in change.effects:
        effects.setdefault(effect.key, effect)
    return replace(
        snapshot,
        now=snapshot.now + later,
        callouts=_merged(snapshot.callouts, change.records, CallOut, "key"),
        invitations=_merged(snapshot.invitations, change.records, Invitation, "key"),
        people=_merged(snapshot.people, change.records, Person, "key"),
        steps=_merged(snapshot.steps, change.records, StepState, "name"),
        effects=tuple(effects.values()),
        noted=snapshot.noted | {entry.key for entry in change.entries if entry.key},
    )


def run(snapshot: Snapshot) -> tuple[Snapshot, Outcome]:
    """Run the call-out's step once and write what it led to."""
    spec = snapshot.playbook.step("volunteers")
    state = snapshot.state("volunteers") or StepState(incident=7, key="volunteers", started_at=snapshot.now)
    params = call_out.Params.model_validate(spec.with_)
    outcome = call_out.run(StepRun(spec, state.model_copy(update={"nudged": False}), params), snapshot)
    ended = {"done": StepStatus.DONE, "skip": StepStatus.SKIPPED, "fail": StepStatus.FAILED}.get(outcome.kind)
    after = state.model_copy(
        update={
            "nudged": False,
            "status": ended or StepStatus.WAITING,
            "look_at": outcome.until,
            "reason": outcome.reason,
        }
    )
    change = Change(records=(after, *outcome.records), effects=outcome.effects, entries=outcome.entries)
    return apply(snapshot, change), outcome


def reply(snapshot: Snapshot, person: str, given: Answer | str) -> tuple[Snapshot, Change, Reply]:
    """Let a person press a button of the call-out."""
    [callout] = [one for one in snapshot.callouts if one.step == "volunteers#1"]
    who = next(one for one in snapshot.people if one.key == person)
    change, said = answer(snapshot, f"{callout.key}/{person}", Answer(given), who, snapshot.now)
    return apply(snapshot, change), change, said


def later(snapshot: Snapshot, **span: float) -> Snapshot:
    return replace(snapshot, now=snapshot.now + timedelta(**span))


def sent(snapshot: Snapshot, *, failed: Iterable[str] = ()) -> Snapshot:
    """Everything queued is delivered, except these keys, which fail."""
    failed = set(failed)

    def settled(effect: Effect) -> Effect:
        state = EffectState.FAILED if effect.key in failed else EffectState.SENT
        return effect.model_copy(update={"state": state})

    return replace(snapshot, effects=tuple(settled(effect) for effect in snapshot.effects))


def step_run(snapshot: Snapshot, key: str, params: Any) -> StepRun:
    spec: Step = snapshot.playbook.step(key)
    return StepRun(spec, StepState(incident=7, key=key, started_at=snapshot.now), params)


def kinds(entries: Iterable[Any]) -> list[str]:
    return [entry.kind for entry in entries]


def asked(snapshot: Snapshot) -> list[str]:
    return [one.person for one in snapshot.invitations]

"""plan(snapshot): what is due, when to look again. No clock, no store."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.effects import Effect, EffectState, Text
from engine.house import House
from engine.incident import Incident, Severity, Status
from engine.plan import Plan, plan, progress
from engine.playbook import parse
from engine.snapshot import Snapshot
from engine.staffing import StaffingPlan
from engine.steps import StepState, StepStatus

T0 = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)

PLAYBOOK = """
playbook: test
title: A test playbook
severity: SEV2
steps:
  - {key: first, action: publish_statement, due_within: 15m}
  - {key: second, action: open_queue}
  - {key: third, action: call_out, after: [first], when: "staffing.shortfall > 0"}
  - {key: repeat, action: publish_statement, every: 30m, after: [first]}
  - {key: later, action: open_queue, start_after: 2h}
stand_down:
  - {key: thanks, action: release_responders}
"""


class NoWording:
    def render(self, *_: Any) -> str:
        return ""

    def languages(self, _: str) -> Iterable[str]:
        return ()


def incident(**changes: Any) -> Incident:
    fields = {
        "number": 1,
        "uid": "a1b2c3",
        "playbook": "test",
        "playbook_text": PLAYBOOK,
        "title": "A test",
        "severity": "SEV2",
        "declared_by": "dm",
        "declared_at": T0,
        "status_at": T0,
        "status": Status.RESPONDING,
    }
    return Incident.model_validate(fields | changes)


def snapshot(*steps: StepState, now: datetime = T0, **more: Any) -> Snapshot:
    there = more.pop("incident", incident())
    playbook = parse(there.playbook_text)[0]
    house = House(wording=NoWording(), channels={})
    return Snapshot(now=now, incident=there, playbook=playbook, house=house, steps=steps, **more)


def state(key: str, status: StepStatus = StepStatus.DONE, occurrence: int = 1, **more: Any) -> StepState:
    return StepState.model_validate(
        {"incident": 1, "key": key, "status": status, "occurrence": occurrence, "started_at": T0} | more
    )


def due(planned: Plan) -> list[str]:
    return [one.state.name for one in planned.due if not one.skip]


def effect(step: str, **more: Any) -> Effect:
    fields = {
        "key": f"INC-1-x/{step}/{more.get('name', 'a')}",
        "incident": 1,
        "step": step,
        "channel": "slack",
        "message": Text(text="t"),
        "queued_at": T0,
        "not_before": T0,
    }
    more.pop("name", None)
    return Effect.model_validate(fields | more)


def test_steps_without_after_start_together_and_the_clock_wakes_at_the_next_beat() -> None:
    planned = plan(snapshot())
    assert due(planned) == ["first#1", "second#1"]
    assert planned.wake_at == T0 + timedelta(hours=2)


def test_a_step_waits_for_what_it_comes_after_and_its_own_deadline_is_kept() -> None:
    running = state("first", StepStatus.WAITING, look_at=T0 + timedelta(minutes=8), due_at=T0 + timedelta(minutes=15))
    planned = plan(snapshot(running, state("second")))
    assert due(planned) == []
    assert planned.wake_at == T0 + timedelta(minutes=8)


def test_a_running_step_is_run_again_when_its_time_has_come_or_it_is_nudged() -> None:
    waiting = state("first", StepStatus.WAITING, look_at=T0 + timedelta(minutes=8))
    assert due(plan(snapshot(waiting, state("second"), now=T0 + timedelta(minutes=8)))) == ["first#1"]
    nudged = waiting.model_copy(update={"nudged": True})
    assert due(plan(snapshot(nudged, state("second")))) == ["first#1"]


def test_a_deadline_that_passed_is_late_once() -> None:
    running = state("first", StepStatus.WAITING, due_at=T0 + timedelta(minutes=15))
    after = T0 + timedelta(minutes=15)
    assert [s.name for s in plan(snapshot(running, state("second"), now=after)).late] == ["first#1"]
    said = snapshot(running, state("second"), now=after, noted=frozenset({"late/first#1"}))
    assert plan(said).late == ()


def test_when_holds_a_step_back_and_lets_it_go_when_the_facts_change() -> None:
    done = state("first"), state("second")
    held = [one for one in plan(snapshot(*done)).due if one.state.key == "third"]
    assert "`when` does not hold" in held[0].skip
    skipped = state("third", StepStatus.SKIPPED, reason=held[0].skip)
    assert "third#1" not in due(plan(snapshot(*done, skipped)))
    short = StaffingPlan(incident=1, made_at=T0, answer_within_s=3600, share=0.9, slots=(), shortfall=4)
    assert "third#1" in due(plan(snapshot(*done, skipped, staffing=short)))


def test_a_step_that_skipped_itself_stays_skipped() -> None:
    skipped = state("third", StepStatus.SKIPPED, reason="nobody is missing")
    short = StaffingPlan(incident=1, made_at=T0, answer_within_s=3600, share=0.9, slots=(), shortfall=4)
    assert "third#1" not in due(plan(snapshot(state("first"), state("second"), skipped, staffing=short)))


def test_an_expression_that_breaks_fails_its_step_and_no_other() -> None:
    broken = incident(playbook_text=PLAYBOOK.replace("staffing.shortfall > 0", "nothing.like.it > 0"))
    planned = plan(snapshot(state("first"), incident=broken))
    fates = {one.state.key: one.fail for one in planned.due}
    assert "can't be worked out" in fates["third"]
    assert fates["second"] == ""


@pytest.mark.parametrize(
    ("minutes", "expected", "wake"),
    [(29, [], 30), (30, ["repeat#1"], None), (95, ["repeat#1"], None)],
)
def test_a_repeat_starts_on_its_beat(minutes: int, expected: list[str], wake: int | None) -> None:
    planned = plan(snapshot(state("first"), state("second"), state("third"), now=T0 + timedelta(minutes=minutes)))
    assert due(planned) == expected
    if wake:
        assert planned.wake_at == T0 + timedelta(minutes=wake)


def test_beats_missed_while_nothing_ran_are_one_beat_not_many() -> None:
    first = state("repeat", started_at=T0 + timedelta(minutes=30))
    planned = plan(snapshot(state("first"), state("second"), state("third"), first, now=T0 + timedelta(minutes=118)))
    assert due(planned) == ["repeat#2"]
    second = state("repeat", occurrence=2, started_at=T0 + timedelta(minutes=118))
    after = plan(
        snapshot(state("first"), state("second"), state("third"), first, second, now=T0 + timedelta(minutes=118))
    )
    assert due(after) == []
    assert after.wake_at == T0 + timedelta(minutes=120)


def test_a_repeat_does_not_overtake_itself() -> None:
    still = state("repeat", StepStatus.WAITING, look_at=T0 + timedelta(hours=3), started_at=T0 + timedelta(minutes=30))
    planned = plan(snapshot(state("first"), state("second"), state("third"), still, now=T0 + timedelta(minutes=90)))
    assert due(planned) == []


def test_a_step_that_waits_for_delivery_goes_on_when_all_is_settled_and_only_with_news() -> None:
    waiting = state("first", StepStatus.WAITING, for_what="delivery")
    rest = (state("second"),)
    sending = effect("first#1", state=EffectState.SENDING)
    sent = effect("first#1", state=EffectState.SENT)
    assert due(plan(snapshot(waiting, *rest, effects=(sending,)))) == []
    assert due(plan(snapshot(waiting, *rest, effects=(sent,)))) == ["first#1"]
    seen = waiting.model_copy(update={"progress": progress(snapshot(), [sent])})
    assert due(plan(snapshot(seen, *rest, effects=(sent,)))) == []
    stuck = effect("first#1", name="b", attempts=4, state=EffectState.QUEUED)
    assert due(plan(snapshot(seen, *rest, effects=(sent, stuck)))) == ["first#1"]


def test_a_closed_incident_runs_its_stand_down_and_nothing_else() -> None:
    closed = incident(status=Status.RESOLVED, status_at=T0 + timedelta(hours=5))
    planned = plan(snapshot(incident=closed, now=T0 + timedelta(hours=5)))
    assert due(planned) == ["thanks#1"]
    delivering = state("first", StepStatus.WAITING, for_what="delivery")
    sent = effect("first#1", state=EffectState.SENT)
    planned = plan(snapshot(delivering, incident=closed, now=T0 + timedelta(hours=5), effects=(sent,)))
    assert due(planned) == ["first#1", "thanks#1"]


def test_a_reviewed_incident_is_left_alone() -> None:
    closed = incident(status=Status.REVIEWED, status_at=T0)
    assert plan(snapshot(incident=closed)) == Plan()


def test_severity_compares_by_how_bad_it_is() -> None:
    assert Severity.SEV1.at_least("SEV2")
    assert Severity.SEV2.at_least(Severity.SEV2)
    assert not Severity.SEV3.at_least("SEV2")

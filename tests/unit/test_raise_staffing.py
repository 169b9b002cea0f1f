"""The action raise_staffing: what it records, asks and says, and what it refuses."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.actions import raise_staffing
from engine.callout import CallOut, Invitation
from engine.effects import Direct
from engine.house import Demand, Rest
from engine.people import Person
from engine.playbook import Playbook
from engine.snapshot import Snapshot, StepRun
from engine.staffing import StaffingPlan
from engine.steps import Outcome, StepState
from engine.wording import Templates
from tests.unit.social_team import NOW, agent, playbook, shift, snapshot


def run(snap: Snapshot, book: Playbook | None = None) -> Outcome:
    book = book or snap.playbook
    params = raise_staffing.Params.model_validate(book.steps[0].with_)
    state = StepState(incident=0, key="staff_up", started_at=snap.now)
    return raise_staffing.run(StepRun(book.steps[0], state, params), replace(snap, playbook=book))


def test_the_action_records_the_plan_and_asks_each_person_by_direct_message():
    outcome = run(
        snapshot(agent("ann", languages=("es", "en")), agent("bob"), agent("cas", shift(-12, -8), shift(21, 26)))
    )
    assert outcome.kind == "done"
    made, *others = outcome.records
    assert isinstance(made, StaffingPlan)
    callouts = {one.key: one for one in others if isinstance(one, CallOut)}
    invitations = [one for one in others if isinstance(one, Invitation)]
    assert {(i.person, callouts[i.callout].starts_at, callouts[i.callout].ends_at) for i in invitations} == set(
        made.offers
    )
    assert sum(callout.quota for callout in callouts.values()) == len(made.offers) == len(outcome.effects) == 3
    assert len(callouts) == 2, "one for each pair of times"
    assert {person.key: person.last_called_at for person in others if isinstance(person, Person)} == dict.fromkeys(
        ("ann", "bob", "cas"), NOW
    )
    texts = {e.message.person: e.message.text for e in outcome.effects if isinstance(e.message, Direct)}
    assert texts["ann"].startswith("Ann, ¿puedes hacer un turno extra")
    assert "From: 10:30 UTC, 23 Nov" in texts["bob"]
    assert "From: 12:00 UTC, 23 Nov" in texts["cas"]


def test_the_timeline_says_the_figures_once():
    outcome = run(snapshot(agent("ann"), usual={"en": 10, "es": 4}))
    (entry,) = outcome.entries
    made = outcome.records[0]
    assert isinstance(made, StaffingPlan)
    assert entry.kind == "StaffingRaised"
    assert entry.key == "staffing/staff_up#1"
    assert entry.text.startswith(f"Staffing raised: peak {made.peak_needed} people at ")
    assert f"extra shifts offered to 1, missing {made.shortfall} (" in entry.text
    assert f"{made.shortfall_by_language['es']} Spanish" in entry.text
    assert entry.facts["shortfall"] == made.shortfall


def test_planning_again_asks_only_whom_it_has_not_asked():
    people = [agent("ann"), agent("bob")]
    outcome = run(snapshot(people[0]))
    callouts = tuple(one for one in outcome.records if isinstance(one, CallOut))
    invitations = tuple(one for one in outcome.records if isinstance(one, Invitation))
    first = outcome.records[0]
    assert isinstance(first, StaffingPlan)
    later = snapshot(*people, staffing=first, callouts=callouts, invitations=invitations)
    second = run(later)
    assert [i.person for i in second.records if isinstance(i, Invitation)] == ["bob"]
    assert isinstance(second.records[0], StaffingPlan)
    assert {key for key, _, _ in second.records[0].offers} == {"ann", "bob"}


def test_a_broken_message_costs_the_offers_and_not_the_plan(tmp_path: Path):
    snap = snapshot(agent("ann"))
    outcome = run(replace(snap, house=replace(snap.house, wording=Templates(tmp_path))))
    made = outcome.records[0]
    assert outcome.kind == "done"
    assert outcome.effects == ()
    assert isinstance(made, StaffingPlan)
    assert made.offers == ()
    assert made.shortfall == made.peak_needed
    assert "without offers of extra shifts (message 'extra_shift'" in outcome.entries[0].text


def test_without_a_surge_or_the_usual_demand_it_fails_with_what_to_do():
    snap = snapshot()
    assert "add `surge:" in run(snap, playbook(surge=False)).reason
    without = run(replace(snap, house=replace(snap.house, demand=None)))
    assert without.kind == "fail"
    assert "examples/demand.csv" in without.reason


def test_the_check_finds_a_missing_surge_and_promises_that_cannot_be_kept():
    house = snapshot().house

    def found(book: Playbook) -> list[tuple[tuple[Any, ...], str]]:
        params = raise_staffing.Params.model_validate(book.steps[0].with_)
        return raise_staffing.check(book.steps[0], params, book, house)

    assert found(playbook()) == []
    assert [path for path, _ in found(playbook(surge=False))] == [("action",)]
    ((path, text),) = found(playbook(answer_within="12m"))
    assert path == ("with", "answer_within")
    assert "promise at least 15 min" in text
    slow = replace(house, rest=Rest(longest_shift=timedelta(hours=3)))
    params = raise_staffing.Params.model_validate(playbook().steps[0].with_)
    assert raise_staffing.check(playbook().steps[0], params, playbook(), slow)[0][0] == ("with", "shortest")


@pytest.mark.parametrize(
    "wrong",
    [{"share": 1}, {"share": 0}, {"horizon": "8d"}, {"answer_within": "0s"}, {"peak": 9}, {"notice": "soon"}],
)
def test_params_out_of_range_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        raise_staffing.Params.model_validate(playbook(**wrong).steps[0].with_)


def test_the_preview_says_what_it_takes_in_the_busiest_and_the_quietest_hour():
    busy = {
        (day, hour, "en"): 40.0 if (day, hour) == (4, 17) else 2.0 + (day + hour > 0)
        for day in range(7)
        for hour in range(24)
    }
    house = replace(snapshot().house, demand=Demand(busy, "Europe/Amsterdam"))
    book = playbook()
    params = raise_staffing.Params.model_validate(book.steps[0].with_)
    lines = raise_staffing.preview(book.steps[0], params, book, house, {})
    assert lines[0] == "90% answered within 1 h, planned for the next 12 h"
    assert lines[1].startswith("declared Friday 17:00 (busiest hour, Europe/Amsterdam): up to ")
    assert lines[2].startswith(
        "declared Monday 00:00 (quietest hour, Europe/Amsterdam): up to 18 messages an hour, peak "
    )
    assert "English) " in lines[1]
    assert raise_staffing.preview(book.steps[0], params, book, replace(house, demand=None), {}) == [
        raise_staffing.NO_DEMAND
    ]

"""Reminders of a promised update: before the time where somebody is needed, and to more people once it is late."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine import reminding, room, statements
from engine.buttons import APPROVE
from engine.effects import Direct
from engine.incident import Status
from engine.plan import Plan, plan
from engine.playbook import Playbook, parse
from tests.example_house import NOW, PEOPLE, PLAYBOOK, Course, example_house, example_playbook, person

HOLD = (
    "within: 5m, then: deputy_comms_lead, unanswered_after: 10m, publish: preapproved",
    "within: 30m, publish: hold",
)
"""Nothing of the repeating step goes out without a yes; its promise is made for an hour and a bit later."""


def promising(*changes: tuple[str, str], people: Any = PEOPLE, playbook: Playbook | None = None) -> Course:
    """The holding statement is live at 04:10 and promises the next word."""
    course = Course(playbook or example_playbook(*changes), people=people)
    course.run("first_word")
    approve(course, "first_word")
    return course


def approve(course: Course, key: str, occurrence: int = 1) -> None:
    course.command(statements.approve(course.snapshot, course.statement, "cora", ("comms_lead",), course.snapshot.now))
    course.run(key, occurrence)
    course.deliver()
    course.run(key, occurrence)


def due_at(course: Course) -> datetime:
    at = course.statement.next_update_at
    assert at is not None
    return at


def go(course: Course, to: datetime) -> None:
    course.snapshot = replace(course.snapshot, now=to)


def kept(course: Course) -> list[Direct]:
    """Do what is due, and say who was written to."""
    assert reminding.due(course.snapshot)
    change = reminding.keep(course.snapshot)
    course.command(change)
    return [one.message for one in change.effects if isinstance(one.message, Direct)]


TEN = timedelta(minutes=10)


def test_the_clock_wakes_before_the_promise_at_it_and_after_it() -> None:
    course = promising()
    due = due_at(course)
    assert set(reminding.wakes(course.snapshot)) == {due - TEN, due, due + TEN}
    nothing = replace(course.snapshot, playbook=course.snapshot.playbook.model_copy(update={"steps": ()}))
    assert plan(nothing).wake_at == due - TEN


def test_where_the_update_goes_out_by_itself_nobody_is_reminded() -> None:
    course = promising()
    due = due_at(course)
    go(course, due - TEN)
    assert not reminding.due(course.snapshot), "its beat comes, and nobody's answer is needed"
    go(course, NOW + timedelta(minutes=30))
    course.run("next_update")
    go(course, due - timedelta(minutes=1))
    assert not reminding.due(course.snapshot), "the pre-approved text goes out in time"


def test_a_draft_that_needs_a_yes_is_shown_to_who_can_give_it() -> None:
    course = promising(HOLD)
    due = due_at(course)
    course.pass_time(30)
    course.run("next_update")
    go(course, due - TEN - timedelta(seconds=1))
    assert not reminding.due(course.snapshot)
    go(course, due - TEN)
    [told] = kept(course)
    assert told.person == "cora"
    assert "the public was promised the next update by" in told.text
    assert f"{due:%H:%M} UTC" in told.text
    assert "ST-2 waits for your yes" in told.text
    assert "irrops statement approve ST-2 --as comms_lead" in told.text
    [button] = told.buttons
    assert (button.action, button.value) == (APPROVE, course.snapshot.statements[1].key)
    assert course.entry("PromiseReminded").text.endswith("and ST-2 waits for approval: reminded Cora Example")


def test_it_is_done_once_for_each_promise() -> None:
    course = promising(HOLD)
    go(course, due_at(course) - TEN)
    assert len(kept(course)) == 1
    assert not reminding.due(course.snapshot)
    course.pass_time(3)
    course.run("next_update")
    approve(course, "next_update")
    assert not reminding.due(course.snapshot), "the next promise is not near yet"
    go(course, due_at(course) - TEN)
    assert len(kept(course)) == 1
    assert course.kinds().count("PromiseReminded") == 2


def test_what_is_approved_already_reminds_nobody() -> None:
    course = promising(HOLD)
    due = due_at(course)
    course.pass_time(30)
    course.run("next_update")
    course.command(statements.approve(course.snapshot, course.statement, "cora", ("comms_lead",), course.snapshot.now))
    go(course, due - TEN)
    assert not reminding.due(course.snapshot)


def test_a_rejected_draft_reminds_and_says_how_to_write_another() -> None:
    course = promising()
    due = due_at(course)
    course.pass_time(30)
    course.run("next_update")
    course.command(statements.reject(course.snapshot, course.statement, "cora", ("comms_lead",), course.snapshot.now))
    course.run("next_update")
    go(course, due - TEN)
    told = kept(course)
    assert {one.person for one in told} == {"cora", "dan"}, "who writes, and who approves the updates"
    assert all("No draft waits" in one.text and "irrops statement draft INC-1 update" in one.text for one in told)
    assert not any(one.buttons for one in told)


def test_a_step_that_is_held_back_is_not_relied_on() -> None:
    course = promising(("every: 30m", "every: 30m\n    when: \"facts.systems == 'all'\""))
    go(course, due_at(course) - timedelta(minutes=20))
    assert not reminding.due(course.snapshot)
    go(course, due_at(course) - TEN)
    assert reminding.due(course.snapshot)


def test_those_on_duty_are_reminded_and_all_of_them_when_nobody_is() -> None:
    people = (person("cora", "comms_lead", on_duty=False), person("carl", "comms_lead"), person("mia", "duty_manager"))
    course = promising(HOLD, people=people)
    go(course, due_at(course) - TEN)
    assert [one.person for one in kept(course)] == ["carl"]
    asleep = tuple(replace_shifts(one) for one in people)
    course = promising(HOLD, people=asleep)
    go(course, due_at(course) - TEN)
    assert {one.person for one in kept(course)} == {"carl", "cora"}


def replace_shifts(one: Any) -> Any:
    return one.model_copy(update={"shifts": ()})


def test_nobody_to_remind_is_said_once() -> None:
    course = promising(HOLD)
    course.snapshot = replace(course.snapshot, people=())
    go(course, due_at(course) - TEN)
    assert kept(course) == []
    assert "reminded nobody: no comms_lead can be reached" in course.entry("PromiseReminded").text
    assert not reminding.due(course.snapshot)


def test_the_reminder_comes_as_early_as_the_house_says() -> None:
    course = promising(HOLD)
    course.snapshot = replace(course.snapshot, house=example_house(remind_before=timedelta(minutes=25)))
    go(course, due_at(course) - timedelta(minutes=25))
    assert reminding.due(course.snapshot)


# ---------------------------------------------------------------- late


def test_late_the_duty_manager_hears_at_once_and_ten_minutes_later_everybody() -> None:
    course = promising(HOLD)
    due = due_at(course)
    go(course, due)
    assert not reminding.due(course.snapshot), "it is too late to remind"
    alarm = room.keep(course.snapshot, Plan())
    assert [entry.kind for entry in alarm.entries] == ["UpdateOverdue"]
    assert alarm.entries[0].text.endswith("none is out; publish one now")
    go(course, due + TEN - timedelta(seconds=1))
    assert not reminding.due(course.snapshot)
    go(course, due + TEN)
    told = kept(course)
    assert [one.person for one in told] == ["cora", "dan", "mia"]
    assert all("is late, and none is out" in one.text for one in told)
    assert "10 min late, and no draft waits" in course.entry("PromiseEscalated").text
    course.pass_time(120)
    assert not reminding.due(course.snapshot)


def test_the_first_alarm_names_the_draft_that_waits() -> None:
    course = promising(HOLD)
    due = due_at(course)
    course.pass_time(30)
    course.run("next_update")
    go(course, due)
    [entry] = room.keep(course.snapshot, Plan()).entries
    assert entry.text.endswith("none is out; ST-2 waits for approval: see that it gets it now")


def test_who_holds_two_roles_is_told_once() -> None:
    course = promising(HOLD, people=(person("cora", "comms_lead", "duty_manager"),))
    go(course, due_at(course) + TEN)
    assert [one.person for one in kept(course)] == ["cora"]


def test_late_whoever_may_approve_gets_the_button_and_the_others_do_not() -> None:
    course = promising(HOLD)
    course.pass_time(30)
    course.run("next_update")
    go(course, due_at_of_first(course) + TEN)
    told = {one.person: one for one in kept(course)}
    assert told["cora"].buttons
    assert not told["mia"].buttons
    assert "waits for approval; see that it gets it now" in told["mia"].text


def due_at_of_first(course: Course) -> datetime:
    at = course.snapshot.statements[0].next_update_at
    assert at is not None
    return at


def test_a_word_that_came_meanwhile_ends_it() -> None:
    course = promising(HOLD)
    due = due_at(course)
    course.pass_time(30)
    course.run("next_update")
    approve(course, "next_update")
    go(course, due + TEN)
    assert not reminding.due(course.snapshot)


# ---------------------------------------------------------------- after the end


def test_the_last_word_is_reminded_of_too_unless_it_comes_by_itself() -> None:
    ending = """
stand_down:
  - key: all_clear
    action: publish_statement
    with: {message: resolution, channels: [status_page], languages: [en]}
    approval: {by: comms_lead, within: 10m}
"""
    course = promising(playbook=parse(PLAYBOOK + ending)[0])
    due = due_at(course)
    go(course, due - timedelta(minutes=4))
    over = course.snapshot.incident.model_copy(update={"status": Status.RESOLVED, "status_at": course.snapshot.now})
    course.snapshot = replace(course.snapshot, incident=over)
    assert not reminding.due(course.snapshot), "it is drafted in this very moment"
    course.run("all_clear")
    [told] = kept(course)
    assert "ST-2 waits for your yes" in told.text


def test_an_incident_without_promises_wakes_nobody() -> None:
    course = Course(example_playbook())
    assert list(reminding.wakes(course.snapshot)) == []
    assert not reminding.due(course.snapshot)
    assert reminding.keep(course.snapshot).entries == ()

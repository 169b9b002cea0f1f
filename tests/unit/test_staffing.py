"""The staffing plan: who is there, who is offered an extra shift and who may not be, what is missing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.callout import Answer, CallOut, Invitation
from engine.house import Rest
from engine.offers import Bounds, best_shift
from engine.people import Person
from engine.staffing import StaffingPlan
from engine.triage import QueueFigures
from tests.unit.social_team import NOW, START, agent, at, plan, rows, shift, snapshot

# ---------------------------------------------------------------- who is there


def test_the_plan_begins_with_the_half_hour_of_now_and_covers_the_horizon():
    made = plan(snapshot(usual={"en": 10, "es": 4}))
    assert [row.start for row in rows(made)] == [at(number / 2) for number in range(24)]
    assert made.languages == ("en", "es")
    for together, en, es in zip(rows(made), rows(made, "en"), rows(made, "es"), strict=True):
        assert together.needed == en.needed + es.needed
        assert together.messages == pytest.approx(en.messages + es.messages)


def test_with_nobody_in_the_team_everything_is_missing():
    made = plan(snapshot(agent("ann", team="web"), usual={"en": 10, "es": 4}))
    assert made.offers == ()
    assert made.shortfall == made.peak_needed == max(row.needed for row in rows(made)) > 8
    assert made.shortfall_by_language == {
        language: max(row.needed for row in rows(made, language)) for language in ("en", "es")
    }


def test_only_whole_half_hours_on_shift_count_and_no_leave():
    team = [
        agent("ann", shift(0, 2)),
        agent("bob", shift(0.25, 2)),
        agent("cas", shift(0, 1.75)),
        agent("dee", shift(0, 2), leave=(shift(1, 30),)),
        agent("eve", shift(0, 2), active=False),
        agent("fay", shift(0, 2), languages=("fr",)),
    ]
    made = plan(snapshot(*team))
    assert [row.on_duty for row in rows(made)[:5]] == [3, 4, 3, 2, 0]


def test_nobody_is_counted_in_two_languages():
    team = [agent(f"p{n}", shift(0, 8), languages=("en", "es", "nl")) for n in range(5)]
    made = plan(snapshot(*team, usual={"en": 12, "es": 6, "nl": 6}), 4)
    for number, together in enumerate(rows(made)):
        own = [rows(made, language)[number] for language in ("en", "es", "nl")]
        assert together.on_duty == sum(row.on_duty for row in own) == 5


def test_one_too_many_in_english_is_no_help_in_spanish():
    team = [agent(f"p{n:02}", shift(0, 12)) for n in range(30)]
    made = plan(snapshot(*team, usual={"en": 10, "es": 6}))
    assert max(row.shortfall for row in rows(made)) == 0
    assert made.shortfall == made.shortfall_by_language["es"] == max(row.needed for row in rows(made, "es"))
    assert max(made.missing) == made.shortfall


# ---------------------------------------------------------------- extra shifts


def test_offers_close_the_gap_before_the_call_out_does():
    off = [agent(f"p{n}") for n in range(3)]
    without, made = plan(snapshot()), plan(snapshot(*off))
    assert {key for key, _, _ in made.offers} == {"p0", "p1", "p2"}
    closed = [before - now for before, now in zip(without.missing, made.missing, strict=True)]
    assert closed[:12] == [0, 0, 0] + [3] * 9
    for row, missing in zip(rows(made), made.missing, strict=True):
        assert row.offered + missing >= row.needed
    for _, begin, end in made.offers:
        assert begin >= NOW + timedelta(hours=1)
        assert timedelta(hours=4) <= end - begin <= timedelta(hours=12)


def test_no_more_offers_are_made_than_the_gap_is_wide():
    made = plan(snapshot(*(agent(f"p{n:02}") for n in range(40))))
    assert len({key for key, _, _ in made.offers}) == len(made.offers) < 40
    assert max(made.missing[4:]) == 0
    fewer = plan(snapshot(*(agent(f"p{n:02}") for n in range(len(made.offers) - 2))))
    assert max(fewer.missing[4:]) > 0


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (agent("ann", shift(-9, -0.5)), "had a shift until just now"),
        (agent("ann", shift(12.5, 20)), "has the next shift too soon"),
        (agent("ann", *(shift(-24 * day - 10, -24 * day) for day in (1, 2, 3, 4, 5, 6)), shift(36, 84)), "48 hours"),
        (agent("ann", leave=(shift(0, 48),)), "on leave"),
        (agent("ann", chat=""), "can't be reached"),
        (agent("ann", active=False), "has left"),
        (agent("ann", team="web"), "another team"),
        (agent("ann", languages=("fr",)), "speaks nothing that is needed"),
    ],
)
def test_who_may_not_or_cannot_work_is_offered_nothing(person: Person, why: str):
    assert plan(snapshot(person)).offers == (), why
    assert len(plan(snapshot(agent("ann"))).offers) == 1


def test_who_is_called_for_another_incident_is_left_alone():
    assert plan(snapshot(agent("ann"), busy={"ann": "INC-3"})).offers == ()


def test_rest_before_and_after_decides_how_long_an_offer_lasts():
    person = agent("ann", shift(-12, -8), shift(21, 26))
    ((_, begin, end),) = plan(snapshot(person)).offers
    assert (begin, end) == (at(3), at(10))
    strict = snapshot(person)
    strict = replace(strict, house=replace(strict.house, rest=Rest(longest_shift=timedelta(hours=5))))
    ((_, begin, end),) = plan(strict).offers
    assert (begin, end) == (at(3), at(8))


def test_of_like_shifts_one_that_others_have_is_chosen():
    bounds = Bounds(START, START, timedelta(hours=4), Rest(longest_shift=timedelta(hours=4)))
    gap = [True] * 12
    assert best_shift(agent("ann"), gap, bounds) == (at(0), at(4))
    assert best_shift(agent("ann"), gap, bounds, liked={(at(1), at(5))}) == (at(1), at(5))
    assert best_shift(agent("ann"), [*gap[:8], False, False, False], bounds, liked={(at(1.5), at(5.5))}) == (
        at(0),
        at(4),
    )


def test_who_was_called_longest_ago_is_asked_first():
    first = plan(snapshot(agent("ann", last_called_at=at(-2000)), agent("bob", last_called_at=at(-3000)))).offers
    assert [key for key, _, _ in first] == ["bob", "ann"]


def test_a_spanish_gap_is_offered_to_who_speaks_spanish():
    team = [*(agent(f"e{n:02}", shift(0, 12)) for n in range(20)), agent("ann"), agent("zoe", languages=("nl", "es"))]
    made = plan(snapshot(*team, usual={"en": 10, "es": 3}))
    assert [key for key, _, _ in made.offers] == ["zoe"]
    assert rows(made, "es")[6].offered == 1


# ---------------------------------------------------------------- planning again


def invited(
    key: str, answer: Answer = Answer.NONE, respond_by: float = 1, begins: float = 1, **more: Any
) -> tuple[CallOut, Invitation]:
    """Somebody asked for a shift of eight hours."""
    callout = CallOut(
        key=f"c-{key}",
        incident=0,
        step="staff_up#1",
        quota=1,
        starts_at=at(begins),
        ends_at=at(begins + 8),
        respond_by=at(respond_by),
    )
    asked = {"incident": 0, "callout": callout.key, "person": key, "wave": 1, "asked_at": NOW}
    return callout, Invitation(key=f"c-{key}/{key}", answer=answer, **{**asked, **more})


def again(*asked: tuple[CallOut, Invitation]) -> StaffingPlan:
    """Plan with what was offered to Ann and Bob before, and to nobody else."""
    before = StaffingPlan(
        version=3,
        incident=0,
        made_at=NOW,
        answer_within_s=3600,
        share=0.9,
        slots=(),
        offers=tuple((invitation.person, callout.starts_at, callout.ends_at) for callout, invitation in asked),
    )
    callouts, invitations = zip(*asked, strict=True)
    return plan(snapshot(agent("ann"), agent("bob"), staffing=before, callouts=callouts, invitations=invitations))


def test_accepted_and_open_offers_count_and_nobody_is_asked_twice():
    made = again(invited("ann", Answer.YES), invited("bob"))
    assert made.version == 3
    assert made.offers == (("bob", at(1), at(9)),)
    assert [(row.on_duty, row.offered) for row in rows(made)[1:4]] == [(0, 0), (1, 1), (1, 1)]


@pytest.mark.parametrize(
    "asked",
    [
        invited("ann", Answer.NO),
        invited("ann", Answer.LATER),
        invited("ann", respond_by=0),
        invited("ann", Answer.YES, released_at=NOW),
        invited("ann", Answer.YES, too_late=True),
    ],
)
def test_who_declined_or_stayed_silent_counts_no_more_and_is_not_asked_again(asked: tuple[CallOut, Invitation]):
    made = again(asked)
    assert [key for key, _, _ in made.offers] == ["bob"]
    assert {row.on_duty for row in rows(made)} == {0}


def test_after_a_night_somebody_may_be_asked_again_with_the_rest_that_is_due():
    declined = again(invited("ann", Answer.NO, asked_at=NOW - timedelta(hours=13)))
    assert [key for key, _, _ in declined.offers] == ["ann", "bob"]
    worked = again(invited("ann", Answer.YES, begins=-4, asked_at=NOW - timedelta(hours=13)))
    assert [key for key, _, _ in worked.offers] == ["bob"], "Ann is on an extra shift until 13:00"
    rested = again(invited("ann", Answer.YES, begins=-19, asked_at=NOW - timedelta(hours=20)))
    assert [key for key, _, _ in rested.offers] == ["ann", "bob"]


def test_what_waits_in_the_queue_is_planned_for():
    calm = plan(snapshot())
    figures = QueueFigures(waiting_by_language={"en": 80, "": 20, "it": 5}, oldest_open_at=NOW - timedelta(minutes=40))
    behind = plan(snapshot(queue_figures=figures))
    assert behind.slots[0].needed > calm.slots[0].needed + 5
    assert behind.slots[-1].needed == calm.slots[-1].needed


def test_messages_in_a_language_that_nobody_knows_of_are_shared_out():
    both = {"en": 10.0, "es": 10.0}
    calm = plan(snapshot(usual=both))
    behind = plan(snapshot(usual=both, queue_figures=QueueFigures(waiting_by_language={"": 120, "it": 40})))
    for language in both:
        assert rows(behind, language)[0].needed > rows(calm, language)[0].needed + 5


def test_what_came_in_since_the_half_hour_began_is_not_counted_twice():
    usual = {"en": 240.0}
    since = snapshot(usual=usual, queue_figures=QueueFigures(waiting_by_language={"en": 40}, oldest_open_at=at(0)))
    assert plan(since).slots == plan(snapshot(usual=usual)).slots

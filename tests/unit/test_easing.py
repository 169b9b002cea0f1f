"""When the need falls: who goes, in which order, with how much notice, and when nothing is done at all."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine import easing, surplus, upkeep
from engine.callout import Answer, CallOut, Invitation
from engine.change import Change
from engine.effects import Direct, Revise
from engine.incident import Status
from engine.people import Person, Shift
from engine.plan import plan
from engine.snapshot import Snapshot
from engine.staffing import ALL, Slot, StaffingPlan
from engine.steps import StepState, StepStatus
from tests.unit.volunteers import NIGHT, apply, kinds, later, playbook, situation, someone

HOUR = timedelta(hours=1)
STARTS = NIGHT.replace(minute=30) + HOUR
"""05:30 UTC: 1 h 20 min from now."""
ENDS = STARTS + 4 * HOUR
KEY = "INC-7-abc123abc123/volunteers#1"


def at_desk(*people: Person, quota: int | None = None, **more: Any) -> Snapshot:
    """A call-out in which all these people come, in this order of saying yes."""
    snapshot = situation(people)
    callout = CallOut(
        key=KEY,
        incident=7,
        step="volunteers#1",
        opens_at=NIGHT - HOUR,
        quota=len(people) if quota is None else quota,
        accepted=len(people),
        starts_at=STARTS,
        ends_at=ENDS,
        waves=1,
        version=3,
        **more,
    )
    coming = tuple(invited(one, minutes=n - 60) for n, one in enumerate(people))
    state = StepState(incident=7, key="volunteers", started_at=NIGHT, status=StepStatus.DONE, version=2)
    book = playbook(quota="from_staffing")
    return replace(snapshot, playbook=book, callouts=(callout,), invitations=coming, steps=(state,))


def invited(person: Person, minutes: float = 0, **more: Any) -> Invitation:
    """Somebody who said yes so many minutes from now."""
    given = {
        "key": f"{KEY}/{person.key}",
        "incident": 7,
        "callout": KEY,
        "person": person.key,
        "wave": 1,
        "asked_at": NIGHT - HOUR,
        "lanes": ("slack",),
        "lane": "slack",
        "answer": Answer.YES,
        "answered_at": NIGHT + timedelta(minutes=minutes),
        "answered_on": "slack",
        "begins_at": STARTS,
        "version": 1,
    }
    return Invitation.model_validate({**given, **more})


def with_invitation(snapshot: Snapshot, person: str, **changes: Any) -> Snapshot:
    changed = (i.model_copy(update=changes) if i.person == person else i for i in snapshot.invitations)
    return replace(snapshot, invitations=tuple(changed))


def ease(snapshot: Snapshot, quota: int, **more: Any) -> tuple[Snapshot, Change]:
    change = easing.ease(snapshot, snapshot.callouts[0], quota, **more)
    return apply(snapshot, change), change


def released(change: Change) -> list[str]:
    """Who is released, in the order in which they are chosen."""
    [entry] = change.entries
    return list(entry.facts["released"])


def texts(change: Change) -> dict[str, str]:
    return {e.message.person: e.message.text for e in change.effects if isinstance(e.message, Direct)}


ANN, BEN, CAS, DEE = (someone(key) for key in ("ann", "ben", "cas", "dee"))


# ---------------------------------------------------------------- before the work begins


def test_who_has_not_begun_is_spared_and_the_latest_yes_goes_first() -> None:
    snapshot, change = ease(at_desk(ANN, BEN, CAS, DEE), 2)
    assert released(change) == ["dee", "cas"]
    [callout] = snapshot.callouts
    assert (callout.quota, callout.accepted) == (2, 2)
    for one in snapshot.invitations:
        gone = one.person in ("dee", "cas")
        assert (one.released_at, one.released_because) == ((NIGHT, "need fell") if gone else (None, ""))
    assert set(texts(change)) == {"dee", "cas"}
    assert "you need not come at 06:30 (05:30 UTC), 22 Nov" in texts(change)["dee"]
    [entry] = change.entries
    assert (entry.kind, entry.text) == ("CallOutEased", "2 people wanted instead of 4, 2 need not come")


def test_the_message_that_asked_loses_its_button() -> None:
    _, change = ease(at_desk(ANN, BEN), 1)
    [old] = [e for e in change.effects if isinstance(e.message, Revise)]
    assert (old.needs, old.message.buttons) == (f"{KEY}/ben/ask", ())


def test_who_was_called_shortly_before_goes_home_before_the_latest_yes() -> None:
    snapshot = at_desk(ANN, BEN, CAS)
    earlier = invited(ANN, key="INC-7-abc123abc123/first#1/ann", callout="other", asked_at=NIGHT - 9 * HOUR)
    snapshot = replace(snapshot, invitations=(*snapshot.invitations, earlier.model_copy(update={"answer": Answer.NO})))
    assert released(ease(snapshot, 1)[1]) == ["ann", "cas"]


def test_who_has_worked_most_this_week_goes_home_before_the_latest_yes() -> None:
    monday = NIGHT - timedelta(days=6)
    busy = ANN.model_copy(update={"shifts": (Shift(start=monday, end=monday + 9 * HOUR),)})
    before = BEN.model_copy(
        update={"shifts": (Shift(start=monday - timedelta(days=2), end=monday - timedelta(days=1)),)}
    )
    assert released(ease(at_desk(busy, before, CAS), 1)[1]) == ["ann", "cas"]


# ---------------------------------------------------------------- at work


def test_at_work_the_one_who_has_worked_longest_goes_first_with_notice() -> None:
    snapshot = at_desk(ANN, BEN, CAS)
    snapshot = with_invitation(snapshot, "ben", begins_at=STARTS + HOUR, comes_at=STARTS + HOUR)
    now = STARTS + 2 * HOUR
    snapshot, change = ease(replace(snapshot, now=now), 1, notice=timedelta(minutes=45))
    assert released(change) == ["ann", "cas"]
    by_person = {one.person: one for one in snapshot.invitations}
    assert by_person["ann"].released_at == now + timedelta(minutes=45)
    assert "you are released at 09:15 (08:15 UTC), 22 Nov" in texts(change)["ann"]
    assert change.entries[0].text == "1 person wanted instead of 3, 2 at work go in 45 min"


def test_the_order_is_those_not_begun_then_at_work_then_those_on_the_way() -> None:
    snapshot = at_desk(ANN, BEN, CAS)
    snapshot = with_invitation(snapshot, "ann", begins_at=STARTS + timedelta(minutes=20))
    snapshot = with_invitation(snapshot, "cas", begins_at=STARTS + 2 * HOUR)
    now = replace(snapshot, now=STARTS + timedelta(minutes=5))
    assert released(ease(now, 0)[1]) == ["cas", "ben", "ann"]


def test_nobody_is_given_notice_beyond_the_end_of_the_slot() -> None:
    snapshot, _ = ease(replace(at_desk(ANN), now=ENDS - timedelta(minutes=10)), 0)
    assert snapshot.invitations[0].released_at == ENDS


def test_when_the_notice_is_over_they_are_thanked_with_their_hours_once() -> None:
    snapshot, _ = ease(replace(at_desk(ANN, BEN), now=STARTS + 2 * HOUR), 1)
    [gone] = [one.person for one in snapshot.invitations if one.released_at]
    until = STARTS + timedelta(hours=2, minutes=30)
    assert not upkeep.due(snapshot)
    said: dict[str, str] = {}
    while (wake := plan(snapshot).wake_at) and wake <= until:
        snapshot = replace(snapshot, now=wake)
        change = upkeep.keep(snapshot)
        said |= texts(change)
        snapshot = apply(snapshot, change)
    assert set(said) == {gone}
    assert "2 h 30 min" in said[gone]
    assert not upkeep.due(snapshot)


# ---------------------------------------------------------------- qualifications


def test_a_minimum_stays_filled_whoever_s_turn_it_would_be() -> None:
    es = [someone(f"es{n}", languages=("es", "en")) for n in range(2)]
    _, change = ease(at_desk(ANN, BEN, *es, minima={"es": 2}), 2)
    assert released(change) == ["ben", "ann"]


def test_who_is_scarce_is_not_let_go_for_one_who_is_not() -> None:
    both = someone("both", languages=("es", "fr"))
    only = someone("only", languages=("es",))
    _, change = ease(at_desk(only, both, ANN, minima={"es": 1, "fr": 1}), 2)
    assert released(change) == ["ann"]
    snapshot, change = ease(at_desk(only, both, minima={"es": 1, "fr": 1}), 1)
    assert released(change) == ["both"]  # only one place is left, so one minimum must go
    assert snapshot.callouts[0].minima == {"es": 1}


def test_minima_are_lowered_until_they_fit() -> None:
    assert easing.fitting({"es": 4, "fr": 1}, 3) == {"es": 2, "fr": 1}
    assert easing.fitting({"es": 1}, 0) == {}


# ---------------------------------------------------------------- those who wait, and the step


def test_the_waiting_list_is_told_that_there_are_enough_without_a_sound() -> None:
    snapshot = at_desk(ANN, BEN)
    waiting = invited(CAS, too_late=True, begins_at=None)
    comes_later = invited(DEE, answer=Answer.LATER, comes_at=STARTS + HOUR, begins_at=None)
    snapshot = replace(
        snapshot, people=(*snapshot.people, CAS, DEE), invitations=(*snapshot.invitations, waiting, comes_later)
    )
    snapshot, change = ease(snapshot, 1)
    revised = {e.needs: e.message.text for e in change.effects if isinstance(e.message, Revise)}
    for key in ("cas", "dee"):
        assert "need not keep yourself free" in revised[f"{KEY}/{key}/ask"]
    assert set(texts(change)) == {"ben"}
    assert [one.person for one in snapshot.invitations if not one.released_at] == ["ann"]


def test_while_places_are_open_the_waiting_list_stays_and_nobody_is_released() -> None:
    snapshot = at_desk(ANN, BEN, quota=9)
    later_on = invited(DEE, answer=Answer.LATER, comes_at=STARTS + HOUR, begins_at=None)
    snapshot = replace(snapshot, people=(*snapshot.people, DEE), invitations=(*snapshot.invitations, later_on))
    snapshot, change = ease(snapshot, 4)
    assert released(change) == []
    assert change.effects == ()
    assert (snapshot.callouts[0].quota, snapshot.callouts[0].accepted) == (4, 2)
    assert not any(one.released_at for one in snapshot.invitations)


def test_a_step_that_still_asks_is_run_again_and_an_ended_one_is_left() -> None:
    snapshot = at_desk(ANN, BEN, quota=9)
    running = replace(snapshot, steps=(snapshot.steps[0].model_copy(update={"status": StepStatus.WAITING}),))
    assert ease(running, 2)[0].steps[0].nudged
    assert not ease(snapshot, 2)[0].steps[0].nudged


@pytest.mark.parametrize("quota", [2, 3, -1])
def test_it_never_raises_a_quota(quota: int) -> None:
    assert ease(at_desk(ANN, BEN), quota)[1] == Change()


def test_a_slot_that_is_over_is_left_alone() -> None:
    assert ease(replace(at_desk(ANN, BEN), now=ENDS), 0)[1] == Change()


def test_they_are_told_where_they_answered() -> None:
    ben = BEN.model_copy(update={"email": "ben@example.org"})
    snapshot = at_desk(ANN, ben)
    snapshot = replace(snapshot, house=replace(snapshot.house, lanes=("slack", "email")))
    snapshot = with_invitation(snapshot, "ben", lanes=("email",), lane="email", answered_on="email")
    _, change = ease(snapshot, 1)
    [word] = [e for e in change.effects if e.key == f"{KEY}/ben/eased"]
    assert (word.channel, word.message.address) == ("email", "ben@example.org")


@pytest.mark.parametrize(("language", "words"), [("nl", "je bent vrij"), ("es", "estás libre")])
def test_they_are_told_in_their_language(language: str, words: str) -> None:
    ben = BEN.model_copy(update={"languages": (language,)})
    assert words in texts(ease(at_desk(ANN, ben), 1)[1])["ben"]


# ---------------------------------------------------------------- following the plan


def planned(
    snapshot: Snapshot, needed: Mapping[str, int], made_at: datetime | None = None, hours: float = 8, **rows: Any
) -> Snapshot:
    """The newest plan needs so many in every half hour; the volunteers who come are counted as on duty."""
    half = timedelta(minutes=30)
    start = snapshot.now.replace(minute=snapshot.now.minute // 30 * 30)
    accepted = snapshot.callouts[0].accepted
    slots: list[Slot] = []
    for n in range(int(hours * 2)):
        begin = start + n * half
        there = accepted if begin >= STARTS and begin + half <= ENDS else 0
        on_duty = [*[0] * (len(needed) - 1), there] if len(needed) > 1 else [there]
        own = [
            Slot(start=begin, language=name, messages=1, needed=count, on_duty=seated, offered=0)
            for (name, count), seated in zip(sorted(needed.items(), reverse=True), on_duty, strict=True)
        ]
        total = {"needed": sum(needed.values()), "on_duty": there}
        slots += [*own, Slot(start=begin, language=ALL, messages=1, offered=0, **total)]
    short = max(0, sum(needed.values()) - accepted)
    made = StaffingPlan(
        incident=7,
        made_at=made_at or snapshot.now,
        answer_within_s=3600,
        share=0.9,
        slots=tuple(slots),
        shortfall=short,
        shortfall_by_language={"en": short} if short else {},
        **rows,
    )
    return replace(snapshot, staffing=made)


def crew(count: int, **more: Any) -> tuple[Person, ...]:
    return tuple(someone(f"p{n:02}", **more) for n in range(count))


def kept(snapshot: Snapshot) -> tuple[Snapshot, Change]:
    """What follows from the plan; doing it twice at one instant wants nothing more."""
    change = surplus.keep(snapshot)
    after = apply(snapshot, change)
    assert surplus.keep(after) == Change()
    if change != Change():
        assert surplus.due(snapshot)
    return after, change


def test_a_newer_plan_that_needs_fewer_releases_the_others() -> None:
    snapshot, change = kept(planned(at_desk(*crew(12)), {"en": 8}))
    assert len(released(change)) == 4
    assert (snapshot.callouts[0].quota, snapshot.callouts[0].accepted) == (8, 8)
    assert not surplus.due(snapshot)


@pytest.mark.parametrize(("people", "needed", "eased"), [(12, 11, 0), (12, 10, 2), (40, 37, 0), (40, 36, 4), (2, 0, 2)])
def test_a_small_surplus_is_left_alone(people: int, needed: int, eased: int) -> None:
    _, change = kept(planned(at_desk(*crew(people)), {"en": needed}))
    assert (len(released(change)) if change.entries else 0) == eased


def test_a_plan_made_before_the_last_yes_changes_nothing() -> None:
    snapshot = at_desk(*crew(12))
    last_yes = max(one.answered_at for one in snapshot.invitations if one.answered_at)
    assert kept(planned(snapshot, {"en": 2}, made_at=last_yes))[1] == Change()
    assert kept(planned(snapshot, {"en": 2}, made_at=last_yes + timedelta(seconds=1)))[1] != Change()


def test_a_plan_that_does_not_reach_to_the_end_of_the_slot_changes_nothing() -> None:
    assert kept(planned(at_desk(*crew(12)), {"en": 2}, hours=4))[1] == Change()


def test_the_worst_half_hour_counts() -> None:
    snapshot = planned(at_desk(*crew(12)), {"en": 2})
    assert snapshot.staffing
    peak = STARTS + 2 * HOUR
    rows = (
        s.model_copy(update={"needed": 9}) if s.start == peak and s.language == "en" else s
        for s in snapshot.staffing.slots
    )
    plan_ = snapshot.staffing.model_copy(update={"slots": tuple(rows)})
    after, change = kept(replace(snapshot, staffing=plan_))
    assert len(released(change)) == 3
    past_it = replace(after, now=peak + timedelta(minutes=30))
    assert len(released(kept(past_it)[1])) == 7  # the rest of the slot needs two


def test_who_speaks_the_language_that_is_needed_stays() -> None:
    es = crew(3, languages=("es",))
    en = tuple(someone(f"q{n}", languages=("en",)) for n in range(5))
    snapshot = planned(at_desk(*en, *es, minima={"es": 3}), {"en": 2, "es": 3})
    after, change = kept(snapshot)
    assert set(released(change)) <= {one.key for one in en}
    assert len(released(change)) == 3
    assert after.callouts[0].minima == {"es": 3}


def test_a_minimum_that_the_plan_asked_for_falls_with_it_and_one_of_the_playbook_stays() -> None:
    es = crew(4, languages=("es",))
    en = tuple(someone(f"q{n}", languages=("en",)) for n in range(4))
    snapshot = planned(at_desk(*en, *es, minima={"es": 4}), {"en": 4, "es": 1})
    after, change = kept(snapshot)
    assert len(released(change)) == 3
    assert after.callouts[0].minima == {"es": 1}
    named = replace(snapshot, playbook=playbook(quota="from_staffing", languages={"es": 4}))
    assert kept(named)[1] == Change()  # nobody else is to spare


def test_the_standing_team_s_shifts_count_before_the_volunteers() -> None:
    team = tuple(
        someone(f"t{n}", team="social", shifts=(Shift(start=STARTS - HOUR, end=ENDS + HOUR),)) for n in range(3)
    )
    snapshot = at_desk(*crew(6))
    snapshot = planned(replace(snapshot, people=(*snapshot.people, *team)), {"en": 6})
    assert snapshot.staffing
    rows = (s.model_copy(update={"on_duty": s.on_duty + 3}) for s in snapshot.staffing.slots)
    snapshot = replace(snapshot, staffing=snapshot.staffing.model_copy(update={"slots": tuple(rows)}))
    assert len(released(kept(snapshot)[1])) == 3


def test_who_comes_later_fills_no_seat_before() -> None:
    late, *others = crew(5)
    snapshot = with_invitation(at_desk(late, *others), late.key, begins_at=STARTS + 2 * HOUR)
    assert kept(planned(snapshot, {"en": 3}))[1] == Change()  # three at first, and the late one: four of five
    assert len(released(kept(planned(at_desk(late, *others), {"en": 3}))[1])) == 2


def test_when_few_have_come_yet_fewer_are_asked() -> None:
    after, change = kept(planned(at_desk(ANN, BEN, quota=12), {"en": 5}))
    assert released(change) == []
    assert after.callouts[0].quota == 5


@pytest.mark.parametrize("quota", [4, None])
def test_a_quota_given_by_the_playbook_or_by_hand_does_not_follow_the_plan(quota: int | None) -> None:
    snapshot = planned(at_desk(*crew(12)), {"en": 2})
    if quota:
        fixed = replace(snapshot, playbook=playbook(quota=quota))
    else:
        memo = {"memo": {"overrides": {"quota": 12}}}
        fixed = replace(snapshot, steps=(snapshot.steps[0].model_copy(update=memo),))
    assert surplus.keep(fixed) == Change()
    assert not surplus.due(fixed)


def test_nothing_is_eased_when_the_incident_is_over_or_the_hours_nearly_are() -> None:
    snapshot = planned(at_desk(*crew(12)), {"en": 2})
    over = replace(snapshot, incident=snapshot.incident.model_copy(update={"status": Status.RESOLVED}))
    assert kept(over)[1] == Change()
    assert kept(replace(snapshot, now=ENDS - timedelta(minutes=59)))[1] == Change()


def test_two_slots_of_one_step_are_eased_in_one_change() -> None:
    snapshot = at_desk(*crew(12))
    state = snapshot.steps[0].model_copy(update={"status": StepStatus.WAITING})
    more = tuple(someone(f"r{n:02}") for n in range(12))
    second = snapshot.callouts[0].model_copy(update={"key": KEY + "/2", "slot": 2})
    coming = (invited(one, -20, key=f"{second.key}/{one.key}", callout=second.key) for one in more)
    snapshot = replace(
        snapshot,
        people=(*snapshot.people, *more),
        callouts=(snapshot.callouts[0], second),
        invitations=(*snapshot.invitations, *coming),
        steps=(state,),
    )
    after, change = kept(planned(snapshot, {"en": 8}))
    assert kinds(change.entries) == ["CallOutEased"] * 2
    assert sum(one.accepted for one in after.callouts) == 8
    assert after.steps[0].nudged


# ---------------------------------------------------------------- all that is due beside the steps


def test_what_is_due_beside_the_steps_is_one_change_that_the_store_takes() -> None:
    snapshot, _ = ease(replace(at_desk(*crew(12)), now=STARTS + HOUR), 10)
    snapshot = planned(later(snapshot, minutes=30), {"en": 4})
    assert surplus.due(snapshot)
    assert upkeep.due(snapshot)
    change = upkeep.keep(snapshot)
    names = [getattr(one, "key", one) for one in change.records]
    assert len(names) == len(set(names))
    after = apply(snapshot, change)
    assert {"CallOutEased"} <= set(kinds(change.entries))
    assert sum(one.thanked_at is not None for one in after.invitations) == 2
    assert upkeep.keep(after) == Change()


def test_a_message_that_cannot_be_written_is_said_once_and_stops_nothing_else(tmp_path: Any) -> None:
    import shutil

    from engine.wording import Templates
    from tests.unit.volunteers import WORDING

    shutil.copytree(WORDING.root, tmp_path / "messages")
    (tmp_path / "messages" / "eased" / "en.j2").write_text("{{ nothing_of_that_name }}")
    snapshot = planned(at_desk(*crew(12)), {"en": 2})
    broken = replace(snapshot, house=replace(snapshot.house, wording=Templates(tmp_path / "messages")))
    change = upkeep.keep(broken)
    assert kinds(change.entries) == ["WordingBroken"]
    assert "eased/en.j2:1" in change.entries[0].text
    assert upkeep.keep(apply(broken, change)) == Change()

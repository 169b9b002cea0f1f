"""Who is chosen, in which order, and why the others are left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.assignment import Candidate, assign
from engine.callout import Answer, CallOut, Invitation
from engine.choice import Cap, Reason, Rules, choose, room_left, sift
from engine.house import Rest
from engine.people import Person, Shift
from engine.snapshot import Snapshot
from tests.unit.volunteers import NIGHT, crowd, house, situation, someone

START, END = NIGHT + timedelta(hours=1), NIGHT + timedelta(hours=5)
CALLOUT = CallOut(key="INC-7-abc/volunteers#1", incident=7, step="volunteers#1", quota=3, starts_at=START, ends_at=END)


def hours(before: float, after: float) -> tuple[Shift, ...]:
    """A shift from so many hours after the slot's start to so many after it."""
    return (Shift(start=START + timedelta(hours=before), end=START + timedelta(hours=after)),)


def why(person: Person, snapshot: Snapshot | None = None, **callout: object) -> Reason | None:
    snapshot = snapshot or situation([person])
    return sift(replace(snapshot, people=(person,)), CALLOUT.model_copy(update=callout), Rules())[1].get(person.key)


def test_a_rested_reachable_volunteer_may_be_asked() -> None:
    assert why(someone("anna")) is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"active": False}, Reason.INACTIVE),
        ({"chat": ""}, Reason.UNREACHABLE),
        ({"team": "social"}, Reason.STANDING_TEAM),
        ({"shifts": hours(-1, 0.5)}, Reason.ON_DUTY),
        ({"shifts": hours(3.5, 9)}, Reason.ON_DUTY),
        ({"leave": hours(-48, 1)}, Reason.LEAVE),
        ({"shifts": hours(-18, -10.5)}, Reason.NOT_RESTED),
        ({"shifts": hours(4 + 10.5, 20)}, Reason.NOT_RESTED),
        ({"shift_pattern": "Sun 05:00-13:00"}, Reason.ON_DUTY),
        ({"shift_pattern": "Sat 22:00-06:00"}, Reason.NOT_RESTED),
    ],
)
def test_who_cannot_come_is_left_out_with_the_reason(more: dict[str, object], reason: Reason) -> None:
    assert why(someone("anna", **more)) is reason


@pytest.mark.parametrize("shifts", [hours(-20, -11), hours(4 + 11, 23)])
def test_eleven_hours_of_rest_are_enough(shifts: tuple[Shift, ...]) -> None:
    assert why(someone("anna", shifts=shifts)) is None


def test_one_of_the_skills_is_enough_and_none_is_not() -> None:
    baggage = someone("anna", skills=("baggage",))
    assert why(baggage, skills=("care", "baggage")) is None
    assert why(baggage, skills=("care", "rebooking")) is Reason.SKILL


def test_a_week_has_at_most_48_hours_counted_where_the_person_lives() -> None:
    # Sunday 22 November ends the week that began on Monday the 16th: five shifts of 9 hours are 45
    busy = someone("anna", shift_pattern="Mon-Fri 08:00-17:00")
    assert why(busy) is Reason.WEEKLY_LIMIT
    assert why(someone("anna", shift_pattern="Mon-Fri 08:00-16:00")) is None
    week = tuple(Shift(start=START - timedelta(days=day), end=START - timedelta(days=day - 0.5)) for day in range(2, 6))
    monday = {"starts_at": START + timedelta(days=1), "ends_at": END + timedelta(days=1)}
    assert why(someone("anna", shifts=week)) is Reason.WEEKLY_LIMIT
    assert why(someone("anna", shifts=week), **monday) is None
    # 05:10 UTC on Monday is 21:10 on Sunday there
    assert why(someone("anna", shifts=week, time_zone="America/Los_Angeles"), **monday) is Reason.WEEKLY_LIMIT


def test_the_house_may_set_its_own_rest() -> None:
    tired = someone("anna", shifts=hours(-18, -10.5))
    eased = replace(situation(), house=house(rest=Rest(between_shifts=timedelta(hours=10))))
    assert why(tired, eased) is None
    strict = replace(situation(), house=house(rest=Rest(longest_shift=timedelta(hours=3))))
    assert why(someone("anna"), strict) is Reason.NOT_RESTED


def invited(person: str, callout: str, **more: object) -> Invitation:
    base = Invitation(key=f"{callout}/{person}", incident=7, callout=callout, person=person, wave=1, asked_at=NIGHT)
    return base.model_copy(update=more)


def test_who_was_asked_before_is_not_asked_again() -> None:
    snapshot = replace(situation(), invitations=(invited("anna", CALLOUT.key, answer=Answer.NO),))
    assert why(someone("anna"), snapshot) is Reason.ASKED


def test_another_incident_has_called_them() -> None:
    snapshot = replace(situation(), busy={"anna": "INC-3"})
    assert why(someone("anna"), snapshot) is Reason.BUSY


def test_a_promise_to_another_call_out_counts_as_a_shift() -> None:
    other = CALLOUT.model_copy(update={"key": "other"})
    snapshot = replace(situation(), callouts=(other,), invitations=(invited("anna", "other", answer=Answer.YES),))
    assert why(someone("anna"), snapshot) is Reason.ON_DUTY
    days = {"starts_at": START - timedelta(days=3), "ends_at": END - timedelta(days=3)}
    snapshot = replace(snapshot, callouts=(other.model_copy(update=days),))
    assert why(someone("anna"), snapshot) is None
    snapshot = replace(snapshot, callouts=(other,), invitations=(invited("anna", "other"),))
    assert why(someone("anna"), snapshot) is Reason.ASKED


def test_who_was_called_last_goes_last() -> None:
    recent = someone("recent", last_called_at=NIGHT - timedelta(days=1))
    earlier = someone("earlier", last_called_at=NIGHT - timedelta(days=90))
    never = someone("never")
    snapshot = situation([recent, earlier, never])
    assert [person.key for person in choose(snapshot, CALLOUT, Rules(), 3, {}).chosen] == ["never", "earlier", "recent"]
    assert choose(snapshot, CALLOUT, Rules(), 1, {}).left_out == {"recent": Reason.SPARE, "earlier": Reason.SPARE}


def test_the_alphabet_does_not_decide_among_those_never_called() -> None:
    snapshot = situation(crowd(40))
    one = [p.key for p in choose(snapshot, CALLOUT, Rules(), 5, {}).chosen]
    other = [p.key for p in choose(snapshot, CALLOUT.model_copy(update={"key": "another"}), Rules(), 5, {}).chosen]
    assert one != other
    assert one == [p.key for p in choose(snapshot, CALLOUT, Rules(), 5, {}).chosen]


def test_a_department_gives_at_most_its_share() -> None:
    people = [*crowd(20, "ops", department="operations_control"), *crowd(2)]
    choice = choose(situation(people), CALLOUT, Rules(caps={"operations_control": Cap(at_most="10%")}), 22, {})
    assert sum(p.department == "operations_control" for p in choice.chosen) == 2
    assert len(choice.chosen) == 4
    assert choice.counted() == {"of a department that has given its share": 18}


def test_the_share_counts_those_who_may_still_say_yes_and_those_called_elsewhere() -> None:
    snapshot = replace(
        situation(crowd(30, "ops", department="operations_control")),
        busy={"ops029": "INC-3"},
        invitations=(
            invited("ops000", CALLOUT.key),
            invited("ops001", CALLOUT.key, answer=Answer.NO),
            invited("ops002", CALLOUT.key, answer=Answer.YES),
        ),
    )
    assert room_left(snapshot, {"operations_control": Cap(at_most="10%")})["operations_control"] == 0
    assert room_left(snapshot, {"operations_control": Cap(at_most=5)})["operations_control"] == 2


@pytest.mark.parametrize("text", ["ten", "10 %", "101%", -1, 1.5, "1.5%", True, None])
def test_a_cap_is_a_share_or_a_number(text: object) -> None:
    with pytest.raises(ValidationError, match="write a share such as 10%"):
        Cap(at_most=text)  # type: ignore[arg-type]


def test_first_come_first_served_would_waste_the_one_who_speaks_both() -> None:
    both, spanish = someone("both", languages=("es", "fr")), someone("spanish", languages=("es",))
    spanish = spanish.model_copy(update={"last_called_at": NIGHT - timedelta(days=1)})
    seats = {"es": 1, "fr": 1}
    assert {p.key for p in choose(situation([both, spanish]), CALLOUT, Rules(), 2, seats).chosen} == {"both", "spanish"}
    # one after the other, each taking the first free seat that fits, fills one seat of the two
    greedy: dict[str, int] = {}
    for person in (both, spanish):
        seat = next((language for language in seats if language in person.languages and language not in greedy), None)
        if seat:
            greedy[seat] = 1
    assert len(greedy) == 1
    assert assign([Candidate(p.languages, "") for p in (both, spanish)], seats, {}) == {0: "fr", 1: "es"}


def test_a_limited_department_does_not_spend_its_place_on_somebody_replaceable() -> None:
    # only ops speak French; es can come from anybody, and ops may give one
    people = [Candidate(("es",), "ops"), Candidate(("fr",), "ops"), Candidate(("es",), "care")]
    assert assign(people, {"es": 1, "fr": 1}, {"ops": 1}) == {1: "fr", 2: "es"}


def test_a_place_is_freed_by_the_one_whose_replacement_has_waited_longest() -> None:
    people = [
        Candidate(("es",), "ops"),
        Candidate((), "care"),
        Candidate(("de",), "ops"),
        Candidate(("es",), "care"),
        Candidate(("de",), "care"),
        Candidate(("fr",), "ops"),
    ]
    assert assign(people, {"es": 1, "de": 1, "fr": 1}, {"ops": 2}) == {0: "es", 4: "de", 5: "fr"}


def test_seats_and_the_rest_together_keep_to_the_departments_share() -> None:
    ops = crowd(20, "ops", department="operations_control", languages=("es", "en"))
    choice = choose(
        situation([*ops, *crowd(9)]), CALLOUT, Rules(caps={"operations_control": Cap(at_most=3)}), 10, {"es": 2}
    )
    assert sum(p.department == "operations_control" for p in choice.chosen) == 3
    assert len(choice.chosen) == 10


def best_by_trying_all(people: list[Candidate], seats: dict[str, int], room: dict[str, int]) -> tuple[int, int]:
    """The most seats that can be filled, and the least sum of the places in the order among those ways."""
    best = (0, 0)
    for way in product(*[[None, *(lang for lang in person.holds if lang in seats)] for person in people]):
        taken = [(index, seat) for index, seat in enumerate(way) if seat]
        fits = all(sum(seat == name for _, seat in taken) <= count for name, count in seats.items())
        inside = all(sum(people[i].department == name for i, _ in taken) <= count for name, count in room.items())
        if fits and inside:
            best = min(best, (-len(taken), sum(index for index, _ in taken)))
    return -best[0], best[1]


candidates = st.lists(
    st.builds(
        Candidate,
        holds=st.sets(st.sampled_from(["es", "fr", "de"]), max_size=3).map(lambda some: tuple(sorted(some))),
        department=st.sampled_from(["ops", "crew", "care"]),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(
    people=candidates,
    seats=st.dictionaries(st.sampled_from(["es", "fr", "de"]), st.integers(1, 3)),
    room=st.dictionaries(st.sampled_from(["ops", "crew"]), st.integers(0, 2)),
)
def test_the_assignment_is_as_good_as_trying_every_way(
    people: list[Candidate], seats: dict[str, int], room: dict[str, int]
) -> None:
    found = assign(people, seats, room)
    for index, seat in found.items():
        assert seat in people[index].holds
    assert all(list(found.values()).count(name) <= count for name, count in seats.items())
    assert all(sum(people[i].department == name for i in found) <= count for name, count in room.items())
    assert (len(found), sum(found)) == best_by_trying_all(people, seats, room)


def test_five_thousand_people_are_chosen_from_in_a_moment() -> None:
    mixed = [
        someone(f"p{i:04}", languages=("en", ("es", "fr", "de", "nl")[i % 4]), shift_pattern="Mon-Fri 09:00-17:00")
        for i in range(5000)
    ]
    began = datetime.now(UTC)
    choice = choose(
        situation(mixed), CALLOUT, Rules(caps={"customer_care": Cap(at_most="10%")}), 200, {"es": 40, "fr": 40}
    )
    assert len(choice.chosen) == 200
    assert sum("es" in p.languages for p in choice.chosen) >= 40
    assert datetime.now(UTC) - began < timedelta(seconds=3)


def test_hours_worked_until_an_early_release_count_for_rest_and_the_week() -> None:
    earlier = CALLOUT.model_copy(
        update={"key": "earlier", "starts_at": START - timedelta(hours=8), "ends_at": START - timedelta(hours=4)}
    )
    anna = someone("anna")
    took_part = Invitation(
        key="earlier/anna", incident=7, callout="earlier", person="anna", wave=1, asked_at=NIGHT, answer=Answer.YES
    )

    def after(released_at: datetime | None) -> Reason | None:
        there = took_part.model_copy(update={"released_at": released_at})
        return why(anna, replace(situation([anna]), callouts=(earlier,), invitations=(there,)))

    assert after(earlier.ends_at) is Reason.NOT_RESTED
    assert after(earlier.starts_at + timedelta(hours=1)) is Reason.NOT_RESTED
    assert after(earlier.starts_at - timedelta(hours=1)) is None, "released before it began"


def test_hours_worked_for_another_incident_count_too() -> None:
    anna = someone("anna")
    worked = {"anna": ((START - timedelta(hours=8), START - timedelta(hours=4)),)}
    assert why(anna, replace(situation([anna]), worked=worked)) is Reason.NOT_RESTED

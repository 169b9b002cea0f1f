"""The history counts real answers by lane and hour: no drills, no extra shifts, silence by its length."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.callout import Answer, CallOut, Invitation
from engine.change import Change
from engine.incident import Incident, Severity
from engine.pace import Pace
from engine.people import Person
from engine.rates import Tally
from state.history import history
from state.store import Store

T0 = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATER = T0 + timedelta(hours=6)


@pytest.fixture
def house(store: Store) -> Store:
    """A store with one real incident (1), one drill (2), and a call-out in each."""
    for number, drill in ((1, False), (2, True)):
        there = Incident(
            uid=f"a{number}",
            playbook="it-outage",
            playbook_text="",
            title="IT outage",
            severity=Severity.SEV1,
            declared_by="dm",
            declared_at=T0,
            status_at=T0,
            drill=drill,
        )
        assert store.declare(there, lambda _: Change(), T0).number == number
        store.apply(Change(records=(callout(number),)))
    return store


def callout(incident: int, **more: object) -> CallOut:
    hours = {"opens_at": T0, "starts_at": T0 + timedelta(hours=1), "ends_at": T0 + timedelta(hours=5)}
    return CallOut.model_validate(
        {"key": f"c{incident}", "incident": incident, "step": "v#1", "quota": 9, **hours, **more}
    )


def ask(store: Store, person: str, *, incident: int = 1, asked_at: datetime = T0, **more: object) -> None:
    answered = more.pop("after", None)
    fields = {"hour": 4, "lane": "slack", "lanes": ("slack",), "answer": Answer.NONE, **more}
    if answered is not None:
        fields["answered_at"] = asked_at + answered * MINUTE  # type: ignore[operator]
    one = {"key": f"c{incident}/{person}", "incident": incident, "callout": f"c{incident}", "person": person, "wave": 1}
    store.apply(Change(records=(Invitation.model_validate({**one, "asked_at": asked_at, **fields}),)))


def test_answers_are_counted_by_lane_and_hour(house: Store) -> None:
    ask(house, "a", answer=Answer.YES, after=12)
    ask(house, "b", answer=Answer.NO, after=3)
    ask(house, "c", answer=Answer.LATER, after=3)
    ask(house, "d")
    ask(house, "e", hour=23, answer=Answer.YES, after=1)
    ask(house, "f", lane="sms")
    assert history(house, LATER) == {
        ("slack", 4): Tally(4, 1),
        ("slack", 23): Tally(1, 1),
        ("sms", 4): Tally(1, 0),
    }


def test_a_yes_counts_when_it_came_within_three_quarters_of_an_hour(house: Store) -> None:
    ask(house, "a", answer=Answer.YES, after=45)
    ask(house, "b", answer=Answer.YES, after=46)
    assert history(house, LATER) == {("slack", 4): Tally(2, 1)}


def test_who_has_not_had_the_time_yet_is_not_counted(house: Store) -> None:
    ask(house, "a", answer=Answer.YES, after=1)
    assert history(house, T0 + 44 * MINUTE) == {}
    assert history(house, T0 + 45 * MINUTE) == {("slack", 4): Tally(1, 1)}


def test_what_is_more_than_a_year_ago_is_forgotten(house: Store) -> None:
    ask(house, "a", asked_at=T0 - timedelta(days=366))
    ask(house, "b", asked_at=T0 - timedelta(days=364))
    assert history(house, T0) == {("slack", 4): Tally(1, 0)}


def test_drills_and_the_standing_team_are_left_out(house: Store) -> None:
    house.apply(Change(records=(Person(key="s", name="Sam", department="communications", team="social"),)))
    house.apply(Change(records=(Person(key="t", name="Tom", department="ticketing"),)))
    ask(house, "d", incident=2, answer=Answer.YES, after=1)
    ask(house, "s", answer=Answer.YES, after=1)
    ask(house, "t")
    ask(house, "u")
    assert history(house, LATER) == {("slack", 4): Tally(2, 0)}


def test_silence_that_was_cut_short_counts_by_its_length(house: Store) -> None:
    closed = house.first(CallOut, key="c1")
    house.apply(Change(records=(closed.model_copy(update={"closed_at": T0 + 9 * MINUTE, "closed_because": "full"}),)))
    ask(house, "a", answer=Answer.YES, after=8)
    ask(house, "b")
    ask(house, "c", released_at=T0 + 3 * MINUTE, hour=5)
    pace = Pace()
    found = history(house, LATER)
    assert found["slack", 4].yes == 1
    assert found["slack", 4].asked == pytest.approx(1 + pace.come_in(9 * MINUTE))
    assert found["slack", 5].asked == pytest.approx(pace.come_in(3 * MINUTE))


def test_a_call_out_that_fell_short_still_waits_for_answers(house: Store) -> None:
    closed = house.first(CallOut, key="c1")
    short = {"closed_at": T0 + 9 * MINUTE, "closed_because": "all 4 waves have been asked"}
    house.apply(Change(records=(closed.model_copy(update=short),)))
    ask(house, "a")
    ask(house, "b", released_at=T0 + timedelta(hours=4))
    assert history(house, LATER) == {("slack", 4): Tally(2, 0)}


def test_a_year_of_answers_is_counted_in_the_database(house: Store) -> None:
    """Rows come back grouped: as many as lanes, hours and lengths of silence, not as many as people were asked."""
    for number in range(300):
        yes = {"answer": Answer.YES, "after": 5} if number % 4 == 0 else {}
        ask(house, f"p{number}", hour=number % 3, **yes)
    found = history(house, LATER)
    assert sum(tally.asked for tally in found.values()) == 300
    assert sum(tally.yes for tally in found.values()) == 75
    assert set(found) == {("slack", 0), ("slack", 1), ("slack", 2)}

"""Two processes take answers on one database, SQLite and PostgreSQL: the quota holds across them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.answering import answer
from engine.callout import Answer, Invitation
from engine.change import Change
from state import snapshots
from state.store import Stale
from tests.unit.called import Called, at_once, called, texts


@pytest.fixture
def desks(url: str, tmp_path: Path) -> Iterator[tuple[Called, Called]]:
    with called(tmp_path / "home", url) as one:
        other = one.another()
        yield one, other
        other.crew.close()


def decided(there: Called, person: str, given: Answer) -> Change:
    """What an answer would write that is decided now."""
    store, now = there.crew.store, there.clock.now()
    snapshot = snapshots.look_at_answers(store, 1, now, there.crew.house, {person})
    (asked,) = [one for one in there.invitations() if one.person == person]
    who = next(one for one in snapshot.people if one.key == person)
    return answer(snapshot, asked.key, given, who, now)[0]


def test_of_many_who_say_yes_at_two_desks_at_once_the_quota_comes(desks: tuple[Called, Called]) -> None:
    one, _ = desks
    people = one.asked()
    told = at_once(*(partial(desks[number % 2].press, person, "yes") for number, person in enumerate(people)))
    said = dict(zip(people, texts(told), strict=True))
    one.adds_up()
    assert one.callout().accepted == 5
    assert {person for person, text in said.items() if "You are expected" in text} == one.coming()
    assert set(one.waiting()) == set(people) - one.coming()


def test_the_same_person_at_two_desks_gives_one_answer(desks: tuple[Called, Called]) -> None:
    person = desks[0].asked()[0]
    texts(at_once(*(partial(desks[number % 2].press, person, "yes") for number in range(8))))
    desks[0].adds_up()
    assert desks[0].callout().accepted == 1


def test_the_last_place_that_two_decided_to_take_is_given_once(desks: tuple[Called, Called]) -> None:
    one, other = desks
    people = one.asked()
    for person in people[:4]:
        one.press(person, "yes")
    first, second = (decided(there, person, Answer.YES) for there, person in zip(desks, people[4:6], strict=True))
    one.crew.store.apply(first)
    with pytest.raises(Stale):
        other.crew.store.apply(second)
    one.adds_up()
    assert "waiting list" in other.press(people[5], "yes").text


@pytest.mark.parametrize("freed_first", [True, False])
def test_a_place_that_comes_free_while_somebody_joins_the_waiting_list_is_noticed(
    desks: tuple[Called, Called], freed_first: bool
) -> None:
    one, other = desks
    people = one.asked()
    for person in people[:5]:
        one.press(person, "yes")
    waits, freed = decided(other, people[5], Answer.YES), decided(one, people[0], Answer.NO)
    assert waits.unchanged == (one.callout(),)
    first, second = (freed, waits) if freed_first else (waits, freed)
    one.crew.store.apply(first)
    if freed_first:
        with pytest.raises(Stale):
            other.crew.store.apply(second)
        assert "You are expected" in other.press(people[5], "yes").text
    else:
        other.crew.store.apply(second)
        other.settle()  # the step that looks for a replacement finds who waits
        assert people[5] in one.coming()
    one.adds_up()


def test_who_waits_does_not_make_stale_who_closes_the_call_out(desks: tuple[Called, Called]) -> None:
    one, other = desks
    people = one.asked()
    for person in people[:5]:
        one.press(person, "yes")
    version = one.callout().version
    for person in people[5:9]:
        other.press(person, "yes")
    assert one.callout().version == version
    assert len(one.waiting()) == 4


def test_yes_and_no_at_two_desks_at_once_add_up(desks: tuple[Called, Called]) -> None:
    one, _ = desks
    people = one.asked()
    for person in people[:5]:
        one.press(person, "yes")
    answers: list[Any] = [partial(desks[n % 2].press, person, "no") for n, person in enumerate(people[:5])]
    answers += [partial(desks[n % 2].press, person, "yes") for n, person in enumerate(people[5:])]
    texts(at_once(*answers))
    one.settle()
    one.adds_up()
    assert one.callout().accepted == 5, "nobody waits while there is a place"
    there = {one.person: one for one in one.crew.store.all(Invitation)}
    assert all(there[person].answer is Answer.NO for person in people[:5])

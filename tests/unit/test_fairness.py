"""How evenly calls fall on people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.callout import CallOut
from engine.fairness import NAMED, callable_for, measure
from tests.unit.volunteers import NIGHT, house, someone


def test_everybody_equally_often_is_even():
    found = measure({"a": 2, "b": 2, "c": 2}, ["a", "b", "c"])
    assert (found.people, found.calls, found.never, found.evenness, found.most) == (3, 6, 0, 1.0, ())


def test_a_few_calls_among_many_people_are_even_when_nobody_has_two():
    everybody = [f"p{number}" for number in range(100)]
    assert measure(dict.fromkeys(everybody[:10], 1), everybody).evenness == 1.0


def test_calls_on_one_person_are_as_uneven_as_jain_says():
    found = measure({"a": 4}, ["a", "b", "c", "d"])
    assert found.evenness == 0.25  # Jain's index of (4, 0, 0, 0); that of (1, 1, 1, 1) is 1
    assert (found.never, found.most) == (3, (("a", 4),))


def test_the_most_called_come_first_and_calls_of_others_do_not_count():
    calls = {"a": 1, "b": 5, "c": 3, "d": 4, "e": 4, "gone": 90}
    found = measure(calls, ["a", "b", "c", "d", "e", "f"])
    assert found.calls == 17
    assert found.most == (("b", 5), ("d", 4), ("e", 4))
    assert len(found.most) == NAMED


def test_before_the_first_call_nothing_is_said():
    assert measure({}, ["a"]).evenness is None
    assert measure({"a": 1}, []).evenness is None


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40), st.data())
def test_a_call_moved_to_who_had_fewer_never_makes_it_less_even(counts: list[int], data: st.DataObject):
    names = [f"p{number}" for number in range(len(counts))]
    before = measure(dict(zip(names, counts, strict=True)), names)
    more, fewer = data.draw(st.permutations(range(len(counts))))[:2]
    if counts[more] <= counts[fewer]:
        return
    counts[more], counts[fewer] = counts[more] - 1, counts[fewer] + 1
    after = measure(dict(zip(names, counts, strict=True)), names)
    assert 0 < (before.evenness or 0) <= (after.evenness or 0) <= 1


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, True),
        ({"team": "social"}, False),
        ({"skills": ("baggage",)}, False),
        ({"chat": ""}, False),
        ({"active": False}, False),
        ({"levels": {"rebooking": 3}}, True),
    ],
)
def test_who_could_be_called_counts(more: dict, counts: bool):
    wanted = CallOut(
        key="c", incident=1, step="s#1", opens_at=NIGHT, quota=1, skills=("rebooking",), starts_at=NIGHT, ends_at=NIGHT
    )
    assert callable_for(wanted, [someone("eva", **more)], house()) == (["eva"] if counts else [])

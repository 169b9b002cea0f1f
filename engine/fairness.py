"""Fairness: how evenly the calls of some months fall on those who could be called. Who is next: `engine.choice`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from engine.callout import CallOut
from engine.choice import STANDING_TEAM
from engine.house import House
from engine.lanes import lanes_of
from engine.people import Person
from engine.qualification import held

WINDOW = timedelta(days=90)
"""How far back calls are counted."""
NAMED = 3
"""How many of the most called are named."""


@dataclass(frozen=True)
class Fairness:
    """How the calls of WINDOW fall on some people."""

    people: int
    calls: int
    never: int
    """Of the people, how many were not called at all."""
    evenness: float | None
    """0 to 1, where 1 is as even as whole calls can be; None before there were any."""
    most: tuple[tuple[str, int], ...]
    """(person key, calls) of the most called, at most NAMED; only who was called more often than even would be."""


def measure(calls: Mapping[str, int], people: Collection[str]) -> Fairness:
    """Measure how evenly calls (person key → count) fall on these people, given by their keys.

    Jain's index (Σx)² / (n Σx²) divided by the index of the evenest way to share as many calls out; without that
    ten calls to ten of a hundred people would look unfair, though nobody could have shared them better. Source: Jain,
    Chiu and Hawe, “A quantitative measure of fairness and discrimination”, DEC-TR-301, 1984.
    """
    each = {key: calls.get(key, 0) for key in people}
    total, squares = sum(each.values()), sum(count * count for count in each.values())
    if not total:
        return Fairness(len(each), 0, len(each), None, ())
    whole, rest = divmod(total, len(each))
    evenest = rest * (whole + 1) ** 2 + (len(each) - rest) * whole**2
    even = whole + bool(rest)
    most = sorted((item for item in each.items() if item[1] > even), key=lambda item: (-item[1], item[0]))
    never = sum(1 for count in each.values() if not count)
    return Fairness(len(each), total, never, evenest / squares, tuple(most[:NAMED]))


def callable_for(callout: CallOut, people: Collection[Person], house: House) -> list[str]:
    """Keys of those who could be called at some time: qualified, on a lane, and not of the standing team.

    Leave, duty and rest are left out: over months they fall on everybody.
    """
    return [
        person.key
        for person in people
        if person.active
        and person.team != STANDING_TEAM
        and (not callout.skills or held(person, callout.skills))
        and lanes_of(person, house)
    ]

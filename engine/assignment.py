"""Filling seats that ask for a qualification, under departments' limits, so that nobody who is scarce is wasted.

First come, first served fails here: who speaks Spanish and French must not take the Spanish seat when another one
speaks Spanish only. A minimum-cost flow finds the most seats that can be filled, and among those the fairest choice.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_Class = tuple[frozenset[str], str]
"""Those of the wanted qualifications that somebody holds, and the department where that is limited (else empty)."""

_Node = tuple[str, str | _Class]
_SOURCE: _Node = ("source", "")
_SINK: _Node = ("sink", "")


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be seated; the order of the candidates is the order in which it is their turn."""

    holds: Collection[str]
    """Which of the wanted qualifications."""
    department: str


def assign(candidates: Sequence[Candidate], seats: Mapping[str, int], room: Mapping[str, int]) -> dict[int, str]:
    """Seat as many as can be: candidate's index → qualification of the seat. Each takes one seat.

    `seats`: qualification → how many. `room`: department → how many of it at most; those not named have no limit.
    Successive shortest paths over classes of like candidates: within a class it is the next one's turn, so the
    graph stays small however many people there are.
    """
    flow = _Flow({language: count for language, count in seats.items() if count > 0}, room)
    for index, candidate in enumerate(candidates):
        spoken = frozenset(candidate.holds).intersection(flow.seats)
        if spoken:
            flow.members[spoken, candidate.department if candidate.department in room else ""].append(index)
    while path := flow.cheapest_path():
        flow.push(path)
    return flow.seated()


@dataclass
class _Flow:
    """Seats → classes → limited departments → out; one unit is one person."""

    seats: dict[str, int]
    room: Mapping[str, int]
    members: dict[_Class, list[int]] = field(default_factory=lambda: defaultdict(list))
    filled: dict[tuple[str, _Class], int] = field(default_factory=lambda: defaultdict(int))

    def _used(self, one: _Class) -> int:
        return sum(self.filled[language, one] for language in self.seats)

    def _taken(self, language: str) -> int:
        return sum(self.filled[language, one] for one in self.members)

    def _arcs(self) -> Iterator[tuple[_Node, _Node, int]]:
        """The residual arcs: from, to, cost. The cost of a class's next member is its place in the order."""
        inside: dict[str, int] = defaultdict(int)
        for one, indices in self.members.items():
            used, department = self._used(one), one[1]
            inside[department] += used
            if used < len(indices):
                yield ("class", one), ("department", department), indices[used]
            if used:
                yield ("department", department), ("class", one), -indices[used - 1]
            for language in one[0]:
                yield ("seat", language), ("class", one), 0
                if self.filled[language, one]:
                    yield ("class", one), ("seat", language), 0
        for department, used in inside.items():
            if not department or used < self.room[department]:
                yield ("department", department), _SINK, 0
        for language, count in self.seats.items():
            if self._taken(language) < count:
                yield _SOURCE, ("seat", language), 0

    def cheapest_path(self) -> list[_Node]:
        """Find the cheapest way to seat one more (Bellman and Ford); empty when there is none."""
        arcs = list(self._arcs())
        cost: dict[_Node, int] = {_SOURCE: 0}
        before: dict[_Node, _Node] = {}
        changed = True
        while changed:
            changed = False
            for tail, head, price in arcs:
                if tail in cost and (head not in cost or cost[tail] + price < cost[head]):
                    cost[head], before[head], changed = cost[tail] + price, tail, True
        if _SINK not in before:
            return []
        path = [_SINK]
        while path[-1] != _SOURCE:
            path.append(before[path[-1]])
        return path[::-1]

    def push(self, path: list[_Node]) -> None:
        """Send one person along a path. Only arcs between seats and classes are counted; the rest follows."""
        for tail, head in pairwise(path):
            if tail[0] == "seat" and head[0] == "class":
                self.filled[str(tail[1]), _as_class(head)] += 1
            elif tail[0] == "class" and head[0] == "seat":
                self.filled[str(head[1]), _as_class(tail)] -= 1

    def seated(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for one, indices in self.members.items():
            turn = iter(indices)
            for language in sorted(one[0]):
                found.update((next(turn), language) for _ in range(self.filled[language, one]))
        return found


def _as_class(node: _Node) -> _Class:
    name = node[1]
    assert not isinstance(name, str)
    return name

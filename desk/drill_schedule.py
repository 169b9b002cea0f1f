"""What will happen in a drill, in order of time; what happens at one instant in the order of the names."""

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush


class Schedule:
    """Things to come. Each has a name; the order in which they were put in changes nothing."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str, int]] = []
        self._does: dict[int, Callable[[], None]] = {}
        self._count = 0

    def at(self, instant: datetime, name: str, does: Callable[[], None]) -> None:
        """Let something happen."""
        self._count += 1
        self._does[self._count] = does
        heappush(self._heap, (instant, name, self._count))

    def drop(self, beginning: str) -> None:
        """Let nothing happen whose name begins so."""
        gone = [number for _, name, number in self._heap if name.startswith(beginning)]
        for number in gone:
            self._does.pop(number, None)

    def next_at(self) -> datetime | None:
        """When the next thing happens."""
        while self._heap and self._heap[0][2] not in self._does:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def happen(self, until: datetime) -> None:
        """Do all that is due by `until`, also what comes to be due meanwhile."""
        while (at := self.next_at()) is not None and at <= until:
            self._does.pop(heappop(self._heap)[2])()

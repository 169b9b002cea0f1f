"""Who answers in which language in one half hour, so that nobody is counted twice.

Seats ask for a language. The call-out seats its volunteers by turn and cost (`engine.assignment`); here only numbers
count, and people join one by one while shifts are tried out, so seats are filled along augmenting paths.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise


class Coverage:
    """The people of one half hour at the languages that need them."""

    def __init__(self, needed: Mapping[str, int]):
        self.needed = dict(needed)
        self.seated: dict[str, list[tuple[str, frozenset[str]]]] = {language: [] for language in needed}
        self.spare: dict[str, list[str]] = {language: [] for language in needed}
        """Language → people whom no language needs, at the first that they speak."""

    def missing(self, language: str) -> int:
        return self.needed[language] - len(self.seated[language])

    def shortfall(self) -> int:
        """Count the seats, over all languages, that nobody here can fill."""
        return sum(map(self.missing, self.needed))

    def add(self, person: str, speaks: Collection[str]) -> bool:
        """Seat a person, moving others to another language that they speak where that helps.

        False when they fill no seat; who speaks none of the languages is not counted at all.
        """
        spoken = frozenset(speaks) & self.needed.keys()
        path = self._path(spoken)
        if path:
            self._move(path)
            self.seated[path[0]].append((person, spoken))
        elif spoken:
            self.spare[next(language for language in speaks if language in spoken)].append(person)
        return bool(path)

    def helps(self, speaks: Collection[str]) -> bool:
        """Tell whether somebody who speaks these would fill a seat that is empty."""
        return bool(self._path(frozenset(speaks) & self.needed.keys()))

    def people(self, language: str) -> list[str]:
        """List who is at a language, with those who are to spare there."""
        return [person for person, _ in self.seated[language]] + self.spare[language]

    def _path(self, spoken: frozenset[str]) -> list[str]:
        """Find languages such that each one's seat is freed by somebody who moves on to the next, the last missing.

        The shortest, and of those the one that ends where the largest part is missing. Empty when there is none.
        """
        reached = {language: [language] for language in sorted(spoken)}
        edge = list(reached)
        while edge:
            short = [language for language in edge if self.missing(language) > 0]
            if short:
                return reached[max(short, key=lambda language: self.missing(language) / self.needed[language])]
            edge = [onward for language in edge for onward in self._onward(language, reached)]
        return []

    def _onward(self, language: str, reached: dict[str, list[str]]) -> list[str]:
        found = []
        for _, speaks in self.seated[language]:
            for other in sorted(speaks - reached.keys()):
                reached[other] = [*reached[language], other]
                found.append(other)
        return found

    def _move(self, path: list[str]) -> None:
        for leaves, takes in reversed(list(pairwise(path))):
            index = next(i for i, (_, speaks) in enumerate(self.seated[leaves]) if takes in speaks)
            self.seated[takes].append(self.seated[leaves].pop(index))

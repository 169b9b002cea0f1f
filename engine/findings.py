"""What lint finds in a text. How it is found is in `engine.lint` and `engine.leftovers`."""

from dataclasses import dataclass, replace
from typing import Literal

STOP: Literal["stop"] = "stop"
ADVICE: Literal["advice"] = "advice"


@dataclass(frozen=True)
class Finding:
    """One thing to write otherwise, and where: places count from 0, the end is not included."""

    level: Literal["stop", "advice"]
    """`stop`: must not go out so. `advice`: is better said otherwise."""
    rule: str
    text: str
    """What is wrong, and what to write instead."""
    start: int
    end: int

    def moved(self, by: int) -> "Finding":
        """The same further on in a longer text."""
        return replace(self, start=self.start + by, end=self.end + by) if by else self

    def __str__(self) -> str:
        return f"{self.level} ({self.rule}): {self.text}"

"""Qualifications, as a quota asks for them: `es`, `rebooking`, `rebooking:2`, or several that one person holds at once.

Two letters are a language (ISO 639-1), anything else is a skill; a number after the colon is the least level.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from engine import languages
from engine.people import Person

LEVELS = {1: "knows it", 2: "does it daily", 3: "teaches it"}
FORM = re.compile(r"[a-z][a-z0-9_]{1,39}(:[123])?(\+[a-z][a-z0-9_]{1,39}(:[123])?)*")


@lru_cache(maxsize=1024)
def parts(text: str) -> tuple[tuple[str, int], ...]:
    """Read `rebooking:2+es` as (("rebooking", 2), ("es", 1)). Raises ValueError."""
    if not FORM.fullmatch(text):
        raise ValueError(f"{text!r} is no qualification; write es, rebooking, rebooking:2 or rebooking:2+es")
    pairs = (part.partition(":") for part in text.split("+"))
    return tuple((name, int(level or 1)) for name, _, level in pairs)


def holds(person: Person, text: str) -> bool:
    """Tell whether a person holds a qualification with all its parts."""
    return all(
        name in (person.languages if is_language(name) else person.skills) and person.levels.get(name, 1) >= level
        for name, level in parts(text)
    )


def held(person: Person, wanted: Iterable[str]) -> frozenset[str]:
    """Which of these qualifications a person holds."""
    return frozenset(text for text in wanted if holds(person, text))


def is_language(name: str) -> bool:
    return len(name) == 2


def spoken(text: str) -> str:
    """Say it in words: `Spanish`, `rebooking (level 2) and Spanish`."""
    words = []
    for name, level in parts(text):
        word = languages.name(name) if is_language(name) else name.replace("_", " ")
        words.append(f"{word} (level {level})" if level > 1 else word)
    return " and ".join(words)

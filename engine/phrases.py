"""Phrases as people write them in word lists, looked for in a text. Which phrases, and what they mean, is elsewhere."""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from engine.x_text import Span

_NUMBER = r"\d+(?:[.:h]\d+)?"
_BETWEEN = r"[^\w.!?…\n]+"
"""Between two words of a phrase: anything but a sentence's end."""


@cache
def _plain(char: str) -> str:
    """One character in small letters without its accent, always one."""
    return {"’": "'", "‘": "'"}.get(char) or unicodedata.normalize("NFD", char.lower())[:1] or char


_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def fold(text: str) -> str:
    """Write a text in small letters without accents and typographic apostrophes, each character in its place.

    The text is in NFC: an accent that is a character of its own would stay.
    """
    if not text.isascii():
        text = _BEYOND_ASCII.sub(lambda match: _plain(match[0]), text)
    return text.lower()


class Pattern(NamedTuple):
    """A phrase made ready: the longest piece that must be there, which is looked for first, and the whole."""

    anchor: str
    whole: re.Pattern[str]

    def find(self, folded: str) -> list[Span]:
        """Find the phrase in a text that `fold` wrote."""
        if self.anchor not in folded:
            return []
        return [Span(*match.span()) for match in self.whole.finditer(folded)]


@cache
def compiled(phrase: str) -> Pattern:
    """Make a phrase ready. Raises ValueError that says what to write instead.

    Words in this order: `strand*` is any ending, `is|was` one or the other, `<n>` a number or a time, `...` up to
    four words in between.
    """
    words = fold(unicodedata.normalize("NFC", phrase)).split()
    if not words or words[0] == "..." or words[-1] == "...":
        raise ValueError(f"{phrase!r} must begin and end with a word; `...` stands between words")
    body, fixed = "", [""]
    for word in words:
        if word == "...":
            body += rf"(?:[^\s.!?…]+{_BETWEEN}){{0,4}}?"
            continue
        body += _word(word, phrase) + _BETWEEN
        if "|" not in word and word != "<n>":
            fixed.append(word.rstrip("*"))
    return Pattern(max(fixed, key=len), re.compile(body.removesuffix(_BETWEEN)))


def _word(word: str, phrase: str) -> str:
    if word == "<n>":
        return rf"(?<!\w){_NUMBER}(?!\w)"
    choices = word.split("|")
    if any(not choice.rstrip("*") or "*" in choice[:-1] for choice in choices):
        raise ValueError(f"{phrase!r}: write `*` only at the end of a word, and `|` only between words without spaces")
    either = "|".join(re.escape(choice.rstrip("*")) + (r"\w*" if choice.endswith("*") else "") for choice in choices)
    return rf"(?<!\w)(?:{either})(?!\w)"

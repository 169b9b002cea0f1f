"""Threads: a text that is too long for one post, in several. Nothing is cut, and the promise stands in the first.

Which channels thread is said by their limits; whether a text is threaded at all is decided in `engine.statements`.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from engine.limits import fits
from engine.ports import TextLimit
from engine.sentences import gaps, sentences
from engine.wording import MARKS
from engine.x_text import Span

MOST_PARTS = 10
"""Nobody reads more posts in a row; a longer text belongs on a page, with a link to it."""

_WORD, _SENTENCE, _PARAGRAPH = 1, 2, 3


class _Gap(NamedTuple):
    start: int
    end: int
    level: int


def split(text: str, limit: TextLimit, first: str) -> tuple[str, ...] | None:
    """Split a text into posts that fit, each with its number: ` 1/3`. One that fits whole is returned as it is.

    Posts end at paragraphs, else sentences, else words; never inside a link, a grapheme or a bidirectional isolate.
    The sentence that holds `first`, the promise as rendered, comes to the end of the first post where it would stand
    in a later one; a text without it is split as it stands. A drill's mark stands in front of each post. None when
    a word or the promise is longer than a post, or when it would take more than 10.
    """
    text = text.strip()
    if fits(text, limit).ok:
        return (text,)
    mark = next((mark for mark in MARKS.values() if text.startswith(mark)), "")
    body = text.removeprefix(mark)
    for whole_sentences in (True, False):
        for count in range(2, MOST_PARTS + 1):
            found = _Thread(limit, mark, count, whole_sentences).split(body, first)
            if found and len(found) <= count:
                return _numbered(found, mark, limit)
    return None


def _numbered(parts: list[str], mark: str, limit: TextLimit) -> tuple[str, ...] | None:
    numbered = tuple(f"{mark}{part} {number}/{len(parts)}" for number, part in enumerate(parts, 1))
    return numbered if all(fits(part, limit).ok for part in numbered) else None


class _Thread:
    """One attempt: so many parts at most, and whether sentences that fit in a post stay whole."""

    def __init__(self, limit: TextLimit, mark: str, count: int, whole_sentences: bool):
        self.limit, self.mark, self.count, self.whole_sentences = limit, mark, count, whole_sentences

    def split(self, body: str, first: str) -> list[str] | None:
        """Returns the parts without their numbers; None when there is no way."""
        parts = self._parts(body)
        if parts is None or not first or first not in body or first in parts[0]:
            return parts
        promise, rest = _taken_out(body, first)
        if not self._fits(promise):
            return None
        end = self._break(rest, f"\n\n{promise}", _SENTENCE)
        head = f"{rest[: end.start]}\n\n{promise}" if end else promise
        others = self._parts(rest[end.end :] if end else rest)
        return None if others is None else [head, *others]

    def _parts(self, text: str) -> list[str] | None:
        parts: list[str] = []
        while text and not self._fits(text):
            if len(parts) == self.count:
                return None
            end = self._break(text, "", _WORD)
            if end is None:
                return None
            parts.append(text[: end.start])
            text = text[end.end :]
        return [*parts, text] if text else parts

    def _break(self, text: str, tail: str, least: int) -> _Gap | None:
        """Find where the post that begins this text ends, `tail` added to it. None: not one word of it fits."""
        known = [gap for gap in _gaps(text) if gap.level >= least]
        room = bisect_right(known, False, key=lambda gap: not self._fits(text[: gap.start] + tail))
        known = known[:room]
        if not known:
            return None
        half = [gap for gap in known if gap.level == _PARAGRAPH and gap.start * 2 >= known[-1].start]
        whole = [gap for gap in known if gap.level >= _SENTENCE] if self.whole_sentences else []
        return (half or whole or known)[-1]

    def _fits(self, part: str) -> bool:
        return fits(f"{self.mark}{part} {self.count}/{self.count}", self.limit).ok


def _gaps(text: str) -> Iterator[_Gap]:
    ends = {span.end for span in sentences(text)}
    for start, end in gaps(text):
        if text.count("\n", start, end) > 1:
            yield _Gap(start, end, _PARAGRAPH)
        else:
            yield _Gap(start, end, _SENTENCE if start in ends else _WORD)


def _taken_out(text: str, first: str) -> tuple[str, str]:
    """Take the sentences that hold `first` out of a text: returns them, and what remains."""
    begin = text.index(first)
    end = begin + len(first)
    held = [span for span in sentences(text) if span.start < end and span.end > begin]
    taken = Span(held[0].start, held[-1].end)
    before, after = text[: taken.start], text[taken.end :]
    left, right = before.rstrip(), after.lstrip()
    gap = max(before[len(left) :], after[: len(after) - len(right)], key=lambda gap: gap.count("\n"))
    return text[taken.start : taken.end], gap.join(part for part in (left, right) if part)

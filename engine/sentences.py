"""Where sentences, words and paragraphs end. Rules of typing, no grammar; what is done with them is elsewhere."""

from itertools import pairwise

import regex

from engine.x_text import Span

_ABBREVIATIONS = frozenset(
    ("mr", "mrs", "ms", "dr", "drs", "st", "prof", "ir", "ing", "sr", "sra", "srta", "dhr", "mevr", "mw", "vs", "tel")
)
"""After these a full stop ends no sentence, even where a capital follows."""

_END = regex.compile(
    r"(?P<stop>[.!?…؟。！？]+)[)\]\"'”’»]*(?P<gap>[^\S\n]+)"
    r"(?=[\p{Lu}\p{Lt}\p{Lo}¿¡\"“«(\[‘'\u2066-\u2068]|https?://)|[^\S\n]*\n\s*"
)


def sentences(text: str) -> list[Span]:
    """Find the sentences of a text. A line's end ends one too; a full stop before a small letter or a digit does not.

    Between them stands only white space, and nothing before the first or after the last.
    """
    begin = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    cuts = [Span(begin, begin)]
    for match in _END.finditer(text, begin, end):
        if match["stop"] is None:
            cuts.append(Span(match.start(), match.end()))
        elif not _abbreviated(text[: match.start()], match["stop"]) and _outside(text, match.start("gap")):
            cuts.append(Span(match.start("gap"), match.end("gap")))
    cuts.append(Span(end, end))
    return [Span(left.end, right.start) for left, right in pairwise(cuts) if left.end < right.start]


def _abbreviated(before: str, stop: str) -> bool:
    if stop != "." or before[-1:].isspace():
        return False
    word = before[-20:].split()[-1].lstrip("(\"'“‘«[").lower()
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha())


def _outside(text: str, at: int) -> bool:
    """Tell whether a place is outside every isolate: what a fact brought in one is not torn apart."""
    return not any(char in text for char in _OPEN) or any(gap.start == at for gap in gaps(text))


_OPEN, _SHUT = "\u2066\u2067\u2068\u202a\u202b\u202d\u202e", "\u2069\u202c"
_SPACE = regex.compile(r"[ \t\r\n\f\v\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]+(?![\p{M}\u200d\s])")
"""White space at which a line may break: no no-break space, and none that a mark combines with."""


def gaps(text: str) -> list[Span]:
    """Find the white space between words, without that inside a bidirectional isolate or embedding (UAX #9).

    An isolate that nobody closes ends with its line.
    """
    if not any(char in text for char in _OPEN):
        return [Span(*match.span()) for match in _SPACE.finditer(text)]
    depth, at, found = 0, 0, []
    for match in _SPACE.finditer(text):
        for char in text[at : match.start()]:
            depth = depth + 1 if char in _OPEN else max(0, depth - (char in _SHUT))
        at = match.start()
        if "\n" in match[0] or "\u2029" in match[0]:
            depth = 0
        if not depth:
            found.append(Span(*match.span()))
    return found

"""What a template or a hurried writer left behind in a text: placeholders, broken links, doubled words."""

from collections.abc import Collection, Iterator
from itertools import pairwise

import regex

from engine.findings import ADVICE, STOP, Finding
from engine.wording import MARKS
from engine.x_text import INVALID, is_url

_STOPS: dict[str, tuple[str, str]] = {
    "template": (r"\{[{%#][^{}\n]*(?:[}%#]\})?|[}%#]\}", "a piece of a template: have the template corrected"),
    "placeholder": (
        r"\[(?!\d+\])[^\[\]\n]{1,60}\](?!\()|<(?!https?://)[\p{L}_][\p{L}\d _-]{0,40}>|\b_{3,}\b|(?<!\w)_{3,}",
        "a place that nobody filled in: fill it in, or take it out",
    ),
    "to_do": (
        r"\b(?i:lorem ipsum|TBD|TBA|TBC)\b|\b(?:TODO|FIXME|XXX+|XX:XX)\b",
        "not written yet: write it, or take it out",
    ),
    "no_value": (
        r"\b(?:undefined|NaN|null)\b|(?<=[\p{Ll},:(] ?)\bNone\b|\bNone\b(?=[.,;:)]|\s*$)|<class |\bdatetime\."
        r"|\bnamespace\(",
        "a fact that nobody knows: fill it in, or say that it is not known yet",
    ),
    "cut_off": (r"(?:\.\.\.|…)\s*$", "ends in the middle: finish the sentence, or leave it out"),
    "invisible": (
        rf"[{INVALID}\uFFFD\x00-\x08\x0B\x0C\x0E-\x1F\x7F]",
        "a character that channels refuse or show as a box: delete it",
    ),
}
_WHOLE = {rule: (regex.compile(pattern), text) for rule, (pattern, text) in _STOPS.items()}
_HINTS = (
    *("{", "}", "#}", "[", "<", "__", "...", "…", "lorem", "tbd", "tba", "tbc", "todo", "fixme", "xx"),
    *("undefined", "nan", "null", "none", "datetime", "namespace"),
)
"""Where none of these is, in small letters, none of the patterns is looked for."""
_DRILL = frozenset(mark.strip() for mark in MARKS.values())
_INVISIBLE = _WHOLE["invisible"][0]
_DOUBLED = regex.compile(r"(?<![\p{L}\d'’-])(\p{L}+)([^\S\n]+)(\1)(?![\p{L}\d'’-])", regex.IGNORECASE)
_WRITTEN_LINK = regex.compile(r"\bhttps?:[^\s<>\"“”»]*", regex.IGNORECASE)


def leftovers(text: str, may_repeat: Collection[str] = ()) -> Iterator[Finding]:
    """Find what was left behind. `may_repeat`: words that stand twice in a row in good sentences."""
    small = text.lower()
    if any(hint in small for hint in _HINTS) or _INVISIBLE.search(text):
        for rule, (pattern, remedy) in _WHOLE.items():
            for match in pattern.finditer(text):
                if match[0] not in _DRILL:
                    yield Finding(STOP, rule, f"“{match[0].strip()}” is {remedy}", *match.span())
    if "http" in small:
        yield from _broken_links(text)
    if any(right.startswith(left) for left, right in pairwise(small.split())):
        yield from _doubled(text, may_repeat)


def _broken_links(text: str) -> Iterator[Finding]:
    for match in _WRITTEN_LINK.finditer(text):
        link = match[0].rstrip(".,;:!?)'’]")
        if not is_url(link):
            end = match.start() + len(link)
            yield Finding(STOP, "link", f"“{link}” leads nowhere: correct the address", match.start(), end)


def _doubled(text: str, may_repeat: Collection[str]) -> Iterator[Finding]:
    for match in _DOUBLED.finditer(text):
        if match[1].lower() not in may_repeat:
            yield Finding(ADVICE, "doubled", f"“{match[0]}”: one of the two words is too many", *match.span())

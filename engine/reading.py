"""How easy a text is to read: a formula for each language that has one. Advice is made of it in `engine.lint`.

The formulas were made for prose of a hundred words and more: they say which of two texts is plainer, no more. Links,
handles, codes and numbers are left out, for nobody spells them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import regex

from engine.sentences import sentences
from engine.x_text import HANDLE, HASHTAG, Span, links

LONG_SENTENCE = 25
"""Words. The UK's government style guide: "Long sentences can be difficult to follow", split those over 25 words."""

FEWEST_WORDS = 30
"""In fewer words the score is chance."""


class Formula(NamedTuple):
    """ease = constant - per_sentence × words per sentence - per_word × syllables per word. `plain`: from here on."""

    constant: float
    per_sentence: float
    per_word: float
    plain: int
    name: str


FORMULAS = {
    "en": Formula(206.835, 1.015, 84.6, 60, "Flesch"),
    "nl": Formula(206.835, 0.93, 77.0, 60, "Flesch-Douma"),
    "es": Formula(206.835, 1.0, 62.3, 55, "Szigriszt-Pazos"),
    "pt": Formula(248.835, 1.015, 84.6, 50, "Flesch-Martins"),
}
"""R. Flesch, "A new readability yardstick", J. Applied Psychology 32 (1948): 60 to 70 is plain English.
W. H. Douma, "De leesbaarheid van landbouwbladen", Wageningen 1960: 60 to 70 is normal.
F. Szigriszt Pazos, doctoral thesis, Madrid 1993; from 55 on normal on I. Barrio's INFLESZ scale (An Sist Sanit Navar
31, 2008).
T. Martins, C. Ghiraldelo, M. Nunes, O. Oliveira, "Readability formulas applied to textbooks in Brazilian Portuguese",
São Carlos 1996: from 50 on easy. There is none of its own for European Portuguese."""


class Reading(NamedTuple):
    """What was counted. `ease` is 0 to 100 and may go beyond; None where no formula is known or the text is short."""

    words: int
    sentences: int
    syllables: int
    ease: float | None
    long: tuple[Span, ...]
    """Sentences of more than 25 words."""


def read(text: str, language: str, spans: Sequence[Span] | None = None) -> Reading:
    """Count words, sentences and syllables, and work out how easy a text is. `spans`: its sentences, if known."""
    plain = _without_links(text)
    counted = [(span, _words(plain, span)) for span in (sentences(text) if spans is None else spans)]
    counted = [(span, words) for span, words in counted if words]
    total = sum(len(words) for _, words in counted)
    spelt = sum(syllables(word, language) for _, words in counted for word in words)
    ease = None
    if language in FORMULAS and total >= FEWEST_WORDS:
        formula = FORMULAS[language]
        ease = formula.constant - formula.per_sentence * total / len(counted) - formula.per_word * spelt / total
    long = tuple(span for span, words in counted if len(words) > LONG_SENTENCE)
    return Reading(total, len(counted), spelt, ease, long)


_WORD = regex.compile(r"[\p{L}\d](?:[\p{L}\p{M}\d'’-]*[\p{L}\p{M}\d])?")
_NAME = regex.compile(rf"[^\s@]+@[^\s@]+\.[^\s@]+|{HANDLE.pattern}|{HASHTAG.pattern}")


def _words(text: str, span: Span) -> list[str]:
    """The words of a sentence, without numbers and codes: what has a digit, or capitals only, as AMS."""
    found = _WORD.findall(text, span.start, span.end)
    return [word for word in found if not (word.isupper() and len(word) > 1) and (word.isalpha() or _spelt(word))]


def _spelt(word: str) -> bool:
    return not any(char.isdigit() for char in word)


def _without_links(text: str) -> str:
    """Put spaces in place of links, addresses, handles and hashtags: places stay as they are."""
    for start, end in links(text):
        text = text[:start] + " " * (end - start) + text[end:]
    if "@" in text or "#" in text:
        text = _NAME.sub(lambda match: " " * len(match[0]), text)
    return text


# ---------------------------------------------------------------- syllables


@lru_cache(8192)
def syllables(word: str, language: str) -> int:
    """Count the syllables of a word as it is spelt; at least 1. A language without rules counts groups of vowels."""
    word = word.lower()
    count = _COUNT.get(language, _vowel_groups)(word)
    return max(1, count)


_GROUPS = regex.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûü]+")
_EN_SILENT = regex.compile(r"(?:[^laeiouy]|(?<=[aeiouy])l)e$|(?<=[^aeiouytd])ed$|(?<=[^aeiouyszxcgh])es$")
_EN_APART = regex.compile(
    r"(?<![ctsxg])i[ao](?!u)|(?<![ctsxg])iou|(?<![ctg])ien|\bscien|eo(?=$|r)|(?<=[aeiou][^aeiou])ea$"
    r"|crea(?=t)|ua|[aeiouy]ing|(?<![ctsxg])ier$|iet|iu|ism$"
)
_NL = regex.compile(r"aai|ooi|oei|eeu|ieu|aa|ee|oo|uu|ie(?!ë)|oe(?!ë)|ui|eu|ei|ij|ou|au|[aeiouyáàâäéèêëíìîïóòôöúùûü]")
_ES = regex.compile(r"[iuü]?[aeoáéó](?:[iuü](?![aeoáéóíú])|y$)?|[íú]|[iuü]+y?$|[iuü]+|y$")
_PT = regex.compile(
    r"ão|ãe|õe|(?:[aeoáéóâêô]|[iu](?=[iu]))(?:[iu](?!nh|[lmnrz](?:[^aeiouáéíóúâêôãõ]|$)|[aeoáéó]))?|[ãõà]|[íú]|[iu]"
)
_MUTE_U = regex.compile(r"(?<=[qg])u(?=[eiéíê])")
_GLIDE_U = regex.compile(r"(?<=[qg])u(?=[aeioáéíóâêãõ])")


def _vowel_groups(word: str) -> int:
    return len(_GROUPS.findall(word))


def _english(word: str) -> int:
    word = word.replace("'", "").replace("’", "")
    return _vowel_groups(word) - bool(_EN_SILENT.search(word)) + len(_EN_APART.findall(word))


_COUNT: dict[str, Callable[[str], int]] = {
    "en": _english,
    "nl": lambda word: len(_NL.findall(word)),
    "es": lambda word: len(_ES.findall(_MUTE_U.sub("", word))),
    "pt": lambda word: len(_PT.findall(_GLIDE_U.sub("", word))),
}

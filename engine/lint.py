"""Lint: what a lawyer, a comms lead or a tired reader would stumble over in a text, before anybody sees it.

Rules of words, nothing learnt: everybody can see why. `stop` is for what must not go out so; `advice` for what is
better said otherwise. The words are in `engine.lint_words`, what a template left behind in `engine.leftovers`; whether
a text goes out all the same is decided in `engine.statements`.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import regex

from engine import leftovers
from engine.findings import ADVICE, STOP, Finding
from engine.lint_words import LintRule, LintWords, LintWordsError, holds, read_lint_words
from engine.phrases import compiled, fold
from engine.reading import FORMULAS, LONG_SENTENCE, read
from engine.sentences import sentences
from engine.wording import MARKS
from engine.x_text import Span, links

__all__ = ["ADVICE", "STOP", "Finding", "LintWords", "LintWordsError", "lint", "read_lint_words"]

SAYS_WHEN = ("holding", "update")
"""Messages that say when the next word comes."""

SAYS_WHERE = ("holding", "update", "correction", "apology", "rights")
"""Messages that say where to get help."""


def lint(
    text: str,
    language: str,
    *,
    message: str,
    facts: Mapping[str, Any],
    words: LintWords | None,
    help_urls: Collection[str] = (),
    promised: str = "",
    channel: str = "",
) -> tuple[Finding, ...]:
    """Find what is to be written otherwise in one text; what must be stopped first, then by place.

    `promised` is the time of the next update as rendered, empty where none is promised. `words` are those of the
    language, None where there is no list. `message` is empty for a title, of which no essentials are asked. The text
    of a thread is all its parts, with a line between them. Places count in the text's form NFC.
    """
    text = unicodedata.normalize("NFC", text)
    body = _without_mark(text)
    found = [*leftovers.leftovers(body, words.may_repeat if words else ())]
    spans = sentences(body)
    if words:
        found += _words(fold(body), spans, [rule for rule in words.rules if holds(rule, facts, message, channel)])
    found += _missing(body, message, words, help_urls, promised)
    found += _reading(body, language, spans)
    found += _shouting(body)
    shift = len(text) - len(body)
    return tuple(sorted((finding.moved(shift) for finding in found), key=lambda f: (f.level != STOP, f.start, f.rule)))


def _without_mark(text: str) -> str:
    return next((text[len(mark) :] for mark in MARKS.values() if text.startswith(mark)), text)


# ---------------------------------------------------------------- words that a lawyer stops


def _words(folded: str, spans: list[Span], rules: list[LintRule]) -> Iterator[Finding]:
    for rule in rules:
        seen: set[Span] = set()
        for phrase in rule.phrases:
            for at in compiled(phrase).find(folded):
                sentence = next((span for span in spans if span.start <= at.start < span.end), at)
                if sentence not in seen and not _says(rule.unless_beside, folded[sentence.start : sentence.end]):
                    seen.add(sentence)
                    yield Finding(rule.level, rule.rule, f"“{folded[at.start : at.end]}”: {rule.instead}", *at)


def _says(phrases: tuple[str, ...], folded: str) -> bool:
    return any(compiled(phrase).find(folded) for phrase in phrases)


# ---------------------------------------------------------------- what is missing


_CLOCK = regex.compile(r"\d{1,2}:\d{2}")


def _missing(
    text: str, message: str, words: LintWords | None, help_urls: Collection[str], promised: str
) -> Iterator[Finding]:
    kind = message.split("_")[0]
    folded = fold(text)
    if kind in SAYS_WHEN:
        clock = _CLOCK.search(promised)
        if promised and (clock[0] if clock else promised) not in text:
            yield Finding(
                STOP, "next_update", f"says nothing of the next update: add “{promised}”", len(text), len(text)
            )
        elif not promised and words and not _says(words.next_update, folded):
            yield Finding(ADVICE, "next_update", "say when the next word comes", len(text), len(text))
    if kind in SAYS_WHERE:
        here = any(url and url in text for url in help_urls) or (words is not None and _says(words.help, folded))
        if not here and (words or help_urls):
            level = STOP if help_urls and kind in SAYS_WHEN else ADVICE
            to_add = next(iter(help_urls), "") or f"“{words.help[0]}”" if words else next(iter(help_urls))
            yield Finding(level, "help", f"says nothing of where to get help: add {to_add}", len(text), len(text))


# ---------------------------------------------------------------- how it reads


def _reading(text: str, language: str, spans: list[Span]) -> Iterator[Finding]:
    reading = read(text, language, spans)
    for start, end in reading.long:
        yield Finding(
            ADVICE, "long_sentence", f"more than {LONG_SENTENCE} words in one sentence: make two of it", start, end
        )
    if reading.ease is not None and reading.ease < FORMULAS[language].plain:
        formula = FORMULAS[language]
        score = f"{reading.ease:.0f} on the {formula.name} scale, where {formula.plain} and more is plain"
        yield Finding(ADVICE, "reading", f"hard to read: {score}; use shorter sentences and words", 0, len(text))


_CAPITALS = regex.compile(r"(?:\b\p{Lu}{4,}\b[^\p{L}\d.!?\n]*){2,}|\b\p{Lu}{7,}\b")
_MARKS = regex.compile(r"!(?=[^!]*!)|¡(?=[^¡]*¡)")


def _shouting(text: str) -> Iterator[Finding]:
    apart = links(text)
    for match in _CAPITALS.finditer(text):
        if not any(span.start <= match.start() < span.end for span in apart):
            said = match[0].strip()
            yield Finding(ADVICE, "capitals", f"“{said}” shouts: write small letters", match.start(), match.end())
    if (match := _MARKS.search(text)) and text.count("!") > 1:
        text_ = "more than one exclamation mark: write full stops"
        yield Finding(ADVICE, "exclamation", text_, match.start(), text.rindex("!") + 1)

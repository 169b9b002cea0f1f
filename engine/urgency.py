"""Reading a message by word lists: its language, and how urgent it is. The lists are files that anybody may change.

Rules of words, nothing learnt: everybody can see why a conversation stands where it stands. Negation and
sarcasm are not understood. What happens to a conversation is in `engine.triage`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, StringConstraints, ValidationError

from engine.record import Value
from engine.yaml_lines import PLAIN

READ = 5000
"""Characters that are read of a message; whoever writes more has said what is urgent before."""

ORDINARY = 3
"""The urgency of a message in which no list finds anything."""

Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=80)]


class Rule(Value):
    """Phrases that make a message so urgent. 1 is the stranded family, 4 is the wifi."""

    level: int = Field(ge=1, le=4)
    because: str = Field(min_length=3, max_length=80)
    """Shown to the agent, in English."""
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    """Words in this order. `strand*` is any ending, `<n>` a number, `...` up to four words in between."""


class WordList(Value):
    """What is known of one language. Without `urgency` the language is recognised, and no more."""

    language: str = Field(pattern=r"^[a-z]{2,3}$")
    common_words: tuple[str, ...] = Field(min_length=10)
    urgency: tuple[Rule, ...] = ()


class WordListError(Exception):
    """A word list that can't be used: file, what is wrong, what to write instead."""


def read_word_lists(folder: Path) -> dict[str, WordList]:
    """Read every `<language>.yaml` in the folder: language → list. Raises WordListError."""
    lists = {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}
    if not lists:
        raise WordListError(f"{folder}: no word lists; put files such as en.yaml there")
    return lists


def _read(path: Path) -> WordList:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=PLAIN)  # noqa: S506
        words = WordList.model_validate(raw)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WordListError(f"{path}: not readable as YAML ({error}); check indentation and quotes") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise WordListError(f"{path}: {where}: {first['msg']}; see docs/queue.md for how a word list looks") from None
    if words.language != path.stem:
        raise WordListError(f"{path}: says language {words.language!r}; name the file {words.language}.yaml")
    return words


def detect_language(text: str, lists: Mapping[str, WordList]) -> str:
    """Tell the language by its common words; "" when unsure.

    A word counts 1 divided by the number of lists that know it. Sure means: at least 1.5, and half as
    much again as the runner-up.
    """
    tokens = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", _plain(text))
    known = _common(tuple((language, words.common_words) for language, words in sorted(lists.items())))
    points: dict[str, float] = dict.fromkeys(lists, 0.0)
    for token in tokens:
        languages = known.get(token, ())
        for language in languages:
            points[language] += 1 / len(languages)
    ranked = sorted(points.items(), key=lambda item: -item[1])
    best, most = ranked[0] if ranked else ("", 0.0)
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    return best if most >= 1.5 and most >= 1.5 * second else ""


def urgency(text: str, language: str, lists: Mapping[str, WordList]) -> tuple[int, str]:
    """Tell how urgent a message is, 1 to 4, and why; the worst that is found counts.

    A language that has no rules of its own gets 2: a person must look, for nobody can say it is not urgent.
    An unknown language ("") is read by all lists.
    """
    if language and not (language in lists and lists[language].urgency):
        return 2, f"no word list for “{language}”: somebody must look"
    asked = [lists[language]] if language else list(lists.values())
    plain = _plain(text)
    found = min(_found(plain, asked), key=lambda hit: hit[0], default=None)
    return found or (ORDINARY, "nothing in the word lists")


def _found(plain: str, asked: list[WordList]) -> Iterator[tuple[int, str]]:
    for words in asked:
        for rule in words.urgency:
            hit = next((phrase for phrase in rule.phrases if _says(plain, phrase)), None)
            if hit:
                yield rule.level, f"{rule.because} (“{hit}”)"


def _says(plain: str, phrase: str) -> bool:
    """Look for the phrase's longest word first: nearly always it isn't there, and the search is saved."""
    anchor, pattern = _pattern(phrase)
    return anchor in plain and pattern.search(plain) is not None


def _plain(text: str) -> str:
    """Lower case without accents, links and handles; typographic apostrophes made plain."""
    text = re.sub(r"https?://\S+|(?<!\w)@\w+", " ", text[:READ]).replace("’", "'").replace("#", " ")
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))


_NUMBER = r"(?:\d+|one|two|three|een|twee|drie|un|una|dos|tres)"


@cache
def _pattern(phrase: str) -> tuple[str, re.Pattern[str]]:
    words = _plain_phrase(phrase).split()
    anchor = max((word.rstrip("*") for word in words if word not in ("...", "<n>")), key=len, default="")
    parts = []
    for word in words:
        if word == "...":
            parts.append(r"(?:[^\s]+\s+){0,4}?")
            continue
        body = _NUMBER if word == "<n>" else re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")
        parts.append(rf"\b{body}(?!\w)" + r"[^\w]+")
    return anchor, re.compile("".join(parts).removesuffix(r"[^\w]+"))


def _plain_phrase(phrase: str) -> str:
    return " ".join(word if word == "<n>" else _plain(word) for word in phrase.split())


@cache
def _common(lists: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for language, words in lists:
        for word in {_plain(word) for word in words}:
            known[word] = (*known.get(word, ()), language)
    return known

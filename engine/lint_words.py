"""The words that a lawyer would stop, by language: files that anybody may change. `engine.lint` looks for them.

One file a language in `templates/lint/`; docs/lint.md says how it is written.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from engine.expressions import ExpressionError, evaluate
from engine.phrases import compiled
from engine.record import Value
from engine.yaml_lines import MAX_BYTES, PLAIN, Finding, Lines


def _readable(phrase: str) -> str:
    compiled(phrase)
    return phrase


Phrase = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200), AfterValidator(_readable)
]


class FactsAsked(dict[str, Any]):
    """Facts as a condition may ask for them: one that the playbook lacks, or nobody knows yet, is an empty text."""

    def __missing__(self, name: str) -> str:
        return ""


def _condition(text: str) -> str:
    try:
        evaluate(text, {"facts": FactsAsked(), "message": "holding", "channel": "x"})
    except ExpressionError as error:
        raise ValueError(f"{error}; a condition speaks of `facts`, `message` and `channel`") from None
    return text


Condition = Annotated[str, AfterValidator(_condition)]


class LintRule(Value):
    """Phrases that are to be written otherwise."""

    rule: str = Field(pattern=r"^[a-z][a-z0-9_]{2,39}$")
    """Its name, shown with the finding; the same in each language."""
    level: Literal["stop", "advice"] = "stop"
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    unless_beside: tuple[Phrase, ...] = ()
    """One of these in the same sentence makes it right."""
    when: Condition = ""
    """The rule holds only where this is true, an expression over `facts`, `message` and `channel`."""
    instead: str = Field(min_length=10, max_length=300)
    """What to write instead: to the writer, in English."""


class LintWords(Value):
    """What is known of one language."""

    language: str = Field(pattern=r"^[a-z]{2,3}$")
    rules: tuple[LintRule, ...] = ()
    next_update: tuple[Phrase, ...] = Field(min_length=1)
    """Phrases that say when the next word comes."""
    help: tuple[Phrase, ...] = Field(min_length=1)
    """Phrases that say where to get help."""
    may_repeat: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """Words that stand twice in a row in good sentences."""


class LintWordsError(Exception):
    """Word lists that can't be used; `findings` say which file, which line, and what to write instead."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


def read_lint_words(folder: Path) -> dict[str, LintWords]:
    """Read every `<language>.yaml` in the folder: language → words. Raises LintWordsError with all that is wrong."""
    found: dict[str, LintWords] = {}
    wrong: list[Finding] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found[path.stem] = _read(path)
        except LintWordsError as error:
            wrong += error.findings
    if wrong:
        raise LintWordsError(wrong)
    if not found:
        raise LintWordsError([Finding(file=str(folder), line=1, text="no word lists; put files such as en.yaml there")])
    return found


def _read(path: Path) -> LintWords:
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > MAX_BYTES:
            raise _error(file, 1, f"larger than {MAX_BYTES // 1024} kB; leave out what nobody writes")
        loader = PLAIN(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(file, line, f"{error.problem}; check the indentation and the quotes") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _error(file, 1, f"not readable as YAML ({error}); save it as UTF-8 text") from None
    if not isinstance(node, yaml.MappingNode):
        raise _error(file, 1, f"a word list is a block of keys that begins with `language: {path.stem}`")
    lines = Lines(file, node)
    try:
        words = LintWords.model_validate(loader.construct_document(node))
    except ValidationError as error:
        raise LintWordsError(list(_findings(error, lines))) from None
    if words.language != path.stem:
        text = f"says language {words.language!r}; write {path.stem!r}, or name the file {words.language}.yaml"
        raise _error(file, lines.of("language"), text)
    return words


def _findings(error: ValidationError, lines: Lines) -> Iterator[Finding]:
    problems = error.errors(include_url=False)
    for problem in problems:
        if any(other["loc"][: len(problem["loc"])] == problem["loc"] != other["loc"] for other in problems):
            continue
        where = ".".join(map(str, problem["loc"])) or "the file"
        said = problem["msg"].removeprefix("Value error, ")
        yield lines.finding(problem["loc"], f"{where}: {said}; see docs/lint.md for how a word list looks")


def _error(file: str, line: int, text: str) -> LintWordsError:
    return LintWordsError([Finding(file=file, line=line, text=text)])


def holds(rule: LintRule, facts: Mapping[str, Any], message: str, channel: str) -> bool:
    """Tell whether a rule is to be looked at for this message. Raises ExpressionError."""
    if not rule.when:
        return True
    return bool(evaluate(rule.when, {"facts": FactsAsked(facts), "message": message, "channel": channel}))

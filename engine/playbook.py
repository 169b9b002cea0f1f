"""A playbook: its schema, and reading one from YAML with the line of every mistake.

What its steps mean is in `engine.actions`, how YAML is read in `engine.yaml_lines`, what `playbook check` finds beyond
the schema in `engine.check`.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from engine.duration import Duration, duration
from engine.incident import Severity
from engine.record import Value
from engine.yaml_lines import MAX_BYTES, error_at, load, too_large
from engine.yaml_lines import Finding as Finding  # also read from here
from engine.yaml_lines import Lines as Lines
from engine.yaml_lines import PlaybookError as PlaybookError

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of characters that no database and no channel takes."""


BY_HAND = "by_hand"
"""Key of the steps that people start beside the playbook; no playbook may use it."""


class Fact(Value):
    """Something that must be known about the incident, and how to ask for it."""

    type: Literal["text", "integer", "stations", "choice", "yes_no", "instant"]
    ask: str
    min: int | None = None
    max: int | None = None
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool | None = None
    """Default: required when there is no `default`."""

    @property
    def must(self) -> bool:
        return self.default is None if self.required is None else self.required

    def read(self, raw: Any) -> Any:
        """Turn what was typed into the fact's value. Raises ValueError that says what is expected."""
        if self.type == "integer":
            return self._integer(raw)
        if self.type == "stations":
            return _stations(raw)
        if self.type == "yes_no":
            return _yes_no(raw)
        text = str(raw).strip()
        if self.type == "choice" and text not in self.choices:
            raise ValueError(f"{text!r} is not one of {', '.join(self.choices)}")
        if self.type == "instant":
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{text!r} is not a time; write it like 2026-11-22T04:10Z") from None
            if moment.tzinfo is None:
                raise ValueError(f"{text!r} lacks its time zone; write it like 2026-11-22T04:10Z")
            return moment.isoformat()
        if self.type == "text" and (not 0 < len(text) <= 200 or _UNWRITABLE.search(text)):
            raise ValueError("a text of 1 to 200 characters is expected, without control characters")
        return text

    def _integer(self, raw: Any) -> int:
        if isinstance(raw, bool) or not re.fullmatch(r"-?\d{1,9}", str(raw).strip()):
            raise ValueError(f"{raw!r} is not a whole number")
        number = int(raw)
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            low, high = self.min if self.min is not None else "any", self.max if self.max is not None else "any"
            raise ValueError(f"{number} is outside {low} to {high}")
        return number


def _stations(raw: Any) -> list[str]:
    codes = raw if isinstance(raw, list) else re.split(r"[,;\s]+", str(raw).strip())
    codes = [str(code).upper() for code in codes if str(code)]
    wrong = [code for code in codes if not re.fullmatch(r"[A-Z]{3}", code)]
    if wrong or not codes:
        raise ValueError(f"{', '.join(wrong) or 'nothing'} is no station; write three-letter codes such as AMS,RTM")
    return list(dict.fromkeys(codes))


def _yes_no(raw: Any) -> bool:
    text = str(raw).strip().lower()
    if text in ("yes", "true", "y", "1"):
        return True
    if text in ("no", "false", "n", "0"):
        return False
    raise ValueError(f"{raw!r} is neither yes nor no")


class Trigger(Value):
    """An alert from `source` for which `when` holds proposes this incident, or declares it."""

    source: str
    when: str
    then: Literal["propose", "declare"] = "propose"
    group: str = "alert.group"
    """Expression; alerts with the same value are one cause and make one incident or proposal."""
    facts: dict[str, str] = {}
    """Fact → expression over `alert`."""
    severity: Severity | None = None


class Approval(Value):
    """Who must say yes before the public sees a text, and what happens when nobody answers."""

    by: str
    within: Duration
    then: str | None = None
    """The deputy's role, asked when `within` has passed."""
    unanswered_after: Duration | None = None
    publish: Literal["preapproved", "hold"] = "hold"
    """When nobody answered by `unanswered_after`: publish the pre-approved text, or hold it and raise an alarm."""
    four_eyes: bool = False
    """Nobody approves their own words."""


class Surge(Value):
    """How many more messages than usual arrive, over time: ramp up to `peak`, hold, then decay by half-life.

    `peak` is a multiple of the organisation's usual volume at that hour.
    """

    peak: float = Field(ge=1, le=200)
    ramp: Duration
    hold: Duration
    half_life: Duration = Field(gt=timedelta(0))


def _age(text: str) -> str:
    duration(text)
    return text


Age = Annotated[str, AfterValidator(_age)]
"""A duration as it stands in the file: its line is found by it."""


class Step(Value):
    """One step. Steps without `after` start together."""

    key: Key
    action: str
    with_: dict[str, Any] = Field(default={}, alias="with")
    after: tuple[Key, ...] = ()
    when: str | None = None
    """Expression in Jinja2's sandbox; the step is skipped while it is false."""
    every: Duration | None = Field(default=None, gt=timedelta(0))
    """Repeat, counted from when the step could first start."""
    relax: dict[Age, Annotated[Duration, Field(gt=timedelta(0))]] = {}
    """Repeat less often as the incident grows old: so long after the declaration → so often (`engine.cadence`)."""
    start_after: Duration | None = None
    """Wait so long after the incident was declared (or after the stand-down began)."""
    due_within: Duration | None = None
    """SLA, counted from the declaration; late is said on the timeline and to the duty manager."""
    approval: Approval | None = None


class Briefing(Value):
    """What somebody who comes to help is told, in four parts; each is a list of lines. A plain list is all `know`."""

    what_happened: tuple[str, ...] = ()
    """Beside the facts, which are told too."""
    we_say: tuple[str, ...] = ()
    we_dont_say: tuple[str, ...] = ()
    hand_over: tuple[str, ...] = ()
    """How to leave the work to the next."""
    know: tuple[str, ...] = ()
    """What else to know."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, in the order in which it is told."""
        return (*self.what_happened, *self.know, *self.we_say, *self.we_dont_say, *self.hand_over)


def _told(raw: Any) -> Any:
    if isinstance(raw, str):
        raise ValueError("a list of lines is expected, or a block of what_happened, we_say, we_dont_say, hand_over")
    return {"know": raw} if isinstance(raw, list | tuple) else raw


class Playbook(Value):
    """A whole playbook. Changed by people who don't program."""

    playbook: Slug
    title: str = Field(min_length=3, max_length=60)
    summary: str = ""
    severity: Severity
    facts: dict[Key, Fact] = {}
    surge: Surge | None = None
    triggers: tuple[Trigger, ...] = ()
    invite: tuple[str, ...] = ("duty_manager", "comms_lead", "deputy_comms_lead")
    """Roles whose holders are brought into the incident's channel."""
    components: dict[Key, str] = {}
    """Component of the status page → expression for its state: operational, degraded, partial_outage, major_outage."""
    briefing: Annotated[Briefing, BeforeValidator(_told)] = Briefing()
    """What a volunteer is told."""
    steps: tuple[Step, ...] = Field(min_length=1)
    stand_down: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _keys_once(self) -> "Playbook":
        seen: set[str] = set()
        for step in self.all_steps:
            if step.key == BY_HAND:
                raise ValueError(f"the step key {BY_HAND!r} is kept for what people start; give the step another key")
            if step.key in seen:
                raise ValueError(f"the step key {step.key!r} is used twice; give each step a key of its own")
            seen.add(step.key)
        return self

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Those of the response, then those of the stand-down."""
        return (*self.steps, *self.stand_down)

    def step(self, key: str) -> Step:
        """Raises KeyError."""
        return next(step for step in self.all_steps if step.key == key)

    def read_facts(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Check what was given, add the defaults. Raises FactsError that lists everything wrong or missing."""
        wrong = [
            f"{name} is not asked for by {self.playbook}; it knows {', '.join(self.facts) or 'no facts'}"
            for name in raw
            if name not in self.facts
        ]
        facts: dict[str, Any] = {}
        missing = []
        for name, fact in self.facts.items():
            if raw.get(name) not in (None, ""):
                try:
                    facts[name] = fact.read(raw[name])
                except ValueError as error:
                    wrong.append(f"{name}: {error}")
            elif fact.must:
                missing.append(name)
            else:
                facts[name] = fact.default
        if wrong or missing:
            raise FactsError(self, wrong, missing)
        return facts


class FactsError(Exception):
    """Facts that are wrong or missing, all of them at once."""

    def __init__(self, playbook: Playbook, wrong: list[str], missing: list[str]):
        self.wrong, self.missing = wrong, missing
        asked = [f"{name} ({playbook.facts[name].ask})" for name in missing]
        parts = [*wrong, f"missing: {'; '.join(asked)}" if asked else ""]
        super().__init__("; ".join(part for part in parts if part))


# ---------------------------------------------------------------- reading


def parse(text: str, file: str = "playbook") -> tuple[Playbook, Lines]:
    """Read a playbook. Raises PlaybookError with file, line and remedy for each mistake."""
    raw, lines = load(text, file)
    if twice := list(_twice(raw, lines)):
        raise PlaybookError(twice)
    try:
        return Playbook.model_validate(raw), lines
    except ValidationError as error:
        raise PlaybookError(list(_findings(error, lines))) from None


def _twice(raw: Any, lines: Lines) -> Iterator[Finding]:
    """Step keys that are used twice, where the second stands."""
    seen: set[str] = set()
    for block in ("steps", "stand_down"):
        steps = raw.get(block)
        for index, step in enumerate(steps if isinstance(steps, list) else []):
            key = step.get("key") if isinstance(step, dict) else None
            if isinstance(key, str) and key in seen:
                text = f"the step key {key!r} is used twice; give each step a key of its own"
                yield lines.finding((block, index, "key"), text)
            elif isinstance(key, str):
                seen.add(key)


def read(path: Path) -> tuple[Playbook, Lines, str]:
    """Read a playbook file: the playbook, its lines, its text. Raises PlaybookError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise too_large(str(path))
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise error_at(str(path), 1, f"can't be read: {why}") from None
    playbook, lines = parse(text, str(path))
    if path.stem != playbook.playbook:
        line = lines.of("playbook")
        raise error_at(str(path), line, f"is named {playbook.playbook!r}; name the file {playbook.playbook}.yaml")
    return playbook, lines, text


def _findings(error: ValidationError, lines: Lines) -> Iterator[Finding]:
    problems = error.errors(include_url=False)
    for problem in problems:
        path = tuple(part for part in problem["loc"] if part != "[key]")
        below = any(other["loc"][: len(path)] == path and other is not problem for other in problems)
        if problem["type"] == "too_short" and below:
            continue  # pydantic leaves out what is wrong, then misses it
        yield lines.finding(path, _sentence(path, dict(problem)))


_PLAINLY = {
    "tuple_type": "a list is expected, such as [one, two]",
    "dict_type": "a block of keys is expected, each with a colon",
    "model_type": "a block of keys is expected, each with a colon",
    "model_attributes_type": "a block of keys is expected, each with a colon",
    "string_type": "a text is expected; put it in quotes",
    "too_short": "empty; write at least one",
    "greater_than": "must be longer than nothing, such as 5m",
}
"""What pydantic calls it → what to write instead."""


def _sentence(path: tuple[Any, ...], problem: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in path)
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"unknown key {where!r}; {_known(path)}"
    if kind == "missing":
        return f"{where!r} is missing; add it"
    if kind == "invalid_key":
        return f"{where}: a key is a word; put it in quotes, or use a name of letters"
    if kind == "string_pattern_mismatch":
        return f"{where}: {problem['input']!r} won't do; use lower-case letters, digits and separators"
    message = _PLAINLY.get(kind) or problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{where}: {message}" if where else message


_PARTS: dict[str, type[Value]] = {
    "facts": Fact,
    "triggers": Trigger,
    "steps": Step,
    "stand_down": Step,
    "approval": Approval,
    "surge": Surge,
    "briefing": Briefing,
}


def keys_of(model: type[Value]) -> list[str]:
    """The keys that a block of this kind knows, as written in YAML."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _known(path: tuple[Any, ...]) -> str:
    model: type[Value] = Playbook
    for part in path[:-1]:
        model = _PARTS.get(part, model)
    return f"known here: {', '.join(keys_of(model))}"

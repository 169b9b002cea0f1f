"""Checking a playbook as a compiler would: what the schema can't see. What an action finds in its own step is there."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ValidationError

from engine import components
from engine.actions import ACTIONS
from engine.correlation import Alert
from engine.correlation import names as alert_names
from engine.duration import duration, spoken
from engine.expressions import ExpressionError, compile_only
from engine.house import House
from engine.plan import NAMES
from engine.playbook import Approval, Fact, Finding, Lines, Playbook, Step, Trigger
from engine.promise import patience

TOO_OFTEN = timedelta(minutes=5)
"""A step that repeats faster leaves nobody time to read, let alone to approve."""

TRIGGER_NAMES = tuple(alert_names(Alert(source="", key="", fingerprint="", group="", title="")))
"""What a trigger's expressions may speak of."""

Found = Iterator[tuple[tuple[Any, ...], str, bool]]
"""Where in the file, what is wrong and what to write instead, and whether it is only a warning."""


def check(
    playbook: Playbook, lines: Lines, house: House, roles_held: Collection[str], sources: Collection[str]
) -> list[Finding]:
    """Find everything that is wrong with a playbook, in the order of the file.

    `roles_held` are the roles that somebody of the people file holds, `sources` the alert sources that are there.
    """
    found = [*_facts(playbook), *_triggers(playbook, sources), *_invited(playbook, roles_held)]
    found += [(path, text, False) for path, text in components.wrong(playbook, house)]
    for block, steps in (("steps", playbook.steps), ("stand_down", playbook.stand_down)):
        for index, step in enumerate(steps):
            for path, text, warning in _step(step, block, playbook, house, roles_held):
                found.append(((block, index, *path), text, warning))
        found += _cycles(block, steps)
        found += _deadlines(block, steps)
    findings = [lines.finding(path, text, warning) for path, text, warning in found]
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.line)


# ---------------------------------------------------------------- facts and triggers


def _facts(playbook: Playbook) -> Found:
    for name, fact in playbook.facts.items():
        if fact.type == "choice" and not fact.choices:
            yield ("facts", name), f"{name} is a choice without choices; add `choices: [one, other]`", False
        if fact.default is not None and (why := _unreadable(fact, fact.default)):
            yield ("facts", name, "default"), f"the default of {name} won't do: {why}", False


def _unreadable(fact: Fact, value: Any) -> str:
    try:
        fact.read(value)
    except ValueError as error:
        return str(error)
    return ""


def _triggers(playbook: Playbook, sources: Collection[str]) -> Found:
    for index, trigger in enumerate(playbook.triggers):
        at = ("triggers", index)
        there = trigger.source in sources
        if not there:
            known = ", ".join(sorted(sources)) or "none"
            text = f"there is no alert source {trigger.source!r} here, so this never triggers; there are: {known}"
            yield (*at, "source"), text + _perhaps(trigger.source, sources), True
        expressions: list[tuple[tuple[str, ...], str]] = [(("when",), trigger.when), (("group",), trigger.group)]
        expressions += [(("facts", name), text) for name, text in trigger.facts.items()]
        for path, text in expressions:
            # What a source that isn't there would let one speak of is not known.
            if why := _misspoken(text, dict.fromkeys(TRIGGER_NAMES) if there else None):
                yield (*at, *path), why, False
        yield from _trigger_facts(playbook, trigger, at)


def _trigger_facts(playbook: Playbook, trigger: Trigger, at: tuple[Any, ...]) -> Found:
    for name in trigger.facts:
        if name not in playbook.facts:
            known = ", ".join(playbook.facts) or "no facts"
            text = f"{name!r} is no fact of this playbook, which asks for {known}" + _perhaps(name, playbook.facts)
            yield (*at, "facts", name), text, False
    missing = [name for name, fact in playbook.facts.items() if fact.must and name not in trigger.facts]
    if missing and trigger.then == "declare":
        which = ", ".join(missing)
        text = f"declares, but says nothing of {which}; add it under `facts:`, give it a default, or write `propose`"
        yield (*at, "then"), text, False


def _invited(playbook: Playbook, roles_held: Collection[str]) -> Found:
    for index, role in enumerate(playbook.invite):
        if role not in roles_held:
            yield ("invite", index), _nobody(role, roles_held), True


# ---------------------------------------------------------------- one step


def _step(step: Step, block: str, playbook: Playbook, house: House, roles_held: Collection[str]) -> Found:
    yield from _action(step, playbook, house)
    yield from _after(step, block, playbook)
    if step.when and (why := _misspoken(step.when, _names(playbook))):
        yield ("when",), why, False
    if step.every and step.every < TOO_OFTEN:
        yield ("every",), f"every {spoken(step.every)} is faster than people can follow; write 5m or more", True
    yield from _relaxed(step)
    if step.approval:
        yield from _approval(step.approval, step, roles_held)


def _relaxed(step: Step) -> Found:
    """Find a cadence that relaxes without a beginning, out of order, or by coming more often."""
    if step.relax and step.every is None:
        yield ("relax",), "nothing repeats that could relax; add `every`, such as 30m", False
        return
    age, span = timedelta(), step.every or timedelta()
    for text, slower in step.relax.items():
        after = duration(text)
        if after <= age:
            before = spoken(age) if age else "the declaration"
            yield ("relax", text), f"{text} does not come after {before}; write the ages in order, each once", False
        if slower < span:
            more = f"every {spoken(slower)} is more often than every {spoken(span)} before it"
            yield ("relax", text), f"{more}; a cadence relaxes, so write {spoken(span)} or more", False
        age, span = max(age, after), max(span, slower)


def _action(step: Step, playbook: Playbook, house: House) -> Found:
    action = ACTIONS.get(step.action)
    if action is None:
        text = f"there is no action {step.action!r}; there are {', '.join(sorted(ACTIONS))}"
        yield ("action",), text + _perhaps(step.action, ACTIONS), False
        return
    try:
        params = action.Params.model_validate(step.with_)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            yield ("with", *problem["loc"]), _parameter(step.action, action.Params, problem), False
        return
    for path, text in action.check(step, params, playbook, house):
        yield path, text, False


def _parameter(action: str, params: type[BaseModel], problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    known = [field.alias or key for key, field in params.model_fields.items()]
    if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
        return f"{action} knows no {name!r}; it knows {', '.join(known) or 'no parameters'}{_perhaps(name, known)}"
    if problem["type"] == "missing":
        return f"{action} needs {name!r}; add it under `with:`"
    text = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}" if name else text


def _after(step: Step, block: str, playbook: Playbook) -> Found:
    keys = [other.key for other in (playbook.steps if block == "steps" else playbook.stand_down)]
    elsewhere = [other.key for other in playbook.all_steps if other.key not in keys]
    for index, key in enumerate(step.after):
        if key in elsewhere:
            text = f"{key!r} is not among the {block}; a step can only come after one of its own block"
            yield ("after", index), text, False
        elif key not in keys:
            text = f"there is no step {key!r}; the steps here are {', '.join(keys)}"
            yield ("after", index), text + _perhaps(key, keys), False


def _approval(rule: Approval, step: Step, roles_held: Collection[str]) -> Found:
    if step.action != "publish_statement":
        yield ("approval",), f"{step.action} asks nobody for approval; leave `approval` out", False
    for name, role in (("by", rule.by), ("then", rule.then)):
        if role and role not in roles_held:
            yield ("approval", name), _nobody(role, roles_held), False
    if rule.unanswered_after is not None and rule.unanswered_after < rule.within:
        text = f"nobody is waited for: unanswered_after {spoken(rule.unanswered_after)} is shorter than within"
        yield ("approval", "unanswered_after"), f"{text} {spoken(rule.within)}; make it longer", False
    if rule.unanswered_after is None and rule.publish == "preapproved":
        text = "the pre-approved text never goes out; add `unanswered_after`, such as 12m"
        yield ("approval", "publish"), text, False


def _nobody(role: str, roles_held: Collection[str]) -> str:
    known = ", ".join(sorted(roles_held)) or "none"
    return f"nobody holds the role {role!r}; roles that are held: {known}" + _perhaps(role, roles_held)


# ---------------------------------------------------------------- the steps together


def _cycles(block: str, steps: tuple[Step, ...]) -> Found:
    """Name each cycle once, at the step of it that stands first."""
    after = {step.key: step.after for step in steps}
    places = {step.key: index for index, step in enumerate(steps)}
    named: set[frozenset[str]] = set()
    for step in steps:
        path = _way_back(step.key, after)
        if path and frozenset(path) not in named:
            named.add(frozenset(path))
            text = f"these wait for each other for ever: {' after '.join([*path, path[0]])}; take one `after` out"
            yield (block, places[step.key], "after"), text, False


def _way_back(start: str, after: dict[str, tuple[str, ...]]) -> list[str]:
    """Steps from `start` along `after` back to it, the shortest way; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for key in after.get(way[-1], ()):
            if key == start:
                return way
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return []


def latest_end(step: Step, steps: Collection[Step]) -> timedelta:
    """How late a step may end, from its origin: what it waits for, then its own start and approval, unhurried.

    Steps in a cycle wait for nothing here.
    """
    there = {other.key: other for other in steps}

    def end(one: Step, waiting: frozenset[str]) -> timedelta:
        before = [end(there[key], waiting | {key}) for key in one.after if key in there and key not in waiting]
        opens = one.start_after or one.every or timedelta()
        return max([opens, *before]) + patience(one.approval)

    return end(step, frozenset({step.key}))


def _deadlines(block: str, steps: tuple[Step, ...]) -> Found:
    for index, step in enumerate(steps):
        if step.due_within is None:
            continue
        late = latest_end(step, steps)
        if late > step.due_within:
            text = f"due within {spoken(step.due_within)}, but the waits before it may take {spoken(late)}"
            yield (block, index, "due_within"), f"{text}; allow more, or shorten the approvals before it", False


# ---------------------------------------------------------------- expressions

_sandbox = ImmutableSandboxedEnvironment()

Names = Mapping[str, Collection[str] | None]
"""Name → what may stand after its dot; None: anything."""


def _names(playbook: Playbook) -> Names:
    """What a `when` may speak of (`engine.plan.names`)."""
    return {**dict.fromkeys(NAMES), "facts": playbook.facts, "steps": [step.key for step in playbook.steps]}


def _misspoken(expression: str, names: Names | None) -> str:
    """Say what is wrong with an expression: unreadable, or about a name that is not there. Empty when nothing is.

    `names` None: any name will do.
    """
    try:
        compile_only(expression)
        tree = _sandbox.parse("{{ (" + expression + ") }}")
    except (ExpressionError, TemplateError) as error:
        return str(error)
    if names is None:
        return ""
    for name in sorted(meta.find_undeclared_variables(tree) - set(names)):
        return f"{name!r} means nothing here; known are {', '.join(names)}" + _perhaps(name, names)
    for node in tree.find_all(nodes.Getattr):
        known = names.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if known is not None and node.attr not in known:
            whole = f"{node.node.name}.{node.attr}"  # type: ignore[attr-defined]
            return f"there is no {whole}; known are {', '.join(known) or 'none'}" + _perhaps(node.attr, known)
    return ""


def _perhaps(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f". Did you mean {near[0]}?" if near else ""

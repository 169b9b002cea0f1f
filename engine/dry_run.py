"""Dry run: what a playbook would do, in order, with its times and its texts. Touches nothing."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from engine.actions import ACTIONS
from engine.actions.publish_statement import Params, compose
from engine.cadence import in_words
from engine.check import latest_end
from engine.house import House
from engine.incident import Status
from engine.playbook import Playbook, Step
from engine.statements import TooLong, Wordings
from engine.trial import imagined
from engine.wording import WordingError


@dataclass(frozen=True)
class Rehearsed:
    """One step as it would go. Times are since the declaration, or since the stand-down began: `T+00:08`."""

    phase: str
    """`response` or `stand_down`."""
    key: str
    action: str
    earliest: str
    """When it starts if everybody answers at once."""
    latest: str
    """When it ends if nobody does."""
    every: str
    due: str
    after: tuple[str, ...]
    when: str
    approval: str
    does: tuple[str, ...]
    """What the action says it would do."""
    texts: tuple[tuple[str, str, str, str], ...] = ()
    """Channel, language, text, and the pre-approved text."""

    def __str__(self) -> str:
        head = f"{'stand-down ' * (self.phase == 'stand_down')}{self.earliest}  {self.key}  ({self.action})"
        said = [
            f"again every {self.every}" if self.every else "",
            f"after {', '.join(self.after)}" if self.after else "",
            f"only when {self.when}" if self.when else "",
            f"due {self.due}" if self.due else "",
            f"ended by {self.latest} if nobody answers" if self.latest != self.earliest else "",
            *self.does,
        ]
        lines = [head, *(f"    {line}" for line in said if line)]
        alike: dict[tuple[str, str, str], list[str]] = {}
        for channel, language, text, preapproved in self.texts:
            alike.setdefault((language, text, preapproved), []).append(channel)
        for (language, text, preapproved), channels in alike.items():
            where = f"{', '.join(channels)} in {language}"
            lines += [f"    [{where}]", *_indented(text)]
            if preapproved != text:
                lines += [f"    [{where}, pre-approved]", *_indented(preapproved)]
        return "\n".join(lines)


def dry_run(playbook: Playbook, house: House, facts: Mapping[str, Any], now: datetime) -> list[Rehearsed]:
    """Rehearse a playbook declared at `now`. `facts` are values as `Playbook.read_facts` returns them.

    A step stands where it would start if everybody answered at once; its texts are as they would be then.
    """
    rehearsed = [_rehearse(step, "response", playbook, house, facts, now) for step in _in_order(playbook.steps)]
    return rehearsed + [
        _rehearse(step, "stand_down", playbook, house, facts, now) for step in _in_order(playbook.stand_down)
    ]


def earliest_start(step: Step, steps: Collection[Step]) -> timedelta:
    """How early a step may start, from its origin, if what it waits for ends at once. A cycle waits for nothing."""
    there = {other.key: other for other in steps}

    def start(one: Step, waiting: frozenset[str]) -> timedelta:
        opens = one.start_after or one.every or timedelta()
        before = [start(there[key], waiting | {key}) for key in one.after if key in there and key not in waiting]
        return max([opens, *before])

    return start(step, frozenset({step.key}))


def _in_order(steps: tuple[Step, ...]) -> list[Step]:
    """By when they start; at the same time what waits for another stands after it, else as in the file."""
    placed: list[Step] = []
    waiting = sorted(steps, key=lambda step: earliest_start(step, steps))
    while waiting:
        done = {step.key for step in placed}
        left = {step.key for step in waiting}
        free = (step for step in waiting if not (set(step.after) & left - done - {step.key}))
        nearest = next(free, waiting[0])
        waiting.remove(nearest)
        placed.append(nearest)
    return placed


def _rehearse(
    step: Step, phase: str, playbook: Playbook, house: House, facts: Mapping[str, Any], now: datetime
) -> Rehearsed:
    steps = playbook.steps if phase == "response" else playbook.stand_down
    starts = earliest_start(step, steps)
    does, texts = _shown(step, phase, playbook, house, facts, now, now + starts)
    return Rehearsed(
        phase=phase,
        key=step.key,
        action=step.action,
        earliest=_clock(starts),
        latest=_clock(latest_end(step, steps)),
        every=in_words(step),
        due=_clock(step.due_within) if step.due_within else "",
        after=step.after,
        when=step.when or "",
        approval=step.approval.by if step.approval else "",
        does=tuple(does),
        texts=tuple((text.channel, text.language, text.text, text.preapproved) for text in texts),
    )


def _shown(
    step: Step,
    phase: str,
    playbook: Playbook,
    house: House,
    facts: Mapping[str, Any],
    declared_at: datetime,
    now: datetime,
) -> tuple[list[str], tuple[Wordings, ...]]:
    """What the action says it would do, and its texts. What is wrong is said in place of them, not raised."""
    action = ACTIONS.get(step.action)
    if action is None:
        return [f"there is no action {step.action!r}; see `irrops playbook check`"], ()
    try:
        params = action.Params.model_validate(step.with_)
    except ValidationError:
        return ["its `with:` is wrong; see `irrops playbook check`"], ()
    does = action.preview(step, params, playbook, house, facts)
    if not isinstance(params, Params):
        return does, ()
    status = Status.RESPONDING if phase == "response" else Status.RESOLVED
    snapshot = imagined(playbook, house, facts, now, status=status, declared_at=declared_at)
    try:
        return does, compose(step, params, snapshot, f"{step.key}#1").texts
    except (WordingError, TooLong) as error:
        return [*does, f"can't be drafted: {error}"], ()


def _clock(span: timedelta) -> str:
    """`T+00:08`; hours go on counting past a day."""
    minutes = round(span / timedelta(minutes=1))
    return f"T+{minutes // 60:02d}:{minutes % 60:02d}"


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"        {line}".rstrip()

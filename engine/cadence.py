"""The cadence of a repeating step: when it comes again, and how it relaxes as an incident grows old. Pure arithmetic.

What is done at a beat is decided in `engine.plan`, what the public may be promised in `engine.promise`.
"""

from datetime import datetime, timedelta

from engine.duration import duration, spoken
from engine.playbook import Step


def spacings(step: Step) -> tuple[tuple[timedelta, timedelta], ...]:
    """From which age on, how often; the first from the beginning. Ages count from the step's origin, ascending.

    Empty for a step that does not repeat.
    """
    if step.every is None:
        return ()
    relaxed = sorted((duration(age), span) for age, span in step.relax.items())
    return ((timedelta(), step.every), *relaxed)


def slowest(step: Step) -> timedelta:
    """The longest time between two beats; nothing for a step that does not repeat."""
    return max((span for _, span in spacings(step)), default=timedelta())


def opens(step: Step, origin: datetime) -> datetime:
    """When a step may start first: at once, after `start_after`, or for a repeat after its first span."""
    return origin + (step.start_after or step.every or timedelta())


def next_beat(step: Step, origin: datetime, after: datetime) -> datetime:
    """The first beat after `after`. Beats missed while nothing ran are one beat, not many.

    How far it is from one beat to the next is decided by the age at the one: with `every: 30m` and `relax: {6h: 1h}`
    the beat at 06:00 is followed by the one at 07:00. Raises ValueError for a step that does not repeat.
    """
    beat, steps = opens(step, origin), spacings(step)
    if not steps:
        raise ValueError(f"{step.key} does not repeat")
    if after < beat:
        return beat
    ends = [origin + age for age, _ in steps[1:]]
    for (_, span), end in zip(steps, ends, strict=False):
        if beat >= end:
            continue
        following, boundary = _after(beat, span, after), beat + -(-(end - beat) // span) * span
        if following <= boundary:
            return following
        beat = boundary
    return _after(beat, steps[-1][1], after)


def _after(beat: datetime, span: timedelta, after: datetime) -> datetime:
    """The first of beat, beat + span, beat + 2 span … that is after `after`, which is not before `beat`."""
    return beat + ((after - beat) // span + 1) * span


def in_words(step: Step) -> str:
    """Write a cadence: `30 min, from 6 h on every 1 h`. Empty for a step that does not repeat."""
    parts = [f"from {spoken(age)} on every {spoken(span)}" if age else spoken(span) for age, span in spacings(step)]
    return ", ".join(parts)

"""Staffing: the plan of who is needed and who is there, and how many people a number of messages takes.

Making a plan from people and shifts is in `engine.roster`, expecting messages in `engine.demand`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from engine.backlog import Work, heads_needed, longest_wait, shortest_promise
from engine.demand import SLOT
from engine.erlang import servers_needed
from engine.record import Instant, Record, Value

ALL = "*"
"""The `language` of the row that is all languages together."""

SHORT_PROMISE = timedelta(minutes=10)
"""A promise shorter than this is sized by Erlang C, from here on by the backlog.

A third of a half hour: what keeps a shorter promise is answered, but for a few, in the half hour in which it came in,
so each half hour stands alone, as Erlang C supposes. From there on work may be carried over, and Erlang C, which
lets no half hour lean on the next, asks for staff that a peak of a few hours doesn't need.
"""


class Slot(Value):
    """One half hour in one language; `language` "*" is all together. People are counted in heads."""

    start: Instant
    language: str
    messages: float
    needed: int
    on_duty: int
    """On shift, and those who have accepted an extra shift or a call."""
    offered: int
    """Off-duty members of the team to whom an extra shift is offered."""

    @property
    def shortfall(self) -> int:
        return max(0, self.needed - self.on_duty - self.offered)


class StaffingPlan(Record):
    """The plan of one incident, as it stands."""

    incident: int
    made_at: Instant
    answer_within_s: int
    share: float
    slots: tuple[Slot, ...]
    offers: tuple[tuple[str, Instant, Instant], ...] = ()
    """Person key, from, to."""
    shortfall: int = 0
    """Heads missing in the worst half hour: the sum over languages, since one too many in one is no help in another."""
    shortfall_by_language: dict[str, int] = {}
    """Heads missing in each language's own worst half hour; they need not add up to `shortfall`."""
    peak_needed: int = 0

    @property
    def together(self) -> tuple[Slot, ...]:
        """The rows of all languages together, in order of time."""
        return tuple(slot for slot in self.slots if slot.language == ALL)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(slot.language for slot in self.slots if slot.language != ALL))

    @property
    def missing(self) -> tuple[int, ...]:
        """Heads missing in each half hour, over all languages, beside `together`."""
        sums: dict[object, int] = {slot.start: 0 for slot in self.together}
        for slot in self.slots:
            if slot.language != ALL:
                sums[slot.start] += slot.shortfall
        return tuple(sums.values())


@dataclass(frozen=True)
class Target:
    """The promise that the staff must keep, and how hard it may work."""

    answer_within: timedelta
    share: float
    """Of each half hour's messages; below 1."""
    busy_at_most: float = 1.0
    """Share of the time that an agent may be busy."""


def too_short(target: Target, handling_s: int) -> str:
    """Say why no staff, however large, can keep the promise; empty when one can."""
    within = target.answer_within.total_seconds()
    if target.answer_within < SHORT_PROMISE or longest_wait(within, handling_s, target.share) > 0:
        return ""
    least = ceil(shortest_promise(handling_s, target.share) / 60) + 1
    return (
        f"writing the reply alone takes longer than {within / 60:g} min for more than {1 - target.share:.0%} of the "
        f"messages (handling takes {handling_s / 60:g} min on average); promise at least {least} min"
    )


def heads(
    messages: Sequence[float],
    target: Target,
    handling_s: int,
    concurrency: int = 1,
    waiting: float = 0.0,
    oldest: timedelta = timedelta(),
) -> list[int]:
    """Find how many people each half hour needs, for its messages and for what waits already.

    A promise below SHORT_PROMISE is that somebody takes the message up in time; a longer one, that the reply is sent.
    Raises ValueError for one that nobody can keep (`too_short`).
    """
    if why := too_short(target, handling_s):
        raise ValueError(why)
    within = target.answer_within.total_seconds()
    per_second = 1 / SLOT.total_seconds()
    if target.answer_within < SHORT_PROMISE:
        loads = [count * per_second * handling_s for count in [messages[0] + waiting, *messages[1:]]]
        return [
            ceil(servers_needed(load, handling_s, within, target.share, target.busy_at_most) / concurrency)
            for load in loads
        ]
    found = heads_needed(
        Work(
            messages=messages,
            wait=longest_wait(within, handling_s, target.share) * per_second,
            per_head=concurrency * target.busy_at_most / (handling_s * per_second),
            share=target.share,
            waiting=waiting,
            oldest=oldest / SLOT,
        )
    )
    # What comes in just before a peak could all be left to it; nobody leaves a language without anybody.
    return [max(head, 1 if count > 0 else 0) for head, count in zip(found, messages, strict=True)]


def summary(plan: StaffingPlan) -> str:
    """Say the plan in one sentence: `peak 34 people at 09:30 UTC on 22 Nov (12 on duty), …, missing 14 (3 Spanish)`."""
    if not plan.peak_needed:
        return "nobody is needed: no messages are expected"
    peak = max(plan.together, key=lambda slot: slot.needed)
    parts = [
        f"peak {peak.needed} people at {peak.start:%H:%M} UTC on {peak.start.day} {peak.start:%b}",
        f"{peak.on_duty} then on duty",
        f"extra shifts offered to {len(plan.offers)}" if plan.offers else "nobody to offer an extra shift to",
    ]
    by_language = ", ".join(f"{count} {language_name(code)}" for code, count in plan.shortfall_by_language.items())
    parts.append(f"missing {plan.shortfall} ({by_language})" if plan.shortfall else "nobody missing")
    return ", ".join(parts)


def language_name(code: str) -> str:
    """Name a language in English; the code itself where there is no name."""
    from babel import Locale  # 0.1 s, and few commands speak of languages

    return str(Locale("en").languages.get(code, code))

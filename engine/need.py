"""The need for responders during some hours, by the staffing plan; and a need in a duty manager's words."""

from collections.abc import Mapping
from datetime import datetime

from engine.demand import SLOT
from engine.qualification import spoken
from engine.staffing import ALL, StaffingPlan


def need_of(plan: StaffingPlan, starts_at: datetime, ends_at: datetime) -> tuple[int, dict[str, int]]:
    """How many are missing in the worst half hour of [starts_at, ends_at), and in each language's own worst.

    Responders who have accepted count as on duty in the plan, so what is missing is on top of them. A plan that knows
    nothing of these hours gives its worst half hour of all.
    """
    rows = [s for s in plan.slots if s.start < ends_at and s.start + SLOT > starts_at and s.language != ALL]
    if not rows:
        return plan.shortfall, {name: count for name, count in plan.shortfall_by_language.items() if name != ALL}
    together: dict[datetime, int] = {}
    worst: dict[str, int] = {}
    for row in rows:
        together[row.start] = together.get(row.start, 0) + row.shortfall
        worst[row.language] = max(worst.get(row.language, 0), row.shortfall)
    return max(together.values()), {name: count for name, count in worst.items() if count}


def in_words(quota: int, minima: Mapping[str, int], by: str = "") -> str:
    """Say a need: `12 people by 06:00, 3 of them Spanish`; `by` is the time as the reader sees it."""
    people = f"{quota} {'person' if quota == 1 else 'people'}{f' by {by}' if by else ''}"
    return ", ".join([people, *(f"{count} of them {spoken(text)}" for text, count in minima.items())])

"""An imagined social media team on Monday 23 November 2026, for the tests of staffing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.house import Demand, House
from engine.people import Person, Shift
from engine.playbook import Playbook
from engine.roster import make_plan
from engine.snapshot import Snapshot
from engine.staffing import ALL, Slot, StaffingPlan, Target
from engine.trial import imagined
from engine.wording import Templates

MESSAGES = Path(__file__).resolve().parents[2] / "templates" / "messages"
NOW = datetime(2026, 11, 23, 9, 10, tzinfo=UTC)
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TARGET = Target(timedelta(hours=1), 0.9, 0.9)


def at(hours: float) -> datetime:
    """So many hours after 09:00 on Monday 23 November."""
    return START + timedelta(hours=hours)


def shift(begin: float, end: float) -> Shift:
    return Shift(start=at(begin), end=at(end))


def agent(key: str, *shifts: Shift, languages: tuple[str, ...] = ("en",), **more: Any) -> Person:
    values = {"name": f"{key.title()} Example", "department": "communications", "team": "social", "chat": f"U0{key}"}
    return Person(key=key, shifts=shifts, languages=languages, **{**values, **more})


def playbook(surge: bool = True, **params: Any) -> Playbook:
    with_ = {"answer_within": "60m", "share": 0.9, "horizon": "12h", **params}
    step = {"key": "staff_up", "action": "raise_staffing", "with": with_}
    spike = {"surge": {"peak": 6, "ramp": "1h", "hold": "5h", "half_life": "2h"}} if surge else {}
    text = {"playbook": "ash-cloud", "title": "Volcanic ash cloud", "severity": "SEV1", "steps": [step], **spike}
    return Playbook.model_validate(text)


def snapshot(*people: Person, usual: Mapping[str, float] = {"en": 10.0}, **more: Any) -> Snapshot:
    demand = Demand({(day, hour, lang): n for day in range(7) for hour in range(24) for lang, n in usual.items()})
    house = House(wording=Templates(MESSAGES), channels={}, demand=demand)
    return replace(imagined(playbook(), house, {}, NOW), people=people, **more)


def plan(snap: Snapshot, hours: float = 12) -> StaffingPlan:
    return make_plan(snap, TARGET, timedelta(hours=hours))


def rows(made: StaffingPlan, language: str = ALL) -> list[Slot]:
    return [slot for slot in made.slots if slot.language == language]

"""Imagined incidents: what a playbook's texts are tried on before there is a real one. Nothing of it is kept."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, product
from typing import Any

from engine.house import House
from engine.incident import Incident, Status
from engine.playbook import Fact, Playbook
from engine.snapshot import Snapshot

MIDNIGHTS = (datetime(2026, 11, 30, 23, 40, tzinfo=UTC), datetime(2026, 12, 1, 0, 20, tzinfo=UTC))
"""Around midnight UTC: east or west of it local time has another date, the longest that a time is written."""

TOWNS = ("AMS", "RTM", "EIN", "MST", "GRQ", "LHR", "CDG", "FRA", "MAD", "BCN", "LIS", "JFK")
RIGHT_TO_LEFT = (
    "المجال الجوي 3 (FIR EHAA)، حتى إشعار آخر.",
    "בין 14:30 ל-16:00 אין טיסות מ-AMS (טרמינל 2), נא לא להגיע!",
)
"""Texts typed in Arabic and Hebrew, with numbers, brackets and Latin letters in them, which run the other way."""

MOST_CASES = 64
"""Choices that are tried in all their combinations, at most so many."""


def imagined(
    playbook: Playbook,
    house: House,
    facts: Mapping[str, Any],
    now: datetime,
    *,
    drill: bool = False,
    status: Status = Status.RESPONDING,
    declared_at: datetime | None = None,
) -> Snapshot:
    """Build the snapshot of an incident that nobody declared. `facts` are values as `Playbook.read_facts` returns."""
    began = declared_at or now
    incident = Incident(
        number=0,
        uid="imagined",
        playbook=playbook.playbook,
        playbook_text="",
        title=playbook.title,
        severity=playbook.severity,
        status=status,
        facts=dict(facts),
        drill=drill,
        declared_by="nobody",
        declared_at=began,
        status_at=now if not status.live else began,
    )
    return Snapshot(now=now, incident=incident, playbook=playbook, house=house)


def cases(playbook: Playbook, house: House) -> Iterator[dict[str, Any]]:
    """Facts to try texts on: as few as may be known, right-to-left ones, and short and long ones under each
    combination of choices.
    """
    yield {name: _short(fact) if fact.must else fact.default for name, fact in playbook.facts.items()}
    texts = [name for name, fact in playbook.facts.items() if fact.type == "text"]
    for number, longest in enumerate(longest_cases(playbook, house)):
        choices = {name: longest[name] for name, fact in playbook.facts.items() if fact.type in ("choice", "yes_no")}
        yield {name: _short(fact) for name, fact in playbook.facts.items()} | choices
        yield longest
        if number == 0:
            yield longest | dict(zip(texts, cycle(RIGHT_TO_LEFT)))


def longest_cases(playbook: Playbook, house: House) -> Iterator[dict[str, Any]]:
    """Facts as long as they may be, under each combination of choices."""
    stations = [code for code in house.station_zones if code not in TOWNS]
    listed = {name: fact for name, fact in playbook.facts.items() if fact.type in ("choice", "yes_no")}
    options = [fact.choices if fact.type == "choice" else (True, False) for fact in listed.values()]
    for chosen in islice(product(*options), MOST_CASES):
        longest = {name: _long(fact, stations) for name, fact in playbook.facts.items()}
        yield longest | dict(zip(listed, chosen, strict=True))


def _short(fact: Fact) -> Any:
    values: dict[str, Any] = {
        "text": "x",
        "integer": fact.min if fact.min is not None else 0,
        "stations": ["AMS"],
        "choice": fact.choices[0] if fact.choices else "",
        "yes_no": True,
        "instant": "2026-11-22T04:10:00+00:00",
    }
    return values[fact.type]


def _long(fact: Fact, stations: list[str]) -> Any:
    values: dict[str, Any] = {
        "text": ("A text as long as a fact may be, word after word, " * 4)[:198] + "s.",
        "integer": fact.max if fact.max is not None else 999_999_999,
        "stations": [*stations, *TOWNS][: max(12, len(TOWNS))],
        "choice": fact.choices[-1] if fact.choices else "",
        "yes_no": False,
        "instant": (MIDNIGHTS[0] + timedelta(days=30)).isoformat(),
    }
    return values[fact.type]

"""A desk with one playbook, a few people and a clock set by hand, for tests of the doors to call-outs."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from desk.clock import HandClock
from desk.library import Library
from desk.people import import_people
from desk.settings import load
from desk.wiring import crew
from engine.callout import Invitation
from engine.people import Person, Shift
from flows.crew import use
from tests.scenarios.conftest import Scene
from tests.unit.volunteers import NIGHT, crowd, someone

PLAYBOOK = """
playbook: storm
title: Storm over the coast
severity: SEV2
facts:
  flooded: {type: yes_no, default: false, ask: "Is the crisis room flooded?"}
briefing: ["Private messages first."]
steps:
  - key: volunteers
    action: call_out
    with: {quota: 3, skills: [rebooking], languages: {es: 1}, starts_in: 2h, lasts: 4h, where: "Crisis room"}
  - key: more
    action: call_out
    when: "facts.flooded"
    with: {quota: 2, starts_in: 2h, lasts: 4h}
  - key: planned
    action: raise_staffing
    start_after: 48h
    with: {surge: none, answer_within: 60m, share: 0.9}
  - key: by_plan
    action: call_out
    after: [planned]
    with: {quota: from_staffing}
stand_down:
  - {key: thank_you, action: release_responders}
"""

PEOPLE = (
    *crowd(30),
    *crowd(4, prefix="s", languages=("es", "en"), phone="", email="shared@example.com"),
    someone(
        "eva", name="Eva de Vries", languages=("nl", "en", "es"), phone="+31 6 (12) 34-5678", email="Eva@Example.com"
    ),
    someone(
        "tim",
        name="Tim Bakker",
        team="social",
        answers=("private", "public"),
        shifts=(Shift(start=NIGHT - timedelta(hours=1), end=NIGHT + timedelta(hours=9)),),
    ),
    someone("far", name="Far Away", chat=""),
    someone("dm", name="Dora Manager", roles=("duty_manager",), skills=()),
)

_READY: dict[str, Path] = {}
"""People, as JSON → a home in which INC-1 is declared."""


@contextmanager
def storm(home: Path, people: Sequence[Person] = PEOPLE, playbook: str = PLAYBOOK) -> Iterator[Scene]:
    """A desk with the playbook `storm` and these people; nothing is declared."""
    folder = home / "playbooks"
    folder.mkdir(parents=True)
    (folder / "storm.yaml").write_text(playbook)
    with opened(home) as scene:
        import_people(scene.crew.store, list(people))
        yield scene


@contextmanager
def under_way(home: Path, people: Sequence[Person] = PEOPLE) -> Iterator[Scene]:
    """The same with INC-1 declared and the first wave asked: a copy of one that is made once for these people."""
    shutil.copytree(_prepared(people), home, dirs_exist_ok=True)
    with opened(home) as scene:
        yield scene


def _prepared(people: Sequence[Person]) -> Path:
    known = "\n".join(one.model_dump_json() for one in people)
    if known not in _READY:
        _READY[known] = home = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        with storm(home, people) as scene:
            scene.declare("storm")
    return _READY[known]


@contextmanager
def opened(home: Path) -> Iterator[Scene]:
    settings = load(home=home, playbooks=home / "playbooks", public_url="https://irrops.example")
    clock = HandClock(NIGHT)
    wired = crew(settings, clock)
    use(wired)
    try:
        yield Scene(wired, Library(settings.playbooks), clock, home / "sandbox")
    finally:
        use(None)
        wired.close()


def asked(scene: Scene, step: str = "volunteers#1") -> list[Invitation]:
    """Who was asked in a step, in the order of their keys."""
    found = scene.desk.snapshot("INC-1").invitations
    return sorted((one for one in found if f"/{step}" in one.callout), key=lambda one: one.person)


def asked_of(scene: Scene, person: str) -> Invitation:
    return next(one for one in asked(scene) if one.person == person)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)

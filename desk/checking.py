"""Checking and rehearsing playbooks with the house and the people that are there."""

from pathlib import Path
from typing import Any

import integrations
from desk.library import Library
from desk.settings import load
from desk.wiring import house
from engine.dry_run import Rehearsed, dry_run
from engine.playbook import Finding, PlaybookError, read


def check_file(path: Path) -> list[Finding]:
    """Everything that is wrong with a playbook file, the schema first."""
    from engine.check import check

    settings = load()
    try:
        playbook, lines, _ = read(path)
    except PlaybookError as error:
        return error.findings
    return check(playbook, lines, house(settings), _roles(settings), list(integrations.SOURCES))


def _roles(settings: Any) -> set[str]:
    """Roles that somebody holds: of the database where there is one, else of the example organisation."""
    from engine.people import Person
    from engine.people_file import read as read_people

    people: list[Person] = []
    if settings.database or (settings.home / "irrops.db").exists():
        from desk.wiring import store

        opened = store(settings)
        people = opened.all(Person, active=True)
        opened.engine.dispose()
    return {role for person in people or read_people(EXAMPLE) for role in person.roles}


EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "people.csv"


def rehearse(name: str, facts: dict[str, Any]) -> list[Rehearsed]:
    """What a playbook would do with these facts, and when. Writes and sends nothing."""
    from desk.clock import SystemClock

    settings = load()
    playbook, _ = Library(settings.playbooks).get(name)
    return list(dry_run(playbook, house(settings), playbook.read_facts(facts), SystemClock().now()))

"""Components of the status page, worked out from the facts."""

from dataclasses import replace

from engine.check import check
from engine.components import components
from engine.incident import Status
from engine.playbook import parse
from tests.example_house import PLAYBOOK, ROLES, Course, example_house

BLOCK = """\
components:
  check_in: "'major_outage' if facts.systems in ['check_in', 'all'] else 'operational'"
  flights: "'partial_outage' if hours > 2 else 'degraded'"
steps:"""
TEXT = PLAYBOOK.replace("steps:", BLOCK, 1)


def states(systems: str, status: Status = Status.RESPONDING) -> dict[str, str]:
    course = Course(parse(TEXT)[0], facts={"systems": systems})
    incident = course.snapshot.incident.model_copy(update={"status": status})
    return components(replace(course.snapshot, incident=incident))


def test_the_facts_say_how_each_part_stands() -> None:
    assert states("check_in") == {"check_in": "major_outage", "flights": "degraded"}
    assert states("booking") == {"check_in": "operational", "flights": "degraded"}


def test_all_is_well_once_it_is_resolved() -> None:
    assert set(states("check_in", Status.RESOLVED).values()) == {"operational"}


def found(old: str = "", new: str = "", **house: object) -> list[str]:
    playbook, lines = parse(TEXT.replace(old, new) if old else TEXT)
    known = replace(example_house(), **house)  # type: ignore[arg-type]
    return [f"{one.line}: {one.text}" for one in check(playbook, lines, known, ROLES, ["alertmanager"])]


def test_a_check_finds_a_component_that_there_is_not_and_one_without_a_state() -> None:
    line = TEXT.splitlines().index("components:") + 1
    assert not [text for text in found(components=("check_in", "flights")) if "component" in text]
    assert any(
        text.startswith(f"{line + 2}: the status page has no component 'flights'")
        for text in found(components=("check_in",))
    )
    (wrong,) = (text for text in found("'operational'", "'fine'") if "no state" in text)
    assert wrong.startswith(f"{line + 1}: gives 'fine'")
    assert any("nowhere" in text for text in found("hours > 2", "nowhere > 2"))

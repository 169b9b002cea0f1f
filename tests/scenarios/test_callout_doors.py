"""A duty manager plans, starts, watches and answers a call-out from the command line, each command a process."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from desk import calling_out, callout_view
from engine.callout import Answer
from tests.scenarios.command import Said, irrops
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import PLAYBOOK, asked

COLUMNS = "key,name,department,languages,skills,time_zone,chat,shifts\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home for all that only look."""
    return declared(tmp_path_factory.mktemp("storm"))


def declared(tmp_path: Path) -> Path:
    """Make a home with INC-1 declared; its call-out step `volunteers` is held back."""
    first = "- key: volunteers\n    action: call_out\n"
    book = PLAYBOOK.replace(first, f"{first}    when: facts.flooded\n")
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "storm.yaml").write_text(book)
    people = [f"p{n},Pat {n}o,ticketing,en,rebooking,UTC,U0P{n}," for n in range(12)]
    people += ["eva,Eva de Vries,care,nl;es,rebooking,UTC,U0EVA,", "far,Far Away,care,es,rebooking,UTC,,"]
    (tmp_path / "people.csv").write_text(COLUMNS + "\n".join(people) + "\n")
    assert command(tmp_path, "people", "import", str(tmp_path / "people.csv")).code == 0
    assert command(tmp_path, "declare", "storm").code == 0
    return tmp_path


def command(home: Path, *words: str) -> Said:
    return irrops(home, *words, IRROPS_PLAYBOOKS=str(home / "playbooks"))


def as_json(home: Path, *words: str) -> Any:
    said = command(home, "callout", *words, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_plan_start_answer_and_show(tmp_path: Path):
    home = declared(tmp_path)
    [plan] = as_json(home, "plan", "INC-1")["slots"]
    assert plan["need"].endswith(", 1 of them Spanish")
    assert [one["name"] for one in plan["unreachable"]] == ["Far Away"]
    assert plan["not_asked"]["out of reach on every lane"] == 1
    assert plan["expected"]["low"] <= plan["expected"]["mean"] <= plan["expected"]["high"]
    assert as_json(home, "show", "INC-1")["slots"] == []

    started = as_json(home, "start", "INC-1", "--quota", "2", "--by", "dora")
    [slot] = started["slots"]
    assert (slot["quota"], slot["state"], slot["counts"]["yes"]) == (2, "asking", 0)
    assert slot["counts"]["asked"] == slot["counts"]["silent"] > 2

    assert "07" not in command(home, "callout", "answer", "Eva de Vries", "misschien").out
    said = command(home, "callout", "answer", "Eva de Vries", "ja, ik kom", "--incident", "INC-1")
    assert "We verwachten je" in said.out
    [slot] = as_json(home, "show", "INC-1")["slots"]
    assert [(one["name"], one["answered_on"]) for one in slot["coming"]] == [("Eva de Vries", "desk")]

    refused = command(home, "callout", "start", "INC-1", "--quota", "5")
    assert refused.code == 2
    assert "volunteers#1 runs already: 1 of 2 come" in refused.sentence
    text = command(home, "callout", "show", "INC-1").out
    assert "1 of 2 come" in text
    assert max(map(len, text.splitlines())) <= 80

    head, *rows = csv.reader(command(home, "callout", "hours", "INC-1").out.splitlines())
    assert head[0] == "person"
    assert rows == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "INC-1", "--language", "Spanish"), "write it as es=3"),
        (("plan", "INC-1", "--at-least", "rebooking:7=1"), "no qualification"),
        (("start", "INC-1", "--step", "nosuch"), "there is volunteers, more, by_plan"),
        (("start", "INC-7"), "There is no incident INC-7"),
        (("show", "banana"), "write it like INC-12"),
        (("answer", "nobody", "yes"), "neither a code nor a person"),
        (("ease", "INC-1", "--to", "2", "--notice", "soon"), "is not a duration"),
    ],
)
def test_what_a_duty_manager_can_mend_is_one_sentence(home: Path, words: tuple[str, ...], says: str):
    said = command(home, "callout", *words)
    assert said.code == 2
    assert says in said.sentence


def test_started_by_hand_it_runs_until_it_is_full(desk: Scene):
    """With the project's own people and a playbook whose call-out is held back until the strike begins."""
    facts = {"strikers": "own_cabin_crew", "stations": "AMS", "starts_at": "2026-11-26T04:00Z", "phase": "announced"}
    ref = desk.declare("strike", **facts)
    assert not asked(desk)
    calling_out.start(desk.desk, ref, "volunteers", {"quota": 5, "languages": {"es": 1}}, by="dora")
    desk.settle()
    assert desk.timeline(ref).has("CallOutRequested")
    for one in asked(desk):
        person = desk.desk.person(one.person)
        assert person
        desk.desk.answer(one.key, Answer.YES, person)
    desk.settle()
    slots = [one for one in callout_view.show(desk.desk, ref).slots if one.kind == "call-out"]
    assert [(one.slot, one.state, one.counts.yes, one.quota) for one in slots] == [(1, "full", 5, 5), (2, "full", 5, 5)]
    assert sum(one.counts.asked for one in slots) == len(asked(desk)) > 10
    for slot in slots:
        assert slot.by_qualification[0].yes >= 1
        assert slot.counts.waiting == slot.counts.asked - 5
    assert desk.timeline(ref).count("CallOutFilled") == 2

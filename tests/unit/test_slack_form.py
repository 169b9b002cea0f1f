"""The declare form: each fact asked for in its own kind of field, and every playbook's form one that Slack takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.playbook import Fact, Playbook, read
from integrations.slack import form, words
from tests.unit.test_slack_signed import PLAYBOOKS

ASH, STRIKE = PLAYBOOKS


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block for block in view["blocks"]}


def test_each_fact_has_its_own_kind_of_field():
    asked = inputs(form.layout(PLAYBOOKS, ASH))
    assert {name: block["element"]["type"] for name, block in asked.items()} == {
        "playbook": "static_select",
        "severity:ash-cloud": "static_select",
        "fact:airspace:text": "plain_text_input",
        "fact:stations:stations": "plain_text_input",
        "fact:passengers:integer": "number_input",
        "fact:reopens:instant": "datetimepicker",
    }
    assert asked["fact:airspace:text"]["label"]["text"] == "Which airspace?"
    assert [name for name, block in asked.items() if block.get("optional")] == [
        "fact:passengers:integer",
        "fact:reopens:instant",
    ]
    number = asked["fact:passengers:integer"]["element"]
    assert (number["min_value"], number["initial_value"], number["is_decimal_allowed"]) == ("0", "0", False)


def test_another_playbook_brings_its_facts_and_its_severity():
    asked = inputs(form.layout(PLAYBOOKS, STRIKE))
    assert asked["severity:strike"]["element"]["initial_option"]["value"] == "SEV2"
    assert asked["playbook"]["element"]["initial_option"]["value"] == "strike"
    assert asked["playbook"]["dispatch_action"] is True
    assert [each["value"] for each in asked["fact:whose:choice:strike"]["element"]["options"]] == [
        "own staff",
        "others",
    ]
    assert asked["fact:announced:yes_no"]["element"]["initial_option"]["value"] == "yes"
    assert "fact:stations:stations" in asked


def test_a_form_filled_with_its_defaults_reads_back():
    def filled(block: dict[str, Any]) -> dict[str, Any]:
        element = block["element"]
        chosen = element.get("initial_option") or (element.get("options") or [None])[0]
        typed = "AMS" if "stations" in block["block_id"] else "EHAA"
        return {element["action_id"]: {"selected_option": chosen, "value": element.get("initial_value", typed)}}

    asked = inputs(form.layout(PLAYBOOKS, STRIKE))
    view = {"state": {"values": {name: filled(block) for name, block in asked.items()}}}
    entered = form.read(view, PLAYBOOKS)
    assert entered.errors == {}
    assert STRIKE.read_facts(entered.facts) == {"whose": "own staff", "announced": True, "stations": ["AMS"]}


def test_an_unknown_playbook_shows_the_first():
    assert form.pick(PLAYBOOKS, "nonsense") is ASH
    assert form.pick(PLAYBOOKS, "strike") is STRIKE


@pytest.mark.parametrize(
    "fact",
    [
        Fact(type="instant", ask="When?", default="2026-11-22T04:10:00+00:00"),
        Fact(type="stations", ask="Where?", default=["AMS", "RTM"]),
        Fact(type="yes_no", ask="Announced?", default=False),
        Fact(type="choice", ask="Which?", choices=("a", "b"), default="b"),
        Fact(type="integer", ask="How many?", default=0),
    ],
)
def test_a_default_is_filled_in(fact: Fact):
    playbook = Playbook.model_validate({**ASH.model_dump(by_alias=True), "facts": {"it": fact}})
    element = form.layout([playbook], playbook)["blocks"][-1]["element"]
    shown = element.get("initial_date_time", element.get("initial_value", element.get("initial_option", {})))
    entered = {"selected_date_time": shown} if isinstance(shown, int) else {"selected_option": shown, "value": shown}
    if not isinstance(shown, dict):
        entered.pop("selected_option", None)
    assert fact.read(form._value({"value": entered})) == fact.read(fact.default)


def test_what_the_form_says_is_escaped():
    assert "&lt;!channel&gt;" in json.dumps(form.said("<!channel>"))


def test_slack_takes_the_labels():
    assert len(words.FORM_TITLE) <= 24
    assert max(len(words.FORM_SEND), len(words.FORM_CANCEL), len(words.FORM_CLOSE)) <= 24


def test_the_form_of_every_playbook_is_one_that_slack_takes(root: Path):
    playbooks = [read(file)[0] for file in sorted((root / "playbooks").glob("*.yaml"))]
    assert playbooks
    for playbook in playbooks:
        view = form.layout(playbooks, playbook)
        assert len(view["blocks"]) <= 100

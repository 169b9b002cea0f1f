"""What a Slack client does with a form, as far as its documentation says: fields, what is typed, and what is sent.

Not a copy of Slack: https://docs.slack.dev/reference/views/modal-views says which of what was typed stays.
"""

import json
from typing import Any


class Screen:
    """A form that is open at somebody's."""

    def __init__(self, view: dict[str, Any], view_id: str = "V1", user: str = "U1"):
        self.view, self.id, self.user, self.hash = view, view_id, user, 1
        self.values: dict[tuple[str, str], dict[str, Any]] = {}
        for block in self.inputs():
            self.values[_name(block)] = _first(block["element"])

    def inputs(self) -> list[dict[str, Any]]:
        return [block for block in self.view["blocks"] if block["type"] == "input"]

    def texts(self) -> str:
        """All that can be read in it besides the fields."""
        return "\n".join(block["text"]["text"] for block in self.view["blocks"] if block["type"] == "section")

    def shown(self, block_id: str) -> str:
        """What stands in a field."""
        return next(each.get("value") or "" for (block, _), each in self.values.items() if block == block_id)

    def update(self, view: dict[str, Any]) -> None:
        """Take an update: what was entered in fields of the same block_id and action_id stays."""
        before, self.view = self.values, view
        self.values = {_name(block): before.get(_name(block), _first(block["element"])) for block in self.inputs()}
        self.hash += 1

    def type(self, block_id: str, text: str) -> None:
        name = next(name for name in self.values if name[0] == block_id)
        self.values[name] = {"type": "plain_text_input", "value": text or None}

    def choose(self, block_id: str, value: str) -> dict[str, Any]:
        """Choose an option; returns what is sent where the field dispatches."""
        block = next(each for each in self.inputs() if each["block_id"] == block_id)
        option = next(each for each in block["element"]["options"] if each["value"] == value)
        entered = {"type": block["element"]["type"], "selected_option": option}
        self.values[_name(block)] = entered
        action = {**entered, "action_id": block["element"]["action_id"], "block_id": block_id, "action_ts": "1.0"}
        return {**self._payload("block_actions"), "actions": [action], "container": {"type": "view"}}

    def submitted(self) -> dict[str, Any]:
        return self._payload("view_submission")

    def _payload(self, kind: str) -> dict[str, Any]:
        state: dict[str, Any] = {}
        for (block, action), value in self.values.items():
            state.setdefault(block, {})[action] = value
        view = {**self.view, "id": self.id, "hash": str(self.hash), "state": {"values": state}}
        payload = {"type": kind, "team": {"id": "T1"}, "user": {"id": self.user}, "trigger_id": "1.2.3", "view": view}
        return dict(json.loads(json.dumps(payload)))


def _name(block: dict[str, Any]) -> tuple[str, str]:
    return block["block_id"], block["element"]["action_id"]


def _first(element: dict[str, Any]) -> dict[str, Any]:
    if element["type"] in ("static_select", "radio_buttons"):
        return {"type": element["type"], "selected_option": element.get("initial_option")}
    return {"type": element["type"], "value": element.get("initial_value")}

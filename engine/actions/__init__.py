"""The registry of step types. To add one: a module in this folder, and a line in ACTIONS."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from engine.house import House
from engine.playbook import Playbook, Step
from engine.snapshot import Snapshot, StepRun
from engine.steps import Outcome


class Action(Protocol):
    """What each module in this folder is."""

    Params: type[BaseModel]
    """What may stand under `with:`. Its docstring and the fields' descriptions are the documentation."""
    NEEDS: frozenset[str]
    """Of the snapshot, what only some need: `people`."""

    def run(self, step: StepRun, snapshot: Snapshot) -> Outcome:
        """Decide. Pure: the same arguments give the same outcome. Called again after every Wait and Retry."""
        ...

    def check(self, step: Step, params: Any, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
        """Find what the schema can't: (path below the step, what is wrong and what to write instead)."""
        ...

    def preview(self, step: Step, params: Any, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
        """Say in lines what the step would do, for `playbook dry-run`."""
        ...


def _load() -> dict[str, Action]:
    from engine.actions import call_out, open_queue, publish_statement, raise_staffing, release_responders

    return {
        "raise_staffing": raise_staffing,
        "publish_statement": publish_statement,
        "open_queue": open_queue,
        "call_out": call_out,
        "release_responders": release_responders,
    }


ACTIONS: dict[str, Action] = _load()

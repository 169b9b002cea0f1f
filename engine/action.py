"""What each step type is: a module with these names."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from engine.house import House
from engine.playbook import Playbook, Step
from engine.snapshot import Snapshot, StepRun
from engine.steps import Outcome


class Action(Protocol):
    """What each module in `engine.actions` is."""

    @property
    def Params(self) -> type[BaseModel]:  # noqa: N802 - a class in the module
        """What may stand under `with:`. Its docstring and the fields' descriptions are the documentation."""
        ...

    @property
    def NEEDS(self) -> frozenset[str]:  # noqa: N802 - a constant in the module
        """Of the snapshot, what only some need: `people`."""
        ...

    def run(self, step: StepRun, snapshot: Snapshot) -> Outcome:
        """Decide. Pure: the same arguments give the same outcome. Called again after every Wait and Retry."""
        ...

    def check(self, step: Step, params: Any, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
        """Find what the schema can't: (path below the step, what is wrong and what to write instead)."""
        ...

    def preview(self, step: Step, params: Any, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
        """Say in lines what the step would do, for `playbook dry-run`."""
        ...

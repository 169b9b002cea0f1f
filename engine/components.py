"""Components of the status page: how each part of our service stands, as the playbook works it out from the facts."""

from collections.abc import Iterator
from contextlib import suppress

from engine.expressions import ExpressionError, evaluate
from engine.house import House
from engine.plan import names
from engine.playbook import Playbook
from engine.snapshot import Snapshot
from engine.trial import MIDNIGHTS, cases, imagined

STATES = ("operational", "degraded", "partial_outage", "major_outage")
"""What a component can be, the best first: the four of Statuspage's API
(https://developer.statuspage.io/#operation/getPagesPageIdComponents), without its maintenance."""


def components(snapshot: Snapshot) -> dict[str, str]:
    """How the parts of our service stand now. What can't be worked out is left out; all is well once it is resolved."""
    if not snapshot.incident.status.live:
        return dict.fromkeys(snapshot.playbook.components, STATES[0])
    found, known = {}, names(snapshot)
    for component, expression in snapshot.playbook.components.items():
        with suppress(ExpressionError):
            found[component] = str(evaluate(expression, known))
    return {component: state for component, state in found.items() if state in STATES}


def wrong(playbook: Playbook, house: House) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find components that there are not, and expressions that give no state for some facts."""
    for component, expression in playbook.components.items():
        if house.components and component not in house.components:
            text = f"the status page has no component {component!r}; it has {', '.join(house.components)}"
            yield ("components", component), text
        elif why := _no_state(playbook, house, expression):
            yield ("components", component), why


def _no_state(playbook: Playbook, house: House, expression: str) -> str:
    for facts in cases(playbook, house):
        try:
            state = str(evaluate(expression, names(imagined(playbook, house, facts, MIDNIGHTS[0]))))
        except ExpressionError as error:
            return str(error)
        if state not in STATES:
            return f"gives {state!r}, which is no state; write an expression that gives one of {', '.join(STATES)}"
    return ""

"""The marketing pause: what holds the scheduled posts, and what releases them. The two step types build on this.

Nobody wants to read an offer for the sunny south from an airline that has just left them in the rain.
"""

from collections.abc import Iterable, Iterator

from engine.effects import Effect, EffectState, Hold
from engine.playbook import Playbook, Step
from engine.snapshot import Snapshot
from engine.steps import StepState, StepStatus

PAUSE, RELEASE = "pause_marketing", "release_marketing"

CHANNEL = "marketing"


def pausing(playbook: Playbook) -> tuple[Step, ...]:
    """The steps that hold."""
    return tuple(step for step in playbook.steps if step.action == PAUSE)


def releasing(playbook: Playbook) -> tuple[Step, ...]:
    """The steps that release."""
    return tuple(step for step in playbook.stand_down if step.action == RELEASE)


def schedulers(step: Step) -> tuple[str, ...]:
    """Channels that a step holds: as its `with` says, else the one there is."""
    return tuple(step.with_.get("channels", (CHANNEL,)))


def paused(snapshot: Snapshot) -> Iterator[tuple[Step, StepState]]:
    """Steps that have held, or tried to, with their state."""
    for step in pausing(snapshot.playbook):
        state = snapshot.state(step.key)
        if state and _counts(state):
            yield step, state


def holds(playbook: Playbook, states: Iterable[StepState]) -> bool:
    """Whether an incident with these steps holds, or wants to, and has not released.

    One whose hold failed counts too: what another incident holds is what it needs.
    """
    known = list(states)
    hold = {step.key for step in pausing(playbook)}
    release = {step.key for step in releasing(playbook)}
    released = any(state.key in release and state.status is StepStatus.DONE for state in known)
    return not released and any(state.key in hold and _counts(state) for state in known)


def _counts(state: StepState) -> bool:
    return state.status is not StepStatus.SKIPPED


def effect(snapshot: Snapshot, step: str, channel: str, *, held: bool) -> Effect:
    """What the scheduler is told. Of all incidents the newest word counts: an older one that waits is not sent."""
    incident = snapshot.incident
    why = f"{incident.title} ({incident.severity})" if held else f"{incident.title} is over"
    return Effect(
        key=incident.key(step, channel),
        incident=incident.number,
        step=step,
        channel=channel,
        message=Hold(incident=incident.ref, held=held, reason=why, drill=incident.drill),
        urgency=1,
        replaces=f"marketing/{channel}{'/drill' if incident.drill else ''}",
        queued_at=snapshot.now,
        not_before=snapshot.now,
    )


FAILED = (EffectState.FAILED, EffectState.UNKNOWN)


def errors(made: Iterable[Effect]) -> str:
    """Say which schedulers have not done it, and why."""
    return "; ".join(f"{one.channel}: {one.error or one.state}" for one in made if one.state is not EffectState.SENT)


def standing(made: Iterable[Effect]) -> str:
    """Say how many posts are scheduled, as the schedulers answered: `marketing: 12 scheduled`."""
    return "; ".join(filter(None, map(_counted, made)))


def _counted(one: Effect) -> str:
    facts = one.receipt.facts if one.receipt else {}
    if not isinstance(facts.get("scheduled"), int):
        return ""
    name = f"{one.channel}: " if one.channel != CHANNEL else ""
    missed = facts.get("missed") or 0
    late = f", {missed} of them past their time: give them new times, or delete them" if missed else ""
    return f"{name}{facts['scheduled']} scheduled{late}"


def only_looked(made: Iterable[Effect]) -> bool:
    """Whether nothing was changed, since it is a drill."""
    return any(one.receipt and one.receipt.facts.get("only_looked") for one in made)

"""The step type `release_marketing`: let the scheduled marketing posts go out again, unless another incident holds."""

from collections.abc import Mapping
from typing import Any

from engine import marketing, room
from engine.delivery import in_trouble
from engine.effects import EffectState
from engine.house import House
from engine.playbook import Playbook, Step
from engine.record import Value
from engine.snapshot import Snapshot, StepRun
from engine.steps import Done, Fail, Outcome, Skip, Wait
from engine.timeline import Entry

NEEDS: frozenset[str] = frozenset()


class Params(Value):
    """Release what `pause_marketing` held. Whoever ends last releases, when several incidents hold."""


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Tell the schedulers, unless others hold; end when each says that it goes on."""
    held = list(marketing.paused(snapshot))
    if not held:
        return Skip("nothing was held")
    wanted = [
        marketing.effect(snapshot, step.name, channel, held=False)
        for channel in dict.fromkeys(channel for one, _ in held for channel in marketing.schedulers(one))
    ]
    there = {effect.key: effect for effect in snapshot.effects}
    new = tuple(effect for effect in wanted if effect.key not in there)
    if new:
        if snapshot.holding:
            return Skip(_others(snapshot))  # a hold of ours that still waits goes on: it is theirs too
        return Wait(None, "the scheduler's word that it goes on", effects=new)
    made = [there[effect.key] for effect in wanted]
    by_hand = f"release the scheduled posts by hand: {_where(held[0][0])}"
    if any(not effect.state.settled for effect in made):
        if not any(in_trouble(effect, snapshot.effect) for effect in made):
            return Wait(None, "the scheduler's word that it goes on")
        text = f"Marketing posts are still held ({marketing.errors(made)}); {by_hand}. It goes on trying."
        alarm = room.alarm(snapshot, f"unreleased/{step.name}", "MarketingNotReleased", text, step.name)
        return Wait(None, "the scheduler, which is in trouble", effects=alarm.effects, entries=alarm.entries)
    if any(effect.state is EffectState.CANCELLED for effect in made):
        return Skip("a newer incident holds the marketing posts, and releases them at its end")
    if any(effect.state in marketing.FAILED for effect in made):
        return Fail(f"marketing posts are still held ({marketing.errors(made)}); {by_hand}")
    text = f"Marketing posts released: {marketing.standing(made)}".removesuffix(": ")
    if marketing.only_looked(made):
        text = f"A drill releases no marketing posts; {marketing.standing(made)}"
    entry = Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="MarketingReleased",
        text=text,
        step=step.name,
        facts={"released": not marketing.only_looked(made), "channels": [effect.channel for effect in made]},
        key=snapshot.incident.key(step.name, "released"),
    )
    return Done(entries=(entry,))


def _others(snapshot: Snapshot) -> str:
    refs = ", ".join(snapshot.holding)
    many = len(snapshot.holding) > 1
    return f"{refs} still {'hold' if many else 'holds'} the marketing posts; whoever ends last releases them"


def _where(step: Step) -> str:
    return str(step.with_.get("where", "in the scheduler itself"))


def check(step: Step, params: Params, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find a release that comes too early, or with nothing to release."""
    if any(one.key == step.key for one in playbook.steps):
        return [
            (("action",), "release_marketing lets the posts go while the incident runs; put it under `stand_down:`")
        ]
    if not marketing.pausing(playbook):
        text = f"there is nothing to release; add {{key: no_marketing, action: {marketing.PAUSE}}} to the steps"
        return [(("action",), text)]
    return []


def preview(step: Step, params: Params, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say what is released, and when not."""
    return ["releases the scheduled marketing posts, unless another incident still holds them"]

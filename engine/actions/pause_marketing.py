"""The step type `pause_marketing`: hold the scheduled marketing posts, and believe it when the scheduler says so."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from engine import marketing, room
from engine.delivery import in_trouble
from engine.effects import EffectState
from engine.house import House
from engine.playbook import Playbook, Step
from engine.record import Value
from engine.snapshot import Snapshot, StepRun
from engine.steps import Done, Fail, Outcome, Wait
from engine.timeline import Entry

NEEDS: frozenset[str] = frozenset()


class Params(Value):
    """Hold the scheduled marketing posts. The first step: it takes a second, and spares a bad joke."""

    channels: tuple[str, ...] = Field(
        default=(marketing.CHANNEL,), min_length=1, description="Schedulers: marketing, or its accounts."
    )
    where: str = Field(
        default="in the scheduler itself",
        min_length=3,
        max_length=200,
        description="Where people stop the posts by hand when we can't: an address, whom to call.",
    )


def run(step: StepRun, snapshot: Snapshot) -> Outcome:
    """Tell the schedulers; end when each says that it holds. Whoever is on duty stops by hand what can't be held."""
    there = {effect.key: effect for effect in snapshot.effects}
    wanted = [marketing.effect(snapshot, step.name, channel, held=True) for channel in step.params.channels]
    new = tuple(effect for effect in wanted if effect.key not in there)
    if new:
        return Wait(None, "the scheduler's word that it holds", effects=new)
    made = [there[effect.key] for effect in wanted]
    by_hand = f"stop the scheduled posts by hand: {step.params.where}"
    if any(not effect.state.settled for effect in made):
        if not any(in_trouble(effect, snapshot.effect) for effect in made):
            return Wait(None, "the scheduler's word that it holds")
        text = f"Marketing posts are not held yet ({marketing.errors(made)}); {by_hand}. It goes on trying."
        alarm = room.alarm(snapshot, f"unheld/{step.name}", "MarketingNotHeld", text, step.name)
        return Wait(None, "the scheduler, which is in trouble", effects=alarm.effects, entries=alarm.entries)
    if any(effect.state in marketing.FAILED for effect in made):
        return Fail(f"marketing posts are not held ({marketing.errors(made)}); {by_hand}")
    if any(effect.state is EffectState.CANCELLED for effect in made):
        return Done(reason="the hold of another incident has taken its place")
    text = f"Marketing posts held: {marketing.standing(made)}".removesuffix(": ")
    if marketing.only_looked(made):
        text = f"A drill holds no marketing posts; {marketing.standing(made)}"
    entry = Entry(
        incident=snapshot.incident.number,
        at=snapshot.now,
        kind="MarketingHeld",
        text=text,
        step=step.name,
        facts={"held": not marketing.only_looked(made), "channels": list(step.params.channels)},
        key=snapshot.incident.key(step.name, "held"),
    )
    return Done(entries=(entry,))


def check(step: Step, params: Params, playbook: Playbook, house: House) -> list[tuple[tuple[Any, ...], str]]:
    """Find a hold that nobody releases, that comes too late, or that no scheduler takes."""
    found: list[tuple[tuple[Any, ...], str]] = []
    if all(one.key != step.key for one in playbook.steps):
        found.append((("action",), "pause_marketing is of no use once the incident is over; put it under `steps:`"))
    if step.every:
        found.append((("every",), "once held, posts stay held; leave `every` out"))
    if all(one.action != marketing.RELEASE for one in playbook.stand_down):
        text = f"nothing releases the posts; add {{key: marketing_again, action: {marketing.RELEASE}}} to stand_down"
        found.append((("action",), text))
    for index, channel in enumerate(params.channels):
        if channel not in house.channels or not house.takes(channel, "hold"):
            text = f"{channel!r} schedules no marketing posts; write marketing, or one of its accounts"
            found.append((("with", "channels", index), text))
    return found


def preview(step: Step, params: Params, playbook: Playbook, house: House, facts: Mapping[str, Any]) -> list[str]:
    """Say what is held, and what happens when it can't be."""
    return [
        f"holds the scheduled marketing posts ({', '.join(params.channels)}), and looks whether they are held",
        f"else the duty manager is told to stop them by hand: {params.where}",
    ]

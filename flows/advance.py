"""One advance: look, plan, run what is due, deliver, again until nothing is due. With Prefect or without."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine import upkeep
from engine.actions import ACTIONS
from engine.change import Change
from engine.delivery import entries, failed, lost, not_found_out, not_there, refused, sent, superseded
from engine.effects import Effect, Receipt
from engine.plan import RETRY_PAUSES, Due, Plan, plan, progress
from engine.ports import CannotTell, Channel, Lost, Refused
from engine.room import keep
from engine.snapshot import Snapshot, StepRun
from engine.steps import Fail, Outcome, Retry, Skip, StepState, StepStatus
from engine.timeline import Entry
from flows.crew import Crew
from state import outbox, runs, snapshots, wakes
from state.outbox import Claimed
from state.store import Stale

ROUNDS = 500
"""More looks than any honest playbook needs in one advance: past them something runs in a circle."""
PATIENCE = 0.2
"""Seconds to wait for deliveries before looking whether others became due."""


@dataclass
class Tally:
    """What an advance did."""

    steps: int = 0
    effects: int = 0


Runner = Callable[[Crew, Due, Snapshot], Awaitable[bool]]
Deliverer = Callable[[Crew, Claimed], Coroutine[Any, Any, None]]


def is_due(crew: Crew, number: int) -> bool:
    """Whether an advance would do anything; else put the incident to rest. Cheap, so that no flow run is empty."""
    look = snapshots.look(crew.store, number, crew.clock.now(), crew.house)
    planned = plan(look.snapshot)
    ready = outbox.next_due(crew.store, number)
    if planned.due or keep(look.snapshot, planned) != Change() or (ready and ready <= crew.clock.now()):
        return True
    if upkeep.due(look.snapshot) and upkeep.keep(snapshots.with_everybody(crew.store, look.snapshot)) != Change():
        return True
    return not _rest(crew, number, planned, look.nudges)


async def advance(crew: Crew, number: int, run_step: Runner, deliver: Deliverer, flow_run: str = "") -> Tally:
    """Do all that is due for an incident, and say when to look again."""
    tally, began, run_id = Tally(), crew.clock.now(), uuid.uuid4().hex
    under_way: dict[asyncio.Task[None], str] = {}
    busy, held = 0, began
    try:
        while busy < ROUNDS:
            at = time.monotonic()
            look = snapshots.look(crew.store, number, crew.clock.now(), crew.house)
            breath = time.monotonic() - at  # thousands of people take a second to look at: others have their turn, too
            planned = plan(look.snapshot)
            kept = _keep(crew, look.snapshot, planned)
            ran = [await run_step(crew, due, look.snapshot) for due in planned.due]
            claimed = outbox.claim(crew.store, number, crew.owner, crew.clock.now())
            under_way |= {asyncio.create_task(deliver(crew, one)): one.effect.key for one in claimed}
            tally.steps, tally.effects = tally.steps + sum(ran), tally.effects + len(claimed)
            if under_way:
                done, _ = await asyncio.wait(under_way, timeout=max(PATIENCE, breath))
                busy += bool(kept or planned.due or claimed or done)
                for one in done:
                    del under_way[one]
                    one.result()
                held = _hold(crew, under_way.values(), held)
                continue
            busy += 1
            if not (kept or planned.due) and _rest(crew, number, planned, look.nudges):
                return tally
            await asyncio.sleep(breath)
        raise RuntimeError(f"INC-{number} runs in a circle: {ROUNDS} rounds and still something is due")
    finally:
        if tally.steps or tally.effects:
            runs.add(crew.store, run_id, number, flow_run, began, crew.clock.now(), tally.steps, tally.effects)


def _hold(crew: Crew, keys: Collection[str], held: datetime) -> datetime:
    """Keep the leases of slow deliveries from running out; returns when that was last done."""
    now = crew.clock.now()
    if not keys or now - held < outbox.LEASE / 3:
        return held
    outbox.hold(crew.store, crew.owner, keys, now)
    return now


def _rest(crew: Crew, number: int, planned: Plan, nudges: int) -> bool:
    times = [at for at in (planned.wake_at, outbox.next_due(crew.store, number)) if at]
    return wakes.rest(crew.store, number, min(times, default=None), nudges)


def _keep(crew: Crew, snapshot: Snapshot, planned: Plan) -> bool:
    change = keep(snapshot, planned)
    if upkeep.due(snapshot):
        change += upkeep.keep(snapshots.with_everybody(crew.store, snapshot))
    if change == Change():
        return False
    with contextlib.suppress(Stale):
        crew.store.apply(change)
    return True


# ---------------------------------------------------------------- a step


def run(crew: Crew, due: Due, snapshot: Snapshot) -> bool:
    """Run one step and write what it led to. False when somebody else did so first."""
    action = ACTIONS.get(due.spec.action)
    if action and "people" in action.NEEDS:
        snapshot = snapshots.with_everybody(crew.store, snapshot)
    state = due.state.model_copy(update={"nudged": False})
    outcome = _outcome(due, state, snapshot)
    try:
        crew.store.apply(_written(state, outcome, snapshot))
    except Stale:
        return False
    return True


def _outcome(due: Due, state: StepState, snapshot: Snapshot) -> Outcome:
    if due.fail or due.skip:
        return Fail(due.fail) if due.fail else Skip(due.skip)
    action = ACTIONS[due.spec.action]
    try:
        params = action.Params.model_validate(due.spec.with_)
        return action.run(StepRun(due.spec, state, params), snapshot)
    except Exception as error:  # a defect of one step must not stop the others
        return Retry(f"{type(error).__name__}: {error}")


def _written(state: StepState, outcome: Outcome, snapshot: Snapshot) -> Change:
    now, more = snapshot.now, outcome.entries
    update: dict[str, object] = {"reason": outcome.reason, "for_what": outcome.for_what, "look_at": outcome.until}
    update["progress"] = progress(snapshot, snapshot.effects_of(state))
    if outcome.memo is not None:
        update["memo"] = outcome.memo
    if outcome.kind == "retry":
        if state.attempts < len(RETRY_PAUSES):
            pause: timedelta = RETRY_PAUSES[state.attempts]
            update |= {"attempts": state.attempts + 1, "look_at": now + pause, "for_what": "another try"}
        else:
            outcome = outcome.model_copy(update={"kind": "fail"})
    status = {"done": StepStatus.DONE, "fail": StepStatus.FAILED, "skip": StepStatus.SKIPPED}.get(outcome.kind)
    if status:
        update |= {"status": status, "ended_at": now, "look_at": None}
        why = f": {outcome.reason}" if outcome.reason else ""
        entry = Entry(
            incident=state.incident,
            at=now,
            kind=f"Step{status.value.capitalize()}",
            text=f"{state.name} {status}{why}",
            step=state.name,
        )
        more = (*more, entry)
    after = state.model_copy(update=update)
    records = (after, *outcome.records)
    return Change(records=records, effects=outcome.effects, entries=more, forget=outcome.forget)


# ---------------------------------------------------------------- an effect


def send(crew: Crew, claimed: Claimed) -> None:
    """Deliver one claimed effect, and record what became of it."""
    ran_out = claimed.effect.lease_until and claimed.effect.lease_until <= crew.clock.now()
    if ran_out and not outbox.is_ours(crew.store, claimed):
        return  # it waited here for so long that another took it
    effect, channel = claimed.effect, crew.channels.get(claimed.effect.channel)
    if channel is None:
        after = failed(effect, f"there is no channel {effect.channel!r}; see `irrops doctor`")
    elif effect.message.kind not in channel.kinds:
        after = failed(effect, f"{effect.channel} takes no {effect.message.kind}")
    else:
        after = _attempt(crew, claimed)
    sandbox = channel.sandbox if channel else False
    try:
        outbox.settle(crew.store, after, entries(after, crew.clock.now(), sandbox=sandbox))
    except Stale:
        return  # the lease ran out and another took it: what it finds is what counts


def _attempt(crew: Crew, claimed: Claimed) -> Effect:
    effect, channel = claimed.effect, crew.channels[claimed.effect.channel]
    began = False
    try:
        receipt = None
        if effect.uncertain:
            effect, receipt = _look_up(channel, claimed)
            if effect.state.settled:
                return effect
            effect = effect.model_copy(update={"uncertain": False})
        began = receipt is None
        receipt = receipt or channel.send(effect.message, effect.key, claimed.base)
        return sent(effect, receipt, crew.clock.now())
    except Refused as error:
        return refused(effect, error, crew.clock.now())
    except Lost as error:
        return lost(effect, str(error), crew.clock.now(), began=began)
    except Exception as error:  # a defect in a channel: whether it was sent is not known
        if not began:
            effect = effect.model_copy(update={"uncertain": claimed.effect.uncertain})
        return lost(effect, f"{type(error).__name__}: {error}", crew.clock.now(), began=began)


def _look_up(channel: Channel, claimed: Claimed) -> tuple[Effect, Receipt | None]:
    """Look whether it happened: the effect, settled where it must not be sent again, and the receipt if there is one.

    Raises Refused, not for good, and Lost.
    """
    effect, receipt = claimed.effect, None
    try:
        receipt = channel.find(effect.message, effect.key, claimed.base)
        effect = effect if receipt else not_there(effect)
    except (CannotTell, Refused) as error:
        if isinstance(error, Refused) and not error.permanent:
            raise
        effect = not_found_out(effect, str(error))
    if receipt is None and claimed.superseded and not effect.state.settled:
        effect = superseded(effect)
    return effect, receipt


async def run_plainly(crew: Crew, due: Due, snapshot: Snapshot) -> bool:
    """Run a step without Prefect."""
    return await asyncio.to_thread(run, crew, due, snapshot)


def delivery(crew: Crew, claimed: Claimed) -> asyncio.Future[None]:
    """Begin to deliver an effect, among those of its channel."""
    loop = asyncio.get_running_loop()
    return loop.run_in_executor(crew.executor(claimed.effect.channel), send, crew, claimed)


async def deliver_plainly(crew: Crew, claimed: Claimed) -> None:
    """Deliver an effect without Prefect."""
    await delivery(crew, claimed)


async def deliver_loose(crew: Crew) -> int:
    """Deliver the effects that belong to no incident; returns how many."""
    claimed = outbox.claim(crew.store, None, crew.owner, crew.clock.now())
    await asyncio.gather(*(deliver_plainly(crew, one) for one in claimed))
    return len(claimed)

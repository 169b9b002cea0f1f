"""The flow that people see in Prefect: one advance of one incident, its steps and effects as named tasks."""

from collections.abc import Awaitable, Callable
from typing import Any

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext, TagsContext
from prefect.utilities.annotations import quote

from engine.incident import number_of
from engine.plan import Due
from engine.snapshot import Snapshot
from flows import advance as plain
from flows.crew import Crew, current
from flows.report import timeline_markdown
from state.outbox import Claimed


@task(task_run_name="{label}", retries=0, persist_result=False, cache_policy=NO_CACHE)
async def step(label: str, due: Due, snapshot: Snapshot) -> bool:
    """Run one step of the playbook."""
    return await plain.run_plainly(current(), due, snapshot)


@task(task_run_name="{label}", retries=0, persist_result=False, cache_policy=NO_CACHE)
async def effect(label: str, delivery: Awaitable[None]) -> None:
    """Deliver one effect. The outbox retries, not Prefect: three times three would be nine pages."""
    await delivery


_as_is: Callable[[Any], Any] = quote
"""Prefect looks into every argument for futures; ours hold none and are large."""


async def _step(_: Crew, due: Due, snapshot: Snapshot) -> bool:
    return await step(f"{due.state.name} · {due.spec.action}", _as_is(due), _as_is(snapshot))


async def _effect(crew: Crew, claimed: Claimed) -> None:
    delivery = plain.delivery(crew, claimed)  # begins now: dozens are due at once, and each task takes Prefect a while
    await effect(f"{claimed.effect.key.split('/', 1)[1]} → {claimed.effect.channel}", _as_is(delivery))


@flow(name="respond", flow_run_name="{incident}", retries=0, persist_result=False, validate_parameters=False)
async def respond(incident: str) -> dict[str, int]:
    """Perform one advance of an incident such as `INC-12`. Returns how many steps and effects it did."""
    crew, number = current(), number_of(incident)
    context = FlowRunContext.get()
    run = str(context.flow_run.id) if context and context.flow_run else ""
    # The run's tags are not for its tasks: Prefect asks its API for a concurrency slot for each tag of each task.
    with TagsContext(current_tags=set()):
        tally = await plain.advance(crew, number, _step, _effect, flow_run=run)
    await acreate_markdown_artifact(
        key=f"{incident.lower()}-timeline",
        markdown=timeline_markdown(crew, number),
        description=f"Timeline of {incident}",
    )
    return {"steps": tally.steps, "effects": tally.effects}

"""The flow that writes the review of an incident."""

import asyncio
import os
from pathlib import Path
from pkgutil import resolve_name

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.crew import current


@flow(name="review", flow_run_name="review {incident}", retries=0, persist_result=False)
async def review(incident: str, out: str = "") -> str:
    """Write the review of an incident such as `INC-12`: HTML to the file `out`, and Markdown as an artifact.

    Returns the file's path, or the Markdown where no file is named.
    """
    report = resolve_name(os.environ.get("IRROPS_REVIEWING", "desk.reviewing:gather"))
    told = await asyncio.to_thread(report, current(), incident)
    await acreate_markdown_artifact(
        key=f"{incident.lower()}-review", markdown=told.markdown(), description=f"Review of {incident}"
    )
    if not out:
        return str(told.markdown())
    await asyncio.to_thread(Path(out).write_text, told.html(), encoding="utf-8")
    return out

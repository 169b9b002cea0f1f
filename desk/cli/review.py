"""`irrops review`."""

from pathlib import Path
from typing import Annotated

import typer

from desk.cli.common import Json, open_desk, say, show_json


def review(
    incident: Annotated[str, typer.Argument(metavar="INC-n", help="Reference of the incident.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the whole review: HTML that needs nothing else, or Markdown (.md).")
    ] = None,
    json: Json = False,
) -> None:
    """Review an incident: what happened, how it did against its targets, what to change in the playbook.

    Example: irrops review INC-1 --out review.html
    """
    from desk.prefect_server import api_url
    from desk.reviewing import gather, summary_lines, write

    with open_desk() as (desk, settings):
        ui = api_url(settings).removesuffix("/api")
        report = write(desk.crew, incident, out, prefect_ui=ui) if out else gather(desk.crew, incident, prefect_ui=ui)
    if json:
        show_json(report.review.model_dump(mode="json"))
    else:
        print("\n".join(summary_lines(report.review)))
    if out:
        say(f"Review: {out.absolute()}")

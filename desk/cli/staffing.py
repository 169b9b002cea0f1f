"""`irrops staffing INC-n`: the plan as a table, a plot, CSV or a calendar."""

from pathlib import Path
from typing import Annotated

import typer

from desk.cli.common import Json, open_desk, say, show_json


def staffing(
    incident: Annotated[str, typer.Argument(metavar="INC-n", help="The incident.")],
    out: Annotated[Path | None, typer.Option(help="File to write: .svg or .png (plot), .csv, .ics (calendar).")] = None,
    json: Json = False,
) -> None:
    """Show the staffing plan of an incident: demand, need, who is on duty, extra shifts, what is missing.

    Example: irrops staffing INC-1 --out plan.svg
    """
    from desk.staffing_report import FORMATS, write
    from engine.incident import NotAllowed

    with open_desk() as (desk, settings):
        snapshot = desk.snapshot(incident)
        if snapshot.staffing is None:
            raise NotAllowed(f"{incident} has no staffing plan yet; its playbook makes one with a raise_staffing step.")
        if json:
            show_json(snapshot.staffing.model_dump(mode="json", exclude={"version"}))
            return
        kind = out.suffix.lstrip(".") if out else "txt"
        if kind not in FORMATS:
            raise NotAllowed(f"{out}: end the name in one of {', '.join(f'.{one}' for one in FORMATS)}.")
        names = {person.key: person.name for person in desk.everybody()}
        made = write(snapshot.staffing, kind, snapshot.incident.ref, settings.time_zone, names)
        if out is None:
            print(made.decode())
        else:
            out.write_bytes(made)
            say(f"Written to {out}.")

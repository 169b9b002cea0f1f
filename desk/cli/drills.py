"""`irrops drill`."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli.common import Json, say, show_json

if TYPE_CHECKING:
    from desk.drill_run import Held

TAKES_S = 50
"""Real seconds that a drill takes without --speed, where the machine keeps up."""


def drill(
    playbook: Annotated[str, typer.Argument(help="Name of the playbook, such as it-outage.")],
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Simulated seconds in a real one; 0 as fast as it goes. Default: so that it takes about 50 seconds.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated world: the same seed, the same drill.")] = 1,
    hours: Annotated[float, typer.Option(min=0.5, max=240, help="Simulated hours.")] = 6,
    start: Annotated[
        str,
        typer.Option(
            help="When the simulated disruption begins, in the time zone of the settings. "
            "A fixed default, so that the same seed gives the same drill on any day."
        ),
    ] = "2027-01-12T04:10",
    fact: Annotated[list[str], typer.Option("--fact", help="NAME=VALUE; those not given are made up.")] = [],  # noqa: B006
    out: Annotated[
        Path | None, typer.Option(help="File for the review; default: review.html in the drill's folder.")
    ] = None,
    json: Json = False,
    no_prefect: Annotated[bool, typer.Option("--no-prefect", help="Run without a Prefect server beside.")] = False,
) -> None:
    """Hold a drill: the real engine with a simulated world, on a fresh database; nothing leaves the house.

    Passengers write, agents answer, volunteers and approvers answer late, not at all, or no. Playbook, seed, hours,
    start, facts and people decide everything; the speed and Prefect change nothing. Ctrl-C ends it with a review of
    what there is.

    Example: irrops drill it-outage

    Example: irrops drill ash-cloud --hours 24 --seed 7 --speed 0
    """
    from desk import drill_run
    from desk.cli.incidents import read_facts
    from desk.drill import Orders
    from desk.drill_view import Lines
    from desk.settings import load

    settings = load()
    orders = Orders(
        playbook=playbook,
        begins_at=_instant(start, settings.time_zone),
        seed=seed,
        hours=hours,
        speed=hours * 3600 / TAKES_S if speed is None else speed,
        facts=read_facts(fact),
    )
    say("DRILL: simulated people, sandbox channels, a database of its own. Nothing leaves the house.")
    if sys.stdout.isatty() and not json:
        held = drill_run.hold(settings, orders, out=out, prefect=not no_prefect, screen=_screen, say=say)
    else:
        lines = Lines(say if json else _print)
        held = drill_run.hold(
            settings, orders, out=out, prefect=not no_prefect, screen=lambda: nullcontext(lines), say=say
        )
    _tell(held, json)


def _screen() -> AbstractContextManager[Any]:
    from desk.drill_view import on_screen

    return on_screen()


def _print(text: str) -> None:
    print(text, flush=True)


def _instant(text: str, zone: str) -> Any:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time; write it like 2027-01-12T04:10", param_hint="--start"
        ) from None
    local = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).replace(second=0, microsecond=0)


def _tell(held: "Held", json: bool) -> None:
    from desk.reviewing import summary_lines

    if json:
        show_json(held.as_json())
        return
    if held.drill.stopped:
        print("Stopped early; this is the part until then.")
    print("\n".join(summary_lines(held.report.review)))
    print(f"\nReview: {held.page}")
    print(f"Look closer: IRROPS_HOME={held.home} irrops incident show {held.drill.ref}")

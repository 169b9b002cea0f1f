"""`irrops callout …`: plan, start, watch and answer call-outs."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import By, Json, go_round, open_desk, say, show_json, warn_of_sandbox, who

if TYPE_CHECKING:
    from datetime import timedelta

    from desk.desk import Desk

app = typer.Typer(help="Plan, start, watch and answer call-outs of volunteers.", no_args_is_help=True)

REFRESH_S = 2.0
Ref = Annotated[str, typer.Argument(metavar="INC-n", help="The incident.")]
StepOption = Annotated[str, typer.Option("--step", help="Key of the step; default: the playbook's first call_out.")]
Quota = Annotated[int | None, typer.Option("--quota", min=1, max=500, help="How many are wanted.")]
Languages = Annotated[
    list[str], typer.Option("--language", help="LANGUAGE=N: how many of them speak it at least, such as es=3.")
]
AtLeast = Annotated[
    list[str],
    typer.Option("--at-least", help="QUALIFICATION=N: the same for skills and levels, such as rebooking:2=4."),
]


@app.command()
def plan(
    incident: Ref,
    step: StepOption = "",
    quota: Quota = None,
    language: Languages = [],  # noqa: B006 - typer reads the default, nobody changes it
    at_least: AtLeast = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Show what would be asked now, without asking: the need, whom, why not the others, how many are to be expected.

    Example: irrops callout plan INC-1 --quota 12 --language es=3
    """
    from desk import callout_plan, callout_text
    from desk.calling_out import overrides_of

    with open_desk() as (desk, settings):
        found = callout_plan.plan(desk, incident, step or None, overrides_of(quota, language, at_least))
        if json:
            show_json(found.model_dump(mode="json"))
        else:
            print(callout_text.planned(found, settings.time_zone))


@app.command()
def start(
    incident: Ref,
    step: StepOption = "",
    quota: Quota = None,
    language: Languages = [],  # noqa: B006
    at_least: AtLeast = [],  # noqa: B006
    by: By = "",
    json: Json = False,
) -> None:
    """Start a call-out now, whatever its `when` and `after` say; the same wish within a minute starts it once.

    Example: irrops callout start INC-1 --quota 12 --language es=3
    """
    from desk import calling_out

    with open_desk() as (desk, settings):
        warn_of_sandbox(desk)
        overrides = calling_out.overrides_of(quota, language, at_least)
        state = calling_out.start(desk, incident, step or None, overrides, by=who(by))
        say(f"{state.name} starts. The first wave is asked …")
        go_round(desk, settings)
        _show(desk, incident, settings.time_zone, json)


@app.command()
def show(
    incident: Ref,
    watch: Annotated[bool, typer.Option("--watch", help="Draw it anew every 2 seconds, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show how the call-outs stand: asked, yes, later, no, silent, by slot and qualification; who comes, and when."""
    with open_desk() as (desk, settings):
        if watch and sys.stdout.isatty() and not json:
            _watch(desk, incident, settings.time_zone)
        else:
            _show(desk, incident, settings.time_zone, json)


def _show(desk: "Desk", ref: str, zone: str, json: bool) -> None:
    from desk import callout_text, callout_view

    view = callout_view.show(desk, ref)
    if json:
        show_json(view.model_dump(mode="json"))
    else:
        print(callout_text.standing(view, zone))


def _watch(desk: "Desk", ref: str, zone: str) -> None:
    """Draw it anew until nothing changes by itself any more."""
    import time

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from desk import callout_text, callout_view

    console = Console()

    def picture() -> tuple[Text, bool]:
        view = callout_view.show(desk, ref)
        text = Text(callout_text.fitting(callout_text.standing(view, zone), console.height - 1), no_wrap=True)
        text.highlight_words(["FULL"], "bold green")
        text.highlight_words(["SHORT", "OUT OF REACH", "DRILL"], "bold red")
        text.highlight_regex(r"█+", "green")
        return text, callout_text.is_over(view)

    drawn, over = picture()
    with contextlib.suppress(KeyboardInterrupt), Live(drawn, console=console, auto_refresh=False) as live:
        while not over:
            time.sleep(REFRESH_S)
            drawn, over = picture()
            live.update(drawn, refresh=True)


@app.command()
def answer(
    asked: Annotated[str, typer.Argument(metavar="CODE|PERSON", help="The code in the message, or key or name.")],
    text: Annotated[str, typer.Argument(metavar="ANSWER", help="What they say: yes, no, in 2 hours …")],
    incident: Annotated[str, typer.Option("--incident", help="Of which incident, where they were asked for two.")] = "",
    by: By = "",
) -> None:
    """Enter an answer that somebody gave on the phone.

    Example: irrops callout answer K7Q2MABCDE "in 2 hours"

    Example: irrops callout answer "Eva de Vries" no --incident INC-1
    """
    from desk.calling_out import enter

    with open_desk() as (desk, settings):
        reply = enter(desk, asked, text, incident, by=who(by))
        go_round(desk, settings)
        print(reply)


@app.command()
def simulate(
    people: Annotated[int, typer.Option(min=1, max=20_000, help="How many could be called.")] = 300,
    quota: Annotated[int, typer.Option(min=1, max=500, help="How many are wanted.")] = 12,
    seeds: Annotated[int, typer.Option(min=1, max=100_000, help="How many call-outs are simulated.")] = 1000,
    plot: Annotated[Path | None, typer.Option(help="File for the plot: .svg or .png.")] = None,
    json: Json = False,
) -> None:
    """Simulate call-outs among people whose answer rate the planner does not know, and compare it with simpler ways.

    Example: irrops callout simulate --people 300 --quota 12 --seeds 1000
    """
    from desk import simulating

    found = simulating.run(people=people, quota=quota, seeds=seeds)
    if plot:
        simulating.plot(found, plot)
        say(f"Written to {plot}.")
    if json:
        show_json(simulating.as_json(found))
    else:
        print(simulating.as_text(found))


@app.command()
def hours(incident: Ref) -> None:
    """Print who worked from when to when, as CSV for the payroll.

    Example: irrops callout hours INC-1 > hours.csv
    """
    from desk import hours_csv

    with open_desk() as (desk, _):
        print(hours_csv.write(desk, incident), end="")


@app.command()
def ease(
    incident: Ref,
    to: Annotated[int, typer.Option("--to", min=0, max=500, help="How many are still wanted, in each slot.")],
    step: Annotated[str, typer.Option("--step", help="Key of the step, where several run.")] = "",
    slot: Annotated[int, typer.Option("--slot", min=0, help="Only this slot; default: all that are not over.")] = 0,
    notice: Annotated[str, typer.Option(help="How long before they go, such as 30m.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Send people home when fewer are needed, in a fair order and with notice.

    Example: irrops callout ease INC-1 --to 8 --notice 30m
    """
    from desk import easing
    from engine.easing import NOTICE

    with open_desk() as (desk, settings):
        span = _duration(notice) if notice else NOTICE
        say(easing.ease(desk, incident, step or None, to, who(by), span, slot))
        go_round(desk, settings)
        _show(desk, incident, settings.time_zone, json)


def _duration(text: str) -> "timedelta":
    from engine.duration import duration
    from engine.incident import NotAllowed

    try:
        return duration(text)
    except ValueError as error:
        raise NotAllowed(f"--notice: {error}") from None

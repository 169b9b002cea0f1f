"""What the commands share: opening the desk, going round once, printing."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from desk.desk import Desk
    from desk.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[str, typer.Option("--by", help="Who says so: a person's key or name. Default: your login name.")]


def who(by: str) -> str:
    return by or getpass.getuser()


def say(text: str) -> None:
    """A word to the person, on stderr, so that stdout stays what was asked for."""
    print(text, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def open_desk() -> Iterator[tuple["Desk", "Settings"]]:
    """The desk on the database of the settings."""
    from desk.desk import Desk
    from desk.library import Library
    from desk.settings import load
    from desk.wiring import crew
    from flows.crew import use

    settings = load()
    wired = crew(settings)
    use(wired)
    try:
        yield Desk(wired, Library(settings.playbooks)), settings
    finally:
        use(None)
        wired.close()


def warn_of_sandbox(desk: "Desk") -> None:
    """Say loudly which channels reach nobody, and when there is nobody to reach."""
    from engine.lanes import ADDRESS
    from engine.people import Person

    house = desk.crew.house
    unused = {lane for lane in ADDRESS if lane not in house.lanes and not house.takes(lane, "post")}
    quiet = sorted(name for name, channel in desk.crew.channels.items() if channel.sandbox and name not in unused)
    if quiet:
        say(f"SANDBOX: nothing leaves the house on {', '.join(quiet)}; see docs/channels.md to connect them.")
    if not desk.store.all(Person, active=True, limit=1):
        say("NO PEOPLE: nobody can approve or be called; `irrops people import FILE.csv` brings them in.")


def go_round(desk: "Desk", settings: "Settings") -> None:
    """Do what is due now, here in this process. Where `irrops serve` runs it goes on from there."""
    import asyncio

    from desk.intake import sorter
    from desk.prefect_server import prepare
    from desk.rounds import Rounds, release_the_dead

    prepare(settings)
    release_the_dead(desk.crew)
    rounds = Rounds(desk.crew, prefect=settings.prefect, sort_alerts=sorter(desk))
    asyncio.run(rounds.settle_down())


def table(head: list[str], rows: list[list[Any]]) -> None:
    """Print a table for people."""
    cells = [head, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

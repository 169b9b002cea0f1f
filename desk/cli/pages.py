"""`irrops page` and `irrops acknowledge`: calling somebody by name."""

from typing import Annotated

import typer

from desk.cli.common import By, go_round, open_desk, say, who


def page(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom: key or name, whole or in part.")],
    why: Annotated[str, typer.Option("--why", help="What it is about, in a few words: all that they will read.")],
    incident: Annotated[str, typer.Option("--incident", help="INC-n; default: the only live one.")] = "",
    by: By = "",
) -> None:
    """Call a person by name, now, on every lane that they have; when they don't answer, others after them.

    Example: irrops page eva --why "check-in is down at AMS" --incident INC-1
    """
    from desk.paging import page as call

    with open_desk() as (desk, settings):
        say(call(desk, name, who(by), why, incident or None))
        go_round(desk, settings)


def acknowledge(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The ten characters that they were told.")],
) -> None:
    """Note “I've got it” for somebody who was called and rings the duty desk with their code.

    Example: irrops acknowledge "K7QM 2ZXW PA"
    """
    from desk.paging import acknowledge_by_code

    with open_desk() as (desk, settings):
        say(acknowledge_by_code(desk, code).text)
        go_round(desk, settings)

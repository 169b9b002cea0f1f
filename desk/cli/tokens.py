"""`irrops token …`: bearer tokens of the HTTP API."""

from typing import Annotated

import typer

from desk.cli.common import Json, open_desk, say, show_json, table

app = typer.Typer(help="Make, list and revoke bearer tokens of the HTTP API.", no_args_is_help=True)


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="Whose it is, such as console or alertmanager.")],
    role: Annotated[str, typer.Option(help="reader, agent, source, gateway, approver or duty_manager.")],
    json: Json = False,
) -> None:
    """Make a token and print it once; only its hash is kept.

    Example: irrops token make alertmanager --role source
    """
    from desk.auth import make_token

    with open_desk() as (desk, _):
        token = make_token(desk.store, name, role, desk.clock.now())
        if json:
            show_json({"name": name, "role": role, "token": token})
        else:
            say("Keep it: it is not shown again.")
            print(token)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the tokens, without the secrets."""
    from state import tokens

    with open_desk() as (desk, _):
        found = tokens.all(desk.store)
        if json:
            show_json([{"name": one.name, "role": one.role, "made_at": one.made_at} for one in found])
        else:
            table(["name", "role", "made (UTC)"], [[t.name, t.role, f"{t.made_at:%Y-%m-%d %H:%M}"] for t in found])


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Whose token ends.")]) -> None:
    """End a token."""
    from engine.incident import Unknown
    from state import tokens

    with open_desk() as (desk, _):
        if not tokens.revoke(desk.store, name):
            raise Unknown(f"There is no token named {name!r}; `irrops token list` shows them.")
        say(f"The token of {name} is revoked.")

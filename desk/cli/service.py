"""`irrops serve` and `irrops doctor`."""

from typing import Annotated

import typer

from desk.cli.common import Json, say, show_json


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; default from the settings.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on; default from the settings.")] = 0,
) -> None:
    """Start everything: Prefect's server with its UI, the clock, the HTTP API, chat.

    Example: irrops serve --port 8018
    """
    import os

    from desk import prefect_server
    from desk.settings import load

    given = {name: value for name, value in (("host", host), ("port", port)) if value}
    settings = load(**given)
    own = settings.prefect and "PREFECT_API_URL" not in os.environ
    prefect_server.prepare(settings)
    from desk.serve import serve as run

    run(settings, say, own_prefect=own)


def doctor(json: Json = False) -> None:
    """Check database, Prefect, channels, templates, playbooks, people, time zones and disk; say what to do."""
    from desk.doctor import examine

    checks = examine()
    if json:
        show_json([{"what": c.what, "good": c.good, "says": c.says} for c in checks])
    else:
        for check in checks:
            print(f"{'ok  ' if check.good else 'BAD '} {check.what:<14} {check.says}")
    if not all(check.good for check in checks):
        raise typer.Exit(1)

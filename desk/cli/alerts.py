"""`irrops alert …`: alerts in by hand, proposals decided."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from desk.cli.common import By, Json, go_round, open_desk, say, show_json, table, who

app = typer.Typer(help="Take alerts in, and decide what they propose.", no_args_is_help=True)
MAX_BYTES = 5 * 1024 * 1024


@app.command()
def receive(
    source: Annotated[str, typer.Argument(help="Alert source, such as alertmanager.")],
    file: Annotated[Path, typer.Argument(help="Payload as the source sends it; - for standard input.")],
    json: Json = False,
) -> None:
    """Take an alert in from a file; it declares, proposes, joins or means nothing.

    Example: irrops alert receive alertmanager firing.json --json
    """
    from desk.intake import accept
    from desk.sources import open_source
    from engine.correlation import StoredAlert
    from engine.incident import NotAllowed

    with open_desk() as (desk, settings):
        stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
        with stream:
            payload = stream.read(MAX_BYTES + 1)
        if len(payload) > MAX_BYTES:
            raise NotAllowed(
                f"{file} is larger than {MAX_BYTES // 1024 // 1024} MB; no source sends that, check the file."
            )
        alerts = open_source(settings, source).parse(payload, desk.clock.now())
        fresh = accept(desk, alerts)
        go_round(desk, settings)
        results: list[dict[str, Any]] = []
        for alert, new in zip(alerts, fresh, strict=True):
            stored = desk.store.first(StoredAlert, key=alert.key)
            assert stored is not None
            outcome = stored.outcome if new else "repeat"
            incident = f"INC-{stored.incident}" if stored.incident else None
            results.append(
                {"alert": alert.title, "outcome": outcome, "incident": incident, "proposal": stored.proposal}
            )
        if json:
            show_json({"source": source, "alerts": results})
        else:
            rows = [[r["alert"], r["outcome"], r["incident"] or "", r["proposal"] or ""] for r in results]
            table(["alert", "outcome", "incident", "proposal"], rows)


@app.command()
def proposals(json: Json = False) -> None:
    """List what alerts propose and nobody has decided."""
    from engine.correlation import Proposal

    with open_desk() as (desk, _):
        found = desk.store.all(Proposal, status="open")
        if json:
            show_json([one.model_dump(mode="json", exclude={"version"}) for one in found])
        else:
            head = ["proposal", "playbook", "severity", "alerts", "title", "missing facts"]
            table(head, [[p.id, p.playbook, p.severity, p.alerts, p.title, " ".join(p.missing)] for p in found])


@app.command()
def accept(
    proposal: Annotated[int, typer.Argument(help="Number of the proposal.")],
    fact: Annotated[list[str], typer.Option("--fact", help="NAME=VALUE for facts that are missing.")] = [],  # noqa: B006
    by: By = "",
) -> None:
    """Declare what an alert proposed."""
    from desk.cli.incidents import read_facts

    with open_desk() as (desk, settings):
        incident = desk.accept(proposal, who(by), read_facts(fact))
        say(f"{incident.ref} declared.")
        go_round(desk, settings)


@app.command()
def dismiss(proposal: Annotated[int, typer.Argument(help="Number of the proposal.")], by: By = "") -> None:
    """Say that a proposal is no incident."""
    with open_desk() as (desk, _):
        desk.dismiss(proposal, who(by))
        say(f"Proposal {proposal} is dismissed.")

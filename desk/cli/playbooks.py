"""`irrops playbook …`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from desk.cli.common import Json, show_json, table

app = typer.Typer(help="List, check and rehearse playbooks.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the playbooks."""
    from desk.library import Library
    from desk.settings import load

    playbooks, findings = Library(load().playbooks).all()
    if json:
        show_json([one.model_dump(mode="json", by_alias=True) for one in playbooks])
    else:
        rows = [[p.playbook, p.severity, len(p.steps), ", ".join(p.facts), p.title] for p in playbooks]
        table(["playbook", "severity", "steps", "facts", "title"], rows)
    for finding in findings:
        print(finding, file=sys.stderr)
    if findings:
        raise typer.Exit(2)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Playbook files.")],
    json: Json = False,
) -> None:
    """Read playbooks as a compiler would: every finding with file, line and what to write instead.

    Example: irrops playbook check playbooks/*.yaml
    """
    from desk.checking import check_file

    findings = [finding for file in files for finding in check_file(file)]
    wrong = [finding for finding in findings if not finding.warning]
    if json:
        show_json([finding.model_dump() for finding in findings])
    else:
        for finding in findings:
            print(finding)
        if not wrong:
            print(f"{len(files)} {'playbook is' if len(files) == 1 else 'playbooks are'} good.")
    if wrong:
        raise typer.Exit(2)


@app.command("dry-run")
def dry_run(
    playbook: Annotated[str, typer.Argument(help="Name of the playbook.")],
    fact: Annotated[list[str], typer.Option("--fact", help="NAME=VALUE.")] = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Show the order, the times and the texts of a playbook; nothing is written, nothing is sent.

    Example: irrops playbook dry-run it-outage --fact stations=AMS
    """
    from dataclasses import asdict

    from desk.checking import rehearse
    from desk.cli.incidents import read_facts

    rehearsal = rehearse(playbook, read_facts(fact))
    if json:
        show_json([asdict(line) for line in rehearsal])
    else:
        for line in rehearsal:
            print(line)

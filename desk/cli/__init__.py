"""The command line. Each command asks the desk; nothing heavy is imported before a command needs it."""

import sys

import typer

from desk.cli import (
    alerts,
    callouts,
    drills,
    incidents,
    pages,
    people,
    playbooks,
    review,
    service,
    staffing,
    statements,
    tokens,
)

app = typer.Typer(
    name="irrops",
    help="Run the response to a disruption: declare it, and the playbook runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("declare")(incidents.declare)
app.command("approve")(incidents.approve)
app.command("reject")(incidents.reject)
app.command("page")(pages.page)
app.command("acknowledge")(pages.acknowledge)
app.command("drill")(drills.drill)
app.command("staffing")(staffing.staffing)
app.command("serve")(service.serve)
app.command("doctor")(service.doctor)
app.command("review")(review.review)
app.add_typer(incidents.app, name="incident")
app.add_typer(incidents.effects, name="effect")
app.add_typer(statements.app, name="statement")
app.add_typer(playbooks.app, name="playbook")
app.add_typer(alerts.app, name="alert")
app.add_typer(people.app, name="people")
app.add_typer(people.queue, name="queue")
app.add_typer(callouts.app, name="callout")
app.add_typer(tokens.app, name="token")


def main() -> None:
    """Run the command line; what people can mend is one sentence and exit code 2, never a traceback."""
    try:
        app()
    except Exception as error:
        from desk.mistakes import sentence

        text = sentence(error)
        if text is None:
            raise
        print(f"irrops: {text}", file=sys.stderr)
        sys.exit(2)

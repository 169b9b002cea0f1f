"""`irrops people …` and `irrops queue …`."""

from pathlib import Path
from typing import Annotated

import typer

from desk.cli.common import By, Json, open_desk, say, show_json, table, who

app = typer.Typer(help="Import, check and list people.", no_args_is_help=True)
queue = typer.Typer(help="Conversations of an incident's crisis queue.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV; the columns are in docs/people.md.")], json: Json = False
) -> None:
    """Import people from a CSV file; who is not in it any more is made inactive.

    Example: irrops people import examples/people.csv
    """
    from desk.people import import_people
    from engine.people_file import read as read_people

    people = read_people(file)
    with open_desk() as (desk, _):
        counts = import_people(desk.store, people)
    if json:
        show_json(counts)
    else:
        say(
            f"{counts['new']} new, {counts['changed']} changed, {counts['unchanged']} unchanged, {counts['left']} left."
        )


@app.command()
def check(file: Annotated[Path, typer.Argument(help="CSV to check; nothing is written.")]) -> None:
    """Check a people file: every mistake with file, line and what to write instead."""
    from engine.people_file import read as read_people

    say(f"{len(read_people(file))} people, all good.")


@app.command("list")
def list_(
    department: Annotated[str, typer.Option(help="Only this department.")] = "",
    role: Annotated[str, typer.Option(help="Only who holds this role.")] = "",
    on_duty: Annotated[bool, typer.Option("--on-duty", help="Only who is on duty now.")] = False,
    json: Json = False,
) -> None:
    """List people."""
    from engine.people import Person

    with open_desk() as (desk, _):
        now = desk.clock.now()
        found = [
            person
            for person in desk.store.all(Person, active=True)
            if (not department or person.department == department)
            and (not role or role in person.roles)
            and (not on_duty or person.on_duty(now))
        ]
    if json:
        show_json([one.model_dump(mode="json", exclude={"version"}) for one in found])
    elif not found:
        say("Nobody. `irrops people import examples/people.csv` brings in an example organisation.")
    else:
        rows = [
            [p.key, p.name, p.department, " ".join(p.roles), " ".join(p.languages), " ".join(p.skills)] for p in found
        ]
        table(["key", "name", "department", "roles", "languages", "skills"], rows)


@app.command("sign-off")
def sign_off(
    person: Annotated[str, typer.Argument(help="Key of the person.")],
    public: Annotated[bool, typer.Option("--public/--private", help="May answer the public feed, or not.")] = True,
    by: By = "",
) -> None:
    """Let a volunteer answer the public feed too, or take that back; a buddy does so by button.

    Example: irrops people sign-off anna.bakker --by eva.de.vries
    """
    from desk.signing_off import sign_off as decide

    with open_desk() as (desk, _):
        there = decide(desk, person, who(by), public)
        say(f"{there.name} {'may answer the public feed' if public else 'answers private messages alone'} now.")


@queue.command("import")
def import_queue(
    incident: Annotated[str, typer.Argument(metavar="INC-n")],
    file: Annotated[Path, typer.Argument(help="CSV; the columns are in docs/queue.md.")],
) -> None:
    """Bring conversations in from a CSV file; those that are there already are left alone."""
    from engine.conversations_file import read
    from engine.incident import NotAllowed
    from engine.triage import receive

    incoming = read(file.read_bytes(), str(file))
    with open_desk() as (desk, _):
        there = desk.snapshot(incident).queue
        if there is None:
            raise NotAllowed(f"{incident} has no queue yet; its playbook opens one with an open_queue step.")
        now = desk.clock.now()
        fresh = desk.conversations.add([receive(there, one, now, desk.word_lists) for one in incoming])
        say(f"{sum(fresh)} new, {len(fresh) - sum(fresh)} there already.")


@queue.command("show")
def show_queue(incident: Annotated[str, typer.Argument(metavar="INC-n")], json: Json = False) -> None:
    """Show how the queue stands against its promises."""
    with open_desk() as (desk, _):
        figures = desk.snapshot(incident).queue_figures
        if json:
            show_json(figures.model_dump(mode="json"))
        else:
            table(["what", "count"], [[name.replace("_", " "), value] for name, value in figures.model_dump().items()])

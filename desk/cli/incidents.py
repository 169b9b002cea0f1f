"""`irrops declare`, `irrops approve`, `irrops incident …`, `irrops effect …`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli.common import By, Json, go_round, open_desk, say, show_json, table, warn_of_sandbox, who

if TYPE_CHECKING:
    from desk.desk import Desk

app = typer.Typer(help="List, show and steer incidents.", no_args_is_help=True)
effects = typer.Typer(help="See what was sent, and decide what nobody can find out.", no_args_is_help=True)

Ref = Annotated[str, typer.Argument(metavar="INC-n", help="The incident.")]
FactOption = Annotated[list[str], typer.Option("--fact", help="NAME=VALUE, as often as needed.")]


def declare(
    playbook: Annotated[str, typer.Argument(help="Name of the playbook, such as it-outage.")],
    fact: FactOption = [],  # noqa: B006 - typer reads the default, nobody changes it
    severity: Annotated[str, typer.Option(help="SEV1 (worst) to SEV4; default: the playbook's.")] = "",
    by: By = "",
    key: Annotated[str, typer.Option(help="Repeating the command with the same key declares nothing twice.")] = "",
    json: Json = False,
) -> None:
    """Declare an incident; its playbook starts at once.

    Example: irrops declare it-outage --fact stations=AMS --severity SEV1
    """
    with open_desk() as (desk, settings):
        warn_of_sandbox(desk)
        facts = _ask_missing(desk, playbook, read_facts(fact))
        incident = desk.declare(playbook, facts=facts, by=who(by), severity=severity or None, key=key or None)
        say(f"{incident.ref} declared. The first steps run …")
        go_round(desk, settings)
        _show(desk, incident.ref, json)


def read_facts(given: list[str]) -> dict[str, Any]:
    from engine.incident import NotAllowed

    facts = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise NotAllowed(f"--fact {one}: write it as NAME=VALUE, such as stations=AMS")
        facts[name.strip()] = value.strip()
    return facts


def _ask_missing(desk: "Desk", playbook: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Ask a person at a terminal for what is missing; elsewhere declaring says what it is."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return facts
    for name, fact in desk.library.get(playbook)[0].facts.items():
        while fact.must and name not in facts:
            typed = typer.prompt(fact.ask, err=True)
            try:
                facts[name] = fact.read(typed)
            except ValueError as error:
                say(str(error))
    return facts


def approve(
    statement: Annotated[str, typer.Argument(metavar="ST-n", help="The statement.")],
    role: Annotated[str, typer.Option("--as", help="The role you act in, such as comms_lead.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Approve a statement: what you saw is what is sent.

    Example: irrops approve ST-3 --as comms_lead
    """
    with open_desk() as (desk, settings):
        there = desk.approve(statement, who(by), roles_of(desk, role, by))
        say(f"{there.ref} is approved.")
        go_round(desk, settings)
        _show(desk, f"INC-{there.incident}", json)


def reject(
    statement: Annotated[str, typer.Argument(metavar="ST-n", help="The statement.")],
    reason: Annotated[str, typer.Option(help="What is wrong with it.")],
    role: Annotated[str, typer.Option("--as", help="The role you act in.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Reject a statement.

    Example: irrops reject ST-3 --reason "the number of flights is wrong" --as comms_lead
    """
    with open_desk() as (desk, settings):
        there = desk.reject(statement, who(by), roles_of(desk, role, by), reason)
        go_round(desk, settings)
        _show(desk, f"INC-{there.incident}", json)


def roles_of(desk: "Desk", role: str, by: str) -> tuple[str, ...]:
    from engine.people import Person

    person = desk.store.first(Person, key=by) if by else None
    return tuple(filter(None, [role, *(person.roles if person else ())]))


@app.command("list")
def list_(
    live: Annotated[bool, typer.Option("--live", help="Only those that run.")] = False,
    json: Json = False,
) -> None:
    """List incidents, the newest last."""
    with open_desk() as (desk, _):
        found = desk.incidents(live=live)
        if json:
            show_json([_brief(one) for one in found])
        elif not found:
            say("No incident" + (" is live." if live else " was ever declared here."))
        else:
            head = ["incident", "severity", "status", "title", "declared (UTC)", "by"]
            rows = [
                [i.ref, i.severity, i.status, i.title, f"{i.declared_at:%Y-%m-%d %H:%M}", i.declared_by] for i in found
            ]
            table(head, rows)


def _brief(incident: Any) -> dict[str, Any]:
    shown: dict[str, Any] = incident.model_dump(
        mode="json", exclude={"playbook_text", "situation", "situation_count", "uid", "version", "number"}
    )
    return {"incident": incident.ref, **shown}


@app.command()
def show(incident: Ref, json: Json = False) -> None:
    """Show what runs, what is late, what waits for whom, and the timeline."""
    with open_desk() as (desk, _):
        _show(desk, incident, json)


def _show(desk: "Desk", ref: str, json: bool) -> None:
    from desk.showing import as_json, as_text

    if json:
        show_json(as_json(desk, ref))
    else:
        print(as_text(desk, ref))


@app.command()
def advance(incident: Ref, json: Json = False) -> None:
    """Do what is due for an incident now; `irrops serve` does so by itself."""
    with open_desk() as (desk, settings):
        desk.wake(desk.snapshot(incident).incident.number)
        go_round(desk, settings)
        _show(desk, incident, json)


@app.command()
def severity(incident: Ref, severity: Annotated[str, typer.Argument(help="SEV1 to SEV4.")], by: By = "") -> None:
    """Change the severity of a live incident."""
    with open_desk() as (desk, settings):
        there = desk.change_severity(incident, severity, who(by))
        go_round(desk, settings)
        say(f"{there.ref} is {there.severity} now.")


@app.command()
def facts(incident: Ref, fact: FactOption, by: By = "") -> None:
    """Set facts of a live incident anew.

    Example: irrops incident facts INC-1 --fact passengers=12000
    """
    with open_desk() as (desk, settings):
        there = desk.change_facts(incident, read_facts(fact), who(by))
        go_round(desk, settings)
        say(f"{there.ref}: {', '.join(f'{name}={value}' for name, value in there.facts.items())}")


@app.command()
def monitor(incident: Ref, by: By = "") -> None:
    """Say that the disruption is over and its tail is watched."""
    _close(incident, lambda desk: desk.monitor(incident, who(by)))


@app.command()
def resolve(incident: Ref, by: By = "") -> None:
    """End an incident; its stand-down steps run."""
    _close(incident, lambda desk: desk.resolve(incident, who(by)))


@app.command("stand-down")
def stand_down(
    incident: Ref, reason: Annotated[str, typer.Option(help="Why it was a false alarm.")] = "false alarm", by: By = ""
) -> None:
    """Call an incident a false alarm; what was not sent yet is forgotten, responders are released."""
    _close(incident, lambda desk: desk.stand_down(incident, who(by), reason))


@app.command("close-review")
def close_review(incident: Ref, by: By = "") -> None:
    """Say that the review has been held."""
    _close(incident, lambda desk: desk.close_review(incident, who(by)))


def _close(incident: str, command: Any) -> None:
    with open_desk() as (desk, settings):
        there = command(desk)
        go_round(desk, settings)
        say(f"{there.ref} is {there.status} now.")


@effects.command("list")
def list_effects(
    incident: Ref,
    state: Annotated[str, typer.Option(help="Only those in this state: queued, sent, failed, unknown …")] = "",
    json: Json = False,
) -> None:
    """List what was to be sent for an incident, and what became of it."""
    with open_desk() as (desk, _):
        found = [one for one in desk.effects(incident) if not state or one.state == state]
        if json:
            show_json([one.model_dump(mode="json", exclude={"version", "lease_owner"}) for one in found])
        else:
            rows = [[one.state, one.channel, one.message.kind, one.attempts, one.key, one.error[:60]] for one in found]
            table(["state", "channel", "kind", "tries", "key", "error"], rows)


@effects.command()
def decide(
    key: Annotated[str, typer.Argument(help="Key of the effect, from `irrops effect list`.")],
    sent: Annotated[bool, typer.Option("--sent/--again", help="It happened; or it is to be sent again.")],
    by: By = "",
) -> None:
    """Say of an effect that nobody can find out about whether it happened."""
    with open_desk() as (desk, settings):
        desk.decide_effect(key, happened=sent, by=who(by))
        go_round(desk, settings)
        say("Noted.")

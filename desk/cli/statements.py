"""`irrops statement …`: what the public is told, before, while and after it is out."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli import packs
from desk.cli.common import By, Json, go_round, open_desk, say, show_json, table, who
from desk.cli.incidents import FactOption, Ref, approve, read_facts, reject, roles_of

if TYPE_CHECKING:
    from desk.desk import Desk
    from desk.previewing import Preview

app = typer.Typer(help="Preview, draft, approve, correct, withdraw; see what is public.", no_args_is_help=True)
app.command("approve")(approve)
app.command("reject")(reject)
app.command("pack")(packs.pack)
app.command("verify")(packs.verify)

Name = Annotated[str, typer.Argument(metavar="ST-n", help="The statement.")]
Channels = Annotated[list[str], typer.Option("--channel", help="Only there; as often as needed.")]
Languages = Annotated[list[str], typer.Option("--language", help="Only in it; as often as needed.")]
Role = Annotated[str, typer.Option("--as", help="The role you act in, such as comms_lead.")]
Anyway = Annotated[str, typer.Option(help="Why words that the lint stops are published all the same; on the record.")]
TextFile = Annotated[str, typer.Option("--text-file", help="File with the text, UTF-8; - is standard input.")]


@app.command()
def preview(
    playbook: Annotated[str, typer.Argument(help="Name of the playbook, such as it-outage.")],
    message: Annotated[str, typer.Argument(help="holding, update, correction, resolution, apology, rights …")],
    channel: Channels = [],  # noqa: B006 - typer reads the default, nobody changes it
    language: Languages = [],  # noqa: B006
    fact: FactOption = [],  # noqa: B006
    drill: Annotated[bool, typer.Option("--drill", help="As in a drill.")] = False,
    json: Json = False,
) -> None:
    """Show a message as each channel would get it, with its length and what the lint finds. Posts nothing.

    Exit code 1 when something in it must not be published.

    Example: irrops statement preview it-outage holding --channel x --language es --fact stations=AMS
    """
    with open_desk() as (desk, _):
        from desk.previewing import preview as show_preview

        book = desk.library.get(playbook)[0]
        shown = show_preview(
            book, desk.crew.house, message, read_facts(fact), desk.clock.now(), channel, language, drill=drill
        )
        if json:
            show_json([one.plain() for one in shown])
        else:
            print("\n\n".join(_as_text(one) for one in shown))
        if any(one.stopped for one in shown):
            raise typer.Exit(1)


def _as_text(one: "Preview") -> str:
    lines = []
    for number, (text, length) in enumerate(zip(one.parts, one.lengths, strict=True), 1):
        part = f", part {number} of {len(one.parts)}" if len(one.parts) > 1 else ""
        lines += [f"── {one.channel} in {one.language}{part}: {length} ──", text]
    lines += [f"{'STOP' if f.level == 'stop' else 'advice'} ({f.rule}): {f.text}" for f in one.findings]
    return "\n".join(lines if one.findings else [*lines, "lint: nothing found"])


@app.command("list")
def list_(incident: Ref, json: Json = False) -> None:
    """List the statements of an incident, the newest last."""
    with open_desk() as (desk, _):
        from desk.speaking import statements

        found = statements(desk, incident)
        if json:
            show_json(
                [one.model_dump(mode="json", exclude={"version", "texts"}) | {"statement": one.ref} for one in found]
            )
        elif not found:
            say(f"Nothing was drafted for {incident} yet.")
        else:
            head = ["statement", "message", "status", "drafted (UTC)", "live (UTC)", "approved by"]
            rows = [[s.ref, s.message, s.status, _at(s.drafted_at), _at(s.live_at), s.approved_by] for s in found]
            table(head, rows)


def _at(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


@app.command()
def show(statement: Name, json: Json = False) -> None:
    """Show a statement: its texts with length and lint, and its clock from declaration to live on each channel."""
    with open_desk() as (desk, _):
        _show(desk, statement, json)


def _show(desk: "Desk", name: str, json: bool) -> None:
    from desk.statement_view import as_json, as_text

    if json:
        show_json(as_json(desk, name))
    else:
        print(as_text(desk, name))


@app.command()
def draft(
    incident: Ref,
    message: Annotated[str, typer.Argument(help="holding, update, correction, resolution, apology, rights …")],
    channel: Channels = [],  # noqa: B006
    language: Languages = [],  # noqa: B006
    by: By = "",
    json: Json = False,
) -> None:
    """Draft a message beside the playbook; those who approve are asked.

    Example: irrops statement draft INC-1 update
    """
    with open_desk() as (desk, settings):
        from desk.speaking import draft as start

        there = start(desk, incident, message, who(by), channel, language)
        go_round(desk, settings)
        _show(desk, there.ref, json)


@app.command()
def edit(
    statement: Name,
    text_file: TextFile,
    channel: Channels = [],  # noqa: B006
    language: Annotated[str, typer.Option("--language", help="Language of the text.")] = "en",
    anyway: Anyway = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Put other words into a draft, on the channels named, else on all; those who approve are asked anew.

    Example: irrops statement edit ST-3 --text-file new.txt --channel x --language en
    """
    with open_desk() as (desk, settings):
        there, text = desk.statement(statement), read_text(text_file)
        named = channel or [one.channel for one in there.texts if one.language == language]
        desk.edit(statement, {(name, language): text for name in named}, who(by), anyway)
        go_round(desk, settings)
        _show(desk, statement, json)


@app.command()
def live(
    incident: Ref,
    look: Annotated[bool, typer.Option("--look", help="Look at every post first, whether it still stands.")] = False,
    json: Json = False,
) -> None:
    """Show what the public sees now: by channel and language, how old, where channels differ, with links."""
    with open_desk() as (desk, settings):
        from desk import speaking
        from desk.statement_view import live_as_json, live_as_text

        if look:
            speaking.look(desk, incident)
            go_round(desk, settings)
        shown = speaking.live(desk, incident)
        if json:
            show_json(live_as_json(shown))
        else:
            print(live_as_text(desk, incident, shown))


@app.command()
def correct(
    incident: Ref,
    text_file: Annotated[
        str,
        typer.Option("--text-file", help="The new text, UTF-8; - is standard input. Sections: a line `--- nl` each."),
    ],
    language: Annotated[str, typer.Option(help="Language of a text without sections.")] = "en",
    changed: Annotated[str, typer.Option(help="What changed, in a sentence, where the texts don't show it.")] = "",
    anyway: Anyway = "",
    role: Role = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Correct what is public, on every channel and in every language at once, and say what changed.

    Example: irrops statement correct INC-1 --text-file new.txt --as comms_lead
    """
    with open_desk() as (desk, settings):
        from desk.speaking import correct as put_right

        words = sections(read_text(text_file), language)
        there = put_right(desk, incident, words, who(by), roles_of(desk, role, by), changed, anyway)
        say(f"{there.ref} corrects what is public." if there.approved_at else f"{there.ref} waits for approval.")
        go_round(desk, settings)
        _show(desk, there.ref, json)


@app.command()
def withdraw(
    statement: Name,
    reason: Annotated[str, typer.Option(help="Why; it stays on the record.")],
    role: Role = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Take a statement away from the public wherever that can be done; it stays on the record.

    Example: irrops statement withdraw ST-3 --reason "the number of flights is wrong" --as comms_lead
    """
    with open_desk() as (desk, settings):
        from desk.speaking import withdraw as take_back

        there = take_back(desk, statement, who(by), roles_of(desk, role, by), reason)
        go_round(desk, settings)
        _show(desk, there.ref, json)


MOST = 64_000
"""Bytes of a text; no channel takes more."""


def read_text(name: str) -> str:
    """Read a text from a file or standard input. Raises NotAllowed."""
    from engine.incident import NotAllowed

    try:
        raw = sys.stdin.buffer.read(MOST + 1) if name == "-" else Path(name).read_bytes()
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise NotAllowed(f"{name} can't be read: {why}.") from None
    if len(raw) > MOST:
        raise NotAllowed(f"{name} is larger than {MOST // 1000} kB; no channel takes that.")
    if not text:
        raise NotAllowed(f"{name} is empty; write what is right, and when the next word comes.")
    return text


_SECTION = re.compile(r"^---\s*([a-z]{2,3})\s*$", re.MULTILINE)


def sections(text: str, language: str) -> dict[str, str]:
    """Read `--- en` … `--- nl` … into language → text; without sections all of it is in `language`."""
    from engine.incident import NotAllowed

    begin, *rest = _SECTION.split(text)
    if not rest:
        return {language: text}
    if begin.strip():
        raise NotAllowed("The file has text before its first section; begin with a line such as --- en.")
    words = dict(zip(rest[::2], (part.strip() for part in rest[1::2]), strict=True))
    if len(words) < len(rest) // 2:
        raise NotAllowed("The file has a language twice; write one section for each.")
    return words

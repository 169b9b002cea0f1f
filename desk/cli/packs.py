"""`irrops statement pack` and `irrops statement verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import By, Json, open_desk, say, show_json, who

if TYPE_CHECKING:
    from desk.verifying import Verdict

KEYS = {
    "given": "the key that you gave",
    "house": "this house's own key",
    "other": "another key",
    "unknown": "a key that nothing here knows",
    "none": "no key",
}


def pack(
    incident: Annotated[str, typer.Argument(metavar="INC-n", help="The incident.")],
    out: Annotated[Path, typer.Option(help="File to write, such as pack.zip.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    by: By = "",
    json: Json = False,
) -> None:
    """Pack everything that was said, when, where, and who approved it, into one signed archive.

    Example: irrops statement pack INC-1 --out pack.zip
    """
    from desk import packing
    from desk.signing_key import signing_key

    with open_desk() as (desk, settings):
        made = packing.pack(desk, incident, out, key=signing_key(settings), by=who(by), force=force)
    manifest = made.manifest
    if json:
        show_json(
            {
                "file": str(out),
                "statements": made.statements,
                "texts": made.texts,
                "sandboxed": made.sandboxed,
                **manifest.model_dump(mode="json"),
            }
        )
        return
    print(f"{out}: {manifest.incident}, {made.statements} statement(s), {made.texts} post(s) sent")
    print(f"signed with {manifest.key}")
    if made.sandboxed:
        say(f"SANDBOX: {made.sandboxed} posts left the house nowhere, and the pack says so.")
    if manifest.live:
        say(f"{manifest.incident} still goes on: pack it again when it is over.")


def verify(
    file: Annotated[Path, typer.Argument(metavar="PACK", help="The pack, as it was received.")],
    key: Annotated[
        Path | None, typer.Option(help="Public key that must have signed it (PEM); default: this house's own.")
    ] = None,
    json: Json = False,
) -> None:
    """Check that nothing in a pack was changed, and who signed it; exit code 1 when something is wrong.

    Example: irrops statement verify pack.zip --key airline.pem
    """
    from desk.settings import load
    from desk.signing_key import house_key
    from desk.verifying import verify as judge

    verdict = judge(file, key, None if key else house_key(load()))
    if json:
        show_json({"good": verdict.good, **verdict.model_dump(mode="json")})
    else:
        print("\n".join(_lines(verdict)))
    if not verdict.good:
        raise typer.Exit(1)


def _lines(verdict: "Verdict") -> list[str]:
    from desk.verifying import printable

    if not verdict.good:
        return [f"BAD  {verdict.file}", *(f"  {problem}" for problem in verdict.problems)]
    lines = [f"ok   {verdict.file}"]
    if manifest := verdict.manifest:
        about = f"{manifest.incident} {manifest.title}, {manifest.organisation}"
        lines += [
            f"  {printable(about)}{'; it still went on' if manifest.live else ''}",
            f"  made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by {printable(manifest.made_by)},"
            f" irrops {printable(manifest.irrops)}",
            f"  {verdict.statements} statement(s), {verdict.texts} post(s) sent, each as it was approved",
            *(
                [f"  {verdict.sandboxed} posts were sent in a sandbox: nobody outside read them"]
                * bool(verdict.sandboxed)
            ),
            f"  {len(manifest.sha256)} files, none changed",
        ]
    return [*lines, f"  signed with {KEYS[verdict.key]}, {verdict.fingerprint}"]

"""Packing: writes everything that was said for an incident into one signed archive, the same bytes for the same facts.

What it holds is in `engine.pack`, how it is checked in `desk.verifying`, the key in `desk.signing_key`.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desk import pack_page
from desk.signing_key import fingerprint, pem
from engine.effects import Effect
from engine.incident import NotAllowed, number_of
from engine.pack import build
from engine.pack_document import Document, Line
from engine.people import Person
from engine.record import Instant, Value
from engine.statements import Statement
from engine.timeline import Entry
from engine.wording import zone_of

if TYPE_CHECKING:
    from desk.desk import Desk

FORMAT: Literal["irrops-pack/1"] = "irrops-pack/1"
MANIFEST, SIGNATURE, KEY, STATEMENTS = "manifest.json", "manifest.sig", "public_key.pem", "statements.json"
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The first instant that a zip can name; when the pack was made is in its manifest."""


class Manifest(Value):
    """What a pack holds, and who says so."""

    format: Literal["irrops-pack/1"] = FORMAT
    incident: str
    title: str
    organisation: str
    live: bool
    """The incident still went on."""
    made_at: Instant
    made_by: str
    irrops: str
    key: str
    """Fingerprint of the key that signs."""
    sha256: dict[str, str]
    """File → SHA-256, hexadecimal. Nothing else in the manifest looks like this: README.txt reads it with `sed`."""
    size: dict[str, int]
    """File → bytes."""


@dataclass(frozen=True)
class Packed:
    """A pack that was made."""

    manifest: Manifest
    content: bytes
    statements: int
    texts: int
    """Posts that reached the public."""
    sandboxed: int
    """Posts that were recorded and left the house nowhere."""


def pack(desk: "Desk", ref: str, out: Path, *, key: Ed25519PrivateKey, by: str, force: bool = False) -> Packed:
    """Pack an incident into a file. Raises NotAllowed, OSError.

    A live incident can be packed too, and the pack says so. A file that is there stays unless `force`.
    """
    _may_write(out, force)
    made = packed(desk, ref, key=key, by=by)
    _write(out, made.content, force)
    return made


def packed(desk: "Desk", ref: str, *, key: Ed25519PrivateKey, by: str) -> Packed:
    """Pack an incident in memory. Raises NotAllowed."""
    document, lines = gather(desk, ref)
    files = _files(document, lines, key)
    about = document.incident
    manifest = Manifest(
        incident=about.ref,
        title=about.title,
        organisation=about.organisation,
        live=about.live,
        made_at=document.as_of.utc,
        made_by=by,
        irrops=version("irrops"),
        key=fingerprint(key.public_key()),
        sha256={name: sha256(content).hexdigest() for name, content in sorted(files.items())},
        size={name: len(content) for name, content in sorted(files.items())},
    )
    signed = _json(manifest.model_dump(mode="json"))
    content = archive({**files, MANIFEST: signed, SIGNATURE: key.sign(signed)})
    sent = sum(one.public for one in document.publications)
    return Packed(manifest, content, len(document.statements), sent, sum(one.sandbox for one in document.publications))


def gather(desk: "Desk", ref: str) -> tuple[Document, tuple[Line, ...]]:
    """Gather what was said, and the timeline about it. Raises NotAllowed.

    Effects are read first: what was sent by then had been approved before, so no pack shows a post without approval.
    """
    number, house = number_of(ref), desk.crew.house
    incident = desk.store.incident(number)
    effects = desk.store.all(Effect, incident=number)
    statements = desk.store.all(Statement, incident=number)
    return build(
        incident,
        statements,
        effects,
        desk.store.all(Entry, incident=number),
        desk.store.all(Person),
        now=desk.clock.now().astimezone(UTC),
        zone=zone_of(incident.facts, house.station_zones, house.time_zone),
        organisation=house.name,
    )


def archive(files: Mapping[str, bytes]) -> bytes:
    """Write a zip: by name, stored as they are, without times; so the same files are the same bytes on any machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _BEGINNING)
            entry.create_system = 3  # Unix, whatever made it
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, files[name])
    return buffer.getvalue()


def _files(document: Document, lines: Sequence[Line], key: Ed25519PrivateKey) -> dict[str, bytes]:
    mark = fingerprint(key.public_key())
    return {
        STATEMENTS: _json(document.model_dump(mode="json")),
        "timeline.json": _json([line.model_dump(mode="json") for line in lines]),
        "index.html": pack_page.page(document, lines, mark).encode(),
        "README.txt": pack_page.readme(document, mark).encode(),
        KEY: pem(key.public_key()),
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


# ---------------------------------------------------------------- the file


def _may_write(out: Path, force: bool) -> None:
    if out.is_dir():
        raise NotAllowed(f"{out} is a folder; name a file in it, such as {out / 'pack.zip'}.")
    if not out.parent.is_dir():
        raise NotAllowed(f"{out.parent} is not there; make the folder first, or name another file.")
    if out.exists() and not force:
        raise NotAllowed(f"{out} is there already; name another file, or say --force to replace it.")


def _write(out: Path, content: bytes, force: bool) -> None:
    """Write the whole file or none. A hard link would do so too, but not on a memory stick."""
    target = out.with_name(f".{out.name}.{os.getpid()}") if force else out
    try:
        with target.open("xb") as file:
            try:
                file.write(content)
                file.flush()
            except OSError:
                target.unlink()
                raise
    except FileExistsError:
        raise NotAllowed(f"{target} is there already; name another file, or say --force to replace it.") from None
    if force:
        target.replace(out)

"""Verifying a pack: that nothing in it was changed, and whose it is. Needs no database and no incident, writes nothing.

What a pack holds is in `desk.packing`. A pack comes from outside: nothing of it is unpacked to disk or believed before
it was checked.
"""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from desk.packing import KEY, MANIFEST, SIGNATURE, STATEMENTS, Manifest, archive
from desk.signing_key import KeyFileError, fingerprint, public_key
from engine.incident import NotAllowed
from engine.pack_document import Document, unlike
from engine.record import Value

MOST_BYTES = 128 * 1024 * 1024
"""Of the archive, and of all its files together. Six days of updates on ten channels in four languages take 30 MB."""
MOST_FILES = 32
_LOCKED = 1
"""The bit of a zip entry's flags that says it is encrypted."""


class Unreadable(NotAllowed):
    """What was given is no pack at all."""


class Verdict(Value):
    """What can be said of a pack."""

    file: str
    problems: tuple[str, ...]
    """One sentence each; empty when all is well."""
    fingerprint: str = ""
    """Of the key that signed it; empty when no signature belongs to it."""
    key: Literal["given", "house", "other", "unknown", "none"] = "none"
    """Whose key that is. `unknown`: there was nothing to compare it with. `none`: no key signed this."""
    manifest: Manifest | None = None
    statements: int = 0
    texts: int = 0
    """Posts that it says reached the public."""
    sandboxed: int = 0
    """Posts that it says left the house nowhere."""

    @property
    def good(self) -> bool:
        return not self.problems


def verify(path: Path, key: Path | None = None, house: Ed25519PublicKey | None = None) -> Verdict:
    """Check a pack in every respect. Raises Unreadable, KeyFileError, OSError.

    `key` is a file with the public key that must have signed it; without one it is `house`, this house's own.
    """
    known = public_key(key.read_bytes(), str(key)) if key else house
    content = _content(path)
    files, problems = _files(content)
    if problems:
        return _verdict(path, problems)
    trust = _signature(files, known, given=key is not None)
    manifest, listed = _listed(files)
    document, said = _said(files, manifest) if manifest else (None, [])
    problems = [*trust.problems, *listed, *said]
    if not problems and archive(files) != content:
        problems.append(
            "the archive around the files was changed: packed anew, or bytes were added; the files are whole"
        )
    more: dict[str, object] = {"manifest": manifest}
    if document:
        posts = document.publications
        counts = {"texts": sum(one.public for one in posts), "sandboxed": sum(one.sandbox for one in posts)}
        more |= {"statements": len(document.statements), **counts}
    return _verdict(path, problems, fingerprint=trust.fingerprint, key=trust.key, **more)


def _verdict(path: Path, problems: list[str], **more: object) -> Verdict:
    return Verdict.model_validate({"file": str(path), "problems": tuple(map(printable, problems)), **more})


def printable(text: str) -> str:
    """Show what may hold anything on a terminal: without control characters, and not without end."""
    shown = "".join(each if each.isprintable() else "�" for each in text)
    return shown if len(shown) <= 300 else f"{shown[:299]}…"


# ---------------------------------------------------------------- the archive


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise Unreadable(f"{path} is a folder, or no plain file; name the pack itself, such as pack.zip.")
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise Unreadable(f"{path} is larger than {MOST_BYTES // 1024**2} MB; no pack is, so it was not opened.")
        content = file.read()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise Unreadable(f"{path} is no zip archive, or its end is damaged; get the pack anew.")
    return content


def _files(content: bytes) -> tuple[dict[str, bytes], list[str]]:
    """Read all files in memory, or say why they were not read. Raises Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            entries = zipped.infolist()
            problems = list(_unsafe(entries))
            if problems:
                return {}, problems
            return _read(zipped, entries)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise Unreadable(f"the archive can't be read ({printable(str(error))}); get the pack anew.") from None


def _unsafe(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    names = [entry.filename for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is in the archive twice, so that nobody can say which one is meant"
    for entry in entries:
        if _leads_away(entry):
            yield f"{entry.orig_filename} is no plain file of the archive's own folder: nothing was opened"
        elif entry.flag_bits & _LOCKED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield f"{entry.filename} is locked, or packed in a way that packs are not: nothing was opened"
    if len(entries) > MOST_FILES:
        yield f"it holds {len(entries)} files; a pack has at most {MOST_FILES}"
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        yield f"its files would take more than {MOST_BYTES // 1024**2} MB, which no pack does: nothing was opened"


def _leads_away(entry: zipfile.ZipInfo) -> bool:
    """Whether unpacking an entry could write somewhere else, or make anything but a file."""
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    strange = name != entry.orig_filename or bool(set(name) & set("/\\:"))
    return strange or name in ("", ".", "..") or kind not in (0, stat.S_IFREG)


def _read(zipped: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> tuple[dict[str, bytes], list[str]]:
    """Read each file, and no more of it than the size that `_unsafe` has added up: a size that lies is no bomb."""
    files, problems = {}, []
    for entry in entries:
        try:
            with zipped.open(entry) as file:
                files[entry.filename] = file.read(entry.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            problems.append(f"{entry.filename} was changed: its bytes are not even those that the archive counted")
    return files, problems


# ---------------------------------------------------------------- whose it is


class _Trust(Value):
    fingerprint: str = ""
    key: Literal["given", "house", "other", "unknown", "none"] = "none"
    problems: tuple[str, ...] = ()


def _signature(files: Mapping[str, bytes], known: Ed25519PublicKey | None, *, given: bool) -> _Trust:
    """Say whose signature stands under the manifest. Without a key to compare with, that is nobody's word."""
    missing = [name for name in (MANIFEST, SIGNATURE) if name not in files]
    if missing:
        return _Trust(problems=tuple(f"{name} is missing: nothing says what was signed" for name in missing))
    if known and _signed(files, known):
        return _Trust(fingerprint=fingerprint(known), key="given" if given else "house")
    own = _own_key(files)
    if own is None or not _signed(files, own):
        return _Trust(problems=(f"{MANIFEST} or {SIGNATURE} was changed: the signature does not belong to it",))
    mark = fingerprint(own)
    if known is None:
        text = f"nothing here says whose key {mark} is: ask the airline for its public key and say --key FILE"
        return _Trust(fingerprint=mark, key="unknown", problems=(text,))
    whose = "the one that you gave" if given else "this house's own"
    text = f"it was signed with another key, {mark}, and not with {whose}, {fingerprint(known)}"
    return _Trust(fingerprint=mark, key="other", problems=(text,))


def _own_key(files: Mapping[str, bytes]) -> Ed25519PublicKey | None:
    try:
        return public_key(files.get(KEY, b""), KEY)
    except KeyFileError:
        return None


def _signed(files: Mapping[str, bytes], key: Ed25519PublicKey) -> bool:
    try:
        key.verify(files[SIGNATURE], files[MANIFEST])
    except InvalidSignature:
        return False
    return True


# ---------------------------------------------------------------- what it holds


def _listed(files: Mapping[str, bytes]) -> tuple[Manifest | None, list[str]]:
    """Compare the files with the manifest."""
    if MANIFEST not in files:
        return None, []
    try:
        manifest = Manifest.model_validate_json(files[MANIFEST])
    except ValidationError as error:
        return None, [f"{MANIFEST} is not what this irrops writes ({_first(error)}); README.txt says how to go on"]
    there, wanted = set(files) - {MANIFEST, SIGNATURE}, set(manifest.sha256)
    problems = [f"{name} was added: the manifest does not name it" for name in sorted(there - wanted)]
    problems += [f"{name} is missing: the manifest names it" for name in sorted(wanted - there)]
    for name in sorted(there & wanted):
        same = sha256(files[name]).hexdigest() == manifest.sha256[name] and len(files[name]) == manifest.size.get(name)
        if not same:
            problems.append(f"{name} was changed: it is not the file that was signed")
    return manifest, problems


def _said(files: Mapping[str, bytes], manifest: Manifest) -> tuple[Document | None, list[str]]:
    """Compare what was sent with what was approved, and the document with its manifest; nothing of a changed one."""
    if sha256(files.get(STATEMENTS, b"")).hexdigest() != manifest.sha256.get(STATEMENTS):
        return None, []
    try:
        document = Document.model_validate_json(files[STATEMENTS])
    except ValidationError as error:
        return None, [f"{STATEMENTS} is not what this irrops writes ({_first(error)})"]
    problems = unlike(document)
    if document.incident.ref != manifest.incident:
        problems.append(f"{STATEMENTS} is about {document.incident.ref}, its manifest about {manifest.incident}")
    return document, problems


def _first(error: ValidationError) -> str:
    wrong = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, wrong['loc'])) or 'the whole'}: {wrong['msg']}"

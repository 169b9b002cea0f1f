"""Verifying a pack: whatever was changed is named, whoever signed it, and nothing that comes in does harm."""

import io
import json
import random
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from desk.packing import archive
from desk.signing_key import KeyFileError, pem
from desk.verifying import Unreadable, Verdict, verify
from tests.unit.packed import CORRECTED, CORRECTION, FIRST, HOUSE, STRANGER, a_pack, effect, wording, written
from tests.unit.test_pack import pkcs8, rsa_key

PACK = a_pack().content


def opened(content: bytes = PACK) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Verdict]:
    """Verify bytes as a pack, with the house's key to compare with."""

    def judge(content: bytes, key: Path | None = None, house: object = HOUSE) -> Verdict:
        return verify(written(tmp_path, content), key, house.public_key() if house else None)

    return judge


def forged(**changes: bytes | None) -> bytes:
    """The pack with files changed, added, or (None) left out."""
    files = {**opened(), **{name.replace("__", "."): content for name, content in changes.items()}}
    return archive({name: content for name, content in files.items() if content is not None})


def signed_anew(key: object, **changes: bytes) -> bytes:
    """The pack with files changed, its manifest put right, and all of it signed by a key."""
    files = {**opened(), **{name.replace("__", "."): content for name, content in changes.items()}}
    files["public_key.pem"] = pem(key.public_key())
    manifest = json.loads(files["manifest.json"])
    for name in manifest["sha256"]:
        manifest["sha256"][name] = sha256(files[name]).hexdigest()
        manifest["size"][name] = len(files[name])
    files["manifest.json"] = json.dumps(manifest).encode()
    return archive({**files, "manifest.sig": key.sign(files["manifest.json"])})


# ---------------------------------------------------------------- whole


def test_a_pack_as_it_was_made_is_good(judged):
    verdict = judged(PACK)
    assert verdict.problems == ()
    assert (verdict.key, verdict.statements, verdict.texts, verdict.sandboxed) == ("house", 4, 4, 1)
    assert verdict.manifest.incident == "INC-1"


def test_the_given_key_counts_and_not_the_house(judged, tmp_path: Path):
    key = written(tmp_path, pem(HOUSE.public_key()), "airline.pem")
    assert judged(PACK, key, STRANGER).key == "given"
    other = written(tmp_path, pem(STRANGER.public_key()), "other.pem")
    (problem,) = judged(PACK, other, HOUSE).problems
    assert "signed with another key" in problem
    assert "the one that you gave" in problem


# ---------------------------------------------------------------- changed


@pytest.mark.parametrize("name", [name for name in opened() if not name.startswith("manifest")])
def test_a_changed_file_is_named(judged, name: str):
    content = opened()[name]
    (problem,) = judged(forged(**{name.replace(".", "__"): content[:-2] + b"#" + content[-1:]})).problems
    assert problem == f"{name} was changed: it is not the file that was signed"


@pytest.mark.parametrize("name", ["index.html", "statements.json", "public_key.pem", "README.txt", "timeline.json"])
def test_a_missing_file_is_named(judged, name: str):
    assert judged(forged(**{name.replace(".", "__"): None})).problems == (f"{name} is missing: the manifest names it",)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_without_manifest_or_signature_nothing_is_good(judged, name: str):
    assert (
        f"{name} is missing: nothing says what was signed" in judged(forged(**{name.replace(".", "__"): None})).problems
    )


def test_an_added_file_is_named(judged):
    assert judged(forged(apology__html=b"We never said that.")).problems == (
        "apology.html was added: the manifest does not name it",
    )


def test_a_changed_manifest_is_named_even_when_it_agrees_with_the_files(judged):
    html = opened()["index.html"].replace(b"We are aware", b"We knew nothing")
    manifest = json.loads(opened()["manifest.json"])
    manifest["sha256"]["index.html"], manifest["size"]["index.html"] = sha256(html).hexdigest(), len(html)
    changed = forged(index__html=html, manifest__json=json.dumps(manifest, indent=1).encode() + b"\n")
    (problem,) = judged(changed).problems
    assert problem == "manifest.json or manifest.sig was changed: the signature does not belong to it"


def test_a_pack_signed_again_with_another_key_is_named(judged):
    html = opened()["index.html"].replace(b"We are aware", b"We knew nothing")
    verdict = judged(signed_anew(STRANGER, index__html=html))
    (problem,) = verdict.problems
    assert verdict.key == "other"
    assert "signed with another key" in problem
    assert "this house's own" in problem


def test_a_key_that_nobody_knows_is_nobodys_word(judged):
    verdict = judged(PACK, house=None)
    assert verdict.key == "unknown"
    (problem,) = verdict.problems
    assert "--key FILE" in problem
    assert verdict.fingerprint in problem


def test_a_signature_of_another_pack_is_named(judged):
    other = opened(a_pack(severity="SEV1").content)["manifest.sig"]
    assert "the signature does not belong to it" in judged(forged(manifest__sig=other)).problems[0]


@pytest.mark.parametrize("signature", [b"", b"x" * 64, b"x" * 65, b"x" * 100_000])
def test_any_bytes_as_a_signature(judged, signature: bytes):
    assert "the signature does not belong to it" in judged(forged(manifest__sig=signature)).problems[0]


def test_no_changed_byte_passes(judged):
    """Everywhere in the archive, its headers too: 500 places by chance and all of the last 300."""
    places = [*random.Random(4).sample(range(len(PACK)), 500), *range(len(PACK) - 300, len(PACK))]
    for place in places:
        changed = bytearray(PACK)
        changed[place] ^= 1 << place % 8
        try:
            verdict = judged(bytes(changed))
        except Unreadable:
            continue
        assert not verdict.good, place


@pytest.mark.parametrize("length", [0, 1, 21, 22, len(PACK) // 2, len(PACK) - 1])
def test_a_pack_that_was_cut_short_is_not_readable(judged, length: int):
    with pytest.raises(Unreadable):
        judged(PACK[:length])


@pytest.mark.parametrize("changed", [b"#!/bin/sh\n" + PACK, PACK + b"more", PACK[:-2] + b"\x04\x00note"])
def test_bytes_around_the_files_are_named(judged, changed: bytes):
    assert judged(changed).problems == (
        "the archive around the files was changed: packed anew, or bytes were added; the files are whole",
    )


def test_a_pack_packed_anew_says_that_its_files_are_whole(judged):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in opened().items():
            zipped.writestr(name, content)
    (problem,) = judged(buffer.getvalue()).problems
    assert "packed anew" in problem


# ---------------------------------------------------------------- what it says of itself


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ({"effects": [effect(FIRST, wording("slack", "en", "Not approved."), 4)]}, "is not the text that was approved"),
        (
            {"statements": [CORRECTION.model_copy(update={"approved_at": None})], "effects": [CORRECTED]},
            "nobody approved it",
        ),
    ],
    ids=["another text", "no approval"],
)
def test_a_good_signature_does_not_make_it_true(judged, records: dict, says: str):
    verdict = judged(a_pack(**records).content)
    assert verdict.key == "house"
    assert any(says in problem for problem in verdict.problems)


def test_statements_of_another_incident_are_named(judged):
    other = opened(a_pack(number=2).content)["statements.json"]
    assert judged(signed_anew(HOUSE, statements__json=other)).problems == (
        "statements.json is about INC-2, its manifest about INC-1",
    )


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format": "irrops-statements/2"}'])
def test_statements_of_another_shape_are_one_sentence(judged, text: bytes):
    (problem,) = judged(signed_anew(HOUSE, statements__json=text)).problems
    assert problem.startswith("statements.json is not what this irrops writes")
    assert len(problem) <= 300


def test_a_manifest_of_another_shape_is_one_sentence(judged):
    files = opened()
    for text in (
        b"{}",
        b"[" * 100_000,
        b'{"format": "irrops-pack/9"}',
        files["manifest.json"].replace(b'"live"', b'"dead"'),
    ):
        changed = archive({**files, "manifest.json": text, "manifest.sig": HOUSE.sign(text)})
        (problem,) = judged(changed).problems
        assert problem.startswith("manifest.json is not what this irrops writes")


def test_what_is_printed_can_not_paint_the_terminal(judged):
    problems = judged(forged(**{"\x1b[2J\u202egood": b"x"})).problems
    assert len(problems) == 1
    assert all(problem.isprintable() for problem in problems)


# ---------------------------------------------------------------- archives that would do harm


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/../../evil", "C:evil", "a\\b", "folder/", "..", "evil\x00.txt"]
)
def test_a_name_that_leads_away_is_not_opened(judged, name: str):
    made = zipped(*opened().items(), (zipfile.ZipInfo(name.replace("\0", "#")), b"x"))
    (problem,) = judged(made.replace(name.replace("\0", "#").encode(), name.encode())).problems
    assert "nothing was opened" in problem


def test_a_link_is_not_opened(judged):
    (problem,) = judged(zipped(*opened().items(), (link("index2.html"), b"/etc/passwd"))).problems
    assert "no plain file" in problem


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_named(judged):
    assert judged(zipped(*opened().items(), ("index.html", b"x"))).problems == (
        "index.html is in the archive twice, so that nobody can say which one is meant",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_compression_is_not_opened(judged, method: int):
    assert "a way that packs are not" in judged(zipped(*opened().items(), method=method)).problems[0]


def test_too_many_files_are_not_opened(judged):
    assert judged(zipped(*((f"{number}.txt", b"") for number in range(5000)))).problems == (
        "it holds 5000 files; a pack has at most 32",
    )


def test_a_bomb_that_says_so_is_not_opened(judged):
    bomb = zipped(("index.html", bytes(200 * 1024 * 1024)), method=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    verdict = judged(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "128 MB" in verdict.problems[0]
    assert peak < 5 * 1024 * 1024


def test_a_bomb_that_lies_about_its_size_is_cut(judged):
    bomb = zipped(("index.html", bytes(200 * 1024 * 1024)), method=zipfile.ZIP_DEFLATED)
    lying = bomb.replace((200 * 1024 * 1024).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != bomb
    tracemalloc.start()
    verdict = judged(lying)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.problems[0].startswith("index.html was changed")
    assert peak < 5 * 1024 * 1024


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_is_one_sentence(judged, content: bytes):
    with pytest.raises(Unreadable, match="no zip archive"):
        judged(content)


def test_an_empty_zip_is_no_pack(judged):
    assert len(judged(zipped()).problems) == 2


def test_what_is_too_large_is_not_read(tmp_path: Path):
    huge = tmp_path / "pack.zip"
    with huge.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    with pytest.raises(Unreadable, match="larger than 128 MB"):
        verify(huge)


def test_a_folder_and_a_missing_file_are_one_sentence(tmp_path: Path):
    with pytest.raises(Unreadable, match="is a folder"):
        verify(tmp_path)
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "none.zip")


@pytest.mark.parametrize("text", [b"", b"nonsense", pkcs8(HOUSE), rsa_key()])
def test_a_key_that_is_no_public_key_is_one_sentence(judged, tmp_path: Path, text: bytes):
    with pytest.raises(KeyFileError):
        judged(PACK, written(tmp_path, text, "airline.pem"))


# ---------------------------------------------------------------- without irrops


def told(folder: Path) -> dict[str, str]:
    """The commands of README.txt by their first word."""
    lines = (folder / "README.txt").read_text().splitlines()
    commands = [line.strip() for line in lines if line.startswith(("  openssl ", "  sed "))]
    names = ["signature", "files", "fingerprint"]
    return dict(zip(names, commands, strict=True))


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    for program in ("openssl", "sed", "sha256sum"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    archived = written(tmp_path, PACK)
    with zipfile.ZipFile(archived) as zipped:
        zipped.extractall(tmp_path / "pack")
    return tmp_path / "pack"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


def test_the_commands_of_the_readme_verify_it(unpacked: Path):
    commands = told(unpacked)
    signature = shell(commands["signature"], unpacked)
    assert (signature.returncode, signature.stdout.strip()) == (0, "Signature Verified Successfully"), signature.stderr
    files = shell(commands["files"], unpacked)
    assert sorted(files.stdout.splitlines()) == [
        f"{name}: OK" for name in ("README.txt", "index.html", "public_key.pem", "statements.json", "timeline.json")
    ]
    mark = shell(commands["fingerprint"], unpacked).stdout.split()[0]
    assert f"This pack was signed with SHA256:{mark}." in (unpacked / "README.txt").read_text()


def test_the_commands_of_the_readme_find_what_was_changed(unpacked: Path):
    commands = told(unpacked)
    page = unpacked / "index.html"
    page.write_bytes(page.read_bytes() + b" ")
    files = shell(commands["files"], unpacked)
    assert files.returncode == 1
    assert "index.html: FAILED" in files.stdout
    manifest = unpacked / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert shell(commands["signature"], unpacked).returncode != 0

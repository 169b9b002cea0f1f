"""A pack of an incident that was really run: through the desk, the command line and the API."""

import html
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from desk import api_packs
from desk.api import build
from desk.cli import packs
from desk.clock import HandClock
from desk.inbox import Inbox
from desk.library import Library
from desk.mistakes import sentence
from desk.packing import pack
from desk.people import import_people
from desk.settings import load
from desk.signing_key import pem, signing_key
from desk.verifying import Verdict, verify
from desk.wiring import crew
from engine.buttons import APPROVE, REJECT
from engine.effects import EffectState, Receipt
from engine.pack_document import Document
from engine.people_file import read as read_people
from engine.ports import Refused
from flows.crew import use
from integrations.sandbox import Sandbox
from tests.scenarios.conftest import CHANNELS, START, Scene
from tests.unit.test_api import headers, is_problem

TYPED = "Come to desk 12 & ask."


class Outage(Sandbox):
    """A channel that is connected, and answers posts in Dutch with a refusal for good."""

    sandbox = False

    def send(self, message: Any, key: str, base: Receipt | None = None) -> Receipt:
        if getattr(message, "language", "") == "nl":
            raise Refused("550 nobody@passenger.example is unknown here", permanent=True)
        made = super().send(message, key, base)
        return made.model_copy(update={"url": f"https://bluesky.example/{made.id}"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(folder: Path, root: Path) -> Iterator[Scene]:
    """Said with approval by a person, rejected, then by the pre-approved text; one channel fails in one language.

    One for all tests, which only read: it takes seconds.
    """
    clock, box = HandClock(START), folder / "sandbox"
    outside = {name: Sandbox(name, box) for name in CHANNELS} | {"bluesky": Outage("bluesky", box)}
    wired = crew(load(home=folder), clock, outside)
    use(wired)
    import_people(wired.store, read_people(root / "examples" / "people.csv"))
    desk = Scene(wired, Library(root / "playbooks"), clock, box)
    ref = desk.declare("it-outage", stations="AMS", detail_en="Check-in works at AMS only")
    first = statement(desk, ref, "holding")
    desk.pass_time(minutes=2)
    words = next(text.text for text in first.texts if (text.channel, text.language) == ("slack", "en"))
    desk.desk.edit(first.key, {("slack", "en"): f"{words}\n\n{TYPED}"}, by="carmen.herrero")
    desk.settle()
    lead = desk.holder("comms_lead")
    desk.pass_time(minutes=1)
    desk.desk.approve(first.key, lead.key, lead.roles)
    desk.settle()
    desk.pass_time(minutes=28)
    desk.desk.press(REJECT, statement(desk, ref, "update").key, lead.chat)
    desk.settle()
    desk.pass_time(minutes=45)
    yield desk
    use(None)
    wired.close()


def statement(desk: Scene, ref: str, message: str) -> Any:
    return [one for one in desk.desk.snapshot(ref).statements if one.message == message][-1]


def packed(desk: Scene, tmp_path: Path, name: str = "pack.zip") -> Path:
    pack(desk.desk, "INC-1", tmp_path / name, key=signing_key(load(home=tmp_path)), by="mia")
    return tmp_path / name


def judged(file: Path, home: Path) -> Verdict:
    return verify(file, house=signing_key(load(home=home)).public_key())


def read(file: Path) -> Document:
    with zipfile.ZipFile(file) as zipped:
        return Document.model_validate_json(zipped.read("statements.json"))


def test_an_edit_shows_the_words_until_then(run: Scene, tmp_path: Path) -> None:
    file = packed(run, tmp_path)
    first = next(one for one in read(file).statements if one.ref == "ST-1")
    (edit,) = first.edits
    (before,) = edit.before
    now = next(text.parts[0].text for text in first.texts if (text.channel, text.language) == ("slack", "en"))
    assert (before.channel, f"{before.text}\n\n{TYPED}") == ("slack", now)
    with zipfile.ZipFile(file) as zipped:
        page = zipped.read("index.html").decode()
    assert html.escape(before.text, quote=False) in page.replace(html.escape(now, quote=False), "")


def test_the_pack_tells_what_happened_and_verifies(run: Scene, tmp_path: Path) -> None:
    file = packed(run, tmp_path)
    assert judged(file, tmp_path).problems == ()
    document = read(file)
    assert [one.decision.how for one in document.statements] == ["person", "rejected", "preapproved"]
    first, rejected, late = document.statements
    lead = run.holder("comms_lead")
    assert first.decision.by
    assert (first.decision.by.name, first.decision.by.role) == (lead.name, "comms_lead")
    (edit,) = first.edits
    assert edit.by.key == "carmen.herrero"
    assert rejected.decision.by
    assert rejected.decision.by.name == lead.name
    assert late.decision.by is None
    assert "Check-in works at AMS only" not in late.model_dump_json()


def test_every_text_is_the_one_that_the_channel_got(run: Scene, tmp_path: Path) -> None:
    document = read(packed(run, tmp_path))
    got = {(post.statement, post.language, post.text) for post in run.bluesky.all("post")}
    told = {
        (stated.key, said.language, post.text)
        for stated in document.statements
        for said in stated.texts
        for post in said.publications
        if said.channel == "bluesky" and post.state is EffectState.SENT
    }
    assert told == got
    languages = {language for _, language, _ in got}
    assert {"en", "es"} <= languages
    assert "nl" not in languages
    assert sum(post.text.endswith(TYPED) for post in document.publications) == 1


def test_what_failed_says_why_without_the_address(run: Scene, tmp_path: Path) -> None:
    document = read(packed(run, tmp_path))
    failed = [
        said for one in document.statements for said in one.texts if (said.channel, said.language) == ("bluesky", "nl")
    ]
    assert failed[0].not_delivered == "failed: 550 (left out) is unknown here"
    with zipfile.ZipFile(tmp_path / "pack.zip") as zipped:
        whole = b"".join(zipped.read(name) for name in zipped.namelist()).decode(errors="replace")
    assert "passenger.example" not in whole
    for person in run.desk.everybody():
        if person.name in whole:
            assert "comms_lead" in person.roles or "deputy_comms_lead" in person.roles, person.name
        assert not person.chat or person.chat not in whole


def test_the_sandbox_is_told_from_the_world(run: Scene, tmp_path: Path) -> None:
    posts = read(packed(run, tmp_path)).publications
    assert {post.sandbox for post in posts if post.url.startswith("https://bluesky")} == {False}
    assert any(post.sandbox for post in posts)


def test_the_same_incident_at_the_same_time_is_the_same_file(run: Scene, tmp_path: Path) -> None:
    assert packed(run, tmp_path, "a.zip").read_bytes() == packed(run, tmp_path, "b.zip").read_bytes()


def test_a_post_that_is_sent_while_it_is_packed_is_never_without_its_approval(
    scene: Callable[..., Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two reads of the store somebody approves, and the posts go out."""
    desk = scene()
    ref = desk.declare("it-outage", stations="AMS")
    lead, first, read_all, done = desk.holder("comms_lead"), statement(desk, ref, "holding"), desk.desk.store.all, []

    def meanwhile(kind: type, *where: Any, **more: Any) -> Any:
        found = read_all(kind, *where, **more)
        if not done:
            done.append(kind)
            desk.desk.press(APPROVE, first.key, lead.chat)
            desk.settle()
        return found

    monkeypatch.setattr(desk.desk.store, "all", meanwhile)
    file = packed(desk, tmp_path)
    assert done
    assert judged(file, tmp_path).problems == ()


# ---------------------------------------------------------------- command line


@pytest.fixture
def irrops(run: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The two commands on the run's own home."""
    monkeypatch.setenv("IRROPS_HOME", str(folder))
    app = typer.Typer()
    app.command("pack")(packs.pack)
    app.command("verify")(packs.verify)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_pack_and_verify_on_the_command_line(irrops: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "pack.zip"
    made = irrops("pack", "INC-1", "--out", out)
    assert made.exit_code == 0, made.output
    assert "INC-1, 3 statement(s)" in made.stdout
    assert "INC-1 still goes on" in made.stderr
    assert "SANDBOX" in made.stderr
    checked = irrops("verify", out)
    assert checked.exit_code == 0, checked.output
    assert "this house's own key" in checked.stdout
    assert json.loads(irrops("verify", out, "--json").stdout)["good"] is True


def test_a_tampered_pack_ends_with_1_and_what_is_no_pack_with_2(irrops: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "pack.zip"
    irrops("pack", "INC-1", "--out", out)
    changed = bytearray(out.read_bytes())
    changed[changed.index(b"We are aware")] ^= 1
    (tmp_path / "changed.zip").write_bytes(changed)
    checked = irrops("verify", tmp_path / "changed.zip")
    assert checked.exit_code == 1
    assert "BAD" in checked.stdout
    assert "was changed" in checked.stdout
    (tmp_path / "none.zip").write_text("no zip")
    for wrong in ("none.zip", "missing.zip", "."):
        failed = irrops("verify", tmp_path / wrong)
        assert failed.exception
        assert sentence(failed.exception), wrong


def test_another_house_needs_the_key(
    irrops: Callable[..., Result], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, key = tmp_path / "pack.zip", tmp_path / "airline.pem"
    irrops("pack", "INC-1", "--out", out)
    key.write_bytes(pem(signing_key(load(home=folder)).public_key()))
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("IRROPS_HOME", str(elsewhere))
    unknown = irrops("verify", out)
    assert unknown.exit_code == 1
    assert "nothing here says whose key" in unknown.stdout
    assert irrops("verify", out, "--key", key).exit_code == 0
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("ref", "out"), [("INC-9", "a.zip"), ("INC-1", "no/such/a.zip"), ("INC-1", "."), ("x", "a.zip")]
)
def test_a_pack_that_can_not_be_is_one_sentence(
    irrops: Callable[..., Result], tmp_path: Path, ref: str, out: str
) -> None:
    failed = irrops("pack", ref, "--out", tmp_path / out)
    assert failed.exception
    assert sentence(failed.exception)


# ---------------------------------------------------------------- HTTP


@pytest.fixture
def api(run: Scene, folder: Path) -> Iterator[TestClient]:
    app = build(run.desk, load(home=folder), Inbox(run.desk))
    if not any(getattr(route, "path", "") == "/incidents/{ref}/pack" for route in app.routes):
        app.include_router(api_packs.router())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_the_api_gives_a_pack_that_verifies(api: TestClient, run: Scene, folder: Path, tmp_path: Path) -> None:
    got = api.get("/incidents/INC-1/pack", headers=headers(run.desk, "approver"))
    assert (got.status_code, got.headers["content-type"]) == (200, "application/zip")
    assert got.headers["content-disposition"] == 'attachment; filename="INC-1-statements.zip"'
    (tmp_path / "got.zip").write_bytes(got.content)
    verdict = judged(tmp_path / "got.zip", folder)
    assert verdict.problems == ()
    assert verdict.manifest
    assert verdict.manifest.made_by == "approver"
    with zipfile.ZipFile(io.BytesIO(got.content)) as zipped:
        assert "index.html" in zipped.namelist()


def test_who_may_have_it(api: TestClient, run: Scene) -> None:
    is_problem(api.get("/incidents/INC-1/pack"), 401)
    is_problem(api.get("/incidents/INC-1/pack", headers=headers(run.desk, "reader")), 403)
    is_problem(api.get("/incidents/INC-9/pack", headers=headers(run.desk)), 404, "INC-9")

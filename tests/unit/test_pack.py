"""What a pack says: everything, with who and when, and nobody's secrets; and how it is written to disk."""

import io
import json
import os
import resource
import stat
import threading
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from desk import packing
from desk.pack_page import page, readme
from desk.packing import gather
from desk.signing_key import KeyFileError, fingerprint, house_key, key_file, signing_key
from engine.incident import NotAllowed
from engine.pack_document import Document, digest, unlike
from tests.unit.packed import ENTRIES, ES, FIRST, HOUSE, SLACK, Records, a_pack, at, effect, entry, statement, wording

PRIVATE = (
    "@example.com",
    "passenger.example",
    "1234 5678",
    "12345678",
    "U0",
    "C0ROOM",
    "Eve Bystander",
    "Jane Roe",
    "12A",
    "Mia",
)
"""What no pack may hold: addresses, chat ids, people who decided nothing, facts of the incident."""


@pytest.fixture
def document() -> Document:
    return gather(Records(), "INC-1")[0]


def by_ref(document: Document) -> dict:
    return {one.ref: one for one in document.statements}


# ---------------------------------------------------------------- what it says


def test_everything_is_there_oldest_first(document: Document):
    assert [one.ref for one in document.statements] == ["ST-1", "ST-2", "ST-3", "ST-4"]
    assert [one.decision.how for one in document.statements] == ["person", "rejected", "person", "preapproved"]


def test_who_approved_in_which_role_and_when(document: Document):
    decision = by_ref(document)["ST-1"].decision
    assert (decision.by.name, decision.by.role) == ("Cora Example", "comms_lead")
    assert decision.at.utc == at(3)
    assert decision.at.local.isoformat() == "2026-11-24T04:13:00+01:00"


def test_the_role_on_the_timeline_goes_before_the_role_that_was_asked():
    approved = entry("StatementApproved", "ST-1 approved by Cora", 3, "first_word#1", "cora", role="duty_manager")
    decision = by_ref(gather(Records(entries=(*ENTRIES, approved)), "INC-1")[0])["ST-1"].decision
    assert (decision.by.name, decision.by.role) == ("Cora Example", "duty_manager")


def test_who_rejected_and_why(document: Document):
    decision = by_ref(document)["ST-2"].decision
    assert (decision.by.name, decision.by.role, decision.at.utc) == ("Dan Example", "deputy_comms_lead", at(12))
    assert decision.because == "the number of flights is wrong"
    assert by_ref(document)["ST-2"].texts[0].not_delivered == "never sent: the statement is rejected"


def test_edits_corrections_and_withdrawals(document: Document):
    first, correction = by_ref(document)["ST-1"], by_ref(document)["ST-3"]
    assert (first.drafted_by.key, correction.drafted_by.name) == ("irrops", "Dan Example")
    (edit,) = first.edits
    assert (edit.by.name, edit.at.utc) == ("Cora Example", at(2))
    assert (first.corrected_by, correction.corrects) == (("ST-3",), "ST-1")
    assert (correction.withdrawn.by.name, correction.withdrawn.at.utc) == ("Cora Example", at(40))
    assert correction.withdrawn.because == "AMS is still down"
    (text,) = correction.texts
    assert [one.how for one in text.publications] == ["amend"]
    (removal,) = text.removals
    assert (removal.at.utc, removal.reason) == (at(41), "the number was wrong")


def test_the_exact_text_of_every_part_with_link_and_receipt(document: Document):
    text = next(one for one in by_ref(document)["ST-1"].texts if one.channel == "bluesky" and one.language == "es")
    assert [part.text for part in text.parts] == list(ES.parts)
    second = text.publications[1]
    assert (second.part, second.text, second.sha256) == (2, ES.more[0], digest(ES.more[0]))
    assert (second.sent.utc, second.url, second.receipt) == (at(6), "https://bluesky.example/2", "at://2")
    assert text.not_delivered == ""


def test_what_was_not_delivered_says_why(document: Document):
    texts = {(one.channel, one.language): one for one in by_ref(document)["ST-1"].texts}
    assert texts["bluesky", "nl"].not_delivered.startswith("failed: 550 no mailbox")
    assert by_ref(document)["ST-4"].texts[0].not_delivered == "queued: slack answered 503"


def test_the_sandbox_is_not_called_public(document: Document):
    texts = {one.channel: one for one in by_ref(document)["ST-1"].texts}
    assert texts["status_page"].not_delivered == "sent in the sandbox: nothing left the house"
    assert (texts["status_page"].public, texts["slack"].public) == (False, True)
    assert sum(one.public for one in document.publications) == 4


def test_the_timeline_holds_what_is_about_statements_only():
    lines = gather(Records(), "INC-1")[1]
    assert [(one.kind, one.statement) for one in lines] == [
        ("StatementDrafted", "ST-1"),
        ("StatementEdited", "ST-1"),
        ("EffectSent", "ST-1"),
        ("EffectSent", "ST-1"),
        ("EffectFailed", "ST-1"),
        ("EffectDecided", "ST-1"),
        ("StatementRejected", "ST-2"),
        ("PostGone", "ST-1"),
        ("PromiseReminded", "ST-1"),
    ]


def test_nobodys_secrets_are_in_any_file():
    whole = a_pack().content.decode(errors="replace")
    assert "Cora Example" in whole
    assert "(left out)" in whole
    assert [secret for secret in PRIVATE if secret in whole] == []


def test_an_approver_whom_the_people_file_does_not_know_is_named_as_given():
    one = statement(1, "first_word#1", approved_by="night.desk@example.com")
    (stated,) = gather(Records(statements=[one], effects=[]), "INC-1")[0].statements
    assert (stated.decision.by.name, stated.decision.by.role) == ("night.desk", "")


def test_a_closed_incident_and_a_live_one_say_which_they_are():
    assert a_pack().manifest.live is True
    over = a_pack(status="reviewed")
    assert over.manifest.live is False
    assert b"still going on" in a_pack().content
    assert b"still going on" not in over.content


def test_it_reads_back_as_it_was_written(document: Document):
    assert Document.model_validate_json(document.model_dump_json()) == document


def test_an_incident_of_which_nothing_was_said_can_be_packed_too():
    made = a_pack(statements=[], effects=[])
    assert (made.statements, made.texts) == (0, 0)
    assert b"Nothing was drafted." in made.content


# ---------------------------------------------------------------- approved is sent


def test_what_was_approved_is_what_was_sent(document: Document):
    assert unlike(document) == []


def test_another_text_than_the_approved_one_is_named():
    other = effect(FIRST, wording("slack", "en", "Not what Cora approved."), 4)
    (found,) = unlike(gather(Records(effects=[other]), "INC-1")[0])
    assert found == "ST-1 on slack in en: the text that was sent is not the text that was approved"


@pytest.mark.parametrize("near", [SLACK.text + " ", SLACK.text.replace("e", "е"), SLACK.text + "\u200b"])
def test_one_byte_is_enough(near: str):
    assert unlike(gather(Records(effects=[effect(FIRST, wording("slack", "en", near), 4)]), "INC-1")[0])


def test_parts_of_a_thread_are_compared_each_with_its_own():
    swapped = ES.model_copy(update={"text": ES.more[0], "more": (ES.text,)})
    posts = [effect(FIRST, swapped, 4), effect(FIRST, swapped, 5, part=2)]
    assert len(unlike(gather(Records(effects=posts), "INC-1")[0])) == 2


@pytest.mark.parametrize("status", ["rejected", "drafted", "superseded"])
def test_what_was_sent_without_approval_is_named(status: str):
    one = statement(1, "first_word#1", SLACK, status=status, approved_at=None, approved_by="")
    (found,) = unlike(gather(Records(statements=[one], effects=[effect(one, SLACK, 4)]), "INC-1")[0])
    assert found.endswith("it was sent, but nobody approved it")


def test_a_hash_that_lies_is_named(document: Document):
    text = document.statements[0].texts[0]
    lying = text.model_copy(update={"parts": (text.parts[0].model_copy(update={"sha256": "0" * 64}),)})
    first = document.statements[0].model_copy(update={"texts": (lying,)})
    found = unlike(document.model_copy(update={"statements": (first,)}))
    assert found[0] == "ST-1 on slack in en: a text is not the one its SHA-256 was made from"


# ---------------------------------------------------------------- for readers


def test_the_page_escapes_what_people_wrote_and_runs_nothing(document: Document):
    html = page(document, gather(Records(), "INC-1")[1], "SHA256:x")
    assert "IT outage &lt;1&gt;" in html
    assert "&lt;b&gt;الآن&lt;/b&gt;" in html
    assert '<blockquote class="said" lang="ar" dir="auto">' in html
    assert "<script" not in html


def test_a_link_is_one_only_when_it_leads_to_the_web():
    receipts = ["javascript:alert(1)", "https://slack.example/1"]
    posts = [effect(FIRST, SLACK, 4, receipt={"id": "1", "url": url}) for url in receipts]
    bad, good = (page(gather(Records(effects=[one]), "INC-1")[0], (), "k") for one in posts)
    assert 'href="javascript' not in bad
    assert '<a href="https://slack.example/1" rel="noreferrer">' in good


def test_the_page_shows_a_text_that_differs():
    other = effect(FIRST, wording("slack", "en", "Not what Cora approved."), 4)
    html = page(gather(Records(effects=[other]), "INC-1")[0], (), "k")
    assert "not what was approved" in html
    assert "Not what Cora approved." in html


def test_the_page_gives_both_times_across_a_change_of_clocks():
    night = datetime.fromisoformat("2026-10-25T00:59:30+00:00")
    one = statement(1, "first_word#1", SLACK)
    posts = [effect(one, SLACK, sent_at=night + hour, state="sent") for hour in (timedelta(), timedelta(hours=1))]
    before, after = (page(gather(Records([one], [post]), "INC-1")[0], (), "k") for post in posts)
    assert "2026-10-25 00:59:30" in before
    assert "2026-10-25 01:59:30" in after
    assert "2026-10-25 02:59:30" in before  # summer time
    assert "2026-10-25 02:59:30" in after  # winter time: which one it was, UTC tells


def test_a_drill_is_marked_in_every_reading():
    document = gather(Records(drill=True), "INC-1")[0]
    assert "DRILL" in page(document, (), "k")
    assert "THIS WAS A DRILL" in readme(document, "k")


# ---------------------------------------------------------------- the file


def test_the_same_facts_are_the_same_bytes():
    assert a_pack().content == a_pack().content
    with zipfile.ZipFile(io.BytesIO(a_pack().content)) as zipped:
        assert {entry.date_time for entry in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert zipped.namelist() == sorted(zipped.namelist())


def test_the_manifest_counts_every_file():
    manifest = a_pack().manifest
    assert set(manifest.sha256) == {"statements.json", "timeline.json", "index.html", "README.txt", "public_key.pem"}
    assert manifest.sha256.keys() == manifest.size.keys()
    assert (manifest.incident, manifest.made_by, manifest.made_at) == ("INC-1", "mia", at(75))
    assert manifest.key == fingerprint(HOUSE.public_key())


def write(out: Path, **more: object) -> None:
    packing.pack(Records(), "INC-1", out, key=HOUSE, by="mia", **more)


def test_a_file_that_is_there_stays_unless_forced(tmp_path: Path):
    out = tmp_path / "pack.zip"
    out.write_text("kept")
    with pytest.raises(NotAllowed, match="--force"):
        write(out)
    assert out.read_text() == "kept"
    write(out, force=True)
    assert out.read_bytes() == a_pack().content
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]


@pytest.mark.parametrize(("name", "says"), [("", "is a folder"), ("no/such/pack.zip", "make the folder first")])
def test_a_path_that_can_not_be_is_one_sentence(tmp_path: Path, name: str, says: str):
    with pytest.raises(NotAllowed, match=says):
        write(tmp_path / name)


@pytest.mark.parametrize("force", [True, False])
def test_a_full_disk_leaves_no_half_pack(tmp_path: Path, force: bool):
    out = tmp_path / "pack.zip"
    if force:
        out.write_text("kept")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(out, force=force)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"] * force


# ---------------------------------------------------------------- the key


def home(folder: Path, **more: object) -> SimpleNamespace:
    return SimpleNamespace(home=folder, signing_key=None, **more)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path):
    settings = home(tmp_path / "new")
    assert house_key(settings) is None
    first = signing_key(settings)
    assert fingerprint(signing_key(settings).public_key()) == fingerprint(first.public_key())
    assert fingerprint(house_key(settings)) == fingerprint(first.public_key())
    assert stat.S_IMODE(key_file(settings).stat().st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["signing_key.pem"]


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path):
    settings, found, start = home(tmp_path), [], threading.Barrier(8)

    def take() -> None:
        start.wait()
        found.append(fingerprint(signing_key(settings).public_key()))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [fingerprint(house_key(settings))] * 8


def test_who_comes_second_takes_the_key_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = home(tmp_path)
    first = signing_key(settings)
    looked = iter([False])  # it was not there yet when the second one looked
    monkeypatch.setattr(Path, "exists", lambda path: next(looked, True))
    assert fingerprint(signing_key(settings).public_key()) == fingerprint(first.public_key())
    assert next(looked, None) is None
    assert os.listdir(tmp_path) == ["signing_key.pem"]


def test_a_named_key_that_is_missing_is_not_replaced_by_another(tmp_path: Path):
    settings = SimpleNamespace(home=tmp_path, signing_key=tmp_path / "mine.pem")
    with pytest.raises(KeyFileError, match="is not there"):
        signing_key(settings)
    assert list(tmp_path.iterdir()) == []


def rsa_key() -> bytes:
    return pkcs8(rsa.generate_private_key(65537, 2048))


def pkcs8(key: object, secret: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "no private key"),
        (b"\xff\x00nonsense", "no private key"),
        (rsa_key(), "no Ed25519 key"),
        (pkcs8(HOUSE, b"secret"), "passphrase"),
    ],
    ids=["empty", "nonsense", "RSA", "locked"],
)
def test_a_key_that_does_not_do_is_one_sentence(tmp_path: Path, text: bytes, says: str):
    (tmp_path / "signing_key.pem").write_bytes(text)
    with pytest.raises(KeyFileError, match=says):
        signing_key(home(tmp_path))
    assert (tmp_path / "signing_key.pem").read_bytes() == text


def test_statements_are_json_for_other_programs(tmp_path: Path):
    write(tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as zipped:
        told = json.loads(zipped.read("statements.json"))
    assert told["format"] == "irrops-statements/1"
    assert told["incident"]["declared"] == {"utc": "2026-11-24T03:10:00Z", "local": "2026-11-24T04:10:00+01:00"}

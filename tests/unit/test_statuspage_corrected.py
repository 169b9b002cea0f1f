"""Corrections, withdrawals and looks on the status page: what the public reads, and what stays on the record."""

import json
import multiprocessing
import os
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import feedparser
import pytest

from engine.effects import CHANGED, GONE, SAME, Amend, Look, Post, Receipt, Withdraw
from engine.ports import Lost, Refused
from integrations.statuspage.channel import StatusPage
from integrations.statuspage.folder import Entry, Folder
from integrations.statuspage.wordings import said
from tests.unit.on_the_page import LANGUAGES, NOW, Words, at, must_be_rfc_4287, page, post, read, send, update
from tests.unit.on_the_page import quick_disk as quick_disk

OWN = "inc-1-abc.en.html"


def amended(text: str, wrong: Post, **more: object) -> Amend:
    """As the engine words it: a statement of its own, by its own message, drafted later."""
    own = {"text": text, "message": "correction_text", "statement": "INC-1-abc/correct#1", "corrects": wrong.statement}
    return Amend(post=wrong.model_copy(update={**own, "drafted_at": at(40), "next_update_at": None, **more}))


def withdrawn(wrong: Post) -> Withdraw:
    return Withdraw(statement=wrong.statement, language=wrong.language, reason="the lawyers were cross")


def correct(folder: Path, receipt: Receipt, message: Amend | Withdraw, key: str, now: datetime) -> Receipt:
    return page(folder, now).send(message, key, receipt)


def published(folder: Path) -> str:
    """All that the public can read: every page, feed and the JSON."""
    return "\n".join(path.read_text() for path in folder.iterdir() if path.is_file())


def test_a_correction_stands_in_its_place_and_the_earlier_wording_on_the_record(tmp_path: Path) -> None:
    wrong = update("Trains stop at noon.", 30, next_update_at=at(60))
    receipt = send(page(tmp_path), post(), wrong)
    again = correct(tmp_path, receipt, amended("Trains stop at one.", wrong), "c", at(45))
    assert again == receipt
    index, own = Words(read(tmp_path)), Words(read(tmp_path, OWN))
    assert "Trains stop at one." in index.text
    assert "Corrected 05:55 (04:55 UTC), 22 Nov" in index.text
    assert "noon" not in index.text
    assert "Next update by 06:10 (05:10 UTC), 22 Nov" in index.text
    assert own.text.index("Trains stop at one.") < own.text.index("Earlier wording") < own.text.index("noon")
    assert "This stood here from 05:40 (04:40 UTC), 22 Nov until 05:55 (04:55 UTC), 22 Nov." in own.text
    assert "del" not in {tag for tag, _ in own.tags}
    assert own.text.index("noon") < own.text.index("We are aware.")
    assert "Correction" not in own.text


def test_programs_and_feeds_hear_of_a_correction_under_the_same_id(tmp_path: Path) -> None:
    wrong = update("Noon.", 30)
    receipt = send(page(tmp_path), post(), wrong)
    before = feedparser.parse(read(tmp_path, "feed.en.atom")).entries[0]
    correct(tmp_path, receipt, amended("One.", wrong), "c", at(45))
    feed = feedparser.parse(read(tmp_path, "feed.en.atom"))
    entry = feed.entries[0]
    assert not feed.bozo
    assert (entry.id, entry.published) == (before.id, before.published)
    assert (before.updated, entry.updated, feed.feed.updated) == ("2026-11-22T04:40:00Z", *["2026-11-22T04:55:00Z"] * 2)
    assert entry.title == "IT outage: Update (Corrected)"
    assert entry.content[0].value == "Corrected: 05:55 (04:55 UTC), 22 Nov.\n\nOne."
    told = json.loads(read(tmp_path, "status.json"))
    assert told["page"]["updated_at"] == "2026-11-22T04:55:00Z"
    latest = {"kind": "update", "at": "2026-11-22T04:40:00Z", "corrected_at": "2026-11-22T04:55:00Z"}
    assert told["disruptions"][0]["latest"] == {**latest, "texts": {"en": "One."}}


def test_what_changed_last_heads_the_feed(tmp_path: Path) -> None:
    """A feed is cut off at its end: an old entry that was corrected would else not be heard of."""
    wrong = post("Wrong.")
    receipt = send(page(tmp_path), wrong)
    send(page(tmp_path), update("News.", 30))
    correct(tmp_path, receipt, amended("Right.", wrong), "c", at(45))
    titles = [entry.title for entry in feedparser.parse(read(tmp_path, "feed.en.atom")).entries]
    assert titles == ["IT outage: First notice (Corrected)", "IT outage: Update"]


def test_a_second_correction_keeps_both_earlier_wordings_with_their_times(tmp_path: Path) -> None:
    wrong = update("At noon.", 30)
    receipt = send(page(tmp_path), wrong)
    again = correct(tmp_path, receipt, amended("At one.", wrong), "c", at(45))
    correct(tmp_path, again, amended("At two.", wrong), "d", at(50))
    own = Words(read(tmp_path, OWN)).text
    assert own.index("At two.") < own.index("At one.") < own.index("At noon.")
    assert own.count("Earlier wording") == 2
    assert "from 05:55 (04:55 UTC), 22 Nov until 06:00 (05:00 UTC)" in own
    assert "At two." in read(tmp_path)
    assert "At one." not in read(tmp_path)


def test_the_same_correction_twice_is_made_once_and_found_by_its_key(tmp_path: Path) -> None:
    wrong = post()
    receipt = send(page(tmp_path), wrong)
    message = amended("Better.", wrong)
    assert page(tmp_path).find(message, "c", receipt) is None
    correct(tmp_path, receipt, message, "c", at(45))
    before = published(tmp_path)
    assert correct(tmp_path, receipt, message, "c", at(99)) == receipt
    assert page(tmp_path, at(99)).find(message, "c", receipt) == receipt
    assert published(tmp_path) == before


def test_a_resolution_that_is_corrected_stays_one_and_ends_when_it_was_said(tmp_path: Path) -> None:
    over = update("All is well.", 60, message="resolution")
    receipt = send(page(tmp_path), post(), over)
    correct(tmp_path, receipt, amended("All is well again.", over), "c", at(90))
    own = Words(read(tmp_path, OWN)).text
    assert "This disruption is over." in own
    assert "Ended: 06:10 (05:10 UTC), 22 Nov" in own
    assert "No disruptions reported" in Words(read(tmp_path)).text


@pytest.mark.parametrize("corrected", [False, True])
def test_withdrawn_words_are_nowhere_and_the_page_says_when(tmp_path: Path, corrected: bool) -> None:
    send(page(tmp_path), post())
    wrong = [update("Crew was drunk.", 30, language=language, title="Crew was drunk") for language in LANGUAGES]
    for one in wrong:
        receipt = send(page(tmp_path), one)
        if corrected:
            correct(tmp_path, receipt, amended("Crew was drunk, we hear.", one), f"c/{one.language}", at(33))
        gone = correct(tmp_path, receipt, withdrawn(one), f"w/{one.language}", at(45))
        assert gone == receipt.model_copy(update={"facts": {"withdrawn": True}})
    for secret in ("drunk", "lawyers"):
        assert secret not in published(tmp_path)
    own = Words(read(tmp_path, OWN)).text
    assert "A message of 05:40 (04:40 UTC), 22 Nov was withdrawn at 05:55 (04:55 UTC), 22 Nov." in own
    assert "Uma mensagem de 05:40" in Words(read(tmp_path, "inc-1-abc.pt.html")).text
    assert "We are aware." in Words(read(tmp_path)).text
    record = "".join(path.read_text() for path in (tmp_path / "posts").iterdir())
    assert "drunk" in record
    assert "lawyers" not in record
    assert (tmp_path / "posts").stat().st_mode & 0o077 == 0


def test_a_feed_reader_replaces_what_was_withdrawn(tmp_path: Path) -> None:
    """Readers keep what they fetched and most ignore RFC 6721's tombstones, feedparser too: the entry is replaced."""
    wrong = post("Wrong.")
    receipt = send(page(tmp_path), wrong)
    before = feedparser.parse(read(tmp_path, "feed.en.atom")).entries[0]
    correct(tmp_path, receipt, withdrawn(wrong), "w", at(45))
    feed = feedparser.parse(read(tmp_path, "feed.en.atom"))
    (entry,) = feed.entries
    assert not feed.bozo
    assert entry.id == before.id
    assert entry.updated == "2026-11-22T04:55:00Z"
    assert entry.title == "Message withdrawn"
    assert entry.content[0].value.startswith("A message of 05:10 (04:10 UTC), 22 Nov was withdrawn at 05:55")


def test_when_all_is_withdrawn_the_page_says_so_and_the_lists_are_silent(tmp_path: Path) -> None:
    wrong = post("Wrong.", title="Bomb threat")
    receipt = send(page(tmp_path), wrong)
    correct(tmp_path, receipt, withdrawn(wrong), "w", at(45))
    assert "Bomb" not in published(tmp_path)
    assert "All messages about this were withdrawn." in Words(read(tmp_path, OWN)).text
    assert "No disruptions reported" in Words(read(tmp_path)).text
    (told,) = json.loads(read(tmp_path, "status.json"))["disruptions"]
    assert (told["withdrawn"], told["title"], told["latest"], told["current"]) == (True, None, None, False)
    assert told["withdrawals"] == ["2026-11-22T04:55:00Z"]


def test_a_withdrawal_is_for_good(tmp_path: Path) -> None:
    wrong = post("Wrong.")
    receipt = send(page(tmp_path), wrong)
    correct(tmp_path, receipt, withdrawn(wrong), "w", at(45))
    before = published(tmp_path)
    assert correct(tmp_path, receipt, withdrawn(wrong), "w2", at(50)).facts["withdrawn"]
    assert page(tmp_path).find(withdrawn(wrong), "w", receipt) is not None
    assert published(tmp_path) == before
    with pytest.raises(Refused, match="has been withdrawn; publish a new statement") as refused:
        correct(tmp_path, receipt, amended("Better.", wrong), "c", at(55))
    assert refused.value.permanent
    assert published(tmp_path) == before


def test_a_correction_that_overlaps_with_a_withdrawal_brings_nothing_back() -> None:
    """Two deliveries at once: the correction was let in, and kept after the withdrawal."""
    wrong, name = post("Wrong."), Folder.name("k")
    told = [
        Entry(key="c", message=amended("Back again.", wrong), of=name, number=3, kept_at=at(3)),
        Entry(key="w", message=withdrawn(wrong), of=name, number=2, kept_at=at(2)),
        Entry(key="k", message=wrong, number=1, kept_at=at(1)),
    ]
    (one,) = said(told)
    assert (one.withdrawn_at, one.post.text, one.corrected_at) == (at(2), "Wrong.", None)


def test_one_language_can_be_withdrawn_alone(tmp_path: Path) -> None:
    dutch = update("Fout.", 30, language="nl")
    receipt = send(page(tmp_path), post(), update("Right.", 30), dutch)
    correct(tmp_path, receipt, withdrawn(dutch), "w", at(45))
    assert "Right." in read(tmp_path)
    assert "Fout." not in published(tmp_path)
    own = Words(read(tmp_path, "inc-1-abc.nl.html")).text
    assert "Een bericht van 05:40 (04:40 UTC), 22 nov is ingetrokken om" in own
    assert "Right." not in own
    assert "We are aware." in read(tmp_path, "index.nl.html")


def test_what_an_earlier_version_of_the_pages_left_over_goes(tmp_path: Path) -> None:
    """A page that is no longer made would keep withdrawn words in public."""
    (tmp_path / "mine.en.html").write_text("not ours")
    before = page(tmp_path, languages=("en", "fr"))
    wrong = post("Wrong.")
    receipt = send(before, wrong)
    (tmp_path / "inc-1-abc.earlier.en.html").write_text("Wrong.")
    assert (tmp_path / "inc-1-abc.fr.html").exists()
    correct(tmp_path, receipt, withdrawn(wrong), "w", at(45))
    assert "Wrong." not in published(tmp_path)
    assert not list(tmp_path.glob("*.fr.*"))
    assert (tmp_path / "mine.en.html").exists()


@pytest.mark.usefixtures("quick_disk")
def test_every_page_after_any_message_is_as_a_rebuild_makes_it(tmp_path: Path) -> None:
    """`changed_by` leaves pages alone; it must leave none that reads otherwise."""
    channel = page(tmp_path, at(9999), languages=("en",))
    told = [update(f"Word {n}. " * 200, n) for n in range(22)]
    receipts = []
    for one in told:
        receipts.append(send(channel, one))
        _as_rebuilt(channel, tmp_path)
    assert len(list(tmp_path.glob("inc-1-abc.earlier-*"))) > 2
    for number in (3, 20, 12):
        channel.send(amended("Longer by far. " * 200, told[number]), f"c/{number}", receipts[number])
        _as_rebuilt(channel, tmp_path)
        channel.send(withdrawn(told[number]), f"w/{number}", receipts[number])
        _as_rebuilt(channel, tmp_path)
    for number, name in enumerate(("rights_eu", "rights_eu", "apology")):
        receipt = send(channel, post("To care. " * 200, number, message=name, statement=f"INC-1-abc/{number}"))
        _as_rebuilt(channel, tmp_path)
        if number == 1:
            channel.send(withdrawn(post()), "w/rights", receipt)
            _as_rebuilt(channel, tmp_path)


def _as_rebuilt(channel: StatusPage, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    channel.rebuild()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("kind", ["amend", "withdraw"])
def test_a_crash_between_a_change_and_its_pages_heals(tmp_path: Path, kind: str) -> None:
    wrong = post("Wrong.")
    receipt = send(page(tmp_path), wrong)
    worker = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path, kind, receipt))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 9
    assert "Wrong." in read(tmp_path)
    message = amended("Right.", wrong) if kind == "amend" else withdrawn(wrong)
    assert page(tmp_path).find(message, "change", receipt) is not None
    assert "Wrong." not in read(tmp_path)
    assert len(os.listdir(tmp_path / "posts")) == 2


def _killed(folder: Path, kind: str, receipt: Receipt) -> None:
    Folder.publish = lambda self, pages: os._exit(9)  # type: ignore[method-assign]
    wrong = post("Wrong.")
    page(folder).send(amended("Right.", wrong) if kind == "amend" else withdrawn(wrong), "change", receipt)


def test_a_change_that_can_not_be_shown_is_lost_then_found(tmp_path: Path) -> None:
    wrong = post("Wrong.")
    receipt = send(page(tmp_path), wrong)
    index = tmp_path / "index.html"
    index.unlink()
    index.mkdir()
    with pytest.raises(Lost):
        page(tmp_path).send(withdrawn(wrong), "w", receipt)
    index.rmdir()
    assert page(tmp_path).find(withdrawn(wrong), "w", receipt) is not None
    assert "Wrong." not in published(tmp_path)


def test_a_change_needs_to_be_told_of_what(tmp_path: Path) -> None:
    for message in (amended("x", post()), withdrawn(post()), Look(text="x")):
        with pytest.raises(Refused, match="not told which post") as refused:
            page(tmp_path).send(message, "k")
        assert refused.value.permanent
    assert page(tmp_path).send(withdrawn(post()), "k", Receipt(id="posts/lost.json")).facts == {"withdrawn": True}
    page(tmp_path).send(amended("Right.", post()), "a", Receipt(id="posts/other.json"))
    assert "Right." in read(tmp_path), "a correction of what is not on record is still said"


def test_parts_of_a_thread_are_for_others(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no threads") as refused:
        page(tmp_path).send(post(part=2, parts=2), "k")
    assert refused.value.permanent


def test_files_of_the_first_version_are_read(tmp_path: Path) -> None:
    channel = page(tmp_path, at(45))
    wrong = post("Old file.")
    receipt = send(channel, wrong)
    old = {"key": f"{wrong.statement}/en", "post": json.loads(wrong.model_dump_json(exclude={"components", "part"}))}
    (tmp_path / receipt.id).write_text(json.dumps(old))
    page(tmp_path, at(45)).send(amended("New.", wrong), "c", receipt)
    assert "Old file." in read(tmp_path, OWN)
    assert "Old file." not in read(tmp_path)
    assert page(tmp_path).check() == []


# ---------------------------------------------------------------- looking


def look(folder: Path, receipt: Receipt, text: str) -> tuple[str, str]:
    before = published(folder) if folder.exists() else ""
    seen = page(folder).send(Look(text=text), "look", receipt)
    assert seen.id == receipt.id
    assert (published(folder) if folder.exists() else "") == before
    assert page(folder).find(Look(text=text), "look", receipt) is None
    return seen.facts["seen"], seen.facts["text"]


TEXT = 'Lines\nand\n\n"paragraphs" & <b> https://a.example/?a=1&b=2.'


def test_a_look_finds_the_same_whatever_the_text_is_written_like(tmp_path: Path) -> None:
    receipt = send(page(tmp_path), post(TEXT))
    assert look(tmp_path, receipt, TEXT) == (SAME, TEXT)
    wrong = post(TEXT)
    correct(tmp_path, receipt, amended("Right.", wrong), "c", at(45))
    assert look(tmp_path, receipt, TEXT) == (CHANGED, "Right.")
    assert look(tmp_path, receipt, "Right.") == (SAME, "Right.")


@pytest.mark.parametrize("name", [OWN, "index.en.html", "index.html"])
def test_a_look_notices_a_page_that_was_edited_or_deleted_by_hand(tmp_path: Path, name: str) -> None:
    receipt = send(page(tmp_path), post("We are aware."))
    whole = read(tmp_path, name)
    (tmp_path / name).write_text(whole.replace("We are aware.", "We are <em>not</em> aware."))
    assert look(tmp_path, receipt, "We are aware.") == (CHANGED, "We are not aware.")
    (tmp_path / name).write_text("<p>We are aware.</p>")
    assert look(tmp_path, receipt, "We are aware.") == (GONE, "")
    (tmp_path / name).unlink()
    assert look(tmp_path, receipt, "We are aware.") == (GONE, "")


def test_a_look_notices_that_the_post_is_lost_or_withdrawn(tmp_path: Path) -> None:
    assert look(tmp_path / "none", Receipt(id="posts/x.json"), "x") == (GONE, "")
    wrong = post()
    receipt = send(page(tmp_path), wrong, update("Newer.", 30))
    assert look(tmp_path, Receipt(id=Folder.name(f"{wrong.statement}/en")), wrong.text)[0] == SAME
    assert look(tmp_path, Receipt(id=Folder.name("never")), wrong.text)[0] == GONE
    newer = update("Newer.", 30)
    correct(tmp_path, receipt, withdrawn(newer), "w", at(45))
    assert look(tmp_path, receipt, "Newer.") == (GONE, "")


@pytest.mark.usefixtures("quick_disk")
def test_a_look_finds_old_messages_on_their_page_and_rights_in_their_section(tmp_path: Path) -> None:
    channel = page(tmp_path)
    first = send(channel, post("The very first."))
    rights = send(channel, post("To care.", 1, message="rights_eu", statement="INC-1-abc/rights#1"))
    for number in range(2, 40):
        send(channel, update("More. " * 100, number))
    assert "The very first." not in read(tmp_path, OWN)
    assert look(tmp_path, first, "The very first.")[0] == SAME
    assert look(tmp_path, rights, "To care.")[0] == SAME


def test_the_feed_stays_valid(tmp_path: Path) -> None:
    wrong = post("<b> & \x0b")
    gone = update("Gone.", 30)
    correct(tmp_path, send(page(tmp_path), gone), withdrawn(gone), "w", at(45))
    receipt = send(page(tmp_path), wrong)
    correct(tmp_path, receipt, amended("<i> & \x00", wrong), "c", NOW)
    feed = ElementTree.fromstring(read(tmp_path, "feed.atom"))
    assert (feed.findtext(".//{*}entry[2]/{*}content") or "").endswith("<i> & ")
    must_be_rfc_4287(read(tmp_path, "feed.atom"), "feed.en.atom")

"""The status page: what was posted is on it, once, whatever crashes, in every language, for every reader."""

import fcntl
import json
import multiprocessing
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from pydantic import ValidationError

from engine.effects import Text
from engine.ports import Lost, Refused
from integrations.statuspage import Settings
from integrations.statuspage.disruptions import disruptions, recent
from integrations.statuspage.folder import Folder
from integrations.statuspage.wordings import Said
from tests.unit.on_the_page import LANGUAGES, NOW, Words, must_be_rfc_4287, page, post, read, send, update
from tests.unit.on_the_page import quick_disk as quick_disk


def test_a_statement_is_on_the_page_in_its_language_with_its_times(tmp_path: Path) -> None:
    channel = page(tmp_path)
    send(
        channel,
        post(next_update_at=NOW + timedelta(minutes=30)),
        post("Wij weten ervan.", language="nl"),
        post("Lo sabemos.", language="es"),
        post("Já sabemos.", language="pt"),
    )
    told = ("We are aware.", "Wij weten ervan.", "Lo sabemos.", "Já sabemos.")
    for language, said in zip(LANGUAGES, told, strict=True):
        words = Words(read(tmp_path, f"index.{language}.html"))
        assert said in words.text
        assert ("html", {"lang": language}) in words.tags
    words = Words(read(tmp_path))
    assert "1 disruption now" in words.text
    assert "Next update by 05:40 (04:40 UTC), 22 Nov" in words.text
    assert ("time", {"datetime": "2026-11-22T04:40:00Z"}) in words.tags
    assert read(tmp_path) == read(tmp_path, "index.en.html")


def test_a_language_that_was_not_written_is_said_in_another_and_marked(tmp_path: Path) -> None:
    send(page(tmp_path), post())
    words = Words(read(tmp_path, "index.nl.html"))
    assert "We are aware." in words.text
    assert [attrs.get("lang") for _, attrs in words.tags if attrs.get("class") == "text"] == ["en"]
    own = Words(read(tmp_path, "index.en.html"))
    assert [attrs.get("lang") for _, attrs in own.tags if attrs.get("class") == "text"] == [None]


def test_the_newest_word_stands_on_the_first_page_and_all_on_the_disruptions_own(tmp_path: Path) -> None:
    send(page(tmp_path), post(), update("We found it.", 30), update("It is slow.", 60))
    index, own = Words(read(tmp_path)).text, Words(read(tmp_path, "inc-1-abc.en.html")).text
    assert "It is slow." in index
    assert "We found it." not in index
    assert own.index("It is slow.") < own.index("We found it.") < own.index("We are aware.")


def test_a_statement_that_comes_late_takes_its_place_in_time(tmp_path: Path) -> None:
    send(page(tmp_path), update("Later word.", 30), post("Earlier word."))
    assert "Later word." in read(tmp_path)
    assert "Earlier word." not in read(tmp_path)


@pytest.mark.parametrize(
    "last", [{"message": "resolution_ash"}, {"status": "resolved"}, {"status": "stood_down"}], ids=str
)
def test_what_is_over_moves_to_the_past(tmp_path: Path, last: dict[str, str]) -> None:
    channel = page(tmp_path)
    send(channel, post(), update("All is well.", 90, next_update_at=NOW + timedelta(minutes=120), **last))
    index = Words(read(tmp_path)).text
    assert "No disruptions reported" in index
    assert "IT outage" in index[index.index("Earlier") :]
    own = Words(read(tmp_path, "inc-1-abc.en.html")).text
    assert "This disruption is over." in own
    assert "Next update" not in own
    assert json.loads(read(tmp_path, "status.json"))["current"] == 0


def test_the_worst_stands_first_and_two_incidents_with_one_number_keep_apart(tmp_path: Path) -> None:
    channel = page(tmp_path)
    other = {"statement": "INC-1-xyz/first_word#1", "title": "Strike", "severity": "SEV3"}
    send(channel, post("Strike text", 5, **other), post())
    text = Words(read(tmp_path)).text
    assert "2 disruptions now" in text
    assert text.index("IT outage") < text.index("Strike")
    assert (tmp_path / "inc-1-xyz.en.html").exists()
    assert (tmp_path / "inc-1-abc.en.html").exists()


def test_a_drill_is_marked_everywhere_and_never_counts_beside_the_real_thing(tmp_path: Path) -> None:
    channel = page(tmp_path)
    drill = post("[DRILL] Ash", drill=True, statement="INC-2-d/first_word#1", incident="INC-2", title="Ash")
    send(channel, drill)
    note = "This is a drill. Nothing of this is really happening."
    for name in ("index.en.html", "inc-2-d.en.html"):
        assert note in Words(read(tmp_path, name)).text
    assert "<title>Drill: Ash: First notice</title>" in read(tmp_path, "feed.atom")
    send(channel, post(severity="SEV4"))
    text = Words(read(tmp_path)).text
    assert "1 disruption now" in text
    assert text.index("IT outage") < text.index(note)
    told = json.loads(read(tmp_path, "status.json"))
    assert told["current"] == 1
    assert [d["drill"] for d in told["disruptions"]] == [False, True]


def test_what_people_typed_can_not_become_html(tmp_path: Path) -> None:
    nasty = '<script>alert(1)</script> & "quotes" https://a.example/?q="><b>x \x0b\x00'
    send(page(tmp_path, title="<i>T</i>"), post(nasty, title="<img src=x>"))
    for name in ("index.html", "inc-1-abc.en.html", "history.en.html"):
        words = Words(read(tmp_path, name))
        assert not {"script", "img", "i", "b"} & {tag for tag, _ in words.tags}
    words = Words(read(tmp_path))
    assert '<script>alert(1)</script> & "quotes"' in words.text
    assert ("a", {"href": "https://a.example/?q="}) in words.tags
    feed = ElementTree.fromstring(read(tmp_path, "feed.atom"))
    assert feed.find(".//{*}content").text.startswith("<script>")  # type: ignore[union-attr]


def test_paragraphs_lines_and_addresses_are_kept(tmp_path: Path) -> None:
    send(page(tmp_path), post("One\ntwo.\n\nSee https://a.example/b?c=1&d=2."))
    html = read(tmp_path)
    assert "<p>One<br>\ntwo.</p>" in html
    assert '<a href="https://a.example/b?c=1&amp;d=2">https://a.example/b?c=1&amp;d=2</a>.' in html


@pytest.mark.usefixtures("quick_disk")
def test_pages_of_six_days_are_light_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    """An update every half hour for six days, in four languages; and eight other disruptions."""
    channel = page(tmp_path, base_url="https://status.a.example")
    text = "Our systems are down. " * 25
    send(channel, update(text, 0))
    folder = Folder(tmp_path)
    for number in range(1, 288):  # kept as a send keeps them, but the pages made once
        for one in (update(text, 30 * number, language=language) for language in LANGUAGES):
            folder.add(f"{one.statement}/{one.language}", one, "", NOW)
    for number in range(8):
        send(channel, post(text, 100, incident=f"INC-{number + 2}", statement=f"INC-{number + 2}-u/first_word#1"))
    names = [name for name in os.listdir(tmp_path) if name.endswith(".html")]
    for name in names:
        html = read(tmp_path, name)
        assert len(html.encode()) < 30_000, name
        for tag, attrs in Words(html).tags:
            assert tag not in ("script", "img", "iframe", "object")
            assert tag != "link" or attrs["rel"] in ("alternate", "canonical")
        assert not re.search(r"url\(|@import", html)
    told = [Words(read(tmp_path, name)).text.count(text.strip()) for name in names if re.match(r"inc-1-.*\.es\.", name)]
    assert sum(told) == 288
    assert len(told) > 5


@pytest.mark.usefixtures("quick_disk")
def test_every_link_between_the_pages_leads_somewhere(tmp_path: Path) -> None:
    channel = page(tmp_path)
    send(channel, post(), *(update("x " * 900, minutes) for minutes in range(12)))
    send(channel, *(post(incident="INC-9", statement=f"INC-9-{n}/a#1", status="resolved") for n in range(7)))
    names = [name for name in os.listdir(tmp_path) if name.endswith(".html")]
    assert len(names) > 20
    assert "inc-1-abc.earlier-1.en.html" in names
    for name in names:
        for _, attrs in Words(read(tmp_path, name)).tags:
            target = attrs.get("href") or ""
            assert (tmp_path / (target.partition("#")[0] or name)).exists(), f"{name} → {target}"


def test_the_feed_is_valid_and_its_ids_stay(tmp_path: Path) -> None:
    channel = page(tmp_path, base_url="https://status.a.example/")
    send(channel, post("Café & <b>", language="en"), post("Wij weten ervan.", language="nl"))
    before = feedparser.parse(read(tmp_path, "feed.en.atom"))
    send(channel, update("We found it.", 30))
    feed = feedparser.parse(read(tmp_path, "feed.en.atom"))
    assert not feed.bozo
    assert feed.version == "atom10"
    assert feed.feed.id == before.feed.id
    assert feed.feed.updated == "2026-11-22T04:40:00Z"
    assert [entry.title for entry in feed.entries] == ["IT outage: Update", "IT outage: First notice"]
    assert feed.entries[1].id == before.entries[0].id
    assert feed.entries[1].content[0].value == "Café & <b>"
    assert feed.entries[0].link == "https://status.a.example/inc-1-abc.en.html"
    dutch = feedparser.parse(read(tmp_path, "feed.nl.atom"))
    assert dutch.entries[1].content[0].value == "Wij weten ervan."
    assert dutch.entries[1].id != feed.entries[1].id
    must_be_rfc_4287(read(tmp_path, "feed.en.atom"), "https://status.a.example/feed.en.atom")


def test_programs_read_status_json(tmp_path: Path) -> None:
    send(page(tmp_path), post(next_update_at=NOW + timedelta(minutes=30)), post("Wij weten ervan.", language="nl"))
    told = json.loads(read(tmp_path, "status.json"))
    (disruption,) = told["disruptions"]
    assert (told["version"], told["current"]) == (1, 1)
    assert disruption["latest"]["texts"] == {"en": "We are aware.", "nl": "Wij weten ervan."}
    assert disruption["next_update_at"] == "2026-11-22T04:40:00Z"


def test_every_field_of_status_json_is_documented(tmp_path: Path, root: Path) -> None:
    send(page(tmp_path), post(components={"booking": "degraded"}), update("x", 5, message="rights_eu"))
    docs = (root / "docs" / "channels.md").read_text()
    section = docs[docs.index("### status.json") : docs.index("Settings (`IRROPS_STATUSPAGE_<NAME>`")]
    told = json.loads(read(tmp_path, "status.json"))
    (disruption,) = told["disruptions"]
    for part in (told, told["page"], told["components"][0], disruption, disruption["latest"]):
        for field in part:
            assert f"`{field}`" in section, f"document {field}"


def test_the_same_key_twice_is_one_post_and_the_same_receipt(tmp_path: Path) -> None:
    channel = page(tmp_path, base_url="https://status.a.example")
    assert channel.find(post(), "k") is None
    receipt = channel.send(post(), "k")
    before = {name: os.stat(tmp_path / name).st_mtime_ns for name in os.listdir(tmp_path)}
    assert channel.send(post(), "k") == receipt
    assert page(tmp_path, base_url="https://status.a.example").find(post(), "k") == receipt
    assert {name: os.stat(tmp_path / name).st_mtime_ns for name in os.listdir(tmp_path)} == before
    assert receipt.url == "https://status.a.example/inc-1-abc.en.html"
    assert (tmp_path / receipt.id).exists()
    assert len(os.listdir(tmp_path / "posts")) == 1


def test_a_crash_between_post_and_pages_heals_when_it_is_looked_for(tmp_path: Path) -> None:
    channel = page(tmp_path)
    send(channel, post())
    _crash_before_the_pages(tmp_path)
    assert "Lost word" not in read(tmp_path)
    assert "A crash left the pages" in page(tmp_path).check()[0]
    assert page(tmp_path).find(update("Lost word", 30), "lost") is not None
    assert "Lost word" in read(tmp_path)


def test_a_crash_heals_at_the_next_send_of_another_incident_too(tmp_path: Path) -> None:
    send(page(tmp_path), post())
    _crash_before_the_pages(tmp_path)
    send(page(tmp_path), post("Strike", 40, incident="INC-2", statement="INC-2-s/first_word#1"))
    assert "Lost word" in read(tmp_path)
    assert "Lost word" in read(tmp_path, "inc-1-abc.en.html")


def test_a_rebuild_makes_the_same_pages_from_the_posts_alone(tmp_path: Path) -> None:
    channel = page(tmp_path)
    send(channel, post(), update("We found it.", 30), post("x", 1, statement="INC-3-c/a#1", status="resolved"))
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()}
    for name in before:
        (tmp_path / name).unlink()
    page(tmp_path).rebuild()
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()} == before


def _crash_before_the_pages(folder: Path) -> None:
    """Do what a send does up to its kill: in a process that ends itself where the pages would be written."""
    worker = multiprocessing.get_context("spawn").Process(target=_killed, args=(folder,))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 9


def _killed(folder: Path) -> None:
    Folder.publish = lambda self, pages: os._exit(9)  # type: ignore[method-assign]
    page(folder).send(update("Lost word", 30), "lost")


def test_pages_that_can_not_be_written_are_lost_then_found(tmp_path: Path) -> None:
    channel = page(tmp_path)
    send(channel, post())
    index = tmp_path / "index.html"
    index.unlink()
    index.mkdir()
    (index / "in the way").write_text("")
    with pytest.raises(Lost, match="kept, but the status page does not show it yet"):
        channel.send(update("Second", 30), "second")
    with pytest.raises(Lost):
        channel.find(update("Second", 30), "second")
    (index / "in the way").unlink()
    index.rmdir()
    assert channel.find(update("Second", 30), "second") is not None
    assert "Second" in read(tmp_path)


def test_a_folder_that_can_not_be_made_is_refused_for_now(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    channel = page(tmp_path / "file")
    with pytest.raises(Refused, match="can't be written") as refused:
        channel.send(post(), "k")
    assert not refused.value.permanent
    assert "can't be written" in channel.check()[0]


def test_threads_and_processes_at_once_leave_whole_pages(tmp_path: Path) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=_ten, args=(tmp_path, n)) for n in (1, 2)]
    for worker in workers:
        worker.start()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: _ten(tmp_path, number), (2, 3)))
    for worker in workers:
        worker.join(90)
    assert [worker.exitcode for worker in workers] == [0, 0]
    text = "".join(Words(path.read_text()).text for path in tmp_path.glob("inc-1-abc.*en.html"))
    for number in range(10, 40):
        assert text.count(f"Word {number}.") == 1
    assert not list(tmp_path.glob("**/*.tmp"))


def test_a_send_waits_for_the_process_that_holds_the_folder(tmp_path: Path) -> None:
    send(page(tmp_path), post())
    with (tmp_path / ".lock").open("rb") as other, ThreadPoolExecutor(1) as pool:
        fcntl.flock(other, fcntl.LOCK_EX)
        sent = pool.submit(page(tmp_path).send, update("Second", 30), "b")
        time.sleep(0.2)
        held = len(os.listdir(tmp_path / "posts"))
        fcntl.flock(other, fcntl.LOCK_UN)
        sent.result(10)
    assert held == 1
    assert "Second" in read(tmp_path)


def _ten(folder: Path, number: int) -> None:
    channel = page(folder)
    for minutes in range(number * 10, number * 10 + 10):
        send(channel, update(f"Word {minutes}.", minutes))


def test_other_messages_and_broken_files_are_told(tmp_path: Path) -> None:
    channel = page(tmp_path, languages=("en", "fr"))
    with pytest.raises(Refused) as refused:
        channel.send(Text(text="x"), "k")
    assert refused.value.permanent
    send(channel, post())
    (tmp_path / "posts" / "broken.json").write_text("{")
    words, broken = channel.check()
    assert "no words in 'fr'" in words
    assert "broken.json can't be read" in broken
    assert "We are aware." in read(tmp_path, "index.fr.html")


def test_old_disruptions_leave_the_lists_and_keep_their_page(tmp_path: Path) -> None:
    old = post("Old", -200 * 24 * 60, incident="INC-7", statement="INC-7-o/a#1", status="resolved", title="Old one")
    send(page(tmp_path, keep_days=90), old, post())
    for name in ("index.html", "history.en.html", "feed.atom", "status.json"):
        assert "Old one" not in read(tmp_path, name)
    assert "Old one" in read(tmp_path, "inc-7-o.en.html")
    assert [d.ref for d in recent(disruptions([Said("a", old), Said("b", post())]), 300)] == ["INC-1", "INC-7"]


def test_an_empty_page_says_that_there_is_nothing(tmp_path: Path) -> None:
    channel = page(tmp_path)
    assert channel.check() == []
    assert not list(tmp_path.glob("*.html"))
    channel.rebuild()
    assert "No disruptions reported" in Words(read(tmp_path)).text
    assert not feedparser.parse(read(tmp_path, "feed.atom")).bozo


@pytest.mark.parametrize(
    "wrong", [{"base_url": "status.a.example"}, {"time_zone": "Amsterdam"}, {"languages": ("../x",)}, {"langages": ()}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)

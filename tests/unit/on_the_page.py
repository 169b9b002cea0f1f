"""What the tests of the status page post, and how they read what stands there."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from engine.effects import Post, Receipt
from integrations.statuspage import Settings, connect
from integrations.statuspage.channel import StatusPage

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
LANGUAGES = ("en", "nl", "es", "pt")


def post(text: str = "We are aware.", minutes: int = 0, **more: object) -> Post:
    plain = {"incident": "INC-1", "title": "IT outage", "message": "holding", "language": "en", "severity": "SEV1"}
    rest = {
        "status": "responding",
        "statement": "INC-1-abc/first_word#1",
        "drafted_at": NOW + timedelta(minutes=minutes),
    }
    return Post.model_validate({**plain, **rest, "text": text, **more})


def update(text: str, minutes: int, **more: object) -> Post:
    return post(text, minutes, **{"message": "update", "statement": f"INC-1-abc/next_update#{minutes}", **more})


def page(folder: Path, now: datetime = NOW, **more: Any) -> StatusPage:
    return connect(Settings(folder=folder, time_zone="Europe/Amsterdam", **more), lambda: now)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def send(channel: StatusPage, *posts: Post) -> Receipt:
    """Post them, and give the receipt of the last."""
    for each in posts:
        receipt = channel.send(each, f"{each.statement}/{each.language}")
    return receipt


def read(folder: Path, name: str = "index.html") -> str:
    return (folder / name).read_text()


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't wait for the disk, where many messages are only to fill pages."""
    monkeypatch.setattr("os.fsync", lambda file: None)


class Words(HTMLParser):
    """What a reader sees, and the tags with their attributes. Fails on tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self._open = "", [], []  # type: ignore[var-annotated]
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data


def must_be_rfc_4287(text: str, url: str) -> None:
    """Section 4.1: id, title and updated once each; an author; no two entries with one id; dates as in RFC 3339."""
    feed = ElementTree.fromstring(text)
    atom = "{http://www.w3.org/2005/Atom}"
    assert feed.tag == f"{atom}feed"
    entries = feed.findall(f"{atom}entry")
    for part in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert len(part.findall(atom + name)) == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", part.findtext(f"{atom}updated") or "")
    assert max(entry.findtext(f"{atom}updated") or "" for entry in entries) == feed.findtext(f"{atom}updated")
    assert [link.get("href") for link in feed.findall(f"{atom}link[@rel='self']")] == [url]
    for entry in entries:  # 4.1.3: a text content holds text only; 4.1.2: an entry without a self has an alternate
        assert entry.findall(f"{atom}content/*") == []
        assert entry.find(f"{atom}link[@rel='alternate']") is not None
    assert feed.find(f"{atom}author/{atom}name") is not None
    assert len({entry.findtext(f"{atom}id") for entry in entries}) == len(entries)
    assert {link.get("rel") for link in feed.findall(f"{atom}link")} == {"self", "alternate"}

"""What was said: each post with its corrections and its withdrawal. No files, no HTML."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.effects import Amend, Post, Withdraw
from integrations.statuspage.folder import Entry, Folder


@dataclass(frozen=True)
class Wording:
    """Words that stood on the page for a while."""

    text: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Said:
    """One post, in one language, as it reads now."""

    name: str
    """File of the post."""
    post: Post
    """With the words that stand there now; statement, message, language and time are those of the first."""
    earlier: tuple[Wording, ...] = ()
    """What stood there before its corrections, newest first."""
    corrected_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def language(self) -> str:
        return self.post.language

    @property
    def changed_at(self) -> datetime:
        return max(filter(None, (self.post.drafted_at, self.corrected_at, self.withdrawn_at)))


def said(entries: Iterable[Entry]) -> list[Said]:
    """Put messages together, whatever the order they are given in.

    A withdrawal is for good: a correction that comes after it changes nothing. A correction whose post is not kept
    stands for itself; a withdrawal of one is done.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.of or Folder.name(entry.key), []).append(entry)
    told = (_together(name, sorted(group, key=_order)) for name, group in groups.items())
    return [one for one in told if one]


def _order(entry: Entry) -> tuple[bool, int, str]:
    return not isinstance(entry.message, Post), entry.number, entry.key


def _together(name: str, group: list[Entry]) -> Said | None:
    read: Said | None = None
    for entry in group:
        message = entry.message
        if isinstance(message, Post) or (isinstance(message, Amend) and read is None):
            read = Said(name, message if isinstance(message, Post) else message.post)
        elif read and isinstance(message, Amend) and not read.withdrawn_at:
            read = _corrected(read, message.post, _after(read, entry))
        elif read and isinstance(message, Withdraw) and not read.withdrawn_at:
            read = Said(read.name, read.post, read.earlier, read.corrected_at, _after(read, entry))
    return read


def _corrected(read: Said, post: Post, at: datetime) -> Said:
    old = read.post
    same = {
        "incident": old.incident,
        "statement": old.statement,
        "message": old.message,
        "language": old.language,
        "drafted_at": old.drafted_at,
        "drill": old.drill or post.drill,
        "next_update_at": post.next_update_at or old.next_update_at,
        "components": post.components or old.components,
    }
    before = Wording(old.text, read.corrected_at or old.drafted_at, at)
    return Said(read.name, post.model_copy(update=same), (before, *read.earlier), at)


def _after(read: Said, entry: Entry) -> datetime:
    """When the page took the message; never before what it changes, whatever the clock said."""
    return max(read.changed_at, entry.kept_at or read.changed_at)

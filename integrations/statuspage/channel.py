"""The status page as a channel: a message is kept first, then the pages are made anew from all of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from engine.effects import GONE, SAME, Amend, Look, Message, Post, Receipt, Withdraw
from engine.ports import Lost, Refused, TextLimit
from integrations.statuspage import KINDS, LIMIT, Settings
from integrations.statuspage.disruptions import page_of
from integrations.statuspage.folder import Folder, Kept
from integrations.statuspage.wordings import Said, said

if TYPE_CHECKING:
    from integrations.statuspage.pages import Pages

COPIED = timedelta(minutes=5)
"""How long a bucket or a cache in front of the folder may take until it shows the newest pages."""


class StatusPage:
    """Writes to a folder. A message is done when its file is there and the pages show it."""

    name = "status_page"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        if settings.folder is None:
            raise ValueError("the status page needs a folder")
        self._settings = settings
        self._folder = Folder(settings.folder)
        self._now = now

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Keep a message and show it. Raises Refused when nothing was kept, Lost when it is kept but not yet shown."""
        if isinstance(message, Look):
            return self._look(message.text, _needed(base))
        try:
            kept, of = self._accept(message, key, base)
            with self._folder.locked():
                self._keep_and_show(key, kept, of)
        except OSError as error:
            why = f"{self._folder.root} can't be written: {error.strerror}"
            if self._folder.has(key):
                raise Lost(f"The statement is kept, but the status page does not show it yet: {why}") from None
            raise Refused(f"The status page in {why}", permanent=False) from None
        return self._receipt(kept, key, base)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether the message is kept; if a crash came before its pages, make them now."""
        if isinstance(message, Look) or not self._folder.has(key):
            return None
        return self.send(message, key, base)

    def rebuild(self) -> None:
        """Make every page anew from what was said. Raises OSError."""
        with self._folder.locked():
            self._folder.publish(self._pages.all(self._said()))

    def check(self) -> list[str]:
        """Say what is wrong with the folder, the languages and the components."""
        root = self._folder.root
        try:
            with self._folder.locked():
                told = self._said()
                stale = self._folder.stale()
        except OSError as error:
            return [f"The status page's folder {root} can't be written: {error.strerror}."]
        wrong = [f"{root / name} can't be read and is left out." for name in self._folder.unreadable]
        if stale:
            wrong.append(
                f"A crash left the pages in {root} behind the posts; the next statement, or a restart, mends it."
            )
        return self._pages.check(told) + wrong

    def _accept(self, message: Message, key: str, base: Receipt | None) -> tuple[Kept, str]:
        """What is to be kept, and the file of the post that it changes. Raises Refused."""
        if isinstance(message, Post):
            if message.part > 1:
                raise Refused("The status page shows a text as a whole; it has no threads.", permanent=True)
            return message, ""
        if isinstance(message, Amend):
            of = _needed(base).id
            if not self._folder.has(key) and self._withdrawn(of):
                raise Refused("What was to be corrected has been withdrawn; publish a new statement.", permanent=True)
            return message, of
        if isinstance(message, Withdraw):  # the reason is for our own record, not for files that may get published
            return message.model_copy(update={"reason": ""}), _needed(base).id
        raise Refused(f"The status page takes statements, not a message of kind {message.kind}.", permanent=True)

    def _withdrawn(self, of: str) -> bool:
        with self._folder.locked():
            return any(one.name == of and one.withdrawn_at for one in self._said())

    def _keep_and_show(self, key: str, message: Kept, of: str) -> None:
        """Make the pages that this message changes, or all of them where a crash left them stale."""
        stale, known = self._folder.stale(), self._folder.has(key)
        if known and not stale:
            return
        if not known:
            self._folder.add(key, message, of, self._now())
        told = self._said()
        one = _of(told, of or Folder.name(key))
        self._folder.publish(self._pages.all(told) if stale or one is None else self._pages.changed_by(one, told))

    def _look(self, text: str, base: Receipt) -> Receipt:
        """Read the pages that should show a post. Raises Refused when they can't be read."""
        seen, stands = GONE, ""
        try:
            if self._folder.exists():
                with self._folder.locked():  # no page changes between one that is read and the next
                    seen, stands = self._seen(text, base, self._folder.page)
                if seen == SAME and self._settings.look_at_url and self._copied():
                    seen, stands = self._seen(text, base, self._fetch)
        except OSError as error:
            raise Refused(f"The status page in {self._folder.root} can't be read: {error}", permanent=False) from None
        return base.model_copy(update={"facts": {**base.facts, "seen": seen, "text": stands}})

    def _seen(self, text: str, base: Receipt, read: Callable[[str], str | None]) -> tuple[str, str]:
        from integrations.statuspage.pages import place
        from integrations.statuspage.reading import compare

        told = self._said()
        one = _of(told, base.id)
        seen, stands = GONE, ""
        for name in self._pages.showing(one, told) if one else ():
            seen, stands = compare(read(name), place(one.post.statement) if one else "", text)
            if seen != SAME:
                break
        return seen, stands

    def _copied(self) -> bool:
        """Whether the pages are old enough that what carries them to the public must have taken the newest."""
        newest = max((entry.kept_at for entry in self._folder.entries() if entry.kept_at), default=None)
        return newest is None or self._now() - newest >= COPIED

    def _fetch(self, name: str) -> str | None:
        from integrations.statuspage.reading import fetch

        return fetch(f"{self._settings.base_url}/{name}", self._settings.timeout_s)

    def _said(self) -> list[Said]:
        return said(self._folder.entries())

    @cached_property
    def _pages(self) -> "Pages":
        from integrations.statuspage.pages import Pages  # Jinja2 and Babel: not before they are needed

        return Pages(self._settings)

    def _receipt(self, message: Kept, key: str, base: Receipt | None) -> Receipt:
        if isinstance(message, Withdraw):
            same = _needed(base)
            return same.model_copy(update={"facts": {**same.facts, "withdrawn": True}})
        if isinstance(message, Amend):
            return _needed(base)
        root, url = self._settings.base_url, ""
        if root:
            url = f"{root}/{page_of(message)}.{message.language}.html"
        return Receipt(id=Folder.name(key), place=str(self._folder.root), url=url)


def _of(told: list[Said], name: str) -> Said | None:
    return next((one for one in told if one.name == name), None)


def _needed(base: Receipt | None) -> Receipt:
    if base is None:
        raise Refused("The status page was not told which post is meant.", permanent=True)
    return base

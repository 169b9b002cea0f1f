"""The status page as a channel: a post is kept first, then the pages are made anew from all posts."""

from functools import cached_property
from typing import TYPE_CHECKING

from engine.effects import Message, Post, Receipt
from engine.ports import Lost, Refused, TextLimit
from integrations.statuspage import LIMIT, Settings
from integrations.statuspage.disruptions import page_of
from integrations.statuspage.folder import Entry, Folder

if TYPE_CHECKING:
    from integrations.statuspage.pages import Pages


class StatusPage:
    """Writes to a folder. A post is made when its file is there and the pages show it."""

    name = "status_page"
    kinds = frozenset({"post"})
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings) -> None:
        if settings.folder is None:
            raise ValueError("the status page needs a folder")
        self._settings = settings
        self._folder = Folder(settings.folder)

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Keep the post and show it. Raises Refused when nothing was kept, Lost when it is kept but not yet shown."""
        if not isinstance(message, Post):
            raise Refused(f"The status page takes posts, not a message of kind {message.kind}.", permanent=True)
        try:
            with self._folder.locked():
                self._keep_and_show(Entry(key=key, post=message))
        except OSError as error:
            why = f"{self._folder.root} can't be written: {error.strerror}"
            if self._folder.has(key):
                raise Lost(f"The statement is kept, but the status page does not show it yet: {why}") from None
            raise Refused(f"The status page in {why}", permanent=False) from None
        return self._receipt(message, key)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether the post is kept; if a crash came before its pages, make them now."""
        if not self._folder.has(key) or not isinstance(message, Post):
            return None
        return self.send(message, key)

    def rebuild(self) -> None:
        """Make every page anew from what was posted. Raises OSError."""
        with self._folder.locked():
            self._folder.publish(self._pages.all(self._posts()))

    def check(self) -> list[str]:
        """Say what is wrong with the folder and the languages."""
        root = self._folder.root
        try:
            with self._folder.locked():
                self._folder.entries()
                stale = self._folder.stale()
        except OSError as error:
            return [f"The status page's folder {root} can't be written: {error.strerror}."]
        wrong = [f"{root / name} can't be read and is left out." for name in self._folder.unreadable]
        if stale:
            wrong.append(
                f"A crash left the pages in {root} behind the posts; the next statement, or a restart, mends it."
            )
        return self._pages.check() + wrong

    def _keep_and_show(self, entry: Entry) -> None:
        """Make the pages that this post changes, or all of them where a crash left them stale."""
        stale, known = self._folder.stale(), self._folder.has(entry.key)
        if known and not stale:
            return
        if not known:
            self._folder.add(entry)
        posts = self._posts()
        self._folder.publish(self._pages.all(posts) if stale else self._pages.changed_by(entry.post, posts))

    def _posts(self) -> list[Post]:
        return [entry.post for entry in self._folder.entries()]

    @cached_property
    def _pages(self) -> "Pages":
        from integrations.statuspage.pages import Pages  # Jinja2 and Babel: not before they are needed

        return Pages(self._settings)

    def _receipt(self, post: Post, key: str) -> Receipt:
        base = self._settings.base_url
        url = f"{base}/{page_of(post)}.{post.language}.html" if base else ""
        return Receipt(id=Folder.name(key), place=str(self._folder.root), url=url)

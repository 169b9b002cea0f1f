"""A Facebook page as a channel: posts, other words in their place, and what became of them. The wire is in `page`."""

import threading
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engine.effects import CHANGED, GONE, SAME, Amend, Look, Message, Post, Receipt, Withdraw
from engine.limits import fits
from engine.ports import CannotTell, Lost, Refused, TextLimit
from integrations.facebook import KINDS, LIMIT, Settings

if TYPE_CHECKING:
    from integrations.facebook.page import Page

PLACE = "facebook.com/"
"""Before the id of the page, where a receipt says its place."""
BEFORE = timedelta(minutes=5)
"""How far before the draft we look for our own post: clocks differ."""
EXPIRES_SOON = timedelta(days=7)


class Facebook:
    """Posts as one page. Facebook has no key for a post: what was lost is looked for among the page's own posts."""

    name = "facebook"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings, settles_s: float | None = None) -> None:
        from integrations.calls import SETTLES_S, Turns  # brings the client

        self._settings = settings
        self._place = f"{PLACE}{settings.page}"
        self._made: Page | None = None
        self._lock = threading.Lock()
        self._turns = Turns(SETTLES_S if settles_s is None else settles_s)

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Post, edit, delete or look. Raises Refused or Lost."""
        if isinstance(message, Look):
            return self._look(message, self._ours(base))
        if isinstance(message, Withdraw):
            place = self._ours(base)
            self._page().delete(place.id)
            return _withdrawn(place)
        if isinstance(message, Amend):
            place, post = self._ours(base), self._checked(message.post)
            self._page().amend(place.id, post.text)
            return place
        post = self._checked(message)
        with self._turns.take(key) as again:
            return (self._made_before(post, key) if again else None) or self._post(post)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look among the page's own posts for one of these words.

        For an Amend: whether the post reads so. For a Withdraw: whether it is gone. Raises CannotTell, and Refused,
        also while a post may yet arrive.
        """
        if isinstance(message, Look):
            return None
        if isinstance(message, Withdraw | Amend):
            return self._done(message, self._ours(base))
        post = self._checked(message)
        found = self._among_ours(post)
        if found is None:
            self._turns.settled(key, "Facebook")
        return found

    def check(self) -> list[str]:
        """Ask Facebook whose token this is, what it may do, and until when."""
        from integrations.facebook.page import other_page

        try:
            whose = self._page().me()
            if whose != self._settings.page:
                return [other_page(whose, self._settings.page)]
            return self._about_token()
        except Refused as error:
            return [str(error)]

    def close(self) -> None:
        """Let the connections go; the next use makes new ones."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _made_before(self, post: Post, key: str) -> Receipt | None:
        """Find what an earlier send of ours may have made. Raises Lost: that it can't be found out refuses nothing."""
        try:
            return self.find(post, key)
        except (CannotTell, Refused) as error:
            raise Lost(str(error)) from None

    def _among_ours(self, post: Post) -> Receipt | None:
        for seen in self._page().posts(post.drafted_at - BEFORE):
            if _same(seen.text, post.text):
                return self._receipt(seen.id)
        return None

    def _post(self, post: Post) -> Receipt:
        from integrations.facebook.errors import Duplicate

        try:
            return self._receipt(self._page().post(post.text))
        except Duplicate:
            try:
                found = self._among_ours(post)
            except CannotTell as error:
                raise Refused(f"Facebook has this text already. {error}", permanent=True) from None
            if found:
                return found
        raise Refused(
            "Facebook says that it has this text already (506), and it is not among the page's posts since "
            f"{post.drafted_at:%d %b %H:%M} UTC: an older one, or one deleted just now. Change a word.",
            permanent=True,
        )

    def _done(self, message: Amend | Withdraw, base: Receipt) -> Receipt | None:
        seen = self._page().get(base.id)
        if isinstance(message, Withdraw):
            return _withdrawn(base) if seen is None else None
        return base if seen is not None and _same(seen.text, message.post.text) else None

    def _look(self, look: Look, base: Receipt) -> Receipt:
        seen = self._page().get(base.id)
        public = seen is not None and seen.public
        text = seen.text if seen is not None and public else ""
        found = GONE if not public else SAME if _same(text, look.text) else CHANGED
        return base.model_copy(update={"facts": {**base.facts, "seen": found, "text": text}})

    def _about_token(self) -> list[str]:
        """What is wrong with the token, as far as Facebook tells: it may tell only the app's own people."""
        from integrations.facebook.errors import READS, WRITES

        told = self._page().token()
        scopes, wrong = told.get("scopes"), []
        if isinstance(scopes, list):
            missing = [name for name in (WRITES, READS) if name not in scopes]
            wrong += [f"The page token lacks {name}; make a new one with it, and set it." for name in missing]
        ends = told.get("expires_at")
        if isinstance(ends, int) and ends:
            at = datetime.fromtimestamp(ends, UTC)
            if at - datetime.now(UTC) < EXPIRES_SOON:
                wrong.append(f"The page token ends on {at:%d %b %Y}; make one that does not expire, and set it.")
        return wrong

    def _checked(self, message: Message) -> Post:
        if not isinstance(message, Post):
            raise Refused(f"Facebook takes posts, not a message of kind {message.kind}.", permanent=True)
        if message.part > 1:
            raise Refused("A Facebook page has no threads: send the text as one post.", permanent=True)
        measured = fits(message.text, LIMIT)
        if not measured.ok:
            raise Refused(f"The text is too long for Facebook ({measured}); shorten it.", permanent=True)
        if message.drill and not self._settings.post_drills:
            raise Refused("A drill is not posted on Facebook: readers take it for the real thing.", permanent=True)
        return message

    def _receipt(self, id: str) -> Receipt:
        return Receipt(id=id, place=self._place, url=f"https://www.facebook.com/{id}")

    def _ours(self, base: Receipt | None) -> Receipt:
        if base is None or base.place != self._place:
            raise Refused(
                "The post was not made on this Facebook page (by the sandbox, perhaps), so that nothing is done.",
                permanent=True,
            )
        return base

    def _page(self) -> "Page":
        with self._lock:
            if self._made is None:
                from integrations.facebook.page import Page

                self._made = Page(self._settings)
            return self._made


def _withdrawn(base: Receipt) -> Receipt:
    return base.model_copy(update={"facts": {**base.facts, "withdrawn": True}})


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same to a reader. Facebook trims them and writes letters in Unicode's form C."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())

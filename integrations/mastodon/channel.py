"""Mastodon as a channel: posts, edits, withdraws and looks as one account. The wire is in `api`."""

import hashlib
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.effects import CHANGED, GONE, SAME, Amend, Look, Message, Post, Receipt, Withdraw
from engine.limits import fits
from engine.ports import CannotTell, Lost, Refused, TextLimit
from integrations.mastodon import KINDS, Settings, limit
from integrations.mastodon.attempts import Attempt, Attempts
from integrations.mastodon.text import plain, same

if TYPE_CHECKING:
    from integrations.mastodon.api import Api, Status

SKEW = timedelta(minutes=5)
"""How far the server's clock may be behind ours. An older post with the same words is not the one looked for."""
STILL_AT_IT_S = 30
"""After a time-out or a 502, how long the server may still be storing the post: most set themselves 15 to 60 s."""


class Mastodon:
    """Posts as one account.

    Mastodon's Idempotency-Key is looked up before the post is stored and remembered for an hour only, and some servers
    ignore it. So the sends of one key wait for each other, and after a lost answer the account's own posts are looked
    through before anything is sent again.
    """

    name = "mastodon"
    kinds = KINDS
    sandbox = False

    def __init__(self, settings: Settings, still_at_it_s: float = STILL_AT_IT_S) -> None:
        self.limit: TextLimit | None = limit(settings)
        self._settings = settings
        self._place = settings.server_url.strip().rstrip("/").lower()
        self._still_at_it_s = still_at_it_s
        self._attempts = Attempts()
        self._lock = threading.Lock()
        self._api: Api | None = None

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Post, edit, withdraw or look. Raises Refused or Lost."""
        if isinstance(message, Post):
            return self._post(message, key, base)
        if isinstance(message, Amend):
            return self._amend(message, self._ours(base))
        if isinstance(message, Withdraw):
            return self._withdraw(self._ours(base))
        if isinstance(message, Look):
            return self._look(message, self._ours(base))
        raise self._not_taken(message)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether it is done. Raises CannotTell, Lost, and Refused, also while it may yet be under way."""
        if isinstance(message, Post):
            return self._find_post(message, key, base)
        if isinstance(message, Amend):
            status = self._there(self._ours(base))
            return self._receipt(status) if status and self._says(status, message.post.text) else None
        if isinstance(message, Withdraw):
            post = self._ours(base)
            return None if self._there(post) else _withdrawn(post)
        if isinstance(message, Look):
            return None
        raise self._not_taken(message)

    def check(self) -> list[str]:
        """Say what is wrong with the account, the token's rights and the limit. Posts nothing."""
        from integrations.mastodon.checkup import findings

        try:
            return findings(self._connected(), self._settings)
        except Refused as error:
            return [str(error)]

    def close(self) -> None:
        """Let the connections go; the next use makes new ones."""
        with self._lock:
            if self._api is not None:
                self._api.close()
            self._api = None

    # ---------------------------------------------------------------- a post

    def _post(self, post: Post, key: str, base: Receipt | None) -> Receipt:
        self._checked(post)
        body = _body(post)
        if parent := self._parent(base):
            body["in_reply_to_id"] = parent
        attempt = self._attempts.of(key)
        with attempt.lock:
            if attempt.doubtful:
                self._look_again(attempt, post, key, parent)
            if attempt.receipt is None:
                attempt.receipt = self._posted(attempt, body, key)
            return attempt.receipt

    def _posted(self, attempt: Attempt, body: dict[str, Any], key: str) -> Receipt:
        from integrations.mastodon.errors import Unfinished

        api, before = self._connected(), attempt.doubtful
        attempt.doubtful = True
        try:
            return self._receipt(api.post(body, hashlib.sha256(key.encode()).hexdigest()))
        except Refused:
            attempt.doubtful = before
            raise
        except Unfinished:
            attempt.unfinished(self._still_at_it_s)
            raise

    def _look_again(self, attempt: Attempt, post: Post, key: str, parent: str | None) -> None:
        """Look for a post whose answer was lost. Raises Lost while that proves nothing."""
        try:
            attempt.receipt = self._seen(post, key, parent)
        except (CannotTell, Refused) as error:  # the look was refused, not the post
            raise Lost(str(error)) from None
        if attempt.receipt is None and attempt.waits_s():
            raise Lost("Mastodon may still be storing the post.")

    def _find_post(self, post: Post, key: str, base: Receipt | None) -> Receipt | None:
        attempt = self._attempts.of(key)
        with attempt.lock:
            attempt.receipt = attempt.receipt or self._seen(post, key, self._parent(base))
            waits = attempt.waits_s()
            if attempt.receipt is None and waits:
                raise Refused(
                    f"Mastodon does not show the post and may still be storing it; looked for again in {waits:.0f} s.",
                    permanent=False,
                    retry_after=waits,
                )
            return attempt.receipt

    def _seen(self, post: Post, key: str, parent: str | None) -> Receipt | None:
        """Find the post among the account's own: same words, same language, answering the same post; the oldest."""
        others, found = self._attempts.others(key), None
        for status in self._connected().posts_since(post.drafted_at - SKEW):
            alike = _language(status.language or post.language) == _language(post.language)
            if status.id in others or status.reblog or not alike or status.in_reply_to_id != parent:
                continue
            if same(plain(status.content), post.text):
                found = status
        return self._receipt(found) if found else None

    def _checked(self, post: Post) -> None:
        measured = fits(post.text, self.limit)
        if not measured.ok:
            raise Refused(f"The text is too long for Mastodon ({measured}); shorten it.", permanent=True)
        if post.drill and not self._settings.post_drills:
            raise Refused("A drill is not posted on Mastodon: readers take it for the real thing.", permanent=True)

    # ---------------------------------------------------------------- what is there

    def _amend(self, amend: Amend, post: Receipt) -> Receipt:
        from integrations.mastodon.errors import Gone

        self._checked(amend.post)
        try:
            return self._receipt(self._connected().edit(post.id, _body(amend.post)))
        except Gone:
            gone = f"The post {post.url} is gone from Mastodon; publish the new words as a statement of their own."
            raise Refused(gone, permanent=True) from None

    def _withdraw(self, post: Receipt) -> Receipt:
        from integrations.mastodon.errors import Gone

        try:
            self._connected().delete(post.id)
        except Gone:  # or the post of another account: for that the server says the same
            if self._there(post):
                other = f"The post {post.url} is not of this account; withdraw it with the account that made it."
                raise Refused(other, permanent=True) from None
        return _withdrawn(post)

    def _look(self, look: Look, post: Receipt) -> Receipt:
        status = self._there(post)
        if status is None:
            return _with(post, seen=GONE, text="")
        seen = SAME if self._says(status, look.text) else CHANGED
        return _with(post, seen=seen, text=plain(status.content))

    def _there(self, post: Receipt) -> "Status | None":
        from integrations.mastodon.errors import Gone

        try:
            return self._connected().get(post.id)
        except Gone:
            return None

    def _says(self, status: "Status", text: str) -> bool:
        """Whether a post has these words: as it is shown or, where the server dresses words up, as it was written."""
        if same(plain(status.content), text):
            return True
        source = self._connected().source(status.id)
        return source is not None and same(source, text)

    # ---------------------------------------------------------------- receipts

    def _receipt(self, status: "Status") -> Receipt:
        facts = {"account": status.account.id}
        return Receipt(id=status.id, place=self._place, url=status.url or status.uri, facts=facts)

    def _parent(self, base: Receipt | None) -> str | None:
        """The id of the post that is answered; None where the base is of another channel."""
        return base.id if base and base.place == self._place else None

    def _ours(self, base: Receipt | None) -> Receipt:
        if base is None or base.place != self._place:
            where = base.url or base.id if base else "without a receipt"
            raise Refused(f"The post {where} is not on {self._place}; do it by hand where it is.", permanent=True)
        return base

    def _not_taken(self, message: Message) -> Refused:
        return Refused(f"Mastodon takes statements, not a message of kind {message.kind}.", permanent=True)

    def _connected(self) -> "Api":
        with self._lock:
            if self._api is None:
                from integrations.mastodon.api import Api  # httpx takes a fifth of a second to import

                self._api = Api(self._settings)
            return self._api


def _body(post: Post) -> dict[str, Any]:
    return {"status": post.text, "language": post.language, "visibility": "public", "sensitive": False}


def _language(code: str) -> str:
    return code.lower().replace("_", "-").partition("-")[0]


def _with(post: Receipt, **facts: Any) -> Receipt:
    return post.model_copy(update={"facts": {**post.facts, **facts}})


def _withdrawn(post: Receipt) -> Receipt:
    return _with(post, withdrawn=True)

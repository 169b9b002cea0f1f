"""Bluesky as a channel: one record for each post, under a key of our own. The wire is in `account`."""

import threading
from typing import TYPE_CHECKING

from engine.effects import Message, Post, Receipt
from engine.limits import fits
from engine.ports import CannotTell, Refused, TextLimit
from integrations.bluesky import LIMIT, Settings
from integrations.bluesky.tid import tid

if TYPE_CHECKING:
    from integrations.bluesky.account import Account


class Bluesky:
    """Posts as one account. `putRecord` under the same key with the same bytes changes nothing: exactly once."""

    name = "bluesky"
    kinds = frozenset({"post"})
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._account: Account | None = None
        self._lock = threading.Lock()

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Put the post under its key. Raises Refused or Lost."""
        post = self._checked(message)
        return self._logged_in().put(tid(key, post.drafted_at), post)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Read the record under the key back. Raises CannotTell when it holds another text, Refused or Lost."""
        post = self._checked(message)
        found = self._logged_in().get(tid(key, post.drafted_at))
        if found is None:
            return None
        text, receipt = found
        if text != post.text:
            raise CannotTell(f"Bluesky holds another text at {receipt.url}; look at it and decide.")
        return receipt

    def check(self) -> list[str]:
        """Log in, and say what is wrong."""
        try:
            self._logged_in()
        except Refused as error:
            return [str(error)]
        return []

    def close(self) -> None:
        """Let the connections go; the next use makes new ones."""
        with self._lock:
            if self._account is not None:
                self._account.close()
            self._account = None

    def _checked(self, message: Message) -> Post:
        if not isinstance(message, Post):
            raise Refused(f"Bluesky takes posts, not a message of kind {message.kind}.", permanent=True)
        measured = fits(message.text, LIMIT)
        if not measured.ok:
            raise Refused(f"The text is too long for Bluesky ({measured}); shorten it.", permanent=True)
        if message.drill and not self._settings.post_drills:
            raise Refused("A drill is not posted on Bluesky: readers take it for the real thing.", permanent=True)
        return message

    def _logged_in(self) -> "Account":
        """Log in once for all threads: createSession allows 30 in 5 minutes and 300 a day."""
        with self._lock:
            if self._account is None or self._account.ended:
                from integrations.bluesky.account import Account  # the client takes over half a second to import

                self._account = Account(self._settings)
            return self._account

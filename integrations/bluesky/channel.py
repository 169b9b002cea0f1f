"""Bluesky as a channel: one record for each post, under a key of our own. The wire is in `account`."""

import threading
from typing import TYPE_CHECKING, Any

from engine.effects import CHANGED, GONE, SAME, Look, Message, Post, Receipt, Withdraw
from engine.limits import fits
from engine.ports import CannotTell, Refused, TextLimit
from integrations.bluesky import KINDS, LIMIT, Settings
from integrations.bluesky.tid import tid

if TYPE_CHECKING:
    from integrations.bluesky.account import Account


class Bluesky:
    """Posts as one account. `putRecord` under the same key with the same bytes changes nothing: exactly once."""

    name = "bluesky"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._account: Account | None = None
        self._lock = threading.Lock()

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Put a post under its key, withdraw one, or look at one. Raises Refused or Lost."""
        if isinstance(message, Post):
            self._check(message)
            return self._logged_in().put(tid(key, message.drafted_at), message, _answered(base))
        if isinstance(message, Withdraw):
            account, rkey, post = self._ours(base)
            account.delete(rkey)
            return _with(post, withdrawn=True)
        if isinstance(message, Look):
            return self._look(message, base)
        raise _not_taken(message)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether it is done. Raises CannotTell when the key's record holds another text, Refused or Lost."""
        if isinstance(message, Post):
            return self._find_post(message, key)
        if isinstance(message, Withdraw):
            account, rkey, post = self._ours(base)
            return None if account.get(rkey) else _with(post, withdrawn=True)
        if isinstance(message, Look):
            return None
        raise _not_taken(message)

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

    def _find_post(self, post: Post, key: str) -> Receipt | None:
        self._check(post)
        found = self._logged_in().get(tid(key, post.drafted_at))
        if found and found.text != post.text:
            raise CannotTell(f"Bluesky holds another text at {found.receipt.url}; look at it and decide.")
        return found.receipt if found else None

    def _look(self, look: Look, base: Receipt | None) -> Receipt:
        account, rkey, post = self._ours(base)
        found = account.get(rkey)
        if found is None:
            return _with(post, seen=GONE, text="")
        return _with(post, seen=SAME if found.text == look.text else CHANGED, text=found.text)

    def _check(self, post: Post) -> None:
        measured = fits(post.text, LIMIT)
        if not measured.ok:
            raise Refused(f"The text is too long for Bluesky ({measured}); shorten it.", permanent=True)
        if post.drill and not self._settings.post_drills:
            raise Refused("A drill is not posted on Bluesky: readers take it for the real thing.", permanent=True)

    def _ours(self, base: Receipt | None) -> tuple["Account", str, Receipt]:
        """Log in, and give the record key of a post of this account: of any other deleteRecord says it is gone."""
        if base is None or not base.id.startswith("at://"):
            raise Refused(
                "There is no receipt of a post on Bluesky; look at the account and do it by hand.", permanent=True
            )
        account = self._logged_in()
        did, _, rest = base.id.removeprefix("at://").partition("/")
        if did != account.did:
            why = f"The post {base.url} is not of {self._settings.handle}; do it with the account that made it."
            raise Refused(why, permanent=True)
        return account, rest.rpartition("/")[2], base

    def _logged_in(self) -> "Account":
        """Log in once for all threads: createSession allows 30 in 5 minutes and 300 a day."""
        with self._lock:
            if self._account is None or self._account.ended:
                from integrations.bluesky.account import Account  # the client takes over half a second to import

                self._account = Account(self._settings)
            return self._account


def _answered(base: Receipt | None) -> Receipt | None:
    """The post that is answered; None where the base is of another channel."""
    if base is None or not base.id.startswith("at://"):
        return None
    if "cid" not in base.facts:
        raise Refused(f"The receipt of {base.id} lacks its cid; answer that post by hand.", permanent=True)
    return base


def _with(post: Receipt, **facts: Any) -> Receipt:
    return post.model_copy(update={"facts": {**post.facts, **facts}})


def _not_taken(message: Message) -> Refused:
    return Refused(f"Bluesky takes posts, not a message of kind {message.kind}.", permanent=True)

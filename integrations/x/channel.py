"""X as a channel: posts, threads, and what became of them. The wire is in `account`."""

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from engine.effects import CHANGED, GONE, SAME, Look, Message, Post, Receipt, Withdraw
from engine.limits import fits
from engine.ports import CannotTell, Lost, Refused, TextLimit
from integrations.x import KINDS, LIMIT, Settings

if TYPE_CHECKING:
    from integrations.x.account import Account

PLACE = "x.com"
BEFORE = timedelta(minutes=5)
"""How far before the draft we look for our own post: clocks differ."""
LAG_S = 3.0
"""Seconds after which we look again for a post that X says it has: its lists are a moment behind."""


class X:
    """Posts as one account. X has no key for a post: what was lost is looked for among the account's own posts."""

    name = "x"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings, settles_s: float | None = None) -> None:
        from integrations.calls import SETTLES_S, Turns  # brings the client

        self._settings = settings
        self._made: Account | None = None
        self._lock = threading.Lock()
        self._turns = Turns(SETTLES_S if settles_s is None else settles_s)

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Post, delete or look. Raises Refused or Lost."""
        if isinstance(message, Look):
            return self._look(message, _ours(base))
        if isinstance(message, Withdraw):
            return self._withdraw(_ours(base))
        post = self._checked(message)
        with self._turns.take(key) as again:
            return (self._made_before(post, key, base) if again else None) or self._post(post, base)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look among our own posts for one of these words, in answer to the same post.

        For a Withdraw: whether the post is gone. Raises CannotTell, and Refused, also while it may yet arrive.
        """
        if isinstance(message, Look):
            return None
        if isinstance(message, Withdraw):
            place = _ours(base)
            return _withdrawn(place) if self._account().get(place.id) is None else None
        post = self._checked(message)
        found = self._among_ours(post, base)
        if found is None:
            self._turns.settled(key, "X")
        return found

    def check(self) -> list[str]:
        """Ask X whose keys these are and what they may do."""
        try:
            _, access = self._account().me()
        except Refused as error:
            return [str(error)]
        if access == "read":
            return ["X's access token may only read; give the app read and write, make a new token and set it."]
        return []

    def close(self) -> None:
        """Let the connections go; the next use makes new ones."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _made_before(self, post: Post, key: str, base: Receipt | None) -> Receipt | None:
        """Find what an earlier send of ours may have made. Raises Lost: that it can't be found out refuses nothing."""
        try:
            return self.find(post, key, base)
        except (CannotTell, Refused) as error:
            raise Lost(str(error)) from None

    def _among_ours(self, post: Post, base: Receipt | None) -> Receipt | None:
        from integrations.x.text import same

        answers = _answers(post, base)
        replies = bool(answers) and self._settings.answer_by == "reply"
        for seen in self._account().own(post.drafted_at - BEFORE, replies):
            if seen.answers == answers and same(seen.text, post.text):
                return _receipt(seen.id)
        return None

    def _post(self, post: Post, base: Receipt | None) -> Receipt:
        from integrations.x.errors import AnswersNothing, Duplicate

        answers, account = _answers(post, base), self._account()
        try:
            return _receipt(account.post(post.text, answers, quote=self._settings.answer_by == "quote"))
        except Duplicate:
            return self._there_already(post, base)
        except AnswersNothing:
            raise AnswersNothing(gone=account.get(answers) is None) from None

    def _there_already(self, post: Post, base: Receipt | None) -> Receipt:
        """Find the post that X has already: ours, where an answer was lost. Raises Refused where it is another's."""
        for wait in (0.0, LAG_S):
            time.sleep(wait)
            try:
                found = self._among_ours(post, base)
            except CannotTell as error:
                raise Refused(f"X has this text already. {error}", permanent=True) from None
            if found:
                return found
        raise Refused(
            f"X says that it has this text already, and it is not among our posts since {post.drafted_at:%d %b %H:%M} "
            "UTC: an older one, or one deleted just now. Change a word.",
            permanent=True,
        )

    def _look(self, look: Look, base: Receipt) -> Receipt:
        from integrations.x.text import same

        seen = self._account().get(base.id)
        if seen is not None and seen.latest != seen.id:  # edited by hand: an old id gives the old words for ever
            seen = self._account().get(seen.latest)
        text = seen.text if seen else ""
        found = GONE if seen is None else SAME if same(text, look.text) else CHANGED
        return base.model_copy(update={"facts": {**base.facts, "seen": found, "text": text}})

    def _withdraw(self, base: Receipt) -> Receipt:
        self._account().delete(base.id)
        return _withdrawn(base)

    def _checked(self, message: Message) -> Post:
        if not isinstance(message, Post):
            raise Refused(f"X takes posts, not a message of kind {message.kind}.", permanent=True)
        measured = fits(message.text, LIMIT)
        if not measured.ok:
            raise Refused(f"The text is too long for X ({measured}); shorten it.", permanent=True)
        if message.drill and not self._settings.post_drills:
            raise Refused("A drill is not posted on X: readers take it for the real thing.", permanent=True)
        return message

    def _account(self) -> "Account":
        with self._lock:
            if self._made is None:
                from integrations.x.account import Account

                self._made = Account(self._settings)
            return self._made


def _receipt(id: str) -> Receipt:
    """`/i/` stands for any account: the link holds when the account is renamed."""
    return Receipt(id=id, place=PLACE, url=f"https://x.com/i/status/{id}")


def _withdrawn(base: Receipt) -> Receipt:
    return base.model_copy(update={"facts": {**base.facts, "withdrawn": True}})


def _ours(base: Receipt | None) -> Receipt:
    if base is None or base.place != PLACE:
        raise Refused("The post was not made on X (by the sandbox, perhaps), so that nothing is done.", permanent=True)
    return base


def _answers(post: Post, base: Receipt | None) -> str:
    """The id of the post that this one answers; empty for one that stands alone."""
    if post.part > 1 or post.corrects:
        return _ours(base).id
    return base.id if base is not None and base.place == PLACE else ""

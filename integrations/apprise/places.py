"""Statements to further places: each URL of the setting is one, and has each statement once.

The URLs are read in `service`; who has what is kept in the ledger.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.effects import Message, Post, Receipt
from engine.ports import Refused, TextLimit
from engine.wording import MARKS
from integrations.apprise import KINDS, Settings
from integrations.apprise.service import notify, place, setting
from integrations.ledger import Ledger
from integrations.spread import Words, find_all, to_each

POSTS = setting("posts")
WORDS = Words(several="places", remedy=f"Correct {POSTS}, and send it again.")

_BETWEEN = re.compile(r"[,\s]+(?=[A-Za-z0-9]+://)")
"""Between two URLs; a comma inside one is its own."""


@dataclass(frozen=True)
class Place:
    """One URL of the setting. It holds a password."""

    url: str
    number: int

    def __repr__(self) -> str:
        return f"Place({self.named})"

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.url.encode()).hexdigest()

    @property
    def place(self) -> str:
        """The service by its URL's scheme."""
        scheme = self.url.partition("://")[0].lower()
        return scheme if re.fullmatch(r"[a-z0-9]{2,20}", scheme) else self.named

    @property
    def named(self) -> str:
        return f"URL {self.number} of {POSTS}"


class Places:
    """The channel `apprise`. Apprise sends only: a post can be neither changed nor looked at afterwards."""

    name = "apprise"
    kinds = KINDS["apprise"]
    limit: TextLimit | None = None
    sandbox = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Send to the places that don't have it. Raises Refused or Lost, both with how many have it."""
        post = self._checked(message)

        def hand_over(to: Place, begin: Callable[[], None]) -> None:
            plugin = self._plugin(to, post.text)
            begin()
            notify(plugin, post.text, _title(post), to.named)

        return self._receipt(key, to_each(self._ledger(), key, self._places(), WORDS, hand_over))

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look into the ledger. Raises CannotTell, with how many may have it or not."""
        self._checked(message)
        facts = find_all(self._ledger(), key, self._places(), WORDS)
        return None if facts is None else self._receipt(key, facts)

    def check(self) -> list[str]:
        """Have Apprise read each URL, and say what is wrong. Nothing is sent and nothing connects."""
        wrong = []
        try:
            for each in self._places():
                try:
                    self._plugin(each, "")
                except Refused as error:
                    wrong.append(str(error))
            with self._ledger().alone("check"):
                return wrong
        except Refused as error:
            return [*wrong, str(error)]

    def _checked(self, message: Message) -> Post:
        if not isinstance(message, Post):
            raise Refused(f"Apprise takes statements here, not a message of kind {message.kind}.", permanent=True)
        if message.drill and not self._settings.post_drills:
            raise Refused("A drill is not sent to the public: readers take it for the real thing.", permanent=True)
        return message

    def _places(self) -> list[Place]:
        text = self._settings.posts.get_secret_value().strip().strip(",") if self._settings.posts else ""
        urls = dict.fromkeys(one.strip() for one in _BETWEEN.split(text) if one.strip())
        if not urls:
            raise Refused(f"Apprise has no place for statements; set {POSTS}.", permanent=True)
        return [Place(url, number) for number, url in enumerate(urls, 1)]

    def _plugin(self, to: Place, text: str) -> Any:
        plugin = place(self._settings, to.url, to.named)
        if len(text) > plugin.body_maxlen:
            raise Refused(f"{len(text)} characters, where it takes {plugin.body_maxlen}", permanent=True)
        return plugin

    def _ledger(self) -> Ledger:
        if self._settings.folder is None:
            raise Refused("Apprise has no folder for its ledger; set IRROPS_APPRISE_FOLDER.", permanent=True)
        return Ledger(self._settings.folder)

    def _receipt(self, key: str, facts: dict[str, Any]) -> Receipt:
        return Receipt(id=hashlib.sha256(key.encode()).hexdigest()[:32], place=self.name, facts=facts)


def _title(post: Post) -> str:
    """The title; in a drill after the mark."""
    drill = MARKS.get(post.language, MARKS["en"]) if post.drill else ""
    return post.title if post.title.startswith(drill.strip()) else drill + post.title

"""Statements to lists: who is mailed which language, and to each once. The mail's form is in `statement`."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.effects import Post, Receipt
from engine.ports import Refused
from integrations.email import EVERY, Settings, parted
from integrations.email.errors import OfOne
from integrations.email.mail import message_id
from integrations.email.server import Shared
from integrations.email.statement import ANSWERS, compose_statement, followed, mark
from integrations.ledger import Ledger
from integrations.spread import ForAll, Words, find_all, to_each

WORDS = Words(
    several="addresses",
    remedy="Correct IRROPS_EMAIL_STATEMENTS, or have the server relay for this machine, and send it again.",
)


@dataclass(frozen=True)
class Subscriber:
    """One address, or a list's, which its own server spreads."""

    address: str
    mark: str

    @property
    def place(self) -> str:
        """The domain: addresses are not for receipts and sentences."""
        return self.address.partition("@")[2].lower()


class Lists:
    """Sends statements, a mail for each recipient, and remembers in a ledger who has which."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, post: Post, key: str, base: Receipt | None) -> Receipt:
        """Mail those who don't have it. Raises Refused or Lost, both with how many have it."""
        root = message_id(key, self._settings)
        everybody = self._checked(post, root)
        shared = Shared(self._settings, parted(self._settings.sender)[1])

        def hand_over(to: Subscriber, begin: Callable[[], None]) -> None:
            mail = compose_statement(post, root, to.address, self._settings, base)
            try:
                shared.submit(to.address, mail, begin)
            except OfOne as error:
                raise Refused(error.code, permanent=error.permanent, retry_after=error.retry_after) from None
            except Refused as error:
                raise ForAll(str(error), permanent=error.permanent, retry_after=error.retry_after) from None

        try:
            facts = to_each(self._ledger(), key, everybody, WORDS, hand_over)
        finally:
            shared.close()
        return self._receipt(root, base, facts)

    def find(self, post: Post, key: str, base: Receipt | None) -> Receipt | None:
        """Look into the ledger. Raises CannotTell, with how many may have it or not."""
        root = message_id(key, self._settings)
        facts = find_all(self._ledger(), key, self._checked(post, root), WORDS)
        return None if facts is None else self._receipt(root, base, facts)

    def check(self) -> list[str]:
        """Say whether the ledger can't be kept."""
        if not self._settings.statements:
            return []
        try:
            with self._ledger().alone("check"):
                return []
        except Refused as error:
            return [str(error)]

    def _checked(self, post: Post, root: str) -> list[Subscriber]:
        """Who is to have it. Raises Refused, for good."""
        if post.drill and not self._settings.post_drills:
            raise Refused("A drill is not mailed to lists: readers take it for the real thing.", permanent=True)
        lists = self._settings.statements
        found = {
            parted(one)[1].lower(): parted(one)[1] for one in (*lists.get(post.language, ()), *lists.get(EVERY, ()))
        }
        if not found:
            raise Refused(
                f"Nobody is mailed statements in {post.language!r}; name addresses in IRROPS_EMAIL_STATEMENTS.",
                permanent=True,
            )
        return [Subscriber(address, mark(root, address)) for address in found.values()]

    def _ledger(self) -> Ledger:
        if self._settings.folder is None:
            raise Refused("E-mail has no folder for its ledger; set IRROPS_EMAIL_FOLDER.", permanent=True)
        return Ledger(self._settings.folder)

    def _receipt(self, root: str, base: Receipt | None, facts: dict[str, object]) -> Receipt:
        earlier = {ANSWERS: followed(base)} if base else {}
        return Receipt(id=root, place=self._settings.host, facts={**facts, **earlier})

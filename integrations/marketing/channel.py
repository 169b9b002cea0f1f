"""The scheduler of marketing posts as a channel: it takes a Hold, and believes it only when the scheduler says so.

What a scheduler is told, and how it is asked, is in `webhook` and `mastodon`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from engine.effects import Hold, Message, Receipt
from engine.ports import Lost, Refused, TextLimit
from integrations.marketing import KINDS, LIMIT, Settings


class Standing(NamedTuple):
    """How the scheduler stands."""

    held: bool
    """Nothing that is scheduled goes out."""
    released: bool
    """All that can go out in time goes out again. With nothing scheduled both may hold."""
    scheduled: int
    """How many posts are scheduled."""
    missed: int = 0
    """Of these, how many stay held because their time has passed."""

    def done(self, hold: Hold) -> bool:
        """Whether it is as the message wants it."""
        return self.held if hold.held else self.released


class Scheduler(Protocol):
    """What both schedulers are."""

    def tell(self, hold: Hold, key: str) -> None:
        """Hold, or release. Twice is once. Raises Refused or Lost."""
        ...

    def ask(self) -> Standing:
        """Say how it stands; changes nothing. Raises Refused, and never Lost: asking again is harmless."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


class Marketing:
    """The scheduler. Each call opens its own connection, so it is safe for several threads."""

    name = "marketing"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings, now: Callable[[], datetime] = _now):
        self._settings, self._now = settings, now

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Hold or release, and look whether it is so. A drill only looks, unless the settings let it hold.

        Raises Refused, also where the scheduler took the request and did nothing, or Lost.
        """
        hold, scheduler = self._hold(message), self._scheduler()
        if not self._only_looks(hold):
            scheduler.tell(hold, key)
        try:
            standing = scheduler.ask()
        except Refused as error:
            if self._only_looks(hold):
                raise
            raise Lost(f"Told to {_verb(hold)}, but what came of it can't be seen: {error}") from error
        if not self._only_looks(hold) and not standing.done(hold):
            raise Refused(f"The scheduler took the request to {_verb(hold)}, and has not done it.", permanent=False)
        return self._receipt(hold, standing)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether it is so already, whoever did it. A drill that only looks has nothing to find."""
        hold = self._hold(message)
        if self._only_looks(hold):
            return None
        standing = self._scheduler().ask()
        return self._receipt(hold, standing) if standing.done(hold) else None

    def check(self) -> list[str]:
        """Say what is wrong with address and credentials. Reads only."""
        try:
            self._scheduler().ask()
        except Refused as error:
            return [str(error)]
        return []

    def _hold(self, message: Message) -> Hold:
        if not isinstance(message, Hold):
            raise Refused(f"{self.name} takes no {message.kind}; it holds and releases.", permanent=True)
        return message

    def _only_looks(self, hold: Hold) -> bool:
        return hold.drill and not self._settings.hold_in_drills

    def _scheduler(self) -> Scheduler:
        if not self._settings.complete:
            raise Refused(f"{self.name} has no scheduler; set its url, for Mastodon its token too.", permanent=True)
        # httpx takes a fifth of a second to import
        if self._settings.scheduler == "mastodon":
            from integrations.marketing.mastodon import Mastodon

            return Mastodon(self._settings, self._now)
        from integrations.marketing.webhook import Webhook

        return Webhook(self._settings, self._now)

    def _receipt(self, hold: Hold, standing: Standing) -> Receipt:
        """The facts: what stands now, not what was wanted; the same again for the same standing."""
        held = standing.held if self._only_looks(hold) else hold.held
        facts = {"held": held, "scheduled": standing.scheduled, "missed": standing.missed}
        if self._only_looks(hold):
            facts["only_looked"] = True
        return Receipt(id="held" if held else "released", place=self._settings.scheduler, facts=facts)


def _verb(hold: Hold) -> str:
    return "hold" if hold.held else "release"

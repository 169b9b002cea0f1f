"""Keeping below Slack's limits: by method, and one message a second in a conversation. Refuses; never sleeps.

Numbers: https://docs.slack.dev/apis/web-api/rate-limits. Limits hold per method and workspace; `chat.postMessage` has
one a second and channel, short bursts aside, and no number for the workspace.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.ports import ASKS_TO_WAIT, Refused
from integrations.slack.errors import until

PER_MINUTE: dict[str, int] = {
    "chat.delete": 50,
    "chat.update": 50,
    "conversations.create": 20,
    "conversations.history": 50,
    "conversations.info": 50,
    "conversations.invite": 50,
    "conversations.join": 50,
    "conversations.list": 20,
    "conversations.open": 50,
    "conversations.replies": 50,
    "conversations.setPurpose": 20,
    "conversations.setTopic": 20,
}
"""Tier 2 is 20 a minute, tier 3 is 50. Methods without an entry are not held back before Slack says so."""

PER_CONVERSATION = frozenset({"chat.postMessage"})
SPACING_S = 1.0
EARLY_S = 0.05
"""Who comes back this little before the turn may go: the outbox wakes by another clock."""
ROUNDING_S = 1e-6
UNUSED_S = 600.0
"""What has not been used for so long is forgotten."""


@dataclass
class _Line:
    """Who may call when: `burst` at once, then one each `interval`. Who has to wait is given a turn.

    Without turns, everybody who waits would come back at the same moment and all but one be refused again. It is the
    generic cell rate algorithm (ITU-T I.371, annex A); `next` is its theoretical arrival time.
    """

    burst: int
    interval: float
    next: float
    turns: dict[str, float] = field(default_factory=dict)
    ahead: set[str] = field(default_factory=set)
    """Who came before their turn and was given the next one."""

    def wait(self, ticket: str, now: float) -> float:
        """Tell how long `ticket` must wait; 0 takes the call."""
        turn = self.turns.get(ticket)
        if turn is not None:
            if turn > now + EARLY_S:
                return self._sooner(ticket, now) - now
            del self.turns[ticket]
            self.ahead.discard(ticket)
            return 0.0
        earliest = self.next - (self.burst - 1) * self.interval
        if earliest - now <= ROUNDING_S:
            self.next = max(self.next, now) + self.interval
            return 0.0
        if ticket:
            self.turns[ticket] = earliest
            self.next += self.interval
        return earliest - now

    def _sooner(self, ticket: str, now: float) -> float:
        """The turn of one who comes before it, and so is urgent: they change places with the next who is not.

        Only that one is refused again; were all of them to move up by one place, all would be.
        """
        if ticket not in self.ahead:
            others = [one for one, turn in self.turns.items() if turn > now and one not in self.ahead]
            other = min(others, key=self.turns.__getitem__, default=ticket)
            self.turns[ticket], self.turns[other] = self.turns[other], self.turns[ticket]
            self.ahead.add(ticket)
        return self.turns[ticket]

    def forget(self, before: float) -> None:
        """Forget turns that nobody took."""
        self.turns = {ticket: turn for ticket, turn in self.turns.items() if turn > before}
        self.ahead &= self.turns.keys()


class Pace:
    """What may be called now. Safe for several threads; kept in memory, since Slack's own 429 is the last word."""

    def __init__(self, on: bool = True, clock: Callable[[], float] = time.monotonic):
        self._on, self._clock, self._lock = on, clock, threading.Lock()
        self._lines: dict[tuple[str, str], _Line] = {}
        self._held: dict[tuple[str, str], float] = {}

    def take(self, method: str, place: str = "", ticket: str = "") -> None:
        """Take one call, about to be made in `place` (a conversation). Raises Refused, not for good, with the wait.

        `ticket` names what the call is for: who comes back with it after the wait finds the turn kept, and who comes
        back before it is let in next.
        """
        sooner = None
        with self._lock:
            now = self._clock()
            held = wait = max(self._held.get((method, each), now) - now for each in ("", place))
            if held <= 0 and self._on:
                line = self._line(method, place, now)
                wait = line.wait(ticket, now)
                sooner = 0.0 if ticket in line.turns and ticket not in line.ahead else None
        if wait > 0:
            why = f"Slack {ASKS_TO_WAIT} with {method}" if held > 0 else f"Slack's limit for {method} is reached, wait"
            raise Refused(f"{why} {until(wait)}.", permanent=False, retry_after=wait, sooner=sooner)

    def hold(self, method: str, place: str, seconds: float, workspace: bool = False) -> None:
        """Slack said 429. It holds for the method in the workspace, for posting in that conversation alone."""
        key = (method, place if method in PER_CONVERSATION and not workspace else "")
        with self._lock:
            self._held[key] = max(self._held.get(key, 0.0), self._clock() + seconds)

    def _line(self, method: str, place: str, now: float) -> _Line:
        if len(self._lines) > 1000:
            self._lines = {key: line for key, line in self._lines.items() if line.next > now - SPACING_S}
            self._held = {key: until for key, until in self._held.items() if until > now}
        if method in PER_CONVERSATION:
            return self._lines.setdefault((method, place), _Line(1, SPACING_S, now))
        size = PER_MINUTE.get(method)
        if size is None:
            return _Line(1, 0.0, now)
        line = self._lines.setdefault((method, ""), _Line(size, 60 / size, now))
        line.forget(now - UNUSED_S)
        return line

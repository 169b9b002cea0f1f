"""Keeping below Slack's limits: by method, and one message a second in a conversation. Refuses; never sleeps.

Numbers: https://docs.slack.dev/apis/web-api/rate-limits. Limits hold per method and workspace; `chat.postMessage` has
one a second and channel, short bursts aside, and no number for the workspace.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.ports import Refused

PER_MINUTE: dict[str, int] = {
    "chat.update": 50,
    "conversations.create": 20,
    "conversations.history": 50,
    "conversations.invite": 50,
    "conversations.join": 50,
    "conversations.list": 20,
    "conversations.open": 50,
    "conversations.setPurpose": 20,
    "conversations.setTopic": 20,
}
"""Tier 2 is 20 a minute, tier 3 is 50. Methods without an entry are not held back before Slack says so."""

PER_CONVERSATION = frozenset({"chat.postMessage"})
SPACING_S = 1.0


@dataclass
class _Bucket:
    """Calls that may still be made; refills evenly over a minute, so that a burst of a whole minute's worth passes."""

    size: int
    left: float
    at: float

    def wait(self, now: float) -> float:
        self.left = min(self.size, self.left + (now - self.at) * self.size / 60)
        self.at = now
        return 0.0 if self.left >= 1 else (1 - self.left) * 60 / self.size


class Pace:
    """What may be called now. Safe for several threads; kept in memory, since Slack's own 429 is the last word."""

    def __init__(self, on: bool = True, clock: Callable[[], float] = time.monotonic):
        self._on, self._clock, self._lock = on, clock, threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._posted: dict[str, float] = {}
        self._held: dict[tuple[str, str], float] = {}

    def take(self, method: str, place: str = "") -> None:
        """Note one call that is about to be made in `place` (a conversation). Raises Refused, not for good."""
        with self._lock:
            now = self._clock()
            wait = max(self._hold(method, place, now), self._spacing(method, place, now) if self._on else 0.0)
            bucket = self._bucket(method, now) if self._on else None
            wait = max(wait, bucket.wait(now) if bucket else 0.0)
            if wait > 0:
                raise Refused(f"Slack's limit for {method} is reached.", permanent=False, retry_after=wait)
            if bucket:
                bucket.left -= 1
            if method in PER_CONVERSATION:
                self._note_post(place, now)

    def hold(self, method: str, place: str, seconds: float, workspace: bool = False) -> None:
        """Slack said 429. It holds for the method in the workspace, for posting in that conversation alone."""
        key = (method, place if method in PER_CONVERSATION and not workspace else "")
        with self._lock:
            self._held[key] = max(self._held.get(key, 0.0), self._clock() + seconds)

    def _hold(self, method: str, place: str, now: float) -> float:
        return max(self._held.get((method, each), now) - now for each in ("", place))

    def _spacing(self, method: str, place: str, now: float) -> float:
        if method not in PER_CONVERSATION or place not in self._posted:
            return 0.0
        return max(0.0, self._posted[place] + SPACING_S - now)

    def _bucket(self, method: str, now: float) -> _Bucket | None:
        size = PER_MINUTE.get(method)
        if size is None:
            return None
        return self._buckets.setdefault(method, _Bucket(size, size, now))

    def _note_post(self, place: str, now: float) -> None:
        self._posted[place] = now
        if len(self._posted) > 1000:
            self._posted = {name: at for name, at in self._posted.items() if at > now - SPACING_S}

"""One HTTP call to an outside API: made once, and what it means when no answer comes. Not in here: what answers mean.

Also who waits for whom when one post is sent twice at once. Imported by channels when they first connect: it is heavy.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from engine.ports import Lost, Refused

REMEMBERED = 1000
"""Keys of sends that are remembered: more than a desk posts on one channel in a day."""
SETTLES_S, LOOK_AGAIN_S = 30.0, 5.0
"""How long the other side may be at a call whose answer was lost, and how often we look meanwhile."""

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Failures before a single byte was sent: https://www.python-httpx.org/exceptions/."""


class Answer(NamedTuple):
    """What came back. `body` is the JSON object in it; None where there is none, as with an HTML page.

    `many` is the JSON list in it, where it is one.
    """

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    many: tuple[Any, ...] = ()


def open_client(name: str, api_url: str, timeout_s: float, **more: Any) -> httpx.Client:
    """Make a client that connects on first use, follows nobody elsewhere and tries nothing again. Raises Refused."""
    try:
        client = httpx.Client(base_url=api_url, timeout=timeout_s, **more)
    except httpx.InvalidURL:
        client = None
    if client is None or client.base_url.scheme not in ("http", "https") or not client.base_url.host:
        raise Refused(f"The api_url of {name} is no web address; correct it.", permanent=True)
    return client


def call(client: httpx.Client, name: str, method: str, path: str, **more: Any) -> Answer:
    """Make a call once, whatever it answers; `name` is whom we call. Raises Refused where it never left, else Lost."""
    try:
        response = client.request(method, path, **more)
    except _NEVER_LEFT as error:
        raise Refused(f"{name} can't be reached: {error}", permanent=False) from None
    except httpx.HTTPError as error:
        raise Lost(f"No answer from {name} to {method} ({type(error).__name__}).") from None
    return _read(response)


def _read(response: httpx.Response) -> Answer:
    try:
        found = response.json()
    except ValueError:
        found = None
    body, many = found if isinstance(found, dict) else None, tuple(found) if isinstance(found, list) else ()
    return Answer(response.status_code, response.headers, body, many)


class Turns:
    """One send of a key at a time, and which may have arrived. Known to this process only: a restart forgets it."""

    def __init__(self, settles_s: float = SETTLES_S) -> None:
        self._settles_s = settles_s
        self._changed = threading.Condition()
        self._running: set[str] = set()
        self._begun: OrderedDict[str, float] = OrderedDict()
        """Key → until when what was lost may yet arrive, by the steady clock."""

    @contextmanager
    def take(self, key: str) -> Iterator[bool]:
        """Wait for the turn of this key; gives True where a send of it began here before and was not refused."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._running)
            self._running.add(key)
            again = key in self._begun
            self._begun.setdefault(key, 0.0)
            while len(self._begun) > REMEMBERED:
                self._begun.popitem(last=False)
        try:
            yield again
        except Lost:
            self._begun[key] = time.monotonic() + self._settles_s
            raise
        except Refused:
            if not again:
                self._begun.pop(key, None)
            raise
        finally:
            with self._changed:
                self._running.discard(key)
                self._changed.notify_all()

    def settled(self, key: str, name: str) -> None:
        """Raise Refused, for now, while it proves nothing that a post is not to be seen."""
        left = self._begun.get(key, 0.0) - time.monotonic()
        if left > 0:
            raise Refused(
                f"{name} does not show the post, and may still be storing it: we look again.",
                permanent=False,
                retry_after=min(left, LOOK_AGAIN_S),
            )

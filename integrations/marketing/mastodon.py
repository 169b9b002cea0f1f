"""The posts that a Mastodon server has scheduled for an account: put off by a hundred years, and brought back.

Mastodon has no switch for all of them, but it can change the time of each. So a post that is held says so itself: no
list of held posts is kept that could be lost, and anybody who holds or releases, from any machine, sees the same.
Source: https://docs.joinmastodon.org/methods/scheduled_statuses/.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from engine.effects import Hold
from engine.ports import Refused
from integrations.marketing import Settings, wire
from integrations.marketing.channel import Standing

PUT_OFF = timedelta(days=36525)
"""A hundred years: the date shows that a post is held, and each day keeps as many posts as it had (25 at most)."""
FAR = PUT_OFF / 2
SOONEST = timedelta(minutes=6)
"""Mastodon takes times more than five minutes ahead; a minute for the way there."""
PAGE = 40
PAGES = 50
"""At most 300 posts are scheduled at once; a server may give fewer at a time than asked."""


class Scheduled(BaseModel):
    """As much of a scheduled post as is used."""

    id: str
    scheduled_at: AwareDatetime


class Mastodon:
    """The scheduled posts of one account."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]):
        self._settings, self._now = settings, now
        self._url = f"{settings.url.rstrip('/')}/api/v1/scheduled_statuses"

    def tell(self, hold: Hold, key: str) -> None:
        """Put off what would go out, or bring back what can go out in time. What is done already is left alone.

        One post that can't be moved keeps no other from it; the first such refusal is raised at the end.
        """
        now, shift = self._now(), PUT_OFF if hold.held else -PUT_OFF
        refused: list[wire.NotSo] = []
        with wire.client(self._settings) as there:
            for post in self._list(there):
                if _held(post, now) is hold.held or (_held(post, now) and _missed(post, now)):
                    continue
                try:
                    self._move(there, post, post.scheduled_at + shift)
                except wire.NotSo as error:
                    refused.append(error)
        if refused:
            raise refused[0]

    def ask(self) -> Standing:
        """Count what is scheduled. Raises Refused."""
        now = self._now()
        with wire.client(self._settings) as there:
            posts = self._list(there)
        held = [post for post in posts if _held(post, now)]
        missed = sum(_missed(post, now) for post in held)
        return Standing(held=len(held) == len(posts), released=len(held) == missed, scheduled=len(posts), missed=missed)

    def _list(self, there: httpx.Client) -> list[Scheduled]:
        found: list[Scheduled] = []
        more: dict[str, str] = {}
        for _ in range(PAGES):
            page = _read(wire.ask(there, self._url, params={"limit": PAGE, **more}))
            if not page:
                return found
            found += page
            more = {"max_id": page[-1].id}
        raise Refused(f"Mastodon's list of scheduled posts has no end after {len(found)}.", permanent=False)

    def _move(self, there: httpx.Client, post: Scheduled, to: datetime) -> None:
        time = to.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with suppress(wire.NotThere):  # published or deleted meanwhile: nothing is left to move
            wire.tell(there, "PUT", f"{self._url}/{post.id}", json.dumps({"scheduled_at": time}).encode(), {})


def _held(post: Scheduled, now: datetime) -> bool:
    return post.scheduled_at > now + FAR


def _missed(post: Scheduled, now: datetime) -> bool:
    """Whether its own time has passed, or nearly: it stays held until a person gives it another, or deletes it."""
    return post.scheduled_at - PUT_OFF < now + SOONEST


_posts = TypeAdapter(list[Scheduled])


def _read(answer: Any) -> list[Scheduled]:
    try:
        return _posts.validate_python(answer)
    except ValidationError:
        raise Refused("Mastodon's list of scheduled posts can't be understood.", permanent=False) from None

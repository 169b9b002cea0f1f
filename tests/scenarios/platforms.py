"""Small desks for statements: a playbook that only speaks, on channels that fail as they are told, or on platforms.

The platforms are the stand-ins of tests/unit, over real HTTP on 127.0.0.1; the channel classes are the product's own.
What must hold is asserted by the tests.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from desk import speaking
from engine.effects import Amend, Message, Post, Receipt, Withdraw
from engine.people import Person
from engine.ports import Lost, Refused
from engine.public import Seen
from integrations import facebook, mastodon, statuspage, x
from integrations.facebook.channel import Facebook
from integrations.mastodon.channel import Mastodon
from integrations.sandbox import Sandbox, messages
from integrations.x.channel import X
from tests.scenarios.conftest import Scene
from tests.unit.facebook_server import PAGE_ID, FacebookServer, facebook_server
from tests.unit.facebook_server import TOKEN as PAGE_TOKEN
from tests.unit.mastodon_server import TOKEN, MastodonServer
from tests.unit.x_server import KEYS, XServer, x_server

TIMEOUT_S, SETTLES_S = 0.4, 0.05
LANGUAGES = ("en", "nl")

SPEAKING = """\
playbook: speaking
title: Nothing but words
severity: SEV2
facts:
  stations: {{type: stations, ask: "Which stations?"}}
invite: [duty_manager, comms_lead]
steps:
  - key: first_word
    action: publish_statement
    with: {{message: holding, channels: [{channels}], languages: [{languages}]}}
    approval: {{by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}}
    due_within: 15m
  - key: next_update
    action: publish_statement
    every: 30m
    with: {{message: update, channels: [{channels}], languages: [{languages}]}}
    approval: {{by: comms_lead, within: 5m, then: deputy_comms_lead, unanswered_after: 10m, publish: preapproved}}
"""


def playbooks(folder: Path, channels: tuple[str, ...], languages: tuple[str, ...] = LANGUAGES) -> Path:
    """Write the playbook that speaks there; gives its folder."""
    there = folder / "playbooks"
    there.mkdir(exist_ok=True)
    text = SPEAKING.format(channels=", ".join(channels), languages=", ".join(languages))
    (there / "speaking.yaml").write_text(text)
    return there


def a_past_tuesday() -> datetime:
    """The last Tuesday, 03:10 UTC, that is over: platforms date posts by the real clock, which must be the later."""
    today = datetime.now(UTC).replace(hour=3, minute=10, second=0, microsecond=0)
    return today - timedelta(days=(today.weekday() - 1) % 7 or 7)


def outlive(scene: Scene, minutes: int = 4) -> None:
    """Let time pass until everything is out; platforms may still be storing what was lost, so real time passes too."""
    for _ in range(minutes * 4):
        time.sleep(SETTLES_S)
        scene.pass_time(seconds=15)
        if not [one for one in scene.desk.effects("INC-1") if not one.state.settled and one.message.kind != "look"]:
            return


def lead(scene: Scene, role: str = "comms_lead") -> Person:
    return scene.holder(role)


def approve(scene: Scene, name: str, role: str = "comms_lead") -> None:
    person = lead(scene, role)
    scene.desk.approve(name, person.key, person.roles)
    scene.settle()


def live(scene: Scene) -> dict[tuple[str, str], Seen]:
    """What the desk says that the public sees, by channel and language."""
    return {(one.channel, one.language): one for one in speaking.live(scene.desk, "INC-1")}


# ---------------------------------------------------------------- a sandbox that fails


class Flaky(Sandbox):
    """A connected channel that acts as told: well, `away`, `losing` every answer, or `forbidden` for good."""

    sandbox = False

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.mood = "well"

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        if self.mood == "away":
            raise Refused("away", permanent=False)
        if self.mood == "forbidden":
            raise Refused("the token has no right to write; make one that has", permanent=True)
        made = super().send(message, key, base)
        if self.mood == "losing":
            raise Lost("no answer")
        return made

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        if self.mood in ("away", "losing"):
            raise Refused("away", permanent=False)
        return super().find(message, key, base)


def standing(folder: Path, channel: str) -> dict[str, list[tuple[str, ...]]]:
    """Language → the threads that stand in a sandbox, oldest first, as a platform would show them."""
    posts: dict[str, Post] = {}
    for one in messages(folder, channel)[0]:
        if isinstance(one.message, Post):
            posts[one.receipt.id] = one.message
        elif isinstance(one.message, Amend) and one.base:
            assert one.base.id in posts, f"{one.key} puts words in the place of what is gone"
            posts[one.base.id] = one.message.post
        elif isinstance(one.message, Withdraw) and one.base:
            posts.pop(one.base.id, None)
    threads: dict[tuple[str, str], list[str]] = {}
    for post in posts.values():
        threads.setdefault((post.language, post.statement), []).append(post.text)
    found: dict[str, list[tuple[str, ...]]] = {}
    for (language, _), parts in threads.items():
        found.setdefault(language, []).append(tuple(parts))
    return found


# ---------------------------------------------------------------- the platforms


@dataclass
class Platforms:
    """X, a Facebook page and Mastodon, each keeping its own count, and the status page in a folder."""

    x: XServer
    facebook: FacebookServer
    mastodon: MastodonServer
    folder: Path
    channels: dict[str, Any] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def made(self) -> dict[str, int]:
        """How many posts were ever made on each."""
        return {"x": self.x.made, "facebook": self.facebook.made, "mastodon": self.mastodon.made}

    def stand(self) -> dict[str, list[str]]:
        """What stands on each, oldest first."""
        return {"x": self.x.texts(), "facebook": self.facebook.texts(), "mastodon": self.mastodon.texts()}

    def page(self) -> str:
        """The page that an English reader of the status page opens."""
        return (self.folder / "index.html").read_text()


@contextlib.contextmanager
def platforms(folder: Path) -> Iterator[Platforms]:
    """Run them, and open the product's channels on them."""
    toots = MastodonServer()
    try:
        with x_server() as tweets, facebook_server() as pages:
            there = Platforms(tweets, pages, toots, folder / "status")
            there.channels = {
                "x": X(x.Settings.model_validate({**KEYS, "api_url": tweets.url, "timeout_s": TIMEOUT_S}), SETTLES_S),
                "facebook": Facebook(
                    facebook.Settings.model_validate(
                        {"page": PAGE_ID, "page_token": PAGE_TOKEN, "api_url": pages.api_url, "timeout_s": TIMEOUT_S}
                    ),
                    SETTLES_S,
                ),
                "mastodon": Mastodon(
                    mastodon.Settings.model_validate(
                        {"server_url": toots.url, "access_token": TOKEN, "timeout_s": TIMEOUT_S}
                    ),
                    SETTLES_S,
                ),
                "status_page": statuspage.connect(statuspage.Settings(folder=there.folder), lambda: there.now()),
            }
            try:
                yield there
            finally:
                for name in ("x", "facebook", "mastodon"):
                    there.channels[name].close()
    finally:
        toots.close()

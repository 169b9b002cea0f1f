"""The Slack channel: each kind of message as calls to Slack, and finding again what may have been made.

No text is written and nothing is decided here. Rooms are in `rooms`, layout in `blocks`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.effects import (
    CHANGED,
    GONE,
    SAME,
    Amend,
    Button,
    Direct,
    Invite,
    Look,
    Message,
    Post,
    Receipt,
    Revise,
    Room,
    Text,
    Topic,
    Withdraw,
)
from engine.ports import CannotTell, Lost, Refused, TextLimit
from integrations.slack import blocks
from integrations.slack.api import PAGE_LIMIT, Api, import_sdk
from integrations.slack.checkup import problems
from integrations.slack.errors import SlackRefused
from integrations.slack.rooms import Rooms, field
from integrations.slack.settings import KINDS, LIMIT, Settings

HISTORY_S = 7 * 24 * 3600
"""How far back a lost message is looked for. An outcome doesn't stay unknown for a week."""
HISTORY_PAGES = 25

UNREADABLE = frozenset(
    {"missing_scope", "not_in_channel", "channel_not_found", "no_permission", "not_allowed_token_type"}
)

NOT_THERE = frozenset({"thread_not_found", "message_not_found"})


class SlackChannel:
    """Slack, by the Web API."""

    name = "slack"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings):
        self._settings = settings
        self._api = Api(settings)
        self._rooms = Rooms(self._api)
        self._direct: dict[str, str] = {}
        self._send: dict[str, Callable[[Any, str, Receipt | None], Receipt]] = {
            "room": self._room,
            "topic": self._topic,
            "invite": self._invite,
            "post": self._text,
            "text": self._text,
            "direct": self._to_person,
            "revise": self._revise,
            "amend": self._amend,
            "withdraw": self._withdraw,
            "look": self._see,
        }

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Do it once. Raises Refused or Lost."""
        if message.kind not in self._send:
            raise Refused(f"Slack takes no message of kind {message.kind}.", permanent=True)
        import_sdk()
        return self._send[message.kind](message, key, base)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look whether it was made. Raises CannotTell, Refused or Lost.

        Topic, Invite, Revise, Amend and Withdraw answer None always: done twice, each leaves Slack as it is after
        once. So does Look, which changes nothing.
        """
        if isinstance(message, Topic | Invite | Revise | Amend | Withdraw | Look):
            return None
        import_sdk()
        try:
            if isinstance(message, Room):
                return self._rooms.find(key)
            return self._look(self._place(message, base), key)
        except SlackRefused as error:
            if error.code in UNREADABLE:
                raise CannotTell(f"Slack doesn't let us look whether it was sent. {error}") from error
            raise

    def check(self) -> list[str]:
        """Say what is wrong with tokens, scopes and the default room; empty when all is well."""
        return problems(self._api, self._rooms)

    def _room(self, message: Room, key: str, base: Receipt | None) -> Receipt:
        return self._rooms.open(message, key)

    def _topic(self, message: Topic, key: str, base: Receipt | None) -> Receipt:
        return self._rooms.set_topic(_home(base), message.topic, key)

    def _invite(self, message: Invite, key: str, base: Receipt | None) -> Receipt:
        return self._rooms.invite(message, _home(base), key)

    def _to_person(self, message: Direct, key: str, base: Receipt | None) -> Receipt:
        try:
            return self._post(self._place(message, base), message.text, message.buttons, key)
        except SlackRefused as error:
            if error.code == "channel_not_found":
                self._direct.pop(message.address, None)
            raise

    def _text(self, message: Post | Text, key: str, base: Receipt | None) -> Receipt:
        place = self._place(message, base)
        buttons = message.buttons if isinstance(message, Text) else ()
        try:
            return self._post(place, message.text, buttons, key)
        except SlackRefused as error:
            if error.code == "channel_not_found":
                self._rooms.forget(place)
            if error.code != "not_in_channel":
                raise
        # A refusal is certain, so this is no blind repeat: the app joins the public room and posts once.
        self._api.ask("conversations.join", ticket=key, channel=place)
        return self._post(place, message.text, buttons, key)

    def _revise(self, message: Revise, key: str, base: Receipt | None) -> Receipt:
        return self._put(message.text, message.buttons, key, base)

    def _amend(self, message: Amend, key: str, base: Receipt | None) -> Receipt:
        return self._put(message.post.text, (), key, base)

    def _put(self, text: str, buttons: Sequence[Button], key: str, base: Receipt | None) -> Receipt:
        """Put a text in the place of the one that `base` is of."""
        place, ts = _where(base)
        answer = self._api.tell(
            "chat.update",
            place,
            key,
            channel=place,
            ts=ts,
            text=blocks.fallback(text),
            blocks=blocks.message(text, buttons, blocks.block_mark(key)),
            # Where postMessage defaults to none, update defaults to parsing names and channels.
            parse="none",
        )
        return self._sent(place, field(answer, "ts"))

    def _withdraw(self, message: Withdraw, key: str, base: Receipt | None) -> Receipt:
        place, ts = _where(base)
        try:
            self._api.tell("chat.delete", place, key, channel=place, ts=ts)
        except SlackRefused as error:
            if error.code != "message_not_found":
                raise
        return _with(base, withdrawn=True)

    def _see(self, message: Look, key: str, base: Receipt | None) -> Receipt:
        place, ts = _where(base)
        exactly = {"channel": place, "oldest": ts, "latest": ts, "inclusive": True, "limit": 1}
        found = self._read("conversations.history", key, exactly)
        found = found or self._read("conversations.replies", key, {**exactly, "ts": ts})
        if found is None:
            return _with(base, seen=GONE, text="")
        text = blocks.plain(found)
        return _with(base, seen=SAME if blocks.same(text, message.text) else CHANGED, text=text)

    def _read(self, method: str, key: str, exactly: dict[str, Any]) -> dict[str, Any] | None:
        """Read one message; None when it is not there. What was deleted and has answers leaves a tombstone."""
        try:
            answer = self._api.ask(method, str(exactly["channel"]), key, **exactly)
        except SlackRefused as error:
            if error.code not in NOT_THERE:
                raise
            return None
        for one in answer.get("messages") or ():
            if one.get("ts") == exactly["latest"] and one.get("subtype") != "tombstone":
                return dict(one)
        return None

    def _post(self, place: str, text: str, buttons: Sequence[Button], key: str) -> Receipt:
        laid_out = blocks.message(text, buttons, blocks.block_mark(key))
        answer = self._api.tell(
            "chat.postMessage",
            place,
            key,
            channel=place,
            text=blocks.fallback(text),
            blocks=laid_out,
            metadata=blocks.metadata(key),
            unfurl_links=False,
            unfurl_media=False,
        )
        return self._sent(field(answer, "channel"), field(answer, "ts"))

    def _sent(self, channel: str, ts: str) -> Receipt:
        return Receipt(id=ts, place=channel, url=self._api.link(channel, ts))

    def _place(self, message: Message, base: Receipt | None) -> str:
        """Tell in which conversation a message goes. Raises Refused."""
        if isinstance(message, Direct):
            return self._conversation(message.address)
        if base is not None:
            return _home(base)
        named = message.room if isinstance(message, Text) else ""
        return self._rooms.id_of(named or self._settings.default_room)

    def _conversation(self, user: str) -> str:
        """Open the conversation with a person; Slack answers with the same one each time."""
        if not user:
            raise Refused("The person has no chat id; add it to the people file.", permanent=True)
        if user not in self._direct:
            answer = self._api.ask("conversations.open", ticket=user, users=user)
            try:
                self._direct[user] = field(answer, "channel", "id")
            except Lost as error:
                raise Refused(f"{error} Nothing was sent.", permanent=False) from error
        return self._direct[user]

    def _look(self, place: str, key: str) -> Receipt | None:
        since = f"{time.time() - HISTORY_S:.6f}"
        pages = self._api.pages(
            "conversations.history", place, key, channel=place, oldest=since, include_all_metadata=True
        )
        for number, page in enumerate(pages, 1):
            for found in page.get("messages") or ():
                if blocks.carries(found, key):
                    return self._sent(place, str(found["ts"]))
            if number == HISTORY_PAGES:
                raise CannotTell(f"It is not among the last {HISTORY_PAGES * PAGE_LIMIT} messages of the conversation.")
        return None


def _where(base: Receipt | None) -> tuple[str, str]:
    """The conversation and `ts` of a message that was sent. Raises Refused."""
    if base is None or not base.place or not base.id:
        raise Refused("It builds on a message that was not sent.", permanent=True)
    return base.place, base.id


def _with(base: Receipt | None, **facts: Any) -> Receipt:
    assert base is not None  # _where has refused it
    return base.model_copy(update={"facts": {**base.facts, **facts}})


def _home(base: Receipt | None) -> str:
    if base is None or not (base.place or base.id):
        raise Refused("It builds on a message or room that was not made.", permanent=True)
    return base.place or base.id

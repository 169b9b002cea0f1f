"""Rooms: opening one so that it is found again, bringing people in, and knowing a room by its name."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.effects import Invite, Receipt, Room
from engine.ports import Lost, Refused
from integrations.slack.api import Api
from integrations.slack.blocks import purpose_mark
from integrations.slack.errors import SlackRefused

TYPES = "public_channel,private_channel"
"""A room is opened public; a duty manager may turn it private, and it is still ours."""
LIST_LIMIT = 999
"""Slack wants a limit under 1000; a small workspace is then one page."""
NAME_LIMIT = 80
NAMES_TRIED = 9
CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")

ALREADY_IN = frozenset({"already_in_channel", "cant_invite_self"})
OF_A_PERSON = frozenset(
    {
        "user_not_found",
        "user_disabled",
        "cant_invite",
        "ura_max_channels",
        "user_is_restricted",
        "user_team_not_in_channel",
        "org_user_not_in_team",
        "invitee_cant_see_channel",
        "no_external_invite_permission",
    }
)
"""Errors of conversations.invite that concern one person and not the channel."""


def field(response: Any, *path: str) -> str:
    """Read a text from Slack's answer. Raises Lost: it said yes, but not to what."""
    found = response.data
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise Lost(f"Slack's answer lacks {'.'.join(path)}.")
    return found


class Rooms:
    """Slack's channels, as far as we need them."""

    def __init__(self, api: Api):
        self._api = api
        self._ids: dict[str, str] = {}

    def open(self, room: Room, key: str) -> Receipt:
        """Open a room, or take over the one that an earlier try left. A name that others hold gets a number.

        The purpose is written last and carries the key: a room that has it is whole, one of ours without it is a half.
        """
        for name in _names(room.name):
            try:
                made = self._api.tell("conversations.create", ticket=key, name=name)
                return self._furnish(field(made, "channel", "id"), name, room, key)
            except SlackRefused as error:
                if error.code != "name_taken":
                    raise
            taken = next((each for each in self._all() if each.get("name") == name), None)
            if taken and self._ours(taken, key):
                return self._furnish(str(taken["id"]), name, room, key)
        raise Refused(
            f"Slack has rooms {room.name} to {room.name}-{NAMES_TRIED} already; archive or rename one.", permanent=True
        )

    def find(self, key: str) -> Receipt | None:
        """Look for the room whose purpose carries the key. Raises Refused or Lost."""
        mark = purpose_mark(key)
        for channel in self._all():
            if mark in _purpose(channel):
                return self._receipt(str(channel["id"]), str(channel.get("name", "")))
        return None

    def invite(self, invite: Invite, channel: str, key: str) -> Receipt:
        """Bring people in. Those whom Slack won't let in are in `facts["not_invited"]`: chat id → why.

        With `force` Slack lets in whom it can; a counterpart without it lets in nobody, so the rest is asked again.
        """
        refused: dict[str, str] = {}
        waiting = tuple(dict.fromkeys(invite.members))
        for _ in range(3):
            if not waiting:
                break
            errors = self._invited(channel, waiting, key)
            if not errors:
                break
            refused.update({who: code for who, code in errors.items() if code not in ALREADY_IN})
            waiting = tuple(who for who in waiting if who not in errors)
        facts = {"not_invited": refused} if refused else {}
        return Receipt(id=channel, place=channel, url=self._api.link(channel), facts=facts)

    def _invited(self, channel: str, users: Sequence[str], key: str) -> dict[str, str]:
        """Invite, and tell who was not let in: chat id → Slack's code. Raises Refused or Lost."""
        try:
            answer = self._api.tell("conversations.invite", ticket=key, channel=channel, users=list(users), force=True)
            return _by_person(answer.data)
        except SlackRefused as error:
            named = _by_person(error.answer)
            if named or error.code not in OF_A_PERSON | ALREADY_IN:
                if not named:
                    raise
                return named
            if len(users) == 1:
                return {users[0]: error.code}
        return {who: code for each in users for who, code in self._invited(channel, (each,), key).items()}

    def set_topic(self, channel: str, topic: str, key: str) -> Receipt:
        """Change a room's topic; the same topic again changes nothing."""
        self._api.tell("conversations.setTopic", ticket=key, channel=channel, topic=topic)
        return Receipt(id=channel, place=channel, url=self._api.link(channel))

    def id_of(self, name: str) -> str:
        """Look up a room's id by its name, with or without `#`; an id stays. Raises Refused."""
        bare = name.strip().lstrip("#")
        if CHANNEL_ID.fullmatch(bare):
            return bare
        if not bare:
            raise Refused("The message names no room, and there is no default; set default_room.", permanent=True)
        if bare not in self._ids:
            self._ids.update({str(each.get("name")): str(each["id"]) for each in self._all(archived=False)})
        if bare not in self._ids:
            raise Refused(
                f"Slack has no room #{bare}; create it, or set default_room to one that is there.", permanent=True
            )
        return self._ids[bare]

    def forget(self, channel: str) -> None:
        """Drop what was remembered of a room that turned out to be gone."""
        self._ids = {name: each for name, each in self._ids.items() if each != channel}

    def _furnish(self, channel: str, name: str, room: Room, key: str) -> Receipt:
        mark = purpose_mark(key)
        purpose = f"{room.purpose[: 249 - len(mark)]} {mark}".strip()
        refused = []
        for method, wanted in (
            ("conversations.setTopic", {"topic": room.topic}),
            ("conversations.setPurpose", {"purpose": purpose}),
        ):
            try:
                self._api.tell(method, ticket=key, channel=channel, **wanted)
            except SlackRefused as error:
                if not error.permanent:
                    raise
                refused.append(str(error))
        return self._receipt(channel, name, refused)

    def _receipt(self, channel: str, name: str, refused: Sequence[str] = ()) -> Receipt:
        facts: dict[str, Any] = {"name": name} | ({"not_set": list(refused)} if refused else {})
        return Receipt(id=channel, place=channel, url=self._api.link(channel), facts=facts)

    def _ours(self, channel: dict[str, Any], key: str) -> bool:
        if purpose_mark(key) in _purpose(channel):
            return True
        ours = channel.get("creator") == self._api.identity()["user_id"] and not channel.get("is_archived")
        return ours and not _purpose(channel)

    def _all(self, archived: bool = True) -> Iterator[dict[str, Any]]:
        for page in self._api.pages("conversations.list", limit=LIST_LIMIT, types=TYPES, exclude_archived=not archived):
            yield from page.get("channels") or ()


def _names(wanted: str) -> Iterator[str]:
    yield wanted
    for number in range(2, NAMES_TRIED + 1):
        end = f"-{number}"
        yield wanted[: NAME_LIMIT - len(end)] + end


def _purpose(channel: dict[str, Any]) -> str:
    return str((channel.get("purpose") or {}).get("value") or "")


def _by_person(answer: Any) -> dict[str, str]:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return {
        str(each["user"]): str(each.get("error") or "unknown")
        for each in errors or ()
        if isinstance(each, dict) and each.get("user") and not each.get("ok")
    }

"""A lane as a channel: one message to one person by the service that its URL names.

The URL is read in `service`; what an attempt came to is told by `wire`.
"""

import hashlib

from engine.effects import Direct, Message, Receipt
from engine.ports import CannotTell, Refused, TextLimit
from integrations.apprise import KINDS, LIMITS, Settings
from integrations.apprise.service import notify, places_calls, service, setting

TRIAL = {"sms": "+31970555013", "voice": "+31970555013", "push": "anna-bakker"}
"""Addresses that a URL is tried with; nothing is sent there. The number is nobody's, so that no URL has it already."""

WHOSE = "the person's address in the people file, or "


class Lane:
    """SMS, voice or push. A new plugin for each message: it holds the recipient, and threads share nothing."""

    sandbox = False

    def __init__(self, settings: Settings, lane: str) -> None:
        self.name = self._lane = lane
        self.kinds = KINDS[lane]
        self.limit: TextLimit | None = LIMITS[lane]
        self._settings = settings

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Send once. Raises Refused, or Lost when the service may have sent it."""
        direct = self._checked(message)
        plugin = service(self._settings, self._lane, direct.address)
        notify(plugin, direct.text, direct.subject, setting(self._lane), WHOSE)
        return Receipt(id=hashlib.sha256(key.encode()).hexdigest()[:32], place=plugin.service_name)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Raise CannotTell: Apprise sends only."""
        self._checked(message)
        raise CannotTell(f"Whether a message by {self.name} arrived can't be looked up.")

    def check(self) -> list[str]:
        """Have Apprise read the URL, and say what is wrong with it. Nothing is sent and nothing connects."""
        try:
            plugin = service(self._settings, self._lane, TRIAL[self._lane])
        except Refused as error:
            return [str(error)]
        if self._lane == "voice" and plugin.service_name == "Twilio" and not places_calls(plugin):
            return [f"{setting('voice')} sends a text message; add ?method=call to it."]
        return []

    def _checked(self, message: Message) -> Direct:
        if not isinstance(message, Direct):
            raise Refused(f"{self.name} takes messages to one person, not one of kind {message.kind}.", permanent=True)
        return message

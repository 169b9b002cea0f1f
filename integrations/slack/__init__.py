"""Slack: rooms, messages and buttons out (`channel`), presses and the declare form in (`inbound`).

Only what wires it lives here; slack-sdk and slack-bolt are imported on first use. Nothing here decides: what is said,
to whom and when comes from the engine.
"""

from engine.ports import Channel
from integrations.slack.settings import KINDS, LIMIT, Settings

__all__ = ["KINDS", "LIMIT", "Settings", "connect"]


def connect(settings: Settings) -> Channel:
    """Make the channel. No call is made before the first message."""
    from integrations.slack.channel import SlackChannel

    return SlackChannel(settings)

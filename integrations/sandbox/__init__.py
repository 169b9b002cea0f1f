"""The sandbox: records what would be sent, under the name of the channel that it stands for. Nothing leaves the house.

Whoever plays the people (the drill, a test, somebody who reads along) reads it with `messages`. Who answers what is
not decided here.
"""

from integrations.sandbox.channel import Sandbox
from integrations.sandbox.file import Recorded, Settings, messages

__all__ = ["Recorded", "Sandbox", "Settings", "messages"]

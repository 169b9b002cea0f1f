"""SPEAKS. One folder per outside system, and the registry of them. Importing this connects and loads nothing heavy."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, Field

from engine.ports import AlertSource, Channel, TextLimit
from integrations import alertmanager, bluesky, sandbox, slack, statuspage
from integrations.alertmanager import Settings as AlertmanagerSettings
from integrations.bluesky import Settings as BlueskySettings
from integrations.sandbox import Settings as SandboxSettings
from integrations.slack import Settings as SlackSettings
from integrations.statuspage import Settings as StatusPageSettings


class Config(BaseModel):
    """The settings of every outside system: one section a folder."""

    slack: SlackSettings = Field(default=SlackSettings(), description="Slack; without a token it is the sandbox.")
    statuspage: StatusPageSettings = Field(default=StatusPageSettings(), description="The status page.")
    bluesky: BlueskySettings = Field(
        default=BlueskySettings(), description="Bluesky; without an account it is the sandbox."
    )
    alertmanager: AlertmanagerSettings = Field(
        default=AlertmanagerSettings(), description="Prometheus Alertmanager's webhook."
    )
    sandbox: SandboxSettings = Field(default=SandboxSettings(), description="What stands in where nothing is set.")


LIMITS: Mapping[str, TextLimit | None] = {
    "slack": slack.LIMIT,
    "status_page": statuspage.LIMIT,
    "bluesky": bluesky.LIMIT,
}
"""Channels and how long a text may be, without connecting to any."""

CHANNELS: Mapping[str, Callable[[Config, Path], Channel | None]] = {
    "slack": lambda config, home: slack.connect(config.slack) if config.slack.bot_token else None,
    "status_page": lambda config, home: statuspage.connect(
        config.statuspage.model_copy(update={"folder": config.statuspage.folder or home / "status"})
    ),
    "bluesky": lambda config, home: bluesky.connect(config.bluesky) if config.bluesky.complete else None,
}
"""Channel → how to make it; None where its settings are missing."""

SOURCES: Mapping[str, Callable[[Config], AlertSource]] = {
    "alertmanager": lambda config: alertmanager.connect(config.alertmanager),
}
"""Alert source → how to make it."""


def open_channels(config: Config, home: Path) -> dict[str, Channel]:
    """Make every channel: the real one, or the sandbox under its name where settings are missing."""
    folder = config.sandbox.folder or home / "sandbox"
    made = {name: None if config.sandbox.always else connect(config, home) for name, connect in CHANNELS.items()}
    return {name: channel or sandbox.Sandbox(name, folder, LIMITS[name]) for name, channel in made.items()}

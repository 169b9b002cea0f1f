"""SPEAKS. One folder for each outside system; this is the registry: which there are, their settings, their limits.

Light to import: a folder imports its client when it first connects. What is said and to whom is decided in the engine.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from engine.ports import AlertSource, Channel, TextLimit
from integrations import alertmanager, apprise, bluesky, email, slack, statuspage
from integrations.alertmanager import Settings as AlertmanagerSettings
from integrations.apprise import Settings as AppriseSettings
from integrations.bluesky import Settings as BlueskySettings
from integrations.email import Settings as EmailSettings
from integrations.sandbox import Sandbox
from integrations.sandbox import Settings as SandboxSettings
from integrations.slack import Settings as SlackSettings
from integrations.statuspage import Settings as StatusPageSettings


class Config(BaseModel):
    """The settings of all integrations, a section for each folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slack: SlackSettings = Field(default=SlackSettings(), description="Rooms, direct messages, buttons.")
    statuspage: StatusPageSettings = Field(default=StatusPageSettings(), description="The public status page.")
    bluesky: BlueskySettings = Field(default=BlueskySettings(), description="Statements as posts on Bluesky.")
    email: EmailSettings = Field(default=EmailSettings(), description="Messages to one person by e-mail (SMTP).")
    apprise: AppriseSettings = Field(
        default=AppriseSettings(),
        description="Messages to one person by SMS, voice and push, by any service of Apprise.",
    )
    alertmanager: AlertmanagerSettings = Field(
        default=AlertmanagerSettings(), description="Alerts from Prometheus Alertmanager."
    )
    sandbox: SandboxSettings = Field(
        default=SandboxSettings(), description="What stands for a channel without credentials."
    )

    def at(self, home: Path) -> "Config":
        """Put the folders that are not set under `home`."""
        page = self.statuspage.model_copy(update={"folder": self.statuspage.folder or home / "status"})
        box = self.sandbox.model_copy(update={"folder": self.sandbox.folder or home / "sandbox"})
        return self.model_copy(update={"statuspage": page, "sandbox": box})


Now = Callable[[], datetime]

CHANNELS: dict[str, Callable[[Config, Now], Channel]] = {
    "slack": lambda config, now: slack.connect(config.slack),
    "status_page": lambda config, now: statuspage.connect(config.statuspage),
    "bluesky": lambda config, now: bluesky.connect(config.bluesky),
    "email": lambda config, now: email.connect(config.email, now),
    "sms": lambda config, now: apprise.connect(config.apprise, "sms"),
    "voice": lambda config, now: apprise.connect(config.apprise, "voice"),
    "push": lambda config, now: apprise.connect(config.apprise, "push"),
}
"""Channel → how to connect it. The time is for those that date what they send."""

READY: dict[str, Callable[[Config], bool]] = {
    "slack": lambda config: config.slack.bot_token is not None,
    "status_page": lambda config: True,
    "bluesky": lambda config: config.bluesky.complete,
    "email": lambda config: config.email.complete,
    "sms": lambda config: config.apprise.sms is not None,
    "voice": lambda config: config.apprise.voice is not None,
    "push": lambda config: config.apprise.push is not None,
}
"""Channel → whether its credentials are set; without them the sandbox stands for it."""

LIMITS: dict[str, TextLimit | None] = {
    "slack": slack.LIMIT,
    "status_page": statuspage.LIMIT,
    "bluesky": bluesky.LIMIT,
    "email": email.LIMIT,
    **apprise.LIMITS,
}
"""Channel → how long a text may be, known without connecting."""

SOURCES: dict[str, Callable[[Config], AlertSource]] = {
    "alertmanager": lambda config: alertmanager.connect(config.alertmanager),
}
"""Alert source → how to make it."""

SECTIONS: dict[str, str] = {"status_page": "statuspage", "sms": "apprise", "voice": "apprise", "push": "apprise"}
"""Channel or source → its folder and section of the settings, where they are not called like it."""


def _now() -> datetime:
    return datetime.now(UTC)


def open_channels(config: Config, home: Path, now: Now = _now) -> dict[str, Channel]:
    """Open every channel: the real one where its credentials are set, else the sandbox under the same name.

    `home` is where folders go that are not set; `now` is the time that the sandbox records. Nothing connects yet.
    """
    placed = config.at(home)
    real = {name for name in CHANNELS if READY[name](placed) and not placed.sandbox.always}
    return {
        name: connect(placed, now) if name in real else _box(placed, name, now) for name, connect in CHANNELS.items()
    }


def _box(config: Config, name: str, now: Now) -> Sandbox:
    if config.sandbox.folder is None:
        raise ValueError("the sandbox needs a folder")
    return Sandbox(name, config.sandbox.folder, LIMITS[name], now)

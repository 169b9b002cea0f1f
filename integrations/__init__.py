"""SPEAKS. One folder for each outside system; this is the registry: which there are, their settings, their limits.

Light to import: a folder imports its client when it first connects. What is said and to whom is decided in the engine.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from engine.ports import AlertSource, Channel, TextLimit
from integrations import alertmanager, apprise, bluesky, email, facebook, marketing, mastodon, slack, statuspage, x
from integrations.alertmanager import Settings as AlertmanagerSettings
from integrations.apprise import Settings as AppriseSettings
from integrations.bluesky import Settings as BlueskySettings
from integrations.email import Settings as EmailSettings
from integrations.facebook import Settings as FacebookSettings
from integrations.marketing import Settings as MarketingSettings
from integrations.mastodon import Settings as MastodonSettings
from integrations.sandbox import Sandbox
from integrations.sandbox import Settings as SandboxSettings
from integrations.slack import Settings as SlackSettings
from integrations.statuspage import Settings as StatusPageSettings
from integrations.x import Settings as XSettings


class Config(BaseModel):
    """The settings of all integrations, a section for each folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slack: SlackSettings = Field(default=SlackSettings(), description="Rooms, direct messages, buttons.")
    statuspage: StatusPageSettings = Field(default=StatusPageSettings(), description="The public status page.")
    bluesky: BlueskySettings = Field(default=BlueskySettings(), description="Statements as posts on Bluesky.")
    x: XSettings = Field(default=XSettings(), description="Statements as posts on X.")
    mastodon: MastodonSettings = Field(default=MastodonSettings(), description="Statements as posts on Mastodon.")
    facebook: FacebookSettings = Field(
        default=FacebookSettings(), description="Statements as posts on a Facebook page."
    )
    email: EmailSettings = Field(
        default=EmailSettings(), description="Messages to one person, and statements to lists, by e-mail (SMTP)."
    )
    apprise: AppriseSettings = Field(
        default=AppriseSettings(),
        description="Messages to one person by SMS, voice and push, and statements to further places, by Apprise.",
    )
    marketing: MarketingSettings = Field(
        default=MarketingSettings(), description="The scheduler of marketing posts, which are held in an incident."
    )
    alertmanager: AlertmanagerSettings = Field(
        default=AlertmanagerSettings(), description="Alerts from Prometheus Alertmanager."
    )
    sandbox: SandboxSettings = Field(
        default=SandboxSettings(), description="What stands for a channel without credentials."
    )
    accounts: dict[str, Any] = Field(
        default={},
        description="Further accounts of a channel, for a brand or a market: `bluesky@spain` with the settings that "
        "differ from those of the section. Playbooks name them like channels.",
    )

    @field_validator("accounts")
    @classmethod
    def _accounts(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, BaseModel]:
        return {name: _account(name, settings, info.data) for name, settings in given.items()}

    def of(self, name: str) -> "Config":
        """The settings as the account `channel@account` has them; those of the channel itself without an `@`."""
        base = channel_of(name)
        return self if base == name else self.model_copy(update={SECTIONS.get(base, base): self.accounts[name]})

    def at(self, home: Path) -> "Config":
        """Put the folders that are not set under `home`; those of an account bear its name too: `status@spain`."""
        placed = {section: _in(getattr(self, section), home / folder) for section, folder in FOLDERS.items()}
        accounts = {}
        for name, settings in self.accounts.items():
            base, _, account = name.partition("@")
            folder = FOLDERS.get(SECTIONS.get(base, base))
            accounts[name] = _in(settings, home / f"{folder}@{account}") if folder else settings
        return self.model_copy(update={**placed, "accounts": accounts})


def channel_of(name: str) -> str:
    """The channel of an account: `bluesky` of `bluesky@spain`."""
    return name.partition("@")[0]


def _account(name: str, given: Any, sections: Mapping[str, Any]) -> BaseModel:
    """Read an account's settings over those of its channel. Raises ValueError."""
    base, _, account = name.partition("@")
    if base not in CHANNELS or not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", account):
        raise ValueError(f"{name!r} is no account; write it like bluesky@spain, a channel and a name of your own")
    section = SECTIONS.get(base, base)
    if isinstance(given, BaseModel):
        return given
    if section not in sections:
        raise ValueError(f"the settings of {section} are wrong; correct them first")
    if not isinstance(given, Mapping):
        raise ValueError(f'{name} has no settings; write them as a table, or as JSON: {{"handle": "air.example"}}')
    own = sections[section]
    same = {field: getattr(own, field) for field in own.model_fields_set}
    try:
        read: BaseModel = type(own).model_validate({**same, **given})
    except ValidationError as error:  # its own words quote what was given, which may be a password
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise ValueError(f"{name}: {'; '.join(wrong)}") from None
    return read


def _in(settings: Any, folder: Path) -> Any:
    """The settings with a folder, unless they name one."""
    return settings if settings.folder else settings.model_copy(update={"folder": folder})


Now = Callable[[], datetime]

CHANNELS: dict[str, Callable[[Config, Now], Channel]] = {
    "slack": lambda config, now: slack.connect(config.slack),
    "status_page": lambda config, now: statuspage.connect(config.statuspage, now),
    "bluesky": lambda config, now: bluesky.connect(config.bluesky),
    "x": lambda config, now: x.connect(config.x),
    "mastodon": lambda config, now: mastodon.connect(config.mastodon),
    "facebook": lambda config, now: facebook.connect(config.facebook),
    "email": lambda config, now: email.connect(config.email, now),
    "sms": lambda config, now: apprise.connect(config.apprise, "sms"),
    "voice": lambda config, now: apprise.connect(config.apprise, "voice"),
    "push": lambda config, now: apprise.connect(config.apprise, "push"),
    "apprise": lambda config, now: apprise.connect(config.apprise, "apprise"),
    "marketing": lambda config, now: marketing.connect(config.marketing),
}
"""Channel → how to connect it. The time is for those that date what they send."""

READY: dict[str, Callable[[Config], bool]] = {
    "slack": lambda config: config.slack.bot_token is not None,
    "status_page": lambda config: True,
    "bluesky": lambda config: config.bluesky.complete,
    "x": lambda config: config.x.complete,
    "mastodon": lambda config: config.mastodon.complete,
    "facebook": lambda config: config.facebook.complete,
    "email": lambda config: config.email.complete,
    "sms": lambda config: config.apprise.sms is not None,
    "voice": lambda config: config.apprise.voice is not None,
    "push": lambda config: config.apprise.push is not None,
    "apprise": lambda config: config.apprise.posts is not None,
    "marketing": lambda config: config.marketing.complete,
}
"""Channel → whether its credentials are set; without them the sandbox stands for it."""

LIMITS: dict[str, Callable[[Config], TextLimit | None]] = {
    "slack": lambda config: slack.LIMIT,
    "status_page": lambda config: statuspage.LIMIT,
    "bluesky": lambda config: bluesky.LIMIT,
    "x": lambda config: x.LIMIT,
    "mastodon": lambda config: mastodon.limit(config.mastodon),
    "facebook": lambda config: facebook.LIMIT,
    "email": lambda config: email.LIMIT,
    "sms": lambda config: apprise.LIMITS["sms"],
    "voice": lambda config: apprise.LIMITS["voice"],
    "push": lambda config: apprise.LIMITS["push"],
    "apprise": lambda config: None,
    "marketing": lambda config: marketing.LIMIT,
}
"""Channel → how long a text may be, known without connecting."""

KINDS: dict[str, frozenset[str]] = {
    "slack": slack.KINDS,
    "status_page": statuspage.KINDS,
    "bluesky": bluesky.KINDS,
    "x": x.KINDS,
    "mastodon": mastodon.KINDS,
    "facebook": facebook.KINDS,
    "email": email.KINDS,
    **apprise.KINDS,
    "marketing": marketing.KINDS,
}
"""Channel → the messages that it takes, known without connecting."""

SOURCES: dict[str, Callable[[Config], AlertSource]] = {
    "alertmanager": lambda config: alertmanager.connect(config.alertmanager),
}
"""Alert source → how to make it."""

SECTIONS: dict[str, str] = {"status_page": "statuspage", "sms": "apprise", "voice": "apprise", "push": "apprise"}
"""Channel or source → its folder and section of the settings, where they are not called like it."""

FOLDERS: dict[str, str] = {"statuspage": "status", "sandbox": "sandbox", "email": "email", "apprise": "apprise"}
"""Section → its folder under the home."""


def _now() -> datetime:
    return datetime.now(UTC)


def names(config: Config) -> list[str]:
    """All channels, and the accounts beside them."""
    return [*CHANNELS, *config.accounts]


def limits(config: Config) -> dict[str, TextLimit | None]:
    """Channel or account → how long a text may be."""
    return {name: LIMITS[channel_of(name)](config.of(name)) for name in names(config)}


def kinds(config: Config) -> dict[str, frozenset[str]]:
    """Channel or account → the messages that it takes."""
    return {name: KINDS[channel_of(name)] for name in names(config)}


def ready(config: Config, name: str) -> bool:
    """Whether the credentials of a channel or account are set."""
    return READY[channel_of(name)](config.of(name))


def open_channels(config: Config, home: Path, now: Now = _now) -> dict[str, Channel]:
    """Open every channel and account: the real one where its credentials are set, else the sandbox under its name.

    `home` is where folders go that are not set; `now` is the time that the sandbox records. Nothing connects yet.
    """
    placed = config.at(home)
    opened = {}
    for name in names(placed):
        if placed.sandbox.always or not ready(placed, name):
            opened[name] = _box(placed, name, now)
        else:
            opened[name] = CHANNELS[channel_of(name)](placed.of(name), now)
            opened[name].name = name
    return opened


def _box(config: Config, name: str, now: Now) -> Channel:
    if config.sandbox.folder is None:
        raise ValueError("the sandbox needs a folder")
    return Sandbox(name, config.sandbox.folder, limits(config)[name], now)

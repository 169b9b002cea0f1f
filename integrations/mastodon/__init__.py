"""Mastodon: settings, the text limit, and how to connect. Light: the client is imported on connecting."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from engine.ports import TextLimit

if TYPE_CHECKING:
    from integrations.mastodon.channel import Mastodon

KINDS = frozenset({"post", "amend", "withdraw", "look"})


class Settings(BaseModel):
    """What can be set about Mastodon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server_url: str = Field(default="", description="The server of the account, such as https://mastodon.example.")
    access_token: SecretStr | None = Field(
        default=None,
        description="Access token with write:statuses, read:statuses and read:accounts (Preferences, Development).",
    )
    max_characters: int = Field(
        default=500, ge=100, description="How long a post may be there: configuration.statuses.max_characters."
    )
    timeout_s: float = Field(default=10, gt=0, le=120, description="Seconds to wait for an answer of the server.")
    post_drills: bool = Field(
        default=False, description="Post drills too. Only for a test account: readers take a drill for the real thing."
    )

    @property
    def complete(self) -> bool:
        """Whether one can connect with these."""
        return bool(self.server_url and self.access_token and self.access_token.get_secret_value().strip())


def limit(settings: Settings) -> TextLimit:
    """How long a text may be on this server. A link counts 23 characters, a mention without its server."""
    return TextLimit(
        count=settings.max_characters,
        unit="mastodon",
        threads=True,
        source="https://docs.joinmastodon.org/user/posting/#text: 500 by default, each server may allow more",
    )


def connect(settings: Settings) -> "Mastodon":
    """Make the channel. Nothing connects before the first post."""
    from integrations.mastodon.channel import Mastodon

    return Mastodon(settings)

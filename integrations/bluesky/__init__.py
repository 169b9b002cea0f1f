"""Bluesky: settings, the text limit, and how to connect. Light: the client is imported on connecting."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from engine.ports import TextLimit

if TYPE_CHECKING:
    from integrations.bluesky.channel import Bluesky

LIMIT = TextLimit(
    count=300,
    unit="graphemes",
    bytes=3000,
    threads=True,
    source="lexicon app.bsky.feed.post, maxGraphemes 300 and maxLength 3000 (bytes of UTF-8): "
    "github.com/bluesky-social/atproto lexicons/app/bsky/feed/post.json",
)
KINDS = frozenset({"post", "withdraw", "look"})


class Settings(BaseModel):
    """What can be set about Bluesky."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    handle: str = Field(default="", description="The account that posts, such as `airline.example`.")
    app_password: SecretStr | None = Field(
        default=None,
        description="An app password of that account (Bluesky: Settings, Privacy and security, App passwords).",
    )
    service_url: str = Field(default="https://bsky.social", description="The server (PDS) that keeps the account.")
    timeout_s: float = Field(default=10, gt=0, le=120, description="Seconds to wait for an answer of Bluesky.")
    post_drills: bool = Field(
        default=False, description="Post drills too. Only for a test account: readers take a drill for the real thing."
    )

    @property
    def complete(self) -> bool:
        """Whether one can connect with these."""
        return bool(self.handle and self.app_password and self.app_password.get_secret_value().strip())


def connect(settings: Settings) -> "Bluesky":
    """Make the channel. It logs in when it is first used."""
    from integrations.bluesky.channel import Bluesky

    return Bluesky(settings)

"""The scheduler of marketing posts: held while we are in trouble. Settings, and how to connect.

Light: the client is imported on connecting. When posts are held, and when released, is decided in the engine.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

if TYPE_CHECKING:
    from integrations.marketing.channel import Marketing

LIMIT = None
"""What is held has no text of ours."""
KINDS = frozenset({"hold"})


class Settings(BaseModel):
    """What can be set about the scheduler of marketing posts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: Literal["webhook", "mastodon"] = Field(
        default="webhook",
        description="What stands at `url`: a `webhook` that keeps our contract (docs/marketing.md), or a `mastodon` "
        "server, where the posts scheduled for the token's account are put off.",
    )
    url: str = Field(default="", description="Where the scheduler, or a webhook before it, is told to hold.")
    token: SecretStr | None = Field(
        default=None, description="Bearer token for it. Mastodon: with read:statuses and write:statuses."
    )
    secret: SecretStr | None = Field(
        default=None, description="Signs every request to a webhook, so that it can tell that it is ours."
    )
    timeout_s: float = Field(default=10, gt=0, le=120, description="Seconds to wait for its answer.")
    hold_in_drills: bool = Field(
        default=False, description="Hold in drills too. Otherwise a drill only asks how the scheduler stands."
    )

    @field_validator("url")
    @classmethod
    def _web(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no web address; write it like https://scheduler.airline.example/hold")
        return url

    @property
    def complete(self) -> bool:
        """Whether one can connect with these."""
        return bool(self.url) and (self.scheduler == "webhook" or self.token is not None)


def connect(settings: Settings) -> "Marketing":
    """Make the channel. Nothing connects before the first incident."""
    from integrations.marketing.channel import Marketing

    return Marketing(settings)

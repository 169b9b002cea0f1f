"""X (API v2): settings, the text limit, and how to connect. Light: the client is imported on connecting."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from engine.ports import TextLimit

if TYPE_CHECKING:
    from integrations.x.channel import X

LIMIT = TextLimit(
    count=280,
    unit="x_weighted",
    threads=True,
    source="twitter-text configuration v3: 280 in weight, most letters of European languages count one, links 23: "
    "github.com/twitter/twitter-text config/v3.json",
)
KINDS = frozenset({"post", "withdraw", "look"})


class Settings(BaseModel):
    """What can be set about X. The four are the keys of one account's app, with the right to write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    consumer_key: SecretStr | None = Field(default=None, description="API key of the app (X developer portal).")
    consumer_secret: SecretStr | None = Field(default=None, description="API key secret of the app.")
    access_token: SecretStr | None = Field(
        default=None, description="Access token of the account that posts; made with read and write permission."
    )
    access_token_secret: SecretStr | None = Field(default=None, description="Its secret.")
    answer_by: Literal["reply", "quote"] = Field(
        default="reply",
        description="How the next part of a thread, or a correction, hangs on the post before. `quote` where X lets "
        "the app not reply.",
    )
    api_url: str = Field(default="https://api.x.com", description="Where the API of X is.")
    timeout_s: float = Field(default=10, gt=0, le=120, description="Seconds to wait for an answer of X.")
    post_drills: bool = Field(
        default=False, description="Post drills too. Only for a test account: readers take a drill for the real thing."
    )

    @property
    def complete(self) -> bool:
        """Whether one can connect with these."""
        keys = (self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)
        return all(key is not None and key.get_secret_value().strip() for key in keys)


def connect(settings: Settings) -> "X":
    """Make the channel. Nothing connects before the first post."""
    from integrations.x.channel import X

    return X(settings)

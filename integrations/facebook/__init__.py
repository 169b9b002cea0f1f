"""Facebook page (Graph API): settings, the text limit, and how to connect. Light: the client comes on connecting."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from engine.ports import TextLimit

if TYPE_CHECKING:
    from integrations.facebook.channel import Facebook

LIMIT = TextLimit(
    count=63206,
    unit="characters",
    source="Facebook's own announcement of 30 November 2011; a post longer than some 480 characters is folded",
)
KINDS = frozenset({"post", "amend", "withdraw", "look"})


class Settings(BaseModel):
    """What can be set about the Facebook page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: str = Field(default="", description="Id of the page, digits.")
    page_token: SecretStr | None = Field(
        default=None, description="Page access token with pages_manage_posts and pages_read_engagement."
    )
    app_secret: SecretStr | None = Field(
        default=None,
        description="Secret of the app, where it demands a proof of it with every call (App settings, Advanced).",
    )
    api_url: str = Field(
        default="https://graph.facebook.com/v23.0", description="Where the Graph API is, with version."
    )
    timeout_s: float = Field(default=10, gt=0, le=120, description="Seconds to wait for an answer of Facebook.")
    post_drills: bool = Field(
        default=False, description="Post drills too. Only for a test page: readers take a drill for the real thing."
    )

    @property
    def complete(self) -> bool:
        """Whether one can connect with these."""
        return bool(self.page and self.page_token and self.page_token.get_secret_value().strip())


def connect(settings: Settings) -> "Facebook":
    """Make the channel. Nothing connects before the first post."""
    from integrations.facebook.channel import Facebook

    return Facebook(settings)

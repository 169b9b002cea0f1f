"""What the Slack integration must be told. Reading environment and files is the desk's."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from engine.ports import TextLimit

SLACK_API = "https://slack.com/api/"

LIMIT = TextLimit(
    count=3000,
    unit="characters",
    source="https://docs.slack.dev/reference/block-kit/blocks/section-block: 3000 in a section; longer is split",
)
"""How long a text may be, to be read in one piece."""
KINDS = frozenset({"post", "amend", "withdraw", "look", "room", "topic", "invite", "text", "direct", "revise"})


class Settings(BaseModel):
    """Settings of the Slack integration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bot_token: SecretStr | None = Field(
        default=None, description="Bot token (xoxb-…), from OAuth & Permissions of the Slack app."
    )
    app_token: SecretStr | None = Field(
        default=None,
        description="App-level token (xapp-…) with connections:write: buttons and commands come in by Socket Mode.",
    )
    signing_secret: SecretStr | None = Field(
        default=None,
        description="Signing secret of the Slack app: buttons and commands come in by signed HTTP instead.",
    )
    api_url: str = Field(default=SLACK_API, description="Where Slack's Web API is.")
    default_room: str = Field(
        default="#irrops-duty", description="Room of messages that belong to no incident: proposals, alarms."
    )
    timeout_s: int = Field(default=10, ge=1, le=120, description="Seconds to wait for an answer of Slack.")
    pace: bool = Field(
        default=True,
        description="Keep below Slack's published limits. Off only for a counterpart that has none.",
    )

    @field_validator("bot_token", "app_token", "signing_secret")
    @classmethod
    def _not_blank(cls, secret: SecretStr | None) -> SecretStr | None:
        return secret if secret and secret.get_secret_value().strip() else None

    @field_validator("api_url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"api_url is a web address such as {SLACK_API}")
        return url if url.endswith("/") else f"{url}/"

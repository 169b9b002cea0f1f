"""The lanes beside Slack and e-mail: SMS, voice, push, each by any service that Apprise knows.

Settings, limits, and how to connect; the library is imported on connecting. What is said, to whom and on which lane is
decided in the engine.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from engine.ports import TextLimit

if TYPE_CHECKING:
    from integrations.apprise.channel import Lane

LIMITS = {
    "sms": TextLimit(
        count=670,
        unit="characters",
        source="3GPP TS 23.040: 67 characters in each part of a long message that GSM's own alphabet can't write "
        "(á, ë, ł); that it be ten parts is a choice of ours",
    ),
    "voice": TextLimit(
        count=3000,
        unit="characters",
        source="https://www.twilio.com/docs/api/errors/13521: 3000 in one <Say> with a Polly voice",
    ),
    "push": TextLimit(count=1024, unit="characters", source="https://pushover.net/api#limits: 1024 in a message"),
}
"""Lane → how long a text is to be. A longer one is handed over all the same: the service splits or refuses it."""

PLACE = "{address}"
"""Where the person's address goes in a service's URL."""


class Settings(BaseModel):
    """What can be set about the lanes. A URL holds a password: it is a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sms: SecretStr | None = Field(
        default=None,
        description="Apprise URL of the service for text messages, `{address}` where the number goes, such as "
        "twilio://SID:TOKEN@+31201234567/{address}.",
    )
    voice: SecretStr | None = Field(
        default=None,
        description="The same for calls that read a text out, such as twilio://SID:TOKEN@+31201234567/{address}"
        "?method=call.",
    )
    push: SecretStr | None = Field(
        default=None,
        description="The same for push messages, `{address}` where the person's key goes, such as "
        "ntfys://ntfy.airline.example/irrops-{address}.",
    )
    timeout_s: float = Field(
        default=10, gt=0, le=120, description="Seconds to wait for a service: once to connect, once for its answer."
    )

    @field_validator("sms", "voice", "push")
    @classmethod
    def _not_blank(cls, url: SecretStr | None) -> SecretStr | None:
        return url if url and url.get_secret_value().strip() else None


def connect(settings: Settings, lane: str) -> "Lane":
    """Make the channel of one lane: `sms`, `voice` or `push`. Nothing connects before the first message."""
    from integrations.apprise.channel import Lane

    return Lane(settings, lane)

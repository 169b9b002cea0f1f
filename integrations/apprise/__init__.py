"""By any service that Apprise knows: SMS, voice and push to one person, and statements to further places.

Settings, limits, and how to connect; the library is imported on connecting. What is said, to whom and on which lane is
decided in the engine.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from engine.ports import TextLimit

if TYPE_CHECKING:
    from integrations.apprise.channel import Lane
    from integrations.apprise.places import Places

LIMITS = {
    "sms": TextLimit(
        count=10,
        unit="sms_segments",
        source="3GPP TS 23.040 and 23.038: 153 characters in a part, 67 where GSM's own alphabet can't write one of "
        "them (á, ë, ł); that it be ten parts is a choice of ours",
    ),
    "voice": TextLimit(
        count=3000,
        unit="characters",
        source="https://www.twilio.com/docs/api/errors/13521: 3000 in one <Say> with a Polly voice",
    ),
    "push": TextLimit(count=1024, unit="characters", source="https://pushover.net/api#limits: 1024 in a message"),
}
"""Lane → how long a text is to be. A longer one is handed over all the same: the service splits or refuses it."""

KINDS = {lane: frozenset({"direct"}) for lane in LIMITS} | {"apprise": frozenset({"post"})}

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
    posts: SecretStr | None = Field(
        default=None,
        description="Apprise URLs, with commas between them, of further places where statements go: discord://…, "
        "teams://…, tgram://…. The channel `apprise` in playbooks.",
    )
    post_drills: bool = Field(
        default=False, description="Send the statements of drills too. Only where all who read there expect drills."
    )
    folder: Path | None = Field(
        default=None,
        description="Where it is kept which statement went to which service. Default: `apprise` under IRROPS_HOME.",
    )
    timeout_s: float = Field(
        default=10, gt=0, le=120, description="Seconds to wait for a service: once to connect, once for its answer."
    )

    @field_validator("sms", "voice", "push", "posts")
    @classmethod
    def _not_blank(cls, url: SecretStr | None) -> SecretStr | None:
        return url if url and url.get_secret_value().strip() else None


def connect(settings: Settings, name: str) -> "Lane | Places":
    """Make the channel of a lane, `sms`, `voice` or `push`, or `apprise`. Nothing connects before the first message."""
    if name in LIMITS:
        from integrations.apprise.channel import Lane

        return Lane(settings, name)
    from integrations.apprise.places import Places

    return Places(settings)

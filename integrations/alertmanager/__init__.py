"""Prometheus Alertmanager: its webhook, version 4, read into alerts. What they lead to is decided in the engine."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from engine.ports import AlertSource


class Settings(BaseModel):
    """What can be set about Alertmanager."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr | None = Field(
        default=None,
        description="What Alertmanager sends as its bearer token (`http_config: authorization: credentials`). "
        "Without it no alert is taken over HTTP.",
    )
    exercise_label: str = Field(
        default="exercise",
        description="An alert with this label (any value but false, no or 0) is an exercise: it never declares.",
    )

    @field_validator("token")
    @classmethod
    def _not_blank(cls, secret: SecretStr | None) -> SecretStr | None:
        return secret if secret and secret.get_secret_value().strip() else None


def connect(settings: Settings) -> AlertSource:
    """Make the source. It opens nothing: Alertmanager comes to us."""
    from integrations.alertmanager.source import Alertmanager

    return Alertmanager(settings)

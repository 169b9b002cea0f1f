"""The status page: a folder of HTML, JSON and Atom that any web server or bucket can carry, up when we are down.

Light: templates are read on first use.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

if TYPE_CHECKING:
    from integrations.statuspage.channel import StatusPage

LIMIT = None
"""A page of our own takes a text of any length."""
KINDS = frozenset({"post", "amend", "withdraw", "look"})

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Component = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]

COMPONENTS: Mapping[str, Mapping[str, str]] = {
    "booking": {"en": "Booking", "nl": "Boeken", "es": "Reservas", "pt": "Reservas"},
    "check_in": {"en": "Check-in", "nl": "Inchecken", "es": "Facturación", "pt": "Check-in"},
    "website_and_app": {"en": "Website and app", "nl": "Website en app", "es": "Web y app", "pt": "Site e app"},
    "flights": {"en": "Flights", "nl": "Vluchten", "es": "Vuelos", "pt": "Voos"},
}
"""Parts of the service that the page speaks of unless others are set."""


class Settings(BaseModel):
    """What can be set about the status page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = Field(
        default=None, description="Where the page is written; let a web server carry it. Default: `status` in the home."
    )
    title: str = Field(default="Disruption information", min_length=1, description="Whose page it is, on top of it.")
    base_url: str = Field(
        default="",
        description="Where the public finds it, such as https://status.airline.example; for links and feeds.",
    )
    help_url: str = Field(default="", description="Where a customer finds help; linked from every page when set.")
    languages: tuple[Language, ...] = Field(
        default=("en", "nl", "es", "pt"),
        min_length=1,
        description="One page for each; the first is the one at index.html.",
    )
    components: dict[Component, dict[Language, Name]] = Field(
        default={key: dict(names) for key, names in COMPONENTS.items()},
        description="Parts of the service whose state is shown, with their names by language; {} shows none.",
    )
    time_zone: str = Field(default="UTC", description="IANA zone of the local times, such as Europe/Amsterdam.")
    keep_days: int = Field(
        default=90, ge=1, description="How long a disruption stays in the lists and feeds; its own page stays for ever."
    )
    look_at_url: bool = Field(
        default=False,
        description="Ask base_url, as the public does, whether a statement still stands there; not the folder alone.",
    )
    timeout_s: float = Field(default=10, gt=0, le=60, description="Seconds to wait for an answer of base_url.")

    @field_validator("base_url", "help_url")
    @classmethod
    def _web(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no web address; write it like https://status.airline.example")
        return url.rstrip("/")

    @field_validator("components")
    @classmethod
    def _named(cls, components: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for component, names in components.items():
            if not names:
                raise ValueError(f'{component!r} has no name; write it like {{"en": "Check-in"}}')
        return components

    @model_validator(mode="after")
    def _reachable(self) -> "Settings":
        if self.look_at_url and not self.base_url:
            raise ValueError("look_at_url needs base_url: where the public finds the page")
        return self

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone; write it like Europe/Amsterdam")
        return name


def _now() -> datetime:
    return datetime.now(UTC)


def connect(settings: Settings, now: Callable[[], datetime] = _now) -> "StatusPage":
    """Make the channel. Nothing is written before the first statement. Corrections and withdrawals are dated `now`."""
    from integrations.statuspage.channel import StatusPage

    return StatusPage(settings, now)

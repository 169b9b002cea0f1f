"""The status page: a folder of HTML, JSON and Atom that any web server or bucket can carry, up when we are down.

Light: templates are read on first use.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

if TYPE_CHECKING:
    from integrations.statuspage.channel import StatusPage

LIMIT = None
"""A page of our own takes a text of any length."""

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


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
        default=("en", "nl", "es"), min_length=1, description="One page for each; the first is the one at index.html."
    )
    time_zone: str = Field(default="UTC", description="IANA zone of the local times, such as Europe/Amsterdam.")
    keep_days: int = Field(
        default=90, ge=1, description="How long a disruption stays in the lists and feeds; its own page stays for ever."
    )

    @field_validator("base_url", "help_url")
    @classmethod
    def _web(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no web address; write it like https://status.airline.example")
        return url.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone; write it like Europe/Amsterdam")
        return name


def connect(settings: Settings) -> "StatusPage":
    """Make the channel. Nothing is written before the first statement."""
    from integrations.statuspage.channel import StatusPage

    return StatusPage(settings)

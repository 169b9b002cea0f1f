"""Checked: what the lint finds in a text of an incident, with all that it has to know of it."""

from datetime import datetime
from typing import TYPE_CHECKING

from engine.fitting import promised_time
from engine.lint import Finding, lint

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot


def checked(
    snapshot: "Snapshot", message: str, channel: str, language: str, text: str, next_update_at: datetime | None
) -> tuple[Finding, ...]:
    """What is wrong with a whole text, and what could be better; the worst first."""
    house = snapshot.house
    return lint(
        text,
        language,
        message=message,
        facts=snapshot.incident.facts,
        words=house.lint.get(language),
        help_urls=[url for url in (house.help_url, house.status_url) if url],
        promised=promised_time(snapshot, next_update_at),
        channel=channel,
    )


def stops(
    snapshot: "Snapshot", message: str, channel: str, language: str, text: str, next_update_at: datetime | None
) -> list[Finding]:
    """What must not be published of a text."""
    found = checked(snapshot, message, channel, language, text, next_update_at)
    return [finding for finding in found if finding.level == "stop"]

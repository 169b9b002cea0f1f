"""Alert sources by name, with their settings."""

import integrations
from desk.settings import Settings
from engine.incident import Unknown
from engine.ports import AlertSource


def open_source(settings: Settings, name: str) -> AlertSource:
    """Raises NotAllowed for a source that is not there."""
    if name not in integrations.SOURCES:
        raise Unknown(f"There is no alert source {name!r}; there are {', '.join(integrations.SOURCES)}.")
    return integrations.SOURCES[name](settings)

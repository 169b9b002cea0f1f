"""What `irrops doctor` asks Slack: tokens, scopes, the default room, the way back for buttons."""

from collections.abc import Mapping

from engine.ports import Lost, Refused
from integrations.slack.api import Api
from integrations.slack.rooms import Rooms

SCOPES: Mapping[str, str] = {
    "channels:history": "find a message again whose answer was lost",
    "channels:join": "write in the default room without being invited",
    "channels:manage": "open rooms, set their topic, invite people",
    "channels:read": "know rooms by their names",
    "chat:write": "write messages",
    "commands": "take /irrops",
    "groups:history": "find a message again in a room that was made private",
    "groups:read": "know a room that was made private",
    "groups:write": "set the topic of a room that was made private, and invite people to it",
    "im:history": "find a direct message again whose answer was lost",
    "im:write": "write to people directly",
}
"""The bot's scopes, as in manifest.yaml, and what each is for."""


def problems(api: Api, rooms: Rooms) -> list[str]:
    """Say what is wrong, each with its remedy; empty when all is well."""
    if api.settings.bot_token is None:
        return ["Slack: no bot token is set; copy it from OAuth & Permissions of the app (see docs/slack.md)."]
    try:
        answer = api.ask("auth.test")
    except Refused as error:
        return [f"Slack: {error}"]
    return [f"Slack: {each}" for each in (*_scopes(answer.headers), *_room(api, rooms), *_way_back(api))]


def _scopes(headers: Mapping[str, str]) -> list[str]:
    """Compare the scopes that Slack names in a header; a counterpart that names none is taken at its word."""
    named = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    if named is None:
        return []
    missing = sorted(SCOPES.keys() - {scope.strip() for scope in named.split(",")})
    return [
        f"the scope {scope} is missing (to {SCOPES[scope]}); add it under OAuth & Permissions and reinstall the app."
        for scope in missing
    ]


def _room(api: Api, rooms: Rooms) -> list[str]:
    try:
        place = rooms.id_of(api.settings.default_room)
        api.ask("conversations.info", channel=place)
    except Refused as error:
        return [f"default room {api.settings.default_room}: {error}"]
    return []


def _way_back(api: Api) -> list[str]:
    """Check that buttons can come in. Opening a Socket Mode address connects nothing."""
    settings = api.settings
    if settings.app_token is None and settings.signing_secret is None:
        return [
            "buttons and /irrops can't come in; set app_token (Socket Mode, nothing to open in the firewall) "
            "or signing_secret (signed HTTP)."
        ]
    if settings.app_token is None:
        return []
    try:
        api.tell("apps.connections.open", app_token=settings.app_token.get_secret_value())
    except (Refused, Lost) as error:
        return [f"Socket Mode: {error} The app token begins with xapp- and needs connections:write."]
    return []

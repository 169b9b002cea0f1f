"""What is wrong with a Mastodon account, for `irrops doctor`. Posts nothing and deletes nothing."""

from typing import Any
from urllib.parse import urlsplit

from engine.ports import Lost, Refused
from integrations.mastodon import Settings
from integrations.mastodon.api import Api
from integrations.mastodon.errors import Gone

NOBODYS = "0"
"""No post has this id: to delete it shows whether the token may write, and does nothing."""
_LOCAL = ("127.0.0.1", "localhost", "::1")


def findings(api: Api, settings: Settings) -> list[str]:
    """Say a sentence for each thing that is wrong; empty when all is well."""
    return [*_in_the_clear(settings), *_rights(api), *_limit(api, settings)]


def _in_the_clear(settings: Settings) -> list[str]:
    address = urlsplit(settings.server_url.strip())
    if address.scheme == "http" and address.hostname not in _LOCAL:
        return [
            "Mastodon's server_url begins with http://, so that the access token is sent unencrypted; use https://."
        ]
    return []


def _rights(api: Api) -> list[str]:
    found = []
    for ask in (lambda: api.me(), lambda: api.delete(NOBODYS), lambda: api.recent()):
        try:
            ask()
        except Gone:
            continue
        except (Refused, Lost) as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _limit(api: Api, settings: Settings) -> list[str]:
    try:
        told = api.instance()
    except (Refused, Lost) as error:
        return [f"How long a post may be on Mastodon is not known: {error}"]
    allowed, ours = _max_characters(told), settings.max_characters
    if allowed is None or allowed >= ours:
        return []
    return [f"Mastodon's server takes {allowed} characters, and max_characters says {ours}; set it to {allowed}."]


def _max_characters(told: Any) -> int | None:
    """Read the limit of a post; None where the server does not tell."""
    for name in ("configuration", "statuses", "max_characters"):
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, int) else None

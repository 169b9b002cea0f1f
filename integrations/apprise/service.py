"""A service's URL read by Apprise, with a person's address in it, and made safe: one recipient, one try, no trick.

Which message goes where is decided elsewhere; what an attempt came to is told by `wire`.
"""

import re
import threading
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from engine.ports import Refused
from integrations.apprise import PLACE, Settings
from integrations.apprise.wire import listening, meaning

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
"""ITU-T E.164: at most 15 digits with the country's."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,255}")
"""A person's key, a topic, a device's token. Apprise decodes more than once, so that nothing here may need coding."""
_SEPARATORS = re.compile(r"[ ()./-]")
_importing = threading.Lock()


def setting(lane: str) -> str:
    """Name the setting that holds a lane's URL."""
    return f"IRROPS_APPRISE_{lane.upper()}"


def written(lane: str, address: str) -> str:
    """Write an address as services take it: a number as +31612345678. Raises Refused, for good."""
    if lane == "push":
        if not _KEY.fullmatch(address):
            raise Refused("The person has no key that can be pushed to; correct it in the people file.", permanent=True)
        return address
    number = _SEPARATORS.sub("", address)
    if not _NUMBER.fullmatch(number):
        raise Refused(
            "The person has no phone number with its country, such as +44 7700 900123; correct it in the people file.",
            permanent=True,
        )
    return number


def service(settings: Settings, lane: str, address: str) -> Any:
    """Make Apprise's plugin for one recipient. Raises Refused, for good, naming the setting and never its value."""
    template = getattr(settings, lane)
    if template is None:
        raise Refused(f"The lane {lane} has no service; set {setting(lane)}.", permanent=True)
    url = str(template.get_secret_value()).strip()
    if PLACE not in url:
        raise Refused(f"{setting(lane)} lacks {PLACE}; write it where the person's address goes.", permanent=True)
    to = written(lane, address)
    plugin = _read(url.replace(PLACE, quote(to, safe="")))
    if plugin is None:
        raise Refused(_unreadable(url, setting(lane)), permanent=True)
    if not _keeps(plugin, to):
        raise Refused(
            f"{plugin.service_name} can't take the person's address; correct the people file, or {setting(lane)}.",
            permanent=True,
        )
    _tame(plugin, settings)
    if len(plugin) > 1:
        raise Refused(f"{setting(lane)} names more recipients than {PLACE}; take them out.", permanent=True)
    return plugin


def place(settings: Settings, url: str, named: str) -> Any:
    """Make Apprise's plugin for one place. `named` is what the URL is called where it must not be shown.

    Raises Refused, for good, when the URL can't be read or names several places: one could have it and another not.
    """
    plugin = _read(url)
    if plugin is None:
        raise Refused(_unreadable(url, named), permanent=True)
    _tame(plugin, settings)
    if len(plugin) != 1:
        raise Refused(f"{named} names {len(plugin)} places; write a URL for each.", permanent=True)
    return plugin


def notify(plugin: Any, text: str, title: str, named: str, whose: str = "") -> None:
    """Send once. Raises Refused, or Lost when the service may have sent it. `named`, `whose`: as in `meaning`."""
    from apprise import Apprise

    with listening() as heard:
        sender = Apprise([plugin], asset=apprise_asset())
        title = title if plugin.title_maxlen > 0 else ""
        done = sender.notify(body=body(plugin, text), title=title, body_format="text")
    if not done:
        raise meaning(heard, named, whose)


def body(plugin: Any, text: str) -> str:
    """Write the text as the service takes it: Twilio's calls want TwiML, and say it twice."""
    if places_calls(plugin):
        return f'<Response><Say loop="2">{escape(text)}</Say></Response>'
    return text


def places_calls(plugin: Any) -> bool:
    """Whether it is Twilio that calls; of all its services Apprise knows only this one for it."""
    return plugin.service_name == "Twilio" and getattr(plugin, "method", "") == "call"


def apprise_asset() -> Any:
    """Apprise's own settings: nothing on disk, no threads."""
    from apprise import AppriseAsset

    return AppriseAsset(app_id="irrops", async_mode=False, storage_mode="memory", pgp_autogen=False)


def _read(url: str) -> Any:
    """Have Apprise read a URL; None when it can't. What it has to say about it is not for the logs."""
    with _importing:  # it loads its plugins on first use
        from apprise import Apprise
    with listening():
        return Apprise.instantiate(url, asset=apprise_asset())


def _keeps(plugin: Any, address: str) -> bool:
    """Whether the address is among what the plugin has read: some drop what they don't like, and send to themselves."""
    read = unquote(plugin.url(privacy=False)).lower()
    wanted = address.removeprefix("+").lower()
    return wanted in read


def _tame(plugin: Any, settings: Settings) -> None:
    """Undo what a URL may ask for: to send twice, to call a failure a success, to cut or split the text.

    Nor are redirects followed: they would turn the POST into a GET, and hand the password on.
    """
    from apprise import OverflowMode

    plugin.retry, plugin.optional, plugin.overflow_mode = 0, False, OverflowMode.UPSTREAM
    plugin.redirects = False
    plugin.socket_connect_timeout = plugin.socket_read_timeout = settings.timeout_s


def _unreadable(url: str, named: str) -> str:
    from apprise.manager_plugins import NotificationManager

    scheme = url.partition("://")[0].lower()
    if not re.fullmatch(r"[a-z0-9]{2,20}", scheme):
        return f"{named} is no URL; write one as Apprise knows it, such as those of https://appriseit.com/services/."
    if scheme not in NotificationManager():  # type: ignore[no-untyped-call]
        return f"{named}: Apprise knows no service {scheme}://; see https://appriseit.com/services/."
    return f"{named}: Apprise can't read this {scheme}:// URL; see https://appriseit.com/services/."

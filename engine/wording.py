"""Wording: templates of messages, rendered strictly, and what every one of them may speak of.

The words themselves are in `templates/messages/`. Which texts a statement has, and whether they fit, is decided in
`engine.statements` and `engine.limits`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:  # snapshots hold statements, and statements are worded here
    from babel import Locale

    from engine.snapshot import Snapshot

OUTWARD = ("holding", "update", "resolution", "correction")
"""First words of the messages that the public reads. They never fall back to another language."""

INTERNAL_LANGUAGE = "en"
"""Messages to staff fall back to it."""

MARKS = {"en": "[DRILL] ", "nl": "[OEFENING] ", "es": "[SIMULACRO] "}
"""What stands before every text of a drill; another language takes the English one."""

_TERRITORY = {"en": "en_GB"}
"""Babel's plain `en` writes dates the American way."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"(?:[a-z][a-z0-9_]*\.)?([a-z]{2,3})\.j2")


class WordingError(Exception):
    """A message that can't be rendered. Says which, for what channel and language, where, and what to do."""


def is_outward(message: str) -> bool:
    """Tell whether the public reads a message: `holding`, `holding_strike`, `update_ash` …"""
    return message.split("_")[0] in OUTWARD


# ---------------------------------------------------------------- words that depend on the language
# Babel is imported where it is used: it takes 0.2 s, and few commands write to people.


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(_TERRITORY.get(language, language))
    except (UnknownLocaleError, ValueError):
        raise WordingError(f"{language!r} is no language that dates can be written in; use a code such as en") from None


def local(instant: datetime | str, zone: str = "UTC", language: str = "en") -> str:
    """Write an instant for people: `14:30 (13:30 UTC), 22 Nov`, with both dates where they differ."""
    moment = _moment(instant)
    there, universal = moment.astimezone(ZoneInfo(zone)), moment.astimezone(UTC)
    today, elsewhere = day(moment, zone, language), day(moment, "UTC", language)
    if there.utcoffset() == universal.utcoffset():
        return f"{universal:%H:%M} UTC, {today}"
    if there.date() == universal.date():
        return f"{there:%H:%M} ({universal:%H:%M} UTC), {today}"
    return f"{there:%H:%M}, {today} ({universal:%H:%M} UTC, {elsewhere})"


@lru_cache(maxsize=1024)
def day(instant: datetime | str, zone: str = "UTC", language: str = "en") -> str:
    """Write the date of an instant, as it is in a zone: `22 Nov`."""
    from babel.dates import format_skeleton

    there = _moment(instant).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return str(format_skeleton("MMMd", there, tzinfo=None, locale=_locale(language)))


def _moment(instant: datetime | str) -> datetime:
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    if moment.tzinfo is None:
        raise ValueError(f"{instant} lacks its time zone")
    return moment


def listed(words: Sequence[object], language: str = "en") -> str:
    """Write a list the way the language does: `AMS, RTM and EIN`."""
    from babel.lists import format_list

    return str(format_list([str(word) for word in words], locale=_locale(language)))


def number(count: float, language: str = "en") -> str:
    """Write a number the way the language does: `12,500`, `12.500`."""
    from babel.numbers import format_decimal

    return str(format_decimal(count, locale=_locale(language)))


@pass_context
def _local(context: Context, instant: datetime | str, zone: str | None = None) -> str:
    return local(instant, zone or context["zone"], context["language"])


@pass_context
def _day(context: Context, instant: datetime | str, zone: str | None = None) -> str:
    return day(instant, zone or context["zone"], context["language"])


@pass_context
def _listed(context: Context, words: Sequence[object]) -> str:
    return listed(words, context["language"])


@pass_context
def _number(context: Context, count: float) -> str:
    return number(count, context["language"])


# ---------------------------------------------------------------- rendering


class Templates:
    """The folder of templates: `<message>/<channel>.<language>.j2`, else `<message>/<language>.j2`."""

    def __init__(self, root: Path):
        self.root = root
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(root),
            undefined=StrictUndefined,
            autoescape=False,  # plain text; what shows it as HTML escapes it
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(local=_local, day=_day, listed=_listed, number=_number)

    def render(self, message: str, channel: str, language: str, context: Mapping[str, object]) -> str:
        """Render one text. In a drill its mark stands in front. Raises WordingError."""
        what = f"message {message!r} for {channel} in {language!r}"
        try:
            template = self._template(message, channel, language)
            text = template.render({**context, "language": language})
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise WordingError(f"{what}: {self._place(error)}{_remedy(error)}") from None
        text = re.sub(r"\n{3,}", "\n\n", text).strip()
        if not text:
            raise WordingError(f"{what} is empty; a template must say something whatever the facts are")
        return MARKS.get(language, MARKS["en"]) + text if context.get("drill") else text

    def languages(self, message: str) -> list[str]:
        """Languages that a message is written in, sorted; empty when there is no such message."""
        if not _NAME.fullmatch(message):
            return []
        found = (_FILE.fullmatch(path.name) for path in (self.root / message).glob("*.j2"))
        return sorted({match[1] for match in found if match})

    def messages(self) -> list[str]:
        """All messages that there are, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(folder.name for folder in self.root.iterdir() if folder.is_dir() and self.languages(folder.name))

    def _template(self, message: str, channel: str, language: str) -> Template:
        names = [f"{message}/{channel}.{language}.j2", f"{message}/{language}.j2"]
        if not is_outward(message):
            names.append(f"{message}/{INTERNAL_LANGUAGE}.j2")
        for name in names:
            try:
                return self._environment.get_template(name)
            except TemplateNotFound as missing:
                if missing.name != name:
                    raise
        has = self.languages(message)
        if not has:
            known = ", ".join(self.messages()) or "none"
            raise LookupError(f"there is no such message; add a folder {message}/, or use one of these: {known}")
        raise LookupError(f"not written in that language, only in {', '.join(has)}; add {message}/{language}.j2")

    def _place(self, error: BaseException) -> str:
        """Name the template and the line that the error comes from, as `holding/en.j2:4: `."""
        place = ""
        if (line := getattr(error, "lineno", None)) and (name := getattr(error, "name", None)):
            return f"{name}:{line}: "
        trace = error.__traceback__
        while trace:
            file = Path(trace.tb_frame.f_code.co_filename)
            if file.suffix == ".j2":
                place = f"{file.relative_to(self.root) if file.is_relative_to(self.root) else file.name}:"
                place += f"{trace.tb_lineno}: "
            trace = trace.tb_next
        return place


def _remedy(error: BaseException) -> str:
    text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    if "is undefined" in text or "has no attribute" in text:
        return f"{text}; test it first ({{% if … is defined %}}) or use one of the names in docs/messages.md"
    if isinstance(error, TemplateError):
        return f"{text}; correct the template"
    return text


# ---------------------------------------------------------------- what a template may speak of


def context(snapshot: "Snapshot", language: str = "en", **more: object) -> dict[str, Any]:
    """Gather what every message may speak of. `more` adds to it, or replaces.

    Facts that are not known (None) are left out, so `is defined` is the one test a template needs.
    `zone` is that of the first station among the facts, else the house's.
    """
    incident, house = snapshot.incident, snapshot.house
    facts = {name: value for name, value in incident.facts.items() if value is not None}
    zone = zone_of(facts, house.station_zones, house.time_zone)
    return {
        "incident": {
            "ref": incident.ref,
            "title": incident.title,
            "severity": str(incident.severity),
            "status": str(incident.status),
        },
        "facts": facts,
        "house": {"name": house.name, "help_url": house.help_url, "status_url": house.status_url},
        "drill": incident.drill,
        "now": snapshot.now,
        "zone": zone,
        "local": local(snapshot.now, zone, language),
        "language": language,
        "declared_at": incident.declared_at,
        "next_update_at": None,
        **more,
    }


def zone_of(facts: Mapping[str, Any], station_zones: Mapping[str, str], otherwise: str) -> str:
    """Say in which time zone an incident's readers live: its first station's, else `otherwise`."""
    stations = facts.get("stations") or [""]
    return station_zones.get(stations[0], otherwise)

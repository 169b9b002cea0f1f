"""Wording: templates of messages, rendered strictly, and what every one of them may speak of.

The words themselves are in `templates/messages/`, dates and lists in `engine.written`. Which texts a statement has, and
whether they fit, is decided in `engine.drafting` and `engine.limits`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.written import WordingError as WordingError  # this and the next are also read from here
from engine.written import day as day
from engine.written import isolated as isolated
from engine.written import language_name as language_name
from engine.written import listed as listed
from engine.written import local as local
from engine.written import number as number

if TYPE_CHECKING:  # snapshots hold statements, and statements are worded here
    from engine.snapshot import Snapshot

OUTWARD = ("holding", "update", "resolution", "correction", "apology", "rights")
"""First words of the messages that the public reads. They never fall back to another language."""

INTERNAL_LANGUAGE = "en"
"""Messages to staff fall back to it."""

MARKS = {"en": "[DRILL] ", "nl": "[OEFENING] ", "es": "[SIMULACRO] ", "pt": "[SIMULACRO] "}
"""What stands before every text of a drill; another language takes the English one."""

RIGHTS = "_rights"
"""Folder of what the law of each region gives passengers: `<region>.<language>.j2`."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"(?:[a-z][a-z0-9_]*\.)?([a-z]{2,3})\.j2")


def is_outward(message: str) -> bool:
    """Tell whether the public reads a message: `holding`, `holding_strike`, `update_ash` …"""
    return message.split("_")[0] in OUTWARD


# ---------------------------------------------------------------- words that depend on the language


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
def _language_name(context: Context, code: str) -> str:
    return language_name(code, context["language"])


@pass_context
def _number(context: Context, count: float) -> str:
    return number(count, context["language"])


# ---------------------------------------------------------------- rendering


@cache
def _environment(root: Path) -> Environment:
    """The environment of a folder: one in a process, for compiling a template takes longer than most renders."""
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(root),
        undefined=StrictUndefined,
        autoescape=False,  # plain text; what shows it as HTML escapes it
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(local=_local, day=_day, listed=_listed, number=_number)
    made.filters.update(language_name=_language_name, isolated=isolated)
    return made


class Templates:
    """The folder of templates: `<message>/<channel>.<language>.j2`, else `<message>/<language>.j2`.

    An account (`bluesky@spain`) has the words of its channel. The short form, for where the ordinary text does not fit,
    is looked up like a channel: `short`.
    """

    def __init__(self, root: Path):
        self.root = root
        self._environment = _environment(root)

    def render(self, message: str, channel: str, language: str, context: Mapping[str, object]) -> str:
        """Render one text. In a drill its mark stands in front. Raises WordingError."""
        what = f"message {message!r} for {channel} in {language!r}"
        try:
            template = self._template(message, channel, language)
            text = template.render({**context, "language": language})
        except WordingError as error:
            raise WordingError(f"{what}: {error}") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise WordingError(f"{what}: {self._place(error)}{_remedy(error)}") from None
        text = re.sub(r"\n{3,}", "\n\n", text).strip()
        if not text:
            raise WordingError(f"{what} is empty; a template must say something whatever the facts are")
        return MARKS.get(language, MARKS["en"]) + text if context.get("drill") else text

    def source(self, message: str, channel: str, language: str) -> str:
        """Name the template that `render` would take. Raises WordingError."""
        try:
            return str(self._template(message, channel, language).name)
        except (TemplateError, LookupError) as error:
            what = f"message {message!r} for {channel} in {language!r}"
            raise WordingError(f"{what}: {self._place(error)}{_remedy(error)}") from None

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
        names = [f"{message}/{channel.partition('@')[0]}.{language}.j2", f"{message}/{language}.j2"]
        if not is_outward(message):
            names.append(f"{message}/{INTERNAL_LANGUAGE}.j2")
        # Asking the folder first spares Jinja's search, which costs ten times as much where there is no such file.
        found = next((name for name in names if _NAME.fullmatch(message) and (self.root / name).is_file()), None)
        if found:
            return self._environment.get_template(found)
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
    if isinstance(error, TemplateNotFound):
        return _missing(str(error.name))
    text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    if "is undefined" in text or "has no attribute" in text:
        return f"{text}; test it first ({{% if … is defined %}}) or use one of the names in docs/messages.md"
    if isinstance(error, TemplateError):
        return f"{text}; correct the template"
    return text


def _missing(file: str) -> str:
    """Say what to do about a file that a template asks for and that is not there."""
    folder, _, name = file.rpartition("/")
    region, _, rest = name.partition(".")
    if folder == RIGHTS:
        language = rest.partition(".")[0]
        text = f"the rights of passengers in the region {region!r} are not written in {language!r}"
        return f"{text}; add {file}, or correct the regions in the settings"
    return f"there is no {file}; add it, or correct the template"


# ---------------------------------------------------------------- what a template may speak of


def context(snapshot: "Snapshot", language: str = "en", **more: object) -> dict[str, Any]:
    """Gather what every message may speak of. `more` adds to it, or replaces.

    Facts that are not known (None) are left out, so `is defined` is the one test a template needs.
    `zone` is that of the first station among the facts, else the house's; `regions` see `regions_of`. Texts written
    from right to left are `isolated`.
    """
    incident, house = snapshot.incident, snapshot.house
    facts = {name: _safe(value) for name, value in incident.facts.items() if value is not None}
    zone = zone_of(facts, house.station_zones, house.time_zone)
    return {
        "incident": {
            "ref": incident.ref,
            "title": isolated(incident.title),
            "severity": str(incident.severity),
            "status": str(incident.status),
        },
        "facts": facts,
        "house": {"name": house.name, "help_url": house.help_url, "status_url": house.status_url},
        "drill": incident.drill,
        "now": snapshot.now,
        "zone": zone,
        "regions": regions_of(facts, house.station_regions, house.regions),
        "local": local(snapshot.now, zone, language),
        "language": language,
        "declared_at": incident.declared_at,
        "next_update_at": None,
        "unchanged_since": None,
        **more,
    }


def zone_of(facts: Mapping[str, Any], station_zones: Mapping[str, str], otherwise: str) -> str:
    """Say in which time zone an incident's readers live: its first station's, else `otherwise`."""
    stations = facts.get("stations") or [""]
    return station_zones.get(stations[0], otherwise)


def regions_of(
    facts: Mapping[str, Any], station_regions: Mapping[str, str], otherwise: Sequence[str]
) -> tuple[str, ...]:
    """Say whose rules on passengers' rights are told: those of the stations, then those of the house.

    An airline's home law follows its flights abroad (Regulation (EC) 261/2004, article 3(1)(b); 14 CFR 259.2 and
    260.3), so a station elsewhere adds a region and takes none away.
    """
    there = [station_regions[station] for station in facts.get("stations") or () if station in station_regions]
    return tuple(dict.fromkeys([*there, *otherwise]))


def _safe(value: Any) -> Any:
    return isolated(value) if isinstance(value, str) else value

"""The pack for readers: one page that needs nothing else, and how to verify it. What it states is in `engine.pack`.

How both look is in `templates/pack/`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from engine.pack_document import Decision, Document, Line, Moment, Said, Stated
from engine.wording import local

TEMPLATES = Path(__file__).resolve().parents[1] / "templates" / "pack"

DECIDED = {
    "preapproved": "nobody had answered in time: the text approved beforehand was taken",
    "playbook": "the playbook asks for no approval",
    "none": "not decided",
}


@dataclass(frozen=True)
class Group:
    """One text, and everywhere it was to be read."""

    language: str
    parts: tuple[str, ...]
    places: tuple[Said, ...]


def page(document: Document, lines: Sequence[Line], key: str) -> str:
    """Write the page. `key` is the fingerprint of the key that signs the pack."""
    zone = document.incident.time_zone
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            document=document,
            about=document.incident,
            lines=lines,
            key=key,
            groups=_groups,
            named=_named,
            decided=_decided,
            plain=lambda text: str(text).replace("_", " "),
            local=lambda moment: local(moment.utc, zone),
            utc=_utc,
            there=_there,
            differs=_differs,
            linked=lambda url: url.startswith(("https://", "http://")),
        )
    )


def readme(document: Document, key: str) -> str:
    """Write what the pack is and how to verify it with irrops and without."""
    return _environment().get_template("README.txt.j2").render(about=document.incident, key=key)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _groups(stated: Stated) -> Iterator[Group]:
    """Put the places with the same words together, in the order in which they come."""
    together: dict[tuple[str, tuple[str, ...]], list[Said]] = {}
    for said in stated.texts:
        together.setdefault((said.language, tuple(part.text for part in said.parts)), []).append(said)
    for (language, parts), places in together.items():
        yield Group(language, parts, tuple(places))


def _differs(said: Said) -> list[str]:
    """Texts that were sent and are not the approved ones; empty unless something is very wrong."""
    known = {part.sha256 for part in said.parts}
    return [one.text for one in said.publications if one.sha256 not in known]


def _decided(decision: Decision) -> str:
    if decision.how in DECIDED:
        return DECIDED[decision.how]
    verb = "rejected" if decision.how == "rejected" else "approved"
    if decision.by is None:
        return verb
    role = f" ({decision.by.role.replace('_', ' ')})" if decision.by.role else ""
    return f"{verb} by {decision.by.name}{role}"


@cache
def _named(language: str) -> str:
    """Name a language in English; its code where nobody knows the name."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-").get_display_name("en") or language
    except (UnknownLocaleError, ValueError):
        return language


def _utc(moment: Moment) -> str:
    return f"{moment.utc:%Y-%m-%d %H:%M:%S}"


def _there(moment: Moment) -> str:
    return f"{moment.local:%Y-%m-%d %H:%M:%S}"

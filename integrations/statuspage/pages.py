"""The pages of the status page: HTML for each language, Atom, JSON. Texts in, texts out; files are in `folder`."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import yaml
from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from engine.effects import Post
from engine.wording import local
from integrations.statuspage import Settings
from integrations.statuspage.disruptions import Disruption, disruptions, page_of, recent

HERE = Path(__file__).parent

CURRENT_IN_FULL = 5
"""Current disruptions shown with their text on the first page; more are listed by title."""
PAST_ON_FIRST = 5
NEWEST = 20
"""Statements on a disruption's first page; older ones are on a second. Keeps both under 30 kB on a usual day."""
FEED = 50
"""Entries of a feed."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""Characters that XML 1.0 forbids."""
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


class Pages:
    """Makes pages from posts; from them alone, so that the same posts give the same bytes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._words = {language: _words(language) for language in settings.languages}
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters.update(paragraphs=paragraphs, clean=clean, stamp=stamp)
        self._jinja.globals.update(settings=settings)

    def all(self, posts: Sequence[Post]) -> dict[str, str]:
        """Make every page: file name → text."""
        found = disruptions(posts)
        pages = self._lists(found)
        for disruption in found:
            pages.update(self._disruption(disruption))
        return pages

    def changed_by(self, post: Post, posts: Sequence[Post]) -> dict[str, str]:
        """Make the pages that one more post may have changed."""
        found = disruptions(posts)
        pages = self._lists(found)
        pages.update(self._disruption(next(d for d in found if d.slug == page_of(post))))
        return pages

    def check(self) -> list[str]:
        """Name the languages that the page itself has no words for."""
        return [
            f"The status page has no words in {language!r} and takes the English ones; "
            f"add {language}.yaml beside integrations/statuspage/words/en.yaml."
            for language in self._settings.languages
            if not _words_file(language).exists()
        ]

    def _lists(self, found: list[Disruption]) -> dict[str, str]:
        kept = recent(found, self._settings.keep_days)
        pages = {"status.json": self._json(kept)}
        for language in self._settings.languages:
            view = {"current": [d for d in kept if d.current], "past": [d for d in kept if not d.current]}
            updated = max((d.updated_at for d in kept), default=None)
            pages[f"index.{language}.html"] = self._render("index.html.j2", language, "index", updated=updated, **view)
            pages[f"history.{language}.html"] = self._render(
                "history.html.j2", language, "history", updated=updated, **view
            )
            pages[f"feed.{language}.atom"] = self._feed(kept, language)
        first = self._settings.languages[0]
        pages["index.html"] = pages[f"index.{first}.html"]
        pages["feed.atom"] = pages[f"feed.{first}.atom"]
        return pages

    def _disruption(self, disruption: Disruption) -> dict[str, str]:
        newest, older = disruption.statements[:NEWEST], disruption.statements[NEWEST:]
        parts = [(disruption.slug, newest, False)] + ([(f"{disruption.slug}.earlier", older, True)] if older else [])
        return {
            f"{page}.{language}.html": self._render(
                "disruption.html.j2",
                language,
                page,
                disruption=disruption,
                statements=statements,
                earlier=earlier,
                more=bool(older) and not earlier,
                updated=disruption.updated_at,
            )
            for page, statements, earlier in parts
            for language in self._settings.languages
        }

    def _feed(self, found: Iterable[Disruption], language: str) -> str:
        told = [(disruption, statement) for disruption in found for statement in disruption.statements]
        told.sort(key=lambda pair: pair[1].at, reverse=True)
        return self._render("feed.atom.j2", language, "feed", told=told[:FEED], urn=self._urn)

    def _render(self, template: str, language: str, page: str, **more: Any) -> str:
        words, spoken = self._words[language]
        return self._jinja.get_template(template).render(
            words=words,
            language=spoken,
            page=page,
            suffix=language,
            languages=[(each, self._words[each][0]["name"]) for each in self._settings.languages],
            say=lambda statement: statement.among((language, *self._settings.languages)),
            when=lambda instant: local(instant, self._settings.time_zone, spoken),
            day=lambda instant: _day(instant, self._settings.time_zone, spoken),
            limits={"full": CURRENT_IN_FULL, "past": PAST_ON_FIRST},
            **more,
        )

    def _urn(self, name: str) -> str:
        """Make an id for feeds that stays the same as long as the page stays where it is."""
        return uuid5(NAMESPACE_URL, f"{self._site}#{name}").urn

    @cached_property
    def _site(self) -> str:
        return self._settings.base_url or f"irrops:{self._settings.title}"

    def _json(self, found: Iterable[Disruption]) -> str:
        told = [self._plain(disruption) for disruption in found]
        newest = max((disruption["updated_at"] for disruption in told), default=None)
        current = [disruption for disruption in told if disruption["current"] and not disruption["drill"]]
        page = {"title": self._settings.title, "url": self._settings.base_url, "updated_at": newest}
        whole = {"version": 1, "page": page, "current": len(current), "disruptions": told}
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

    def _plain(self, disruption: Disruption) -> dict[str, Any]:
        latest, first = disruption.latest, disruption.latest.first
        return {
            "id": disruption.slug,
            "incident": disruption.ref,
            "title": clean(first.title),
            "current": disruption.current,
            "drill": disruption.drill,
            "severity": disruption.severity.value,
            "status": first.status,
            "began_at": stamp(disruption.began_at),
            "updated_at": stamp(disruption.updated_at),
            "next_update_at": stamp(disruption.next_update_at) if disruption.next_update_at else None,
            "latest": {"kind": latest.kind, "texts": {post.language: clean(post.text) for post in latest.posts}},
            "pages": {language: f"{disruption.slug}.{language}.html" for language in self._settings.languages},
        }


def paragraphs(text: str) -> Markup:
    """Write a plain text as HTML: paragraphs at empty lines, line breaks, web addresses as links; all escaped."""
    whole = []
    for paragraph in re.split(r"\n\s*\n", clean(text).strip()):
        lines = [_linked(line) for line in paragraph.strip().splitlines()]
        whole.append(Markup("<p dir='auto'>{}</p>").format(Markup("<br>\n").join(lines)))
    return Markup("\n").join(whole)


def _linked(line: str) -> Markup:
    parts, end = [], 0
    for match in _URL.finditer(line):
        parts += [escape(line[end : match.start()]), Markup('<a href="{0}">{0}</a>').format(match[0])]
        end = match.end()
    return Markup("").join([*parts, escape(line[end:])])


def clean(text: str) -> str:
    """Take out what XML can't hold."""
    return _CONTROL.sub("", text)


def stamp(instant: datetime) -> str:
    """Write an instant for programs, RFC 3339."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(instant: datetime, zone: str, language: str) -> str:
    locale = "en_GB" if language == "en" else language
    return str(format_date(instant.astimezone(ZoneInfo(zone)), "long", locale=locale))


def _words_file(language: str) -> Path:
    return HERE / "words" / f"{language}.yaml"


def _words(language: str) -> tuple[dict[str, Any], str]:
    """Read the page's own words, and say in which language they are: English where there are none."""
    spoken = language if _words_file(language).exists() else "en"
    return yaml.safe_load(_words_file(spoken).read_text(encoding="utf-8")), spoken

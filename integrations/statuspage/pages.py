"""The pages of the status page: HTML for each language, Atom, JSON, text. Files are in `folder`."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import yaml
from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.wording import local
from integrations.statuspage import Settings
from integrations.statuspage.components import DAYS, Component, components, strange
from integrations.statuspage.disruptions import Disruption, Statement, disruptions, page_of, recent
from integrations.statuspage.markup import clean, direction, paragraphs, stamp
from integrations.statuspage.parts import first_changed, in_full, pages_of
from integrations.statuspage.status_json import status_json
from integrations.statuspage.wordings import Said

HERE = Path(__file__).parent

CURRENT_IN_FULL = 5
"""Current disruptions shown with their text on the first page at most; more are listed by title."""
PAST_ON_FIRST = 5
PAST_IN_HISTORY = 60
SPANS = 8
"""Times of disruption that the history names for a component; the text file has all its days."""
FEED = 50
"""Entries of a feed."""


class Pages:
    """Makes pages from what was said; from that alone, so that the same messages give the same bytes."""

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
        self._jinja.filters.update(paragraphs=paragraphs, clean=clean, stamp=stamp, place=place)
        self._jinja.globals.update(settings=settings, direction=direction, Markup=Markup)

    def all(self, told: Iterable[Said]) -> dict[str, str | None]:
        """Make every page: file name → text."""
        found = disruptions(told)
        pages: dict[str, str | None] = {**self._lists(found)}
        for disruption in found:
            pages.update(self._disruption(disruption, 0))
        return pages

    def changed_by(self, one: Said, told: Iterable[Said]) -> dict[str, str | None]:
        """Make the pages that one more message about this post may have changed. None: the page stays as it is."""
        found = disruptions(told)
        pages: dict[str, str | None] = {**self._lists(found)}
        disruption = next(d for d in found if d.slug == page_of(one.post))
        pages.update(self._disruption(disruption, first_changed(disruption, one.post.statement)))
        return pages

    def check(self, told: Iterable[Said]) -> list[str]:
        """Name the languages and the components that the page itself has no words for."""
        names = self._settings.components
        unnamed = strange(disruptions(told), names) if names else set()
        return [
            f"The status page has no words in {language!r} and takes the English ones; "
            f"add {language}.yaml beside integrations/statuspage/words/en.yaml."
            for language in self._settings.languages
            if not _words_file(language).exists()
        ] + [
            f"Statements speak of the component {one!r}, which the status page does not know; "
            "name it in IRROPS_STATUSPAGE_COMPONENTS, or correct the playbook."
            for one in sorted(unnamed)
        ]

    def showing(self, one: Said, told: Iterable[Said]) -> list[str]:
        """The pages on which this post is to be read; none when it was withdrawn or no page is in its language."""
        found = disruptions(told)
        disruption = next(d for d in found if d.slug == page_of(one.post))
        statement = next(s for s in disruption.statements if s.key == one.post.statement)
        own = [language for language in self._settings.languages if statement.among(self._order(language)) == one]
        if one.withdrawn_at or not own:
            return []
        language = one.language if one.language in own else own[0]
        parts = self._parts(disruption)
        page = next((name for name, messages in parts.items() if statement in messages), disruption.slug)
        return [f"{page}.{language}.html", *self._indexes(one, found, language)]

    def _indexes(self, one: Said, found: list[Disruption], language: str) -> list[str]:
        current = [d for d in recent(found, self._settings.keep_days) if d.current]
        if one not in [d.news(self._order(language)) for d in current[: in_full(current, CURRENT_IN_FULL)]]:
            return []
        first = ["index.html"] if language == self._settings.languages[0] else []
        return [f"index.{language}.html", *first]

    def _lists(self, found: list[Disruption]) -> dict[str, str]:
        kept = recent(found, self._settings.keep_days)
        board = components(self._settings.components, found, self._settings.time_zone)
        pages = {"status.json": status_json(self._settings, kept, board), "components.txt": self._text(board)}
        current = [d for d in kept if d.current]
        past = [d for d in kept if not d.current and not d.withdrawn]
        view: dict[str, Any] = {"board": board, "updated": max((d.updated_at for d in kept), default=None)}
        view |= {"current": current, "full": in_full(current, CURRENT_IN_FULL)}
        for language in self._settings.languages:
            pages[f"index.{language}.html"] = self._render(
                "index.html.j2", language, "index", past=past[:PAST_ON_FIRST], more=len(past) > PAST_ON_FIRST, **view
            )
            pages[f"history.{language}.html"] = self._render(
                "history.html.j2", language, "history", past=past[:PAST_IN_HISTORY], days=DAYS, spans=SPANS, **view
            )
            pages[f"feed.{language}.atom"] = self._feed(kept, language)
        first = self._settings.languages[0]
        pages["index.html"] = pages[f"index.{first}.html"]
        pages["feed.atom"] = pages[f"feed.{first}.atom"]
        return pages

    def _parts(self, disruption: Disruption) -> dict[str, tuple[Statement, ...]]:
        """Name of a page → the messages on it; oldest page first, the disruption's first page last."""
        *older, newest = pages_of(disruption)
        named = {f"{disruption.slug}.earlier-{number}": part for number, part in enumerate(older, 1)}
        return {**named, disruption.slug: newest}

    def _disruption(self, disruption: Disruption, start: int) -> dict[str, str | None]:
        """Make a disruption's pages from the one at `start`; those before, which depend on their own messages, stay."""
        parts = list(self._parts(disruption).items())
        names = [None, *(name for name, _ in parts), None]
        return {
            f"{page}.{language}.html": self._render(
                "earlier.html.j2" if names[number + 1] else "disruption.html.j2",
                language,
                page,
                disruption=disruption,
                statements=statements,
                older=names[number - 1],
                newer=names[number + 1],
                updated=max((statement.changed_at for statement in statements), default=disruption.updated_at),
            )
            if number > start
            else None
            for number, (page, statements) in enumerate(parts, 1)
            for language in self._settings.languages
        }

    def _feed(self, found: Iterable[Disruption], language: str) -> str:
        order = self._order(language)
        told = [(d, statement, statement.among(order)) for d in found for statement in d.statements]
        told.sort(key=lambda each: each[2].changed_at, reverse=True)
        return self._render("feed.atom.j2", language, "feed", told=told[:FEED], urn=self._urn)

    def _text(self, board: Iterable[Component]) -> str:
        """The days with a disruption as plain text, a line each."""
        lines = [f"{c.key} {day} {state}" for c in board for day, state in sorted(c.days.items())]
        head = f"# component, day ({self._settings.time_zone}), worst state. The last {DAYS} days; others: operational."
        return "\n".join([head, *lines]) + "\n"

    def _order(self, language: str) -> tuple[str, ...]:
        return (language, *self._settings.languages)

    def _render(self, template: str, language: str, page: str, **more: Any) -> str:
        words, spoken = self._words[language]
        order = self._order(language)
        return self._jinja.get_template(template).render(
            words=words,
            language=spoken,
            page=page,
            suffix=language,
            languages=[(each, self._words[each][0]["name"]) for each in self._settings.languages],
            named=lambda statements: Disruption("", statements).news(order),
            say=lambda statement: statement.among(order),
            news=lambda disruption: disruption.news(order),
            called=lambda component: component.name((*order, "en", *component.names)),
            when=lambda instant: local(instant, self._settings.time_zone, spoken),
            day=lambda instant: _day(instant, self._settings.time_zone, spoken),
            **more,
        )

    def _urn(self, name: str) -> str:
        """Make an id for feeds that stays the same as long as the page stays where it is."""
        return uuid5(NAMESPACE_URL, f"{self._site}#{name}").urn

    @cached_property
    def _site(self) -> str:
        return self._settings.base_url or f"irrops:{self._settings.title}"


def place(statement: str) -> str:
    """Name the place of a statement on a page, by its key."""
    return f"m-{hashlib.sha256(statement.encode()).hexdigest()[:10]}"


def _day(when: datetime | date, zone: str, language: str) -> str:
    locale = {"en": "en_GB", "pt": "pt_PT"}.get(language, language)
    there = when.astimezone(ZoneInfo(zone)) if isinstance(when, datetime) else when
    return str(format_date(there, "long", locale=locale))


def _words_file(language: str) -> Path:
    return HERE / "words" / f"{language}.yaml"


def _words(language: str) -> tuple[dict[str, Any], str]:
    """Read the page's own words, and say in which language they are: English where there are none."""
    spoken = language if _words_file(language).exists() else "en"
    return yaml.safe_load(_words_file(spoken).read_text(encoding="utf-8")), spoken

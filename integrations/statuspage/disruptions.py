"""Disruptions as the public sees them: what was said put together by incident and statement. No files, no HTML."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from engine.effects import Post
from engine.incident import Severity, Status
from integrations.statuspage.wordings import Said

ASIDE = ("apology", "rights")
"""First words of messages that are no news: they neither reopen a disruption nor hide the newest word."""
SILENT = (*ASIDE, "correction")
"""Messages that say nothing about whether it is over."""


@dataclass(frozen=True)
class Statement:
    """What was said at one time, in its languages."""

    key: str
    said: tuple[Said, ...]
    """One for each language."""

    @cached_property
    def first(self) -> Post:
        return (self.shown or self.said)[0].post

    @cached_property
    def shown(self) -> tuple[Said, ...]:
        """Those that the public may read."""
        return tuple(one for one in self.said if not one.withdrawn_at)

    @cached_property
    def at(self) -> datetime:
        return self.first.drafted_at

    @cached_property
    def kind(self) -> str:
        """`holding`, `update`, `resolution`, `apology`: the first word of the message's name."""
        return self.first.message.split("_")[0]

    @cached_property
    def corrected_at(self) -> datetime | None:
        return max((one.corrected_at for one in self.shown if one.corrected_at), default=None)

    @cached_property
    def changed_at(self) -> datetime:
        return max(one.changed_at for one in self.said)

    def among(self, languages: Sequence[str]) -> Said:
        """What was said in the first of these languages; where nothing was, in the next that may be read."""
        by = self._by_language
        if languages[0] in by:
            return by[languages[0]]
        readable = (by[language] for language in languages if language in by and not by[language].withdrawn_at)
        return next(readable, (self.shown or self.said)[0])

    @cached_property
    def _by_language(self) -> dict[str, Said]:
        return {one.language: one for one in self.said}


@dataclass(frozen=True)
class Disruption:
    """One incident, as far as it was published."""

    slug: str
    """Name of its page: the incident's reference and what tells it from the same number elsewhere."""
    statements: tuple[Statement, ...]
    """Newest first, the withdrawn ones too."""

    @cached_property
    def shown(self) -> tuple[Statement, ...]:
        """Those that may be read in some language, newest first."""
        return tuple(statement for statement in self.statements if statement.shown)

    @property
    def withdrawn(self) -> bool:
        """Whether nothing is left to read."""
        return not self.shown

    @cached_property
    def latest(self) -> Statement:
        """The newest news; an apology or the rights only where there is nothing else."""
        told = self.shown or self.statements
        return next((statement for statement in told if statement.kind not in ASIDE), told[0])

    def news(self, languages: Sequence[str]) -> Said | None:
        """The newest news that may be read on the page of the first of these languages."""
        aside = None
        for statement in self.shown:
            words = statement.among(languages)
            if not words.withdrawn_at and statement.kind not in ASIDE:
                return words
            aside = aside or (None if words.withdrawn_at else words)
        return aside

    @cached_property
    def rights(self) -> tuple[Statement, ...]:
        """The newest text on passengers' rights of each kind: one region's does not push out another's."""
        newest: dict[str, Statement] = {}
        for statement in self.shown:
            if statement.kind == "rights":
                newest.setdefault(statement.first.message, statement)
        return tuple(newest.values())

    @property
    def ref(self) -> str:
        return self.latest.first.incident

    @property
    def began_at(self) -> datetime:
        return (self.shown or self.statements)[-1].at

    @cached_property
    def updated_at(self) -> datetime:
        return max(statement.changed_at for statement in self.statements)

    @property
    def severity(self) -> Severity:
        return Severity(self.latest.first.severity)

    @cached_property
    def drill(self) -> bool:
        return any(one.post.drill for statement in self.statements for one in statement.said)

    @cached_property
    def over_since(self) -> datetime | None:
        """When the resolution was told, or the first word after the incident was closed; None while it goes on."""
        closed = None
        for statement in self.shown:
            if not Status(statement.first.status).live:
                closed = statement.at
            if statement.kind not in SILENT:
                return statement.at if statement.kind == "resolution" else closed
        return closed or (self.updated_at if self.withdrawn else None)

    @property
    def current(self) -> bool:
        return self.over_since is None

    @property
    def next_update_at(self) -> datetime | None:
        """What the newest news promises; a correction that promises nothing leaves the promise before it."""
        if not self.current:
            return None
        for statement in self.shown:
            promised = statement.first.next_update_at
            if statement.kind not in ASIDE and (promised or statement.kind != "correction"):
                return promised
        return None


def disruptions(told: Iterable[Said]) -> list[Disruption]:
    """Put posts together: current ones before the past, real ones before drills, the worst first, then the newest."""
    incidents: dict[str, dict[str, list[Said]]] = {}
    for one in sorted(told, key=lambda one: (one.post.drafted_at, one.post.statement, one.language)):
        incidents.setdefault(page_of(one.post), {}).setdefault(one.post.statement, []).append(one)
    found = []
    for slug, statements in incidents.items():
        whole = [Statement(key, tuple(said)) for key, said in statements.items()]
        found.append(Disruption(slug, tuple(sorted(whole, key=_age, reverse=True))))
    found.sort(key=lambda disruption: disruption.updated_at, reverse=True)
    return sorted(found, key=lambda d: (not d.current, d.current and d.drill, d.severity.value if d.current else ""))


def _age(statement: Statement) -> tuple[datetime, bool, str]:
    """Order of statements; of two drafted in one instant the resolution is the later."""
    return statement.at, statement.kind == "resolution", statement.key


def recent(found: Iterable[Disruption], days: int) -> list[Disruption]:
    """Leave out what ended more than `days` before the newest word on the page. Needs no clock."""
    found = list(found)
    newest = max((disruption.updated_at for disruption in found), default=None)
    if newest is None:
        return []
    return [d for d in found if d.current or newest - d.updated_at <= timedelta(days=days)]


def page_of(post: Post) -> str:
    """Name an incident's page by what its statements' keys begin with, `INC-12-<uid>`; else by its reference."""
    begin = post.statement.partition("/")[0]
    return re.sub(r"[^a-z0-9]+", "-", (begin if begin.startswith(post.incident) else post.incident).lower()).strip("-")

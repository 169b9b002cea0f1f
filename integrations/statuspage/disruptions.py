"""Disruptions as the public sees them: posts put together by incident and statement. No files, no HTML."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from engine.effects import Post
from engine.incident import Severity, Status


@dataclass(frozen=True)
class Statement:
    """What was said at one time, in its languages."""

    key: str
    posts: tuple[Post, ...]
    """One for each language."""

    @property
    def first(self) -> Post:
        return self.posts[0]

    @property
    def at(self) -> datetime:
        return self.first.drafted_at

    @property
    def kind(self) -> str:
        """`holding`, `update`, `correction`, `resolution`: the first word of the message's name."""
        return self.first.message.split("_")[0]

    def among(self, languages: Iterable[str]) -> Post:
        """The post in the first of these languages that there is; else whichever there is."""
        said = {post.language: post for post in self.posts}
        return next((said[language] for language in languages if language in said), self.first)


@dataclass(frozen=True)
class Disruption:
    """One incident, as far as it was published."""

    slug: str
    """Name of its page: the incident's reference and what tells it from the same number elsewhere."""
    statements: tuple[Statement, ...]
    """Newest first."""

    @property
    def latest(self) -> Statement:
        return self.statements[0]

    @property
    def ref(self) -> str:
        return self.latest.first.incident

    @property
    def began_at(self) -> datetime:
        return self.statements[-1].at

    @property
    def updated_at(self) -> datetime:
        return self.latest.at

    @property
    def severity(self) -> Severity:
        return Severity(self.latest.first.severity)

    @property
    def drill(self) -> bool:
        return any(post.drill for statement in self.statements for post in statement.posts)

    @cached_property
    def current(self) -> bool:
        """Over when the last word was the resolution, or when the incident was closed at that time."""
        return self.latest.kind != "resolution" and Status(self.latest.first.status).live

    @property
    def next_update_at(self) -> datetime | None:
        return self.latest.first.next_update_at if self.current else None


def disruptions(posts: Iterable[Post]) -> list[Disruption]:
    """Put posts together: current ones before the past, real ones before drills, the worst first, then the newest."""
    incidents: dict[str, dict[str, list[Post]]] = {}
    for post in sorted(posts, key=lambda post: (post.drafted_at, post.statement, post.language)):
        incidents.setdefault(page_of(post), {}).setdefault(post.statement, []).append(post)
    found = []
    for slug, statements in incidents.items():
        told = [Statement(key, tuple(said)) for key, said in statements.items()]
        found.append(Disruption(slug, tuple(sorted(told, key=_age, reverse=True))))
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

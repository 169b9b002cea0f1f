"""The review as one HTML page that needs nothing else: no script, no font, no picture from anywhere.

What it states comes from `engine.review`, how it looks from `templates/console/review.html.j2`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from desk.review_plots import Series, plots
from engine.duration import spoken
from engine.review import Review, markdown, outcome, summary_lines, took
from engine.timeline import Entry

__all__ = ["Series", "markdown", "page", "summary_lines"]

TEMPLATES = Path(__file__).resolve().parents[1] / "templates" / "console"

FOLDED = ("EffectSent",)
"""Kinds of entries of which three or more in a row are folded into one line."""

HOW = {
    "person": "by {by}",
    "preapproved": "nobody answered: pre-approved text",
    "playbook": "no approval asked for",
    "rejected": "rejected",
    "waiting": "waits",
    "superseded": "superseded by a newer draft",
}


@dataclass(frozen=True)
class Lines:
    """Entries that stand together on the page: one, or several of a kind folded."""

    entries: tuple[Entry, ...]

    @property
    def folded(self) -> bool:
        return len(self.entries) > 1


def page(review: Review, entries: Sequence[Entry], series: Sequence[Series] = ()) -> str:
    """Write the page. `series` may hold `messages` and `answered`, counts by hour."""
    zone = ZoneInfo(review.time_zone)
    return _template().render(
        review=review,
        lines=list(_lines(entries)),
        plots=list(plots(review, series)),
        took=took,
        how=HOW,
        outcome=outcome,
        spoken=lambda seconds: spoken(timedelta(seconds=seconds)),
        utc=lambda at: f"{at.astimezone(UTC):%d %b %H:%M:%S}",
        minute=lambda at: f"{at.astimezone(UTC):%d %b %H:%M}",
        local=lambda at: f"{at.astimezone(zone):%d %b %H:%M}",
        both=lambda at: _both(at, zone),
        points=sum(part.weight for part in review.parts if part.share is not None),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    return environment.get_template("review.html.j2")


def _code(text: str) -> Markup:
    """Escape a text and show what stands between backquotes as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def _both(at: datetime, zone: ZoneInfo) -> str:
    """Write an instant in UTC and in local time, each with its date."""
    there = at.astimezone(zone)
    universal = f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"
    return universal if there.utcoffset() == timedelta() else f"{universal} ({there:%d %b %H:%M} local)"


def _lines(entries: Sequence[Entry]) -> Iterator[Lines]:
    ordered = sorted(entries, key=lambda entry: entry.at)
    for kind, run in groupby(ordered, key=lambda entry: entry.kind):
        those = tuple(run)
        if kind in FOLDED and len(those) > 2:
            yield Lines(those)
        else:
            yield from (Lines((entry,)) for entry in those)

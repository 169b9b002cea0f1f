"""Drafting: the texts of a statement, each as long as its channel takes. Rendering goes through `ports.Wording`.

What becomes of a draft is in `engine.statements`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.fitting import parts, promised_time
from engine.incident import Status
from engine.limits import fits
from engine.statements import Statement, StatementStatus, TooLong, Wordings
from engine.wording import context

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot

FREE = ("text", "instant", "integer")
"""Types of facts that are typed freely on the day. Stations, choices and yes/no come from a list and can be trusted."""

SHORT = "short"
"""The variant of a message (`<message>/short.<language>.j2`) for channels where the ordinary text does not fit."""

REPORTS = ("holding", "update")
"""First words of the messages that say how things stand: of these, one can bring no news."""


class Forms:
    """All forms of one message for one incident, each rendered once: most channels share their template."""

    def __init__(
        self, snapshot: "Snapshot", message: str, next_update_at: datetime | None, more: Mapping[str, Any] = {}
    ):
        self._snapshot, self._message, self._next, self._more = snapshot, message, next_update_at, more
        self._contexts: dict[tuple[str, bool], dict[str, Any]] = {}
        self._sources: dict[tuple[str, str], str] = {}
        self._texts: dict[tuple[str, str, bool], str] = {}

    def text(self, channel: str, language: str, *, safe: bool = False) -> str:
        """Render one form; `safe` leaves out what was typed on the day. Raises WordingError."""
        wording = self._snapshot.house.wording
        if (channel, language) not in self._sources:
            self._sources[channel, language] = wording.source(self._message, channel, language)
        key = self._sources[channel, language], language, safe
        if key not in self._texts:
            self._texts[key] = wording.render(self._message, channel, language, self._context(language, safe))
        return self._texts[key]

    def fitting(self, channel: str, language: str) -> Wordings:
        """Choose the longest form that the channel takes: ordinary, short, a thread, without the facts of the day.

        Raises WordingError, and TooLong when not even the last one fits.
        """
        preapproved = self._whole(channel, language, safe=True)
        whole = self._parts(channel, language)
        if preapproved is None and whole and self._more:
            preapproved = ""  # in somebody's own words nothing is approved beforehand
        if preapproved is None:
            size = fits(self.text(SHORT, language, safe=True), self._limit(channel))
            raise TooLong(f"too long for {channel} in {language!r}: {size}, even without the facts of the day")
        text, *more = whole or (preapproved,)
        return Wordings(channel=channel, language=language, text=text, more=tuple(more), preapproved=preapproved)

    def _parts(self, channel: str, language: str) -> tuple[str, ...] | None:
        whole = self._whole(channel, language)
        if whole is not None:
            return (whole,)
        promised = promised_time(self._snapshot, self._next)
        return parts(self.text(SHORT, language), self._limit(channel), promised)

    def _whole(self, channel: str, language: str, *, safe: bool = False) -> str | None:
        """The ordinary text, else the short one, if either fits into one post."""
        for form in (channel, SHORT):
            text = self.text(form, language, safe=safe)
            if fits(text, self._limit(channel)).ok:
                return text
        return None

    def _limit(self, channel: str) -> Any:
        return self._snapshot.house.channels.get(channel)

    def _context(self, language: str, safe: bool) -> dict[str, Any]:
        if (language, safe) not in self._contexts:
            since = unchanged_since(self._snapshot) if self._message.split("_")[0] == "update" else None
            full = context(
                self._snapshot, language, next_update_at=self._next, **{"unchanged_since": since, **self._more}
            )
            self._contexts[language, False] = full
            types = {name: fact.type for name, fact in self._snapshot.playbook.facts.items()}
            trusted = {name: value for name, value in full["facts"].items() if types.get(name, "text") not in FREE}
            self._contexts[language, True] = {**full, "facts": trusted}
        return self._contexts[language, safe]


def draft(
    snapshot: "Snapshot",
    step_name: str,
    message: str,
    channels: Collection[str],
    languages: Collection[str],
    next_update_at: datetime | None = None,
    more: Mapping[str, Any] = {},
) -> Statement:
    """Draft a statement for each channel in each language that the channel speaks. `more` is for the templates.

    Where a text is too long for its channel, its short form is taken, or a thread of that, or its pre-approved form
    without what was typed on the day: a plainer word in time is worth more than none. Raises WordingError, and
    TooLong when that does not fit either, or no channel speaks any of the languages.
    """
    forms = Forms(snapshot, message, next_update_at, more)
    places = [(channel, language) for channel in channels for language in spoken_on(snapshot, channel, languages)]
    if not places:
        raise TooLong(f"none of {', '.join(channels)} speaks {', '.join(languages)}; see the setting `speaks`")
    return Statement(
        key=snapshot.incident.key(step_name),
        incident=snapshot.incident.number,
        step=step_name,
        message=message,
        texts=tuple(forms.fitting(channel, language) for channel, language in places),
        drafted_at=snapshot.now,
        next_update_at=next_update_at,
        facts_mark=facts_mark(snapshot),
    )


def spoken_on(snapshot: "Snapshot", channel: str, languages: Collection[str]) -> list[str]:
    """Which of these languages the readers of a channel are written to in."""
    speaks = snapshot.house.speaks.get(channel)
    return [language for language in languages if speaks is None or language in speaks]


def shortened(snapshot: "Snapshot", statement: Statement) -> list[str]:
    """Say where `draft` fell back to the pre-approved form for length, as `bluesky (nl)`."""
    typed = {name for name, fact in snapshot.playbook.facts.items() if fact.type in FREE}
    if not any(snapshot.incident.facts.get(name) is not None for name in typed):
        return []
    forms, found = Forms(snapshot, statement.message, statement.next_update_at), []
    for text in statement.texts:
        full = forms.text(SHORT, text.language), forms.text(text.channel, text.language)
        if text.text == text.preapproved and text.text not in full:
            found.append(f"{text.channel} ({text.language})")
    return found


# ---------------------------------------------------------------- news


def facts_mark(snapshot: "Snapshot") -> str:
    """Fingerprint of all that a report is written from: two with the same one bring the same news."""
    incident = snapshot.incident
    known = sorted((name, str(value)) for name, value in incident.facts.items() if value is not None)
    begun = Status.RESPONDING if incident.status is Status.DECLARED else incident.status  # a step of ours, no news
    return sha256(repr((begun.value, incident.severity.value, known)).encode()).hexdigest()[:12]


def unchanged_since(snapshot: "Snapshot") -> datetime | None:
    """Since when the public has been told the same; None when there is news, or nothing was said yet."""
    mark, since = facts_mark(snapshot), None
    told = [one for one in snapshot.statements if one.live_at and one.message.split("_")[0] in REPORTS]
    for one in sorted(told, key=lambda one: one.drafted_at, reverse=True):
        if one.status is StatementStatus.WITHDRAWN:
            continue
        if one.facts_mark != mark:
            break
        since = one.drafted_at
    return since

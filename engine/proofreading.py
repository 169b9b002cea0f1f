"""Proofreading: what is wrong with a statement before there is an incident. Real incidents are not looked at here."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine import promise
from engine.checked import stops
from engine.drafting import SHORT, Forms, spoken_on
from engine.house import House
from engine.limits import fits
from engine.lint import STOP, lint
from engine.playbook import Playbook, Step
from engine.snapshot import Snapshot
from engine.statements import TooLong
from engine.trial import MIDNIGHTS, cases, imagined, longest_cases
from engine.wording import OUTWARD, WordingError, is_outward

Path = tuple[Any, ...]
"""Where in a step: keys and positions."""

Place = tuple[str, str]
"""Channel and language."""

BROKEN = 1_000_000
"""Worse than any text that is merely too long."""


class Wanted(Protocol):
    """What a step says of its statement; `engine.actions.publish_statement.Params` does."""

    @property
    def message(self) -> str: ...
    @property
    def channels(self) -> tuple[str, ...]: ...
    @property
    def languages(self) -> tuple[str, ...]: ...
    @property
    def next_update_in(self) -> timedelta | None: ...
    @property
    def title(self) -> dict[str, str]: ...


def proofread(step: Step, params: Wanted, playbook: Playbook, house: House) -> list[tuple[Path, str]]:
    """Find messages and channels that there are not, promises that can't be kept, texts that fail, that fit in no
    form, or that hold words which must not be published."""
    found = list(_names_wrong(params, house))
    if not found:
        found += _promises(step, params, playbook)
        found += _titles(params, house)
        found += _Texts(step, params, playbook, house).wrong()
    return found


def _names_wrong(params: Wanted, house: House) -> Iterator[tuple[Path, str]]:
    if not is_outward(params.message):
        kinds = ", ".join(OUTWARD)
        yield ("with", "message"), f"{params.message!r} is no message to the public; its name begins with {kinds}"
        return
    written = list(house.wording.languages(params.message))
    if not written:
        yield ("with", "message"), f"there is no message {params.message!r}; add templates/messages/{params.message}/"
        return
    for index, language in enumerate(params.languages):
        if language not in written:
            file = f"templates/messages/{params.message}/{language}.j2"
            yield ("with", "languages", index), f"{params.message} is not written in {language!r}; add {file}"
    for index, channel in enumerate(params.channels):
        if channel not in house.channels:
            yield ("with", "channels", index), f"there is no channel {channel!r}; use {', '.join(house.posting())}"
        elif not house.takes(channel, "post"):
            yield ("with", "channels", index), f"{channel} takes no statements; use {', '.join(house.posting())}"
    for language in params.title:
        if language not in params.languages:
            yield ("with", "title", language), f"a title in {language!r}, but no text; add it to languages"


def _promises(step: Step, params: Wanted, playbook: Playbook) -> Iterator[tuple[Path, str]]:
    if why := promise.too_soon(playbook, step.with_):
        yield ("with", "next_update_in"), why
    says_more = params.message.split("_")[0] in ("holding", "update")
    if says_more and params.next_update_in is None and promise.repeating(playbook) is None:
        text = "says nothing of the next update: add `next_update_in`, or a publish_statement step with `every`"
        yield ("with",), text


def _titles(params: Wanted, house: House) -> Iterator[tuple[Path, str]]:
    for language, title in params.title.items():
        for finding in lint(title, language, message="", facts={}, words=house.lint.get(language)):
            if finding.level == STOP:
                yield ("with", "title", language), finding.text


class _Texts:
    """All texts that a step may come to, as a drill since that is longer; the worst of each place is reported."""

    def __init__(self, step: Step, params: Wanted, playbook: Playbook, house: House):
        self.params, self.playbook, self.house = params, playbook, house
        self.live = step in playbook.steps
        self.worst: dict[Place, tuple[int, str]] = {}
        self.stopped: dict[tuple[str, str], str] = {}
        """Language and what is wrong → where it was seen first."""
        self.seen: set[tuple[object, ...]] = set()

    def wrong(self) -> Iterator[tuple[Path, str]]:
        first, other = MIDNIGHTS
        for facts in cases(self.playbook, self.house):
            self._case(imagined(self.playbook, self.house, facts, first, drill=True))
        for facts in longest_cases(self.playbook, self.house):  # another date may be longer, nothing else changes
            self._case(imagined(self.playbook, self.house, facts, other, drill=True))
        for (channel, language), (_, text) in self.worst.items():
            at = self.params.channels.index(channel)
            yield ("with", "channels", at), f"{self.params.message} for {channel} in {language!r}: {text}"
        for (_, text), where in self.stopped.items():
            yield ("with", "message"), f"{where}: {text}"

    def _case(self, snapshot: Snapshot) -> None:
        promised = None
        if self.live:
            promised = promise.may_promise(self.playbook, snapshot.now, snapshot.now, self.params.next_update_in)
        forms = Forms(snapshot, self.params.message, promised)
        for channel in self.params.channels:
            for language in spoken_on(snapshot, channel, self.params.languages):
                over, text = self._length(forms, channel, language)
                if over > self.worst.get((channel, language), (0, ""))[0]:
                    self.worst[channel, language] = over, text
                if over < BROKEN and snapshot.now == MIDNIGHTS[0]:
                    self._words(snapshot, forms, channel, language, promised)

    def _length(self, forms: Forms, channel: str, language: str) -> tuple[int, str]:
        """How bad a text is, 0 for well, and what is wrong with it."""
        try:
            forms.fitting(channel, language)
        except WordingError as error:
            return BROKEN, str(error)
        except TooLong:
            size = fits(forms.text(SHORT, language, safe=True), self.house.channels[channel])
            folder = f"templates/messages/{self.params.message}"
            remedy = f"shorten {folder}/{SHORT}.{language}.j2, or write {folder}/{channel}.{language}.j2"
            return size.used - (size.allowed or 0), f"too long, {size}, even without the facts of the day; {remedy}"
        return 0, ""

    def _words(self, snapshot: Snapshot, forms: Forms, channel: str, language: str, promised: datetime | None) -> None:
        """Look for what must not be published, in the text and in its form without the facts of the day, once each."""
        chosen = tuple(str(value) for name, value in snapshot.incident.facts.items() if self._from_a_list(name))
        for safe in (False, True):
            text = forms.text(channel, language, safe=safe)
            if (language, text, chosen) in self.seen:
                continue
            self.seen.add((language, text, chosen))
            for finding in stops(snapshot, self.params.message, channel, language, text, promised):
                where = f"{self.params.message} for {channel} in {language!r}"
                self.stopped.setdefault((language, finding.text), where)

    def _from_a_list(self, fact: str) -> bool:
        return fact in self.playbook.facts and self.playbook.facts[fact].type in ("choice", "yes_no")

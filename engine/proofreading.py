"""Proofreading: what is wrong with a statement before there is an incident. Real incidents are not looked at here."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine import promise, statements
from engine.house import House
from engine.lanes import ADDRESS
from engine.limits import fits
from engine.playbook import Playbook, Step
from engine.snapshot import Snapshot
from engine.trial import MIDNIGHTS, cases, imagined
from engine.wording import OUTWARD, WordingError, is_outward

Path = tuple[Any, ...]
"""Where in a step: keys and positions."""

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
    """Find messages and channels that there are not, promises that can't be kept, texts that fail or don't fit."""
    found = list(_names_wrong(params, house))
    if not found:
        found += _promises(step, params, playbook)
        found += _texts(step, params, playbook, house)
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
            yield ("with", "channels", index), f"there is no channel {channel!r}; use {_public(house)}"
        elif channel in ADDRESS and channel != house.chat:
            text = f"{channel} reaches one person at a time and takes no statements; use {_public(house)}"
            yield ("with", "channels", index), text
    for language in params.title:
        if language not in params.languages:
            yield ("with", "title", language), f"a title in {language!r}, but no text; add it to languages"


def _public(house: House) -> str:
    return ", ".join(sorted(channel for channel in house.channels if channel not in ADDRESS or channel == house.chat))


def _promises(step: Step, params: Wanted, playbook: Playbook) -> Iterator[tuple[Path, str]]:
    if why := promise.too_soon(playbook, step.with_):
        yield ("with", "next_update_in"), why
    says_more = params.message.split("_")[0] in ("holding", "update")
    if says_more and params.next_update_in is None and promise.repeating(playbook) is None:
        text = "says nothing of the next update: add `next_update_in`, or a publish_statement step with `every`"
        yield ("with",), text


def _texts(step: Step, params: Wanted, playbook: Playbook, house: House) -> Iterator[tuple[Path, str]]:
    """Render all of it, as a drill since that is longer; report the worst of each channel and language."""
    live = step in playbook.steps
    worst: dict[tuple[str, str], tuple[int, str]] = {}
    for now in MIDNIGHTS:
        for facts in cases(playbook, house):
            snapshot = imagined(playbook, house, facts, now, drill=True)
            promised = None
            if live:
                promised = promise.may_promise(playbook, now, now, params.next_update_in)
            for channel in params.channels:
                for language in params.languages:
                    over, text = _problem(snapshot, params.message, channel, language, promised)
                    if over > worst.get((channel, language), (0, ""))[0]:
                        worst[channel, language] = over, text
    for (channel, language), (_, text) in worst.items():
        at = params.channels.index(channel)
        yield ("with", "channels", at), f"{params.message} for {channel} in {language!r}: {text}"


def _problem(
    snapshot: Snapshot, message: str, channel: str, language: str, promised: datetime | None
) -> tuple[int, str]:
    """How bad a text is, 0 for well, and what is wrong with it."""
    try:
        wording = statements.render(snapshot, message, channel, language, promised)
    except WordingError as error:
        return BROKEN, str(error)
    limit = snapshot.house.channels[channel]
    over, longest = max(
        (0 if size.ok or size.allowed is None else size.used - size.allowed, str(size))
        for size in (fits(wording.text, limit), fits(wording.preapproved, limit))
    )
    return over, f"too long, {longest}; shorten it, or write templates/messages/{message}/{channel}.{language}.j2"

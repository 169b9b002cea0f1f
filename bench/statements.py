"""Statements: what a text costs beside Jinja2's bare render, and approval → live beside the slowest channel."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from bench.desk import prefect
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds
from desk.settings import ROOT, Settings, load
from desk.wiring import crew, house
from engine.checked import checked
from engine.drafting import draft
from engine.effects import Message, Receipt
from engine.people_file import read as read_people
from engine.playbook import read
from engine.trial import imagined
from engine.wording import context
from flows.crew import Crew, use
from integrations.sandbox import Sandbox

CHANNELS = ("status_page", "bluesky", "x", "mastodon", "facebook", "email")
LANGUAGES = ("en", "nl", "es", "pt")
PLAYBOOKS = {"it-outage": "update", "ash-cloud": "update_ash", "strike": "update_strike"}
RUNS = 40
APPROVALS = 5
NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
ANSWERS = {"status_page": 0.05, "slack": 0.4, "bluesky": 0.5, "x": 0.7, "mastodon": 0.9, "facebook": 3.0, "email": 1.2}
"""Seconds that each channel takes to answer. Assumed: a slow day of the slowest, an ordinary one of the others."""


def measure() -> Iterator[dict[str, Any]]:
    yield from _texts()
    with tempfile.TemporaryDirectory(prefix="irrops-bench-") as folder:
        settings = load(home=Path(folder))
        yield _row("approval → live on 7 channels, 4 languages, without Prefect", _usual(settings, False))
    with prefect() as settings:
        settings = settings.model_copy(update={"playbooks": ROOT / "playbooks"})
        yield _row("the same with Prefect", _usual(settings, True))


# ---------------------------------------------------------------- a text


def _texts() -> Iterator[dict[str, Any]]:
    """Drafting and checking all texts of three playbooks, per text, against rendering as many bare templates."""
    settings = load()
    here, ours, bare = house(settings), [], []
    plain = Environment(loader=FileSystemLoader(settings.messages), trim_blocks=True, lstrip_blocks=True)
    for number in range(RUNS + 2):
        for name, message in PLAYBOOKS.items():
            book = read(ROOT / "playbooks" / f"{name}.yaml")[0]
            facts = {fact: spec.default for fact, spec in book.facts.items()} | {"stations": ["AMS", "RTM"]}
            if "strikers" in book.facts:
                facts["strikers"] = "own_cabin_crew"
            snapshot = imagined(book, here, facts, NOW)
            promised = NOW + timedelta(minutes=45)
            began = time.perf_counter()
            made = draft(snapshot, "bench#1", message, CHANNELS, LANGUAGES, promised)
            for text in made.texts:
                checked(snapshot, message, text.channel, text.language, text.whole, promised)
            drafted = time.perf_counter()
            plain.filters.update(here.wording._environment.filters)  # type: ignore[attr-defined]
            known = {
                language: context(snapshot, language, next_update_at=promised, unchanged_since=None)
                for language in LANGUAGES
            }
            templates = {
                (text.channel, text.language): plain.get_template(
                    here.wording.source(message, text.channel, text.language)
                )
                for text in made.texts
            }
            rendering = time.perf_counter()
            for (_, language), template in templates.items():
                template.render(known[language])
            rendered = time.perf_counter()
            if number >= 2:  # the first runs compile templates and word lists
                ours.append((drafted - began) / len(made.texts))
                bare.append((rendered - rendering) / len(templates))
    mine, theirs = statistics.median(ours), statistics.median(bare)
    what = f"draft and check {len(CHANNELS)} channels × {len(LANGUAGES)} languages × {len(PLAYBOOKS)}, per text"
    yield {"what": what, "unit": "ms", "ours_s": mine * 1000, "yardstick_s": theirs * 1000, "ratio": mine / theirs} | {
        "yardstick": "Jinja2's bare render of the same template"
    }


# ---------------------------------------------------------------- going out


class Slow(Sandbox):
    """A channel that answers after its time."""

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        time.sleep(ANSWERS.get(self.name, 0.0) if message.kind == "post" else 0.0)
        return super().send(message, key, base)


def _usual(settings: Settings, with_prefect: bool) -> float:
    """The median of a few incidents, each in a home of its own."""
    homes = (settings.model_copy(update={"home": settings.home / str(number)}) for number in range(APPROVALS))
    return statistics.median(_approved(home, with_prefect) for home in homes)


def _approved(settings: Settings, with_prefect: bool) -> float:
    """Seconds from an approval to the last post."""
    channels = {name: Slow(name, settings.home / "sandbox") for name in (*ANSWERS, "apprise", "marketing")}
    wired = crew(settings, channels=channels)
    use(wired)
    try:
        import_people(wired.store, read_people(ROOT / "examples" / "people.csv"))
        desk = Desk(wired, Library(settings.playbooks))
        return asyncio.run(_timed(wired, desk, with_prefect))
    finally:
        use(None)
        wired.close()


async def _timed(wired: Crew, desk: Desk, with_prefect: bool) -> float:
    asked, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    desk.woken = lambda: loop.call_soon_threadsafe(asked.set)
    rounds = Rounds(wired, prefect=with_prefect)
    running = asyncio.create_task(_go_round(rounds, asked, stop))
    desk.declare("it-outage", facts={"stations": "AMS"}, by="bench")
    await _until(lambda: bool(desk.snapshot("INC-1").statements), wait=30)
    await asyncio.sleep(6)  # the first wave of the call-out is another matter
    began = time.perf_counter()
    await asyncio.to_thread(desk.approve, "ST-1", "bench", ("comms_lead",))
    await _until(lambda: desk.statement("ST-1").live_at is not None, wait=60)
    there = [effect for effect in desk.effects("INC-1") if effect.message.kind == "post"]
    assert there
    assert all(effect.sent_at for effect in there)
    took = time.perf_counter() - began
    stop.set()
    asked.set()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return took


async def _go_round(rounds: Rounds, asked: asyncio.Event, stop: asyncio.Event) -> None:
    while not stop.is_set():
        asked.clear()
        await rounds.settle_down()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), 0.2)


async def _until(done: Any, wait: float) -> None:
    end = time.monotonic() + wait
    while not await asyncio.to_thread(done):
        if time.monotonic() > end:
            raise SystemExit("it took too long; nothing was measured")
        await asyncio.sleep(0.02)


def _row(what: str, took: float) -> dict[str, Any]:
    slowest = max(ANSWERS.values())
    row = {"what": what, "ours_s": took, "yardstick_s": slowest, "ratio": took / slowest}
    return row | {"yardstick": "the slowest channel's own answer"}

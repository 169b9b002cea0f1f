"""The one place where settings become things: database, channels, house, crew. Nothing connects before it is called."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import integrations
from desk.clock import SystemClock
from desk.settings import Settings, load
from engine.demand_file import read_demand
from engine.house import ANSWER_RATE, Demand, House, Rest
from engine.lint import read_lint_words
from engine.ports import Channel, Clock
from engine.urgency import read_word_lists
from engine.wording import Templates
from flows.crew import Crew
from state.database import migrate, open_database
from state.store import Store


def house(settings: Settings, channels: Mapping[str, Channel] | None = None) -> House:
    """The house of these settings, and of the channels where they are open already. Raises SettingsError."""
    config = channel_config(settings)
    return House(
        wording=Templates(settings.messages),
        channels=integrations.limits(config),
        kinds=kinds(settings, channels),
        speaks=settings.speaks,
        regions=settings.regions,
        station_regions=settings.station_regions,
        remind_before=settings.remind_before,
        look_every=settings.look_every,
        lint=read_lint_words(settings.lint),
        components=tuple(settings.statuspage.components),
        name=settings.organisation,
        time_zone=settings.time_zone,
        station_zones=settings.station_zones,
        demand=demand(settings.demand),
        rest=Rest(
            timedelta(hours=settings.rest_hours),
            timedelta(hours=settings.longest_shift_hours),
            timedelta(hours=settings.weekly_hours),
        ),
        handling_s=settings.handling_s,
        concurrency=settings.concurrency,
        answer_rate={**ANSWER_RATE, **settings.answer_rate},
        lanes=lanes(settings),
        lane_after=settings.lane_after,
        pages=settings.pages,
        secret=secret(settings),
        public_url=settings.public_url,
        help_url=settings.help_url,
        status_url=settings.statuspage.base_url,
    )


def kinds(settings: Settings, channels: Mapping[str, Channel] | None = None) -> dict[str, frozenset[str]]:
    """Channel or account → the messages it takes. Nobody looks at what stands in the sandbox."""

    def real(name: str) -> bool:
        if channels is not None and name in channels:
            return not channels[name].sandbox
        return integrations.ready(settings, name) and not settings.sandbox.always

    return {name: taken if real(name) else taken - {"look"} for name, taken in integrations.kinds(settings).items()}


def lanes(settings: Settings) -> tuple[str, ...]:
    """The lanes that reach people: chat always (its sandbox shows what would be sent), others with credentials."""
    ready = [lane for lane in settings.lanes if lane == "slack" or integrations.READY[lane](settings)]
    return tuple(ready) or ("slack",)


def secret(settings: Settings) -> str:
    """The secret that answer codes are made from: the setting, else a file under home that is made once."""
    if settings.secret:
        return settings.secret.get_secret_value()
    file = settings.home / "secret"
    if not file.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        fresh = settings.home / f"secret.{os.getpid()}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
            written.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the one
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text(encoding="utf-8")


def demand(path: Path) -> Demand | None:
    """The usual demand; None where there is no file."""
    return read_demand(path) if path.exists() else None


def store(settings: Settings) -> Store:
    """Open the database and bring it up to date. Raises DatabaseError."""
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_database(settings.database_url)
    migrate(engine)
    return Store(engine)


def channel_config(settings: Settings) -> integrations.Config:
    """The integrations' settings; what the status page is not told itself, it takes from the house."""
    page = settings.statuspage
    same = {"time_zone": settings.time_zone, "help_url": settings.help_url, "title": settings.organisation}
    update = {name: value for name, value in same.items() if name not in page.model_fields_set}
    return settings.model_copy(update={"statuspage": page.model_copy(update=update)})


def crew(
    settings: Settings | None = None, clock: Clock | None = None, channels: Mapping[str, Channel] | None = None
) -> Crew:
    """Wire everything that an advance works with."""
    settings, clock = settings or load(), clock or SystemClock()
    if channels is None:
        channels = integrations.open_channels(channel_config(settings), settings.home, clock.now)
    return Crew(
        store=store(settings),
        channels=channels,
        house=house(settings, channels),
        clock=clock,
        word_lists=read_word_lists(settings.triage),
    )

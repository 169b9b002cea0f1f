"""`irrops doctor`: is everything there that a bad day needs, and if not, what to do."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

import integrations
from desk.library import Library
from desk.mistakes import sentence
from desk.prefect_server import api_url
from desk.settings import Settings, load
from desk.wiring import channel_config, house, lanes, store
from engine.lanes import ADDRESS
from engine.people import Person

ROOM_MB = 500
"""Less free disk than this is a warning: an incident of six days with Prefect's history takes about 100 MB."""
ROLES = ("duty_manager", "comms_lead", "deputy_comms_lead")


@dataclass(frozen=True)
class Check:
    what: str
    good: bool
    says: str


def examine() -> list[Check]:
    """Check everything; a check that breaks is a finding, not an end."""
    settings = load()
    checks: list[Check] = []
    for what, look in _CHECKS.items():
        try:
            checks += [Check(what, good, says) for good, says in look(settings)]
        except Exception as error:
            checks.append(Check(what, False, sentence(error) or f"{type(error).__name__}: {error}"))
    return checks


Findings = Iterator[tuple[bool, str]]


def _database(settings: Settings) -> Findings:
    opened = store(settings)
    people = opened.all(Person, active=True)
    yield True, f"{opened.engine.url.render_as_string(hide_password=True)}, tables up to date"
    opened.engine.dispose()
    if not people:
        yield False, "no people: `irrops people import examples/people.csv` brings in an example organisation"
    for role in ROLES if people else ():
        holders = [person for person in people if role in person.roles]
        yield len(holders) > 1, f"{role}: {len(holders)} hold it" + ("" if len(holders) > 1 else "; give it to two")


def _prefect(settings: Settings) -> Findings:
    if not settings.prefect:
        yield True, "switched off; advances run without flow runs"
        return
    url = api_url(settings)
    try:
        well = httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        well = False
    remedy = "`irrops serve` starts it" if "PREFECT_API_URL" not in os.environ else "look at the server that it names"
    yield well, f"{url} answers" if well else f"{url} does not answer; {remedy}. Incidents run all the same."


def _channels(settings: Settings) -> Findings:
    called_on = lanes(settings)
    for name, channel in sorted(integrations.open_channels(channel_config(settings), settings.home).items()):
        if channel.sandbox and name in ADDRESS and name not in called_on:
            yield True, f"{name} is not set up: nobody is called on it"
        elif channel.sandbox:
            yield False, f"{name} is the sandbox: nothing leaves the house; see docs/channels.md to connect it"
        else:
            wrong = channel.check()
            yield not wrong, f"{name}: {'; '.join(wrong) or 'answers, with all rights'}"
    if called_on == ("slack",):
        yield False, "people are called on Slack alone: when it is down nobody is called; set up e-mail, SMS or voice"


def _templates(settings: Settings) -> Findings:
    wording = house(settings).wording
    holding = sorted(wording.languages("holding"))
    yield bool(holding), f"holding statement in {', '.join(holding) or 'no language'} under {settings.messages}"


def _playbooks(settings: Settings) -> Findings:
    from desk.checking import check_file

    for name in Library(settings.playbooks).names():
        wrong = [finding for finding in check_file(settings.playbooks / f"{name}.yaml") if not finding.warning]
        yield not wrong, f"{name}: {wrong[0] if wrong else 'good'}"


def _time_zones(settings: Settings) -> Findings:
    for zone in {settings.time_zone, *settings.station_zones.values()}:
        try:
            ZoneInfo(zone)
            yield True, zone
        except (ZoneInfoNotFoundError, ValueError):
            yield False, f"{zone} is not known here; install tzdata, or correct the setting"


def _disk(settings: Settings) -> Findings:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free // 1_000_000
    probe = settings.home / ".doctor"
    probe.write_text("written by irrops doctor")
    probe.unlink()
    yield free >= ROOM_MB, f"{free} MB free under {settings.home}" + ("" if free >= ROOM_MB else "; make room")


_CHECKS: dict[str, Callable[[Settings], Findings]] = {
    "database": _database,
    "Prefect": _prefect,
    "channel": _channels,
    "templates": _templates,
    "playbook": _playbooks,
    "time zone": _time_zones,
    "disk": _disk,
}

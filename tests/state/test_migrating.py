"""A database from before call-outs had slots and lanes goes on: its records load, its open questions are answered."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, MetaData, inspect

from desk.clock import HandClock
from desk.desk import Desk
from desk.library import Library
from desk.rounds import Rounds, wake_all
from desk.settings import load
from desk.wiring import crew
from engine.answering import standing
from engine.callout import Answer, CallOut, Invitation
from engine.effects import Effect, EffectState, Revise
from flows.crew import Crew, use
from integrations.sandbox import Sandbox
from state.database import _config, latest, open_database, revision
from state.tables import ROWS
from tests.unit.volunteers import NIGHT

BEFORE = """\
playbook: it-outage
title: IT outage
severity: SEV1
briefing:
  - Private messages first.
steps:
  - key: volunteers
    action: call_out
    with: {quota: 2, languages: {es: 1}, respond_within: 15m, waves: 3}
stand_down:
  - {key: thank_you, action: release_responders}
"""
UID = "before000001"
KEY = f"INC-1-{UID}/volunteers#1"
SOON, LATER = NIGHT + timedelta(minutes=50), NIGHT + timedelta(hours=5)
TEXT = {"kind": "direct", "person": "anna", "address": "U0ANNA", "text": "Can you come?", "buttons": []}


def person(key: str, **more: Any) -> dict[str, Any]:
    lists: dict[str, list[str]] = {"roles": [], "answers": [], "shifts": [], "leave": []}
    reach = {"chat": f"U0{key.upper()}", "email": f"{key}@example.org", "phone": ""}
    name = {"key": key, "version": 1, "name": f"{key.title()} Before", "department": "customer_care", "team": ""}
    own = {"languages": ["es", "en"], "skills": ["rebooking"], "time_zone": "Europe/Amsterdam", "shift_pattern": ""}
    return {**name, **lists, **own, **reach, "last_called_at": NIGHT, "active": True, **more}


def invitation(who: str, **more: Any) -> dict[str, Any]:
    asked = {"key": f"{KEY}/{who}", "version": 1, "incident": 1, "callout": KEY, "person": who, "wave": 1}
    return {
        **asked,
        "asked_at": NIGHT,
        "answer": "",
        "answered_at": None,
        "too_late": False,
        "released_at": None,
        **more,
    }


def effect(who: str) -> dict[str, Any]:
    sending = {"state": "sent", "queued_at": NIGHT, "not_before": NIGHT, "lease_until": None, "lease_owner": ""}
    settled = {"uncertain": False, "attempts": 1, "error": "", "receipt": {"id": "1", "place": "D1"}, "sent_at": NIGHT}
    where = {"key": f"{KEY}/{who}/ask", "version": 2, "incident": 1, "step": "volunteers#1", "channel": "slack"}
    what = {"message": {**TEXT, "person": who}, "needs": None, "urgency": 3, "if_unknown": "send_again", "replaces": ""}
    return {**where, **what, **sending, **settled}


def rows(now: datetime = NIGHT) -> dict[str, list[dict[str, Any]]]:
    """A night in the middle of a call-out: Anna comes, Bea and Carl have not answered, Dora has said no."""
    yes = {"answer": "yes", "answered_at": now, "version": 2}
    incident = {"number": 1, "version": 1, "uid": UID, "playbook": "it-outage", "playbook_text": BEFORE}
    told = {"title": "IT outage", "severity": "SEV1", "status": "responding", "facts": {}, "drill": False}
    said = {"declared_by": "dora", "declared_at": now, "idempotency_key": None, "status_at": now}
    step = {"incident": 1, "key": "volunteers", "occurrence": 1, "version": 1, "status": "waiting", "attempts": 0}
    wait = {"for_what": "answers: 1 of 2", "look_at": now + timedelta(minutes=15), "nudged": False, "reason": ""}
    course = {"started_at": now, "ended_at": None, "due_at": None, "progress": 0, "memo": {}}
    slot = {"key": KEY, "version": 2, "incident": 1, "step": "volunteers#1", "quota": 2, "skills": [], "where": ""}
    hours = {"starts_at": SOON, "ends_at": LATER, "respond_by": now + timedelta(minutes=15), "waves": 1}
    stand = {"languages": {"es": 1}, "accepted": 1, "closed_at": None, "closed_because": ""}
    return {
        "incident": [{**incident, **told, **said, "situation": "", "situation_count": 0}],
        "step": [{**step, **wait, **course}],
        "person": [person("anna"), person("bea"), person("carl", languages=["en"]), person("dora")],
        "callout": [{**slot, **hours, **stand}],
        "invitation": [
            invitation("anna", **yes),
            invitation("bea"),
            invitation("carl"),
            invitation("dora", answer="no", answered_at=now),
        ],
        "effect": [effect(who) for who in ("anna", "bea", "carl", "dora")],
    }


@pytest.fixture
def old(url: str) -> Iterator[Engine]:
    """A database of the first revision with a call-out in it."""
    engine = open_database(url)
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    written = MetaData()
    written.reflect(engine)
    with engine.begin() as connection:
        for name, each in rows().items():
            there = written.tables[name]
            connection.execute(there.insert(), [_as_stored(engine, one) for one in each])
    yield engine
    engine.dispose()


def _as_stored(engine: Engine, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps no time zone."""
    if engine.dialect.name != "sqlite":
        return row
    return {name: one.replace(tzinfo=None) if isinstance(one, datetime) else one for name, one in row.items()}


@pytest.fixture
def desk(old: Engine, url: str, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "playbooks").mkdir()
    settings = load(home=tmp_path, playbooks=tmp_path / "playbooks", database=url)
    outside = {name: Sandbox(name, tmp_path / "sandbox") for name in ("slack", "status_page", "bluesky")}
    wired: Crew = crew(settings, HandClock(NIGHT + timedelta(minutes=5)), outside)
    use(wired)
    yield Desk(wired, Library(settings.playbooks))
    use(None)
    wired.close()


def test_the_old_database_is_an_old_one(old: Engine) -> None:
    assert revision(old) == "0001"
    columns = {column["name"] for column in inspect(old).get_columns("callout")}
    assert "languages" in columns
    assert not columns & {"minima", "slot"}


def test_every_record_loads_as_it_was(desk: Desk) -> None:
    assert revision(desk.store.engine) == latest()
    for kind in ROWS:
        desk.store.all(kind)
    (callout,) = desk.store.all(CallOut)
    assert (callout.minima, callout.slot, callout.quota, callout.accepted) == ({"es": 1}, 1, 2, 1)
    there = {one.person: one for one in desk.store.all(Invitation)}
    assert {one: standing(there[one]) for one in there} == {
        "anna": "accepted",
        "bea": "",
        "carl": "",
        "dora": "declined",
    }
    assert {one.lanes for one in there.values()} == {("slack",)}
    anna = desk.person("anna")
    assert anna
    assert (anna.lanes, anna.levels, anna.quiet_until, anna.signed_off) == ((), {}, None, ())
    assert {(one.state, one.doubtful) for one in desk.store.all(Effect)} == {(EffectState.SENT, 0)}


@pytest.mark.parametrize("given", ["yes", "later", "no"])
def test_an_open_question_is_answered(desk: Desk, given: str) -> None:
    reply = desk.press("answer", f"{KEY}/bea|{given}", "U0BEA")
    assert reply.text
    there = desk.store.first(Invitation, key=f"{KEY}/bea")
    callout = desk.store.first(CallOut, key=KEY)
    assert there
    assert callout
    assert there.answer == {"yes": Answer.YES, "later": Answer.NONE, "no": Answer.NO}[given]
    assert callout.accepted == (2 if given == "yes" else 1)
    if given != "later":
        (changed,) = [one for one in desk.store.all(Effect) if isinstance(one.message, Revise)]
        assert changed.needs == f"{KEY}/bea/ask"


def test_who_had_a_place_can_give_it_back(desk: Desk) -> None:
    desk.press("answer", f"{KEY}/anna|no", "U0ANNA")
    callout = desk.store.first(CallOut, key=KEY)
    assert callout
    assert callout.accepted == 0


async def _settle(desk: Desk) -> None:
    await Rounds(desk.crew, prefect=False).settle_down()


def test_the_call_out_goes_on_to_its_end(desk: Desk) -> None:
    wake_all(desk.crew)
    asyncio.run(_settle(desk))
    desk.press("answer", f"{KEY}/bea|yes", "U0BEA")
    asyncio.run(_settle(desk))
    callout = desk.store.first(CallOut, key=KEY)
    assert callout
    assert callout.closed_because == "full"
    desk.resolve("INC-1", "dora")
    asyncio.run(_settle(desk))
    released = [one.person for one in desk.store.all(Invitation) if one.released_at]
    assert {"anna", "bea"} <= set(released)

"""Statements, posts and entries as the store holds them after a bad day, for tests of the clock and of the pack."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desk import packing
from desk.packing import Packed
from engine.effects import Amend, Effect, Look, Post, Receipt, Withdraw
from engine.incident import Incident
from engine.people import Person
from engine.public import post_of
from engine.statements import Statement, Wordings
from engine.timeline import Entry

DECLARED = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
KEY = "INC-1-abc"
HOUSE = Ed25519PrivateKey.from_private_bytes(b"h" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)

INCIDENT = Incident(
    number=1,
    uid="abc",
    playbook="it-outage",
    playbook_text="",
    title="IT outage <1>",
    severity="SEV2",
    status="responding",
    facts={"stations": ["AMS"], "contact": "Jane Roe, seat 12A"},
    declared_by="mia",
    declared_at=DECLARED,
    status_at=DECLARED,
)
PEOPLE = (
    Person(
        key="cora",
        name="Cora Example",
        department="communications",
        roles=("social_lead", "comms_lead"),
        chat="U0CORA1234",
        email="cora@example.com",
        phone="+31 6 12345678",
    ),
    Person(key="dan", name="Dan Example", department="communications", roles=("deputy_comms_lead",)),
    Person(key="eve", name="Eve Bystander", department="ticketing", chat="U0EVE12345", email="eve@example.com"),
)


def at(minutes: float) -> datetime:
    """An instant, minutes after the declaration."""
    return DECLARED + timedelta(minutes=minutes)


def wording(channel: str, language: str = "en", *parts: str) -> Wordings:
    first, *more = parts or (f"We are aware ({language}).",)
    return Wordings(channel=channel, language=language, text=first, preapproved=first, more=tuple(more))


def statement(number: int, step: str, *texts: Wordings, **more: Any) -> Statement:
    plain = {"message": "holding", "drafted_at": at(0), "status": "live", "approved_at": at(3), "approved_by": "cora"}
    kept = {"id": number, "key": f"{KEY}/{step}", "incident": 1, "step": step, "texts": texts or (wording("slack"),)}
    return Statement.model_validate({**plain, **kept, "asked": ("comms_lead",), **more})


def post(one: Statement, text: Wordings, part: int = 1) -> Post:
    return Post(
        incident="INC-1",
        title="IT problem",
        message=one.message,
        language=text.language,
        text=text.parts[part - 1],
        severity="SEV2",
        status="responding",
        statement=one.key,
        drafted_at=one.drafted_at,
        part=part,
        parts=len(text.parts),
    )


def effect(one: Statement, text: Wordings, sent: float | None = None, part: int = 1, **more: Any) -> Effect:
    """The post of a part, sent so many minutes after the declaration; None: not sent."""
    key = f"{one.key}/{text.channel}/{text.language}" + (f"/{part}" if part > 1 else "")
    plain: dict[str, Any] = {"key": key, "incident": 1, "step": one.step, "channel": text.channel, "attempts": 1}
    plain |= {"message": post(one, text, part), "queued_at": at(3), "not_before": at(3)}
    if sent is not None:
        receipt = Receipt(id=f"at://{part}", place="C0ROOM", url=f"https://{text.channel}.example/{part}")
        plain |= {"state": "sent", "sent_at": at(sent), "receipt": receipt}
    return Effect.model_validate({**plain, **more})


def amend(one: Statement, text: Wordings, sent: float | None = None, **more: Any) -> Effect:
    return effect(one, text, sent, message=Amend(post=post(one, text)), **more)


def withdrawal(posted: Effect, sent: float | None = None, reason: str = "the number was wrong", **more: Any) -> Effect:
    made = post_of(posted)
    assert made
    message = Withdraw(statement=made.statement, language=made.language, reason=reason)
    state = {"state": "queued" if sent is None else "sent", "sent_at": None if sent is None else at(sent)}
    return _beside(posted, "withdrawn", message=message, **state, **more)


def look(posted: Effect, sent: float) -> Effect:
    return _beside(posted, "look", message=Look(text="x"), sent_at=at(sent), attempts=9)


def _beside(posted: Effect, name: str, **changes: Any) -> Effect:
    return Effect.model_validate({**dict(posted), "key": f"{posted.key}/{name}", **changes})


def entry(kind: str, text: str, minutes: float, step: str = "", actor: str = "irrops", **facts: Any) -> Entry:
    return Entry(incident=1, at=at(minutes), kind=kind, text=text, actor=actor, step=step, facts=facts)


# ---------------------------------------------------------------- a bad day


SLACK, ES = wording("slack"), wording("bluesky", "es", "Sabemos que hay un problema.", "Próxima noticia: 05:00.")
NL = wording("bluesky", "nl", "Wij weten ervan.")
AR = wording("status_page", "ar", "نحن على علم بالمشكلة <b>الآن</b>.")
FIRST = statement(
    1,
    "first_word#1",
    SLACK,
    ES,
    NL,
    AR,
    status="corrected",
    drafted_by="cora",  # who edited it last
    live_at=at(4),
    next_update_at=at(30),
)
FIRST_POSTS = (
    effect(FIRST, SLACK, 4),
    effect(FIRST, ES, 5),
    effect(FIRST, ES, 6, part=2),
    effect(
        FIRST, NL, state="failed", error="550 no mailbox nobody@passenger.example, call +31 6 1234 5678, U0EVE12345"
    ),
    effect(FIRST, AR, 4.5),
)
NEW = wording("slack", "en", "Check-in works again at AMS.")
CORRECTION = statement(
    3,
    "by_hand#1",
    NEW,
    message="correction",
    drafted_at=at(20),
    drafted_by="dan",
    approved_at=at(22),
    live_at=at(23),
    corrects=FIRST.key,
    status="withdrawn",
    withdrawn_at=at(40),
    withdrawn_by="cora",
    withdrawn_because="AMS is still down",
)
CORRECTED = amend(CORRECTION, NEW, 23)
REJECTED = statement(
    2,
    "next_update#1",
    drafted_at=at(10),
    status="rejected",
    approved_at=None,
    approved_by="",
    rejected_because="the number of flights is wrong",
    asked=("comms_lead", "deputy_comms_lead"),
)
PREAPPROVED = statement(4, "next_update#2", drafted_at=at(50), approved_at=at(60), approved_by="preapproved")
STATEMENTS = (PREAPPROVED, FIRST, REJECTED, CORRECTION)
EFFECTS = (
    *FIRST_POSTS,
    look(FIRST_POSTS[0], 15),
    CORRECTED,
    withdrawal(CORRECTED, 41),
    effect(PREAPPROVED, wording("slack"), None, state="queued", error="slack answered 503"),
)
ENTRIES = (
    entry("Declared", "INC-1 declared by Mia", 0, actor="mia"),
    entry("StatementDrafted", "holding drafted for slack; it waits for approval", 0, "first_word#1"),
    entry("StatementEdited", "ST-1 (holding) edited by Cora for slack in en", 2, "first_word#1", "cora"),
    entry("StatementRejected", "ST-2 (next_update) rejected by Dan", 12, "next_update#1", "dan"),
    entry("EffectSent", "first_word#1/slack/en sent on slack", 4, "first_word#1", effect=FIRST_POSTS[0].key),
    entry(
        "EffectSent",
        "first_word#1/status_page/ar sent on status_page (sandbox)",
        4.5,
        "first_word#1",
        effect=FIRST_POSTS[4].key,
    ),
    entry("EffectFailed", FIRST_POSTS[3].error, 6, "first_word#1", effect=FIRST_POSTS[3].key),
    entry("EffectSent", "first_word#1/approval/drafted/eve sent", 1, "", effect=f"{FIRST.key}/approval/drafted/x/eve"),
    entry("EffectDecided", "first_word#1/bluesky/es was seen to have happened, said Dan", 6, "first_word#1", "dan"),
    entry("EffectDecided", "alarm/x/eve is to be sent again, said Dan", 6, "", "dan"),
    entry("PostGone", "ST-1 is no longer on slack (en)", 16, "first_word#1"),
    entry(
        "PromiseReminded",
        "ST-1 promises an update by 04:40; and none is out: reminded Eve Bystander, Cora Example",
        20,
        "first_word#1",
    ),
    entry("PromiseAtRisk", "4 customers wait too long", 21, "crisis_queue#1"),
    entry("CallOutStarted", "Called Eve Bystander", 9, "volunteers#1"),
)


class Records:
    """Gives what `desk.packing` reads of a desk, without a database."""

    def __init__(self, statements: Any = STATEMENTS, effects: Any = EFFECTS, entries: Any = ENTRIES, **incident: Any):
        self.rows = {Statement: statements, Effect: effects, Entry: entries, Person: PEOPLE}
        self._incident = Incident.model_validate({**dict(INCIDENT), **incident})
        house = SimpleNamespace(name="Example Air", time_zone="UTC", station_zones={"AMS": "Europe/Amsterdam"})
        self.store, self.clock, self.crew = self, SimpleNamespace(now=lambda: at(75)), SimpleNamespace(house=house)

    def all(self, kind: type, **_: Any) -> list[Any]:
        return list(self.rows[kind])

    def incident(self, _: int) -> Incident:
        return self._incident


def a_pack(key: Ed25519PrivateKey = HOUSE, **records: Any) -> Packed:
    return packing.packed(Records(**records), "INC-1", key=key, by="mia")


def written(folder: Path, content: bytes, name: str = "pack.zip") -> Path:
    (folder / name).write_bytes(content)
    return folder / name

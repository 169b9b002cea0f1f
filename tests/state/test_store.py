"""The store keeps what it is given, refuses what is stale, and says when to look again."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from engine.change import Change
from engine.effects import Effect, EffectState, Receipt, Text
from engine.incident import Incident, Severity
from engine.people import Person, Shift
from engine.record import Record
from engine.statements import Statement, Wordings
from engine.steps import StepState
from engine.timeline import Entry
from state import outbox, tokens, wakes
from state.database import DatabaseError, migrate, open_database
from state.rows import table
from state.store import Stale, Store
from state.tables import ROWS

T0 = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)


def incident(**more: object) -> Incident:
    fields = {
        "uid": "a1b2c3",
        "playbook": "it-outage",
        "playbook_text": "playbook: it-outage",
        "title": "IT outage",
        "severity": Severity.SEV1,
        "declared_by": "dm",
        "declared_at": T0,
        "status_at": T0,
        "facts": {"stations": ["AMS"], "passengers": 12000},
    }
    return Incident.model_validate(fields | more)


def declared(store: Store, **more: object) -> Incident:
    return store.declare(incident(**more), lambda _: Change(), T0)


def effect(there: Incident, name: str = "a", **more: object) -> Effect:
    fields = {
        "key": there.key(name),
        "incident": there.number,
        "channel": "slack",
        "message": Text(text="ümlaut “quoted”"),
        "queued_at": T0,
        "not_before": T0,
    }
    return Effect.model_validate(fields | more)


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_record_has_its_column(kind: type[Record]) -> None:
    assert set(kind.model_fields) <= {column.name for column in table(kind).columns}


def test_the_migrations_make_just_the_tables(url: str) -> None:
    engine = open_database(url)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    migrate(engine)
    engine.dispose()


def test_a_database_of_a_newer_irrops_is_refused_and_left_alone(url: str) -> None:
    engine = open_database(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match=r"9999.*newer"):
        migrate(engine)
    engine.dispose()


def test_an_incident_comes_back_as_it_was(store: Store) -> None:
    there = declared(store)
    assert store.incident(there.number) == there
    assert there.ref == "INC-1"


def test_declaring_again_with_the_same_key_changes_nothing(store: Store) -> None:
    first = declared(store, idempotency_key="k")
    entry = Entry(incident=1, at=T0, kind="Declared", text="twice")
    again = store.declare(
        incident(uid="other", idempotency_key="k"), lambda _: Change(entries=(entry,)), T0 + timedelta(hours=1)
    )
    assert again == first
    assert store.all(Entry, incident=first.number) == []


def test_a_nested_record_survives(store: Store) -> None:
    there = declared(store)
    texts = (Wordings(channel="x", language="es", text="¿Qué?", preapproved="…"),)
    statement = Statement(
        key="s", incident=there.number, step="a#1", message="holding", texts=texts, drafted_at=T0, asked=("comms_lead",)
    )
    person = Person(
        key="p",
        name="Ana",
        department="care",
        languages=("es",),
        shifts=(Shift(start=T0, end=T0 + timedelta(hours=8)),),
    )
    store.apply(Change(records=(statement, person)))
    back = store.first(Statement, key="s")
    assert back == statement.model_copy(update={"id": 1, "version": 1})
    assert store.first(Person, key="p") == person.model_copy(update={"version": 1})


def test_a_stale_record_writes_nothing_of_its_change(store: Store) -> None:
    there = declared(store)
    state = StepState(incident=there.number, key="a", started_at=T0)
    store.apply(Change(records=(state,)))
    newer = there.model_copy(update={"title": "changed"})
    store.apply(Change(records=(newer,)))
    with pytest.raises(Stale):
        store.apply(
            Change(
                records=(StepState(incident=there.number, key="b", started_at=T0), there),
                effects=(effect(there),),
                entries=(Entry(incident=there.number, at=T0, kind="K", text="t"),),
            )
        )
    assert [one.key for one in store.all(StepState)] == ["a"]
    assert store.all(Effect) == []
    assert store.all(Entry) == []


def test_the_same_new_record_twice_is_stale(store: Store) -> None:
    there = declared(store)
    state = StepState(incident=there.number, key="a", started_at=T0)
    store.apply(Change(records=(state,)))
    with pytest.raises(Stale):
        store.apply(Change(records=(state,)))


def test_effects_and_keyed_entries_are_written_once(store: Store) -> None:
    there = declared(store)
    keyed = Entry(incident=there.number, at=T0, kind="Late", text="late", key="late/a")
    plain = Entry(incident=there.number, at=T0, kind="Noted", text="noted")
    change = Change(effects=(effect(there),), entries=(keyed, plain))
    store.apply(change)
    store.apply(change)
    assert len(store.all(Effect)) == 1
    assert sorted(entry.kind for entry in store.all(Entry)) == ["Late", "Noted", "Noted"]


def test_a_newer_text_replaces_one_that_was_not_sent(store: Store) -> None:
    there = declared(store)
    older, newer = (effect(there, name, replaces="situation") for name in ("1", "2"))
    store.apply(Change(effects=(older,)))
    store.apply(Change(effects=(newer,)))
    states = {one.key: one.state for one in store.all(Effect)}
    assert states == {older.key: EffectState.CANCELLED, newer.key: EffectState.QUEUED}


def test_only_one_of_two_claims_gets_an_effect(store: Store) -> None:
    there = declared(store)
    store.apply(Change(effects=tuple(effect(there, str(n)) for n in range(20))))
    got: list[str] = []
    barrier = threading.Barrier(4)

    def claim(owner: str) -> None:
        barrier.wait()
        got.extend(one.effect.key for one in outbox.claim(store, there.number, owner, T0))

    threads = [threading.Thread(target=claim, args=(f"host:{n}:x",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 20
    assert len(set(got)) == 20


def test_an_effect_waits_for_the_one_it_needs_and_gets_its_receipt(store: Store) -> None:
    there = declared(store)
    room, text_ = effect(there, "room"), effect(there, "text", needs=there.key("room"))
    store.apply(Change(effects=(room, text_)))
    (first,) = outbox.claim(store, there.number, "o", T0)
    assert first.effect.key == room.key
    sent = first.effect.model_copy(update={"state": EffectState.SENT, "receipt": Receipt(id="C1"), "sent_at": T0})
    outbox.settle(store, sent)
    (second,) = outbox.claim(store, there.number, "o", T0)
    assert second.base == Receipt(id="C1")


def test_what_builds_on_a_failed_effect_is_cancelled_with_it(store: Store) -> None:
    there = declared(store)
    store.apply(Change(effects=(effect(there, "room"), effect(there, "text", needs=there.key("room")))))
    (first,) = outbox.claim(store, there.number, "o", T0)
    outbox.settle(store, first.effect.model_copy(update={"state": EffectState.FAILED, "error": "archived"}))
    text_ = store.first(Effect, key=there.key("text"))
    assert text_ is not None
    assert text_.state is EffectState.CANCELLED
    assert "archived" in text_.error


def test_a_lease_that_ran_out_comes_back_as_uncertain_and_its_old_holder_can_settle_no_more(store: Store) -> None:
    there = declared(store)
    store.apply(Change(effects=(effect(there),)))
    (dead,) = outbox.claim(store, there.number, "dead", T0)
    assert outbox.claim(store, there.number, "o", T0 + timedelta(seconds=59)) == []
    (again,) = outbox.claim(store, there.number, "o", T0 + timedelta(seconds=61))
    assert again.effect.uncertain
    with pytest.raises(Stale):
        outbox.settle(store, dead.effect.model_copy(update={"state": EffectState.SENT}))


def test_the_leases_of_the_dead_end_at_once(store: Store) -> None:
    there = declared(store)
    store.apply(Change(effects=(effect(there),)))
    outbox.claim(store, there.number, "dead", T0)
    assert outbox.owners(store) == ["dead"]
    assert outbox.release(store, "dead", T0) == 1
    (again,) = outbox.claim(store, there.number, "o", T0)
    assert again.effect.uncertain


def test_resting_is_refused_when_somebody_asked_for_a_look_meanwhile(store: Store) -> None:
    there = declared(store)
    seen = wakes.nudges(store, there.number)
    wakes.ask(store, there.number, T0 + timedelta(minutes=5))
    assert not wakes.rest(store, there.number, None, seen)
    assert wakes.due(store, T0) == [there.number]
    assert wakes.rest(store, there.number, T0 + timedelta(hours=1), seen + 1)
    assert wakes.due(store, T0) == []
    assert wakes.next_wake(store) == T0 + timedelta(hours=1)
    wakes.ask(store, there.number, T0 + timedelta(minutes=9))
    assert wakes.next_wake(store) == T0 + timedelta(minutes=9)


def test_a_token_is_found_by_its_hash_and_gone_when_revoked(store: Store) -> None:
    tokens.add(store, "d" * 64, "console", "reader", T0)
    found = tokens.find(store, "d" * 64)
    assert found is not None
    assert (found.name, found.role, found.made_at) == ("console", "reader", T0)
    with pytest.raises(Stale):
        tokens.add(store, "e" * 64, "console", "reader", T0)
    assert tokens.revoke(store, "console")
    assert tokens.find(store, "d" * 64) is None

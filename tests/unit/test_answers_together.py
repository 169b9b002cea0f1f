"""Answers that come at the same time are one write, and still each sees what the ones before it led to."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.callout import Answer
from engine.change import Change
from engine.effects import Revise
from engine.incident import NotAllowed
from engine.ports import Reply
from engine.timeline import Entry
from state.store import Stale
from tests.unit.called import Called, at_once, called, texts
from tests.unit.volunteers import NIGHT, crowd


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Called]:
    with called(tmp_path, f"sqlite:///{tmp_path / 'irrops.db'}") as made:
        yield made


def accepted(there: Called) -> list[Entry]:
    return [one for one in there.crew.store.all(Entry) if one.kind == "ResponderAccepted"]


class Ticking:
    """A clock that goes on whenever somebody looks."""

    def __init__(self) -> None:
        self.at = NIGHT

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


def writes(there: Called, monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """What is written from now on."""
    seen: list[Change] = []
    apply = there.crew.store.apply

    def watched(change: Change, **more: Any) -> None:
        apply(change, **more)
        seen.append(change)

    monkeypatch.setattr(there.crew.store, "apply", watched)
    return seen


def test_of_many_who_say_yes_at_once_the_quota_comes_and_the_others_wait_in_order(there: Called) -> None:
    people = there.asked()
    assert len(people) >= 15
    said = texts(at_once(*(partial(there.press, one, "yes") for one in people)))
    there.adds_up()
    assert there.callout().accepted == 5
    for person, text in zip(people, said, strict=True):
        assert ("waiting list" in text) == (person not in there.coming()), text
    assert len(there.waiting()) == len(people) - 5
    entries = accepted(there)
    assert sorted(one.facts["accepted"] for one in entries) == [1, 2, 3, 4, 5]


def test_they_are_few_writes(there: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    people, seen = there.asked(), writes(there, monkeypatch)
    slow = there.desk.answers._decide

    def crowded(incident: int, batch: list[Any]) -> Any:
        if not seen:  # the first is written once all the others wait
            while len(there.desk.answers._waiting[incident]) < len(people) - len(batch):
                time.sleep(0.001)
        return slow(incident, batch)

    monkeypatch.setattr(there.desk.answers, "_decide", crowded)
    texts(at_once(*(partial(there.press, one, "yes") for one in people)))
    assert len(seen) == 2
    there.adds_up()


def queued(there: Called, monkeypatch: pytest.MonkeyPatch, *presses: tuple[str, str]) -> None:
    """Let people press one after another while the first answer is being written: the others are one write."""
    waiting, decide = there.desk.answers._waiting, there.desk.answers._decide
    gate, begun = threading.Event(), threading.Event()

    def held(incident: int, batch: list[Any]) -> Any:
        begun.set()
        gate.wait(60)
        return decide(incident, batch)

    monkeypatch.setattr(there.desk.answers, "_decide", held)
    threads = [threading.Thread(target=there.press, args=press) for press in presses]
    for number, thread in enumerate(threads):
        thread.start()
        begun.wait(60)
        while len(waiting[1]) < number:
            time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join(60)


def test_within_one_write_who_said_yes_first_comes_and_waits_first(
    there: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = there.asked()[::-1]
    there.desk.clock = Ticking()
    queued(there, monkeypatch, *((one, "yes") for one in people))
    assert there.coming() == set(people[:5])
    assert there.waiting() == people[5:]


def test_who_changes_their_mind_while_others_are_written_reads_what_counts(
    there: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = there.asked()[:2]
    queued(there, monkeypatch, (first, "yes"), (other, "yes"), (other, "no"))
    there.settle()
    assert there.coming() == {first}
    told = [one.message for one in there.desk.effects("INC-1") if one.key.startswith(f"{there.callout().key}/{other}/")]
    changed = [one.text for one in told if isinstance(one, Revise)]
    assert "can't come this time" in changed[-1]


def test_two_clicks_at_once_are_one_answer(there: Called) -> None:
    person = there.asked()[0]
    said = texts(at_once(*(partial(there.press, person, "yes") for _ in range(8))))
    assert all("You are expected" in text for text in said)
    assert there.callout().accepted == 1
    assert len(accepted(there)) == 1


def test_two_different_clicks_at_once_are_taken_one_after_the_other(there: Called) -> None:
    person = there.asked()[0]
    texts(at_once(partial(there.press, person, "yes"), partial(there.press, person, "no")))
    there.adds_up()
    (mine,) = [one for one in there.invitations() if one.person == person]
    assert mine.answer in (Answer.YES, Answer.NO)
    assert there.callout().accepted == (mine.answer is Answer.YES)


def test_an_answer_that_is_refused_or_fails_harms_no_other(there: Called) -> None:
    people = there.asked()[:6]
    incident, stranger = there.callout().incident, people[0]

    def broken(_: object) -> Any:
        raise ZeroDivisionError

    def somebody_elses() -> Any:
        key = next(one.key for one in there.invitations() if one.person == people[5])
        return there.desk.press("answer", f"{key}|yes", f"U0{stranger.upper()}")

    said = at_once(
        partial(there.desk.answers.take, incident, "nobody", broken),
        somebody_elses,
        *(partial(there.press, one, "yes") for one in people[1:5]),
    )
    assert isinstance(said[0], ZeroDivisionError)
    assert isinstance(said[1], NotAllowed)
    texts(said[2:])
    assert there.coming() == set(people[1:5])
    there.adds_up()


def test_a_database_that_fails_is_told_to_each_and_the_next_answer_goes_through(
    there: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, apply = there.asked()[:6], there.crew.store.apply

    def full(change: Change, **more: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(there.crew.store, "apply", full)
    said = at_once(*(partial(there.press, one, "yes") for one in people))
    assert [str(one) for one in said] == ["the disk is full"] * 6
    monkeypatch.setattr(there.crew.store, "apply", apply)
    assert "You are expected" in there.press(people[0], "yes").text
    there.adds_up()


def test_what_another_command_made_stale_is_decided_anew(there: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    people, apply, refused = there.asked(), there.crew.store.apply, list[Change]()

    def first_is_stale(change: Change, **more: Any) -> None:
        if not refused:
            refused.append(change)
            raise Stale("somebody was there first")
        apply(change, **more)

    monkeypatch.setattr(there.crew.store, "apply", first_is_stale)
    texts(at_once(*(partial(there.press, one, "yes") for one in people[:12])))
    assert refused
    assert there.callout().accepted == 5
    there.adds_up()


def test_what_stays_stale_is_refused_with_a_sentence(there: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(change: Change, **more: Any) -> None:
        raise Stale("somebody was there first")

    monkeypatch.setattr(there.crew.store, "apply", stale)
    said = at_once(*(partial(there.press, one, "yes") for one in there.asked()[:3]))
    assert {type(one) for one in said} == {NotAllowed}
    assert all("changes too fast" in str(one) for one in said)


def test_who_drops_out_among_many_who_say_yes_is_replaced_by_the_first_who_waits(there: Called) -> None:
    people = there.asked()
    for person in people[:8]:
        there.press(person, "yes")
    assert there.waiting() == people[5:8]
    texts(at_once(partial(there.press, people[0], "no"), *(partial(there.press, one, "yes") for one in people[8:12])))
    assert there.coming() == set(people[1:6]), "who waited goes before who says yes now"
    there.adds_up()


def test_a_place_kept_for_a_language_is_not_given_away_in_a_batch(tmp_path: Path) -> None:
    people = (*crowd(70), *crowd(10, prefix="e", languages=("es", "en")))
    url = f"sqlite:///{tmp_path / 'irrops.db'}"
    with called(tmp_path, url, more=", languages: {es: 2}", people=people) as there:
        others = [one for one in there.asked() if one.startswith("p")]
        spanish = [one for one in there.asked() if one.startswith("e")]
        texts(at_once(*(partial(there.press, one, "yes") for one in others)))
        assert there.callout().accepted == 3
        texts(at_once(*(partial(there.press, one, "yes") for one in spanish)))
        assert Counter(one[0] for one in there.coming()) == {"p": 3, "e": 2}
        there.adds_up()


def test_answers_of_two_incidents_do_not_wait_for_each_other(there: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, person = there.desk.answers._decide, there.asked()[0]

    def hangs(incident: int, batch: list[Any]) -> Any:
        if incident == 1:
            assert there.desk.answers.take(2, "nobody", lambda _: (Change(), said)) is said
        return decide(incident, batch)

    said = Reply(text="the other incident goes on")
    there.desk.declare("help-wanted", facts={}, by="dora")
    monkeypatch.setattr(there.desk.answers, "_decide", hangs)
    assert "You are expected" in there.press(person, "yes").text

"""Finding the question that somebody answers, and turning guessers away."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desk.asked import KEPT, WrongCodes, by_address, by_code, by_code_within, newest
from engine.callout import Answer
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import asked, asked_of, under_way


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with under_way(tmp_path) as made:
        yield made


def test_a_code_is_found_however_it_is_typed(scene: Scene):
    for one in asked(scene)[:5]:
        misread = one.code.replace("O", "0").replace("I", "1").replace("B", "8")
        for typed in (one.code, one.code.lower(), f" {one.code[:5]} {one.code[5:]} ", misread):
            found = by_code(scene.desk, typed)
            assert found
            assert found.invitation.key == one.key
            assert found.person.key == one.person


@pytest.mark.parametrize("code", ["", "x", "A" * 10, "A" * 11, "9999999999", "K7Q2M ABCDE", "'; drop table", "é" * 10])
def test_other_codes_are_nobodys(scene: Scene, code: str):
    assert by_code(scene.desk, code) is None


def test_the_code_of_somebody_who_left_is_nobodys(scene: Scene):
    one = asked(scene)[0]
    person = scene.desk.person(one.person)
    assert person
    from engine.change import Change

    scene.desk.store.apply(Change(records=(person.model_copy(update={"active": False}),)))
    assert by_code(scene.desk, one.code) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("{code} yes", "yes"),
        ("yes {code}", "yes"),
        ("{code}: in 2 hours", "in 2 hours"),
        ("volunteers {code}", "volunteers"),
    ],
)
def test_the_code_is_taken_out_of_the_text(scene: Scene, text: str, rest: str):
    one = asked(scene)[0]
    found, words = by_code_within(scene.desk, text.format(code=one.code.lower()))
    assert found
    assert (found.invitation.key, words) == (one.key, rest)


def test_a_text_without_a_code_stays_as_it_is(scene: Scene):
    assert by_code_within(scene.desk, "yes, volunteers tomorrow99!") == (None, "yes, volunteers tomorrow99!")


@pytest.mark.parametrize(
    ("lane", "address", "found"),
    [
        ("sms", "+31 6 1234-5678", ["eva"]),
        ("sms", "0031612345678", ["eva"]),
        ("email", "Eva de Vries <eva@EXAMPLE.com>", ["eva"]),
        ("email", "shared@example.com", ["s000", "s001", "s002", "s003"]),
        ("push", "eva", ["eva"]),
        ("sms", "", []),
        ("email", "", []),
        ("sms", "+3161234567", []),
    ],
)
def test_people_are_found_by_their_address(scene: Scene, lane: str, address: str, found: list[str]):
    assert [one.key for one in by_address(scene.desk, lane, address)] == found


def test_the_newest_question_that_was_not_refused_is_meant(scene: Scene):
    person = scene.desk.person(asked(scene)[0].person)
    assert person
    first = newest(scene.desk, person)
    assert first
    assert first.invitation.incident == 1
    assert newest(scene.desk, person, "INC-2") is None
    scene.desk.answer(first.invitation.key, Answer.NO, person)
    there = newest(scene.desk, person)
    assert there
    assert there.invitation.key == first.invitation.key
    scene.desk.stand_down("INC-1", "dm", "false alarm")
    assert newest(scene.desk, person) is None


def test_hours_that_are_over_are_not_asked_about_any_more(scene: Scene):
    person = scene.desk.person(asked(scene)[0].person)
    assert person
    scene.clock.move_to(asked_of(scene, person.key).asked_at.replace(hour=23))
    assert newest(scene.desk, person) is None


# ---------------------------------------------------------------- guessing


@dataclass
class Hand:
    at: float = 100.0

    def __call__(self) -> float:
        return self.at


def test_thirty_wrong_codes_a_minute_and_no_more():
    hand = Hand()
    wrong = WrongCodes(clock=hand)
    for _ in range(30):
        assert not wrong.too_many("192.0.2.1")
        wrong.note("192.0.2.1")
    assert wrong.too_many("192.0.2.1")
    assert not wrong.too_many("192.0.2.2")
    hand.at += 60
    assert not wrong.too_many("192.0.2.1")
    wrong.note("192.0.2.1")
    assert not wrong.too_many("192.0.2.1")


def test_one_network_of_version_6_is_one_guesser():
    wrong = WrongCodes(most=2, clock=Hand())
    for number in range(2):
        wrong.note(f"2001:db8::{number}")
    assert wrong.too_many("2001:db8::ffff")
    assert not wrong.too_many("2001:db8:0:1::")
    wrong.note("::ffff:192.0.2.1")
    assert not wrong.too_many("::ffff:192.0.2.9")


def test_not_every_address_is_kept_for_ever():
    wrong = WrongCodes(most=1, clock=Hand())
    for number in range(KEPT + 5):
        wrong.note(f"gateway {number}")
    assert len(wrong._since) == KEPT
    assert not wrong.too_many("gateway 0")
    assert wrong.too_many(f"gateway {KEPT + 4}")

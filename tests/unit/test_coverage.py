"""Seats by language: as many as can be filled, nobody twice, whatever the order in which people come."""

from itertools import chain, combinations
from random import Random

import pytest

from engine.coverage import Coverage


def most_that_can_be_filled(needed: dict[str, int], people: list[tuple[str, ...]]) -> int:
    """By Hall's theorem: the seats, less the worst set of languages' lack of speakers."""
    sets = chain.from_iterable(combinations(needed, size) for size in range(len(needed) + 1))
    lack = max(sum(needed[lang] for lang in some) - sum(bool(set(p) & set(some)) for p in people) for some in sets)
    return sum(needed.values()) - lack


@pytest.mark.parametrize("seed", range(60))
def test_as_many_seats_are_filled_as_can_be_and_nobody_sits_twice(seed: int):
    random = Random(seed)
    languages = ["en", "nl", "es", "de", "fr"][: random.randint(2, 5)]
    needed = {language: random.randint(0, 4) for language in languages}
    people = [tuple(random.sample(languages, random.randint(1, min(3, len(languages))))) for _ in range(12)]
    coverage = Coverage(needed)
    for number, speaks in enumerate(people):
        before, would = coverage.shortfall(), coverage.helps(speaks)
        assert coverage.add(f"p{number}", speaks) is would
        assert before - coverage.shortfall() == would
    assert sum(needed.values()) - coverage.shortfall() == most_that_can_be_filled(needed, people)
    seated = [person for language in languages for person in coverage.people(language)]
    assert sorted(seated) == sorted(f"p{number}" for number in range(12))
    assert all(who in speaks for who in languages for _, speaks in coverage.seated[who])


def test_somebody_moves_on_for_who_speaks_less():
    coverage = Coverage({"en": 1, "es": 1})
    assert coverage.add("ana", ("en", "es"))
    assert coverage.add("bob", ("en",))
    assert (coverage.people("en"), coverage.people("es")) == (["bob"], ["ana"])


def test_the_language_that_lacks_most_is_filled_first():
    coverage = Coverage({"en": 4, "es": 2})
    for number in range(3):
        coverage.add(f"p{number}", ("en", "es"))
    assert (coverage.missing("en"), coverage.missing("es")) == (2, 1)


def test_who_is_not_needed_is_to_spare_at_their_first_language_and_strangers_are_not_counted():
    coverage = Coverage({"en": 1, "nl": 0})
    coverage.add("a", ("en",))
    assert not coverage.add("b", ("nl", "en"))
    assert not coverage.add("c", ("fr",))
    assert (coverage.people("en"), coverage.people("nl")) == (["a"], ["b"])
    assert coverage.shortfall() == 0


def test_one_too_many_here_does_not_make_up_for_one_too_few_there():
    coverage = Coverage({"en": 1, "es": 1})
    coverage.add("a", ("en",))
    coverage.add("b", ("en",))
    assert coverage.shortfall() == 1
    assert coverage.helps(("fr", "es"))
    assert not coverage.helps(("en",))

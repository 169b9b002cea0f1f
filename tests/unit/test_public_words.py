"""What some messages to the public must say: corrections in somebody's own words, the rights of passengers."""

from typing import Any

import pytest

from engine.drafting import SHORT
from engine.wording import Templates, WordingError, context
from tests.example_house import MESSAGES, NOW, ROOT, Course, example_playbook

LANGUAGES = ("en", "nl", "es", "pt")

# ---------------------------------------------------------------- corrections


def correction(language: str, **more: Any) -> tuple[str, str]:
    """A correction in somebody's own words, ordinary and short."""
    names = context(Course(example_playbook()).snapshot, language)
    own = {"text": "Flights start again at 16:00.", "text_language": "en", "changed": [], "corrected_at": NOW}
    templates = Templates(MESSAGES)
    ordinary, short = (
        templates.render("correction_text", form, language, {**names, **own, **more}) for form in ("email", SHORT)
    )
    return ordinary, short


@pytest.mark.parametrize(
    ("language", "says", "foreign"),
    [
        ("en", "Correction", "in English"),
        ("nl", "Correctie", "in het Engels"),
        ("es", "Corrección", "en inglés"),
        ("pt", "Correção", "em inglês"),
    ],
)
def test_a_correction_says_what_it_replaces_and_in_which_language_it_is(language, says, foreign):
    for text in correction(language):
        assert text.startswith(says)
        assert "05:10 (04:10 UTC), 22" in text
        assert "Flights start again at 16:00." in text
        assert (foreign in text) is (language != "en")


def test_a_correction_says_what_has_changed():
    changed = [
        {"was": "Flights start at 14:00.", "now": "Flights start at 16:00."},
        {"was": "Gate D5 is closed.", "now": ""},
        {"was": "", "now": "Buses leave from P3."},
    ]
    ordinary, _ = correction("en", changed=changed)
    assert "What has changed:\nBefore: Flights start at 14:00.\nNow: Flights start at 16:00.\n" in ordinary
    assert "\nNo longer true: Gate D5 is closed.\nNew: Buses leave from P3.\n\nThe corrected message:\n\nFl" in ordinary
    told, _ = correction("en", changed=changed, what_changed="Only the time.")
    assert "What has changed: Only the time.\n\nThe corrected" in told
    assert "Before:" not in told


# ---------------------------------------------------------------- the rights of passengers


def rights(language: str, regions: tuple[str, ...], form: str = "email", **facts: Any) -> str:
    names = {**context(Course(example_playbook(), facts=facts).snapshot, language), "regions": regions}
    return Templates(MESSAGES).render("rights", form, language, names)


SOURCES = {"eu": "261/2004", "uk": "UK261", "us": "14 CFR 259.8"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("region", SOURCES)
def test_rights_name_the_source_of_each_region_and_of_no_other(region, language):
    text = rights(language, (region,))
    assert SOURCES[region] in text
    others = [other for other in SOURCES if other != region and (region, other) != ("uk", "eu")]
    assert [other for other in others if SOURCES[other] in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("strikers", ["own_flight_crew", "own_cabin_crew", "own_ground_staff"])
def test_a_strike_of_our_own_staff_is_told_with_the_courts_word(strikers, language):
    text = rights(language, ("eu",), strikers=strikers)
    assert "C-195/17" in text
    assert "C-28/20" in text
    assert "C-12/11" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_ash_leaves_care_without_limit(language):
    text = rights(language, ("eu", "uk"), suspended="all_flights")
    assert text.count("C-12/11") == 2
    assert "C-195/17" not in text


def test_nobody_is_told_that_no_compensation_is_due_for_what_is_our_own():
    for facts in ({"systems": "all"}, {"strikers": "own_cabin_crew"}, {"strikers": "airport_staff"}, {}):
        text = rights("en", ("eu", "uk"), **facts)
        assert text.count("you may be entitled to") == 2
        assert "not due" not in text


def test_a_region_that_nobody_wrote_about_is_named_with_the_file_to_add():
    with pytest.raises(WordingError, match=r"region 'ca' are not written in 'nl'; add _rights/ca.nl.j2, or correct"):
        rights("nl", ("eu", "ca"))


@pytest.mark.parametrize("region", SOURCES)
def test_every_region_is_documented_with_its_source(region):
    text = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert f"`_rights/{region}.en.j2`" in text

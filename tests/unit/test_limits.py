"""How long a text is, and whether it fits."""

import json

import pytest

from engine.limits import fits, measure
from engine.ports import TextLimit

CHARACTERS = TextLimit(count=5, unit="characters", source="test")
GRAPHEMES = TextLimit(count=3, unit="graphemes", bytes=40, source="test")
FAMILY = "👨‍👩‍👧‍👦"


def test_a_family_is_one_grapheme_and_seven_characters():
    assert measure(FAMILY, GRAPHEMES) == 1
    assert measure(FAMILY, CHARACTERS) == 7


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("abc", 3), ("e\u0301", 1), ("\r\n", 1), ("🇳🇱🇪🇸", 2), ("👍🏽", 1), ("한국", 2), ("ñandú", 5)],
)
def test_graphemes_are_what_a_reader_counts(text, count):
    assert measure(text, GRAPHEMES) == count


def test_a_text_fits_up_to_its_limit():
    assert fits("12345", CHARACTERS) == (5, 5, True, "characters")
    assert fits("123456", CHARACTERS) == (6, 5, False, "characters")


def test_bytes_count_where_the_channel_counts_them():
    assert fits(FAMILY, GRAPHEMES).ok
    assert fits(FAMILY * 2, GRAPHEMES) == (50, 40, False, "bytes")
    assert fits(FAMILY * 4, GRAPHEMES) == (4, 3, False, "graphemes")


def test_without_a_limit_everything_fits():
    assert fits("x" * 10_000, None).ok


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="'furlongs' is no unit of length; known are characters and graphemes"):
        measure("x", TextLimit(count=1, unit="furlongs", source="test"))


def test_the_limit_says_how_much_is_used():
    assert str(fits("123456", CHARACTERS)) == "6 of 5 characters"


def test_blueskys_limit_is_that_of_its_lexicon(shared):
    import integrations

    lexicon = json.loads((shared / "data/textlimits/bluesky-app.bsky.feed.post.limits.json").read_text())
    found = integrations.LIMITS["bluesky"]
    text = json.dumps(lexicon)
    assert found.unit == "graphemes"
    assert f'"maxGraphemes": {found.count}' in text
    assert f'"maxLength": {found.bytes}' in text

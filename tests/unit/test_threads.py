"""Texts that are too long for one post, in several."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.limits import fits, measure
from engine.ports import TextLimit
from engine.threads import MOST_PARTS, split

X = TextLimit(count=280, unit="x_weighted", threads=True, source="test")
BLUESKY = TextLimit(count=300, unit="graphemes", bytes=3000, threads=True, source="test")
SMALL = TextLimit(count=60, unit="graphemes", threads=True, source="test")
NUMBER = re.compile(r" \d+/\d+$")

TEXT = """We are aware of a problem with our check-in systems at Amsterdam, Rotterdam and Eindhoven. Flights leave late.
Some are cancelled. Our people at the airport check you in by hand.

What you can do now: please look at https://www.klm.com/status before you come. If your flight is cancelled, we rebook
you on the next flight that has a seat, and you need not pay. Children travelling alone stay with us.

Questions? Write to us here, or call +31 20 123 4567. We are sorry. Next update by 14:30 (13:30 UTC), 22 Nov."""


def bare(parts):
    """The parts without their numbers."""
    return [NUMBER.sub("", part) for part in parts]


def words(parts):
    return " ".join(bare(parts)).split()


def test_a_text_that_fits_is_left_alone():
    assert split("All is well.", X, "") == ("All is well.",)


def test_a_thread_breaks_at_paragraphs_and_numbers_its_posts():
    parts = split(TEXT, X, "")
    assert bare(parts) == TEXT.split("\n\n")
    assert [part[-4:] for part in parts] == [" 1/3", " 2/3", " 3/3"]


def test_the_promise_comes_into_the_first_post_and_no_word_is_lost():
    parts = split(TEXT, X, "14:30 (13:30 UTC)")
    promise = "Next update by 14:30 (13:30 UTC), 22 Nov."
    assert parts[0].endswith(f"Our people at the airport check you in by hand.\n\n{promise} 1/3")
    assert words(parts[1:]) == TEXT.split("by hand.")[1].replace(promise, "").split()


def test_a_promise_that_stands_in_the_first_post_anyway_is_not_moved():
    text = "Next update by 14:30. " + "We check you in by hand. " * 30
    parts = split(text, X, "14:30")
    assert words(parts) == text.split()


def test_a_sentence_that_fits_in_a_post_is_not_broken():
    text = "One sentence of some length is this. " * 20
    assert all(part.endswith("this.") for part in bare(split(text, X, "")))


def test_a_sentence_longer_than_a_post_is_broken_between_words():
    text = "and so on " * 40
    parts = split(text, X, "")
    assert words(parts) == text.split()
    assert all(fits(part, X).ok for part in parts)


def test_an_abbreviation_ends_no_sentence():
    text = "Here is at last and in full what Dr. Jansen of St. Maarten wrote."
    assert (
        bare(split(f"We know more now. {text}", SMALL.model_copy(update={"count": 75}), ""))[0] == "We know more now."
    )


def test_an_isolate_stays_whole():
    isolate = "\u2067מטוס אל על מספר שלוש\u2069"
    text = f"Everybody flies today as planned, and so does {isolate} from Tel Aviv."
    parts = split(text, SMALL, "")
    assert sum(isolate in part for part in parts) == 1


def test_a_promise_beside_an_isolate_does_not_tear_it():
    isolate = "\u2068snow. Ice\u2069"
    text = f"{'We fly late. ' * 12}\n\nBecause of {isolate}, next update by 14:30. Sorry."
    parts = split(text, SMALL.model_copy(update={"count": 90}), "14:30")
    assert f"Because of {isolate}, next update by 14:30." in parts[0]


def test_a_no_break_space_is_no_place_to_break():
    text = "We fly again from the seventeenth of this long month at 14:30\u00a0o'clock."
    assert sum("14:30\u00a0o'clock." in part for part in split(text, SMALL, "")) == 1


def test_each_post_of_a_drill_bears_its_mark():
    parts = split("[OEFENING] " + TEXT, BLUESKY, "")
    assert all(part.startswith("[OEFENING] ") for part in parts)
    assert " ".join(bare(parts)).replace("[OEFENING] ", "").split() == TEXT.split()


def test_a_word_longer_than_a_post_can_not_be_split():
    assert split(f"See {'x' * 400} there", X, "") is None


def test_a_link_is_as_long_as_x_counts_it():
    link = "https://www.klm.com/" + "x" * 300
    parts = split(f"{'Word ' * 60}{link} {'word ' * 60}", X, "")
    assert sum(link in part for part in parts) == 1


def test_more_than_ten_posts_are_none():
    assert split("word " * 60, SMALL, "") is not None
    assert split("word " * 200, SMALL, "") is None


def test_a_promise_longer_than_a_post_is_none():
    text = f"{'Word. ' * 20}\n\nNext {'and ' * 20}at 14:30."
    assert split(text, SMALL, "14:30") is None


WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
LINKS = st.sampled_from(
    ["https://www.klm.com/a_long/path?x=1", "klm.nl", "👨‍👩‍👧‍👦", "e\u0301", "\u2067שלום לך\u2069", "한국어"]
)
GAPS = st.sampled_from([" ", " ", " ", ". ", ".\n", "\n\n", "!\n\n"])


@st.composite
def texts(draw):
    return "".join(draw(st.one_of(WORDS, LINKS)) + draw(GAPS) for _ in range(draw(st.integers(10, 70)))).strip()


@settings(max_examples=60, deadline=None)
@given(texts(), st.sampled_from([X, BLUESKY, SMALL, TextLimit(count=2, unit="sms_segments", threads=True, source="t")]))
def test_every_post_fits_and_no_word_is_lost(text, limit):
    parts = split(text, limit, "")
    assume(parts is not None and len(parts) > 1)
    assert len(parts) <= MOST_PARTS
    assert all(fits(part, limit).ok for part in parts)
    assert [part[part.rindex(" ") + 1 :] for part in parts] == [f"{n}/{len(parts)}" for n in range(1, len(parts) + 1)]
    assert words(parts) == text.split()
    assert sum(part.count("\u2067") == part.count("\u2069") for part in parts) == len(parts)


@settings(max_examples=60, deadline=None)
@given(texts(), texts(), st.sampled_from([X, BLUESKY]))
def test_the_promise_is_always_in_the_first_post(before, after, limit):
    promise = "Next update by 14:30 (13:30 UTC), 22 Nov."
    text = f"{before}.\n\n{promise}\n\n{after}"
    parts = split(text, limit, "14:30 (13:30 UTC)")
    assume(parts is not None)
    assert promise in parts[0]
    assert all(fits(part, limit).ok for part in parts)
    assert sorted(words(parts) if len(parts) > 1 else parts[0].split()) == sorted(text.split())
    others = [word for word in words(parts) if word not in promise.split()] if len(parts) > 1 else []
    assert not others or others == [word for word in text.split() if word not in promise.split()]


@pytest.mark.parametrize("limit", [X, BLUESKY, SMALL])
def test_a_post_is_filled_as_far_as_sentences_allow(limit):
    text = "Flights are late. " * 25
    parts = split(text, limit, "")
    room = limit.count - measure(" Flights are late. 9/9", limit)
    assert all(measure(part, limit) > room - 8 for part in parts[:-1])

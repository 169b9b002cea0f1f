"""The statements' clock: spans, the slowest channel, threads, what counts as live and as withdrawn."""

import pytest

from desk.timing_text import WIDTH, precise, rows
from engine.timing import timing
from tests.unit.packed import INCIDENT, amend, at, effect, look, statement, withdrawal, wording

EN, NL = wording("status_page"), wording("status_page", "nl")
THREAD = wording("bluesky", "en", "One.", "Two.", "Three.")


def measured(one, *effects):
    return timing(INCIDENT, one, effects)


def test_every_span_is_counted_from_what_came_before():
    one = statement(1, "first_word#1", EN, NL, drafted_at=at(0.5), approved_at=at(8))
    got = measured(one, effect(one, EN, 8.1), effect(one, NL, 9))
    assert (got.declared_to_drafted_s, got.drafted_to_approved_s) == (30, 450)
    assert (got.approved_to_live_s, got.approved_to_everywhere_s) == (6, 60)
    assert (got.declared_to_live_s, got.declared_to_everywhere_s) == (486, 540)
    assert (got.live_at, got.everywhere_at) == (at(8.1), at(9))
    assert got.slowest == "status_page (nl)"
    assert [place.after_approval_s for place in got.places] == [6, 60]
    assert got.places[0].url == "https://status_page.example/1"


def test_nothing_is_everywhere_while_one_place_is_missing():
    one = statement(1, "first_word#1", EN, NL)
    got = measured(one, effect(one, EN, 4), effect(one, NL, state="failed", attempts=7, error="away"))
    assert got.live_at == at(4)
    assert (got.everywhere_at, got.approved_to_everywhere_s, got.declared_to_everywhere_s) == (None, None, None)
    assert got.slowest == "status_page (en)"
    missing = got.places[1]
    assert (missing.state, missing.attempts, missing.error, missing.sent_at) == ("failed", 7, "away", None)


@pytest.mark.parametrize("state", ["queued", "sending", "failed", "unknown", "cancelled"])
def test_a_text_stands_as_its_post_does(state):
    one = statement(1, "first_word#1", EN)
    assert measured(one, effect(one, EN, state=state)).places[0].state == state


def test_a_draft_has_no_time_but_its_own():
    one = statement(1, "first_word#1", EN, status="drafted", approved_at=None, approved_by="", drafted_at=at(1))
    got = measured(one)
    assert got.places[0].state == "waiting"
    assert (got.declared_to_drafted_s, got.drafted_to_approved_s, got.approved_to_live_s) == (60, None, None)
    assert (got.live_at, got.everywhere_at, got.slowest) == (None, None, None)


def test_a_thread_is_live_with_its_first_part_and_complete_with_its_last():
    one = statement(1, "first_word#1", THREAD)
    parts = [effect(one, THREAD, 4), effect(one, THREAD, 5, part=2), effect(one, THREAD, part=3, attempts=4)]
    got = measured(one, *parts)
    place = got.places[0]
    assert (got.live_at, got.everywhere_at) == (at(4), None)
    assert (place.state, place.sent_at, place.complete_at) == ("queued", at(4), None)
    assert (place.parts, place.attempts, place.url) == (3, 4, "https://bluesky.example/1")
    parts[2] = effect(one, THREAD, 7, part=3)
    assert measured(one, *reversed(parts)).everywhere_at == at(7)


def test_what_is_no_post_of_this_text_is_not_counted():
    one, other = statement(1, "first_word#1", EN), statement(2, "first_word#10", EN)
    posted = effect(one, EN, 4)
    longer = effect(one, wording("status_page", "en-GB"), 30)
    got = measured(one, effect(other, EN, 20), longer, look(posted, 60), posted)
    assert (got.everywhere_at, got.places[0].attempts) == (at(4), 1)
    assert measured(one, effect(other, EN, 20), longer).live_at is None


def test_a_text_is_withdrawn_once_all_its_parts_are():
    one = statement(1, "first_word#1", THREAD)
    posts = [effect(one, THREAD, 4, part=part) for part in (1, 2, 3)]
    away = [withdrawal(each, 9 + number, attempts=5) for number, each in enumerate(posts)]
    got = measured(one, *posts, *away[:2], withdrawal(posts[2]))
    assert (got.places[0].state, got.places[0].withdrawn_at) == ("sent", None)
    got = measured(one, *posts, *away)
    assert (got.places[0].state, got.places[0].withdrawn_at) == ("withdrawn", at(11))
    assert (got.live_at, got.places[0].attempts) == (at(4), 1)


def test_a_thread_that_was_corrected_in_place_still_stands():
    one = statement(1, "first_word#1", THREAD)
    posts = [effect(one, THREAD, 4, part=part) for part in (1, 2, 3)]
    got = measured(one, *posts, withdrawal(posts[1], 9), withdrawal(posts[2], 9))
    assert got.places[0].state == "sent"


def test_a_correction_in_place_is_live_when_it_is_amended():
    one = statement(2, "by_hand#1", EN, drafted_at=at(20), approved_at=at(21))
    assert measured(one, amend(one, EN, 22)).approved_to_live_s == 60


# ---------------------------------------------------------------- as text


def test_the_text_fits_a_terminal_and_leaves_links_whole():
    long = wording("mastodon_of_a_very_long_name_indeed@the_spanish_market_and_beyond", "es")
    one = statement(1, "first_word#1", EN, THREAD, long, approved_by="somebody-with-a-name " * 5)
    url = "https://status.example/" + "x" * 90
    posts = [
        effect(one, EN, 3.1, receipt={"id": "1", "url": url}),
        effect(one, THREAD, 4),
        effect(one, long, state="failed", error="the platform says a lot " * 9),
    ]
    for zone in ("UTC", "Europe/Amsterdam", "America/New_York"):
        lines = rows(measured(one, *posts), zone)
        assert [line for line in lines if len(line) > WIDTH] == [f"  {url}"]
    text = "\n".join(rows(measured(one, *posts), "Europe/Amsterdam"))
    for wanted in ("approved    04:13 (03:13 UTC), 24 Nov", "6 s after approval", "everywhere  not yet", "3 parts"):
        assert wanted in text
    assert "live 3 min 06 s after the declaration; slowest: status_page (en)" in text


def test_the_text_says_who_decided_when_nobody_did():
    one = statement(1, "first_word#1", EN, approved_by="preapproved")
    assert "  nobody answered: the pre-approved text was taken" in rows(measured(one))
    waiting = statement(1, "first_word#1", EN, status="drafted", approved_at=None, approved_by="")
    assert any(line.split() == ["approved", "not", "yet"] for line in rows(measured(waiting)))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (492, "8 min 12 s"), (3840, "1 h 04 min"), (-5, "-5 s"), (-0.2, "0 s")],
)
def test_a_span_is_written_to_the_second(seconds, said):
    assert precise(seconds) == said

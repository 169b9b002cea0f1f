"""The cadence of a repeating step: its beats, how it relaxes, what the public is promised by it, what check finds."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engine import promise
from engine.cadence import in_words, next_beat, opens
from engine.check import check
from engine.dry_run import dry_run
from engine.playbook import Finding, Playbook, PlaybookError, Step, parse
from tests.example_house import PLAYBOOK, ROLES, example_house, example_playbook

T0 = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
RELAX = "{6h: 1h, 24h: 2h, 3d: 4h}"
RELAXED = PLAYBOOK.replace("every: 30m", f"every: 30m\n    relax: {RELAX}")


def step(**given: object) -> Step:
    fields = {"key": "next_update", "action": "publish_statement", "every": "30m"}
    return Step.model_validate({**fields, "relax": {"6h": "1h", "24h": "2h", "3d": "4h"}, **given})


def beats(one: Step, until: timedelta) -> list[timedelta]:
    """Every beat, as ages, found one from the other."""
    found, after = [], T0 - timedelta(seconds=1)
    while (beat := next_beat(one, T0, after)) <= T0 + until:
        found.append(beat - T0)
        after = beat
    return found


def test_the_cadence_relaxes_at_the_ages_that_are_named() -> None:
    found = beats(step(), timedelta(days=4))
    gaps = {early: later - early for early, later in pairwise(found)}
    assert found[0] == timedelta(minutes=30)
    assert gaps[timedelta(hours=5, minutes=30)] == timedelta(minutes=30)
    assert gaps[timedelta(hours=6)] == timedelta(hours=1)
    assert gaps[timedelta(hours=23)] == timedelta(hours=1)
    assert gaps[timedelta(hours=24)] == timedelta(hours=2)
    assert gaps[timedelta(hours=70)] == timedelta(hours=2)
    assert gaps[timedelta(hours=72)] == timedelta(hours=4)
    assert len(found) == 12 + 18 + 24 + 6


def test_a_beat_is_the_same_from_wherever_one_asks() -> None:
    one = step()
    found = [T0 + age for age in beats(one, timedelta(days=4))]
    for minutes in range(0, 4 * 24 * 60 - 240, 7):
        after = T0 + timedelta(minutes=minutes)
        assert next_beat(one, T0, after) == next(beat for beat in found if beat > after)


def test_years_later_the_next_beat_is_found_at_once() -> None:
    age = timedelta(days=3650)
    assert timedelta() < next_beat(step(), T0, T0 + age) - (T0 + age) <= timedelta(hours=4)


def test_a_relaxation_that_falls_between_two_beats_counts_from_the_next() -> None:
    one = step(relax={"65m": "2h"})
    assert beats(one, timedelta(hours=5)) == [timedelta(minutes=m) for m in (30, 60, 90, 210)]


def test_a_first_beat_after_the_relaxation_has_its_span() -> None:
    one = step(start_after="7h")
    assert beats(one, timedelta(hours=9)) == [timedelta(hours=h) for h in (7, 8, 9)]
    assert opens(one, T0) == T0 + timedelta(hours=7)


def test_without_relax_the_beats_are_what_they_were() -> None:
    one = step(relax={})
    assert next_beat(one, T0, T0) == T0 + timedelta(minutes=30)
    assert next_beat(one, T0, T0 + timedelta(minutes=30)) == T0 + timedelta(minutes=60)
    assert next_beat(one, T0, T0 + timedelta(hours=50, minutes=1)) == T0 + timedelta(hours=50, minutes=30)
    with pytest.raises(ValueError, match="next_update does not repeat"):
        next_beat(step(every=None, relax={}), T0, T0)


def test_the_promise_is_for_the_beat_that_will_come() -> None:
    playbook = parse(RELAXED)[0]

    def promised(**age: float) -> timedelta:
        at = promise.may_promise(playbook, T0, T0 + timedelta(**age), None)
        assert at is not None
        return at - T0

    # the approval may take 10 minutes, the posting one more; rounded up to five
    assert promised() == timedelta(minutes=45)
    assert promised(hours=5, minutes=30) == timedelta(hours=6, minutes=15)
    assert promised(hours=6) == timedelta(hours=7, minutes=15)
    assert promised(days=3, hours=1) == timedelta(days=3, hours=4, minutes=15)


def test_a_promise_of_the_step_itself_must_hold_when_it_is_slowest() -> None:
    playbook = parse(RELAXED)[0]
    own = {**playbook.step("next_update").with_, "next_update_in": "1h"}
    changed = playbook.step("next_update").model_copy(update={"with_": own})
    playbook = playbook.model_copy(update={"steps": (playbook.steps[0], changed)})
    assert "comes every 240 min" in promise.too_soon(playbook, own)
    assert not promise.too_soon(playbook, {"next_update_in": "41m"})
    assert "write 41m or more" in promise.too_soon(playbook, {"next_update_in": "40m"})


# ---------------------------------------------------------------- what is found, and said


STAFFING = """
playbook: it-outage
title: IT outage
severity: SEV2
surge: {peak: 10, ramp: 30m, hold: 4h, half_life: 3h}
steps:
  - key: look_again
    action: raise_staffing
    every: 30m
    relax: RELAX
    with: {answer_within: 30m}
"""
LINE = 1 + STAFFING.splitlines().index("    relax: RELAX")


def findings(text: str) -> list[Finding]:
    playbook, lines = parse(text, "it-outage.yaml")
    return check(playbook, lines, example_house(), ROLES, ())


def test_a_good_cadence_has_no_findings() -> None:
    assert findings(STAFFING.replace("RELAX", RELAX)) == []


@pytest.mark.parametrize(
    ("relax", "says"),
    [
        ("{6h: 1h, 3h: 2h}", "3h does not come after 6 h; write the ages in order, each once"),
        ("{60m: 1h, 1h: 2h}", "1h does not come after 1 h"),
        ("{0m: 1h}", "0m does not come after the declaration"),
        ("{6h: 20m}", "every 20 min is more often than every 30 min before it; .* write 30 min or more"),
        ("{6h: 2h, 12h: 1h}", "every 1 h is more often than every 2 h before it"),
    ],
)
def test_a_cadence_out_of_order_is_found_at_its_line(relax: str, says: str) -> None:
    [found] = findings(STAFFING.replace("RELAX", relax))
    assert (found.line, found.warning) == (LINE, False)
    assert re.search(says, found.text)


def test_the_line_is_that_of_the_age_where_each_has_its_own() -> None:
    [found] = findings(STAFFING.replace("RELAX", "\n      6h: 1h\n      5h: 2h"))
    assert found.line == LINE + 2


def test_relax_without_every_is_found() -> None:
    text = STAFFING.replace("RELAX", RELAX).replace("every: 30m", "start_after: 30m")
    assert "nothing repeats that could relax; add `every`, such as 30m" in [found.text for found in findings(text)]


@pytest.mark.parametrize("relax", ["{soon: 1h}", "{6h: soon}", "{6h: 0m}", "[6h]"])
def test_what_is_no_duration_is_refused_with_its_line(relax: str) -> None:
    with pytest.raises(PlaybookError) as refused:
        parse(STAFFING.replace("RELAX", relax), "it-outage.yaml")
    assert refused.value.findings[0].line == LINE


def test_a_dry_run_says_how_it_relaxes() -> None:
    rehearsed = dry_run(parse(RELAXED)[0], example_house(), {}, T0)
    update = next(one for one in rehearsed if one.key == "next_update")
    assert update.every == "30 min, from 6 h on every 1 h, from 1 d on every 2 h, from 3 d on every 4 h"
    assert "again every 30 min, from 6 h on every 1 h" in str(update)
    assert in_words(example_playbook().step("first_word")) == ""


def test_a_playbook_survives_being_written_and_read() -> None:
    playbook = parse(RELAXED)[0]
    assert Playbook.model_validate(playbook.model_dump(mode="json", by_alias=True)) == playbook

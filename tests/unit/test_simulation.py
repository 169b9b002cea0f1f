"""The bounds a call-out is held to: the quota met in the stated share, and hardly more people than an oracle asks."""

import json
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from desk import simulating
from engine.incident import NotAllowed
from engine.nights import Night, Terms, draw, play
from engine.rates import PRIOR, belief_for
from engine.simulation import EVERYBODY, FOUR_TIMES, ONE_WAVE, ORACLE, OURS, Result, outlook, simulate, wilson
from engine.waves import CONFIDENCE

SEEDS = 200
MINUTE = timedelta(minutes=1)


@cache
def simulated(people: int, quota: int) -> Result:
    return simulate(people, quota, SEEDS)


# ---------------------------------------------------------------- the bounds


@pytest.mark.parametrize(("people", "quota"), [(300, 12), (300, 3), (1000, 60), (120, 25)])
def test_the_quota_is_met_in_the_stated_share_by_hardly_more_people_than_an_oracle_asks(
    people: int, quota: int
) -> None:
    result = simulated(people, quota)
    assert result.of(OURS).share >= CONFIDENCE
    # The bound is 1.25, over 1,000 seeds (docs/simulation.md). 200 leave some room for chance where few are wanted.
    assert result.ratio() <= (1.25 if quota > 3 else 1.35)


def test_the_oracle_is_held_to_the_same_share_and_asks_less_than_its_rivals() -> None:
    result = simulated(300, 12)
    assert CONFIDENCE <= result.of(ORACLE).share < CONFIDENCE + 0.05
    assert result.of(ORACLE).mean < result.of(OURS).mean
    assert result.of(ORACLE).mean < result.of(ONE_WAVE).mean
    assert result.of(ONE_WAVE).share == pytest.approx(CONFIDENCE, abs=0.06)


def test_the_simple_ways_are_what_their_names_say() -> None:
    result = simulated(300, 12)
    assert set(result.of(FOUR_TIMES).asked) == {48}
    assert result.of(FOUR_TIMES).share < 0.7
    assert set(result.of(EVERYBODY).asked) == {300}
    assert result.of(EVERYBODY).share == 1
    assert result.of(EVERYBODY).too_many > 30 > result.of(OURS).too_many


@pytest.mark.parametrize("median", [3, 20])
def test_a_pace_unlike_the_usual_is_found_out(median: float) -> None:
    night = Night(median=median * MINUTE, median_spread=0.2)
    assert simulate(1000, 60, 100, night=night).of(OURS).share >= CONFIDENCE


def test_a_rate_unlike_the_prior_is_found_out() -> None:
    low, high = (simulate(300, 12, SEEDS, night=Night(rate=rate)) for rate in (0.16, 0.41))
    assert low.of(OURS).interval[1] >= CONFIDENCE
    assert low.of(OURS).share >= CONFIDENCE - 0.03
    assert high.of(OURS).share >= CONFIDENCE
    assert low.of(OURS).mean > 2 * high.of(OURS).mean


def test_two_waves_are_enough_to_keep_the_share() -> None:
    for people, quota in ((300, 12), (300, 3)):
        result = simulate(people, quota, 400, deadline=30 * MINUTE)
        assert result.of(OURS).interval[1] >= CONFIDENCE
        assert result.of(OURS).share >= CONFIDENCE - 0.02


# ---------------------------------------------------------------- how it is counted


def test_nights_on_which_nobody_could_have_met_the_quota_are_counted_apart() -> None:
    result = simulated(120, 25)
    hopeless = result.seeds - result.feasible
    assert 0 < hopeless == len(result.hopeless_asked)
    night = Night()
    for seed in range(SEEDS):
        drawn = draw(seed, 120, night)
        assert (drawn.yeses(0, 120, 60) >= 25) == (drawn.rate in result.rates)


def test_the_same_seeds_give_the_same_result() -> None:
    assert simulate(60, 3, 20) == simulate(60, 3, 20)
    shorter, longer = simulate(60, 3, 20).rates, simulate(60, 3, 40).rates
    assert shorter == longer[: len(shorter)]


def test_rates_and_answers_are_as_stated() -> None:
    night = Night(rate=0.3, worth=1e6, declines=0.2, median=8 * MINUTE, median_spread=0, spread=(1.0, 1.0))
    drawn = draw(1, 20_000, night)
    assert drawn.yeses(0, 20_000, 45) / 20_000 == pytest.approx(0.3, abs=0.01)
    answered = sorted(after for after in drawn.after if after < 1e9)
    assert answered[len(answered) // 2] == pytest.approx(8, rel=0.05)
    noes = len(answered) - drawn.says_yes.count(1)
    assert noes / 20_000 == pytest.approx(0.2, abs=0.01)


def test_waves_end_when_enough_have_said_yes_and_ask_nobody_twice() -> None:
    drawn = draw(3, 50, Night(rate=0.9, worth=1e6))
    terms = Terms(people=50, quota=5)
    asked = []

    def ten(look: object, drawn: object) -> int:
        asked.append(look)
        return 10

    assert play(drawn, terms, ten).asked == 10
    assert len(asked) == 1
    stubborn = draw(3, 50, Night(rate=0.001, worth=1e6))
    assert play(stubborn, terms, lambda look, drawn: 40).asked == 50
    assert play(stubborn, Terms(people=50, quota=5, waves=2), lambda look, drawn: 10).asked == 20
    assert play(stubborn, Terms(people=50, quota=5, deadline=16 * MINUTE), lambda look, drawn: 10).asked == 20


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 20)[0] == 0
    assert wilson(20, 20)[1] == 1
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("people", "quota", "seeds", "more", "says"),
    [
        (5, 6, 10, {}, "ask for 1 to 5"),
        (5, 0, 10, {}, "ask for 1 to 5"),
        (5, 2, 0, {}, "one seed"),
        (5, 2, 3, {"deadline": timedelta()}, "deadline"),
        (5, 2, 3, {"waves": 0}, "wave"),
        (5, 2, 3, {"respond_within": timedelta()}, "wave"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_sentence(
    people: int, quota: int, seeds: int, more: dict[str, object], says: str
) -> None:
    with pytest.raises(NotAllowed, match=says):
        simulate(people, quota, seeds, **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the outlook


def test_the_outlook_counts_the_later_waves_in() -> None:
    belief = belief_for("slack", 4, PRIOR, {})
    seen = outlook(12, belief, 300, 60 * MINUTE)
    assert seen.chance >= 0.9
    assert seen.asked_low < seen.asked < seen.asked_high
    assert seen.come_low <= seen.come_high == 12
    few = outlook(12, belief, 40, 60 * MINUTE)
    assert few.chance < 0.5
    assert few.asked_high == 40
    assert few == outlook(12, belief, 40, 60 * MINUTE)


# ---------------------------------------------------------------- shown


def test_the_text_says_what_was_assumed_and_whether_the_bounds_hold() -> None:
    text = simulating.as_text(simulated(300, 12))
    assert text.startswith("12 of 300 people within 1 h, in at most 4 waves of 15 min")
    assert "25% on average" in text
    assert "as stated: 90%" in text
    assert "within 1.25" in text
    assert "Left out above: " in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_bound_that_does_not_hold_is_said_aloud() -> None:
    result = simulate(300, 12, 60, waves=1, night=Night(rate=0.1))
    assert result.of(OURS).share < CONFIDENCE
    assert "LESS THAN STATED" in simulating.as_text(result)
    assert "ABOVE 1.25" in simulating.as_text(simulate(1000, 60, 60, deadline=15 * MINUTE))


def test_nights_without_hope_alone_are_said_and_not_drawn(tmp_path: Path) -> None:
    result = simulate(5, 5, 10)
    assert result.feasible == 0
    assert "Left out above: 10 nights" in simulating.as_text(result)
    assert simulating.as_json(result)["strategies"] == {}
    with pytest.raises(NotAllowed, match="nothing to draw"):
        simulating.plot(result, tmp_path / "a.svg")


def test_the_json_holds_the_same_figures() -> None:
    result = simulated(300, 12)
    told = json.loads(json.dumps(simulating.as_json(result)))
    ours = told["strategies"][OURS]
    assert ours["share"] == pytest.approx(result.of(OURS).share, abs=1e-4)
    assert ours["times_the_oracle"] == pytest.approx(result.ratio(), abs=1e-4)
    assert told["feasible"] + told["infeasible"]["seeds"] == told["seeds"] == SEEDS
    assert ours["share_low"] < ours["share"] < ours["share_high"]


def test_the_plot_is_the_same_each_time_and_names_every_way(tmp_path: Path) -> None:
    result = simulated(300, 12)
    first, second, picture = tmp_path / "a.svg", tmp_path / "b.SVG", tmp_path / "a.png"
    for path in (first, second, picture):
        simulating.plot(result, path)
    assert first.read_bytes() == second.read_bytes()
    drawn = first.read_text()
    assert all(name in drawn for name in (OURS, ORACLE, ONE_WAVE, FOUR_TIMES, EVERYBODY, "stated 90%"))
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(NotAllowed, match=r"a\.pdf"):
        simulating.plot(result, tmp_path / "a.pdf")


def test_progress_is_shown_only_when_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulating.run(60, 3, 20)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(simulating, "SHOW_AFTER_S", -1.0)
    simulating.run(60, 3, 20)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "simulating 20 call-outs: 100%"
    assert len(lines) <= 6

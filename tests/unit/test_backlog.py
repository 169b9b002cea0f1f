"""Hour-long promises: held up in a simulation of single messages, with fewer people than Erlang C asks for."""

import heapq
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate
from random import Random

import pytest

from engine.backlog import longest_wait, shortest_promise
from engine.erlang import servers_needed
from engine.staffing import SHORT_PROMISE, Target, heads, too_short

SLOT_S = 1800.0
HANDLING_S = 360
HOUR = Target(timedelta(hours=1), 0.9)


def surge(
    usual: float, peak: float = 8, ramp: int = 2, hold: int = 3, halving: float = 4, slots: int = 22
) -> list[float]:
    """Messages in each half hour: ramp, hold, decay, as a playbook's surge has it."""

    def times(number: int) -> float:
        if number < ramp:
            return 1 + (peak - 1) * (number + 0.5) / ramp
        return peak if number < ramp + hold else 1 + (peak - 1) * 2 ** (-(number - ramp - hold + 0.5) / halving)

    return [usual * times(number) for number in range(slots)]


def answered_in_time(messages: Sequence[float], staff: Sequence[int], target: Target, runs: int = 15) -> list[float]:
    """Simulate single messages, first in first out, and return each half hour's share with the reply sent in time.

    Poisson arrivals, exponential handling; who goes off duty finishes what is in hand. Seeded. The last half hours
    are left out: what comes in then is answered after the staff that was worked out.
    """
    kept, came = [0] * len(messages), [0] * len(messages)
    for seed in range(runs):
        for slot, in_time in simulate(Random(seed), messages, staff, target.answer_within.total_seconds()):
            came[slot] += 1
            kept[slot] += in_time
    return [good / count if count else 1.0 for good, count in zip(kept, came, strict=True)][:-3]


def simulate(random: Random, messages: Sequence[float], staff: Sequence[int], within: float) -> list[tuple[int, bool]]:
    arrivals = []
    for slot, count in enumerate(messages):
        at = slot * SLOT_S + random.expovariate(count / SLOT_S)
        while at < (slot + 1) * SLOT_S:
            arrivals.append(at)
            at += random.expovariate(count / SLOT_S)
    changes = [(slot * SLOT_S, number) for slot, number in enumerate(staff)]
    queue: deque[float] = deque()
    in_hand: list[float] = []
    done: list[tuple[int, bool]] = []
    people = arrived = changed = 0
    while arrived < len(arrivals) or queue or in_hand:
        nexts = [arrivals[arrived : arrived + 1], in_hand[:1], [changes[changed][0]] if changed < len(changes) else []]
        now = min(min(one) for one in nexts if one)
        if nexts[2] and nexts[2][0] == now:
            people, changed = changes[changed][1], changed + 1
        elif nexts[1] and nexts[1][0] == now:
            heapq.heappop(in_hand)
        else:
            queue.append(arrivals[arrived])
            arrived += 1
        while queue and len(in_hand) < people:
            came = queue.popleft()
            end = now + random.expovariate(1 / HANDLING_S)
            heapq.heappush(in_hand, end)
            done.append((int(came // SLOT_S), end - came <= within))
    return done


def erlang_heads(messages: Sequence[float], target: Target) -> list[int]:
    """Staff each half hour as if it stood alone and had always been so."""
    within = target.answer_within.total_seconds()
    return [servers_needed(count / SLOT_S * HANDLING_S, HANDLING_S, within, target.share) for count in messages]


@pytest.mark.parametrize("usual", [8, 20, 30])
def test_an_hour_long_promise_holds_through_a_surge_with_clearly_fewer_people_than_erlang_c(usual: float):
    messages = surge(usual)
    staff = heads(messages, HOUR, HANDLING_S)
    assert max(staff) <= 0.85 * max(erlang_heads(messages, HOUR))
    assert min(answered_in_time(messages, staff, HOUR)) >= 0.9


@pytest.mark.parametrize("usual", [5, 8, 10])
def test_one_fewer_at_the_peak_breaks_the_promise(usual: float):
    messages = surge(usual)
    staff = heads(messages, HOUR, HANDLING_S)
    assert min(answered_in_time(messages, staff, HOUR)) >= 0.9
    fewer = [number - (number == max(staff)) for number in staff]
    assert min(answered_in_time(messages, fewer, HOUR)) < 0.9


def test_rest_for_the_agents_keeps_a_half_hour_promise_too():
    target = Target(timedelta(minutes=30), 0.9, busy_at_most=0.9)
    messages = surge(10)
    assert min(answered_in_time(messages, heads(messages, target, HANDLING_S), target)) >= 0.9


def test_a_steady_load_takes_what_erlang_c_takes():
    messages = [50.0] * 40
    assert heads(messages, HOUR, HANDLING_S)[10:20] == erlang_heads(messages, HOUR)[10:20] == [11] * 10


def test_a_longer_promise_never_takes_more_people_at_the_peak():
    messages = surge(15, slots=60)
    peaks = [max(heads(messages, Target(timedelta(hours=hours), 0.9), HANDLING_S)) for hours in (0.5, 1, 2, 4, 8, 24)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] > 1.5 * peaks[4]


def test_work_is_never_put_off_beyond_the_promise():
    """Without chance there would be this much to do at least: what came in until the wait, done by then."""
    messages = surge(30)
    staff = heads(messages, HOUR, HANDLING_S)
    can_do = list(accumulate(number * SLOT_S / HANDLING_S for number in staff))
    came = list(accumulate(messages))
    assert all(done >= due for done, due in zip(can_do[2:], came, strict=False))


def test_what_waits_already_is_answered_first():
    calm = [5.0] * 24
    usual = heads(calm, HOUR, HANDLING_S)
    behind = heads(calm, HOUR, HANDLING_S, waiting=120, oldest=timedelta(minutes=50))
    fresh = heads(calm, HOUR, HANDLING_S, waiting=120, oldest=timedelta(minutes=1))
    assert max(behind) > max(fresh) > 3 * max(usual)
    assert behind[4:20] == usual[4:20]


def test_several_conversations_at_once_take_fewer_people():
    messages = surge(15)
    one, three = heads(messages, HOUR, HANDLING_S), heads(messages, HOUR, HANDLING_S, concurrency=3)
    assert max(one) / 3 <= max(three) <= max(one) / 3 + 1


def test_below_ten_minutes_erlang_c_decides():
    messages = surge(10)
    short = Target(SHORT_PROMISE - timedelta(seconds=1), 0.8)
    assert heads(messages, short, HANDLING_S) == erlang_heads(messages, short)
    seconds = Target(timedelta(seconds=20), 0.8)
    assert max(heads(messages, seconds, HANDLING_S)) > max(messages) / SLOT_S * HANDLING_S + 1


def test_nothing_expected_needs_nobody_and_little_needs_somebody():
    assert heads([0.0] * 6, HOUR, HANDLING_S) == [0] * 6
    assert heads([0.0] * 6, Target(timedelta(seconds=20), 0.8), HANDLING_S) == [0] * 6
    assert heads([0.2] * 6, HOUR, HANDLING_S) == [1] * 6
    assert heads([1.0, 30, 90, 90, 90, 90, 90], HOUR, HANDLING_S)[0] == 1


def test_the_reply_takes_its_time_too():
    assert longest_wait(3600, 360, 0.9) == pytest.approx(3600 - 417, abs=1)
    assert longest_wait(3600, 360, 0.9) < 3600 - 360
    assert longest_wait(600, 360, 0.9) < 0 < longest_wait(900, 360, 0.9)
    assert shortest_promise(360, 0.9) == pytest.approx(829, abs=1)


def test_a_promise_that_nobody_can_keep_is_refused():
    assert too_short(Target(timedelta(minutes=9), 0.9), 360) == ""
    assert too_short(Target(timedelta(minutes=15), 0.9), 360) == ""
    why = too_short(Target(timedelta(minutes=12), 0.9), 360)
    assert "more than 10% of the messages" in why
    assert why.endswith("promise at least 15 min")
    assert too_short(Target(timedelta(minutes=15), 0.9), 360) == ""
    with pytest.raises(ValueError, match="promise at least 15 min"):
        heads([5.0], Target(timedelta(minutes=12), 0.9), 360)

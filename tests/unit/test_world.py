"""The world of a drill: the same seed gives the same people, and they behave as docs/drill.md says."""

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from desk.drill_schedule import Schedule
from desk.world import (
    APPROVER_SILENT,
    DECLINES,
    MINUTE,
    SOLVED_AT_ONCE,
    Press,
    Words,
    World,
    WorldFileError,
    read_words,
)
from engine.demand import forecast
from engine.demand_file import read_demand
from engine.people import Person
from engine.playbook import Playbook, read
from engine.triage import Incoming
from engine.urgency import detect_language, read_word_lists, urgency
from engine.wording import MARKS

ROOT = Path(__file__).resolve().parents[2]
WORDS = read_words(ROOT / "examples" / "world.yaml")
DEMAND = read_demand(ROOT / "examples" / "demand.csv")
BEGINS = datetime(2027, 1, 12, 3, 10, tzinfo=UTC)
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yaml"))
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NIGHT_OWL = Person(key="owl", name="O", department="ticketing", time_zone="Europe/Amsterdam", chat="U1")
NOON = datetime(2027, 1, 12, 11, 0, tzinfo=UTC)
RATE = 0.25


@cache
def playbook(name: str) -> Playbook:
    return read(ROOT / "playbooks" / f"{name}.yaml")[0]


def world(seed: int = 1, name: str = "it-outage", words: Words = WORDS) -> World:
    return World(seed, words, demand=DEMAND, surge=playbook(name).surge, begins_at=BEGINS)


def written(there: World, hours: float) -> list[Incoming]:
    minutes = round(hours * 60)
    return [one for minute in range(minutes) for one in there.passengers(BEGINS + minute * MINUTE, "AMS")]


# ---------------------------------------------------------------- passengers


def test_the_same_seed_writes_the_same_messages_and_another_seed_others() -> None:
    assert written(world(7), 1) == written(world(7), 1)
    assert written(world(7), 1) != written(world(8), 1)


def test_minutes_asked_for_in_another_order_hold_the_same_messages() -> None:
    there, backwards = world(), world()
    forth = [there.passengers(BEGINS + minute * MINUTE, "AMS") for minute in range(30)]
    back = [backwards.passengers(BEGINS + minute * MINUTE, "AMS") for minute in reversed(range(30))]
    assert forth == back[::-1]


@pytest.mark.parametrize("name", ["it-outage", "ash-cloud"])
def test_as_many_write_as_demand_and_surge_say(name: str) -> None:
    expected = forecast(DEMAND, playbook(name).surge, BEGINS, BEGINS, 12)  # type: ignore[arg-type]
    total = sum(map(sum, expected.values()))
    found = written(world(3, name), 6)
    assert len(found) == pytest.approx(total, abs=4 * total**0.5 + 0.02 * total)


def test_messages_come_in_order_within_their_minute_and_each_id_once() -> None:
    found = written(world(), 2)
    times = [one.received_at for one in found if one.received_at]
    assert times == sorted(times)
    assert len({(one.channel, one.id) for one in found}) == len(found) > 50
    minute = BEGINS + 40 * MINUTE
    assert all(minute <= one.received_at < minute + MINUTE for one in world().passengers(minute, "AMS"))  # type: ignore[operator]


def test_every_message_is_marked_as_a_drill_and_its_language_can_be_told() -> None:
    lists = read_word_lists(ROOT / "templates" / "triage")
    found = written(world(), 5)
    assert {detect_language(one.text, lists) for one in found} == set(WORDS.messages)
    assert all(one.text.startswith(tuple(MARKS.values())) for one in found)
    assert not any("{" in one.text for one in found)


def test_every_stranded_passenger_of_the_world_file_is_seen_as_one() -> None:
    lists = read_word_lists(ROOT / "templates" / "triage")
    for language in ("en", "nl", "es"):
        for text in WORDS.messages[language][1]:
            assert urgency(text, detect_language(text, lists), lists)[0] == 1, text


def test_who_speaks_a_language_without_words_writes_in_english_and_says_which_it_is() -> None:
    few = WORDS.model_copy(update={"messages": {"en": WORDS.messages["en"]}})
    spanish = [one for one in written(world(words=few), 3) if one.language == "es"]
    assert spanish
    assert all("[SIMULACRO]" in one.text for one in spanish)


# ---------------------------------------------------------------- people who are asked


def presses(seed: int, asked_at: datetime, count: int = 2000) -> list[Press | None]:
    there = world(seed)
    return [there.volunteer(NIGHT_OWL, f"call/{number}", asked_at, RATE) for number in range(count)]


def test_by_day_a_quarter_says_yes_a_fifth_no_and_the_rest_is_silent() -> None:
    said = presses(1, NOON)
    assert sum(one is not None and one.choice == "yes" for one in said) / 2000 == pytest.approx(RATE, abs=0.03)
    assert sum(one is not None and one.choice == "no" for one in said) / 2000 == pytest.approx(DECLINES, abs=0.03)


def test_by_night_most_answer_after_they_have_woken() -> None:
    night = datetime(2027, 1, 12, 4, 10, tzinfo=AMSTERDAM)
    wakes = datetime(2027, 1, 12, 6, 0, tzinfo=AMSTERDAM)
    answered = [one for one in presses(1, night) if one]
    asleep = [one for one in answered if night + one.after >= wakes]
    assert 0.5 < len(asleep) / len(answered) < 0.85
    by_day = sorted(one.after for one in presses(1, NOON) if one)
    assert by_day[len(by_day) // 2] == pytest.approx(timedelta(minutes=6), abs=timedelta(minutes=1.5))


def test_who_is_on_duty_at_night_is_awake() -> None:
    on_duty = NIGHT_OWL.model_copy(update={"shift_pattern": "Mon-Fri 22:00-06:00"})
    night = datetime(2027, 1, 12, 1, 0, tzinfo=AMSTERDAM)
    there = world()
    late = [there.approver(on_duty, f"st/{number}", night) for number in range(500)]
    said = [one for one in late if one]
    assert len(said) / 500 == pytest.approx(1 - APPROVER_SILENT, abs=0.06)
    assert sum(one.after < timedelta(minutes=15) for one in said) / len(said) > 0.95


def test_a_draw_does_not_depend_on_what_was_drawn_before() -> None:
    there, other = world(), world()
    for number in range(50):
        other.volunteer(NIGHT_OWL, f"before/{number}", NOON, RATE)
    assert there.volunteer(NIGHT_OWL, "call/9", NOON, RATE) == other.volunteer(NIGHT_OWL, "call/9", NOON, RATE)


def test_nobody_arrives_before_the_hours_begin_or_without_time_to_travel() -> None:
    said_at, there = NOON, world()
    for number in range(200):
        early = there.arrives(f"call/{number}", said_at, said_at + timedelta(hours=1))
        assert early >= said_at + timedelta(hours=1)
        late = there.arrives(f"call/{number}", said_at, said_at - timedelta(hours=1))
        assert late >= said_at + timedelta(minutes=30)


def test_who_has_begun_does_not_back_out_and_few_others_do() -> None:
    there = world()
    assert all(there.backs_out(f"call/{number}", timedelta()) is None for number in range(500))
    out = [there.backs_out(f"call/{number}", timedelta(hours=1)) for number in range(2000)]
    backing = [one for one in out if one]
    assert 20 < len(backing) < 110
    assert all(one.choice == "no" and one.after < timedelta(hours=1) for one in backing)


def test_handling_takes_what_the_house_says_on_average_and_never_nothing() -> None:
    there = world()
    took = [there.handling(f"x/{number}", "agent", 360).total_seconds() for number in range(3000)]
    assert sum(took) / 3000 == pytest.approx(360, rel=0.06)
    assert min(took) >= 20
    at_once = sum(there.solved_after(f"x/{number}") == timedelta() for number in range(3000))
    assert at_once / 3000 == pytest.approx(SOLVED_AT_ONCE, abs=0.03)


# ---------------------------------------------------------------- the duty manager


@pytest.mark.parametrize("file", PLAYBOOKS, ids=lambda file: file.stem)
def test_facts_are_made_up_for_every_playbook_and_each_can_be_read(file: Path) -> None:
    book = read(file)[0]
    typed = world(name=book.playbook).typed(book.facts, {})
    known = book.read_facts(typed)
    assert set(typed) == set(book.facts)
    assert all(known[name] is not None for name, fact in book.facts.items() if fact.must)


def test_given_facts_are_kept_and_the_others_made_up() -> None:
    book = playbook("strike")
    typed = world(name="strike").typed(book.facts, {"phase": "under_way"})
    assert typed["phase"] == "under_way"
    assert datetime.fromisoformat(typed["ends_at"]) > datetime.fromisoformat(typed["starts_at"]) > BEGINS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("messages: {en: {1: [a]}}", "mix"),
        ("messages: {nl: {1: [a]}}\nmix: {1: 1}", "messages.en has none of urgency 1"),
        ("messages: {en: {1: [a]}}\nmix: {1: 1}\nweather: rain", "weather"),
        ("messages: [", "not readable as YAML"),
    ],
)
def test_a_wrong_world_file_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "world.yaml"
    file.write_text(text)
    with pytest.raises(WorldFileError, match=says):
        read_words(file)


# ---------------------------------------------------------------- what is to come


def test_things_happen_in_order_of_time_then_name_whatever_order_they_were_put_in() -> None:
    names = ["b", "a", "c"]
    for order in (names, names[::-1]):
        done: list[str] = []
        schedule = Schedule()
        for name in order:
            schedule.at(NOON, name, partial(done.append, name))
        schedule.at(NOON - MINUTE, "z", partial(done.append, "z"))
        schedule.at(NOON + MINUTE, "later", partial(done.append, "later"))
        schedule.happen(NOON)
        assert done == ["z", "a", "b", "c"]
        assert schedule.next_at() == NOON + MINUTE


def test_what_is_dropped_does_not_happen_and_wakes_nobody() -> None:
    done: list[str] = []
    schedule = Schedule()
    schedule.at(NOON, "arrive/anna/1", lambda: done.append("anna"))
    schedule.at(NOON + MINUTE, "arrive/annabel/1", lambda: done.append("annabel"))
    schedule.drop("arrive/anna/")
    assert schedule.next_at() == NOON + MINUTE
    schedule.happen(NOON + MINUTE)
    assert done == ["annabel"]


def test_what_happens_may_bring_more_that_is_due() -> None:
    done: list[str] = []
    schedule = Schedule()
    schedule.at(NOON, "first", lambda: schedule.at(NOON, "second", lambda: done.append("second")))
    schedule.happen(NOON)
    assert done == ["second"]
    assert schedule.next_at() is None

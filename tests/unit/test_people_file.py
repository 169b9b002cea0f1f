"""Reading the people file, shifts that are expanded when looked at, and the example organisation."""

import csv
import io
import re
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.people import Person, shifts_between
from engine.people_file import COLUMNS, MAX_ROWS, PeopleFileError, parse, read
from engine.shifts import weekly

HEADER = ",".join(COLUMNS)
ANNA = {
    "key": "anna",
    "name": "Anna Bakker",
    "department": "ticketing",
    "languages": "nl;en",
    "time_zone": "Europe/Amsterdam",
    "chat": "U0ANNA",
}


def line(**more: str) -> str:
    written = io.StringIO()
    csv.DictWriter(written, COLUMNS, restval="", lineterminator="\n").writerow({**ANNA, **more})
    return written.getvalue()


def one(**more: str) -> Person:
    [person] = parse(f"{HEADER}\n{line(**more)}")
    return person


def wrong(text: str | bytes) -> list[str]:
    with pytest.raises(PeopleFileError) as caught:
        parse(text, "staff.csv")
    return [str(finding) for finding in caught.value.findings]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_line_becomes_a_person() -> None:
    person = one(
        team="social",
        roles="social_lead",
        skills="rebooking;care",
        answers="private;public",
        email="anna@example.org",
        phone="+44 7700 900123",
        shifts="Mon-Fri 09:00-17:00;2026-11-22T06:00Z/2026-11-22T14:00Z",
        leave="2026-12-24/2026-12-26",
        active="no",
    )
    assert (person.key, person.languages, person.skills) == ("anna", ("nl", "en"), ("rebooking", "care"))
    assert (person.roles, person.answers, person.active) == (("social_lead",), ("private", "public"), False)
    assert person.shift_pattern == "Mon-Fri 09:00-17:00"
    assert [(s.start, s.end) for s in person.shifts] == [(utc("2026-11-22T06:00"), utc("2026-11-22T14:00"))]
    assert [(s.start, s.end) for s in person.leave] == [(utc("2026-12-23T23:00"), utc("2026-12-26T23:00"))]


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_do_no_harm() -> None:
    text = f"\ufeff{HEADER}\r\n\r\n{line()}\r\n".encode()
    assert [person.key for person in parse(text)] == ["anna"]
    assert [person.key for person in parse(text.decode())] == ["anna"]


def test_columns_that_are_not_needed_may_be_missing_and_the_order_is_free() -> None:
    text = "name,key,chat,shifts,time_zone,languages,department\nAnna Bakker,anna,U0ANNA,,Europe/Amsterdam,nl,care\n"
    [person] = parse(text)
    assert (person.key, person.department, person.active, person.skills) == ("anna", "care", True, ())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"key": "Anna B"}, "key: 'Anna B' won't do; write lower-case letters"),
        ({"key": ""}, "key: is empty"),
        ({"name": ""}, "name: a name of 1 to 100 characters"),
        ({"department": "Customer Care"}, "department: 'Customer Care' won't do"),
        ({"skills": "Re-booking"}, "such as re_booking"),
        ({"languages": "nl;dutch"}, "languages: dutch: no language code"),
        ({"languages": "xx"}, "languages: xx: no language code"),
        ({"languages": ";"}, "languages: is empty"),
        (
            {"time_zone": "Europe/Amsterdm"},
            "time_zone: 'Europe/Amsterdm' is no time zone; write one such as Europe/Amst",
        ),
        ({"time_zone": ""}, "time_zone: '' is no time zone"),
        ({"skills": "rebooking:4"}, "skills: 'rebooking:4' has no such level; write 1 (knows it), 2 (does it daily)"),
        ({"skills": "rebooking:"}, "skills: 'rebooking:' has no such level"),
        ({"skills": "care;rebooking:2;rebooking"}, "skills: 'rebooking' stands there twice; keep one"),
        ({"skills": "it"}, "skills: it: two letters mean a language; write the skill out"),
        ({"languages": "es:9"}, "languages: 'es:9' has no such level"),
        ({"languages": "es:2;es"}, "languages: 'es' stands there twice; keep one"),
        ({"lanes": "slack;pigeon"}, "lanes: pigeon: no lane; write some of slack, email, sms, voice, push"),
        ({"lanes": "Slack"}, "lanes: Slack: no lane"),
        ({"answers": "everything"}, "answers: everything: write private"),
        ({"email": "anna"}, "email: 'anna' won't do"),
        ({"phone": "0612345678"}, "phone: '0612345678' won't do; write it with the country"),
        ({"chat": "U0 ANNA"}, "chat: 'U0 ANNA' won't do"),
        ({"active": "maybe"}, "active: 'maybe' is neither yes nor no"),
        ({"shifts": "Mon-Fri 9-17"}, "shifts: 'Mon-Fri 9-17' is no shift; write Mon-Fri 09:00-17:00"),
        ({"shifts": "Mun 09:00-17:00"}, "'mun' is no day"),
        ({"shifts": "Mon 09:00-25:00"}, "25:00 is no time of day"),
        ({"shifts": "Mon 05:00-22:00"}, "lasts 17 hours; a shift lasts at most 16"),
        ({"shifts": "Mon 09:00-09:00"}, "lasts 24 hours"),
        ({"shifts": "Mon 09:00-17:00;Mon 16:00-20:00"}, "two shifts at once on Mon"),
        ({"shifts": "Sun 22:00-06:00;Mon 05:00-09:00"}, "two shifts at once on Mon"),
        ({"shifts": "Mon,Mon 09:00-17:00"}, "names a day twice"),
        ({"shifts": "2026-11-22T06:00Z/2026-11-22T23:00Z"}, "lasts 17 hours"),
        ({"shifts": "2026-11-22T06:00/2026-11-22T14:00"}, "lacks its time zone"),
        ({"shifts": "2026-11-22T14:00Z/2026-11-22T06:00Z"}, "ends before it begins"),
        ({"shifts": "2026-11-22T06:00Z/soon"}, "can't be read"),
        ({"shifts": "0001-01-01T00:00+14:00/0001-01-01T08:00+14:00"}, "not in this century"),
        ({"leave": "2026-02-30/2026-03-01"}, "not in the calendar"),
        ({"leave": "9999-12-31/9999-12-31"}, "not in this century"),
        ({"leave": "2026-12-26/2026-12-24"}, "ends before it begins"),
    ],
)
def test_a_mistake_is_named_with_its_line(more: dict[str, str], says: str) -> None:
    [finding] = wrong(f"{HEADER}\n{line(key='bea', chat='')}{line(**more)}")
    assert finding.startswith("staff.csv:3: ")
    assert says in finding


def test_levels_and_lanes_are_read() -> None:
    anna = one(skills="rebooking:2;care;ticketing:1", languages="nl:3;en", lanes="sms;email")
    assert (anna.skills, anna.languages) == (("rebooking", "care", "ticketing"), ("nl", "en"))
    assert anna.levels == {"rebooking": 2, "nl": 3}
    assert anna.lanes == ("sms", "email")
    assert (one().levels, one().lanes) == ({}, ())


def test_all_mistakes_come_at_once_and_nobody_is_imported() -> None:
    text = f"{HEADER}\n{line()}{line(key='bea', chat='U0BEA', languages='klingon', time_zone='Mars/Base')}{line()}"
    assert wrong(text) == [
        "staff.csv:3: languages: klingon: no language code; write two letters of ISO 639-1, such as nl;en;es",
        "staff.csv:3: time_zone: 'Mars/Base' is no time zone; write one such as Europe/Amsterdam",
        "staff.csv:4: key: 'anna' stands on line 2 already; each person has one of their own",
        "staff.csv:4: chat: 'U0ANNA' stands on line 2 already; each person has one of their own",
    ]


def test_the_line_is_that_of_the_file_even_after_a_cell_of_several_lines() -> None:
    text = (
        f'{HEADER}\n{line(key="bea", chat="")}\n"anna","Anna\nBakker",ticketing'
        + "," * (len(COLUMNS) - 3)
        + "\n"
        + line(languages="xx")
    )
    found = wrong(text)
    assert found[0].startswith("staff.csv:4: name: a name of 1 to 100 characters on one line")
    assert any(finding.startswith("staff.csv:6: languages: xx") for finding in found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "staff.csv:1: is empty; the first line must name the columns"),
        ("\n\n", "staff.csv:1: is empty"),
        (f"{HEADER}\n", "staff.csv:1: has a first line but nobody under it"),
        ("key,name\nanna,Anna\n", "missing columns: department, languages, time_zone, chat, shifts"),
        (f"{HEADER},phoen\n", "unknown column 'phoen'; did you mean 'phone'?"),
        (f"{HEADER},key\n", "the column 'key' stands there twice"),
        (HEADER.replace(",", ";") + "\n", "separated by commas"),
        (f"{HEADER}\nanna,Anna\n", "staff.csv:2: has 2 columns, the first line names 16"),
        (f'{HEADER}\n"anna', "staff.csv:2: not readable as CSV"),
        (f"{HEADER}\n{line()}".encode("utf-16"), "staff.csv:1: not UTF-8 text"),
        (f"{HEADER}\n{line(name='Zoë')}".encode("latin-1"), "staff.csv:2: not UTF-8 text; save it as “CSV UTF-8”"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_remedy(text: str | bytes, says: str) -> None:
    assert any(says in finding for finding in wrong(text)), wrong(text)


def test_more_than_twenty_thousand_people_are_refused() -> None:
    lines = "".join(f"p{i},P,ticketing,en,UTC,,\n" for i in range(MAX_ROWS + 1))
    header = "key,name,department,languages,time_zone,chat,shifts\n"
    [finding] = wrong(header + lines)
    assert finding.startswith("staff.csv:20002: more than 20,000 people")
    assert len(parse(header + lines.rsplit("\n", 2)[0])) == MAX_ROWS


def test_a_file_full_of_mistakes_lists_a_hundred_and_counts_the_rest() -> None:
    found = wrong(f"{HEADER}\n" + line(key="", chat="") * 250)
    assert len(found) == 101
    assert found[-1] == "staff.csv:102: and 150 more mistakes from here"


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(PeopleFileError, match="can't be read: No such file"):
        read(tmp_path / "none.csv")


# ---------------------------------------------------------------- shifts


def hours_of(person: Person, start: str, end: str) -> list[str]:
    return [f"{s.start:%a %H:%M}-{s.end:%a %H:%M}" for s in shifts_between(person, utc(start), utc(end))]


def test_a_weekly_shift_is_expanded_in_the_persons_time_zone() -> None:
    person = one(shifts="Mon-Wed 09:00-17:00")
    assert hours_of(person, "2026-11-16", "2026-11-23") == [
        "Mon 08:00-Mon 16:00",
        "Tue 08:00-Tue 16:00",
        "Wed 08:00-Wed 16:00",
    ]
    assert hours_of(one(shifts="Fri-Mon 09:00-17:00"), "2026-11-18", "2026-11-22") == [
        "Fri 08:00-Fri 16:00",
        "Sat 08:00-Sat 16:00",
    ]
    curacao = one(shifts="Mon 16:00-00:00", time_zone="America/Curacao")
    assert hours_of(curacao, "2026-11-16", "2026-11-23") == ["Mon 20:00-Tue 04:00"]


def test_a_shift_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    person = one(shifts="Tue 22:00-06:00")
    assert person.on_duty(utc("2026-11-18T04:59"))
    assert not person.on_duty(utc("2026-11-18T05:00"))
    assert not person.on_duty(utc("2026-11-17T20:59"))
    assert person.on_duty(utc("2026-11-17T21:00"))
    assert not person.on_duty(utc("2026-11-19T04:00"))


@pytest.mark.parametrize(
    ("night", "hours"),
    [("2026-10-24", 9), ("2026-03-28", 7), ("2026-11-21", 8)],
)
def test_a_night_shift_follows_the_clock_change(night: str, hours: int) -> None:
    [shift] = shifts_between(one(shifts="Sat 22:00-06:00"), utc(f"{night}T20:00"), utc(f"{night}T23:00"))
    assert shift.end - shift.start == timedelta(hours=hours)


def test_shifts_leave_no_gap_when_the_clock_changes() -> None:
    people = [one(shifts="Mon-Sun 22:00-02:30"), one(shifts="Mon-Sun 02:30-12:00"), one(shifts="Mon-Sun 12:00-22:00")]
    for day in ("2026-03-29", "2026-10-25"):
        for minute in range(0, 24 * 60, 15):
            instant = utc(day) + timedelta(minutes=minute)
            assert [p.on_duty(instant) for p in people].count(True) == 1, instant


def test_nobody_on_leave_is_on_duty() -> None:
    person = one(shifts="Mon-Fri 09:00-17:00", leave="2026-11-17;2026-11-18T12:00Z/2026-11-18T20:00Z")
    assert hours_of(person, "2026-11-16", "2026-11-20") == [
        "Mon 08:00-Mon 16:00",
        "Wed 08:00-Wed 12:00",
        "Thu 08:00-Thu 16:00",
    ]
    assert not person.on_duty(utc("2026-11-17T10:00"))
    assert not person.on_duty(utc("2026-11-18T12:00"))


def test_days_may_be_written_in_full_and_listed() -> None:
    assert [(one.weekday, one.start.seconds) for one in weekly("Monday,thu 09:00-17:00; sat-sun 10:00-24:00")] == [
        (0, 32400),
        (3, 32400),
        (5, 36000),
        (6, 36000),
    ]


# ---------------------------------------------------------------- the example organisation


@pytest.fixture(scope="module")
def example(root: Path) -> tuple[Person, ...]:
    return read(root / "examples" / "people.csv")


def test_the_example_is_what_its_script_writes(root: Path) -> None:
    script = runpy.run_path(str(root / "examples" / "make_people.py"))
    written = io.StringIO()
    script["write"](written)
    assert written.getvalue() == (root / "examples" / "people.csv").read_text(encoding="utf-8")


def test_the_example_has_300_people_in_the_eight_departments(example: tuple[Person, ...]) -> None:
    assert len(example) == 300
    departments = {p.department for p in example}
    assert departments == {
        *("communications", "e_commerce", "customer_care", "ticketing"),
        *("marketing", "operations_control", "cabin_crew", "ground_staff"),
    }
    assert {"en", "nl", "es", "de", "fr", "pt"} <= {language for p in example for language in p.languages}
    assert {"rebooking", "check_in", "ticketing", "care", "baggage"} == {skill for p in example for skill in p.skills}
    assert len({p.time_zone for p in example}) >= 4


def test_the_example_names_nobodys_real_address(example: tuple[Person, ...]) -> None:
    assert all(p.email.endswith("@example.org") for p in example)
    assert all(re.fullmatch(r"\+44 7700 900\d{3}", p.phone) for p in example)
    assert len({p.phone for p in example}) == len({p.email for p in example}) == len({p.name for p in example}) == 300


@pytest.mark.parametrize("monday", ["2026-11-16", "2026-03-23", "2026-10-19"])
def test_the_example_is_staffed_at_every_hour_of_the_week(example: tuple[Person, ...], monday: str) -> None:
    social = [p for p in example if p.team == "social"]
    assert 20 <= len(social) <= 30
    for quarter in range(7 * 24 * 4):
        instant = utc(monday) + timedelta(minutes=15 * quarter)
        there = [p for p in social if p.on_duty(instant)]
        assert len(there) >= 4, instant
        assert {"en", "nl", "es"} <= {language for p in there for language in p.languages}, instant
        for role in ("duty_manager", "comms_lead", "deputy_comms_lead", "social_lead"):
            assert any(role in p.roles and p.on_duty(instant) for p in example), (role, instant)


def test_the_example_has_volunteers_for_a_call_out_at_any_hour(example: tuple[Person, ...]) -> None:
    from engine.callout import CallOut
    from engine.choice import sift
    from tests.unit.volunteers import situation

    for hour in range(0, 7 * 24, 6):
        start = utc("2026-11-16") + timedelta(hours=hour)
        slot = CallOut(
            key="c",
            incident=7,
            step="volunteers#1",
            quota=12,
            skills=("rebooking", "ticketing", "check_in", "care"),
            starts_at=start,
            ends_at=start + timedelta(hours=4),
        )
        able, _ = sift(situation(example, now=start), slot)
        assert len(able) >= 30, start
        assert sum("es" in p.languages for p in able) >= 3, start

"""The staffing plan as a table, CSV, a calendar and a plot: the same figures in each."""

import csv
import io
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from icalendar import Calendar

from desk import staffing_report
from engine.staffing import ALL, StaffingPlan
from tests.unit.social_team import agent, at, plan, shift, snapshot

NAMES = {key: key.title() for key in ["ann", *(f"p{n}" for n in range(12))]}


@pytest.fixture
def made() -> StaffingPlan:
    team = [agent(f"p{n}", shift(0, 4)) for n in range(12)]
    return plan(snapshot(*team, agent("ann", name="Ann Example"), usual={"en": 10, "es": 3}), 20)


def test_the_table_has_every_half_hour_in_utc_and_local_time(made: StaffingPlan):
    lines = staffing_report.table(made, "Asia/Tokyo").splitlines()
    assert lines[0] == "Staffing as planned 2026-11-23 09:10 UTC: 90% of the messages answered within 60 min"
    assert lines[1].split() == [
        "UTC",
        "local",
        "(Asia/Tokyo)",
        "messages",
        "needed",
        "on",
        "duty",
        "offered",
        "missing",
    ]
    assert len(lines) == 2 + 40 + 2
    first, midnight_there, midnight = lines[2], lines[2 + 12], lines[2 + 30]
    assert first.split()[:8] == ["Mon", "23", "Nov", "09:00", "Mon", "23", "Nov", "18:00"]
    assert midnight_there.split()[:5] == ["15:00", "Tue", "24", "Nov", "00:00"]
    assert midnight.split()[:5] == ["Tue", "24", "Nov", "00:00", "09:00"]
    row = made.together[0]
    assert first.split()[8:12] == [f"{row.messages:.0f}", str(row.needed), str(row.on_duty), "-"]
    assert lines[-1].startswith(f"Peak {made.peak_needed} people at ")
    assert staffing_report.table(made).splitlines()[1].split()[:2] == ["UTC", "messages"]


def test_the_csv_has_every_row_and_the_shortfall_over_languages(made: StaffingPlan):
    found = list(csv.DictReader(io.StringIO(staffing_report.csv_text(made))))
    assert len(found) == len(made.slots) == 3 * 40
    for line, slot in zip(found, made.slots, strict=True):
        assert line["start_utc"] == f"{slot.start:%Y-%m-%dT%H:%M}Z"
        assert (line["language"], float(line["messages"])) == (slot.language, slot.messages)
        assert [int(line[name]) for name in ("needed", "on_duty", "offered")] == [
            slot.needed,
            slot.on_duty,
            slot.offered,
        ]
    assert [int(line["shortfall"]) for line in found if line["language"] == ALL] == list(made.missing)
    assert max(int(line["shortfall"]) for line in found if line["language"] == "es") == made.shortfall_by_language["es"]


def test_the_calendar_has_the_offered_shifts_and_who_is_missing_when(made: StaffingPlan):
    text = staffing_report.calendar(made, "INC-4", NAMES)
    events = Calendar.from_ical(text).walk("VEVENT")
    shifts = [event for event in events if "extra shift" in event["summary"]]
    offered = {(f"INC-4: extra shift offered to {key.title()}", *times) for key, *times in made.offers}
    assert {(str(e["summary"]), e.decoded("dtstart"), e.decoded("dtend")) for e in shifts} == offered
    assert len(shifts) == len(made.offers) > 1
    missing = {slot.start: 0 for slot in made.together}
    for event in events:
        if "missing" in event["summary"]:
            start = event.decoded("dtstart")
            while start < event.decoded("dtend"):
                missing[start] += int(event["summary"].split()[1])
                start += timedelta(minutes=30)
    assert tuple(missing.values()) == made.missing
    assert any("Spanish" in event["summary"] for event in events)
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert text == staffing_report.calendar(made, "INC-4", NAMES)


def test_a_person_without_a_name_is_shown_by_key(made: StaffingPlan):
    assert b"offered to ann" in staffing_report.calendar(made, "INC-4")


def test_the_plot_is_svg_with_readable_labels_and_always_the_same(made: StaffingPlan):
    picture = staffing_report.plot(made, "INC-4 Volcanic ash cloud")
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {text for element in root.iter() if (text := (element.text or "").strip())}
    assert {"INC-4 Volcanic ash cloud", "time (UTC)", "people", "needed", "on duty", "extra shifts offered"} <= texts
    assert any(text.startswith(f"peak {made.peak_needed} at ") for text in texts)
    assert any("Mon 23 Nov" in text for text in texts)
    assert picture == staffing_report.plot(made, "INC-4 Volcanic ash cloud")


@pytest.mark.parametrize("hours", [1, 72])
def test_any_horizon_can_be_drawn(hours: int):
    assert staffing_report.plot(plan(snapshot(), hours), "INC-4", "png").startswith(b"\x89PNG")


def test_a_plan_without_half_hours_still_makes_all_four(made: StaffingPlan):
    empty = made.model_copy(update={"slots": (), "offers": (), "peak_needed": 0, "shortfall": 0})
    assert staffing_report.table(empty).endswith("Nobody is needed: no messages are expected.")
    assert staffing_report.csv_text(empty).splitlines() == [",".join(staffing_report.CSV_HEADER)]
    assert not Calendar.from_ical(staffing_report.calendar(empty, "INC-4")).walk("VEVENT")
    assert b"<svg" in staffing_report.plot(empty, "INC-4")


def test_who_asks_for_no_plot_pays_for_none(root: Path):
    code = "import sys, desk.staffing_report; print({'matplotlib', 'icalendar', 'babel'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_gaps_of_the_same_kind_are_one_event():
    events = Calendar.from_ical(staffing_report.calendar(plan(snapshot(), 12), "INC-4")).walk("VEVENT")
    assert len(events) < 24
    assert events[0].decoded("dtstart") == at(0)
    assert all(one.decoded("dtend") <= other.decoded("dtstart") for one, other in pairwise(events))

"""Reading the usual week: what is accepted, and one sentence with the line for everything that isn't."""

from pathlib import Path

import pytest

from engine.demand_file import MAX_BYTES, WEEKDAYS, DemandFileError, parse_demand, read_demand

HEADER = "weekday,hour,language,messages"


def week(language: str = "en", count: str = "3.5", separator: str = ",") -> list[str]:
    return [separator.join([day, str(hour), language, count]) for day in WEEKDAYS for hour in range(24)]


def file(*lines: str, zone: str | None = "# time_zone: Europe/Amsterdam") -> str:
    return "\n".join([*([zone] if zone else []), HEADER, *lines]) + "\n"


def test_the_example_is_a_whole_week_in_four_languages(root: Path):
    demand = read_demand(root / "examples" / "demand.csv")
    assert demand.time_zone == "Europe/Amsterdam"
    assert demand.languages() == ["de", "en", "es", "nl"]
    assert len(demand.by_hour) == 4 * 168
    assert demand.by_hour[(4, 18, "en")] > 5 * demand.by_hour[(4, 3, "en")]


def test_hours_and_the_zone_are_read():
    demand = parse_demand(file(*week()))
    assert demand.time_zone == "Europe/Amsterdam"
    assert demand.by_hour[(6, 23, "en")] == 3.5
    assert len(demand.by_hour) == 168


def test_without_a_zone_hours_are_utc():
    assert parse_demand(file(*week(), zone=None)).time_zone == "UTC"


def test_a_spreadsheet_may_have_saved_it(tmp_path: Path):
    rows = [row.replace("monday", "Mon") for row in week(count="3,5", separator=";")]
    lines = ["# time_zone: Europe/Madrid;;;", "Weekday;Hour;Language;Messages", *rows, ";;;"]
    path = tmp_path / "demand.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    demand = read_demand(path)
    assert demand.time_zone == "Europe/Madrid"
    assert demand.by_hour[(0, 0, "en")] == 3.5


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "has no hours"),
        (["Monday,0,en"], ":3: 4 cells are expected, there are 3"),
        (["0,0,en,1"], ":3: weekday '0' is not Monday"),
        (["Monday,24,en,1"], ":3: hour '24' is not 0 to 23"),
        (["Monday,-1,en,1"], ":3: hour '-1'"),
        (["Monday,1,English,1"], ":3: language 'English' is no code such as en"),
        (["Monday,1,en,many"], ":3: messages 'many' is not a number"),
        (["Monday,1,en,-3"], ":3: messages '-3' is not a number"),
        (["Monday,1,en,nan"], ":3: messages 'nan' is not a number"),
        (["Monday,1,en,1e9"], ":3: messages '1e9' is not a number"),
        (["Monday,1,en,1", "", "Mon,1,en,2"], ":5: the same hour and language as line 3"),
        (week()[:-3], "en lacks 3 of 168 hours, the first is Sunday 21; write 0"),
        ([*week(), "Monday,0,es,1"], "es lacks 167 of 168 hours, the first is Monday 1"),
        (["Monday,0,en," + "9" * 140_000], ":3: not readable as CSV"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(lines: list[str], said: str):
    with pytest.raises(DemandFileError) as error:
        parse_demand(file(*lines))
    assert said in str(error.value)
    assert str(error.value).startswith("demand.csv:")


@pytest.mark.parametrize("zone", ["# time_zone: Europe/Atlantis", "# time_zone: ../../etc/passwd", "# Amsterdam"])
def test_a_zone_that_does_not_exist_is_refused(zone: str):
    with pytest.raises(DemandFileError, match=r"demand\.csv:1: .*Europe/Amsterdam"):
        parse_demand(file(*week(), zone=zone))


def test_another_header_is_refused():
    with pytest.raises(DemandFileError, match=r"demand\.csv:1: the header must be weekday,hour,language,messages"):
        parse_demand("day,hour,lang,n\n")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path):
    with pytest.raises(DemandFileError, match="can't be read: No such file"):
        read_demand(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"# \xe9\n")
    with pytest.raises(DemandFileError, match="not UTF-8 text"):
        read_demand(tmp_path / "latin.csv")
    (tmp_path / "large.csv").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(DemandFileError, match="larger than"):
        read_demand(tmp_path / "large.csv")

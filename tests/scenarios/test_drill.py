"""A drill from end to end, as real processes: it ends by itself, says that it is one, and comes out the same again."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.drill import Drill, Orders
from desk.drill_run import hold
from desk.drill_view import Picture, Screen, draw, per_hour, spark
from desk.settings import ROOT, load
from engine.effects import Direct, Post, Revise, Room, Text, Topic
from engine.wording import MARKS
from integrations.sandbox import Recorded, messages
from state.database import migrate, open_database

pytestmark = pytest.mark.timeout(300)

BEGINS = datetime(2027, 1, 12, 3, 10, tzinfo=UTC)
COLUMNS = "at, kind, text, actor, step"


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from desk.cli import main; main()", *words]


def start(home: Path, *words: str, hash_seed: int = 0) -> "subprocess.Popen[str]":
    """Start `irrops …` in a folder and a home of its own."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IRROPS_", "PREFECT_"))}
    more = {"IRROPS_HOME": str(home), "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env={**kept, **more}
    )


def run(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    child = start(home, *words)
    out, err = child.communicate(timeout=280)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


class Outcome:
    """What a drill left behind."""

    def __init__(self, child: "subprocess.Popen[str]"):
        out, self.err = child.communicate(timeout=280)
        assert child.returncode == 0, self.err
        self.json: dict[str, Any] = json.loads(out)
        self.home = Path(self.json["home"])

    def timeline(self) -> list[tuple[str, ...]]:
        with sqlite3.connect(self.home / "irrops.db") as database:
            rows = database.execute(f"select {COLUMNS} from entry").fetchall()
        return sorted(tuple(map(str, row)) for row in rows)

    def sent(self) -> list[Recorded]:
        files = sorted((self.home / "sandbox").glob("*.jsonl"))
        return [one for file in files for one in messages(file.parent, file.stem)[0]]

    def result(self) -> dict[str, Any]:
        """What must be the same again: everything but where it lies."""
        return {name: value for name, value in self.json.items() if name not in ("home", "review", "prefect")}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Outcome]:
    """The same drill by two processes: other homes, other hash seeds, one of them paced."""
    words = ("drill", "it-outage", "--hours", "2", "--no-prefect", "--json")
    one = start(tmp_path_factory.mktemp("one"), *words, "--speed", "0", hash_seed=1)
    other = start(tmp_path_factory.mktemp("other"), *words, "--speed", "1500", hash_seed=2)
    return Outcome(one), Outcome(other)


# ---------------------------------------------------------------- the same again


def test_the_same_orders_give_the_same_drill_whatever_the_speed(twice: tuple[Outcome, Outcome]) -> None:
    one, other = twice
    assert one.timeline() == other.timeline()
    assert one.result() == other.result()
    assert sorted(record.key for record in one.sent()) == sorted(record.key for record in other.sent())


def test_another_seed_gives_another_drill(twice: tuple[Outcome, Outcome], tmp_path: Path) -> None:
    words = ("drill", "it-outage", "--hours", "0.5", "--speed", "0", "--no-prefect", "--json")
    one, other = Outcome(start(tmp_path, *words)), Outcome(start(tmp_path, *words, "--seed", "2"))
    assert one.home != other.home
    assert [line[:3] for line in one.timeline()] != [line[:3] for line in other.timeline()]


# ---------------------------------------------------------------- what happens in one


def test_a_drill_goes_from_the_declaration_to_the_end_of_the_stand_down(twice: tuple[Outcome, Outcome]) -> None:
    drill = twice[0]
    kinds = {line[1] for line in drill.timeline()}
    assert {"Declared", "StatementPublished", "StaffingRaised", "CallOutStarted", "ResponderAccepted"} <= kinds
    assert {"MonitoringBegan", "Resolved"} <= kinds
    assert drill.json["status"] == "resolved"
    assert not drill.json["stopped"]
    counts = drill.json["counts"]
    assert counts["written"] > counts["answered"] > 20
    assert counts["asked"] == counts["yes"] + counts["no"] + counts["silent"] > 20
    assert 0 <= drill.json["score"] <= 100
    with sqlite3.connect(drill.home / "irrops.db") as database:
        assert database.execute("select drill from incident").fetchall() == [(1,)]
        waiting = database.execute("select key from step where status = 'waiting'").fetchall()
        agents = database.execute("select count(distinct agent) from conversation where agent <> ''").fetchone()
    assert waiting == []
    assert agents[0] >= 5


def test_agents_keep_to_their_languages_and_rights(twice: tuple[Outcome, Outcome]) -> None:
    with sqlite3.connect(twice[0].home / "irrops.db") as database:
        people = {
            key: (json.loads(languages), json.loads(rights))
            for key, languages, rights in database.execute("select key, languages, answers from person")
        }
        rows = database.execute("select agent, language, public from conversation where agent <> ''").fetchall()
    assert len(rows) > 20
    for agent, language, public in rows:
        speaks, rights = people[agent]
        assert language == "" or language in speaks
        assert not public or "public" in rights


def test_every_text_that_a_drill_makes_says_that_it_is_one(twice: tuple[Outcome, Outcome]) -> None:
    drill, checked = twice[0], 0
    for one in drill.sent():
        message = one.message
        if isinstance(message, Post | Direct | Text | Revise):
            assert message.text.startswith(tuple(MARKS.values())), one.key
            checked += 1
        elif isinstance(message, Topic):
            assert message.topic.startswith("DRILL")
        elif isinstance(message, Room):
            assert message.name.startswith("drill-")
            assert message.topic.startswith("DRILL")
    assert checked > 100
    assert {record.message.kind for record in drill.sent()} >= {"post", "direct", "text", "revise", "room"}
    assert all(record.message.drill for record in drill.sent() if isinstance(record.message, Post))
    with sqlite3.connect(drill.home / "irrops.db") as database:
        texts = [text for (text,) in database.execute("select text from conversation")]
    assert all(text.startswith(tuple(MARKS.values())) for text in texts)
    assert "DRILL" in Path(drill.json["review"]).read_text()


def test_the_review_is_one_page_with_plots_that_needs_nothing_else(twice: tuple[Outcome, Outcome]) -> None:
    page = Path(twice[0].json["review"]).read_text()
    assert page.count("<svg") >= 3
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert not re.search(r"(src|href)=[\"']?https?://", page)
    assert f"{twice[0].json['score']}" in page
    assert "@example.org" not in page


def test_a_line_for_each_half_hour_where_there_is_no_terminal(twice: tuple[Outcome, Outcome]) -> None:
    lines = [line for line in twice[0].err.splitlines() if re.match(r"DRILL INC-1 01-12 ", line)]
    times = [line[12:29] for line in lines]
    assert [time[6:11] for time in times][:4] == ["03:10", "03:30", "04:00", "04:30"]
    assert "WITHOUT PREFECT" in twice[0].err
    assert all("04:" in line for line in lines[:2])  # local time beside UTC


# ---------------------------------------------------------------- beside the real desk


def test_the_real_database_is_not_touched_and_its_people_are_taken(tmp_path: Path) -> None:
    done = run(tmp_path, "people", "import", str(_three_people(tmp_path)))
    assert done.returncode == 0, done.stderr
    before = _rows(tmp_path / "irrops.db")
    drill = Outcome(start(tmp_path, "drill", "it-outage", "--hours", "0.5", "--speed", "0", "--no-prefect", "--json"))
    assert _rows(tmp_path / "irrops.db") == before
    with sqlite3.connect(drill.home / "irrops.db") as database:
        people = database.execute("select key, email, phone from person order by key").fetchall()
    assert people == [("an", "", ""), ("bo", "", ""), ("cy", "", "")]


def test_without_people_the_example_organisation_plays_and_no_database_appears(tmp_path: Path) -> None:
    drill = Outcome(start(tmp_path, "drill", "strike", "--hours", "0.5", "--speed", "0", "--no-prefect", "--json"))
    assert not (tmp_path / "irrops.db").exists()
    with sqlite3.connect(drill.home / "irrops.db") as database:
        assert database.execute("select count(*) from person").fetchone() == (300,)


def _three_people(folder: Path) -> Path:
    file = folder / "people.csv"
    rows = [
        "key,name,department,team,roles,languages,time_zone,chat,answers,email,phone,shifts",
        "an,An,communications,,comms_lead,en,Europe/Amsterdam,U1,,a@example.org,+44 7700 900001,Mon-Sun 00:00-16:00",
        "bo,Bo Example,operations_control,,duty_manager,en,Europe/Amsterdam,U2,,bo@example.org,,Mon-Sun 00:00-16:00",
        "cy,Cy Example,customer_care,social,,en;nl,Europe/Amsterdam,U3,private;public,,,Mon-Sun 00:00-16:00",
    ]
    file.write_text("\n".join(rows) + "\n")
    return file


def _rows(file: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(file) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: database.execute(f"select * from {name}").fetchall() for name in tables}


def test_a_folder_that_is_no_drill_is_never_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "drills" / "it-outage-seed1-0.5h"
    folder.mkdir(parents=True)
    (folder / "letters.txt").write_text("mine")
    done = run(tmp_path, "drill", "it-outage", "--hours", "0.5", "--speed", "0", "--no-prefect")
    assert done.returncode == 2
    assert "is not the folder of a drill" in done.stderr
    assert (folder / "letters.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("it-outgae",), "did you mean it-outage"),
        (("it-outage", "--fact", "systems=coffee"), "coffee"),
        (("it-outage", "--fact", "systems"), "NAME=VALUE"),
        (("it-outage", "--start", "soon"), "2027-01-12T04:10"),
        (("it-outage", "--hours", "0"), "0.5"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_sentence_and_exit_2(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    done = run(tmp_path, "drill", *words, "--no-prefect")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------- stopped, watched, on Prefect


def test_ctrl_c_ends_with_a_review_of_the_part_and_a_second_drill_waits(tmp_path: Path) -> None:
    child = start(tmp_path, "drill", "it-outage", "--speed", "30", "--no-prefect", "--json")
    assert child.stderr
    for line in child.stderr:
        if line.startswith("DRILL INC-1"):
            break
    beside = run(tmp_path, "drill", "strike", "--no-prefect")
    assert beside.returncode == 2
    assert "A drill is running" in beside.stderr
    child.send_signal(signal.SIGINT)
    drill = Outcome(child)
    assert drill.json["stopped"]
    assert drill.json["status"] == "responding"
    assert Path(drill.json["review"]).exists()


def test_on_prefect_the_same_happens_and_its_server_is_gone_afterwards(tmp_path: Path) -> None:
    words = ("drill", "it-outage", "--hours", "0.5", "--speed", "0", "--json")
    plain = Outcome(start(tmp_path / "plain", *words, "--no-prefect"))
    drill = Outcome(start(tmp_path / "prefect", *words))
    assert drill.json["prefect"], drill.err
    assert drill.timeline() == plain.timeline()
    with sqlite3.connect(drill.home / "irrops.db") as database:
        runs = database.execute("select flow_run from run").fetchall()
    assert runs
    assert all(run for (run,) in runs)
    port = re.search(r"http://127\.0\.0\.1:(\d+)", drill.err)
    assert port
    assert port[1] not in _listening()


def _listening() -> set[str]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {str(int(line.split()[1].split(":")[1], 16)) for line in lines if line.split()[3] == "0A"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], list[list[str]]]:
    """What was to be seen, step by step, on a small and a large terminal."""
    seen: dict[tuple[int, int], list[list[str]]] = {(80, 24): [], (120, 40): []}

    def watch(drill: Drill) -> None:
        screen = Screen(None, lambda _: None)  # type: ignore[arg-type]
        screen._look_back(drill)
        picture = Picture(drill, drill.desk.snapshot(drill.ref))
        for size, frames in seen.items():
            frames.append([line.plain for line in draw(picture, screen._entries, *size)])

    settings = load(home=tmp_path_factory.mktemp("screen"), database="")
    orders = Orders("it-outage", BEGINS, hours=0.5)
    hold(settings, orders, out=None, prefect=False, screen=lambda: nullcontext(watch), say=lambda _: None)
    return seen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_every_picture_fits_the_terminal_and_says_that_it_is_a_drill(
    pictures: dict[tuple[int, int], list[list[str]]], size: tuple[int, int]
) -> None:
    width, height = size
    assert len(pictures[size]) > 20
    for frame in pictures[size]:
        assert len(frame) < height
        assert max(map(len, frame)) <= width
        assert "DRILL" in frame[0]
        assert "UTC" in frame[1]
        assert "local" in frame[1]
        assert any(line.startswith(" queue") for line in frame)
        assert any(line.startswith(" staff") for line in frame)
        assert any(line.startswith(" called") for line in frame)
    whole = "\n".join("\n".join(frame) for frame in pictures[size])
    assert "waits   first_word: approval by comms_lead" in whole
    assert "IT outage declared as SEV2" in whole


def test_messages_an_hour_are_those_of_the_last_hour_or_what_an_hour_would_bring() -> None:
    from collections import Counter

    minute = timedelta(minutes=1)
    steady = Counter({BEGINS + number * minute: 2 for number in range(180)})
    assert per_hour(steady, BEGINS, BEGINS + 180 * minute) == pytest.approx(120, abs=2)
    assert per_hour(steady, BEGINS, BEGINS + 30 * minute) == pytest.approx(120, abs=8)
    assert per_hour(Counter(), BEGINS, BEGINS) == 0
    rising = Counter({BEGINS: 1, BEGINS + 15 * minute: 4, BEGINS + 30 * minute: 8})
    assert spark(rising, BEGINS, BEGINS + 30 * minute, 8) == "▁▄█"


# ---------------------------------------------------------------- a review of the real desk


def test_review_of_a_drills_database_by_the_command_is_the_same_as_at_its_end(twice: tuple[Outcome, Outcome]) -> None:
    home, page = twice[0].home, twice[0].home / "again.html"
    done = run(home, "review", "INC-1", "--out", str(page), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["score"] == twice[0].json["score"]
    assert page.read_text().count("<svg") >= 3
    noted = run(home, "review", "INC-1", "--out", str(home / "again.md"))
    assert "DRILL" in noted.stdout
    assert (home / "again.md").read_text().startswith("# DRILL")


def test_review_of_an_incident_that_there_is_not(tmp_path: Path) -> None:
    migrate(open_database(f"sqlite:///{tmp_path / 'irrops.db'}"))
    done = run(tmp_path, "review", "INC-9")
    assert done.returncode == 2
    assert "There is no incident INC-9" in done.stderr

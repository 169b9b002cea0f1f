"""What the status page says of the parts of the service, of rights and apologies, and in which direction it is read."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.effects import CHANGED, GONE, SAME, Look, Withdraw
from engine.ports import Refused
from integrations.statuspage import Settings
from tests.unit.on_the_page import LANGUAGES, Words, at, page, post, read, send, update

DAY = 24 * 60


def states(folder: Path) -> dict[str, str]:
    told = json.loads(read(folder, "status.json"))["components"]
    return {component["id"]: component["state"] for component in told}


NORMAL = {
    "booking": "operational",
    "check_in": "operational",
    "website_and_app": "operational",
    "flights": "operational",
}


def test_components_stand_as_the_newest_word_says_and_are_well_again_when_it_is_over(tmp_path: Path) -> None:
    channel = page(tmp_path)
    channel.rebuild()
    assert states(tmp_path) == NORMAL
    send(channel, post(components={"booking": "major_outage", "check_in": "degraded"}))
    assert states(tmp_path) == {**NORMAL, "booking": "major_outage", "check_in": "degraded"}
    send(channel, update("Better.", 30, components={"booking": "partial_outage"}))
    assert states(tmp_path) == {**NORMAL, "booking": "partial_outage", "check_in": "degraded"}
    send(channel, update("All well.", 60, message="resolution", components={"check_in": "degraded"}))
    assert states(tmp_path) == NORMAL


def test_the_worst_of_the_live_disruptions_counts(tmp_path: Path) -> None:
    channel = page(tmp_path)
    for number, state in enumerate(("degraded", "major_outage", "operational"), 1):
        send(channel, post(statement=f"INC-1-{number}/a#1", components={"flights": state}))
    assert states(tmp_path)["flights"] == "major_outage"


def test_every_state_is_a_word_in_every_language(tmp_path: Path) -> None:
    send(page(tmp_path), post(components={"booking": "major_outage", "check_in": "partial_outage"}))
    for language, named in zip(LANGUAGES, ("Booking", "Boeken", "Reservas", "Reservas"), strict=True):
        text = " ".join(Words(read(tmp_path, f"index.{language}.html")).text.split())
        worst = {"en": "Severely disrupted", "nl": "Ernstig verstoord", "es": "Interrupción grave"}
        assert f"{named} {worst.get(language, 'Interrupção grave')}" in text


def test_nothing_is_called_normal_while_nobody_has_said_what_is_touched(tmp_path: Path) -> None:
    send(page(tmp_path), post(), post(statement="INC-1-b/a#1", components={"booking": "degraded"}))
    assert states(tmp_path) == {**dict.fromkeys(NORMAL, "unknown"), "booking": "degraded"}
    assert Words(read(tmp_path)).text.count("See the message") == 3


def test_a_drill_changes_nothing_and_is_shown_as_one(tmp_path: Path) -> None:
    drill = {"drill": True, "incident": "INC-2", "statement": "INC-2-d/a#1", "components": {"flights": "major_outage"}}
    send(page(tmp_path), post("[DRILL] x", **drill))
    assert states(tmp_path) == NORMAL
    assert "Drill: Severely disrupted" in Words(read(tmp_path)).text
    flights = json.loads(read(tmp_path, "status.json"))["components"][3]
    assert (flights["drill"], flights["days"]) == ("major_outage", {})


def test_a_component_remembers_its_days_for_ninety_days(tmp_path: Path) -> None:
    channel = page(tmp_path)
    long_ago = {"statement": "INC-1-old/a#1", "components": {"flights": "major_outage"}}
    send(channel, post("x", -95 * DAY, **long_ago))
    send(channel, post("x", -88 * DAY, **{**long_ago, "message": "resolution", "statement": "INC-1-old/b#1"}))
    three = {"statement": "INC-1-c/a#1", "components": {"booking": "degraded", "flights": "partial_outage"}}
    send(channel, post("x", -10 * DAY, **three))
    send(channel, post("x", -9 * DAY, statement="INC-1-c/b#1", components={"booking": "major_outage"}))
    send(channel, post("x", -8 * DAY, statement="INC-1-c/c#1", components={"booking": "operational"}))
    send(channel, post("x", -7 * DAY, statement="INC-1-c/d#1", message="resolution"))
    send(channel, post("x", 0, components={"check_in": "degraded"}))
    days = {c["id"]: c["days"] for c in json.loads(read(tmp_path, "status.json"))["components"]}
    assert days["booking"] == {"2026-11-12": "degraded", "2026-11-13": "major_outage", "2026-11-14": "major_outage"}
    assert days["check_in"] == {"2026-11-22": "degraded"}
    assert list(days["flights"]) == [
        "2026-08-25", "2026-08-26", "2026-11-12", "2026-11-13", "2026-11-14", "2026-11-15"
    ]  # fmt: skip
    assert "booking 2026-11-13 major_outage\n" in read(tmp_path, "components.txt")
    history = " ".join(Words(read(tmp_path, "history.en.html")).text.split())
    assert "Booking 3 days of 90 with a disruption 13 November 2026 – 14 November 2026: Severely disrupted" in history
    assert "Website and app 0 days of 90" in history


def test_an_afterword_marks_no_day(tmp_path: Path) -> None:
    send(page(tmp_path), post("x", -5 * DAY, components={"booking": "degraded"}))
    send(page(tmp_path), update("x", -4 * DAY, message="resolution"))
    send(page(tmp_path), update("Sorry.", 0, message="apology", components={"booking": "degraded"}))
    (days,) = [c["days"] for c in json.loads(read(tmp_path, "status.json"))["components"] if c["id"] == "booking"]
    assert list(days) == ["2026-11-17", "2026-11-18"]


def test_withdrawn_statements_say_nothing_of_components(tmp_path: Path) -> None:
    wrong = update("Wrong.", 30, components={"flights": "major_outage"})
    receipt = send(page(tmp_path), post(components={"booking": "degraded"}), wrong)
    page(tmp_path, at(40)).send(Withdraw(statement=wrong.statement, language="en", reason="x"), "w", receipt)
    assert states(tmp_path) == {**NORMAL, "booking": "degraded"}
    assert "flights" not in read(tmp_path, "components.txt")


def test_components_can_be_others_or_none_and_strange_ones_are_told(tmp_path: Path) -> None:
    other = page(tmp_path, components={"lounges": {"nl": "Lounges"}})
    send(other, post(components={"lounges": "degraded", "trains": "major_outage", "buses": "on fire"}))
    assert states(tmp_path) == {"lounges": "degraded", "trains": "major_outage"}
    assert [line.partition(",")[0] for line in other.check()] == [
        f"Statements speak of the component {name!r}" for name in ("buses", "buses=on fire", "trains")
    ]
    none = page(tmp_path, components={})
    none.rebuild()
    assert states(tmp_path) == {}
    assert "Our services" not in Words(read(tmp_path)).text
    assert none.check() == []
    with pytest.raises(ValidationError, match="has no name"):
        Settings(components={"lounges": {}})


# ---------------------------------------------------------------- rights and apologies


def test_rights_have_a_place_of_their_own_that_stays(tmp_path: Path) -> None:
    channel = page(tmp_path)
    right = {"message": "rights_eu", "next_update_at": None}
    send(
        channel,
        post(next_update_at=at(30)),
        post("Old rights.", 5, statement="INC-1-abc/r#1", **right),
        post("New rights.", 6, statement="INC-1-abc/r#2", **right),
        post("British rights.", 7, statement="INC-1-abc/r#3", **{**right, "message": "rights_uk"}),
    )
    index, own = Words(read(tmp_path)), read(tmp_path, "inc-1-abc.en.html")
    assert "We are aware." in index.text
    assert "rights." not in index.text
    assert "Next update by 05:40" in index.text
    assert ("a", {"href": "inc-1-abc.en.html#rights", "aria-describedby": "inc-1-abc"}) in index.tags
    section = Words(own[own.index('<section id="rights"') : own.index("</section>") + 10]).text
    assert "New rights." in section
    assert "British rights." in section
    assert "Old rights." not in section
    assert Words(own).text.count("Old rights.") == Words(own).text.count("New rights.") == 1


@pytest.mark.parametrize("message", ["apology", "rights_eu", "correction"])
@pytest.mark.parametrize("status", ["responding", "resolved"])
def test_an_afterword_does_not_reopen_a_disruption(tmp_path: Path, message: str, status: str) -> None:
    send(page(tmp_path), post(), update("All well.", 60, message="resolution"))
    send(page(tmp_path), update("We are sorry.", 600, message=message, status=status))
    assert "No disruptions reported" in Words(read(tmp_path)).text
    own = Words(read(tmp_path, "inc-1-abc.en.html")).text
    assert "Ended: 06:10 (05:10 UTC), 22 Nov" in own
    assert "We are sorry." in own
    (told,) = json.loads(read(tmp_path, "status.json"))["disruptions"]
    assert (told["current"], told["ended_at"]) == (False, "2026-11-22T05:10:00Z")


def test_an_apology_does_not_hide_the_news_and_a_new_word_reopens(tmp_path: Path) -> None:
    channel = page(tmp_path)
    send(channel, post(next_update_at=at(30)), update("Sorry.", 10, message="apology"))
    assert "We are aware." in read(tmp_path)
    assert "Next update by" in read(tmp_path)
    assert "Sorry." in read(tmp_path, "inc-1-abc.en.html")
    send(channel, update("All well.", 60, message="resolution"), update("It is back.", 70))
    assert "1 disruption now" in Words(read(tmp_path)).text
    assert "It is back." in read(tmp_path)


def test_a_closed_incident_stays_closed_when_only_an_apology_follows(tmp_path: Path) -> None:
    send(page(tmp_path), post(), update("Sorry.", 60, message="apology", status="resolved"))
    assert "No disruptions reported" in Words(read(tmp_path)).text


# ---------------------------------------------------------------- direction


def test_a_text_that_runs_from_right_to_left_says_so(tmp_path: Path) -> None:
    send(page(tmp_path, languages=("en", "ar")), post("AMS: الرحلات متوقفة", language="ar", title="رماد"))
    for name in ("index.en.html", "inc-1-abc.en.html", "index.ar.html"):
        tags = Words(read(tmp_path, name)).tags
        (text,) = (attrs for _, attrs in tags if attrs.get("class") == "text")
        assert (text.get("lang"), text.get("dir")) == ("ar", "rtl"), name
        assert ("span", {"lang": "ar", "dir": "rtl"}) in tags


# ---------------------------------------------------------------- looking at the web


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def carried(folder: Path) -> Iterator[str]:
    """A web server that carries a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_look_asks_the_public_address_when_it_is_told_to(tmp_path: Path) -> None:
    (public := tmp_path / "public").mkdir()
    with carried(public) as url:
        there = {"base_url": url, "look_at_url": True}
        folder = tmp_path / "status"
        receipt = send(page(folder, at(0), **there), post("We are aware."))

        def seen(now: datetime) -> str:
            return str(page(folder, now, **there).send(Look(text="We are aware."), "k", receipt).facts["seen"])

        assert seen(at(30)) == GONE
        assert seen(at(4)) == SAME, "the copy may still be on its way"
        for path in folder.glob("*.html"):
            (public / path.name).write_bytes(path.read_bytes())
        assert seen(at(30)) == SAME
        (public / "index.html").write_text(read(folder).replace("aware", "unaware"))
        assert seen(at(30)) == CHANGED
    with pytest.raises(Refused, match="does not answer") as refused:
        seen(at(30))
    assert not refused.value.permanent


def test_looking_at_the_address_needs_one() -> None:
    with pytest.raises(ValidationError, match="needs base_url"):
        Settings(look_at_url=True)

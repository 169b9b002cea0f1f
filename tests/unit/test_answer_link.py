"""The page on which a call-out is answered without Slack, as a browser or a link scanner asks for it."""

import logging
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from desk.api import build
from desk.inbox import Inbox
from desk.settings import load
from engine.callout import Answer
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import asked, asked_of, minutes, storm, under_way
from tests.unit.volunteers import someone

PEOPLE = (
    someone("ana", name="Ana <b>García", languages=("es", "en")),
    someone("bo", name="Bo Jansen", languages=("nl",)),
    someone("cy", name="Cy Young", languages=("pt",)),
    someone("dee", name="Dee Lee"),
    someone("eli", name="Eli Ray"),
)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with under_way(tmp_path, PEOPLE) as made:
        yield made


@pytest.fixture
def web(scene: Scene, tmp_path: Path) -> Iterator[TestClient]:
    app = build(scene.desk, load(home=tmp_path), Inbox(scene.desk))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def link(scene: Scene, person: str) -> str:
    return f"/a/{asked_of(scene, person).code}"


def read(page: httpx.Response) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", page.text, flags=re.S))


def test_looking_answers_nothing(web: TestClient, scene: Scene):
    before = asked_of(scene, "dee")
    for _ in range(3):
        assert web.get(link(scene, "dee")).status_code == 200
    web.get(f"{link(scene, 'dee')}?answer=yes")
    web.head(link(scene, "dee"))
    assert asked_of(scene, "dee") == before


def test_the_page_says_what_where_and_until_when(web: TestClient, scene: Scene):
    said = read(web.get(link(scene, "dee")))
    for part in (
        "Dee, can you help?",
        "Storm over the coast (INC-1, SEV2)",
        "07:10 (06:10 UTC), 22 Nov",
        "11:10 (10:10 UTC), 22 Nov (4 h)",
        "Crisis room",
        "Please answer by",
        "I can come",
        "Not this time",
    ):
        assert part in said, part


@pytest.mark.parametrize(
    ("person", "language", "words"),
    [
        ("ana", "es", ("¿puedes ayudar?", "Puedo ir", "Esta vez no", "22 nov")),
        ("bo", "nl", ("kun je helpen?", "Ik kan komen", "Deze keer niet", "22 nov")),
        ("cy", "en", ("can you help?", "I can come")),
    ],
)
def test_it_is_in_the_persons_language(web: TestClient, scene: Scene, person: str, language: str, words: tuple):
    page = web.get(link(scene, person))
    assert f'<html lang="{language}">' in page.text
    for word in words:
        assert word in read(page)


def test_names_are_no_markup(web: TestClient, scene: Scene):
    assert "<b>" not in web.get(link(scene, "ana")).text


def test_yes_takes_a_place_and_shows_the_briefing(web: TestClient, scene: Scene):
    page = web.post(link(scene, "dee"), data={"answer": "yes"})
    assert page.status_code == 200
    assert "We count on you." in read(page)
    assert "Private messages first." in read(page)
    there = asked_of(scene, "dee")
    assert (there.answer, there.answered_on) == (Answer.YES, "link")
    assert "I can't come after all" in read(web.get(link(scene, "dee")))
    web.post(link(scene, "dee"), data={"answer": "yes"})
    assert asked_of(scene, "dee") == there


def test_later_by_button_and_in_words(web: TestClient, scene: Scene):
    page = web.get(link(scene, "dee")).text
    values = re.findall(r'value="(later\|[^"]+)"', page)
    assert values == ["later|2026-11-22T07:10Z", "later|2026-11-22T08:10Z", "later|2026-11-22T09:10Z"]
    said = read(web.post(link(scene, "dee"), data={"answer": values[1]}))
    assert "you can come later" in said
    assert "09:10 (08:10 UTC), 22 Nov" in said
    web.post(link(scene, "bo"), data={"text": "om 10 uur"})
    assert [asked_of(scene, key).comes_at for key in ("dee", "bo")] == [
        scene.clock.now() + minutes(240),
        scene.clock.now() + minutes(290),
    ]


def test_no_and_for_how_long_not(web: TestClient, scene: Scene):
    said = read(web.post(link(scene, "dee"), data={"answer": "no"}))
    assert "you can't come this time" in said
    assert "Not again for a week" in said
    said = read(web.post(link(scene, "dee"), data={"answer": "quiet|7d"}))
    assert "you are not called before 05:10 (04:10 UTC), 29 Nov" in said
    person = scene.desk.person("dee")
    assert person
    assert person.quiet_until == scene.clock.now() + minutes(7 * 24 * 60)


@pytest.mark.parametrize(
    "form",
    [
        {"text": "banana"},
        {"text": ""},
        {},
        {"answer": "quiet|3000d"},
        {"answer": "maybe"},
        {"answer": ""},
        {"answer": "yes|x|y", "text": "y" * 400, "more": "1"},
    ],
)
def test_what_is_no_answer_changes_nothing(web: TestClient, scene: Scene, form: dict):
    before = asked_of(scene, "dee")
    page = web.post(link(scene, "dee"), data=form)
    assert page.status_code == 200
    if form.get("answer", "").startswith("yes"):
        assert asked_of(scene, "dee").answer is Answer.YES
        return
    assert asked_of(scene, "dee") == before
    assert "not understood" in read(page)


@pytest.mark.parametrize("at", ["2026-13-45T99:99Z", "tomorrow", "2026-11-22T07:10", "2020-01-01T00:00Z"])
def test_a_forged_time_asks_when(web: TestClient, scene: Scene, at: str):
    before = asked_of(scene, "dee")
    assert "From when can you come?" in read(web.post(link(scene, "dee"), data={"answer": f"later|{at}"}))
    assert asked_of(scene, "dee") == before


def test_beyond_the_quota_is_the_waiting_list(web: TestClient, scene: Scene):
    for key in ("ana", "bo", "cy"):
        web.post(link(scene, key), data={"answer": "yes"})
        assert not asked_of(scene, key).too_late
    assert "on the waiting list" in read(web.post(link(scene, "dee"), data={"answer": "yes"}))
    assert asked_of(scene, "dee").too_late


def test_what_is_over_is_gone(web: TestClient, scene: Scene):
    address = link(scene, "dee")
    scene.desk.stand_down("INC-1", "dm", "false alarm")
    before = asked_of(scene, "dee")
    for page in (web.get(address), web.post(address, data={"answer": "yes"})):
        assert page.status_code == 410
        assert "this is over" in read(page)
        assert "<form" not in page.text
    assert asked_of(scene, "dee").answer is before.answer


@pytest.mark.parametrize("code", ["ABCDEFGHIJ", "x", "%00", "a" * 500, "..%2f..%2fetc", "ABCDEFGHI1"])
def test_unknown_codes_say_nothing(web: TestClient, scene: Scene, code: str):
    for page in (web.get(f"/a/{code}"), web.post(f"/a/{code}", data={"answer": "yes"})):
        assert page.status_code == 404
        assert "Storm" not in page.text


def test_the_unknown_page_is_in_the_browsers_language(web: TestClient):
    for header, words in [("nl-NL,nl;q=0.9,en;q=0.8", "niet bekend"), ("es", "no se conoce"), ("fr", "not known")]:
        assert words in web.get("/a/x", headers={"Accept-Language": header}).text


def test_a_guesser_is_turned_away_even_with_a_right_code(web: TestClient, scene: Scene):
    for number in range(30):
        assert web.get(f"/a/wrong{number}").status_code == 404
    assert web.get("/a/wrong").status_code == 429
    page = web.post(link(scene, "dee"), data={"answer": "yes"})
    assert page.status_code == 429
    assert asked_of(scene, "dee").answer is Answer.NONE


def test_right_codes_are_never_too_many(web: TestClient, scene: Scene):
    assert {web.get(link(scene, "dee")).status_code for _ in range(40)} == {200}


def test_headers_keep_the_code_private(web: TestClient, scene: Scene):
    for page in (web.get(link(scene, "dee")), web.get("/a/x"), web.post(link(scene, "dee"), data={"answer": "no"})):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in page.headers["x-robots-tag"]
        policy = page.headers["content-security-policy"]
        style = re.search(r"<style>(.*?)</style>", page.text, re.S)
        assert style
        assert b64encode(sha256(style[1].encode()).digest()).decode() in policy
        assert policy.startswith("default-src 'none';")
        assert "script" not in page.text
        assert len(page.content) < 30_000


def test_a_form_that_is_too_large_is_refused(web: TestClient, scene: Scene):
    assert web.post(link(scene, "dee"), content=b"text=" + b"y" * 20_000).status_code == 413
    assert asked_of(scene, "dee").answer is Answer.NONE


def test_nothing_personal_is_logged(web: TestClient, scene: Scene, caplog: pytest.LogCaptureFixture):
    codes = [one.code for one in asked(scene)]
    with caplog.at_level(logging.INFO):
        web.post(link(scene, "dee"), data={"answer": "yes"})
        web.post(link(scene, "eli"), data={"text": "banana"})
        web.get("/a/ABCDEFGHIJ")
    ours = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith("httpx"))
    for word in (*codes, "ABCDEFGHIJ", "Dee", "banana"):
        assert word not in ours


def test_a_drill_is_marked(tmp_path: Path):
    with storm(tmp_path, PEOPLE) as scene:
        scene.desk.declare("storm", facts={}, by="dm", drill=True)
        scene.settle()
        app = build(scene.desk, load(home=tmp_path), Inbox(scene.desk))
        with TestClient(app) as web:
            page = web.get(link(scene, "bo"))
            assert "OEFENING" in read(page)
            assert "<title>OEFENING" in page.text


def test_an_extra_shift_has_its_hours(web: TestClient, scene: Scene):
    from engine.change import Change

    there = asked_of(scene, "dee")
    callout = next(one for one in scene.desk.snapshot("INC-1").callouts if one.key == there.callout)
    shift = {"step": "planned#1", "key": "INC-1-x/planned#1", "version": 0}
    offered = {"callout": shift["key"], "key": f"{shift['key']}/dee", "code": "ABCDEFGHIJ", "version": 0}
    scene.desk.store.apply(Change(records=(callout.model_copy(update=shift), there.model_copy(update=offered))))
    page = web.get("/a/ABCDEFGHIJ")
    assert page.status_code == 200
    assert "later|" not in page.text


# ---------------------------------------------------------------- at the end of the hours


def at_the_end(scene: Scene, person: str) -> None:
    """Somebody comes, and their hours go by until they are asked what is still open."""
    invitation = asked_of(scene, person)
    who = next(one for one in scene.desk.everybody() if one.key == person)
    scene.desk.answer(invitation.key, Answer.YES, who, on="link")
    scene.pass_time(minutes=5 * 60 + 54)


def test_what_is_still_open_is_handed_over_by_the_link(web: TestClient, scene: Scene):
    at_the_end(scene, "dee")
    page = web.get(link(scene, "dee"))
    assert "What is still open?" in read(page)
    answered = web.post(link(scene, "dee"), data={"handover": "The family at gate D7 waits for a hotel."})
    assert answered.status_code == 200
    assert asked_of(scene, "dee").handover == "The family at gate D7 waits for a hotel."
    assert "What is still open?" not in read(answered)


def test_the_debrief_is_answered_by_the_link_after_the_hours(web: TestClient, scene: Scene):
    at_the_end(scene, "dee")
    scene.pass_time(minutes=10)
    page = web.get(link(scene, "dee"))
    assert (page.status_code, page.text.count('name="prepared"')) == (200, 5)
    assert "Dee: your hours are over" in read(page)
    done = web.post(link(scene, "dee"), data={"prepared": "4", "different": "More headsets"})
    assert asked_of(scene, "dee").debrief == {"prepared": "4", "different": "More headsets"}
    assert done.status_code == 410, "now there is nothing to answer any more"


def test_who_never_came_is_asked_nothing_afterwards(web: TestClient, scene: Scene):
    scene.pass_time(minutes=6 * 60)
    assert web.get(link(scene, "dee")).status_code == 410

"""The page to answer a call-out on, in a real browser: on a phone, for screen readers, without script."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe

from desk.api import build
from desk.inbox import Inbox
from desk.settings import load
from engine.callout import Answer
from engine.change import Change
from tests.peers import outward
from tests.peers.programs import free_port
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import asked_of, storm
from tests.unit.volunteers import someone

pytestmark = pytest.mark.peers

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = "Wilhelmina-Antoinette-Donaudampfschifffahrtsgesellschaft"
PEOPLE = (
    someone("ana", name="Ana García", languages=("es", "en")),
    someone("bo", name=f"{LONG} Jansen", languages=("nl",)),
    someone("cy", name="Cy Young"),
    someone("dee", name="Dee Lee"),
    someone("eli", name="Eli Ray"),
    someone("fay", name="Fay Wray"),
)
STATES = {"open": "ana", "yes": "bo", "no": "cy", "later": "dee", "waiting": "eli", "reply": "fay"}
"""State of the page → whose it is."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with storm(tmp_path_factory.mktemp("storm"), PEOPLE) as made:
        made.desk.declare("storm", facts={}, by="dm", drill=True)
        settling = threading.Thread(target=made.settle)  # Playwright has a loop of its own in this thread
        settling.start()
        settling.join()
        yield made


@pytest.fixture(scope="module")
def site(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application, served."""
    port = free_port()
    app = build(scene.desk, load(home=tmp_path_factory.mktemp("site")), Inbox(scene.desk))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    outward.until("the server listens", lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def answered(scene: Scene) -> None:
    """Everybody stands as STATES says, the last after there were enough."""

    def say(person: str, given: str, **more: object) -> None:
        there = scene.desk.person(person)
        assert there
        scene.desk.answer(asked_of(scene, person).key, Answer(given), there, **more)

    say("bo", "yes")
    say("cy", "no")
    later = scene.desk.snapshot("INC-1").callouts[0].starts_at.replace(minute=40)
    say("dee", "later", comes_at=later)
    callout = scene.desk.snapshot("INC-1").callouts[0]
    scene.desk.store.apply(Change(records=(callout.model_copy(update={"quota": callout.accepted}),)))
    say("eli", "yes")


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab as wide as a phone, with script switched off."""
    scheme = getattr(request, "param", "light")
    size = {"width": 360, "height": 740}
    context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def watched(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The same with script, which axe and measuring need."""
    scheme = getattr(request, "param", "light")
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, bypass_csp=True)
    yield context.new_page()
    context.close()


def link(site: str, scene: Scene, state: str) -> str:
    return f"{site}/a/{asked_of(scene, STATES[state]).code}"


def go(page: Any, site: str, scene: Scene, state: str) -> None:
    page.goto(link(site, scene, state))
    if state == "reply":
        page.get_by_role("textbox").fill("banana")
        page.get_by_role("textbox").press("Enter")
        page.get_by_role("status").wait_for()


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize("watched", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(watched: Any, site: str, scene: Scene, state: str) -> None:
    go(watched, site, scene, state)
    found = Axe().run(watched, options={**RULES, "resultTypes": ["violations", "passes"]})
    assert found.violations_count == 0, found.generate_report()
    checked = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "html-has-lang", "landmark-one-main", "page-has-heading-one", "label"} <= checked


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize("state", STATES)
def test_it_fits_a_phone_and_a_thumb(watched: Any, site: str, scene: Scene, state: str) -> None:
    go(watched, site, scene, state)
    assert watched.evaluate("document.documentElement.scrollWidth") == 360
    heights = "[...document.querySelectorAll('button, input')].map(each => each.getBoundingClientRect().height)"
    assert min(watched.evaluate(heights)) >= 44
    assert watched.evaluate("parseFloat(getComputedStyle(document.querySelector('input')).fontSize)") >= 16


def test_the_refusal_is_clean_too(watched: Any, site: str) -> None:
    watched.goto(f"{site}/a/nobody")
    found = Axe().run(watched, options=RULES)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.usefixtures("answered")
def test_one_press_answers_without_script(tab: Any, site: str, scene: Scene) -> None:
    tab.goto(link(site, scene, "open"))
    assert asked_of(scene, "ana").answer is Answer.NONE
    tab.get_by_role("button", name="Esta vez no").click()
    tab.get_by_role("heading", name="Ana, esta vez no puedes venir.").wait_for()
    assert asked_of(scene, "ana").answer is Answer.NO
    tab.get_by_role("button", name="semana").click()
    tab.get_by_role("status").wait_for()
    person = scene.desk.person("ana")
    assert person
    assert person.quiet_until
    tab.reload()
    assert asked_of(scene, "ana").answer is Answer.NO


def test_it_loads_nothing_from_anywhere_and_breaks_no_rule_of_its_own(browser: Any, site: str, scene: Scene) -> None:
    context = browser.new_context()
    page = context.new_page()
    loaded: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    address = link(site, scene, "reply")
    page.goto(address)
    ground = page.evaluate("getComputedStyle(document.querySelector('.yes')).backgroundColor")
    context.close()
    assert loaded == [address]
    assert said == []
    assert ground == "rgb(27, 110, 60)"  # the policy lets our own style in


def test_the_keyboard_reaches_the_answer_first(watched: Any, site: str, scene: Scene) -> None:
    watched.goto(link(site, scene, "reply"))
    watched.keyboard.press("Tab")
    assert watched.evaluate("document.activeElement.textContent") == "I can come"
    width = watched.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(width.removesuffix("px")) >= 2


@pytest.mark.usefixtures("answered")
def test_the_questions_after_the_hours_are_clean_too(watched: Any, site: str, scene: Scene) -> None:
    there, now = asked_of(scene, "bo"), scene.clock.now()
    after = {"begins_at": now - timedelta(hours=4), "released_at": now, "thanked_at": now}
    scene.desk.store.apply(Change(records=(there.model_copy(update=after),)))
    watched.goto(f"{site}/a/{there.code}")
    assert watched.locator("input[name=prepared]").count() == 5
    found = Axe().run(watched, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert watched.evaluate("document.documentElement.scrollWidth") <= 360

"""The status page in a real browser: for screen readers, on a phone, in the dark."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from engine.effects import Post
from integrations.statuspage import Settings, connect

pytestmark = pytest.mark.peers

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = "https://airline.example/" + "a-very-long-address-without-a-break/" * 4
PAGES = ["index.en.html", "index.nl.html", "inc-1-a.es.html", "inc-2-b.en.html", "history.en.html"]


def post(number: int, key: str, language: str, **more: object) -> Post:
    plain = {"incident": f"INC-{number}", "title": "IT outage", "severity": f"SEV{number}", "language": language}
    rest = {"message": "holding", "status": "responding", "drafted_at": NOW, "text": f"First line.\n\nSee {LONG}."}
    return Post.model_validate({**plain, **rest, "statement": f"INC-{number}-{key}/first_word#1", **more})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it: four severities, a drill, one that is over, one said in English only."""
    root = tmp_path_factory.mktemp("status")
    channel = connect(Settings(folder=root, title="Polder Airways", help_url="https://a.example/help"))
    posts = [post(1, "a", language, next_update_at=NOW + timedelta(minutes=30)) for language in ("en", "nl", "es")]
    posts += [post(2, "b", "en", drill=True), post(3, "c", "en"), post(4, "d", "en")]
    posts += [post(1, "e", "en", status="resolved", message="resolution")]
    for each in posts:
        channel.send(each, f"{each.statement}/{each.language}")
    return root


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab as wide as a phone."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=getattr(request, "param", "light")
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("tab", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(tab: Any, folder: Path, name: str) -> None:
    tab.goto((folder / name).as_uri())
    found = Axe().run(tab, options={**RULES, "resultTypes": ["violations", "passes"]})
    assert found.violations_count == 0, found.generate_report()
    checked = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "html-has-lang", "landmark-one-main", "page-has-heading-one"} <= checked


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_never_scrolls_sideways_and_links_are_large_enough_to_touch(tab: Any, folder: Path, name: str) -> None:
    tab.goto((folder / name).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)") >= 14
    heights = "[...document.querySelectorAll('nav a, footer a')].map(a => a.getBoundingClientRect().height)"
    assert min(tab.evaluate(heights)) >= 24


def test_it_works_without_script_and_asks_nobody_else(tab: Any, folder: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    url = (folder / "index.html").as_uri()
    tab.goto(url)
    assert asked == [url]
    assert said == []


def test_languages_are_one_click_away(tab: Any, folder: Path) -> None:
    tab.goto((folder / "inc-1-a.en.html").as_uri())
    tab.get_by_role("link", name="Nederlands").click()
    assert tab.url.endswith("inc-1-a.nl.html")
    assert tab.evaluate("document.documentElement.lang") == "nl"
    assert tab.get_by_role("link", name="Nederlands").get_attribute("aria-current") == "page"


def test_a_screen_reader_meets_the_news_in_order(tab: Any, folder: Path) -> None:
    tab.goto((folder / "index.en.html").as_uri())
    headings = tab.get_by_role("heading").all_inner_texts()
    assert headings == ["3 disruptions now", "IT outage", "IT outage", "IT outage", "IT outage", "Earlier"]
    assert tab.get_by_role("article").count() == 4
    assert tab.get_by_role("main").count() == 1
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "To the content"


def test_dark_is_dark(browser: Any, folder: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto((folder / "index.html").as_uri())
        grounds.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        context.close()
    light, dark = (sum(map(int, ground[4:-1].split(","))) for ground in grounds)
    assert light > 650
    assert dark < 120

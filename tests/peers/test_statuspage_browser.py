"""The status page in a real browser: for screen readers, on a phone, in the dark."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from engine.effects import Amend, Post, Receipt, Withdraw
from integrations.statuspage import Settings, connect
from integrations.statuspage.channel import StatusPage

pytestmark = pytest.mark.peers

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = "https://airline.example/" + "a-very-long-address-without-a-break/" * 4
PAGES = {
    "index": "index.en.html",
    "index in Portuguese": "index.pt.html",
    "disruption, corrected, with rights": "inc-1-a.es.html",
    "earlier messages": "inc-1-a.earlier-1.nl.html",
    "drill": "inc-2-b.en.html",
    "right to left": "inc-3-c.en.html",
    "all withdrawn": "inc-5-f.en.html",
    "over, with an apology": "inc-6-e.en.html",
    "history": "history.en.html",
}
COMPONENTS = {"booking": "major_outage", "check_in": "partial_outage", "website_and_app": "degraded"}

pages = pytest.mark.parametrize("name", PAGES.values(), ids=PAGES.keys())


def post(number: int, key: str, language: str, step: str = "first_word#1", **more: object) -> Post:
    plain = {"incident": f"INC-{number}", "title": "IT outage", "severity": f"SEV{min(number, 4)}"}
    rest = {"message": "holding", "status": "responding", "drafted_at": NOW, "text": f"First line.\n\nSee {LONG}."}
    return Post.model_validate(
        {**plain, **rest, "language": language, "statement": f"INC-{number}-{key}/{step}", **more}
    )


def send(channel: StatusPage, *posts: Post) -> list[Receipt]:
    return [channel.send(each, f"{each.statement}/{each.language}") for each in posts]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it: long days, a correction, withdrawals, a drill, rights, Arabic, what is over."""
    root = tmp_path_factory.mktemp("status")
    settings = Settings(folder=root, title="Polder Airways", help_url="https://a.example/help")
    channel = connect(settings, lambda: NOW + timedelta(hours=12))
    languages = settings.languages
    send(channel, *(post(1, "a", language, components=COMPONENTS) for language in languages))
    for hour in range(1, 10):
        told = {"message": "update", "drafted_at": NOW + timedelta(hours=hour), "text": "A long day. " * 130}
        posts = [post(1, "a", language, f"next#{hour}", **told) for language in languages]
        receipts = send(channel, *posts)
    for one, receipt in zip(posts, receipts, strict=True):
        right = one.model_copy(update={"text": f"Right words. {LONG}", "next_update_at": NOW + timedelta(hours=13)})
        channel.send(Amend(post=right), f"c/{one.language}", receipt)
    told = {"message": "update", "drafted_at": NOW + timedelta(hours=10)}
    wrong = [post(1, "a", language, "next#10", **told) for language in languages]
    wrong.append(post(5, "f", "en"))
    for one, receipt in zip(wrong, send(channel, *wrong), strict=True):
        channel.send(Withdraw(statement=one.statement, language=one.language, reason=""), f"w/{receipt.id}", receipt)
    send(channel, *(post(1, "a", language, "rights#1", message="rights_eu") for language in languages))
    send(channel, post(2, "b", "en", drill=True, components={"flights": "major_outage"}))
    send(channel, post(3, "c", "ar", title="رماد", text="الرحلات متوقفة في AMS."), post(4, "d", "en"))
    over = {"status": "resolved", "drafted_at": NOW + timedelta(hours=1)}
    send(channel, post(6, "e", "en"), post(6, "e", "en", "all_clear#1", message="resolution", **over))
    send(channel, post(6, "e", "en", "sorry#1", message="apology", **{**over, "drafted_at": NOW + timedelta(hours=2)}))
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
@pages
def test_axe_finds_nothing(tab: Any, folder: Path, name: str) -> None:
    tab.goto((folder / name).as_uri())
    found = Axe().run(tab, options={**RULES, "resultTypes": ["violations", "passes"]})
    assert found.violations_count == 0, found.generate_report()
    checked = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "html-has-lang", "landmark-one-main", "page-has-heading-one"} <= checked


@pages
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


@pages
def test_no_page_is_heavy_or_needs_script(folder: Path, name: str) -> None:
    html = (folder / name).read_bytes()
    assert len(html) < 30_000
    assert b"<script" not in html


@pages
@pytest.mark.parametrize("zoom", [1, 4], ids=["320 px", "1280 px at 400 %"])
def test_nothing_scrolls_sideways_on_the_narrowest_screen(browser: Any, folder: Path, name: str, zoom: int) -> None:
    """WCAG 1.4.10: 320 CSS pixels, which is what 1280 become at 400 %."""
    context = browser.new_context(viewport={"width": 320, "height": 256}, device_scale_factor=zoom)
    tab = context.new_page()
    tab.goto((folder / name).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == 320
    wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 321 && "
    wide += "!e.closest('.skip')).map(e => e.outerHTML.slice(0, 80))"
    assert tab.evaluate(wide) == []
    context.close()


def test_larger_letters_alone_lose_nothing(browser: Any, folder: Path) -> None:
    """WCAG 1.4.4: text at 200 % on a phone, as set in the browser."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    tab = context.new_page()
    tab.goto((folder / "inc-1-a.en.html").as_uri())
    tab.evaluate("document.documentElement.style.fontSize = '34px'")
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    context.close()


def test_a_text_from_right_to_left_stands_on_the_right(tab: Any, folder: Path) -> None:
    tab.goto((folder / "inc-3-c.en.html").as_uri())
    text = tab.locator(".text")
    assert (text.get_attribute("lang"), text.get_attribute("dir")) == ("ar", "rtl")
    assert tab.evaluate("getComputedStyle(document.querySelector('.text p')).direction") == "rtl"
    right = "(() => { const r = document.createRange(); r.selectNodeContents(document.querySelector('.text p'));"
    right += (
        "return r.getBoundingClientRect().right - document.querySelector('.text').getBoundingClientRect().right })()"
    )
    assert abs(tab.evaluate(right)) < 2
    assert tab.evaluate("getComputedStyle(document.body).direction") == "ltr"


def test_a_screen_reader_hears_states_corrections_and_the_earlier_wording(tab: Any, folder: Path) -> None:
    tab.goto((folder / "index.en.html").as_uri())
    services = tab.get_by_role("region", name="Our services now").get_by_role("listitem").all_inner_texts()
    told = [" ".join(each.split()) for each in services]
    assert told[0] == "Booking Severely disrupted"
    assert told[3] == "Flights See the message Drill: Severely disrupted"
    tab.get_by_role("link", name="Your rights", exact=True).click()
    assert tab.url.endswith("inc-1-a.en.html#rights")
    assert tab.get_by_role("region", name="Your rights").is_visible()
    newest = tab.get_by_role("article").nth(1)
    assert newest.get_by_role("heading").all_inner_texts()[1] == "Earlier wording"
    assert "Corrected" in newest.inner_text()
    assert "withdrawn at" in tab.get_by_role("article").first.inner_text()


def test_languages_are_one_click_away(tab: Any, folder: Path) -> None:
    tab.goto((folder / "inc-1-a.en.html").as_uri())
    tab.get_by_role("link", name="Nederlands").click()
    assert tab.url.endswith("inc-1-a.nl.html")
    assert tab.evaluate("document.documentElement.lang") == "nl"
    assert tab.get_by_role("link", name="Nederlands").get_attribute("aria-current") == "page"


def test_a_screen_reader_meets_the_news_in_order(tab: Any, folder: Path) -> None:
    tab.goto((folder / "index.en.html").as_uri())
    headings = tab.get_by_role("heading").all_inner_texts()
    outages = ["IT outage", "رماد", "IT outage", "IT outage"]
    assert headings == ["3 disruptions now", *outages, "Our services now", "Earlier"]
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

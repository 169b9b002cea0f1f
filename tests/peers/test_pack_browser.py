"""The pack's page in a real browser: for screen readers, on a phone, on paper, from right to left, without script."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from desk.pack_page import page
from desk.packing import gather
from tests.unit.packed import Records, effect, statement, wording

pytestmark = pytest.mark.peers

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = "https://airline.example/" + "a-very-long-address-without-a-break/" * 6
HOSTILE = '<script>document.title = "changed"</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of every state, one of a drill with words that would do harm, one of which nothing was said."""
    root, mark = tmp_path_factory.mktemp("pages"), f"SHA256:{'a1' * 32}"
    text = wording("slack", "en", f"{HOSTILE} {LONG}")
    hostile = statement(9, "first_word#9", text, rejected_because=HOSTILE, withdrawn_because=HOSTILE)
    harm = effect(hostile, text, 4, receipt={"id": HOSTILE, "url": "javascript:document.title='changed'"})
    records = {
        "whole": Records(),
        "drill": Records([hostile], [harm], title=HOSTILE, drill=True, status="resolved"),
        "empty": Records([], []),
    }
    for name, each in records.items():
        document, lines = gather(each, "INC-1")
        (root / f"{name}.html").write_text(page(document, lines, mark), encoding="utf-8")
    return root


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab as wide as a phone. The page's own policy lets no script in: axe needs a way around it."""
    scheme = getattr(request, "param", "light")
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("tab", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("name", ["whole", "drill", "empty"])
def test_axe_finds_nothing(tab: Any, folder: Path, name: str) -> None:
    tab.goto((folder / f"{name}.html").as_uri())
    found = Axe().run(tab, options={**RULES, "resultTypes": ["violations", "passes"]})
    assert found.violations_count == 0, found.generate_report()
    checked = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "html-has-lang", "landmark-one-main", "page-has-heading-one"} <= checked
    if name == "whole":
        assert {"valid-lang", "scrollable-region-focusable", "link-name"} <= checked


@pytest.mark.parametrize("name", ["whole", "drill", "empty"])
def test_a_phone_never_scrolls_sideways(tab: Any, folder: Path, name: str) -> None:
    tab.goto((folder / f"{name}.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_a_text_is_read_in_its_own_direction(tab: Any, folder: Path) -> None:
    tab.goto((folder / "whole.html").as_uri())
    direction = "text => getComputedStyle(document.querySelector(`blockquote[lang=${text}]`)).direction"
    assert tab.evaluate(direction, "ar") == "rtl"
    assert tab.evaluate(direction, "es") == "ltr"


def test_it_runs_nothing_and_loads_nothing(browser: Any, folder: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    url = (folder / "drill.html").as_uri()
    page.goto(url)
    assert page.title() == f"DRILL · INC-1 {HOSTILE} · what was said"
    assert page.locator("main script, main img").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert asked == [url]
    context.close()


def test_on_paper_nothing_is_cut_off(browser: Any, folder: Path) -> None:
    """A4 with margins of a centimetre is 718 px wide at 96 dpi; what is wider than its place would be lost."""
    context = browser.new_context(viewport={"width": 718, "height": 1047})
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto((folder / "whole.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    wide = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth).length"
    assert page.evaluate(wide) == 0
    assert page.pdf(format="A4").startswith(b"%PDF")
    context.close()

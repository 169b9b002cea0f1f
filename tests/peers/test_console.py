"""The console in a real browser: with the keyboard's ways, on a phone, for screen readers, without script."""

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe

from desk import speaking
from desk.api import build
from desk.auth import make_token
from desk.inbox import Inbox
from desk.people import import_people
from desk.settings import load
from engine.people_file import read
from tests.peers import outward
from tests.peers.programs import free_port
from tests.scenarios.conftest import Scene
from tests.unit.callout_desk import opened

pytestmark = pytest.mark.peers

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = {
    "board": "/console",
    "incident": "/console/incidents/INC-1",
    "waiting": "/console/statements/ST-2",
    "live": "/console/statements/ST-1",
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, root: Any) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("console")
    shutil.copytree(root / "playbooks", home / "playbooks")
    with opened(home) as made:
        import_people(made.crew.store, read(root / "examples" / "people.csv"))
        made.declare("it-outage", stations="AMS", detail_en="Check-in works at AMS only")
        made.desk.approve("ST-1", "clara", ("comms_lead",))
        made.settle()
        speaking.draft(made.desk, "INC-1", "update", "clara")
        made.settle()
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
def token(scene: Scene) -> str:
    return make_token(scene.desk.store, "clara", "approver", scene.clock.now())


def entered(browser: Any, site: str, token: str, **more: Any) -> Any:
    context = browser.new_context(java_script_enabled=True, **more)
    page = context.new_page()
    page.goto(f"{site}/console")
    page.get_by_label("Your token").fill(token)
    page.get_by_role("button", name="Log in").click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_no_violations(browser: Any, site: str, token: str, name: str, scheme: str) -> None:
    page = entered(browser, site, token, color_scheme=scheme, bypass_csp=True)
    page.goto(site + PAGES[name])
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    page.context.close()


def test_the_login_has_no_violations(browser: Any, site: str) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{site}/console/login")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_sideways_scrolling(browser: Any, site: str, token: str, name: str) -> None:
    page = entered(browser, site, token, viewport={"width": 320, "height": 700})
    page.goto(site + PAGES[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.context.close()


def test_words_are_changed_and_approved_in_the_browser(browser: Any, site: str, token: str, scene: Scene) -> None:
    page = entered(browser, site, token)
    page.goto(f"{site}/console/statements/ST-2")
    box = page.get_by_label("in en").first
    box.fill(box.input_value().replace("Update,", "News,", 1))
    page.get_by_role("button", name="Approve these words").click()
    assert "ST-2 is approved" in page.get_by_role("status").inner_text()
    scene.settle()
    changed = [text for text in scene.desk.statement("ST-2").texts if text.text.startswith("News,")]
    assert changed
    sent = [post.text for post in scene.facebook.all("post") if (post.message, post.language) == ("update", "en")]
    assert sent[0].startswith("News,")
    page.context.close()

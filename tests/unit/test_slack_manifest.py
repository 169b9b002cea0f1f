"""The Slack app manifest asks for what the code uses, no more, and the guide says what for."""

from pathlib import Path

import pytest
import yaml

from integrations.slack import Settings
from integrations.slack.checkup import SCOPES


@pytest.fixture
def manifest(root: Path) -> dict:
    return yaml.safe_load((root / "integrations/slack/manifest.yaml").read_text())


@pytest.fixture
def guide(root: Path) -> str:
    return (root / "docs/slack.md").read_text()


def test_the_scopes_are_those_that_check_looks_for(manifest: dict):
    assert manifest["oauth_config"]["scopes"] == {"bot": sorted(SCOPES)}


def test_buttons_commands_and_home_come_in(manifest: dict):
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened", "message.im"]
    assert [each["command"] for each in manifest["features"]["slash_commands"]] == ["/irrops"]
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,  # else nobody can write to the app
    }


def test_a_mention_in_a_command_comes_as_an_id(manifest: dict):
    (command,) = manifest["features"]["slash_commands"]
    assert command["should_escape"] is True


def test_slack_would_take_it(manifest: dict):
    """Lengths: https://docs.slack.dev/reference/app-manifest."""
    display = manifest["display_information"]
    assert len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert 174 <= len(display["long_description"]) <= 4000
    assert len(manifest["features"]["slash_commands"][0]["usage_hint"]) <= 1000
    assert len(manifest["features"]["bot_user"]["display_name"]) <= 80


@pytest.mark.parametrize("scope", SCOPES)
def test_the_guide_says_what_a_scope_is_for(guide: str, scope: str):
    assert f"| `{scope}` | {SCOPES[scope]} |" in guide


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_guide_explains_a_setting(guide: str, name: str):
    assert f"`{name}`" in guide
    assert Settings.model_fields[name].description

"""What a person can use is documented: a CLI verb, a setting, an action, a playbook key, or this fails."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main
from pydantic import BaseModel

from desk.cli import app
from desk.settings import Settings
from engine import playbook as playbooks
from engine.actions import ACTIONS
from engine.correlation import Alert
from engine.plan import NAMES
from engine.playbook import keys_of


@pytest.fixture(scope="module")
def handbook(root: Path) -> str:
    """README and docs as one text."""
    return "\n".join(path.read_text() for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))])


def verbs(command: click.Command, path: str = "irrops") -> Iterator[str]:
    commands = getattr(command, "commands", None)
    if commands is None:
        yield path
        return
    for name, one in commands.items():
        yield from verbs(one, f"{path} {name}")


VERBS = sorted(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(handbook: str, verb: str) -> None:
    assert verb in handbook, f"add `{verb}` to docs/cli.md"


def test_every_verb_has_help(root: Path) -> None:
    def check(command: click.Command, path: str) -> None:
        assert command.help, f"{path} has no help"
        for name, one in getattr(command, "commands", {}).items():
            check(one, f"{path} {name}")

    check(typer.main.get_command(app), "irrops")


def names_of(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from names_of(kind, f"{prefix}{name.upper()}_")
        else:
            yield f"{prefix}{name.upper()}"


@pytest.mark.parametrize("name", sorted(names_of(Settings, "IRROPS_")))
def test_every_setting_is_documented(root: Path, name: str) -> None:
    assert f"`{name}`" in (root / "docs" / "settings.md").read_text(), f"add `{name}` to docs/settings.md"


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_and_its_parameters_are_documented(root: Path, name: str) -> None:
    text = (root / "docs" / "playbooks.md").read_text()
    assert f"`{name}`" in text
    for parameter, field in ACTIONS[name].Params.model_fields.items():
        assert f"`{field.alias or parameter}`" in text, f"{name}: {parameter}"
        assert field.description, f"{name}: {parameter} has no description"


@pytest.mark.parametrize("model", ["Playbook", "Step", "Approval", "Trigger", "Surge", "Briefing", "Fact"])
def test_every_playbook_key_is_documented(root: Path, model: str) -> None:
    text = (root / "docs" / "playbooks.md").read_text()
    for key in keys_of(getattr(playbooks, model)):
        assert f"`{key}`" in text, f"{model}: {key}"


def test_what_expressions_may_speak_of_is_documented(root: Path) -> None:
    text = (root / "docs" / "playbooks.md").read_text()
    for name in NAMES:
        assert f"`{name}" in text, name
    alerts = (root / "docs" / "alerts.md").read_text()
    for field in Alert.model_fields:
        assert f"`alert.{field}`" in alerts, field

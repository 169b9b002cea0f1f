"""Imports go one way: desk → flows → state, integrations → engine. State and integrations never meet."""

import ast
from pathlib import Path

import pytest

ALLOWED = {
    "engine": {"engine"},
    "state": {"state", "engine"},
    "integrations": {"integrations", "engine"},
    "flows": {"flows", "state", "integrations", "engine"},
    "desk": {"desk", "flows", "state", "integrations", "engine"},
}
FORBIDDEN = {
    "engine": {"sqlalchemy", "sqlmodel", "httpx", "prefect", "slack_sdk", "requests", "random", "time", "socket"}
}
"""The engine decides: no SQL, no network, no clock, no chance."""


def imported(path: Path) -> set[str]:
    """First parts of everything a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("layer", ALLOWED)
def test_no_arrow_runs_back(root: Path, layer: str) -> None:
    files = sorted((root / layer).rglob("*.py"))
    assert files
    for path in files:
        wrong = imported(path) & (set(ALLOWED) - ALLOWED[layer] | FORBIDDEN.get(layer, set()))
        assert not wrong, f"{path.relative_to(root)} imports {', '.join(sorted(wrong))}"


def test_the_engine_never_asks_what_time_it_is(root: Path) -> None:
    for path in sorted((root / "engine").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert owner not in ("datetime", "date"), f"{path.name}:{node.lineno} reads the clock"


def test_only_declared_packages_are_imported(root: Path) -> None:
    import tomllib
    from importlib.metadata import packages_distributions

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = {_name(one) for one in project["dependencies"]}
    known = packages_distributions()
    for layer in ALLOWED:
        for path in (root / layer).rglob("*.py"):
            for name in imported(path) & set(known):
                owners = {_name(one) for one in known[name]}
                if name not in ALLOWED:
                    assert owners & declared, (
                        f"{path.relative_to(root)} imports {name}, which pyproject.toml does not list"
                    )


def _name(requirement: str) -> str:
    import re

    return re.split(r"[\s<>=!~\[;(]", requirement)[0].lower().replace("_", "-").replace(".", "-")

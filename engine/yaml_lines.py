"""YAML that says where each part stands, and the findings that are made of it. Refuses what makes YAML dangerous.

What a playbook's keys mean is in `engine.playbook`.
"""

from typing import Any

import yaml

from engine.record import Value

MAX_BYTES = 64 * 1024
"""A playbook larger than this is refused unread; the longest of ours is under 8 kB."""

MAX_DEPTH = 20
"""Blocks in blocks; ours go 5 deep. The time that PyYAML takes grows with the square of it."""


class Finding(Value):
    """One thing that is wrong, where, and what to write instead."""

    file: str
    line: int
    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'warning: ' if self.warning else ''}{self.text}"


class PlaybookError(Exception):
    """A playbook that can't be used; `findings` say why."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


# ---------------------------------------------------------------- reading


SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C where PyYAML was built with libyaml, ten times as fast: each command reads a dozen files."""

PLAIN: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes plain strings only: elsewhere YAML reads the words `no` and `on` as truth values."""


class _Loader(SAFE):  # type: ignore[misc]
    """SafeLoader that refuses repeated keys, which YAML would silently let win."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            raise _unread("a key is one word, followed by a colon", key_node)
        key = loader.construct_object(key_node)
        if key in seen:
            raise _unread(f"the key {key!r} stands twice in one block; keep one", key_node)
        seen.add(key)
    read: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return read


def _unread(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(text: str, file: str) -> tuple[dict[Any, Any], "Lines"]:
    """Read YAML whose root is a block of keys. Raises PlaybookError with file, line and remedy."""
    if len(text.encode()) > MAX_BYTES:
        raise too_large(file)
    try:
        _refuse_tricks(text, file)
        node = yaml.compose(text, Loader=_Loader)
        if not isinstance(node, yaml.MappingNode):
            raise error_at(file, 1, "a playbook is a block of keys that begins with `playbook: <name>`")
        read: dict[Any, Any] = _Loader("").construct_document(node)
        return read, Lines(file, node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        own = isinstance(error, yaml.constructor.ConstructorError)
        problem = error.problem if own else f"{error.problem}; check the indentation and the quotes"
        raise error_at(file, mark.line + 1 if mark else 1, str(problem)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = "a character that no text has; delete it, or save the file as UTF-8 again"
        raise error_at(file, line, what) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise error_at(file, 1, f"not readable as YAML: {error}") from None


def error_at(file: str, line: int, text: str) -> PlaybookError:
    """One finding, to be raised."""
    return PlaybookError([Finding(file=file, line=line, text=text)])


def too_large(file: str) -> PlaybookError:
    return error_at(file, 1, f"larger than {MAX_BYTES // 1024} kB; a playbook is a page or two, split it")


_TRICKS: dict[type[yaml.Token], str] = {
    yaml.AnchorToken: "anchors (&) and aliases (*) are not allowed here; write the value out",
    yaml.AliasToken: "anchors (&) and aliases (*) are not allowed here; write the value out",
    yaml.TagToken: "tags (!) are not allowed here; put a text that begins with ! in quotes",
}
_OPEN = (
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
)
_SHUT = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken, yaml.BlockEndToken)


def _refuse_tricks(text: str, file: str) -> None:
    """Refuse what makes YAML dangerous or slow, token by token, before anything is built. Raises PlaybookError."""
    depth = 0
    for token in yaml.scan(text, Loader=SAFE):
        line = token.start_mark.line + 1
        if type(token) in _TRICKS:
            raise error_at(file, line, _TRICKS[type(token)])
        depth += isinstance(token, _OPEN) - isinstance(token, _SHUT)
        if depth > MAX_DEPTH:
            raise error_at(file, line, f"more than {MAX_DEPTH} blocks in one another; a playbook is flat, simplify it")


class Lines:
    """Where in the file each part of a playbook stands."""

    def __init__(self, file: str, node: yaml.Node | None):
        self.file = file
        self._lines: dict[tuple[Any, ...], int] = {}
        if node is not None:
            self._walk(node, ())

    def _walk(self, node: yaml.Node, path: tuple[Any, ...]) -> None:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._lines[(*path, key.value)] = key.start_mark.line + 1
                self._walk(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._walk(value, (*path, index))

    def of(self, *path: Any) -> int:
        """Line of the nearest enclosing part that is in the file, from 1."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def finding(self, path: tuple[Any, ...], text: str, warning: bool = False) -> Finding:
        return Finding(file=self.file, line=self.of(*path), text=text, warning=warning)

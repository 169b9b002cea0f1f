"""Expressions of playbooks: Jinja2's sandbox, nothing more. Unknown names are errors, not emptiness."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class ExpressionError(Exception):
    """An expression that can't be read or worked out."""


_sandbox = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


@lru_cache(1024)
def _compiled(text: str) -> Callable[..., Any]:
    # Compiling takes a hundred times as long as working out, and a storm of alerts asks the same again and again.
    return _sandbox.compile_expression(text, undefined_to_none=False)


def compile_only(text: str) -> None:
    """Raises ExpressionError."""
    try:
        _compiled(text)
    except TemplateError as error:
        raise ExpressionError(f"{text!r} is not an expression: {error}") from None


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Work out an expression over `names`. Raises ExpressionError."""
    try:
        value = _compiled(text)(**names)
        if isinstance(value, StrictUndefined):
            bool(value)
        return value
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        raise ExpressionError(f"{text!r} can't be worked out: {error}") from None

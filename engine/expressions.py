"""Expressions of playbooks: Jinja2's sandbox, nothing more. Unknown names are errors, not emptiness."""

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class ExpressionError(Exception):
    """An expression that can't be read or worked out."""


_sandbox = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


def compile_only(text: str) -> None:
    """Raises ExpressionError."""
    try:
        _sandbox.compile_expression(text, undefined_to_none=False)
    except TemplateError as error:
        raise ExpressionError(f"{text!r} is not an expression: {error}") from None


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Work out an expression over `names`. Raises ExpressionError."""
    try:
        value = _sandbox.compile_expression(text, undefined_to_none=False)(**names)
        if isinstance(value, StrictUndefined):
            bool(value)
        return value
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        raise ExpressionError(f"{text!r} can't be worked out: {error}") from None

"""Pages that are made here and sent whole: no script, one style sheet inside, nothing loaded from elsewhere."""

import base64
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from desk.timing_text import precise
from engine.duration import spoken
from engine.wording import local

TEMPLATES = Path(__file__).resolve().parents[1] / "templates" / "console"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(local=local, spoken=spoken, precise=precise)
    return made


@cache
def _style(file: str) -> tuple[str, str]:
    """A style sheet, and the hash by which the policy lets it in."""
    text = (TEMPLATES / file).read_text(encoding="utf-8")
    return text, base64.b64encode(sha256(text.encode()).digest()).decode()


def html_page(
    file: str, css: str, context: Mapping[str, object], status: int, headers: Mapping[str, str]
) -> HTMLResponse:
    """Render a template with its style sheet, under a policy that lets in nothing else."""
    style, digest = _style(css)
    given = {**context, "style": Markup(style)}  # noqa: S704 - our own file
    text = _environment().get_template(file).render(given)
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'"
    allowed = {**headers, "Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
    return HTMLResponse(text.strip() + "\n", status, allowed)

"""The console: statements in a browser. What waits, what the public sees now; approve, edit, reject, correct, withdraw.

A session is an API token in a cookie that no script can read. The pages are made in `desk.console_pages`.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from desk import console_pages as pages
from desk import speaking
from desk.auth import digest, may
from engine.incident import NotAllowed
from engine.public import Place
from state.tokens import Token

if TYPE_CHECKING:
    from desk.desk import Desk

COOKIE = "irrops"
HOURS = 12
"""How long a session lasts, a shift: hours."""
MOST = 512 * 1024
"""Bytes of a form: every text of a statement on every channel."""

Form = Mapping[str, str]
Done = tuple[str, str]
"""Where to go on, and what to say there."""
Act = Callable[["Desk", Token, str, Form], Done]


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`."""
    made = APIRouter(prefix="/console", tags=["console"], include_in_schema=False)
    _doors(made)

    @made.get("")
    def board(request: Request) -> Response:
        return _seen(request, lambda desk, token: pages.board(desk, token, _said(request)))

    @made.get("/incidents/{ref}")
    def incident(ref: str, request: Request) -> Response:
        return _seen(request, lambda desk, token: pages.incident(desk, token, ref, _said(request)))

    @made.get("/statements/{name}")
    def statement(name: str, request: Request) -> Response:
        return _seen(request, lambda desk, token: pages.statement(desk, token, name, _said(request)))

    @made.post("/incidents/{name}")
    @made.post("/statements/{name}")
    async def act(name: str, request: Request) -> Response:
        form = await _form(request)
        return await run_in_threadpool(_acted, request, name, form)

    return made


def _doors(made: APIRouter) -> None:
    @made.get("/login")
    def login(request: Request) -> Response:
        return pages.login("")

    @made.post("/login")
    async def enter(request: Request) -> Response:
        form = await _form(request)
        token = (form or {}).get("token", "").strip()
        if form is None or not await run_in_threadpool(_known, request, token):
            return pages.login("This token is not known. `irrops token make NAME --role approver` makes one.", 403)
        answer = RedirectResponse("/console", 303)
        safe = urlsplit(request.app.state.settings.public_url).scheme == "https"
        answer.set_cookie(
            COOKIE, token, max_age=HOURS * 3600, httponly=True, samesite="strict", secure=safe, path="/console"
        )
        return answer

    @made.post("/logout")
    def leave(request: Request) -> Response:
        answer = RedirectResponse("/console/login", 303)
        answer.delete_cookie(COOKIE, path="/console")
        return answer


# ---------------------------------------------------------------- who is there


def _known(request: Request, token: str) -> Token | None:
    found: Token | None = request.app.state.token_of(digest(token)) if token else None
    return found if found and may(found, "reader") else None


def _seen(request: Request, show: Callable[["Desk", Token], Response]) -> Response:
    token = _known(request, request.cookies.get(COOKIE, ""))
    if token is None:
        return RedirectResponse("/console/login", 303)
    try:
        return show(request.app.state.desk, token)
    except NotAllowed as error:
        return pages.refused(str(error))


def _said(request: Request) -> str:
    """What the last form led to, as its address carries it; shown as text."""
    return request.query_params.get("said", "")[:600]


async def _form(request: Request) -> Form | None:
    """The form that was sent from a page of our own; None when it comes from elsewhere, or is too large."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    elsewhere = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if site not in ("same-origin", "none") or elsewhere or int(request.headers.get("content-length") or 0) > MOST:
        return None
    body = await request.body()
    if len(body) > MOST:
        return None
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=2000))


# ---------------------------------------------------------------- what is done


def _acted(request: Request, name: str, form: Form | None) -> Response:
    token = _known(request, request.cookies.get(COOKIE, ""))
    if token is None:
        return RedirectResponse("/console/login", 303)
    if form is None:
        return pages.refused("This form did not come from the console, or is too large; open the page anew.")
    act = ACTS.get(form.get("do", ""))
    if act is None:
        return pages.refused("This button belongs to another version of irrops; open the page anew.")
    if not may(token, "approver"):
        return pages.refused(f"The token of {token.name} is for a {token.role}; deciding needs one for an approver.")
    desk: Desk = request.app.state.desk
    try:
        place, said = act(desk, token, name, form)
    except NotAllowed as error:
        return pages.after_mistake(desk, token, request.url.path, str(error), form)
    return RedirectResponse(pages.address(place, said), 303)


def texts_of(form: Form) -> dict[Place, str]:
    """The texts of a form: each field `text.N` is for the places that `places.N` names."""
    found = {}
    for field, text in form.items():
        if match := re.fullmatch(r"text\.(\d+)", field):
            for place in form.get(f"places.{match[1]}", "").split(","):
                channel, _, language = place.partition("|")
                found[channel, language] = text
    return found


def _decided(desk: "Desk", token: Token, name: str, form: Form, *, publish: bool) -> Done:
    there = speaking.decide(
        desk,
        name,
        texts_of(form),
        form.get("seen", ""),
        token.name,
        (form.get("role", ""),),
        publish=publish,
        anyway=form.get("anyway", "").strip(),
    )
    said = f"{there.ref} is approved and goes out now." if publish else f"The words of {there.ref} are kept."
    return f"/console/statements/{there.ref}", said


def _approve(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    return _decided(desk, token, name, form, publish=True)


def _edit(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    return _decided(desk, token, name, form, publish=False)


def _reason(form: Form) -> str:
    if not form.get("reason", "").strip():
        raise NotAllowed("Say why; it stays on the record.")
    return form["reason"].strip()[:500]


def _reject(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    there = desk.reject(name, token.name, (form.get("role", ""),), _reason(form))
    return f"/console/statements/{there.ref}", f"{there.ref} is rejected; nothing of it is published."


def _withdraw(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    there = speaking.withdraw(desk, name, token.name, (form.get("role", ""),), _reason(form))
    return f"/console/statements/{there.ref}", f"{there.ref} is withdrawn; it goes from the channels now."


def _draft(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    there = speaking.draft(desk, name, form.get("message", ""), token.name)
    return f"/console/statements/{there.ref}", f"{there.ref} is drafted; those who approve are asked."


def _correct(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    words = {field[5:]: text for field, text in form.items() if re.fullmatch(r"text\.[a-z]{2,3}", field)}
    changed, anyway = form.get("changed", "").strip()[:500], form.get("anyway", "").strip()[:300]
    there = speaking.correct(desk, name, words, token.name, (form.get("role", ""),), changed, anyway)
    then = "goes out everywhere now" if there.approved_at else "waits for approval"
    return f"/console/statements/{there.ref}", f"The correction {there.ref} {then}."


def _look(desk: "Desk", token: Token, name: str, form: Form) -> Done:
    speaking.look(desk, name)
    return f"/console/incidents/{name}", "Every post is being looked at; load this page again in a moment."


ACTS: dict[str, Act] = {
    "approve": _approve,
    "edit": _edit,
    "reject": _reject,
    "withdraw": _withdraw,
    "draft": _draft,
    "correct": _correct,
    "look": _look,
}
"""Value of the button → what it does."""

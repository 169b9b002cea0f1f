"""“I've got it” without chat: the page behind the code of a call. Looking at it acknowledges nothing.

Its words are the call's own messages (`templates/messages/page`, `page_settled`).
"""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from desk import paging
from desk.answer_page import html, refused
from desk.asked import WrongCodes
from engine.callout import labels, language_for
from engine.incident import NotAllowed
from engine.pages import Page, told
from engine.people import Person

if TYPE_CHECKING:
    from desk.desk import Desk


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`; it counts wrong codes by itself."""
    made, wrong = APIRouter(tags=["answers"]), WrongCodes()
    responses: dict[int | str, dict[str, str]] = {
        404: {"description": "Nobody was called with this code."},
        410: {"description": "There is nothing to acknowledge any more."},
        429: {"description": "Too many wrong codes came from this address."},
    }

    @made.get("/p/{code}", response_class=HTMLResponse, responses=responses, summary="The page behind a call by name")
    def look(code: str, request: Request) -> Response:
        return _respond(request, code, wrong, take=False)

    @made.post("/p/{code}", response_class=HTMLResponse, responses=responses, summary="Say “I've got it”")
    async def take(code: str, request: Request) -> Response:
        return await run_in_threadpool(_respond, request, code, wrong, take=True)

    return made


def _respond(request: Request, code: str, wrong: WrongCodes, *, take: bool) -> Response:
    desk: Desk = request.app.state.desk
    address = request.client.host if request.client else ""
    if wrong.too_many(address):
        return refused(request, "often", 429)
    found = paging.by_code(desk, code)
    if found is None:
        wrong.note(address)
        return refused(request, "unknown", 404)
    page, person = found
    reply = ""
    if take or page.acknowledged_by or page.ended_because in ("over", "filled"):
        reply = _taken(desk, page, person)
    return _html(desk, page, person, reply, gone=not take and bool(reply))


def _taken(desk: "Desk", page: Page, person: Person) -> str:
    try:
        return paging.acknowledge(desk, page.key, person).text
    except NotAllowed as no:
        return str(no)


def _html(desk: "Desk", page: Page, person: Person, reply: str, *, gone: bool) -> Response:
    """Show the call with its button, or what became of it."""
    snapshot = desk.snapshot(f"INC-{page.incident}")
    (label,) = labels(snapshot, person, "page_button")
    language = language_for(snapshot.house.wording, "page", person)
    incident = snapshot.incident
    shown = {
        "incident": f"{incident.title} ({incident.ref}, {incident.severity})",
        "text": reply or told(snapshot, page, person, "page", "page"),
        "label": "" if reply else label,
        "house": snapshot.house.name,
    }
    return html("page", language, 410 if gone else 200, shown)

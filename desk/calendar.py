"""Calendar entries by link: whoever has the code of an invitation fetches its entry. What stands in it: `engine`."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response

from engine import calendar_entry
from engine.callout import CallOut, Invitation
from engine.hours import has_place, spared
from engine.people import Person
from engine.triage import NotFound
from engine.welcome import describe

PRIVATE = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`; the code in the address is all that it takes."""
    routes = APIRouter(tags=["call-outs"])
    none: dict[int | str, dict[str, Any]] = {404: {"description": "No invitation has this code."}}
    routes.add_api_route("/calendar/{code}.ics", fetch, methods=["GET"], response_class=Response, responses=none)
    return routes


def fetch(code: str, request: Request) -> Response:
    """Give the calendar entry of an invitation: published while they are counted on, else cancelled."""
    desk = request.app.state.desk
    invitation = desk.store.first(Invitation, code=code.upper()) if code else None
    callout = invitation and desk.store.first(CallOut, key=invitation.callout)
    person = invitation and desk.store.first(Person, key=invitation.person)
    if not invitation or not callout or not person or invitation.begins_at is None:
        raise NotFound("No calendar entry has this code; open the link in your newest message.")
    seen = desk.snapshot(f"INC-{invitation.incident}")
    guides = (one for one in desk.store.all(Person, key=invitation.buddy) if invitation.buddy)
    everyone = {one.key: one for one in (*seen.people, *guides)}
    snapshot = replace(seen, people=tuple(everyone.values()))
    counted_on = has_place(invitation) and not spared(invitation)
    method: calendar_entry.Method = "PUBLISH" if counted_on else "CANCEL"
    words = describe(snapshot, callout, invitation, person, method)
    made_at = invitation.released_at or invitation.answered_at or invitation.asked_at
    text = calendar_entry.entry(snapshot, callout, invitation, words, method, min(made_at, seen.now))
    name = calendar_entry.file_name(snapshot)
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{calendar_entry.media_type(method)}; charset=utf-8", headers=headers)

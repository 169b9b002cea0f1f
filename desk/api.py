"""The HTTP API: declare, show, list, steer, approve, alerts in. Errors are problem details (RFC 9457)."""

import json
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import integrations
from desk import (
    answer_page,
    api_callouts,
    api_packs,
    api_replies,
    api_statements,
    calendar,
    console,
    mistakes,
    page_link,
    staffing_report,
)
from desk.api_queue import router as queue_router
from desk.auth import require
from desk.calling_out import Mistyped
from desk.desk import Desk
from desk.inbox import Inbox
from desk.settings import Settings
from desk.showing import as_json
from engine.correlation import Proposal
from engine.incident import Incident, NotAllowed, Unknown
from engine.playbook import FactsError, PlaybookError
from engine.ports import BadPayload, NotAuthentic
from engine.ports import Request as SourceRequest
from engine.triage import NotFound
from state import tokens
from state.tokens import Token

MAX_BODY = 5 * 1024 * 1024
"""Bytes; the largest honest alert payload is far smaller."""
TOO_LARGE = f"A body may have {MAX_BODY // 1024**2} MB; send it in parts."
TOKEN_SECONDS = 5.0
"""How long a token is taken as good without asking the database again."""


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DeclareBody(Body):
    playbook: str = Field(max_length=40, description="Name of the playbook, such as it-outage.")
    severity: str | None = Field(default=None, max_length=10, description="SEV1 to SEV4; default: the playbook's.")
    facts: dict[str, Any] = Field(default={}, description="What the playbook asks for.")


class SeverityBody(Body):
    severity: str = Field(max_length=10)


class FactsBody(Body):
    facts: dict[str, Any]


class ReasonBody(Body):
    reason: str = Field(default="", max_length=500)


Reader = Annotated[Token, Depends(require("reader"))]
DutyManager = Annotated[Token, Depends(require("duty_manager"))]


def build(desk: Desk, settings: Settings, inbox: Inbox) -> FastAPI:
    """The application. Nothing is started here."""
    app = FastAPI(
        title="irrops",
        version="1",
        summary="Response to disruptions: declare, and the playbook runs.",
        description="Bearer tokens by `irrops token make`. Errors are problem details (RFC 9457).",
    )
    app.state.desk, app.state.settings, app.state.inbox = desk, settings, inbox
    app.state.token_of = _remembering(lambda digest: tokens.find(desk.store, digest))
    _problems(app)
    app.add_middleware(LimitBody)
    _alerts(app, desk, settings, inbox)  # first: routes are tried in order, and a storm comes here
    _incidents(app, desk)
    _staffing(app, desk)
    app.include_router(queue_router())
    app.include_router(api_statements.router())
    app.include_router(api_packs.router())
    app.include_router(api_callouts.router())
    app.include_router(answer_page.router())
    app.include_router(api_replies.router())
    app.include_router(page_link.router())
    app.include_router(console.router())
    app.include_router(calendar.router())
    return app


def _remembering(find: Callable[[str], Token | None]) -> Callable[[str], Token | None]:
    known: dict[str, tuple[float, Token]] = {}

    def token_of(digest: str) -> Token | None:
        since, token = known.get(digest, (0.0, None))
        if token and time.monotonic() - since < TOKEN_SECONDS:
            return token
        found = find(digest)
        if found:
            known[digest] = (time.monotonic(), found)
        else:
            known.pop(digest, None)
        return found

    return token_of


# ---------------------------------------------------------------- problems


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """A problem detail. `detail` says what to do instead."""
    headers = more.pop("headers", None)
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def _problems(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> Response:
        wrong = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        return problem(422, "Not as expected", "; ".join(f"{w['where']}: {w['what']}" for w in wrong), errors=wrong)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:
        return problem(
            error.status_code, _TITLES.get(error.status_code, "Refused"), error.detail, headers=error.headers
        )

    for kind, (status, title) in _STATUS.items():
        app.add_exception_handler(kind, _handler(status, title))


_TITLES = {
    401: "No token",
    403: "Not yours to do",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "In a form that is not read here",
    422: "Not as expected",
    429: "Too often",
}
_STATUS: dict[type[Exception], tuple[int, str]] = {
    Unknown: (404, "Not found"),
    Mistyped: (422, "Not as expected"),
    NotAllowed: (409, "Not possible now"),
    FactsError: (422, "Facts are wrong or missing"),
    PlaybookError: (422, "The playbook can't be used"),
    NotFound: (404, "Not found"),
    BadPayload: (400, "Not what the source sends"),
    NotAuthentic: (401, "Not authentic"),
    OperationalError: (503, "The database does not take this just now"),
    OSError: (503, "Not possible just now"),
}


def _handler(status: int, title: str) -> Callable[[Request, Exception], Response]:
    def answer(_: Request, error: Exception) -> Response:
        text = mistakes.sentence(error) or str(error)
        more = {"headers": {"Retry-After": "2"}} if status == 503 else {}
        return problem(status, title, text, **more)

    return answer


class LimitBody:
    """Refuses a body over MAX_BODY, by its announced length and by counting what comes."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > MAX_BODY:
            await _too_large()(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, counted, send)


def _too_large() -> Response:
    return problem(413, _TITLES[413], TOO_LARGE)


# ---------------------------------------------------------------- incidents


def _brief(incident: Incident) -> dict[str, Any]:
    fields = {"playbook", "title", "severity", "status", "facts", "drill", "declared_by", "declared_at", "status_at"}
    return {"incident": incident.ref, **incident.model_dump(mode="json", include=fields)}


def _incidents(app: FastAPI, desk: Desk) -> None:
    @app.post("/incidents", status_code=201, summary="Declare an incident")
    def declare(
        body: DeclareBody, token: DutyManager, idempotency_key: Annotated[str | None, Header(max_length=200)] = None
    ) -> dict[str, Any]:
        key = f"api:{token.name}:{idempotency_key}" if idempotency_key else None
        return _brief(desk.declare(body.playbook, facts=body.facts, by=token.name, severity=body.severity, key=key))

    @app.get("/incidents", summary="List incidents")
    def list_incidents(
        _: Reader, live: Annotated[bool, Query(description="Only those that run.")] = False
    ) -> list[Any]:
        return [_brief(one) for one in desk.incidents(live=live)]

    @app.get("/incidents/{ref}", summary="Show an incident: what runs, what is late, what waits, the timeline")
    def show(ref: str, _: Reader) -> dict[str, Any]:
        return as_json(desk, ref)

    @app.post("/incidents/{ref}/advance", status_code=202, summary="Do what is due now")
    def advance(ref: str, _: DutyManager) -> dict[str, Any]:
        incident = desk.snapshot(ref).incident
        desk.wake(incident.number)
        return _brief(incident)

    @app.post("/incidents/{ref}/severity", summary="Change the severity")
    def severity(ref: str, body: SeverityBody, token: DutyManager) -> dict[str, Any]:
        return _brief(desk.change_severity(ref, body.severity, token.name))

    @app.post("/incidents/{ref}/facts", summary="Set facts anew")
    def facts(ref: str, body: FactsBody, token: DutyManager) -> dict[str, Any]:
        return _brief(desk.change_facts(ref, body.facts, token.name))

    @app.post("/incidents/{ref}/monitor", summary="The disruption is over; its tail is watched")
    def monitor(ref: str, token: DutyManager) -> dict[str, Any]:
        return _brief(desk.monitor(ref, token.name))

    @app.post("/incidents/{ref}/resolve", summary="End the incident")
    def resolve(ref: str, token: DutyManager) -> dict[str, Any]:
        return _brief(desk.resolve(ref, token.name))

    @app.post("/incidents/{ref}/stand-down", summary="A false alarm")
    def stand_down(ref: str, body: ReasonBody, token: DutyManager) -> dict[str, Any]:
        return _brief(desk.stand_down(ref, token.name, body.reason or "false alarm"))


def _staffing(app: FastAPI, desk: Desk) -> None:
    @app.get("/incidents/{ref}/staffing", summary="The staffing plan as text, CSV, a calendar or a plot")
    def staffing(
        ref: str, _: Reader, form: Annotated[Literal["txt", "csv", "ics", "svg", "png"], Query()] = "txt"
    ) -> Response:
        snapshot = desk.snapshot(ref)
        if snapshot.staffing is None:
            raise NotFound(f"{ref} has no staffing plan yet; its playbook makes one with a raise_staffing step.")
        names = {person.key: person.name for person in desk.everybody()}
        made = staffing_report.write(snapshot.staffing, form, ref, desk.crew.house.time_zone, names)
        return Response(made, media_type=staffing_report.FORMATS[form])


# ---------------------------------------------------------------- alerts


def _alerts(app: FastAPI, desk: Desk, settings: Settings, inbox: Inbox) -> None:
    sources = {name: open_(settings) for name, open_ in integrations.SOURCES.items()}

    @app.post("/alerts/{source}", status_code=202, summary="An alert comes in, as its source sends it")
    async def receive(source: str, request: Request) -> Response:
        if source not in sources:
            raise Unknown(f"There is no alert source {source!r}; there are {', '.join(sources)}.")
        body = await request.body()
        incoming = SourceRequest(headers=dict(request.headers), body=body)
        sources[source].verify(incoming)
        fresh = await inbox.put(sources[source].parse(body, desk.clock.now()))
        return Response(json.dumps({"accepted": len(fresh), "new": sum(fresh)}), 202, media_type="application/json")

    @app.get("/proposals", summary="What alerts propose and nobody has decided")
    def proposals(_: Reader) -> list[dict[str, Any]]:
        return [one.model_dump(mode="json", exclude={"version"}) for one in desk.store.all(Proposal, status="open")]

    @app.post("/proposals/{number}/accept", status_code=201, summary="Declare what an alert proposed")
    def accept(number: int, body: FactsBody, token: DutyManager) -> dict[str, Any]:
        return _brief(desk.accept(number, token.name, body.facts))

    @app.post("/proposals/{number}/dismiss", summary="It is no incident")
    def dismiss(number: int, token: DutyManager) -> dict[str, Any]:
        return desk.dismiss(number, token.name).model_dump(mode="json", exclude={"version"})

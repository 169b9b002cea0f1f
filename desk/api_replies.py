"""Replies by SMS, e-mail or another lane: a gateway hands in what somebody wrote back, and is told what to say to them.

Nothing of it is logged: a reply carries a code, a number and a person's words.
"""

import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desk.api_parts import problems
from desk.asked import LONGEST, Asked, WrongCodes, by_address, by_code_within, newest
from desk.auth import require
from desk.handing_over import takes_text
from desk.paging import answered_in
from desk.said import said_by
from engine.incident import NotAllowed
from engine.record import Instant
from state.tokens import Token

if TYPE_CHECKING:
    from desk.desk import Desk

Lane = Literal["email", "sms", "voice", "push"]
Gateway = Annotated[Token, Depends(require("gateway", basic=True))]
FORM, JSON, TWIML = "application/x-www-form-urlencoded", "application/json", "application/xml"
REMEMBERED_S = 3600.0
"""How long a reply that comes again is known: gateways repeat within minutes."""
KEPT = 20_000
_QUOTED = re.compile(r"\s*(>|_{10,}|-{2,}\s*(Original|Oorspronkelijk|Mensaje)|On .*wrote:|Op .*schreef|El .*escribió:)")
"""Where an e-mail begins to repeat what it replies to."""


NAMES = {"From": "from", "Body": "text", "MessageSid": "id"}
"""What Twilio calls the fields."""


class Incoming(BaseModel):
    """What somebody wrote back."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    sender: str = Field(alias="from", max_length=320, description="Number or address it came from.")
    text: str = Field(max_length=20_000, description="What they wrote, with their code or without.")
    id: str = Field(default="", max_length=200, description="The gateway's own id; a repeat is answered once.")
    written_at: Instant | None = Field(default=None, description="When it was written: “in 2 hours” counts from then.")


class Reply(BaseModel):
    """What to send back."""

    reply: str = Field(description="Empty: say nothing.")


_SCHEMA = Incoming.model_json_schema(by_alias=True)
_TWILIO = {
    "type": "object",
    "required": ["From", "Body"],
    "properties": {name: {"type": "string"} for name in NAMES},
}
_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": _SCHEMA}, FORM: {"schema": _TWILIO}}}}
_PROBLEM: dict[int | str, dict[str, Any]] = {
    200: {"content": {TWIML: {"schema": {"type": "string"}}}},
    **problems(
        {
            403: "Not the token of a gateway.",
            413: "The reply is too large.",
            415: "Neither JSON nor a form.",
            429: "This sender had too many wrong codes.",
        }
    ),
}


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`."""
    made, wrong, seen = APIRouter(tags=["answers"]), WrongCodes(), Repeats()

    @made.post(
        "/replies/{lane}",
        response_model=Reply,
        responses=_PROBLEM,
        openapi_extra=_BODY,
        summary="A gateway hands in what somebody wrote back",
    )
    async def reply(lane: Lane, request: Request, _: Gateway) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        incoming = _read(kind, await request.body())
        if wrong.too_many(incoming.sender):
            raise HTTPException(429, "Too many wrong codes came from this sender; wait a minute.")
        desk: Desk = request.app.state.desk
        text = await run_in_threadpool(seen.once, incoming, lambda: _answered(desk, lane, incoming, wrong))
        return _said(kind, text)

    return made


def _read(kind: str, body: bytes) -> Incoming:
    """Read JSON, or a form with the names that Twilio uses."""
    if kind not in (FORM, JSON):
        raise HTTPException(415, f"Send {JSON} with from and text, or a form with From and Body.")
    try:
        return _form(body) if kind == FORM else Incoming.model_validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise HTTPException(422, f"{where}: {first['msg']}.") from None


def _form(body: bytes) -> Incoming:
    try:
        given = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise HTTPException(422, "The form has more fields than any gateway sends.") from None
    return Incoming.model_validate({ours: given[theirs][0] for theirs, ours in NAMES.items() if theirs in given})


def _said(kind: str, text: str) -> Response:
    if kind == FORM:
        message = f"<Message>{escape(text)}</Message>" if text else ""
        declared = '<?xml version="1.0" encoding="UTF-8"?>'
        return Response(f"{declared}<Response>{message}</Response>", media_type=TWIML)
    return Response(json.dumps({"reply": text}, ensure_ascii=False), media_type=JSON)


# ---------------------------------------------------------------- what it means


def _answered(desk: "Desk", lane: Lane, incoming: Incoming, wrong: WrongCodes) -> str:
    """Answer the question that was meant. Nothing is said to strangers: two machines would talk for ever."""
    if called := answered_in(desk, unquoted(incoming.text), incoming.text, lane):
        return called
    asked, words = _meant(desk, lane, incoming)
    if asked is None:
        wrong.note(incoming.sender)
        return ""
    try:
        found = takes_text(desk, asked.person, words) or said_by(
            desk, asked.person, asked.invitation, words, lane, incoming.written_at
        )
    except NotAllowed as refused:
        return str(refused)
    return "\n".join([found.text, *(f"– {button.label}" for button in found.buttons)])


def _meant(desk: "Desk", lane: Lane, incoming: Incoming) -> tuple[Asked | None, str]:
    """The question by the code, wherever it stands, else the newest one put to the sender; and the words alone."""
    own = unquoted(incoming.text)
    asked, words = by_code_within(desk, own)
    if asked:
        return asked, words
    asked, _ = by_code_within(desk, incoming.text)  # an e-mail repeats our message, and the code in it
    if asked:
        return asked, own
    people = by_address(desk, lane, incoming.sender)
    return (newest(desk, people[0]) if len(people) == 1 else None), own


def unquoted(text: str) -> str:
    """What somebody wrote themselves, without the message that they reply to."""
    lines = []
    for line in text[:LONGEST].splitlines():
        if _QUOTED.match(line):
            break
        lines.append(line)
    return "\n".join(lines).strip()


class Repeats:
    """Replies of the last hour, in memory: a gateway that had no answer asks again, and hears the same.

    After a restart a repeat is taken once more, which changes nothing but the time of “in 2 hours”.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._turn = threading.Lock()

    def once(self, incoming: Incoming, answer: Callable[[], str]) -> str:
        """The reply to a message that was here before, else the answer to it."""
        if not incoming.id:
            return answer()
        # sender and words are in it, so that ids that start anew after a gateway's restart meet no old ones
        key = sha256(json.dumps([incoming.id, incoming.sender, incoming.text]).encode()).hexdigest()
        now = self.clock()
        with self._turn:
            at, text = self._known.get(key, (0.0, ""))
            if key in self._known and now - at < REMEMBERED_S:
                return text
        text = answer()
        with self._turn:
            self._known[key] = (now, text)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return text

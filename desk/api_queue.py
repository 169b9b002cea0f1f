"""The queue over HTTP: conversations in, the next one out, what became of it, how the queue stands.

No rule of triage is here (`engine.triage`). NotAllowed and NotFound become problem details in the application.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine import triage
from engine.conversations_file import ConversationsFileError, read
from engine.incident import NotAllowed, Unknown, number_of
from engine.people import Person
from engine.ports import Clock
from engine.triage import Conversation, Conversations, ConversationStatus, Incoming, NotFound, Queue, QueueFigures
from engine.urgency import WordList
from state.store import Stale

BATCH = 1000
"""Conversations in one request: about a quarter of a second of reading."""

ATTEMPTS = 3
"""How often a change is made anew when somebody else was there first."""


class QueueDesk(Protocol):
    """What these doors need of the desk."""

    conversations: Conversations
    clock: Clock
    word_lists: dict[str, WordList]

    def incident_queue(self, number: int) -> Queue | None: ...

    def person(self, key: str) -> Person | None: ...

    def called_in(self, incident: int, person: str) -> bool:
        """Whether they work for the incident because they accepted a call-out."""
        ...


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ask(_Body):
    """Ask for the next conversation. Languages and rights are those of the people file."""

    agent: str = Field(min_length=1, max_length=80, description="The agent's key in the people file.")
    languages: list[str] = Field(default=[], max_length=20, description="Only these of the agent's languages.")
    any_language: bool = Field(default=False, description="Also languages that the agent doesn't speak.")
    team: str = Field(default="", max_length=80, description="Take what was referred to this team instead.")
    another: bool = Field(default=False, description="One more, though the agent holds one already.")
    only: Literal["", "private", "public"] = Field(default="", description="Only private messages, or the public feed.")


class By(_Body):
    """Who does it."""

    agent: str = Field(min_length=1, max_length=80)


class Referral(By):
    """Who passes it on, and to which team."""

    to: str = Field(min_length=1, max_length=80)


class Taken(BaseModel):
    """What became of one conversation that was handed in."""

    key: str
    new: bool


class Receipt(BaseModel):
    """What became of a batch."""

    received: int
    new: int
    conversations: list[Taken]


class Standing(BaseModel):
    """The queue, its promises, and how it stands."""

    incident: str
    queue: Queue
    figures: QueueFigures


def desk_of(request: Request) -> QueueDesk:
    """The desk that the application carries."""
    desk: QueueDesk = request.app.state.desk
    return desk


Desk = Annotated[QueueDesk, Depends(desk_of)]

_INCOMING = Incoming.model_json_schema()
_JSON = {"schema": {"anyOf": [_INCOMING, {"type": "array", "items": _INCOMING, "minItems": 1, "maxItems": BATCH}]}}
_CSV = {"schema": {"type": "string"}, "example": "channel,id,text,received_at\nx,42,Stuck in AMS,2026-11-22T04:10Z\n"}
_BODY = {"requestBody": {"required": True, "content": {"application/json": _JSON, "text/csv": _CSV}}}
_PROBLEM: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such incident, queue or conversation."},
    409: {"description": "Its present state refuses that; the detail says what to do instead."},
}


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`, a QueueDesk.

    Conversations need a token with the right agent, the figures one with the right reader.
    """
    from desk.auth import require

    readers = APIRouter(tags=["queue"], dependencies=[Depends(require("reader"))], responses=_PROBLEM)
    readers.add_api_route("/incidents/{ref}/queue", standing, methods=["GET"])
    routes = APIRouter(tags=["queue"], dependencies=[Depends(require("agent"))], responses=_PROBLEM)
    add = routes.add_api_route
    add("/incidents/{ref}/conversations", hand_in, methods=["POST"], status_code=201, openapi_extra=_BODY)
    add("/incidents/{ref}/conversations", search, methods=["GET"])
    none: dict[int | str, dict[str, Any]] = {204: {"description": "No conversation waits for this agent."}}
    add("/incidents/{ref}/conversations/next", take_next, methods=["POST"], response_model=Conversation, responses=none)
    add("/conversations/{id}", show, methods=["GET"])
    add("/conversations/{id}/answer", answer, methods=["POST"])
    add("/conversations/{id}/refer", refer, methods=["POST"])
    add("/conversations/{id}/solve", solve, methods=["POST"])
    add("/conversations/{id}/release", release, methods=["POST"])
    both = APIRouter()
    both.include_router(readers)
    both.include_router(routes)
    return both


async def hand_in(ref: str, request: Request, desk: Desk) -> Receipt:
    """Hand in conversations: one or a list as JSON, or CSV. Handing in the same one again changes nothing."""
    body = await request.body()
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    return await run_in_threadpool(_hand_in, desk, ref, kind, body)


def _hand_in(desk: QueueDesk, ref: str, kind: str, body: bytes) -> Receipt:
    queue = _queue(desk, ref)
    messages = _messages(kind, body)
    if not 0 < len(messages) <= BATCH:
        raise HTTPException(
            413 if messages else 422, f"Hand in 1 to {BATCH} conversations at once, not {len(messages)}."
        )
    now = desk.clock.now()
    conversations = [triage.receive(queue, message, now, desk.word_lists) for message in messages]
    new = desk.conversations.add(conversations)
    taken = [Taken(key=one.key, new=is_new) for one, is_new in zip(conversations, new, strict=True)]
    return Receipt(received=len(taken), new=sum(new), conversations=taken)


def _messages(kind: str, body: bytes) -> list[Incoming]:
    if kind == "text/csv":
        try:
            return read(body, "body")
        except ConversationsFileError as error:
            raise HTTPException(422, str(error)) from None
    if kind != "application/json":
        raise HTTPException(415, f"Send application/json or text/csv, not {kind[:80]!r}.")
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(
            422, "The body is not JSON; send one conversation as an object, or a list of them."
        ) from None
    items = raw if isinstance(raw, list) else [raw]
    if len(items) > BATCH:
        raise HTTPException(413, f"Hand in at most {BATCH} conversations at once, not {len(items)}.")
    return [_message(index, item) for index, item in enumerate(items)]


def _message(index: int, item: Any) -> Incoming:
    """Read one. What is wrong is said without repeating what the customer wrote."""
    try:
        return Incoming.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, (index, *first["loc"])))
        raise HTTPException(422, f"{where}: {first['msg']}. Nothing of the batch was taken.") from None


def search(
    ref: str,
    desk: Desk,
    status: ConversationStatus | None = None,
    agent: str = "",
    customer: str = "",
    language: str = "",
    after: Annotated[int, Query(ge=0, le=2**53, description="Continue after this id.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Conversation]:
    """Find conversations of an incident."""
    number = _queue(desk, ref).incident
    return desk.conversations.search(number, status, agent, customer, language, after, limit)


def take_next(ref: str, ask: Ask, desk: Desk) -> Any:
    """Claim the conversation whose turn it is; 204 when none waits. The one the agent holds comes first."""
    queue = _queue(desk, ref)
    person = desk.person(ask.agent)
    if person is None:
        raise Unknown(f"“{ask.agent}” is not in the people file; import them first (`irrops people import`).")
    wanted = [language for language in person.languages if not ask.languages or language in ask.languages]
    if not ask.any_language and not wanted:
        speaks = ", ".join(person.languages) or "no language in the people file"
        raise NotAllowed(f"{person.key} speaks {speaks}; ask for one of those, or set any_language.")
    languages = [] if ask.any_language else wanted
    for kinds in _turns(desk, queue, person, ask.only):
        found = desk.conversations.next_for(
            queue.incident, languages, kinds, person.key, desk.clock.now(), team=ask.team, another=ask.another
        )
        if found:
            return found
    return Response(status_code=204)


def _turns(desk: QueueDesk, queue: Queue, person: Person, only: str) -> list[tuple[str, ...]]:
    """Kinds of messages in the order in which to look for one: whoever was called in takes private ones first."""
    called_in = desk.called_in(queue.incident, person.key)
    held = triage.rights(person, called_in)
    if only:
        triage.must_be_allowed(person.name, only, held)
        return [(only,)]
    return [(kind,) for kind in held] if called_in else [held]


def standing(ref: str, desk: Desk) -> Standing:
    """Show how the queue stands against its promises."""
    queue = _queue(desk, ref)
    figures = desk.conversations.figures(queue.incident, desk.clock.now())
    return Standing(incident=f"INC-{queue.incident}", queue=queue, figures=figures)


def show(id: int, desk: Desk) -> Conversation:
    """Show one conversation."""
    found = desk.conversations.get(id) if 0 < id < 2**53 else None
    if found is None:
        raise NotFound(f"There is no conversation {id}; it may have been deleted on schedule.")
    return found


def answer(id: int, by: By, desk: Desk) -> Conversation:
    """Note that the customer was answered."""
    return _change(desk, id, lambda one: triage.answer(_allowed(desk, one, by.agent), by.agent, desk.clock.now()))


def refer(id: int, referral: Referral, desk: Desk) -> Conversation:
    """Pass it to another team."""
    return _change(desk, id, lambda one: triage.refer(one, referral.agent, referral.to))


def solve(id: int, by: By, desk: Desk) -> Conversation:
    """Close it as solved."""
    return _change(desk, id, lambda one: triage.solve(_allowed(desk, one, by.agent), by.agent, desk.clock.now()))


def release(id: int, by: By, desk: Desk) -> Conversation:
    """Put it back into the queue."""
    return _change(desk, id, lambda one: triage.release(one, by.agent))


def _allowed(desk: QueueDesk, one: Conversation, agent: str) -> Conversation:
    """Raise NotAllowed when somebody would answer in public without the right: it may have been taken back."""
    person = desk.person(agent)
    if one.public and one.answered_at is None and person:
        held = triage.rights(person, desk.called_in(one.incident, person.key))
        triage.must_be_allowed(person.name, "public", held)
    return one


def _change(desk: QueueDesk, id: int, decide: Callable[[Conversation], Conversation]) -> Conversation:
    """Load, decide, write; decide anew when somebody was there first."""
    for _ in range(ATTEMPTS):
        before = show(id, desk)
        after = decide(before)
        if after == before:
            return before
        try:
            return desk.conversations.put(after)
        except Stale:
            continue
    raise NotAllowed(f"Conversation {id} changes too fast just now; try again.")


def _queue(desk: QueueDesk, ref: str) -> Queue:
    number = number_of(ref)
    queue = desk.incident_queue(number) if number < 2**31 else None
    if queue is None:
        raise NotFound(f"INC-{number} has no queue; its playbook opens one with an open_queue step.")
    return queue

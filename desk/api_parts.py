"""What the routers of the HTTP API share: who may, the desk that the application carries, what can go wrong."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from desk.auth import require
from state.tokens import Token

if TYPE_CHECKING:
    from desk.desk import Desk as TheDesk

Reader = Annotated[Token, Depends(require("reader"))]
Approver = Annotated[Token, Depends(require("approver"))]
DutyManager = Annotated[Token, Depends(require("duty_manager"))]


def desk_of(request: Request) -> "TheDesk":
    """The desk that the application carries."""
    desk: TheDesk = request.app.state.desk
    return desk


Desk = Annotated[Any, Depends(desk_of)]

_TEXT = {"application/problem+json": {"schema": {"type": "object"}}}
_ALWAYS = {401: "No token.", 403: "Not for this token.", 422: "Not as expected."}


def problems(described: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """The answers that are problems, for the API's document: those that all have, and these."""
    every = sorted((_ALWAYS | described).items())
    return {status: {"description": text, "content": _TEXT} for status, text in every}

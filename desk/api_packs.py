"""The regulator pack over HTTP. What it holds is in `desk.packing`."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from desk.auth import require
from desk.packing import packed
from desk.signing_key import signing_key
from state.tokens import Token

if TYPE_CHECKING:
    from desk.desk import Desk

Approver = Annotated[Token, Depends(require("approver"))]
"""Rejected drafts and the house's signature are not for everybody who may read."""
_TEXT = {"application/problem+json": {"schema": {"type": "object"}}}
_PROBLEM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
    401: {"description": "No token.", "content": _TEXT},
    403: {"description": "Not for this token.", "content": _TEXT},
    404: {"description": "There is no such incident.", "content": _TEXT},
    409: {"description": "The signing key can't be used; the detail says why.", "content": _TEXT},
    422: {"description": "Not as expected.", "content": _TEXT},
}


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`, the key that of `request.app.state.settings`."""
    made = APIRouter(tags=["statements"], responses=_PROBLEM)

    @made.get(
        "/incidents/{ref}/pack",
        summary="Everything that was said, signed, as one archive",
        response_class=Response,
    )
    def pack(ref: str, token: Approver, request: Request) -> Response:
        desk: Desk = request.app.state.desk
        zipped = packed(desk, ref, key=signing_key(request.app.state.settings), by=token.name)
        name = f"{zipped.manifest.incident}-statements.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(zipped.content, media_type="application/zip", headers=headers)

    return made

"""The regulator pack over HTTP. What it holds is in `desk.packing`."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from desk.api_parts import Approver, problems
from desk.packing import packed
from desk.signing_key import signing_key

if TYPE_CHECKING:
    from desk.desk import Desk

_PROBLEM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
    **problems({404: "There is no such incident.", 409: "The signing key can't be used; the detail says why."}),
}


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`, the key that of `request.app.state.settings`."""
    made = APIRouter(tags=["statements"], responses=_PROBLEM)

    @made.get(
        "/incidents/{ref}/pack",
        summary="Everything that was said, signed, as one archive",
        response_class=Response,
    )
    # Rejected drafts and the house's signature are not for everybody who may read.
    def pack(ref: str, token: Approver, request: Request) -> Response:
        desk: Desk = request.app.state.desk
        zipped = packed(desk, ref, key=signing_key(request.app.state.settings), by=token.name)
        name = f"{zipped.manifest.incident}-statements.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(zipped.content, media_type="application/zip", headers=headers)

    return made

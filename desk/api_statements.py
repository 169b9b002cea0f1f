"""Statements over HTTP: preview, draft, approve, edit, reject, correct, withdraw; what is public now, the pack.

What each means is decided in the engine; a token acts in the role that it names.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from desk import previewing, speaking, statement_view
from desk.api_parts import Approver, Desk, Reader, problems

Name = Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9_@-]+$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Text = Annotated[str, Field(min_length=1, max_length=63206)]
_PROBLEM = problems(
    {
        404: "There is no such incident or statement.",
        409: "Its present state refuses that; the detail says what to do instead.",
    }
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RoleBody(_Body):
    role: str = Field(max_length=40, description="The role you act in, such as comms_lead.")


class ReasonBody(RoleBody):
    reason: str = Field(min_length=1, max_length=500, description="Why; it stays on the record.")


class DraftBody(_Body):
    message: Name = Field(description="holding, update, correction, resolution, apology, rights …")
    channels: list[Name] = Field(default=[], max_length=50, description="Default: those of the playbook's step.")
    languages: list[Language] = Field(default=[], max_length=20, description="Default: those of the playbook's step.")


class Edited(_Body):
    channel: Name
    language: Language
    text: Text


class EditBody(_Body):
    texts: list[Edited] = Field(min_length=1, max_length=200)
    anyway: str = Field(default="", max_length=300, description="Why words stand that the lint would stop.")


class CorrectBody(RoleBody):
    texts: dict[Language, Text] = Field(min_length=1, max_length=20, description="Language to the new text.")
    changed: str = Field(default="", max_length=500, description="What changed, where the texts don't show it.")
    anyway: str = Field(default="", max_length=300, description="Why words stand that the lint would stop.")


class PreviewBody(_Body):
    playbook: Name
    message: Name
    channels: list[Name] = Field(default=[], max_length=50)
    languages: list[Language] = Field(default=[], max_length=20)
    facts: dict[Name, Any] = Field(default={}, max_length=50)
    drill: bool = False


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`."""
    made = APIRouter(tags=["statements"], responses=_PROBLEM)
    _of_an_incident(made)
    _one(made)
    return made


def _of_an_incident(made: APIRouter) -> None:
    @made.post("/statements/preview", summary="A message as each channel would get it; posts nothing")
    def preview(body: PreviewBody, _: Reader, desk: Desk) -> list[dict[str, Any]]:
        book, house = desk.library.get(body.playbook)[0], desk.crew.house
        given = (body.message, body.facts, desk.clock.now(), body.channels, body.languages)
        return [one.plain() for one in previewing.preview(book, house, *given, drill=body.drill)]

    @made.get("/incidents/{ref}/statements", summary="The statements of an incident, oldest first")
    def list_(ref: str, _: Reader, desk: Desk) -> list[dict[str, Any]]:
        return [
            {"statement": one.ref, **one.model_dump(mode="json", exclude={"version", "id"})}
            for one in speaking.statements(desk, ref)
        ]

    @made.post("/incidents/{ref}/statements", status_code=201, summary="Draft a message; those who approve are asked")
    def draft(ref: str, body: DraftBody, token: Approver, desk: Desk) -> dict[str, Any]:
        there = speaking.draft(desk, ref, body.message, token.name, body.channels, body.languages)
        return statement_view.as_json(desk, there.ref)

    @made.get("/incidents/{ref}/public", summary="What the public sees now, on each channel in each language")
    def live(
        ref: str, _: Reader, desk: Desk, look: Annotated[bool, Query(description="Have every post looked at.")] = False
    ) -> list[dict[str, Any]]:
        if look:
            speaking.look(desk, ref)
        return statement_view.live_as_json(speaking.live(desk, ref))

    @made.post("/incidents/{ref}/correct", status_code=201, summary="Correct what is public, everywhere at once")
    def correct(ref: str, body: CorrectBody, token: Approver, desk: Desk) -> dict[str, Any]:
        there = speaking.correct(desk, ref, body.texts, token.name, (body.role,), body.changed, body.anyway)
        return statement_view.as_json(desk, there.ref)


def _one(made: APIRouter) -> None:
    @made.get("/statements/{name}", summary="A statement: its texts with length and lint, and its clock")
    def show(name: str, _: Reader, desk: Desk) -> dict[str, Any]:
        return statement_view.as_json(desk, name)

    @made.post("/statements/{name}/approve", summary="Approve a statement: what you saw is what is sent")
    def approve(name: str, body: RoleBody, token: Approver, desk: Desk) -> dict[str, Any]:
        desk.approve(name, token.name, (body.role,))
        return statement_view.as_json(desk, name)

    @made.post("/statements/{name}/reject", summary="Reject a statement")
    def reject(name: str, body: ReasonBody, token: Approver, desk: Desk) -> dict[str, Any]:
        desk.reject(name, token.name, (body.role,), body.reason)
        return statement_view.as_json(desk, name)

    @made.post("/statements/{name}/edit", summary="Put other words into a draft; those who approve are asked anew")
    def edit(name: str, body: EditBody, token: Approver, desk: Desk) -> dict[str, Any]:
        desk.edit(name, {(one.channel, one.language): one.text for one in body.texts}, token.name, body.anyway)
        return statement_view.as_json(desk, name)

    @made.post("/statements/{name}/withdraw", summary="Take a statement away from the public; on the record it stays")
    def withdraw(name: str, body: ReasonBody, token: Approver, desk: Desk) -> dict[str, Any]:
        speaking.withdraw(desk, name, token.name, (body.role,), body.reason)
        return statement_view.as_json(desk, name)

"""Call-outs over HTTP: how they stand, what would be asked, start one. What each means is in `desk.callout_view`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from desk import calling_out, callout_plan, callout_view
from desk.api_parts import Desk, DutyManager, Reader, problems
from desk.callout_plan import Planned
from desk.callout_view import Standing
from engine.qualification import FORM

Language = Annotated[str, Field(pattern=r"^[a-z]{2}=[1-9][0-9]{0,2}$")]
Qualified = Annotated[str, Field(pattern=rf"^{FORM.pattern}=[1-9][0-9]{{0,2}}$")]
_PROBLEM = problems(
    {
        404: "There is no such incident.",
        409: "Its present state refuses that; the detail says what to do instead.",
    }
)


class Start(BaseModel):
    """Which call-out to start, and what to change for this time."""

    model_config = ConfigDict(extra="forbid")
    step: str | None = Field(default=None, max_length=80, description="Key of the step; default: the playbook's first.")
    quota: int | None = Field(default=None, ge=1, le=500, description="How many are wanted.")
    languages: dict[str, int] = Field(default={}, max_length=20, description="How many at least speak it: {es: 3}.")
    at_least: dict[str, int] = Field(default={}, max_length=20, description="The same for skills: {rebooking:2: 4}.")

    def overrides(self) -> dict[str, Any]:
        given = {"quota": self.quota, "languages": self.languages, "at_least": self.at_least}
        return {name: value for name, value in given.items() if value not in (None, {})}


class Started(BaseModel):
    """The step that runs now."""

    incident: str
    step: str


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`."""
    made = APIRouter(tags=["call-outs"], responses=_PROBLEM)

    @made.get("/incidents/{ref}/callouts", summary="How the call-outs stand: asked, yes, later, no, silent, by slot")
    def show(ref: str, _: Reader, desk: Desk) -> Standing:
        return callout_view.show(desk, ref)

    @made.get("/incidents/{ref}/callouts/plan", summary="What would be asked now; nothing is asked")
    def plan(
        ref: str,
        _: Reader,
        desk: Desk,
        step: Annotated[str | None, Query(max_length=80)] = None,
        quota: Annotated[int | None, Query(ge=1, le=500)] = None,
        language: Annotated[list[Language], Query(description="es=3")] = [],  # noqa: B006 - FastAPI copies it
        at_least: Annotated[list[Qualified], Query(description="rebooking:2=4")] = [],  # noqa: B006
    ) -> Planned:
        return callout_plan.plan(desk, ref, step, calling_out.overrides_of(quota, language, at_least))

    @made.post("/incidents/{ref}/callouts", status_code=202, summary="Start a call-out now")
    def start(ref: str, body: Start, token: DutyManager, desk: Desk) -> Started:
        state = calling_out.start(desk, ref, body.step, body.overrides(), by=token.name)
        return Started(incident=f"INC-{state.incident}", step=state.name)

    return made

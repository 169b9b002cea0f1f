"""Answering a call-out without Slack: one page behind the code in the message. Looking at it answers nothing.

Its words are in `templates/console/answer.<language>.j2`. What an answer does is decided in `engine.answering`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from desk import handing_over
from desk.asked import Asked, WrongCodes, by_code
from desk.handing_over import HANDOVER
from desk.html_page import html_page
from desk.said import said_by
from engine.answering import QUIET, standing, times
from engine.briefed import brief
from engine.callout import Answer, CallOut, Invitation, labels, told
from engine.choice import STANDING_TEAM
from engine.debrief import QUESTIONS
from engine.duration import duration, spoken
from engine.incident import NotAllowed
from engine.people import Person
from engine.snapshot import Snapshot
from engine.wording import local

if TYPE_CHECKING:
    from desk.desk import Desk

LANGUAGES = ("en", "nl", "es")
MOST = 16384
"""Bytes of a form; the longest honest one, a handover note, is half of it."""
LONGEST = 200
"""Characters of an answer in somebody's own words."""

_UNTOUCHED: dict[str, str] = {
    # previews and scanners must not keep it, and where a link leads must not learn the code
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
STATES = {"": "open", "accepted": "yes", "waiting": "waiting", "later": "later", "declined": "no"}


@dataclass(frozen=True)
class Choice:
    """One button."""

    value: str
    label: str


@dataclass(frozen=True)
class Choices:
    """The buttons that mean something as things stand."""

    yes: Choice | None = None
    no: Choice | None = None
    times: Sequence[Choice] = ()
    quiet: Sequence[Choice] = ()


@dataclass(frozen=True)
class Page:
    """What the template sees, beside the words of its language."""

    language: str
    state: str
    """`open`, `yes`, `waiting`, `later`, `no`, `after` (they are asked about their hours), `over`."""
    first_name: str
    incident: str
    drill: bool
    house: str
    quota: int
    starts_at: str
    ends_at: str
    lasts: str
    where: str
    respond_by: str = ""
    reply: str = ""
    heading: str = ""
    """Of who comes, and `briefing` the rest: both as the message says it. Else the template's own."""
    briefing: str = ""
    choices: Choices = Choices()
    asks: tuple[str, ...] = ()
    """About the hours that they worked: `handover`, `prepared`, `different`."""

    @property
    def status(self) -> int:
        return 410 if self.state == "over" else 200


def router() -> APIRouter:
    """Build the router. Its desk is `request.app.state.desk`; it counts wrong codes by itself."""
    made, wrong = APIRouter(tags=["answers"]), WrongCodes()
    html: dict[int | str, dict[str, str]] = {
        404: {"description": "No question has this code."},
        410: {"description": "There is nothing to answer any more."},
        413: {"description": "The form is too large."},
        429: {"description": "Too many wrong codes came from this address."},
    }

    @made.get("/a/{code}", response_class=HTMLResponse, responses=html, summary="The page to answer a call-out on")
    def look(code: str, request: Request) -> Response:
        return _respond(request, code, wrong, None)

    @made.post("/a/{code}", response_class=HTMLResponse, responses=html, summary="Answer a call-out")
    async def answer(code: str, request: Request) -> Response:
        if int(request.headers.get("content-length") or 0) > MOST:
            return refused(request, "large", 413)
        body = await request.body()
        if len(body) > MOST:
            return refused(request, "large", 413)
        form = dict(parse_qsl(body.decode(errors="replace")))
        return await run_in_threadpool(_respond, request, code, wrong, form)

    return made


def _respond(request: Request, code: str, wrong: WrongCodes, form: dict[str, str] | None) -> Response:
    """Show the page; with a form, answer first."""
    desk: Desk = request.app.state.desk
    address = request.client.host if request.client else ""
    if wrong.too_many(address):
        return refused(request, "often", 429)
    asked = by_code(desk, code)
    if asked is None:
        wrong.note(address)
        return refused(request, "unknown", 404)
    page = _page(desk, asked)
    if form is not None and page.state != "over":
        before, reply = page.state, _answer(desk, asked, form)
        page = _page(desk, by_code(desk, code) or asked)
        # where the standing has changed, the heading is the reply
        page = replace(page, reply=reply if page.state == before else "")
    return html("answer", page.language, page.status, vars(page))


# ---------------------------------------------------------------- what is answered


def _answer(desk: "Desk", asked: Asked, form: dict[str, str]) -> str:
    """Take what was pressed or written; returns the reply."""
    given, _, more = form.get("answer", "").partition("|")
    invitation, person = asked.invitation, asked.person
    try:
        if handover_note := form.get(HANDOVER, "").strip():
            return handing_over.handover(desk, invitation.key, handover_note, person).text
        if debrief := {question: form[question] for question in QUESTIONS if form.get(question, "").strip()}:
            return handing_over.debrief(desk, invitation.key, debrief, person).text
        if given in (Answer.YES, Answer.NO):
            return desk.answer(invitation.key, Answer(given), person, on="link").text
        if given == Answer.LATER:
            return desk.answer(invitation.key, Answer.LATER, person, comes_at=_instant(more), on="link").text
        if given == "quiet" and more in QUIET:
            return desk.answer(invitation.key, Answer.NO, person, quiet=duration(more), on="link").text
        return said_by(desk, person, invitation, form.get("text", "").strip()[:LONGEST], "link").text
    except NotAllowed as refused:
        return str(refused)


def _instant(text: str) -> datetime | None:
    """Read the instant of a button; anything else is nothing, and the reply asks when."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


# ---------------------------------------------------------------- what is shown


def _page(desk: "Desk", asked: Asked) -> Page:
    invitation, person = asked.invitation, asked.person
    snapshot = desk.snapshot(f"INC-{invitation.incident}")
    callout = next(one for one in snapshot.callouts if one.key == invitation.callout)
    language = next((one for one in person.languages if one in LANGUAGES), LANGUAGES[0])
    starts_at = max(callout.starts_at, invitation.comes_at or callout.starts_at)

    def at(instant: datetime) -> str:
        return local(instant, person.time_zone, language)

    incident = snapshot.incident
    plain = Page(
        language=language,
        state=_state(snapshot, callout, invitation),
        first_name=person.name.split()[0],
        incident=f"{incident.title} ({incident.ref}, {incident.severity})",
        drill=incident.drill,
        house=snapshot.house.name,
        quota=callout.quota,
        starts_at=at(starts_at),
        ends_at=at(callout.ends_at),
        lasts=spoken(callout.ends_at - starts_at),
        where=callout.where,
    )
    asks = handing_over.open_questions(invitation)
    if plain.state == "over":
        return replace(plain, state="after", asks=asks) if asks else plain
    asks_by = callout.respond_by if plain.state == "open" else None
    page = replace(plain, asks=asks, choices=_choices(snapshot, callout, person, plain.state))
    if plain.state == "yes":
        heading, _, rest = _briefing(desk, snapshot, callout, asked).partition("\n\n")
        return replace(page, heading=heading, briefing=rest)
    return replace(page, respond_by=at(asks_by) if asks_by and asks_by > snapshot.now else "")


def _briefing(desk: "Desk", snapshot: Snapshot, callout: CallOut, asked: Asked) -> str:
    """The same as the message that brings it."""
    team = desk.store.all(Person, team=STANDING_TEAM, active=True)
    known = {one.key: one for one in (*snapshot.people, *team)}
    snapshot = replace(snapshot, people=tuple(known.values()))
    invitation, person = asked.invitation, asked.person
    more = brief(snapshot, callout, invitation, person, known.get(invitation.buddy))
    return told(snapshot, callout, person, "briefing", {"from_waiting_list": False, **more}, invitation, "page")


def _state(snapshot: Snapshot, callout: CallOut, invitation: Invitation) -> str:
    over = not snapshot.incident.status.live or snapshot.now >= callout.ends_at or invitation.released_at
    return "over" if over else STATES[standing(invitation)]


def _choices(snapshot: Snapshot, callout: CallOut, person: Person, state: str) -> Choices:
    yes, _, no, back_out = labels(snapshot, person, "call_out_buttons")
    hours = times(snapshot, callout) if state in ("open", "no") and _hours_may_move(snapshot, callout) else []
    shown = labels(snapshot, person, "call_out_times", {"times": hours}) if hours else ()
    spans = labels(snapshot, person, "call_out_quiet") if state == "no" else ()
    return Choices(
        yes=Choice("yes", yes) if state in ("open", "later", "no") else None,
        no=Choice("no", no if state == "open" else back_out) if state != "no" else None,
        times=[Choice(f"later|{at:%Y-%m-%dT%H:%MZ}", text) for at, text in zip(hours, shown, strict=True)],
        quiet=[Choice(f"quiet|{span}", text) for span, text in zip(QUIET, spans, strict=False)],
    )


def _hours_may_move(snapshot: Snapshot, callout: CallOut) -> bool:
    """Whether one may come later: an extra shift has its hours."""
    return snapshot.playbook.step(callout.step.partition("#")[0]).action == "call_out"


# ---------------------------------------------------------------- HTML


def html(name: str, language: str, status: int, context: Mapping[str, object]) -> Response:
    """Make one of the pages behind a code."""
    file = f"{name}.{language}.j2" if name == "answer" else f"{name}.html.j2"
    return html_page(file, "answer.css", {**context, "language": language}, status, _UNTOUCHED)


def refused(request: Request, why: str, status: int) -> Response:
    return html("refused", _wished(request.headers.get("accept-language", "")), status, {"why": why})


def _wished(header: str) -> str:
    """The first of our languages that a browser names; its order is that of preference."""
    named = (part.strip()[:2].lower() for part in header.split(","))
    return next((language for language in named if language in LANGUAGES), LANGUAGES[0])

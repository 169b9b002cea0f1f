"""The pages of the console. What is on them is loaded here, their words and looks are in `templates/console/`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Response

from desk import home, speaking
from desk.auth import may
from desk.html_page import html_page
from desk.previewing import Preview
from desk.statement_view import previews
from engine.approval import approvers, words
from engine.fitting import alike
from engine.plan import waiting_for
from engine.promise import standing
from engine.public import public
from engine.statements import Statement, StatementStatus, name_of
from engine.timing import timing
from engine.wording import OUTWARD, context
from state.tokens import Token

if TYPE_CHECKING:
    from desk.desk import Desk

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def board(desk: "Desk", token: Token, said: str) -> Response:
    """All live incidents, and the drafts that wait."""
    waiting = [(snapshot.incident, one) for snapshot, one in home.drafted(desk)]
    live = [desk.snapshot(one.ref) for one in reversed(desk.incidents(live=True))]
    shown = [{"incident": one.incident, "waits": list(waiting_for(one)), "promise": standing(one)} for one in live]
    recent = [one for one in reversed(desk.incidents()) if not one.status.live][:10]
    return _html("board", {"token": token, "said": said, "waiting": waiting, "live": shown, "recent": recent})


def incident(
    desk: "Desk", token: Token, ref: str, said: str, typed: Mapping[str, str] = {}, wrong: str = ""
) -> Response:
    """The statements of an incident, and what the public sees now."""
    snapshot = desk.snapshot(ref)
    there = snapshot.incident
    seen = public(snapshot)
    spoken_in = sorted({one.language for one in seen}, key=lambda one: (one != "en", one))
    languages = sorted({one.language for one in seen if one.parts}, key=lambda one: (one != "en", one))
    latest = {one.language: "\n\n".join(one.parts) for one in seen if one.parts and one.channel == "status_page"}
    messages = sorted(
        {
            str(step.with_["message"])
            for step in snapshot.playbook.all_steps
            if step.action == "publish_statement" and "message" in step.with_
        }
    )
    return _html(
        "incident",
        {
            "token": token,
            "said": said,
            "wrong": wrong,
            "typed": typed,
            "incident": there,
            "statements": sorted(snapshot.statements, key=lambda one: one.drafted_at, reverse=True),
            "seen": seen,
            "places": {
                channel: {
                    language: next((one for one in seen if (one.channel, one.language) == (channel, language)), None)
                    for language in spoken_in
                }
                for channel in dict.fromkeys(one.channel for one in seen)
            },
            "spoken_in": spoken_in,
            "sandbox": speaking.sandboxed(desk),
            "languages": languages,
            "latest": latest,
            "messages": messages,
            "kinds": OUTWARD,
            "roles": _roles(snapshot, None),
            "may": may(token, "approver"),
            "zone": context(snapshot)["zone"],
        },
        400 if wrong else 200,
    )


def statement(
    desk: "Desk", token: Token, name: str, said: str, typed: Mapping[str, str] = {}, wrong: str = ""
) -> Response:
    """One statement: its clock, its texts as each channel shows them, and what can be decided."""
    there = desk.statement(name)
    snapshot = desk.snapshot(f"INC-{there.incident}")
    clock = timing(snapshot.incident, there, speaking.posted(desk, there))
    corrected = next((one.ref for one in snapshot.statements if there.corrects and one.key == there.corrects), "")
    return _html(
        "statement",
        {
            "token": token,
            "said": said,
            "wrong": wrong,
            "typed": typed,
            "incident": snapshot.incident,
            "statement": there,
            "seen": words(there),
            "groups": _groups(previews(snapshot, there)),
            "clock": clock,
            "corrects": corrected,
            "by": name_of(snapshot, there.drafted_by),
            "roles": _roles(snapshot, there),
            "waits": there.status is StatementStatus.DRAFTED,
            "public": bool(there.approved_at) and there.status is not StatementStatus.WITHDRAWN,
            "may": may(token, "approver"),
            "zone": context(snapshot)["zone"],
        },
        400 if wrong else 200,
    )


def after_mistake(desk: "Desk", token: Token, path: str, wrong: str, form: Mapping[str, str]) -> Response:
    """The page that the form came from, with what was typed and what is wrong with it: nothing is lost."""
    kind, name = path.removeprefix("/console/").split("/", 1)
    show = statement if kind == "statements" else incident
    return show(desk, token, name, "", typed=form, wrong=wrong)


def login(wrong: str, status: int = 200) -> Response:
    """The page to enter by."""
    return _html("login", {"token": None, "said": "", "wrong": wrong}, status)


def refused(why: str, status: int = 409) -> Response:
    """A page that says in a sentence what to do instead."""
    return _html("login", {"token": None, "said": "", "wrong": why, "only": True}, status)


def address(place: str, said: str) -> str:
    """The address of a page that says something on top."""
    return f"{place}?said={quote(said)}"


def _roles(snapshot: Any, there: Statement | None) -> list[str]:
    """The roles in which one may decide."""
    asked = approvers(snapshot, there) if there else ()
    steps = snapshot.playbook.all_steps
    named = [role for step in steps if step.approval for role in (step.approval.by, step.approval.then) if role]
    return list(dict.fromkeys([*asked, *named, "duty_manager"]))


def _groups(found: list[Preview]) -> list[dict[str, Any]]:
    """Texts that are the same on several channels, once, English first."""
    together = [
        {
            "language": same[0].language,
            "channels": [one.channel for one in same],
            "places": ",".join(f"{one.channel}|{one.language}" for one in same),
            "text": "\n\n".join(same[0].parts),
            "parts": same[0].parts,
            "lengths": [(one.channel, size) for one in same for size in one.lengths],
            "findings": list(dict.fromkeys(finding for one in same for finding in one.findings)),
        }
        for same in alike(found)
    ]
    return sorted(together, key=lambda group: (group["language"] != "en", group["language"]))


# ---------------------------------------------------------------- HTML


def _html(name: str, given: Mapping[str, Any], status: int = 200) -> Response:
    return html_page(f"console_{name}.html.j2", "console.css", {"only": False, **given}, status, _HEADERS)

"""Statements as people and programs see them: one with its texts and its clock, and what is public now."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from desk.previewing import Preview, shown
from desk.speaking import posted, sandboxed
from desk.timing_text import rows
from engine.duration import spoken
from engine.fitting import alike
from engine.public import Seen
from engine.snapshot import Snapshot
from engine.statements import Statement, name_of
from engine.timing import timing
from engine.wording import context, local

if TYPE_CHECKING:
    from desk.desk import Desk

ROOM = 400
"""Characters of a text in the list of what is public; `statement show` has all of it."""


def previews(snapshot: Snapshot, statement: Statement) -> list[Preview]:
    """The texts, measured and checked."""
    return [shown(snapshot, statement.message, text, statement.next_update_at) for text in statement.texts]


def as_json(desk: "Desk", name: str) -> dict[str, Any]:
    """A statement with all that is known of it."""
    there = desk.statement(name)
    snapshot = desk.snapshot(f"INC-{there.incident}")
    checked = {(one.channel, one.language): one for one in previews(snapshot, there)}
    plain = there.model_dump(mode="json", exclude={"version", "id"})
    for text in plain["texts"]:
        one = checked[text["channel"], text["language"]]
        text["lengths"] = list(one.lengths)
        text["findings"] = [{"level": f.level, "rule": f.rule, "text": f.text} for f in one.findings]
    clock = timing(snapshot.incident, there, posted(desk, there))
    return {"statement": there.ref, **plain, "clock": clock.model_dump(mode="json")}


def as_text(desk: "Desk", name: str) -> str:
    """A statement for a terminal: its clock, who decides, its texts (alike ones once), what the lint finds."""
    there = desk.statement(name)
    snapshot = desk.snapshot(f"INC-{there.incident}")
    zone = context(snapshot)["zone"]
    lines = rows(timing(snapshot.incident, there, posted(desk, there)), zone)
    lines += [line for line in _history(snapshot, there, zone) if line]
    for where, one in _alike(previews(snapshot, there)):
        lines.append("")
        for number, (part, length) in enumerate(zip(one.parts, one.lengths, strict=True), 1):
            which = f", part {number} of {len(one.parts)}" if len(one.parts) > 1 else ""
            lines += [f"── {where}{which}: {length} ──", part]
        lines += [f"{'STOP' if f.level == 'stop' else 'advice'} ({f.rule}): {f.text}" for f in one.findings]
    return "\n".join(lines)


def _history(snapshot: Snapshot, there: Statement, zone: str) -> Iterable[str]:
    if there.corrects:
        wrong = next((one.ref for one in snapshot.statements if one.key == there.corrects), "an earlier statement")
        yield f"corrects {wrong}"
    if there.rejected_because:
        yield f"rejected: {there.rejected_because}"
    if there.withdrawn_at:
        who = name_of(snapshot, there.withdrawn_by)
        yield f"withdrawn {local(there.withdrawn_at, zone)} by {who}: {there.withdrawn_because}"
    if there.next_update_at:
        yield f"promises the next update by {local(there.next_update_at, zone)}"


def _alike(found: list[Preview]) -> Iterable[tuple[str, Preview]]:
    """Texts that are the same on several channels, once."""
    for same in alike(found):
        yield f"{', '.join(one.channel for one in same)} in {same[0].language}", same[0]


# ---------------------------------------------------------------- what is public


def live_as_json(found: Iterable[Seen]) -> list[dict[str, Any]]:
    """What stands on each channel in each language."""
    return [
        {
            "channel": one.channel,
            "language": one.language,
            "state": one.state,
            "statement": one.statement,
            "message": one.message,
            "parts": list(one.parts),
            "urls": list(one.urls),
            "since": one.since.isoformat() if one.since else None,
            "age_s": round(one.age.total_seconds()) if one.age is not None else None,
            "looked_at": one.looked_at.isoformat() if one.looked_at else None,
            "found": one.found,
            "behind": one.behind,
        }
        for one in found
    ]


_STATES = {
    "gone": "GONE: somebody deleted it there",
    "changed": "CHANGED: other words stand there",
    "withdrawn": "withdrawn; nothing stands there",
    "nothing": "nothing was ever posted",
}


def live_as_text(desk: "Desk", ref: str, found: tuple[Seen, ...]) -> str:
    """What the public sees now, for a terminal: what is not as it should be first, then the texts."""
    if not found:
        return f"Nothing of {ref} is public, and nothing is on its way."
    zone, quiet = context(desk.snapshot(ref))["zone"], sandboxed(desk)
    wrong = [one for one in found if not one.well]
    lines = [f"{len(found)} places, {len(wrong)} not as they should be" if wrong else f"{len(found)} places, all well"]
    lines += [f"  ! {one.channel} ({one.language}): {'; '.join(_troubles(one))}" for one in wrong]
    texts: dict[tuple[str, ...], list[Seen]] = {}
    for one in found:
        if one.parts:
            texts.setdefault((one.statement, one.language, *one.parts), []).append(one)
    for (statement, language, *parts), same in texts.items():
        names = ", ".join(one.channel + " (sandbox)" * (one.channel in quiet) for one in same)
        lines += ["", f"── {statement} in {language} on {names}: {_since(same, zone)} ──", *_cut(parts)]
        lines += [f"{one.channel}: {url}" for one in same for url in one.urls[:1]]
    return "\n".join(lines)


def _troubles(one: Seen) -> Iterable[str]:
    if one.state in _STATES:
        yield _STATES[one.state] + (f": “{one.found[:120]}”" if one.found else "")
    if one.behind:
        yield one.behind


def _since(same: list[Seen], zone: str) -> str:
    since = min((one.since for one in same if one.since), default=None)
    age = max((one.age for one in same if one.age is not None), default=timedelta())
    return f"since {local(since, zone)}, {spoken(age)} old" if since else "not out yet"


def _cut(parts: list[str]) -> list[str]:
    text = "\n".join(parts)
    return [text if len(text) <= ROOM else text[:ROOM].rstrip() + " … (all of it: irrops statement show)"]

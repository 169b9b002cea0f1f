"""The statements' clock as text for a terminal of 80 columns. What it states is measured in `engine.timing`."""

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.timing import Place, Timing
from engine.wording import local

WIDTH = 80
HEAD = ("where", "state", "live", "after", "tries")
_APPROVED = {
    "preapproved": "nobody answered: the pre-approved text was taken",
    "playbook": "the playbook asks for no approval",
}


def rows(timing: Timing, zone: str = "UTC") -> list[str]:
    """Write the clock of one statement as lines. Only an address stands whole, however long it is."""
    lines = [f"{timing.statement} {timing.message.replace('_', ' ')}: {timing.status}"]
    lines += _steps(timing, zone)
    table = [HEAD, *(_cells(place, zone) for place in timing.places)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEAD))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(HEAD[1:]))
    lines.append("")
    for row, place in zip(table, (None, *timing.places), strict=True):
        cells = [_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
        lines += _below(place) if place else []
    return lines


def precise(seconds: float) -> str:
    """Write a span to the second: `8 min 12 s`, `1 h 04 min`. A clock of fifteen minutes needs the seconds."""
    whole = round(seconds)
    sign, (minutes, rest) = "-" if whole < 0 else "", divmod(abs(whole), 60)
    if minutes >= 60:
        return f"{sign}{minutes // 60} h {minutes % 60:02} min"
    return f"{sign}{minutes} min {rest:02} s" if minutes else f"{sign}{rest} s"


def _steps(timing: Timing, zone: str) -> list[str]:
    lines = [
        _step("declared", timing.declared_at, None, "", zone),
        _step("drafted", timing.drafted_at, timing.declared_to_drafted_s, "the declaration", zone),
        _step("approved", timing.approved_at, timing.drafted_to_approved_s, "the draft", zone),
        _step("live", timing.live_at, timing.approved_to_live_s, "approval", zone),
        _step("everywhere", timing.everywhere_at, timing.approved_to_everywhere_s, "approval", zone),
    ]
    if timing.approved_by:
        lines.append(f"  {_APPROVED.get(timing.approved_by, f'approved by {timing.approved_by}')}")
    if timing.declared_to_live_s is not None:
        slowest = f"; slowest: {timing.slowest}" if timing.slowest else ""
        lines.append(f"  live {precise(timing.declared_to_live_s)} after the declaration{slowest}")
    return [_cut(line, WIDTH) for line in lines]


def _step(name: str, at: datetime | None, span: float | None, since: str, zone: str) -> str:
    when = local(at, zone) if at else "not yet"
    took = f"{precise(span):>11} after {since}" if span is not None else ""
    return f"  {name:<11} {when:<33}{took}".rstrip()


def _cells(place: Place, zone: str) -> tuple[str, ...]:
    live = f"{place.sent_at.astimezone(ZoneInfo(zone)):%H:%M:%S}" if place.sent_at else "-"
    after = precise(place.after_approval_s) if place.after_approval_s is not None else "-"
    name = f"{place.name}, {place.parts} parts" if place.parts > 1 else place.name
    return name, place.state, live, after, str(place.attempts)


def _below(place: Place) -> list[str]:
    """The link, and what went wrong, each on a line of its own."""
    lines = [f"  {place.url}"] if place.url else []
    return lines + ([_cut(f"  {place.error}", WIDTH)] if place.error else [])


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"

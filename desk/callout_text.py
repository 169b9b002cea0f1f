"""Call-outs set for a terminal of 80 columns. What is counted comes from `desk.callout_view` and `callout_plan`."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from textwrap import shorten, wrap
from zoneinfo import ZoneInfo

from desk.callout_plan import Outlook, Planned, SlotPlan
from desk.callout_view import Coming, Expected, Fairness, SlotView, Standing, Who
from engine.coming import Tally
from engine.duration import spoken

WIDTH = 80
BAR = 32
NAMED = 20
"""People named on one screen; `--json` has all."""
COLUMNS = ("asked", "yes", "later", "no", "silent", "waiting", "unreachable", "released")
HEADS = {"waiting": "wait list", "unreachable": "no lane"}
STATES = {
    "not yet": "asked from {opens}",
    "asking": "asking",
    "full": "FULL",
    "short": "SHORT",
    "over": "over",
}


def standing(view: Standing, zone: str) -> str:
    """How the call-outs stand, the slots in the order of their hours. Lines of at most 80 characters."""
    lines = _head(view, zone)
    called = [slot for slot in view.slots if slot.kind == "call-out"]
    for slot in called:
        lines += ["", *_slot(slot, view.now, zone)]
    offered = [slot for slot in view.slots if slot.kind == "extra shift"]
    lines += (
        ["", "extra shifts, offered to the team", *(_shift(slot, view.now, zone) for slot in offered)]
        if offered
        else []
    )
    for step in view.steps:
        lines += ["", *_wrapped(f"{step.step}: {step.says}")]
    if not called:
        lines += ["", f"Nobody has been asked. See whom it would be: irrops callout plan {view.incident}"]
        lines += [f"Start it now: irrops callout start {view.incident}"] if view.steps else []
    return "\n".join(lines)


def planned(view: Planned, zone: str) -> str:
    """What would be asked now. Lines of at most 80 characters."""
    lines = [*_head(view, zone), "Nothing is asked by looking at this."]
    for slot in view.slots:
        lines += ["", *_slot_plan(slot, view.now, zone)]
    return "\n".join(lines)


def fitting(text: str, lines: int) -> str:
    """As much of a text as fits into so many lines; the last says how much is left."""
    every = text.splitlines()
    if len(every) <= lines:
        return text
    return "\n".join([*every[: lines - 1], f"… {len(every) - lines + 1} more lines: make the window taller"])


def is_over(view: Standing) -> bool:
    """Tell whether nothing will change by itself any more."""
    return not any(slot.state in ("asking", "not yet") for slot in view.slots) and not view.steps


# ---------------------------------------------------------------- while it runs


def _head(view: Standing | Planned, zone: str) -> list[str]:
    left = f"{'DRILL  ' if view.drill else ''}{view.incident}  {view.severity}  "
    right = f"{view.now:%Y-%m-%d} {_at(view.now, view.now, zone)}"
    title = shorten(view.title, max(10, WIDTH - len(left) - len(right) - 2), placeholder="…")
    return [f"{left}{title}".ljust(WIDTH - len(right)) + right]


def _slot(slot: SlotView, now: datetime, zone: str) -> Iterator[str]:
    yield from _title(slot, now, zone, STATES[slot.state].format(opens=_at(slot.opens_at, now, zone)))
    full = round(BAR * min(1.0, slot.counts.yes / slot.quota))
    yield f"  {'█' * full}{'░' * (BAR - full)}  {slot.counts.yes} of {slot.quota} come"
    if slot.expected:
        yield f"  {_expects(slot.expected, slot.quota)} of those asked so far"
    if slot.state == "asking" and slot.next_wave_at:
        wait = spoken(max(slot.next_wave_at - now, timedelta()))
        yield f"  wave {slot.waves}; more are asked at {_at(slot.next_wave_at, now, zone)}, in {wait}, if needed"
    if slot.state == "short":
        yield from _wrapped(f"ended: {slot.because}", "  ")
    yield ""
    yield from _counts(slot)
    if slot.by_lane:
        yield ""
        yield from _lanes(slot)
    yield from _people("come", [_comes(one, now, zone) for one in slot.coming])
    yield from _people("can come later", [_comes(one, now, zone) for one in slot.later])
    yield from _names("on the waiting list", slot.waiting_list)
    yield from _names("OUT OF REACH", slot.unreachable)
    if slot.fairness:
        yield from _fairness(slot.fairness)


def _shift(slot: SlotView, now: datetime, zone: str) -> str:
    counts, hours = slot.counts, f"{_at(slot.starts_at, now, zone)} to {_at(slot.ends_at, now, zone)}"
    return f"  {hours}: {counts.yes} of {slot.quota} accepted, {counts.no} no, {counts.silent} silent"


def _title(slot: SlotView | SlotPlan, now: datetime, zone: str, state: str) -> Iterator[str]:
    number = f" slot {slot.slot}" if slot.slot > 1 else ""
    yield f"{slot.step}{number}".ljust(WIDTH - len(state)) + state
    yield from _wrapped(slot.need, "  ")
    hours = f"{_at(slot.starts_at, now, zone)} to {_at(slot.ends_at, now, zone)}"
    yield from _wrapped(", ".join(filter(None, [hours, slot.where])), "  ")


def _expects(found: Expected, quota: int) -> str:
    spread = _spread(found.low, found.high)
    return f"expected {found.mean:g} ({spread}) of {quota}, {_percent(found.chance)} likely to be enough,"


def _spread(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def _percent(chance: float) -> str:
    """Nothing is certain or impossible that only comes close to it."""
    if 0 < chance < 0.01:
        return "<1%"
    return ">99%" if 0.99 < chance < 1 else f"{chance:.0%}"


def _counts(slot: SlotView) -> Iterator[str]:
    """A table: all, then each qualification. Columns that are empty everywhere are left out."""
    rows: list[tuple[str, int | None, Tally]] = [("all", slot.quota, slot.counts)]
    rows += [(one.words, one.wanted, one) for one in slot.by_qualification]
    always = ("asked", "yes", "no", "silent")
    shown = [name for name in COLUMNS if name in always or any(getattr(row[2], name) for row in rows)]
    head = ["wanted", *(HEADS.get(name, name) for name in shown)]
    cells = [
        [name, "" if wanted is None else wanted, *(getattr(tally, one) for one in shown)]
        for name, wanted, tally in rows
    ]
    yield from _table(["", *head], cells)


def _lanes(slot: SlotView) -> Iterator[str]:
    rows = [[one.lane, one.asked or "", one.yes, one.later, one.no] for one in slot.by_lane]
    yield from _table(["by lane", "asked", "yes", "later", "no"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    widths[0] = max(widths[0], 8)
    room = WIDTH - 2 - sum(width + 2 for width in widths[1:])
    for name, *others in cells:
        left = shorten(name, room, placeholder="…") if len(name) > room else name
        right = "".join(f"  {cell.rjust(width)}" for cell, width in zip(others, widths[1:], strict=True))
        yield f"  {left.ljust(min(widths[0], room))}{right}".rstrip()


def _comes(one: Coming, now: datetime, zone: str) -> str:
    buddy = f", buddy {one.buddy}" if one.buddy else ""
    return f"{_at(one.comes_at, now, zone):<20} {one.name} ({one.department}{buddy})"


# ---------------------------------------------------------------- before it starts


def _slot_plan(slot: SlotPlan, now: datetime, zone: str) -> Iterator[str]:
    opens = f"would be asked {'now' if slot.opens_at <= now else f'at {_at(slot.opens_at, now, zone)}'}"
    yield from _title(slot, now, zone, opens)
    if slot.accepted:
        yield f"  {slot.accepted} come already"
    yield ""
    fewer = f" (it would take {slot.asks})" if len(slot.first_wave) < slot.asks else ""
    spare = slot.not_asked.get("not needed yet", 0)
    yield f"  first wave: {len(slot.first_wave)} of {len(slot.first_wave) + spare} who may be asked{fewer}"
    yield f"  {_expects(slot.expected, slot.quota)} with this wave"
    yield f"  {slot.share:.0%} are taken to say yes"
    if slot.outlook:
        yield from _wrapped(_foresees(slot.outlook), "  ")
    wave = [
        f"{one.lane:<6} {one.name} ({one.department}{': ' + ', '.join(one.holds) if one.holds else ''})"
        for one in slot.first_wave
    ]
    yield from _people("asked", wave)
    yield ""
    yield "  not asked"
    reasons = {reason: count for reason, count in slot.not_asked.items() if reason != "not needed yet"}
    for reason, count in reasons.items():
        yield from _wrapped(f"{count:>5}  {reason}", "  ", hang=9)
    yield from _names("OUT OF REACH", slot.unreachable)
    yield from _fairness(slot.fairness)


def _foresees(found: Outlook) -> str:
    come, asked = _spread(found.come_low, found.come_high), _spread(found.asked_low, found.asked_high)
    return f"with all its waves: {come} come, {_percent(found.chance)} likely to be enough; {asked} asked in all"


# ---------------------------------------------------------------- pieces


def _people(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"  {title}"
        yield from (f"    {shorten_end(line, WIDTH - 4)}" for line in lines[:NAMED])
        if len(lines) > NAMED:
            yield f"    and {len(lines) - NAMED} more (--json names all)"


def shorten_end(line: str, width: int) -> str:
    """Cut a line that is too wide; spaces inside it stay."""
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _names(title: str, people: Sequence[Who]) -> Iterator[str]:
    if people:
        names = ", ".join(one.name for one in people[:NAMED])
        more = f" and {len(people) - NAMED} more (--json names all)" if len(people) > NAMED else ""
        yield ""
        yield from _wrapped(f"{title} ({len(people)}): {names}{more}", "  ")


def _fairness(found: Fairness) -> Iterator[str]:
    if found.evenness is None:
        text = f"nobody of the {found.people} who could be called was called in {found.days} days"
    else:
        text = (
            f"{found.calls} calls on {found.people} people in {found.days} days, {found.never} of them never called; "
            f"{found.evenness:.0%} as even as can be"
        )
    if found.most:
        text += "; most often " + ", ".join(f"{one.name} {one.calls} times" for one in found.most)
    yield ""
    yield from _wrapped(f"fairness: {text}", "  ")


def _wrapped(text: str, indent: str = "", hang: int = 2) -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + " " * hang)


def _at(at: datetime, now: datetime, zone: str) -> str:
    """`06:00 UTC (07:00)`; with the date where it is another than that of `now`, there or here."""
    there, here = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    universal = f"{at:%H:%M}" if at.date() == now.date() else f"{at:%m-%d %H:%M}"
    local = f"{there:%H:%M}" if there.date() == here.date() else f"{there:%m-%d %H:%M}"
    return f"{universal} UTC ({local})"

"""A staffing plan to look at: as a table, a plot, CSV and a calendar. It decides nothing and writes no file."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.demand import SLOT
from engine.staffing import ALL, Slot, StaffingPlan, language_name, summary

CSV_HEADER = ("start_utc", "end_utc", "language", "messages", "needed", "on_duty", "offered", "shortfall")

_NEEDED, _ON_DUTY, _OFFERED, _MISSING = "#1a1a1a", "#3b6ea8", "#9cc4e8", "#d1495b"
"""Told apart in greyscale too; what is missing is hatched beside."""


def _rows(plan: StaffingPlan) -> Iterator[tuple[Slot, int, dict[str, int]]]:
    """Give each half hour: all together, heads missing over all languages, and language → heads missing."""
    by_language: dict[datetime, dict[str, int]] = {}
    for slot in plan.slots:
        if slot.language != ALL and slot.shortfall:
            by_language.setdefault(slot.start, {})[slot.language] = slot.shortfall
    for slot, missing in zip(plan.together, plan.missing, strict=True):
        yield slot, missing, by_language.get(slot.start, {})


def table(plan: StaffingPlan, time_zone: str = "UTC") -> str:
    """Write the plan as lines of text, a half hour each, in UTC and local time with the date."""
    zone = ZoneInfo(time_zone)
    local = [] if time_zone == "UTC" else [f"local ({time_zone})"]
    rows = [["UTC", *local, "messages", "needed", "on duty", "offered", "missing", ""]]
    before: datetime | None = None
    for slot, missing, by_language in _rows(plan):
        there = slot.start.astimezone(zone)
        rows.append(
            [
                _moment(slot.start, before),
                *([_moment(there, before and before.astimezone(zone))] if local else []),
                f"{slot.messages:.0f}",
                str(slot.needed),
                str(slot.on_duty),
                str(slot.offered) if slot.offered else "-",
                str(missing) if missing else "-",
                " ".join(f"{language} {count}" for language, count in by_language.items()),
            ]
        )
        before = slot.start
    return "\n".join([_promise(plan), *_aligned(rows), "", _sentence(plan)])


def _moment(instant: datetime, before: datetime | None) -> str:
    """Write the time, with the date where it is a new one."""
    new = before is None or before.date() != instant.date()
    return f"{instant:%a} {instant.day:2} {instant:%b %H:%M}" if new else f"{instant:%H:%M}"


def _promise(plan: StaffingPlan) -> str:
    return (
        f"Staffing as planned {plan.made_at:%Y-%m-%d %H:%M} UTC: {plan.share:.0%} of the messages answered "
        f"within {plan.answer_within_s / 60:g} min"
    )


def _sentence(plan: StaffingPlan) -> str:
    text = summary(plan)
    return text[0].upper() + text[1:] + "."


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def csv_text(plan: StaffingPlan) -> str:
    """Write every row of the plan as CSV with a header; times in UTC, `*` is all languages together.

    The shortfall of `*` is the sum over languages: one too many in one is no help in another.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_HEADER)
    missing = {slot.start: count for slot, count, _ in _rows(plan)}
    for slot in plan.slots:
        short = missing[slot.start] if slot.language == ALL else slot.shortfall
        times = [f"{instant:%Y-%m-%dT%H:%MZ}" for instant in (slot.start, slot.start + SLOT)]
        writer.writerow([*times, slot.language, slot.messages, slot.needed, slot.on_duty, slot.offered, short])
    return out.getvalue()


def calendar(plan: StaffingPlan, reference: str, names: Mapping[str, str] = {}) -> bytes:
    """Write the offered shifts and the hours in which people are missing as iCalendar (RFC 5545).

    `reference`: the incident's, such as INC-12, which makes the events' ids; `names`: person key → what to call them
    (the key where absent). The same plan gives the same bytes, and a newer one replaces the events it still has.
    """
    from icalendar import Calendar

    book = Calendar()
    book.add("prodid", "-//irrops//staffing//EN")
    book.add("version", "2.0")
    book.add("method", "PUBLISH")
    book.add("x-wr-calname", f"{reference} staffing")
    for key, start, end in plan.offers:
        title = f"{reference}: extra shift offered to {names.get(key, key)}"
        book.add_component(_event(plan, f"{reference}-{key}-{start:%Y%m%dT%H%M}", title, start, end, "TENTATIVE"))
    for start, end, missing, by_language in _gaps(plan):
        languages = ", ".join(f"{count} {language_name(language)}" for language, count in by_language.items())
        title = f"{reference}: {missing} missing ({languages})"
        book.add_component(_event(plan, f"{reference}-gap-{start:%Y%m%dT%H%M}", title, start, end, "CONFIRMED"))
    return bytes(book.to_ical())


def _event(plan: StaffingPlan, uid: str, title: str, start: datetime, end: datetime, status: str) -> Any:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{uid}@irrops")
    event.add("dtstamp", plan.made_at)
    event.add("sequence", plan.version)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", title)
    event.add("status", status)
    event.add("transp", "OPAQUE" if status == "TENTATIVE" else "TRANSPARENT")
    return event


def _gaps(plan: StaffingPlan) -> Iterator[tuple[datetime, datetime, int, dict[str, int]]]:
    """Join half hours in a row with the same people missing."""
    current: tuple[datetime, datetime, int, dict[str, int]] | None = None
    for slot, missing, by_language in _rows(plan):
        if current and missing and (slot.start, missing, by_language) == current[1:]:
            current = (current[0], slot.start + SLOT, missing, by_language)
            continue
        if current:
            yield current
        current = (slot.start, slot.start + SLOT, missing, by_language) if missing else None
    if current:
        yield current


def plot(plan: StaffingPlan, title: str, form: str = "svg") -> bytes:
    """Draw who is needed against who is there over time, in UTC; `form` is svg or png.

    The same plan gives the same bytes. Text stays text in SVG, so that it can be read aloud and searched.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "irrops", "font.size": 10, "hatch.linewidth": 0.6}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(10, 4.8), layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure, plan, title)
        out = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(out, format=form, metadata=metadata, dpi=110)
    return out.getvalue()


def _draw(figure: Any, plan: StaffingPlan, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = figure.add_subplot()
    rows = list(_rows(plan))
    edges = [slot.start for slot, _, _ in rows] + [rows[-1][0].start + SLOT] if rows else []
    needed = [slot.needed for slot, _, _ in rows]
    on_duty = [slot.on_duty for slot, _, _ in rows]
    there = [slot.on_duty + slot.offered for slot, _, _ in rows]
    with_missing = [count + missing for count, (_, missing, _) in zip(there, rows, strict=True)]
    _steps(axes, edges, [0] * len(rows), on_duty, "on duty", color=_ON_DUTY)
    _steps(axes, edges, on_duty, there, "extra shifts offered", color=_OFFERED)
    _steps(axes, edges, there, with_missing, "missing", facecolor="#ffffff", edgecolor=_MISSING, hatch="////", lw=0)
    if edges:
        axes.stairs(needed, edges, baseline=None, color=_NEEDED, linewidth=2.2, label="needed")
        axes.set_xlim(edges[0], edges[-1])
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, frameon=False, borderaxespad=0.2)
        _mark_peak(axes, rows)
    axes.set_ylim(0, max([*needed, *with_missing, 1]) * 1.18)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title, loc="left", fontweight="bold", pad=28)
    axes.set_xlabel("time (UTC)")
    axes.set_ylabel("people")
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _hours(axes, edges)


def _steps(
    axes: Any, edges: Sequence[datetime], low: Sequence[int], high: Sequence[int], label: str, **look: Any
) -> None:
    """Fill between two step curves."""
    if edges:
        axes.stairs(high, edges, baseline=low, fill=True, label=label, **look)


def _mark_peak(axes: Any, rows: Sequence[tuple[Slot, int, dict[str, int]]]) -> None:
    """Name the first of the highest half hours, within the frame."""
    index = max(range(len(rows)), key=lambda number: rows[number][0].needed)
    peak, early = rows[index][0], index < len(rows) / 2
    if peak.needed:
        at = (peak.start if early else peak.start + SLOT, peak.needed)
        text = f"peak {peak.needed} at {peak.start:%H:%M}"
        axes.annotate(
            text, at, xytext=(0, 5), textcoords="offset points", ha="left" if early else "right", fontweight="bold"
        )


def _hours(axes: Any, edges: Sequence[datetime]) -> None:
    """Label the hours, with the date at every midnight, and at the first where that is far enough."""
    import matplotlib.dates
    from matplotlib.ticker import FuncFormatter

    dates: Any = matplotlib.dates

    span = edges[-1] - edges[0] if edges else timedelta()
    every = next((hours for hours in (1, 2, 6, 12) if span <= timedelta(hours=14 * hours)), 24)

    def label(instant: float, position: int | None) -> str:
        at = dates.num2date(instant)
        dated = at.hour == 0 or (position == 0 and 24 - at.hour >= 2 * every)
        return f"{at:%H:%M}\n{at:%a} {at.day} {at:%b}" if dated else f"{at:%H:%M}"

    axes.xaxis.set_major_locator(dates.HourLocator(byhour=range(0, 24, every)) if every < 24 else dates.DayLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(label))


FORMATS = {"txt": "text/plain", "csv": "text/csv", "ics": "text/calendar", "svg": "image/svg+xml", "png": "image/png"}
"""Ending of a file name → media type."""


def write(plan: StaffingPlan, form: str, reference: str, time_zone: str, names: Mapping[str, str] = {}) -> bytes:
    """Write the plan in one of FORMATS; `reference` is the incident's."""
    if form == "txt":
        return table(plan, time_zone).encode()
    if form == "csv":
        return csv_text(plan).encode()
    if form == "ics":
        return calendar(plan, reference, names)
    return plot(plan, f"Staffing of {reference}", form)

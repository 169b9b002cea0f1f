"""The plots of a review: SVG that takes its colours from the page, and the same figures as a table.

Drawn by matplotlib, which is loaded when the first plot is drawn. The same figures give the same bytes.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Lock
from typing import Any

from engine.callout import Answer
from engine.review import Review, took

_COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--muted)",
    "#030303": "var(--line)",
    "#040404": "var(--one)",
    "#050505": "var(--two)",
    "#060606": "var(--three)",
    "#070707": "var(--bad)",
}
"""What matplotlib draws with, and the colour of the page that it becomes, light or dark."""
INK, MUTED, LINE, ONE, TWO, THREE, BAD = _COLOURS

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "irrops",
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}
_drawing = Lock()
"""matplotlib's settings are the whole process's."""


@dataclass(frozen=True)
class Series:
    """Figures over time: `messages` and `answered` are counts in the hour that begins at the instant."""

    name: str
    points: Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Plot:
    """One plot, and what it shows as a table."""

    key: str
    title: str
    says: str
    """The same in one sentence, for who can't see it."""
    svg: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def plots(review: Review, series: Sequence[Series] = ()) -> Iterator[Plot]:
    """Draw what there are figures for."""
    words = [measure for measure in review.measures if measure.kind == "first_word"]
    if words:
        yield _statements(review)
    by_name = {one.name: one for one in series if one.points}
    if "messages" in by_name:
        yield _messages(by_name["messages"], by_name.get("answered", Series("answered", ())))
    if review.staffing:
        yield _staffing(review)
    if review.asked:
        yield _volunteers(review)


# ---------------------------------------------------------------- the four plots


def _statements(review: Review) -> Plot:
    words = [measure for measure in review.measures if measure.kind == "first_word"][::-1]
    targets = {measure.target_s / 60 for measure in words}
    longest = max([*targets, *(measure.took_s / 60 for measure in words if measure.took_s is not None)])

    def draw(axes: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        for place, measure in enumerate(words):
            colour = ONE if measure.kept or measure.pending else BAD
            minutes = (measure.took_s or 0) / 60
            axes.barh(place, minutes, height=0.5, color=colour)
            where = axes.get_yaxis_transform()
            axes.text(1.01, place, took(measure), transform=where, va="center")
        for target in targets:
            axes.axvline(target, color=INK, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(f"{target:g} min", (target, 1), (3, 2), xycoords=("data", "axes fraction"),
                          textcoords="offset points", color=MUTED)  # fmt: skip
        axes.set_yticks(range(len(words)), [measure.name for measure in words], color=INK)
        axes.set_ylim(-0.6, len(words) - 0.4)
        axes.set_xlim(0, longest * 1.05)
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.set_xlabel("minutes after the declaration")

    kept = sum(measure.kept for measure in words)
    return Plot(
        "statements",
        "First statement, channel by channel",
        f"{kept} of {len(words)} channels had the first statement within the target.",
        _svg("statements", draw, height=0.9 + 0.34 * len(words)),
        ("channel", "took", "target"),
        tuple((measure.name, took(measure), f"{measure.target_s / 60:g} min") for measure in reversed(words)),
    )


def _messages(messages: Series, answered: Series) -> Plot:
    hour = timedelta(hours=1)
    answers = dict(answered.points)

    def draw(axes: Any) -> None:
        begins = [at for at, _ in messages.points]
        counts = [count for _, count in messages.points]
        axes.bar(begins, counts, width=hour * 0.86, align="edge", color=TWO, label="written by customers")
        if answers:
            axes.plot(
                [at + hour / 2 for at in answers], list(answers.values()), color=ONE, linewidth=2, label="answered"
            )
        _over_time(axes, "an hour")

    total, done = sum(count for _, count in messages.points), sum(answers.values())
    return Plot(
        "messages",
        "Messages and answers, hour by hour",
        f"Customers wrote {total:,.0f} messages; {done:,.0f} were answered.",
        _svg("messages", draw),
        ("hour, UTC", "written", "answered"),
        tuple((_clock(at), f"{count:g}", f"{answers.get(at, 0):g}") for at, count in messages.points),
    )


def _staffing(review: Review) -> Plot:
    slots = review.staffing
    half = slots[1].start - slots[0].start if len(slots) > 1 else timedelta(minutes=30)
    edges = [*(slot.start for slot in slots), slots[-1].start + half]

    def draw(axes: Any) -> None:
        duty = [slot.on_duty for slot in slots]
        offered = [slot.on_duty + slot.offered for slot in slots]
        axes.fill_between(edges, [*offered, offered[-1]], step="post", color=THREE, linewidth=0, label="shifts offered")
        axes.fill_between(edges, [*duty, duty[-1]], step="post", color=TWO, linewidth=0, label="on duty and accepted")
        axes.stairs([slot.needed for slot in slots], edges, color=ONE, linewidth=2, label="needed", baseline=None)
        _over_time(axes, "people")

    peak = max(slot.needed for slot in slots)
    return Plot(
        "staffing",
        "People needed and people there",
        f"At the peak {peak} people were needed; at most {review.peak_shortfall} were missing.",
        _svg("staffing", draw),
        ("from, UTC", "needed", "on duty and accepted", "shifts offered"),
        tuple((_clock(slot.start), str(slot.needed), str(slot.on_duty), str(slot.offered)) for slot in slots),
    )


def _volunteers(review: Review) -> Plot:
    moments = sorted(
        {one.asked_at for one in review.asked} | {one.answered_at for one in review.asked if one.answered_at}
    )
    edges = [*moments, max(review.until, moments[-1] + timedelta(minutes=1))]
    counts = [_answers_at(review, moment) for moment in edges]

    def draw(axes: Any) -> None:
        below = [0] * len(edges)
        for name, colour in (("yes", ONE), ("no or later", THREE), ("silent", TWO)):
            above = [low + count[name] for low, count in zip(below, counts, strict=True)]
            axes.fill_between(edges, below, above, step="post", color=colour, linewidth=0, label=name)
            below = above
        last = min(edges[-1], moments[-1] + (moments[-1] - moments[0]) / 5 + timedelta(minutes=2))
        axes.set_xlim(moments[0], last)
        _over_time(axes, "people asked")

    end = counts[-1]
    return Plot(
        "volunteers",
        "Volunteers asked, and what they said",
        f"Of {len(review.asked)} people asked {end['yes']} said yes, {end['no or later']} no or later, "
        f"{end['silent']} did not answer.",
        _svg("volunteers", draw),
        ("UTC", "yes", "no or later", "silent"),
        tuple((_clock(at), *(str(value) for value in count.values())) for at, count in zip(edges, counts, strict=True)),
    )


def _answers_at(review: Review, moment: datetime) -> dict[str, int]:
    asked = [one for one in review.asked if one.asked_at <= moment]
    answered = [one for one in asked if one.answered_at and one.answered_at <= moment]
    yes = sum(one.answer is Answer.YES for one in answered)
    return {"yes": yes, "no or later": len(answered) - yes, "silent": len(asked) - len(answered)}


# ---------------------------------------------------------------- drawing


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %H:%M}"


_DATES = ["", "%Y", "%b %Y", "%d %b %Y", "%d %b %Y", "%d %b %Y %H:%M"]
"""What stands once at the end of the axis, for ticks of years, months, days, hours, minutes, seconds."""


def _over_time(axes: Any, label: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    locator = AutoDateLocator(tz=UTC, minticks=2, maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, offset_formats=_DATES))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_color(MUTED)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(label)
    axes.set_xlabel("UTC", loc="left", labelpad=-8)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, borderaxespad=0, handlelength=1.2, columnspacing=1.2
    )


def _svg(key: str, draw: Callable[[Any], None], height: float = 2.5) -> str:
    """Draw into an SVG without a size of its own, in the page's colours and letters. Ids begin with `key`."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    out = StringIO()
    with _drawing, rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(5.2, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    return _for_page(out.getvalue(), key)


def _for_page(svg: str, key: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{key}-", svg)
    svg = re.sub(r"(font: (?:\w+ )?[\d.]+px) [^;\"]+", r"\1 system-ui, sans-serif", svg)
    for drawn, shown in _COLOURS.items():
        svg = svg.replace(drawn, shown)
    return svg.replace("<svg ", '<svg aria-hidden="true" ', 1).strip()

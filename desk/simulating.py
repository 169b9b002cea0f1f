"""Simulated call-outs for people to look at: as text, as JSON, as a plot. What is simulated: `engine.simulation`."""

import io
import sys
import time
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from engine.duration import spoken
from engine.incident import NotAllowed
from engine.rates import between
from engine.simulation import EVERYBODY, FOUR_TIMES, ONE_WAVE, ORACLE, OURS, Result, Strategy, simulate
from engine.waves import Belief

BOUND = 1.25
"""People asked are to be at most so many times those of the oracle."""

SHOW_AFTER_S = 2.0
WORDS = {
    OURS: "irrops: knows neither rate nor pace",
    ORACLE: "oracle: knows both, in waves",
    ONE_WAVE: "oracle: knows both, one wave",
    FOUR_TIMES: "the quota times four, at once",
    EVERYBODY: "everybody, at once",
}


def run(people: int, quota: int, seeds: int, **more: Any) -> Result:
    """Simulate, showing on stderr how far it is when that takes long. `more`: as `engine.simulation.simulate` takes it.

    Raises NotAllowed.
    """
    shown = _Progress(sys.stderr, seeds)
    try:
        return simulate(people, quota, seeds, progress=shown, **more)
    finally:
        shown.end()


class _Progress:
    """One line that is written over on a screen; elsewhere a line every fifth."""

    def __init__(self, out: TextIO, seeds: int):
        self.out, self.seeds, self.began, self.last = out, seeds, time.monotonic(), -1

    def __call__(self, share: float) -> None:
        if time.monotonic() - self.began < SHOW_AFTER_S:
            return
        screen = self.out.isatty()
        step = int(share * 100) if screen else int(share * 5) * 20
        if step > self.last:
            self.last = step
            text = f"simulating {self.seeds:,} call-outs: {step}%"
            print(f"\r{text}", end="", file=self.out, flush=True) if screen else print(text, file=self.out, flush=True)

    def end(self) -> None:
        if self.last >= 0 and self.out.isatty():
            print(file=self.out)


# ---------------------------------------------------------------- text and JSON


def as_text(result: Result) -> str:
    """Write what was simulated, how each way of asking did, and whether the two bounds hold."""
    terms = result.terms
    head = ["", "quota met", "95% interval", "asked", "median", "90% below", "oracle", "for nothing"]
    rows = [head]
    for one in result.strategies if result.feasible else ():
        low, high = one.interval
        cells = [f"{one.share:.1%}", f"{low:.1%} to {high:.1%}", f"{one.mean:,.0f}", f"{one.median:,.0f}"]
        last = [f"{one.p90:,.0f}", f"× {result.ratio(one.name):.2f}", f"{one.too_many:,.1f}"]
        rows.append([WORDS[one.name], *cells, *last])
    first = (
        f"{terms.quota} of {terms.people:,} people within {spoken(terms.deadline)}, in at most {terms.waves} waves of "
        f"{spoken(terms.respond_within)}, to be met in {terms.confidence:.0%} of the call-outs; {result.seeds:,} seeds."
    )
    return "\n".join(
        [first, *_assumed(result), "", *(_aligned(rows) if result.feasible else []), "", *_verdict(result)]
    )


def _assumed(result: Result) -> list[str]:
    night = result.night
    low, high = between(Belief(night.rate * night.worth, (1 - night.rate) * night.worth))
    quick, slow = night.spread
    return [
        f"Each night has its own rate ({night.rate:.0%} on average, {low:.0%} to {high:.0%} in 80% of the nights) "
        f"and pace",
        f"(median around {spoken(night.median)}, a lognormal with a spread of {quick:g} to {slow:g}); "
        f"{night.declines:.0%} say no.",
    ]


def _verdict(result: Result) -> list[str]:
    lines = []
    hopeless = result.seeds - result.feasible
    if result.feasible:
        ours, ratio = result.of(OURS), result.ratio()
        kept = "as stated" if ours.share >= result.terms.confidence else "LESS THAN STATED"
        within = "within" if ratio <= BOUND else "ABOVE"
        lines.append(
            f"The quota was met in {ours.share:.1%} ({kept}: {result.terms.confidence:.0%}), asking {ratio:.2f} times "
            f"the people that the oracle asks ({within} {BOUND:g})."
        )
    if hopeless:
        mean = sum(result.hopeless_asked) / hopeless
        whole = f"Counted in, the share is {result.of(OURS).met / result.seeds:.1%}; "
        lines += [
            f"Left out above: {hopeless:,} nights on which not even asking everybody at once would have met it.",
            f"{whole if result.feasible else ''}irrops asked {mean:,.0f} people on those.",
        ]
    return lines


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(pairs)
        ).rstrip()
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def as_json(result: Result) -> dict[str, Any]:
    """The same figures for programs; shares from 0 to 1, times in seconds."""
    terms, night = result.terms, result.night
    return {
        "people": terms.people,
        "quota": terms.quota,
        "seeds": result.seeds,
        "stated": terms.confidence,
        "deadline_s": terms.deadline.total_seconds(),
        "respond_within_s": terms.respond_within.total_seconds(),
        "waves": terms.waves,
        "assumed": {
            "rate": night.rate,
            "rate_worth": night.worth,
            "declines": night.declines,
            "median_s": night.median.total_seconds(),
            "median_spread": night.median_spread,
            "spread": list(night.spread),
        },
        "feasible": result.feasible,
        "infeasible": {"seeds": result.seeds - result.feasible, "asked": list(result.hopeless_asked)},
        "oracle_thresholds": list(result.thresholds),
        "bound": BOUND,
        "strategies": {one.name: _figures(result, one) for one in result.strategies} if result.feasible else {},
    }


def _figures(result: Result, one: Strategy) -> dict[str, Any]:
    low, high = one.interval
    return {
        "met": one.met,
        "share": round(one.share, 4),
        "share_low": round(low, 4),
        "share_high": round(high, 4),
        "asked_mean": round(one.mean, 2),
        "asked_median": one.median,
        "asked_p90": one.p90,
        "times_the_oracle": round(result.ratio(one.name), 4),
        "for_nothing_mean": round(one.too_many, 2),
    }


# ---------------------------------------------------------------- the plot

_INK, _OURS, _ORACLE, _OTHER, _LINE, _BAD = "#1a1a1a", "#3b6ea8", "#c77700", "#6b6b6b", "#dddddd", "#d1495b"
_UNDER = {"facecolor": "#ffffff", "edgecolor": "none", "pad": 1, "alpha": 0.85}
"""Behind words that stand on lines."""


def plot(result: Result, path: Path) -> None:
    """Draw it into a file, SVG or PNG by its ending. Raises NotAllowed, OSError."""
    form = path.suffix.lower().lstrip(".")
    if form not in ("svg", "png"):
        raise NotAllowed(f"{path.name}: a plot is an .svg or a .png; name the file so")
    if not result.feasible:
        raise NotAllowed("there is nothing to draw: on no night could the quota be met; lower it or add people")
    path.write_bytes(drawn(result, form))


def drawn(result: Result, form: str = "svg") -> bytes:
    """Draw people asked against the night's rate, and how often the quota was met. The same figures, the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "irrops", "font.size": 10}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(10, 4.8), layout="constrained")
        FigureCanvasAgg(figure)
        asked, met = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_asked(asked, result)
        _draw_met(met, result)
        terms = result.terms
        title = f"{terms.quota} of {terms.people:,} people within {spoken(terms.deadline)}: {result.seeds:,} call-outs"
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        out = io.BytesIO()
        figure.savefig(out, format=form, metadata={"Date": None} if form == "svg" else {"Software": None}, dpi=110)
    return out.getvalue()


def _draw_asked(axes: Any, result: Result) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

    ours = result.of(OURS)
    axes.scatter(result.rates, ours.asked, s=7, color=_OURS, alpha=0.25, linewidth=0)
    for name, colour in ((ORACLE, _ORACLE), (OURS, _OURS)):
        axes.plot(*_middle(result.rates, result.of(name).asked), color=colour, linewidth=2.4)
    _name_lines(axes, result)
    for name in (FOUR_TIMES, EVERYBODY):
        count = result.of(name).asked[0]
        axes.axhline(count, color=_OTHER, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(f"{name}: {count:,}", (0, count), (4, 3), xycoords=("axes fraction", "data"),
                      textcoords="offset points", color=_OTHER, bbox=_UNDER)  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlim(0, min(1.0, max(result.rates) * 1.02))
    axes.set_ylim(max(1, result.terms.quota * 0.8), result.terms.people * 1.35)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of people who say yes that night (the planner does not know it)")
    axes.set_ylabel("people asked (lines: median of like nights)")
    _clean(axes, "both")


def _name_lines(axes: Any, result: Result) -> None:
    """Write ours above its line, where it is still steep, and the oracle's below the end of its own."""
    rates, asked = _middle(result.rates, result.of(OURS).asked)
    third = len(rates) // 3
    axes.annotate("irrops (dots: single nights)", (rates[third], asked[third]), (28, 26), textcoords="offset points",
                  color=_OURS, fontweight="bold", bbox=_UNDER,
                  arrowprops={"arrowstyle": "-", "color": _OURS, "shrinkB": 4})  # fmt: skip
    rates, asked = _middle(result.rates, result.of(ORACLE).asked)
    axes.annotate("oracle in waves: knows rate and pace", (rates[-1], asked[-1]), (6, -7), textcoords="offset points",
                  color=_ORACLE, fontweight="bold", ha="right", va="top")  # fmt: skip


def _middle(rates: Sequence[float], asked: Sequence[int], groups: int = 20) -> tuple[list[float], list[float]]:
    """Medians of nights with like rates, as many in each group."""
    pairs = sorted(zip(rates, asked, strict=True))
    size = max(1, len(pairs) // groups)
    parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    parts = [part for part in parts if len(part) >= (size + 1) // 2]
    return [median(rate for rate, _ in part) for part in parts], [median(count for _, count in part) for part in parts]


def _draw_met(axes: Any, result: Result) -> None:
    from matplotlib.ticker import PercentFormatter

    names = [one.name for one in result.strategies][::-1]
    for place, name in enumerate(names):
        one = result.of(name)
        low, high = one.interval
        colour = {OURS: _OURS, ORACLE: _ORACLE}.get(name, _OTHER)
        axes.plot([low, high], [place, place], color=colour, linewidth=2.4, solid_capstyle="butt")
        axes.plot([one.share], [place], "o", color=colour, markersize=7)
        ratio = "" if name == ORACLE else f", {result.ratio(name):.2f} × the oracle's"
        text = f"{one.share:.0%}: {one.mean:,.0f} asked{ratio}"
        axes.annotate(text, (one.share, place), (0, 8), textcoords="offset points",
                      ha="right" if one.share > 0.7 else "left", color=_INK, bbox=_UNDER)  # fmt: skip
    stated = result.terms.confidence
    axes.axvline(stated, color=_BAD, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(f"stated {stated:.0%}", (stated, 1), (0, 3), xycoords=("data", "axes fraction"),
                  textcoords="offset points", ha="center", color=_BAD)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.3)
    lowest = min(one.interval[0] for one in result.strategies)
    axes.set_xlim(_floor(lowest), 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("quota met by the deadline (line: 95% interval)")
    _clean(axes, "x")


def _floor(share: float) -> float:
    steps = (0.0, 0.2, 0.4, 0.6, 0.8)
    return steps[max(0, bisect_right(steps, share - 0.02) - 1)]


def _clean(axes: Any, grid: str) -> None:
    axes.grid(axis=grid, color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

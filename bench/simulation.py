"""Call-outs simulated over 1,000 seeds: how often the quota is met, and people asked against an oracle.

`python -m bench.simulation` draws docs/images/simulation.png anew. Assumptions: docs/simulation.md.
"""

import time
from typing import Any

from desk.settings import ROOT
from engine.simulation import EVERYBODY, FOUR_TIMES, OURS, Result, simulate

SEEDS = 1000
PAIRS = ((300, 12), (300, 3), (300, 1), (1000, 60), (120, 25))
PLOTTED = (300, 12)
PICTURE = ROOT / "docs" / "images" / "simulation.png"


def measure() -> list[dict[str, Any]]:
    """Two rows for each pair: the share met against the stated one, and people asked against the oracle's."""
    rows = []
    for people, quota in PAIRS:
        began = time.perf_counter()
        result = simulate(people, quota, SEEDS)
        rows += _rows(result, f"{quota} of {people}", time.perf_counter() - began)
    return rows


def _rows(result: Result, pair: str, took_s: float) -> list[dict[str, Any]]:
    ours, stated = result.of(OURS), result.terms.confidence
    low, high = ours.interval
    met = {
        "what": f"{pair}: quota met, of {result.feasible} ({low:.1%} to {high:.1%})",
        "ours_s": ours.share,
        "yardstick_s": stated,
        "ratio": ours.share / stated,
        "yardstick": f"stated; simulated in {took_s:.0f} s",
        "unit": "",
    }
    others = ", ".join(
        f"{name} {result.ratio(name):.2f} at {result.of(name).share:.0%}" for name in (FOUR_TIMES, EVERYBODY)
    )
    asked = {
        "what": f"{pair}: people asked on average",
        "ours_s": ours.mean,
        "yardstick_s": ours.mean / result.ratio(),
        "ratio": result.ratio(),
        "yardstick": f"an oracle in waves; {others}",
        "unit": "",
    }
    return [met, asked]


def main() -> None:
    from desk.simulating import plot, run

    PICTURE.parent.mkdir(exist_ok=True)
    plot(run(*PLOTTED, SEEDS), PICTURE)
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()

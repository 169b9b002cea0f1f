"""`make bench`: measure and print a table. `python -m bench respond command` runs only these."""

import importlib
import sys

ALL = ("command", "respond", "memory", "alerts", "simulation", "statements")


def main(names: list[str]) -> None:
    print(f"{'what':<58} {'ours':>9} {'yardstick':>10} {'ratio':>6}  yardstick")
    for name in names or ALL:
        for row in importlib.import_module(f"bench.{name}").measure():
            unit = row.get("unit", "s")
            print(
                f"{row['what']:<58} {row['ours_s']:>8.2f}{unit} {row['yardstick_s']:>9.2f}{unit} {row['ratio']:>6.2f}"
                f"  {row['yardstick']}",
                flush=True,
            )


main(sys.argv[1:])

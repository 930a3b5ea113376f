"""`python -m bench [part ...]`: measure, print a table; 1 when a goal is missed."""

from __future__ import annotations

import argparse
import os
import sys
import time

# The server under test makes its own database; this process only talks to it.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

from bench import (
    calibration,
    golden,
    ingest,
    judging,
    machine,
    ranking,
    redaction,
    reviewing,
    scale,
    screen,
    settling,
    start,
    statistics,
    steady,
)
from bench.figures import Figure, table

PARTS = {
    "start": start.measure,
    "ingest": ingest.measure,
    "steady": steady.measure,
    "scale": scale.measure,
    "settling": settling.measure,
    "redaction": redaction.measure,
    "reviewing": reviewing.measure,
    "screen": screen.measure,
    "golden": golden.measure,
    "statistics": statistics.measure,
    "ranking": ranking.measure,
    "judging": judging.measure,
    "calibration": calibration.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many is shown")
    parser.add_argument("--seconds", type=int, default=20, help="how long the steady load is held")
    parser.add_argument("--largest", type=int, default=scale.SIZES[-1], help="spans to fill the store with")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    more = {"steady": {"seconds": options.seconds}, "scale": {"largest": options.largest}}
    before = machine.yardstick()
    figures: list[Figure] = []
    for part in options.parts or PARTS:
        print(f"{part} ...", file=sys.stderr, flush=True)
        begun = time.monotonic()
        measured = PARTS[part](options.rounds, **more.get(part, {}))
        print(f"  {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        figures += measured
    print(f"\n{machine.told(before, machine.yardstick())}\n")
    print(table(figures))
    missed = [figure for figure in figures if not figure.is_met]
    print(f"\n{len(missed)} of {sum(f.goal is not None for f in figures)} goals missed.", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""How quick is this machine just now? Times and CPU mean little without that.

Neighbours of a virtual machine slow it down by a half for minutes, and a Python that was built without
optimisation (`--enable-optimizations`) takes half as long again as that of a distribution.
"""

from __future__ import annotations

import os
import platform
import time

ROUNDS, CALLS = 20, 20_000


class Small:
    def __init__(self, number: int) -> None:
        self.number = number

    def plus(self, other: int, **more: int) -> int:
        return self.number + other + len(more)


def yardstick() -> float:
    """Milliseconds of CPU for so many small calls, in the least disturbed of the rounds."""
    return 1000 * min(_round() for _ in range(ROUNDS))


def _round() -> float:
    begun, kept = time.process_time(), {}
    for number in range(CALLS):
        kept[f"key {number % 100}"] = Small(number).plus(number, more=1)
        [each for each in f"{number},b,c".split(",") if each > "a"]
    return time.process_time() - begun


def told(before: float, after: float) -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{os.cpu_count()} cores, web, worker and database on this machine, {python}; "
        f"{CALLS:,} small calls took {before:.1f} ms before and {after:.1f} ms after"
    )

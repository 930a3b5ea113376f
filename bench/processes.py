"""What do the server's processes use? CPU time and memory, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return found


def tree(root: int) -> set[int]:
    """The process and everything below it."""
    above, members = parents(), {root}
    while more := {pid for pid, parent in above.items() if parent in members} - members:
        members |= more
    return members


def of_server(run: Path, *names: str) -> set[int]:
    found: set[int] = set()
    for name in names:
        found |= tree(int((run / f"{name}.pid").read_text()))
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of the processes, and of children that have ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def rollup(pid: int, what: str) -> float:
    """Megabytes of `Pss` or `Rss`."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0

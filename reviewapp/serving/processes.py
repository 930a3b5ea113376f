"""Which processes of this machine are alive, and which of them are ours?

A pid alone proves nothing: numbers are used again. A process is recognised by its start time, its group
and its command line. Linux is read from /proc (a slim image has no `ps`), everything else from `ps`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    pid: int
    group: int
    started: str
    command: str


def living() -> Iterator[Process]:
    """Every process that still runs; zombies, which only wait for their parent, are left out."""
    if (PROC / "self" / "stat").exists():
        for entry in PROC.iterdir():
            if entry.name.isdigit() and (process := _from_proc(int(entry.name))):
                yield process
    else:
        yield from _from_ps()


def find(pid: int) -> Process | None:
    if (PROC / "self" / "stat").exists():
        return _from_proc(pid)
    return next((process for process in _from_ps() if process.pid == pid), None)


def servers_in(directory: Path) -> list[Process]:
    """PostgreSQL's processes on a data directory; a person's shell that stands there is none of them."""
    named = [
        process for process in living() if Path(process.command.split(" ")[0].rstrip(":")).name == "postgres"
    ]
    if (PROC / "self" / "stat").exists():
        return [process for process in named if _directory_of(process.pid) == directory]
    return [process for process in named if str(directory) in process.command]


def works_in(pid: int, directory: Path) -> bool:
    process = find(pid)
    if process is None:
        return False
    return (
        _directory_of(pid) == directory
        if (PROC / "self" / "stat").exists()
        else str(directory) in process.command
    )


def kill(pids: list[int], number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Whether the process ended within the time; a zombie has."""
    end = time.monotonic() + seconds
    while find(pid) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _from_proc(pid: int) -> Process | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    # The name in brackets may hold anything, spaces and brackets too.
    fields = stat[stat.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return Process(
        pid, int(fields[2]), fields[19], command.replace(b"\0", b" ").decode(errors="replace").strip()
    )


def _from_ps() -> Iterator[Process]:
    listing = subprocess.run(
        ["ps", "-axo", "pid=,pgid=,stat=,lstart=,command="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listing.stdout.splitlines():
        pid, group, state, *rest = line.split(maxsplit=8)
        if not state.startswith("Z") and len(rest) == 6:
            yield Process(int(pid), int(group), " ".join(rest[:5]), rest[5])


def _directory_of(pid: int) -> Path | None:
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None

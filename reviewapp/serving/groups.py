"""A process group for each part of the server: started by forking, ended whole, recognised after a crash.

Forking shares what is already imported: a part starts in milliseconds, and its memory counts once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from reviewapp.serving import processes

STOP_SECONDS = 6.0
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Group:
    """A part that was started: its leader's pid is its group's number."""

    name: str
    pid: int
    started: str
    command: str

    @classmethod
    def start(cls, name: str, run: Callable[[], None], directory: Path) -> Group:
        """Fork `run` into a group of its own; the note in the directory lets a later start end it."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _become(run)
        with contextlib.suppress(PermissionError):  # the child was quicker
            os.setpgid(pid, pid)
        process = processes.find(pid)
        group = cls(name, pid, process.started if process else "", process.command if process else "")
        _write(directory / f"{name}.group", json.dumps(asdict(group)))
        _write(directory / f"{name}.pid", f"{pid}\n")
        return group

    @classmethod
    def left_behind(cls, name: str, directory: Path) -> Group | None:
        """The group of an earlier server that was killed, if any of its processes is still there."""
        try:
            group = cls(**json.loads((directory / f"{name}.group").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return group if group.members() else None

    def members(self) -> list[int]:
        """A leader of another start time is a stranger; the others bear our command line."""
        found = [process for process in processes.living() if process.group == self.pid]
        if any(process.pid == self.pid and process.started != self.started for process in found):
            return []
        return [process.pid for process in found if process.command == self.command]

    def has_ended(self) -> bool:
        """Whether the leader is gone; it is reaped."""
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        return processes.find(self.pid) is None

    def terminate(self) -> None:
        """Ask the leader; it ends its own."""
        processes.kill([self.pid], signal.SIGTERM)

    def kill(self) -> None:
        """Until none is left: one that is killed may just have started another."""
        end = time.monotonic() + KILL_SECONDS
        while (members := self.members()) and time.monotonic() < end:
            processes.kill(members)
            time.sleep(0.02)
        processes.wait_until_gone(self.pid, 2.0)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


def stop(groups: list[Group], directory: Path) -> None:
    """End them all at the same time: asked first, then killed."""
    for group in groups:
        group.terminate()
    end = time.monotonic() + STOP_SECONDS
    waiting = list(groups)
    while waiting and time.monotonic() < end:
        waiting = [group for group in waiting if not group.has_ended()]
        time.sleep(0.02)
    for group in groups:
        group.kill()
        for suffix in ("pid", "group"):
            (directory / f"{group.name}.{suffix}").unlink(missing_ok=True)


def _become(run: Callable[[], None]) -> None:
    """The rest of the forked child's life."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)

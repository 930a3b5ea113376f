"""The real `manage.py serve` in a process of its own, as a person or an init system starts it."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from threading import Thread
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
# Patience for a busy machine: what is waited for is there in a second or two on one that is not.
READY_SECONDS = 300
ENDED_SECONDS = 120
SOON_SECONDS, SOON_STARTS = 10.0, 5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def directory_of_process() -> Path:
    """Tests that run side by side have a data directory and an embedded PostgreSQL for each process.

    A program that such a test starts has that of the test.
    """
    place = Path(os.environ.get("DATA_DIR") or ROOT / "var" / "test")
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    return place if place.name == process else place / process


EACH = """
import io, json
from django.core.management import call_command
said = []
for command in {commands!r}:
    out = io.StringIO()
    call_command(*command, stdout=out)
    said.append(out.getvalue().strip())
print(json.dumps(said))
"""


class Server:
    def __init__(self, data_dir: Path, *arguments: str, port: int | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.arguments = arguments
        kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "SECRET_KEY")}
        self.environment = {
            **kept,
            "DATA_DIR": str(data_dir),
            "DJANGO_SETTINGS_MODULE": "reviewapp.settings",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []
        self.log = data_dir / "serve.log"
        self.first_start = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    def launch(self) -> subprocess.Popen[str]:
        """Start it without waiting."""
        command = self.command("serve", "--port", str(self.port), *self.arguments)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=self.environment,
            )
        self.said = []
        Thread(target=self._listen, args=[self.process], daemon=True).start()
        return self.process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        self.said.extend(line.strip() for line in process.stdout)

    def start(self) -> float:
        """Start it; the seconds it took to print its ready line."""
        begun = time.monotonic()
        process = self.launch()
        while not self.said:
            if process.poll() is not None or time.monotonic() - begun > READY_SECONDS:
                raise AssertionError(f"serve did not become ready:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.01)
        took = time.monotonic() - begun
        self.first_start = self.first_start or took
        return took

    def soon(self) -> float:
        """Within so many seconds it has to be ready again: ten, or five starts where one takes over two."""
        return max(SOON_SECONDS, SOON_STARTS * self.first_start)

    def stop(self) -> float:
        """SIGTERM; the seconds until it was gone."""
        begun = time.monotonic()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(ENDED_SECONDS)
            self.process.stdout.close()
        return time.monotonic() - begun

    def manage(self, *arguments: str) -> str:
        """What another command prints, run beside the server."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def manage_each(self, *commands: Sequence[str]) -> list[str]:
        """What each of several commands prints, run one after the other in one process: it takes longer to
        load the application than to do what they do."""
        said = self.manage("shell", "-v", "0", "-c", EACH.format(commands=[list(each) for each in commands]))
        return json.loads(said.splitlines()[-1])

    def pid(self, name: str) -> int:
        return int((self.data_dir / "run" / f"{name}.pid").read_text())

    def get(self, path: str, timeout: float = 60) -> int:
        """The status of a GET, or 0 when there was no answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code
        except OSError:
            return 0

    def wait_ready(self, seconds: float) -> float:
        begun = time.monotonic()
        while self.get("/readyz", timeout=5) != 200:
            took = time.monotonic() - begun
            assert took < seconds, f"not ready after {took:.1f} s:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.02)
        return time.monotonic() - begun


@contextlib.contextmanager
def data_directory() -> Iterator[Path]:
    """A fresh data directory that any user can pass through, as PostgreSQL needs it under root."""
    directory = Path(tempfile.mkdtemp(prefix="ts-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@cache
def first_started() -> Path:
    """A data directory as a first start leaves it; copies of it start in a second, with all tables there.

    Processes that run tests side by side share it: the first makes it, and the last removes it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
    shared = Path(tempfile.gettempdir()) / f"ts-first-{run}"
    atexit.register(_leave, shared, _held(shared))
    data, made = shared / "data", shared / "made"
    with (shared / "making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            data.chmod(0o755)
            server = Server(data)
            try:
                server.start()
            finally:
                server.stop()
            made.touch()
    return data


def _held(directory: Path) -> int:
    """The directory, kept for as long as anyone holds it. It may go while one asks, and is made again."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)
            held = os.open(directory, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_SH)
            if directory.stat().st_ino == os.fstat(held).st_ino:
                return held
            os.close(held)


def _leave(directory: Path, held: int) -> None:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def started_before(*arguments: str, **environment: str) -> Iterator[Server]:
    """A server that stands still, on data that has its tables."""
    with data_directory() as directory:
        # cp keeps the owner, as PostgreSQL wants its own.
        subprocess.run(["cp", "-a", f"{first_started()}/.", directory], check=True)
        yield Server(directory, *arguments, **environment)


@contextlib.contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[Server]:
    with started_before(*arguments, **environment) as server:
        try:
            server.start()
            yield server
        finally:
            if server.process is not None and server.process.poll() is None:
                server.process.send_signal(signal.SIGTERM)
                server.process.wait(ENDED_SECONDS)
            if server.process is not None:
                server.process.stdout.close()

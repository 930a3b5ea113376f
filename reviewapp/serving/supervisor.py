"""Keeps the database, the web server and the worker running, and restarts whichever dies (`manage.py serve`).

The parts are forked from this process, which holds the whole application in memory and serves nothing. It
holds a lock that dies with it, so a second start on the same data is refused, and a start after `kill -9`
first ends what the killed one left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import http.client
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from granian.constants import Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server import Server

from reviewapp.serving import admission, boot_checks, groups, health, postgres, pulse, static_files
from reviewapp.serving.groups import Group

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.1
CLOSING_SECONDS = 5.0
HEARTBEAT_EVERY = 2.0
# The worker's pulse beats every two seconds; an idle cluster that lost a process never beats again.
HEARTBEAT_LOST = 20.0
READY_SECONDS = 300.0
STACK_BYTES = 8 * 1024 * 1024
# Python looks for cycles that nothing reaches whenever 700 objects more are alive, several times a request;
# what a request leaves behind has hardly any.
CYCLES_LOOKED_FOR = (10_000, 20, 20)
# One migration at a time, whichever machine starts first.
MIGRATION_LOCK = 0x746F756368


class CannotServe(Exception):
    """Why the server does not start, and what to do."""


@dataclass
class Part:
    """A part that should be running, and how long to wait before it is started again."""

    name: str
    run: Callable[[], None]
    group: Group | None = None
    started_at: float = 0.0
    pause: float = 0.0

    def start(self, directory: Path) -> None:
        connections.close_all()
        self.group = Group.start(self.name, self.run, directory)
        self.started_at = time.monotonic()

    def restart_if_ended(self, directory: Path) -> None:
        if self.group is not None and self.group.has_ended():
            self.end()
            lived = time.monotonic() - self.started_at
            self.pause = 0.0 if lived > 10 else min(5.0, self.pause + 0.5)
            logger.error("%s ended unexpectedly; restarting it.", self.name)
        if self.group is None and time.monotonic() - self.started_at >= self.pause:
            self.start(directory)

    def end(self) -> None:
        if self.group is not None:
            self.group.kill()
        self.group = None


class Supervisor:
    def __init__(self, host: str, port: int, with_worker: bool) -> None:
        self.host, self.port = host, port
        self.run_directory = settings.DATA_DIR / "run"
        self.parts = [Part("web", self._serve_web)]
        if with_worker:
            self.parts.append(Part("worker", pulse.work))
        self.looked_at = 0.0

    def serve(self) -> None:
        """Until SIGTERM or SIGINT."""
        with self._alone(), _signals_raise(), contextlib.suppress(KeyboardInterrupt):
            # The kernel takes a moment to close the sockets of those that were just killed.
            patience = CLOSING_SECONDS if self._end_left_behind() else 0.0
            refuse_taken_port(self.host, self.port, patience)
            with self._database() as database:
                try:
                    prepare()
                    self.application = loaded_application()
                    self._watch(database)
                finally:
                    _ignore_signals()
                    connections.close_all()
                    groups.stop([part.group for part in self.parts if part.group], self.run_directory)

    def _watch(self, database: postgres.Server | None) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*CYCLES_LOOKED_FOR)
        for part in reversed(self.parts):
            part.start(self.run_directory)
        self._announce()
        while True:
            time.sleep(TICK_SECONDS)
            self._tick(database)

    def _tick(self, database: postgres.Server | None) -> None:
        if database is not None and database.pid() is None:
            logger.error("PostgreSQL ended unexpectedly; restarting it.")
            database.ensure()
            self._worker_again()
        for part in self.parts:
            part.restart_if_ended(self.run_directory)
        if time.monotonic() - self.looked_at > HEARTBEAT_EVERY:
            self.looked_at = time.monotonic()
            if self._heartbeat_is_lost():
                logger.error("The worker's heartbeat was lost; restarting the worker.")
                self._worker_again()

    def _announce(self) -> None:
        """Print the ready line once /readyz says so; until then a part that dies is started again."""
        end = time.monotonic() + READY_SECONDS
        while not answers_ready(self.host, self.port):
            if time.monotonic() > end:
                raise CannotServe(f"The server is not ready after {READY_SECONDS:.0f} s; see the log above.")
            for part in self.parts:
                part.restart_if_ended(self.run_directory)
            time.sleep(0.03)
        print(f"ready http://{_bracketed(self.host)}:{self.port}", flush=True)

    def _worker_again(self) -> None:
        for part in self.parts:
            if part.name == "worker":
                part.end()
                part.start(self.run_directory)

    def _heartbeat_is_lost(self) -> bool:
        worker = next((part for part in self.parts if part.name == "worker"), None)
        if worker is None or time.monotonic() - worker.started_at < HEARTBEAT_LOST:
            return False
        try:
            age = health.heartbeat_age()
        except DatabaseError:
            return False
        finally:
            connection.close()
        return age is None or age > HEARTBEAT_LOST

    def _serve_web(self) -> None:
        # Granian warns of many threads; most of these only wait for bodies (see admission.py).
        logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
        # Requests run in Granian's threads (see admission.py), which would have 2 MiB of stack, a quarter of
        # what Python's own have; the decoders of JSON go deep.
        os.environ.setdefault("RUST_MIN_STACK", str(STACK_BYTES))
        server: Any = Server(
            "reviewapp.wsgi:application",
            address=self.host,
            port=self.port,
            interface=Interfaces.WSGI,
            # One thread moves all bytes; the other mode has a second one, that hands over to it.
            runtime_mode=RuntimeModes.st,
            workers=settings.WEB_WORKERS,
            blocking_threads=admission.THREADS,
            backpressure=128,
            websockets=False,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            # Without it a SIGTERM during start-up would never take effect.
            workers_kill_timeout=4,
        )
        server.serve(target_loader=lambda: self.application, wrap_loader=False)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.run_directory.mkdir(parents=True, exist_ok=True)
        with (self.run_directory / "serve.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotServe(f"A server already runs on the data in {settings.DATA_DIR}.") from None
            # A part must not keep the lock when this process is gone.
            os.register_at_fork(after_in_child=lock.close)
            yield

    @contextlib.contextmanager
    def _database(self) -> Iterator[postgres.Server | None]:
        if settings.EMBEDDED:
            with postgres.borrowed(settings.DATA_DIR) as server:
                yield server
        else:
            yield None

    def _end_left_behind(self) -> bool:
        """Whether there were any."""
        found = False
        for name in ("web", "worker"):
            if group := Group.left_behind(name, self.run_directory):
                logger.warning("Ending the %s processes of a server that was killed.", name)
                group.kill()
                found = True
        return found


def prepare() -> None:
    """Everything that must be right before the first request, or a refusal that says what is not."""
    if health.pending_migrations():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    static_files.collect()
    found = [*checks.run_checks(databases=["default"]), *boot_checks.pending()]
    if serious := [message for message in found if message.is_serious()]:
        raise CannotServe("\n".join(str(message) for message in serious))
    connections.close_all()


def loaded_application() -> Any:
    """The WSGI application with all it imports; it lists the static files when it is made."""
    from reviewapp.wsgi import application

    return application


def refuse_taken_port(host: str, port: int, patience: float = 0.0) -> None:
    """Web processes share their port, so that a stranger's on the same one would go unnoticed."""
    end = time.monotonic() + patience
    while refusal := _refusal(host, port):
        if time.monotonic() >= end:
            raise CannotServe(f"Cannot listen on {host}:{port} ({refusal}). Choose another --port.")
        time.sleep(TICK_SECONDS)


def _refusal(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refusal:
            return refusal.strerror or str(refusal)
    return ""


def answers_ready(host: str, port: int) -> bool:
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    client = http.client.HTTPConnection(there, port, timeout=5)
    try:
        client.request("GET", "/readyz", headers={"Host": "localhost"})
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGTERM and SIGINT interrupt whatever this process is doing, once."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
    yield


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

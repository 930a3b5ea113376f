"""The embedded PostgreSQL: how is it made, started, found alive, stopped?

Whoever needs it borrows it (`borrowed`): the first borrower starts the server, the last one stops it, so
`manage.py serve` and any other command may run side by side. Alive means that it answers a connection.
There is no TCP port; the operating system vouches for who connects (peer), and only root and the account
that runs the server are let in. Nothing here needs Django.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from reviewapp.serving import postgres_place, processes
from reviewapp.serving.postgres_place import NoPostgres, Place

DATABASE = "touchstone"
Command = list[str | Path]
START_SECONDS = 60.0
# A server that is alive and gives no answer at all for this long is ended.
HUNG_SECONDS = 15.0
LOG_BYTES = 10 * 1024 * 1024

SETTINGS = """\
# Written when the database was made; yours to change, but for the three durability settings that Touchstone
# checks at every start (fsync, full_page_writes, synchronous_commit).
max_connections = 60
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
random_page_cost = 1.1
jit = off
max_logical_replication_workers = 0
max_wal_senders = 0
wal_level = minimal
idle_in_transaction_session_timeout = 60s
log_timezone = UTC
timezone = UTC
"""

ROLES = f"""\
CREATE ROLE {DATABASE} LOGIN CREATEDB;
CREATE DATABASE {DATABASE} OWNER {DATABASE};
"""


class Server:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._process: subprocess.Popen[bytes] | None = None

    @cached_property
    def place(self) -> Place:
        return postgres_place.locate(self.data_dir)

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "run" / "postgres.pid"

    @property
    def log(self) -> Path:
        return self.data_dir / "run" / "postgres.log"

    def ensure(self) -> bool:
        """See to it that the server answers; whether it had to be started."""
        if self.pid() is not None and self.answers():
            return False
        with _locked(self.data_dir / "run" / "postgres-start.lock"):
            if self.pid() is not None and self.waits_for_answer():
                return False
            self._start()
            return True

    def pid(self) -> int | None:
        """The living server's process id."""
        try:
            number = int((self.place.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return number if processes.works_in(number, self.place.data) else None

    def answers(self) -> bool:
        return self._knock() == "yes"

    def waits_for_answer(self) -> bool:
        """Whether a living server comes round; recovery may take long, silence may not."""
        silent_since = time.monotonic()
        while self.pid() is not None and time.monotonic() - silent_since < HUNG_SECONDS:
            answer = self._knock()
            if answer == "yes":
                return True
            if answer == "starting":
                silent_since = time.monotonic()
            time.sleep(0.1)
        return False

    def stop(self) -> None:
        for number, seconds in ((signal.SIGINT, 5.0), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 1.0)):
            if (pid := self.pid()) is None:
                break
            processes.kill([pid], number)
            processes.wait_until_gone(pid, seconds)
        if self._process is not None:
            self._process.wait()
        self.pid_file.unlink(missing_ok=True)

    def _knock(self) -> str:
        """yes | starting | silent"""
        import psycopg

        try:
            psycopg.connect(
                host=str(self.place.socket), dbname=DATABASE, user=DATABASE, connect_timeout=2
            ).close()
        except psycopg.OperationalError as refusal:
            # It says "starting up", "shutting down" or "in recovery mode"; a missing socket says nothing.
            return "starting" if "the database system is" in str(refusal) else "silent"
        return "yes"

    def _start(self) -> None:
        postgres_place.prepare(self.data_dir, self.place)
        programs = postgres_place.programs(self.place)
        if not self.place.data.exists():
            self._initialise(programs)
        end = time.monotonic() + START_SECONDS
        while True:
            self._clear_the_dead()
            self._process = self._spawn(programs)
            if self._came_up(self._process):
                self.pid_file.write_text(f"{self._process.pid}\n")
                return
            # After a crash the dead server's memory may be in use for another moment.
            if time.monotonic() > end:
                raise NoPostgres(
                    f"PostgreSQL did not start. Its log ({self.log}) ends:\n{self._last_words()}"
                )
            time.sleep(0.2)

    def _initialise(self, programs: Path) -> None:
        """Make the database aside and rename it when it is whole: a killed start leaves nothing half made."""
        fresh = self.place.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        initdb: Command = [programs / "initdb", "-D", fresh]
        initdb += ["-U", "postgres", "-A", "peer", "-E", "UTF8", "--locale=C"]
        # Case folding in searches beyond ASCII needs a UTF-8 character type, which not every system has.
        if self._run([*initdb, "--lc-ctype=C.UTF-8"]).returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            made = self._run(initdb)
            if made.returncode != 0:
                raise NoPostgres(f"initdb failed: {made.stderr.strip()}")
        for name, text in {
            "postgresql.conf": SETTINGS,
            "pg_hba.conf": "local all all peer map=touchstone\n",
            "pg_ident.conf": self._identities(),
        }.items():
            self._write(fresh / name, text)
        single: Command = [programs / "postgres", "--single", "-D", fresh, "postgres"]
        made = self._run(single, input=ROLES)
        if made.returncode != 0:
            raise NoPostgres(f"The database could not be created: {made.stderr.strip()}")
        fresh.rename(self.place.data)

    def _identities(self) -> str:
        names = {pwd.getpwuid(os.geteuid()).pw_name, self.place.account.name, "root"}
        quoted = sorted('"' + name.replace('"', '""') + '"' for name in names)
        return "".join(f"touchstone {name} {role}\n" for name in quoted for role in (DATABASE, "postgres"))

    def _clear_the_dead(self) -> None:
        """End what a killed server left; the numbers in its lock files may be someone else's by now."""
        pid = self.pid()
        if pid is not None:  # it had its time to answer
            processes.kill([pid])
            processes.wait_until_gone(pid, 2.0)
        processes.kill([process.pid for process in processes.servers_in(self.place.data)])
        if self._process is not None:
            self._process.wait()
        for path in self.place.socket.glob(".s.PGSQL.*"):
            path.unlink()
        lock = self.place.data / "postmaster.pid"
        if lock.exists():
            # It takes its parent's number for its own, and still checks the shared memory named below.
            _, _, rest = lock.read_text().partition("\n")
            self._write(lock, f"{os.getpid()}\n{rest}")

    def _spawn(self, programs: Path) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [
                    programs / "postgres",
                    *("-D", self.place.data, "-c", "listen_addresses="),
                    *(
                        "-c",
                        f"unix_socket_directories={self.place.socket}",
                        "-c",
                        "unix_socket_permissions=0700",
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_account(),
            )

    def _came_up(self, process: subprocess.Popen[bytes]) -> bool:
        while process.poll() is None:
            if self.answers():
                return True
            time.sleep(0.02)
        return False

    def _run(self, command: Command, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, input=input, capture_output=True, text=True, **self._as_account())  # noqa: S603

    def _write(self, path: Path, text: str) -> None:
        """As the account that owns the directory: root would follow a link that lies there."""
        self._run(["tee", path], input=text).check_returncode()

    def _as_account(self) -> dict[str, Any]:
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        if os.geteuid() != 0:
            return {"cwd": "/", "env": environment}
        account = self.place.account
        return {"cwd": "/", "env": environment, "user": account.uid, "group": account.gid, "extra_groups": []}

    def _last_words(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 1500))
            return log.read().decode(errors="replace")


@contextlib.contextmanager
def borrowed(data_dir: Path) -> Iterator[Server]:
    """The running server of a data directory; the last one to give it back stops it."""
    server = Server(data_dir)
    run = data_dir / "run"
    postgres_place.make(run)
    with (run / "postgres-users.lock").open("a") as users:
        # Starting and stopping take turns, so nobody finds the server on its way out.
        with _locked(run / "postgres-turn.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            server.ensure()
        try:
            yield server
        finally:
            with _locked(run / "postgres-turn.lock"):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _is_last(users):
                    server.stop()


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""What is wrong with this installation? Each finding says what to do (`manage.py doctor`)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Task

from ingest.models import Trace
from reviewapp.serving import boot_checks, health

DISK_LOW, DISK_FULL = 5 * 1024**3, 512 * 1024**2
SKEW_SECONDS = 2.0
BACKLOG_SECONDS = 60.0
QUEUE_LONG = 1000


class Verdict(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    subject: str
    detail: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All findings; when the database is away, the ones that can be made without it."""
    findings = [*secret_key(), disk()]
    try:
        return [*findings, database(), *durability(), *(look() for look in LOOKS), *_of_higher_floors()]
    except DatabaseError as error:
        remedy = "Start it (manage.py serve), or correct DATABASE_URL."
        return [*findings, Finding(Verdict.FAIL, "database", str(error).strip(), remedy)]


def database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))"
        )
        version, size = cursor.fetchone()
    where = "embedded" if settings.EMBEDDED else "DATABASE_URL"
    return Finding(Verdict.OK, "database", f"PostgreSQL {version}, {where}, {size}")


def durability() -> Iterator[Finding]:
    yield from _of_messages(
        "durability",
        boot_checks.durability(None, databases=["default"]),
        "durability is not traded for speed",
    )


def secret_key() -> Iterator[Finding]:
    messages = [*boot_checks.secret_key(None), *boot_checks.debug(None)]
    yield from _of_messages("secrets", messages, "SECRET_KEY is long and private, DEBUG is not exposed")


def migrations() -> Finding:
    pending = health.pending_migrations()
    if pending:
        return Finding(Verdict.FAIL, "migrations", f"{len(pending)} pending", "Run manage.py migrate.")
    return Finding(Verdict.OK, "migrations", "all applied")


def worker() -> Finding:
    age = health.heartbeat_age()
    if age is not None and age <= health.STALE_SECONDS:
        return Finding(Verdict.OK, "worker", f"last heartbeat {age:.0f} s ago")
    said = "never had a heartbeat" if age is None else f"last heartbeat {age:.0f} s ago"
    return Finding(
        Verdict.WARN, "worker", said, "Run manage.py serve, or manage.py worker beside your web server."
    )


def tasks(waiting: int) -> str:
    return "1 task waits" if waiting == 1 else f"{waiting} tasks wait"


def queue() -> Finding:
    waiting = OrmQ.objects.count()
    failed = Task.objects.filter(success=False).count()
    if waiting > QUEUE_LONG:
        return Finding(Verdict.WARN, "queue", tasks(waiting), "Check whether the worker keeps up.")
    if failed:
        last = Task.objects.filter(success=False).latest("stopped")
        remedy = "Its traceback is in the table django_q_task, and in the worker's log."
        return Finding(
            Verdict.WARN, "queue", f"{failed} tasks failed, last {last.func} at {last.stopped:%F %T}", remedy
        )
    return Finding(Verdict.OK, "queue", f"{tasks(waiting)}, none failed")


def backlog() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(stale_since)), 0)::float"  # noqa: S608
            f" FROM {Trace._meta.db_table} WHERE stale_since IS NOT NULL"
        )
        count, oldest = cursor.fetchone()
    detail = f"{count} traces wait for a new reading, the oldest for {oldest:.0f} s"
    if oldest > BACKLOG_SECONDS:
        return Finding(Verdict.WARN, "readings", detail, "Check whether the worker is running and keeps up.")
    return Finding(Verdict.OK, "readings", detail)


def clock() -> Finding:
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
        (theirs,) = cursor.fetchone()
    skew = abs(theirs - (before + time.time()) / 2)
    detail = f"{skew:.1f} s apart from the database's"
    if skew > SKEW_SECONDS:
        return Finding(
            Verdict.WARN,
            "clock",
            detail,
            "Keep both machines in time with NTP; the database's clock counts.",
        )
    return Finding(Verdict.OK, "clock", detail)


def disk() -> Finding:
    free = shutil.disk_usage(settings.DATA_DIR if settings.DATA_DIR.exists() else settings.BASE_DIR).free
    detail = f"{free / 1024**3:.1f} GiB free"
    if free < DISK_LOW:
        verdict = Verdict.FAIL if free < DISK_FULL else Verdict.WARN
        return Finding(verdict, "disk", detail, "Free some space, or shorten RETENTION_DAYS.")
    return Finding(Verdict.OK, "disk", detail)


LOOKS: tuple[Callable[[], Finding], ...] = (migrations, worker, queue, backlog, clock)
# What stands above names its own findings, by dotted string.
HIGHER_FLOORS = ("evaluation.judges.calls.diagnosis.judges",)


def _of_higher_floors() -> Iterator[Finding]:
    for name in HIGHER_FLOORS:
        yield from import_string(name)()


def _of_messages(subject: str, messages: list[checks.CheckMessage], fine: str) -> Iterator[Finding]:
    for message in messages:
        yield Finding(Verdict.FAIL, subject, message.msg, message.hint or "")
    if not messages:
        yield Finding(Verdict.OK, subject, fine)

"""Is this installation fit to serve? What /healthz, /readyz and `manage.py doctor` ask."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from ingest.access import public

HEARTBEAT = "worker"
STALE_SECONDS = 30.0


@public
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@public
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served, else 503; each part says ok, or what is wrong."""
    try:
        parts = {"database": "ok", "migrations": _migrations(), "worker": _worker()}
    except DatabaseError:
        parts = {"database": "does not answer"}
    ready = all(part in ("ok", "not expected") for part in parts.values())
    if ready:
        return JsonResponse({"status": "ready", **parts})
    return JsonResponse({"status": "not ready", **parts}, status=503, headers={"Retry-After": "2"})


def pending_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def heartbeat_age() -> float | None:
    """Seconds since a task last went through the queue, by the database's clock; None when none ever did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - beat_at)::float"
            " FROM reviewapp_heartbeat WHERE name = %s",
            [HEARTBEAT],
        )
        row = cursor.fetchone()
    return row[0] if row else None


_migrated = False


def _migrations() -> str:
    # Reading all migration files takes a quarter of a second; what was complete stays so for this code.
    global _migrated
    _migrated = _migrated or not pending_migrations()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok" if _migrated else "pending"


def _worker() -> str:
    if not settings.WORKER_EXPECTED:
        return "not expected"
    age = heartbeat_age()
    return "ok" if age is not None and age <= STALE_SECONDS else "no heartbeat"

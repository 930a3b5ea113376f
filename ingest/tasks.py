"""What the worker does on the ground floor. Each task finds its own work in the rows and may run twice."""

from __future__ import annotations

from django.db import connection

from ingest import readings, settling, targets
from ingest.models import Trace


def read_stale() -> int:
    """Read every stale trace, a chunk at a time; how many were read."""
    total = 0
    while traces := list(
        Trace.objects.filter(stale_since__isnull=False).order_by("stale_since")[: readings.CHUNK]
    ):
        readings.refresh_rows(traces)
        total += len(traces)
    return total


def settle_due() -> int:
    """Settle every trace that is due; how many."""
    total = 0
    while settled := settling.settle_some():
        total += settled
    return total


def attach_pending() -> int:
    """Attach statements that were committed at the same moment as their trace; how many."""
    with connection.cursor() as cursor:
        return targets.attach_pending(cursor)

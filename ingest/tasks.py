"""What the worker does on the ground floor. Each task finds its own work in the rows and may run twice.

It leaves off after a few seconds, so that a long backlog of one kind does not keep the others waiting; the
worker's pulse comes again.
"""

from __future__ import annotations

import time

from django.db import connection

from ingest import readings, settling, targets
from ingest.models import Trace

TURN_SECONDS = 5.0


def read_stale() -> int:
    """Read stale traces, the oldest first, a chunk at a time; how many were read."""
    total, end = 0, time.monotonic() + TURN_SECONDS
    stale = Trace.objects.filter(stale_since__isnull=False).order_by("stale_since")
    while time.monotonic() < end and (traces := list(stale[: readings.CHUNK])):
        readings.refresh_rows(traces)
        total += len(traces)
    return total


def settle_due() -> int:
    """Settle traces that are due; how many."""
    total, end = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < end and (settled := settling.settle_some()):
        total += settled
    return total


def attach_pending() -> int:
    """Attach statements that were committed at the same moment as their trace; how many."""
    with connection.cursor() as cursor:
        return targets.attach_pending(cursor)

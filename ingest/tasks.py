"""What the worker does on the ground floor. Each task finds its own work in the rows and may run twice.

It leaves off after a few seconds, so that a long backlog of one kind does not keep the others waiting; the
worker's pulse comes again.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from ingest import rates, readings, settling, targets
from ingest.models import Trace

TURN_SECONDS = 5.0
# A trace whose spans still come in is read when they pause, or at the latest after its patience.
REST = timedelta(seconds=2)
PATIENCE = timedelta(seconds=20)


def read_stale(rest: timedelta = REST) -> int:
    """Read stale traces, the oldest first, a chunk at a time; how many were read.

    Whoever looks at a trace before it has rested refreshes it then (see readings).
    """
    total, end = 0, time.monotonic() + TURN_SECONDS
    due = Q(last_seen__lte=Now() - rest) | Q(stale_since__lte=Now() - PATIENCE)
    stale = Trace.objects.filter(due, stale_since__isnull=False).order_by("stale_since")
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


def rescore_signalled() -> int:
    """Decide the routes of settled traces of which something has been said since; how many signals."""
    total, end = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < end and (signals := settling.rescore_some()):
        total += signals
    return total


def keep_rates() -> int:
    """Adapt the audit rates of strata that are kept by volume; how many changed."""
    return rates.keep_daily()


def attach_pending() -> int:
    """Attach statements that were committed at the same moment as their trace; how many."""
    with connection.cursor() as cursor:
        return targets.attach_pending(cursor)

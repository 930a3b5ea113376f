"""Settles traces that have gone quiet: their stratum and draw are fixed, once.

A trace is due when its root has ended and nothing has come for it for 30 s, or 10 minutes after it was
first seen. All clocks are the database's.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from ingest import sampling
from ingest.models import AuditDraw, Trace, Unsettled

QUIET = timedelta(seconds=30)
PATIENCE = timedelta(minutes=10)
CHUNK = 200


def due() -> QuerySet[Trace]:
    quiet = Q(root_ended=True, last_seen__lte=Now() - QUIET)
    return Trace.objects.filter(
        quiet | Q(first_seen__lte=Now() - PATIENCE),
        unsettled__isnull=False,
        stale_since__isnull=True,
    )


def settle_some() -> int:
    """Settle a chunk of the traces that are due, in one transaction; how many. Safe to run twice."""
    with transaction.atomic():
        traces = list(
            due()
            .select_related("project")
            .only("project__secret", "trace_id", "route", "first_seen")
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .order_by("unsettled__pk")[:CHUNK]
        )
        ids = [trace.pk for trace in traces]
        rates = sampling.Rates(trace.project_id for trace in traces)
        AuditDraw.objects.bulk_create([_draw(trace, rates) for trace in traces], ignore_conflicts=True)
        Unsettled.objects.filter(trace__in=ids).delete()
    return len(traces)


def _draw(trace: Trace, rates: sampling.Rates) -> AuditDraw:
    stratum = trace.route
    rate = rates.in_force(trace.project_id, stratum, trace.first_seen)
    return AuditDraw(
        trace=trace,
        u=sampling.draw(bytes(trace.project.secret), trace.trace_id),
        stratum=stratum,
        audit=rate.audit if rate else sampling.DEFAULT_AUDIT,
        judge=rate.judge if rate else sampling.DEFAULT_JUDGE,
        rate=rate,
    )

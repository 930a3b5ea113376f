"""Settles traces that have gone quiet: their draw, checks and routes are decided, once.

A trace is due when its root has ended and nothing has come for it for 30 s, or 10 minutes after it was
first seen. All clocks are the database's. What is said of a trace later decides its routes again, and
nothing else: draw and checks stay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from ingest import readings, sampling, trace_checks
from ingest.models import AuditDraw, Project, Trace
from ingest.routing import loading, storing
from ingest.routing.deciding import Decision, decide
from ingest.routing.facts import is_excluded
from ingest.routing.models import Signal, Unsettled

logger = logging.getLogger(__name__)

QUIET = timedelta(seconds=30)
PATIENCE = timedelta(minutes=10)
# Bounds the time for which what comes late for one of them has to wait: about half a second.
CHUNK = 200
# Not needed to settle, and long.
LEFT_OUT = ("search", "input", "output")

Work = Callable[[Sequence[Trace]], None]


def due() -> QuerySet[Unsettled]:
    quiet = Q(trace__root_ended=True, trace__last_seen__lte=Now() - QUIET)
    return Unsettled.objects.filter(
        quiet | Q(trace__first_seen__lte=Now() - PATIENCE), trace__stale_since__isnull=True
    )


def settle_some() -> int:
    """Settle a chunk of the traces that are due, in one transaction; how many. Safe to run twice."""
    with transaction.atomic():
        waiting = due().select_related("trace").defer(*[f"trace__{column}" for column in LEFT_OUT])
        # Both rows: whoever comes second then sees that the trace no longer waits.
        locked = waiting.select_for_update(skip_locked=True, no_key=True, of=("self", "trace"))
        traces = [row.trace for row in locked.order_by("pk")[:CHUNK]]
        if traces:
            _each_if_not_all(traces, _settle, _settle_bare)
    return len(traces)


def rescore_some() -> int:
    """Decide the routes of a chunk of settled traces of which something was said since; how many signals.

    A signal is deleted with the work that it caused, and before anything is read: what is committed later
    comes with a signal of its own.
    """
    settled = Exists(AuditDraw.objects.filter(trace=OuterRef("trace")))
    with transaction.atomic():
        signals = list(
            Signal.objects.filter(settled).order_by("pk").select_for_update(skip_locked=True)[: CHUNK * 2]
        )
        if signals:
            Signal.objects.filter(pk__in=[signal.pk for signal in signals]).delete()
            # The lock makes two workers with signals for one trace take turns. Only they lock draws.
            draws = AuditDraw.objects.filter(trace__in={signal.trace_id for signal in signals})
            locked = [draw.pk for draw in draws.order_by("pk").select_for_update(no_key=True)]
            if traces := list(Trace.objects.filter(pk__in=locked).defer(*LEFT_OUT)):
                _each_if_not_all(traces, _rescore, _give_up)
    return len(signals)


def _each_if_not_all(traces: Sequence[Trace], work: Work, give_up: Work) -> None:
    """Work on all at once; if that breaks on one of them, one by one, so that it holds up no other."""
    try:
        with transaction.atomic():
            work(traces)
    except Exception as error:
        if isinstance(error, OperationalError | InterfaceError) and not readings.is_of_data(error):
            raise
        if len(traces) == 1:
            logger.exception("Trace %s of project %s breaks.", traces[0].trace_id, traces[0].project_id)
            return give_up(traces)
        for trace in traces:
            _each_if_not_all([trace], work, give_up)


def _settle(traces: Sequence[Trace]) -> None:
    secrets = _secrets(traces)
    draws = _draw_all(traces, secrets)
    Signal.objects.filter(trace__in=list(draws)).delete()
    found = _check(traces)
    facts = loading.facts_of(traces, draws, secrets, found)
    rules = loading.enabled_rules(secrets)
    storing.store({trace.pk: decide(rules[trace.project_id], facts[trace.pk]) for trace in traces})
    trace_checks.store(found)


def _settle_bare(traces: Sequence[Trace]) -> None:
    """Only the draw, which needs nothing but the trace's id."""
    _draw_all(traces, _secrets(traces))


def _rescore(traces: Sequence[Trace]) -> None:
    secrets = _secrets(traces)
    draws = AuditDraw.objects.in_bulk([trace.pk for trace in traces])
    facts = loading.facts_of(traces, draws, secrets)
    rules = loading.enabled_rules(secrets)
    decided: dict[int, list[Decision]] = {
        trace.pk: decide(rules[trace.project_id], facts[trace.pk]) for trace in traces
    }
    storing.store_again(decided)


def _give_up(traces: Sequence[Trace]) -> None:
    """Its routes stay as they are."""


def _secrets(traces: Sequence[Trace]) -> dict[int, bytes]:
    wanted = {trace.project_id for trace in traces}
    projects = Project.objects.filter(pk__in=wanted).values_list("pk", "secret")
    return {pk: bytes(secret) for pk, secret in projects}


def _check(traces: Sequence[Trace]) -> list[tuple[Trace, list[trace_checks.Finding]]]:
    checks = trace_checks.load({trace.project_id for trace in traces})
    rows = readings.load_many(traces)
    return [
        (trace, trace_checks.run(checks[trace.project_id], trace, reading, rows[trace.pk].spans))
        for trace in traces
        for reading in [readings.read_trace(trace, rows[trace.pk])]
    ]


def _draw_all(traces: Sequence[Trace], secrets: dict[int, bytes]) -> dict[int, AuditDraw]:
    """Write the draws, and note that the traces have settled."""
    strata = {(trace.project_id, trace.route) for trace in traces}
    rates = sampling.Rates(strata, min(trace.first_seen for trace in traces))
    draws = {trace.pk: _draw(trace, secrets[trace.project_id], rates) for trace in traces}
    _write_draws(list(draws.values()))
    Unsettled.objects.filter(trace__in=list(draws)).delete()
    return draws


def _write_draws(draws: Sequence[AuditDraw]) -> None:
    columns = ("trace_id", "u", "stratum", "audit", "judge", "rate_id", "excluded")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_auditdraw (trace_id, u, stratum, audit, judge, rate_id, excluded) "
            "SELECT * FROM unnest(%s::bigint[], %s::float8[], %s::text[], %s::float8[], %s::float8[], "
            "%s::bigint[], %s::bool[]) ON CONFLICT DO NOTHING",
            [[getattr(draw, column) for draw in draws] for column in columns],
        )


def _draw(trace: Trace, secret: bytes, rates: sampling.Rates) -> AuditDraw:
    stratum = trace.route
    excluded = is_excluded(trace.environment)
    rate = None if excluded else rates.in_force(trace.project_id, stratum, trace.first_seen)
    shares = (0.0, 0.0) if excluded else sampling.shares(rate)
    return AuditDraw(
        trace=trace,
        u=sampling.draw(secret, trace.trace_id),
        stratum=stratum,
        audit=shares[0],
        judge=shares[1],
        rate=rate,
        excluded=excluded,
    )

"""Writes routes: when a trace settles, when a signal came later, and when a model has ranked them.

Writing the same decision again changes nothing, so a route is `changed` only when there is news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from ingest.records import canonical_json
from ingest.routing.deciding import Decision, Reason
from ingest.routing.models import Route

_UPSERT = """
    INSERT INTO ingest_route AS r (trace_id, queue, reasons, terms, priority, audit, decided_at)
    SELECT i.trace, i.queue, i.reasons, i.terms, i.priority, i.audit, clock_timestamp()
      FROM jsonb_to_recordset(%s::jsonb) AS i (trace bigint, queue text, reasons jsonb, terms jsonb,
           priority float8, audit bool)
     ORDER BY i.trace, i.queue
    ON CONFLICT (trace_id, queue) DO UPDATE
       SET reasons = EXCLUDED.reasons, terms = EXCLUDED.terms, priority = EXCLUDED.priority,
           audit = EXCLUDED.audit, decided_at = EXCLUDED.decided_at, changed = true
     WHERE (r.reasons, r.terms, r.audit) IS DISTINCT FROM (EXCLUDED.reasons, EXCLUDED.terms, EXCLUDED.audit)
"""


def store(decided: Mapping[int, Sequence[Decision]]) -> int:
    """The first decisions on traces that settle, by trace id; how many routes were new or changed."""
    return _write([_row(trace, decision) for trace, found in decided.items() for decision in found])


def store_again(decided: Mapping[int, Sequence[Decision]]) -> int:
    """Decisions on traces that have routes already, all of a trace's at once; how many routes changed.

    A draw is never taken back, whatever the rules say now. A route that no rule gives any more loses its
    reasons and stays.
    """
    standing: dict[int, dict[str, Route]] = {trace: {} for trace in decided}
    for route in Route.objects.filter(trace__in=standing):
        standing[route.trace_id][route.queue] = route
    rows = []
    for trace, found in decided.items():
        routes = standing[trace]
        rows += [_row(trace, _with_draw(decision, routes.pop(decision.queue, None))) for decision in found]
        rows += [_withdrawn(route) for route in routes.values()]
    return _write(rows)


def rank(ranked: Iterable[tuple[int, float, Mapping[str, Any]]]) -> int:
    """Learned ranks from above: (route id, priority, terms). A later signal puts the rules' back."""
    rows = [
        {"id": pk, "priority": priority, "terms": dict(terms)} for pk, priority, terms in sorted_by_id(ranked)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingest_route r SET priority = i.priority, terms = i.terms, changed = true "
            "FROM jsonb_to_recordset(%s::jsonb) AS i (id bigint, priority float8, terms jsonb) "
            "WHERE r.id = i.id AND r.reasons <> '[]' AND (r.priority, r.terms) <> (i.priority, i.terms)",
            [canonical_json(rows).decode()],
        )
        changed: int = cursor.rowcount
        return changed


def sorted_by_id(
    ranked: Iterable[tuple[int, float, Mapping[str, Any]]],
) -> list[tuple[int, float, Mapping[str, Any]]]:
    return sorted(ranked, key=lambda each: each[0])


def _write(rows: Sequence[Mapping[str, Any]]) -> int:
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [canonical_json(list(rows)).decode()])
        changed: int = cursor.rowcount
        return changed


def _row(trace: int, decision: Decision) -> dict[str, Any]:
    return {
        "trace": trace,
        "queue": decision.queue,
        "reasons": [reason.as_json() for reason in decision.reasons],
        "terms": decision.terms.as_json(),
        "priority": decision.priority,
        "audit": decision.audit,
    }


def _with_draw(decision: Decision, route: Route | None) -> Decision:
    if route is None or not route.audit or decision.audit:
        return decision
    kept = tuple(Reason(**reason) for reason in route.reasons if reason["code"] == "audit")
    return replace(decision, audit=True, reasons=(*decision.reasons, *kept))


def _withdrawn(route: Route) -> dict[str, Any]:
    """The route without what no longer holds; of a drawn one the draw."""
    kept = [reason for reason in route.reasons if route.audit and reason["code"] == "audit"]
    return {
        "trace": route.trace_id,
        "queue": route.queue,
        "reasons": kept,
        "terms": route.terms if kept else {},
        "priority": route.priority if kept else 0.0,
        "audit": route.audit,
    }

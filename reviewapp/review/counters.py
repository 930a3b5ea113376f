"""Is each counter that is shown what a recount gives? Both by one statement, so at one moment.

What is shown counts slots and states, which are kept as labels come in; the recount goes back to the labels
themselves, to the leases and to the leads' decisions.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from ingest.models import Project
from reviewapp.review.queues import COUNTS

COUNTED = ("waiting", "held", "adjudication", "resolved", "removed", "overdue", "labels")


@dataclass(frozen=True, slots=True)
class Counter:
    name: str
    shown: int
    recount: int


def audit(project: Project) -> list[Counter]:
    """Of every queue, by its slug."""
    with connection.cursor() as cursor:
        cursor.execute(AUDIT, [project.pk, project.pk])
        rows = cursor.fetchall()
    n = len(COUNTED)
    return [
        Counter(f"queues.{slug}.{name}", shown, recount)
        for slug, *both in rows
        for name, shown, recount in zip(COUNTED, both[:n], both[n:], strict=True)
    ]


AUDIT = f"""
    WITH shown (id, {", ".join(COUNTED[:-1])}, labels, oldest) AS ({COUNTS}),
    item AS (
        SELECT i.queue_id, i.required, i.due_at, i.removed_at IS NOT NULL AS removed,
            i.adjudication_reason <> '' AS undecided,
            coalesce(bool_or(r.method = 'adjudicated'), false) AS decided,
            count(*) FILTER (WHERE a.token IS NOT NULL) AS leases,
            count(*) FILTER (WHERE a.lease_until > clock_timestamp()) AS held,
            count(*) FILTER (WHERE s.kind <> 'undo') AS labels
        FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
        LEFT JOIN reviewapp_resolution r ON r.id = i.resolution_id
        LEFT JOIN reviewapp_assignment a ON a.item_id = i.id
        LEFT JOIN LATERAL (SELECT l.kind FROM reviewapp_label l WHERE l.assignment_id = a.id
            ORDER BY l.revision DESC LIMIT 1) s ON true
        WHERE q.project_id = %s GROUP BY i.id
    ),
    standing AS (
        SELECT *, NOT removed AND NOT undecided AND (decided OR labels >= required) AS resolved,
            NOT removed AND NOT undecided AND NOT decided AND labels + leases < required AS waiting
        FROM item
    ),
    recount AS (
        SELECT queue_id, count(*) FILTER (WHERE waiting) AS waiting, sum(held) AS held,
            count(*) FILTER (WHERE undecided AND NOT removed) AS adjudication,
            count(*) FILTER (WHERE resolved) AS resolved, count(*) FILTER (WHERE removed) AS removed,
            count(*) FILTER (WHERE waiting AND due_at < now()) AS overdue, sum(labels) AS labels
        FROM standing GROUP BY queue_id
    )
    SELECT q.slug, {", ".join(f"s.{name}" for name in COUNTED)},
        {", ".join(f"coalesce(r.{name}, 0)::bigint" for name in COUNTED)}
    FROM shown s JOIN reviewapp_queue q ON q.id = s.id LEFT JOIN recount r ON r.queue_id = s.id
    ORDER BY q.slug
"""  # noqa: S608 - our own names

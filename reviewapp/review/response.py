"""How many of the randomly drawn traces were answered? Under .8, the answered ones may be a biased part."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from ingest.models import Project

# What has waited so long, or was skipped, counts as not answered until it is, whatever queue asks later.
PATIENCE = "14 days"
# Patience is counted to the day's beginning (UTC), so that figures change with labels and with days only.
TODAY = "(date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
WINDOW = "28 days"
LEAST = 0.8


@dataclass(frozen=True, slots=True)
class Response:
    """Traces drawn for audit in the last four weeks: `answered` of the `asked`, without those that wait."""

    answered: int
    asked: int

    @property
    def rate(self) -> float | None:
        return self.answered / self.asked if self.asked else None

    @property
    def is_low(self) -> bool:
        return self.rate is not None and self.rate < LEAST


def by_stratum(project: Project) -> dict[str, Response]:
    """Without the strata of which nothing was asked yet."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [project.pk, WINDOW, PATIENCE])
        return {stratum: Response(answered, asked) for stratum, answered, asked in cursor.fetchall() if asked}


ASKED = f"""
    WITH item AS (
        SELECT i.id, i.trace_id, i.state, i.enqueued_at
        FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
        WHERE q.project_id = %s AND i.lane = 'audit' AND i.kind = 'trace' AND i.purpose = 'review'
            AND i.enqueued_at >= now() - %s::interval
    ),
    drawn AS (
        SELECT d.stratum,
            bool_or(EXISTS (SELECT FROM reviewapp_assignment a
                WHERE a.item_id = i.id AND a.counted_id IS NOT NULL)) AS is_answered,
            bool_and(i.state = 'removed') OR bool_or(i.enqueued_at < {TODAY} - %s::interval
                OR EXISTS (SELECT FROM reviewapp_assignment a
                    WHERE a.item_id = i.id AND a.state = 'skipped')) AS is_given_up
        FROM item i JOIN ingest_auditdraw d ON d.trace_id = i.trace_id GROUP BY i.trace_id, d.stratum
    )
    SELECT stratum, count(*) FILTER (WHERE is_answered), count(*) FILTER (WHERE is_answered OR is_given_up)
    FROM drawn GROUP BY stratum
"""  # noqa: S608 - a constant

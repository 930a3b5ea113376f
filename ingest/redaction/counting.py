"""How much was masked: counted in the transaction that stores it, and summed by day and kind.

A batch that is sent twice is masked twice, and counted twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, date, timedelta

from django.db.backends.utils import CursorWrapper
from django.db.models import Sum
from django.utils import timezone

from ingest.models import Project
from ingest.redaction.rows import RedactionCount

SHARDS = 8
DAYS = 30


def add(cursor: CursorWrapper, project_id: int, masked: Mapping[str, int]) -> None:
    """The last statement of its transaction, in one order of kinds: its locks are short and in turn."""
    found = sorted(kind for kind, count in masked.items() if count)
    if not found:
        return
    cursor.execute(
        "INSERT INTO ingest_redactioncount (project_id, day, kind, shard, count) "
        "SELECT %s, (now() AT TIME ZONE 'UTC')::date, m.kind, %s, m.count "
        "FROM unnest(%s::text[], %s::bigint[]) AS m (kind, count) "
        "ON CONFLICT (project_id, day, kind, shard) "
        "DO UPDATE SET count = ingest_redactioncount.count + excluded.count",
        [project_id, secrets.randbelow(SHARDS), found, [masked[kind] for kind in found]],
    )


def totals(project: Project) -> dict[str, dict[date, int]]:
    """Of the last 30 days: kind -> day -> how many, both in order, with zeros."""
    today = timezone.now().astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    rows = (
        RedactionCount.objects.filter(project=project, day__gte=first)
        .values_list("kind", "day")
        .annotate(total=Sum("count"))
        .order_by("kind")
    )
    found: dict[str, dict[date, int]] = {}
    for kind, day, total in rows:
        found.setdefault(kind, {first + timedelta(days=n): 0 for n in range(DAYS)})[day] = total
    return found

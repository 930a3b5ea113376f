"""How much was masked: counted in the transaction that stores it, and summed by day and kind.

A batch that is sent twice is masked twice, and counted twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

from django.db.backends.utils import CursorWrapper
from django.db.models import Q, Sum
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


@dataclass(frozen=True, slots=True)
class Counted:
    kind: str
    today: int
    week: int
    month: int


def summary(project: Project) -> list[Counted]:
    """How many values of each kind were masked in the last 30 days, days being those of UTC."""
    today = timezone.now().astimezone(UTC).date()

    def since(days: int) -> Sum:
        return Sum("count", filter=Q(day__gt=today - timedelta(days=days)), default=0)

    rows = (
        RedactionCount.objects.filter(project=project, day__gt=today - timedelta(days=DAYS))
        .values("kind")
        .annotate(today=since(1), week=since(7), month=since(DAYS))
        .order_by("-month", "kind")
    )
    return [Counted(**row) for row in rows]

"""Which judgments are due, and whose are they now? A claim counts an attempt, committed before any call."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import F, Func, IntegerField
from django.db.models.functions import Now

from evaluation.judges.models import Judgment, Progress

MOST_ATTEMPTS = 4
LEASE_SECONDS = 120
CHUNK = 24
NO_ATTEMPT_LEFT = "no answer came back"
# A call that gave a vote is no attempt lost.
VOTES = Func(F("votes"), function="jsonb_array_length", output_field=IntegerField())


def claim(limit: int = CHUNK, run: int | None = None, busy: Collection[str] = ()) -> list[Judgment]:
    """Take judgments that are due or whose lease ran out; each with its attempt counted, committed.

    Those of endpoints that are `busy` stay for later.
    """
    give_up()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"seconds": LEASE_SECONDS, "run": run, "busy": list(busy), "limit": limit})
        ids = [pk for (pk,) in cursor.fetchall()]
    if not ids:
        return []
    found = Judgment.objects.filter(pk__in=ids).select_related(
        "version__judge__project", "version__rubric_version", "trace", "snapshot", "item"
    )
    return list(found.defer("trace__search").order_by("pk"))


CLAIM = """
    UPDATE evaluation_judgment j SET progress = 'running', attempts = j.attempts + 1,
        lease_until = statement_timestamp() + %(seconds)s * interval '1 second'
    FROM (
        SELECT id FROM evaluation_judgment
        WHERE progress IN ('waiting', 'running') AND due_at <= statement_timestamp()
            AND (progress = 'waiting' OR lease_until < statement_timestamp())
            AND (%(run)s::bigint IS NULL OR run_id = %(run)s)
            AND version_id <> ALL (ARRAY(
                SELECT v.id FROM evaluation_judgeversion v WHERE v.endpoint = ANY (%(busy)s::text[])))
        ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) due WHERE j.id = due.id RETURNING j.id
"""


def give_up() -> int:
    """Attempts that all ended without a word, as when workers were killed each time."""
    lost = Judgment.objects.filter(
        progress=Progress.RUNNING, lease_until__lt=Now(), attempts__gte=VOTES + MOST_ATTEMPTS
    )
    return lost.update(progress=Progress.FAILED, reason=NO_ATTEMPT_LEFT, lease_until=None, finished_at=Now())

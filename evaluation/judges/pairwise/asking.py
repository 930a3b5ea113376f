"""Which pairs is a judge to judge, and in which order does it see them? Random for each pair, and stored."""

from __future__ import annotations

from django.db import connection, transaction

from evaluation.judges.models import PREFERENCE, JudgeRun, JudgeVersion, Judgment, Origin
from reviewapp.review.models import ItemKind, Queue

ONE_ORDER, OTHER_ORDER = 1, 2


class NoPairs(ValueError):
    """A queue whose items are no pairs, or a judge that answers another question."""


def ask(version: JudgeVersion, queue: Queue, run: JudgeRun, *, both_orders: bool = False) -> int:
    """All pairs of a queue that are not removed, once; with `both_orders` the other way round as well, which
    tells of a bias for what stands first. How many are new. Raises NoPairs."""
    if queue.kind != ItemKind.PAIR or version.criterion != PREFERENCE:
        raise NoPairs("A pairwise judge is asked about a queue of pairs.")
    given = {"version": version.pk, "queue": queue.pk, "run": run.pk, "one": ONE_ORDER, "other": OTHER_ORDER}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INSERT + _BY_LOT + _ONCE, given)
        count = cursor.rowcount
        if both_orders:
            cursor.execute(_INSERT + _TURNED + _ONCE, given)
            count += cursor.rowcount
    return int(count)


_INSERT = (
    "INSERT INTO evaluation_judgment (version_id, trace_id, item_id, run_id, criterion, trial, origin, "
    "progress, attempts, verdict, rationale, reason, input_tokens, output_tokens, cost_usd, "
    'snapshot_id, "order") '
    f"SELECT %(version)s, i.trace_id, i.id, %(run)s, '{PREFERENCE}', "
)
_REST = f"'{Origin.QUEUE}', 'waiting', 0, '', '', '', 0, 0, 0, "
_BY_LOT = (
    f"%(one)s, {_REST} i.snapshot_id, CASE WHEN random() < 0.5 THEN 'ab' ELSE 'ba' END "
    "FROM reviewapp_reviewitem i WHERE i.queue_id = %(queue)s AND i.kind = 'pair' "
    "AND i.purpose = 'review' AND i.state <> 'removed' "
)
# On the very bytes that were judged the first time, where it has been.
_TURNED = (
    f"%(other)s, {_REST} coalesce(j.snapshot_id, i.snapshot_id), "
    "CASE j.\"order\" WHEN 'ab' THEN 'ba' ELSE 'ab' END "
    "FROM evaluation_judgment j JOIN reviewapp_reviewitem i ON i.id = j.item_id "
    "WHERE j.version_id = %(version)s AND j.trial = %(one)s AND i.queue_id = %(queue)s "
    "AND i.state <> 'removed' "
)
# What came to no answer waits once more.
_ONCE = (
    "ON CONFLICT (item_id, version_id, trial) WHERE item_id IS NOT NULL DO UPDATE SET progress = 'waiting', "
    "run_id = excluded.run_id, due_at = statement_timestamp(), finished_at = NULL "
    "WHERE evaluation_judgment.progress IN ('failed', 'stopped')"
)


def judged(version: JudgeVersion) -> int:
    return Judgment.objects.filter(version=version, item__isnull=False, progress="done").count()

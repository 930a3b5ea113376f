"""A judge's pass before people: what it said of a queue's items goes into their order."""

from __future__ import annotations

from django.db import connection

from evaluation.judges.judgments import asking
from evaluation.judges.models import JudgeRun, RunKind, Stage
from reviewapp.review import triage
from reviewapp.review.triage import Look

TURN = 500


def ask_standing() -> int:
    """Judge what has entered the queues with a standing run; how many."""
    standing = JudgeRun.objects.filter(
        kind=RunKind.QUEUE, standing=True, stopped_at=None, queue__archived_at=None
    ).exclude(version__stage=Stage.RETIRED)
    return sum(
        asking.ask_queue(run.version, run.queue, run)
        for run in standing.select_related("version__judge", "queue")
        if run.queue
    )


def weigh_waiting() -> int:
    """Tell waiting items what was said of them since; how many changed. A job, and safe to run twice."""
    with connection.cursor() as cursor:
        cursor.execute(SAID, {"turn": TURN})
        rows = cursor.fetchall()
    return triage.weigh(
        [
            Look(item, f"{judgment}", fails if score is None else score, _words(judge, version, fails, score))
            for item, judgment, fails, score, judge, version in rows
        ]
    )


def _words(judge: str, version: str, fails: bool, score: float | None) -> str:
    said = f"{judge} {version}: {'fail' if fails else 'pass'}"
    return said if score is None else f"{said}, {score:.2f} that it fails"


# The newest verdict of those versions that were asked about the queue, also where they had judged it before.
SAID = """
    SELECT id, judgment, fails, score, judge, label FROM (
        SELECT DISTINCT ON (i.id) i.id, g.id AS judgment, g.verdict = 'fail' AS fails, g.score,
            j.name AS judge, v.label, i.terms #>> '{triage,mark}' AS mark
        FROM (SELECT DISTINCT version_id, queue_id FROM evaluation_judgerun WHERE kind = 'queue') r
        JOIN evaluation_judgeversion v ON v.id = r.version_id JOIN evaluation_judge j ON j.id = v.judge_id
        JOIN reviewapp_reviewitem i ON i.queue_id = r.queue_id AND i.state = 'open' AND i.lane = 'risk'
            AND i.kind = 'trace' AND i.purpose = 'review' AND i.rank IS NOT NULL
        JOIN evaluation_judgment g ON g.version_id = r.version_id AND g.trace_id = i.trace_id
            AND g.trial = 1 AND g.progress = 'done' AND g.item_id IS NULL
        ORDER BY i.id, g.finished_at DESC, g.id DESC
    ) newest WHERE mark IS DISTINCT FROM judgment::text LIMIT %(turn)s
"""

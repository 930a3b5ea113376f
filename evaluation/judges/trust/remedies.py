"""What can be done about an uncertain number or a disagreement? More labels, or fresh eyes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from evaluation.judges.models import JudgeVersion
from ingest.models import AuditDraw, Trace
from reviewapp.review import items, queues
from reviewapp.review.items import Routed
from reviewapp.review.models import ItemState, Queue, ReviewItem
from reviewapp.review.refusals import ItemClosed

MOST_LABELS = 200
REASON = {"code": "audit", "detail": "drawn at random"}


class Refused(Exception):
    """What was asked for cannot be done; says why, and what to do instead."""


# Whole days, the newest first, each by ascending draw: what is labelled of a day is then a smaller draw.
_UNANSWERED = """
    SELECT d.trace_id FROM ingest_auditdraw d JOIN ingest_trace t ON t.id = d.trace_id
    WHERE t.project_id = %s AND d.u < d.audit AND NOT EXISTS (
        SELECT FROM reviewapp_reviewitem i JOIN reviewapp_assignment a ON a.item_id = i.id
        WHERE i.trace_id = d.trace_id AND i.lane = 'audit' AND a.state IN ('submitted', 'leased'))
    ORDER BY (t.started_at AT TIME ZONE 'UTC')::date DESC, d.u LIMIT %s
"""


def label_more(version: JudgeVersion, labels: int, by: str) -> tuple[Queue, int]:
    """A queue of its own with drawn traces that nobody has answered, and how many. Raises Refused.

    Only what chance has drawn: labels of chosen traces would say nothing of production.
    """
    if version.rubric_version is None:
        raise Refused(
            "This version names no rubric, so there is nothing to label against. Create one that does."
        )
    with connection.cursor() as cursor:
        cursor.execute(_UNANSWERED, [version.judge.project_id, max(1, min(labels, MOST_LABELS))])
        traces = [pk for (pk,) in cursor.fetchall()]
    if not traces:
        raise Refused(
            "Every randomly drawn trace is answered. Draw more: raise the audit share on the rates page."
        )
    with transaction.atomic():
        queue = _queue(version)
        items.from_routes(queue, _routed(traces, by))
    return queue, len(traces)


def _queue(version: JudgeVersion) -> Queue:
    project = version.judge.project
    number = Queue.objects.filter(project=project, slug__startswith="calibrate-").count() + 1
    assert version.rubric_version is not None
    return queues.create(
        project,
        f"calibrate-{number}",
        rubric_version=version.rubric_version,
        name=f"Calibrate {version.judge.name}"[:120],
        overlap=1,
    )


def _routed(traces: Sequence[int], by: str) -> list[Routed]:
    draws = AuditDraw.objects.filter(trace__in=traces).select_related("trace")
    terms = {"by": f"label budget, {by}"}
    return [
        Routed(draw.trace_id, [REASON], terms, 0.0, False, draw, draw.trace.started_at)
        for draw in draws.defer("trace__search")
    ]


def ask_again(version: JudgeVersion, trace: Trace, by: str) -> ReviewItem:
    """Another round for the trace's last item, with reviewers who have not seen it. Raises Refused."""
    rounds = ReviewItem.objects.filter(
        queue__project=version.judge.project_id, queue__archived_at=None, trace=trace, kind="trace",
        purpose="review",
    ).exclude(state=ItemState.REMOVED)  # fmt: skip
    last = rounds.select_related("queue").order_by("-round", "-pk").first()
    if last is None:
        raise Refused("It is in no active queue. Add it to one from its trace.")
    if last.state == ItemState.OPEN:
        raise Refused("It is already waiting for another reviewer.")
    try:
        return items.open_round(last, by)
    except ItemClosed as closed:
        raise Refused(str(closed)) from None

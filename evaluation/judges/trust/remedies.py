"""What can be done about an uncertain number or a disagreement? More labels, or fresh eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet

from evaluation.judges.against_people.statements import fitting_rubrics
from evaluation.judges.models import JudgeVersion
from ingest.models import AuditDraw, Trace
from reviewapp.review import items, queues
from reviewapp.review.items import Routed
from reviewapp.review.models import (
    Assignment,
    ItemKind,
    ItemState,
    Lane,
    Purpose,
    Queue,
    ReviewItem,
)
from reviewapp.review.models import State as AssignmentState
from reviewapp.review.refusals import Archived, ItemClosed

MOST_LABELS = 200
REASON = {"code": "audit", "detail": "drawn at random"}


class Refused(Exception):
    """What was asked for cannot be done; says why, and what to do instead."""


# Queues of label budgets: what waits in one of them waits for these very labels.
PREFIX = "calibrate-"
# Whole days, the newest first, each by ascending draw: what is labelled of a day is then a smaller draw.
# An item under a rubric by which the criterion means something else says nothing of it.
_UNANSWERED = """
    SELECT d.trace_id FROM ingest_auditdraw d JOIN ingest_trace t ON t.id = d.trace_id
    WHERE t.project_id = %(project)s AND d.u < d.audit AND NOT t.flags @> ARRAY['erased']::varchar[]
        AND NOT EXISTS (
            SELECT FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
            WHERE i.trace_id = d.trace_id AND i.lane = 'audit' AND i.kind = 'trace' AND i.purpose = 'review'
                AND i.rubric_version_id = ANY(%(rubrics)s::bigint[])
                AND (q.slug LIKE %(budgets)s AND q.archived_at IS NULL AND i.state = 'open' OR EXISTS (
                    SELECT FROM reviewapp_assignment a
                    WHERE a.item_id = i.id AND a.state IN ('submitted', 'leased'))))
    ORDER BY (t.started_at AT TIME ZONE 'UTC')::date DESC, d.u LIMIT %(labels)s
"""


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A queue of drawn traces; `moved` of them waited in other queues, and wait there no more."""

    queue: Queue
    count: int
    moved: int

    @property
    def words(self) -> str:
        moved = f" {self.moved} of them waited in other queues, and have moved here." if self.moved else ""
        return f"{self.queue.name}: {self.count} drawn trace{'s' * (self.count != 1)} to label.{moved}"


def label_more(version: JudgeVersion, labels: int, by: str) -> Budgeted:
    """A queue of its own with drawn traces that nobody has answered. Raises Refused.

    Only what chance has drawn: labels of chosen traces would say nothing of production. What waits elsewhere
    for the same question moves here, so that nobody is asked twice.
    """
    if version.rubric_version is None:
        raise Refused(
            "This version names no rubric, so there is nothing to label against. "
            "Create a version that names one."
        )
    traces = _unanswered(version, max(1, min(labels, MOST_LABELS)))
    if not traces:
        raise Refused(_why_none(version))
    with transaction.atomic():
        queue = _queue(version)
        moved = _take_over(version, traces, by)
        items.from_routes(queue, _routed(traces, moved, by))
    return Budgeted(queue, len(traces), len(moved))


def _unanswered(version: JudgeVersion, labels: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            _UNANSWERED,
            {
                "project": version.judge.project_id,
                "rubrics": fitting_rubrics(version),
                "budgets": f"{PREFIX}%",
                "labels": labels,
            },
        )
        return [pk for (pk,) in cursor.fetchall()]


def _why_none(version: JudgeVersion) -> str:
    waiting = _waiting(version).filter(queue__slug__startswith=PREFIX, queue__archived_at=None)
    names = list(waiting.values_list("queue__name", flat=True).distinct().order_by("queue__name")[:3])
    if names:
        count = waiting.count()
        return (
            f"The {count} drawn trace{'s' * (count != 1)} that nobody has answered wait in "
            f"{', '.join(names)} already: label those first, or raise the audit share in routing."
        )
    return "Every trace that chance has drawn is answered. Draw more: raise the audit share in routing."


def _waiting(version: JudgeVersion) -> QuerySet[ReviewItem]:
    """What waits to be labelled as drawn, under rubrics by which the criterion means the same."""
    return ReviewItem.objects.filter(
        queue__project=version.judge.project_id,
        lane=Lane.AUDIT,
        kind=ItemKind.TRACE,
        purpose=Purpose.REVIEW,
        state=ItemState.OPEN,
        rubric_version__in=fitting_rubrics(version) or [],
    )


def _take_over(version: JudgeVersion, traces: Sequence[int], by: str) -> dict[int, ReviewItem]:
    """Take these traces out of the queues in which nobody has begun them; by trace what stood there."""
    waiting = _waiting(version).filter(trace__in=traces).order_by("pk")
    locked = list(waiting.select_for_update(no_key=True, of=("self",)))
    begun = set(
        Assignment.objects.filter(
            item__in=locked, state__in=(AssignmentState.LEASED, AssignmentState.SUBMITTED)
        ).values_list("item", flat=True)
    )
    untouched = {item.trace_id: item for item in locked if item.pk not in begun}
    for item in untouched.values():
        items.remove(item, by)
    return untouched


def _queue(version: JudgeVersion) -> Queue:
    project = version.judge.project
    number = Queue.objects.filter(project=project, slug__startswith=PREFIX).count() + 1
    assert version.rubric_version is not None
    return queues.create(
        project,
        f"{PREFIX}{number}",
        rubric_version=version.rubric_version,
        name=f"Calibrate {version.judge.name}"[:120],
        overlap=1,
    )


def _routed(traces: Sequence[int], moved: Mapping[int, ReviewItem], by: str) -> list[Routed]:
    """With what the rules had said of those that waited elsewhere."""
    draws = AuditDraw.objects.filter(trace__in=traces).select_related("trace").defer("trace__search")
    terms = {"by": f"label budget, {by}"}
    routed = []
    for draw in draws:
        old = moved.get(draw.trace_id)
        reasons, priority, is_risk = [REASON], 0.0, False
        if old is not None and old.rank is not None:
            reasons, priority, is_risk = old.reasons or [REASON], old.priority, True
        routed.append(Routed(draw.trace_id, reasons, terms, priority, is_risk, draw, draw.trace.started_at))
    return routed


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
    except (Archived, ItemClosed) as closed:
        raise Refused(str(closed)) from None

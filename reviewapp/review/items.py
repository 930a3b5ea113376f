"""What stands in a queue, and where: enqueue, rank, remove, open another round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from ingest.models import AuditDraw, Project, Trace
from reviewapp.models import User
from reviewapp.review import answers, ranks, rows, turns
from reviewapp.review.models import (
    AssignedTo,
    Assignment,
    ItemKind,
    ItemState,
    Lane,
    Purpose,
    Queue,
    ReviewItem,
    State,
)
from reviewapp.review.refusals import Archived, Invalid, ItemClosed

# What a human puts in comes before what rules choose (their priority is a probability times severity).
BY_HAND = 2.0
TERMS_BY_HAND = {"by": "hand", "priority": BY_HAND}
REASON_BY_HAND = {"code": "by_hand", "detail": "put in by hand"}


@dataclass(frozen=True, slots=True)
class Enqueued:
    """`known` stood in the queue before (or was removed from it by a human); `unknown` are no traces."""

    added: list[ReviewItem]
    known: list[str]
    unknown: list[str]


def find(project: Project, pk: int) -> ReviewItem | None:
    """The project's item, with queue, rubric version and snapshot."""
    found = ReviewItem.objects.of_project(project).select_related(
        "queue", "rubric_version__rubric", "snapshot", "trace", "other_trace", "resolution"
    )
    return found.defer("trace__search", "other_trace__search").filter(pk=pk).first()


def bare(project: Project, pk: int) -> ReviewItem | None:
    """The project's item with its queue and rubric version, and without its texts, which a write does not
    need."""
    found = rows.one(BARE, [pk, project.pk])
    if found is None:
        return None
    width = len(rows.fields(ReviewItem))
    item, item_queue = rows.made(ReviewItem, found[:width]), rows.made(Queue, found[width:])
    item_queue.project, item.queue = project, item_queue
    item.rubric_version = answers.version_of(item.rubric_version_id)
    return item


BARE = (
    f"SELECT {rows.columns(ReviewItem, 'i')}, {rows.columns(Queue, 'q')} FROM reviewapp_reviewitem i "  # noqa: S608 - our own names
    "JOIN reviewapp_queue q ON q.id = i.queue_id WHERE i.id = %s AND q.project_id = %s"
)


def subject_of(trace: Trace | int, other: Trace | int | None = None) -> str:
    """The same for a pair in either order."""
    pks = sorted(each if isinstance(each, int) else each.pk for each in (trace, other) if each is not None)
    return f"{'pair' if other is not None else 'trace'}:{':'.join(map(str, pks))}"


def enqueue(queue: Queue, trace_ids: Sequence[str], by: str = "") -> Enqueued:
    """Put traces into the queue's risk lane by hand. Raises Archived, and Invalid for a queue of pairs."""
    refuse_archived(queue)
    refuse_pairs(queue)
    wanted = list(dict.fromkeys(trace_ids))
    traces = found_traces(queue.project_id, wanted)
    added = _add(queue, [_item(queue, traces[name], None, by) for name in wanted if name in traces])
    names = {item.trace_id for item in added}
    known = [name for name in wanted if name in traces and traces[name].pk not in names]
    hasten(queue, [traces[name].pk for name in known])
    return Enqueued(added, known, [name for name in wanted if name not in traces])


def enqueue_pairs(queue: Queue, pairs: Sequence[tuple[str, str]], by: str = "") -> Enqueued:
    """Put pairs of traces into a queue: one of pairs, or one of traces among which they stand by hand.

    Raises Archived.
    """
    refuse_archived(queue)
    traces = found_traces(queue.project_id, {name for pair in pairs for name in pair})
    made: dict[str, tuple[ReviewItem, str]] = {}
    unknown = []
    for left, right in pairs:
        if left not in traces or right not in traces or left == right:
            unknown.append(f"{left} + {right}")
            continue
        item = _item(queue, traces[left], traces[right], by)
        made.setdefault(item.subject, (item, f"{left} + {right}"))
    added = _add(queue, [item for item, _ in made.values()])
    subjects = {item.subject for item in added}
    known = [name for subject, (_, name) in made.items() if subject not in subjects]
    return Enqueued(added, known, unknown)


def refuse_archived(queue: Queue) -> None:
    """What is put in would wait unseen until someone brings the queue back."""
    if queue.archived_at is not None:
        raise Archived("This queue is archived: it takes nothing in. Nothing was added; bring it back first.")


def refuse_pairs(queue: Queue) -> None:
    if queue.kind == ItemKind.PAIR:
        words = "This queue takes pairs."
        raise Invalid(words, [{"field": "trace_ids", "error": words}])


def found_traces(project_id: int, names: Iterable[str]) -> dict[str, Trace]:
    known = Trace.objects.filter(
        project=project_id, trace_id__in=[name for name in names if "\0" not in name]
    )
    return {trace.trace_id: trace for trace in known.only("project_id", "trace_id", "started_at")}


def _item(queue: Queue, trace: Trace, other: Trace | None, by: str) -> ReviewItem:
    now = datetime.now(UTC)
    return ReviewItem(
        queue=queue,
        kind=ItemKind.TRACE if other is None else ItemKind.PAIR,
        trace=trace,
        other_trace=other,
        subject=subject_of(trace, other),
        rubric_version_id=queue.rubric_version_id,
        required=queue.overlap,
        open_slots=queue.overlap,
        priority=BY_HAND,
        rank=ranks.risk(BY_HAND, now),
        reasons=[REASON_BY_HAND],
        terms=TERMS_BY_HAND,
        added_by=by,
        enqueued_at=now,
        due_at=due(queue, now),
    )


def due(queue: Queue, enqueued_at: datetime) -> datetime | None:
    return None if queue.due_days is None else enqueued_at + timedelta(days=queue.due_days)


def _add(queue: Queue, items: Sequence[ReviewItem]) -> list[ReviewItem]:
    """Write those that are new to the queue; the ones written, with their ids."""
    if not items:
        return []
    turns.share(queue, items)
    subjects = [item.subject for item in items]
    with transaction.atomic():
        known = set(
            ReviewItem.objects.filter(queue=queue, subject__in=subjects).values_list("subject", flat=True)
        )
        fresh = [item for item in items if item.subject not in known]
        ReviewItem.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=1000)
        made = ReviewItem.objects.filter(queue=queue, subject__in=[item.subject for item in fresh])
        return sorted(made, key=lambda item: subjects.index(item.subject)) if len(fresh) < 50 else list(made)


def hasten(queue: Queue, traces: Sequence[int]) -> None:
    """What a human asks for again goes to where a human's wishes stand, if it stood lower."""
    now = datetime.now(UTC)
    waiting = ReviewItem.objects.filter(
        queue=queue, kind=ItemKind.TRACE, trace__in=traces, state=ItemState.OPEN, priority__lt=BY_HAND,
        purpose=Purpose.REVIEW,
    )  # fmt: skip
    waiting.update(priority=BY_HAND, rank=ranks.risk(BY_HAND, now), terms=TERMS_BY_HAND)


@transaction.atomic
def remove(item: ReviewItem, by: str) -> None:
    """Take it out for good, and what repeats it: no route brings it back. Labels already given stay."""
    locked = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    if locked.state == ItemState.REMOVED:
        return
    running = Assignment.objects.filter(item=locked, state=State.LEASED)
    running.update(state=State.RELEASED, token=None, lease_until=None)
    locked.state, locked.open_slots = ItemState.REMOVED, 0
    locked.removed_at, locked.removed_by = datetime.now(UTC), by
    locked.save(update_fields=["state", "open_slots", "removed_at", "removed_by"])
    for copy in ReviewItem.objects.filter(original=locked, state=ItemState.OPEN):
        remove(copy, by)


@transaction.atomic
def open_round(item: ReviewItem, by: str) -> ReviewItem:
    """The next round of the same subject, after the trace has changed or a lead wants fresh eyes.

    Raises ItemClosed while the present round is not over, Archived for a queue that nobody works.
    """
    locked = ReviewItem.objects.select_for_update(no_key=True).select_related("queue").get(pk=item.pk)
    refuse_archived(locked.queue)
    last = ReviewItem.objects.filter(queue=locked.queue, subject=locked.subject).aggregate(last=Max("round"))
    if locked.state == ItemState.OPEN or last["last"] != locked.round:
        raise ItemClosed("This round is not finished yet: label the item, or remove it.")
    fresh = _item(locked.queue, locked.trace, locked.other_trace, by)
    fresh.round = locked.round + 1
    turns.share(locked.queue, [fresh])
    fresh.save()
    return fresh


@dataclass(frozen=True, slots=True)
class Routed:
    """What a route asks for: `risk` when any rule but the draw chose the trace."""

    trace: int
    reasons: list[dict[str, Any]]
    terms: dict[str, Any]
    priority: float
    risk: bool
    draw: AuditDraw | None
    started_at: datetime


def from_routes(queue: Queue, routed: Sequence[Routed]) -> int:
    """Bring the items of these traces in line with their routes; how many were added or changed.

    An item of a human's making keeps the greater priority; a removed or finished one stays as it is. One
    whose reasons are gone goes to the end with priority 0: someone may have begun it.
    """
    known = {
        item.trace_id: item
        for item in ReviewItem.objects.filter(
            queue=queue,
            kind=ItemKind.TRACE,
            trace__in=[each.trace for each in routed],
            purpose=Purpose.REVIEW,
        ).order_by("round")
    }
    fresh = [_routed_item(queue, each) for each in routed if each.trace not in known and each.reasons]
    double(queue, [item for item in fresh if item.lane == Lane.AUDIT])
    turns.share(queue, fresh)
    ReviewItem.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=1000)
    changed = [item for each in routed if (item := known.get(each.trace)) and _follow(item, each)]
    if changed:
        _update_ranks(changed)
    return len(fresh) + len(changed)


def _routed_item(queue: Queue, route: Routed) -> ReviewItem:
    now = datetime.now(UTC)
    item = ReviewItem(
        queue=queue,
        kind=ItemKind.TRACE,
        trace_id=route.trace,
        subject=subject_of(route.trace),
        rubric_version_id=queue.rubric_version_id,
        required=queue.overlap,
        open_slots=queue.overlap,
        enqueued_at=now,
        due_at=due(queue, now),
    )
    place(item, route)
    return item


def place(item: ReviewItem, route: Routed) -> None:
    item.priority, item.reasons, item.terms = route.priority, route.reasons, route.terms
    item.rank = ranks.risk(route.priority, item.enqueued_at) if route.risk else None
    if route.draw is not None:
        item.lane, item.u = Lane.AUDIT, route.draw.u
        item.day = route.started_at.astimezone(UTC).date()
        item.audit_rank = ranks.audit(item.day, item.u)
    elif not route.risk:
        item.rank = ranks.risk(route.priority, item.enqueued_at)


def _follow(item: ReviewItem, route: Routed) -> bool:
    if item.state != ItemState.OPEN:
        return False
    by_hand = item.terms.get("by") == "hand"
    if by_hand and route.priority <= item.priority:
        route = Routed(
            route.trace,
            [REASON_BY_HAND, *route.reasons],
            item.terms,
            item.priority,
            True,
            route.draw,
            route.started_at,
        )
    before = (item.priority, item.reasons, item.terms, item.rank, item.audit_rank)
    place(item, route)
    return before != (item.priority, item.reasons, item.terms, item.rank, item.audit_rank)


def _update_ranks(items: Sequence[ReviewItem]) -> None:
    fields = ["priority", "reasons", "terms", "rank", "audit_rank", "lane", "u", "day"]
    ReviewItem.objects.bulk_update(items, fields, batch_size=500)


def double(queue: Queue, items: Sequence[ReviewItem]) -> None:
    """Of today's audit items the first `double_minimum`, and `double_share` of the rest, go to two.

    Chosen by arrival and by a number of their own, never by what is in them; not where only one reviews.
    """
    if queue.overlap > 1 or not items or not (queue.double_minimum or queue.double_share):
        return
    if reviewers_of(queue) < 2:
        return
    doubled = ReviewItem.objects.filter(
        queue=queue, audit_rank__isnull=False, required__gt=1, enqueued_at__date=datetime.now(UTC).date()
    ).count()
    for item in items:
        assert item.u is not None
        if doubled < queue.double_minimum or independent(item.u) < queue.double_share:
            item.required = item.open_slots = 2
            doubled += 1


def independent(u: float) -> float:
    """A number in [0, 1) from the last digits of u, which say nothing of its size."""
    return (int(u * 2**53) % 2**20) / 2**20


def reviewers_of(queue: Queue) -> int:
    if queue.assignment == AssignedTo.OPEN:
        return User.objects.filter(memberships__project=queue.project_id, is_active=True).count()
    return queue.assignees.count()


def miscounted(project: Project | None = None) -> int:
    """Items whose open slots differ from a recount of leases and labels: always 0."""
    with connection.cursor() as cursor:
        pk = project.pk if project else None
        cursor.execute(MISCOUNTED, [pk, pk])
        return int(cursor.fetchone()[0])


MISCOUNTED = """
    SELECT count(*) FROM (
        SELECT i.open_slots, i.required, i.state,
            count(a.id) FILTER (WHERE a.state IN ('leased', 'submitted')) AS taken
        FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
        LEFT JOIN reviewapp_assignment a ON a.item_id = i.id
        WHERE %s::bigint IS NULL OR q.project_id = %s::bigint
        GROUP BY i.id
    ) c
    WHERE c.open_slots <> CASE WHEN c.state = 'open' THEN c.required - c.taken ELSE 0 END
"""

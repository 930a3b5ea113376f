"""Queues: make, change, pause, archive, move to another rubric version, fill from routes, count."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from ingest import sanitising
from ingest.models import Project
from ingest.routing.models import Route
from reviewapp.models import Membership, User
from reviewapp.review import answers, items, rows, rubrics, seats, turns
from reviewapp.review.items import Routed
from reviewapp.review.models import (
    Assignee,
    Assignment,
    ItemKind,
    ItemState,
    Purpose,
    Queue,
    ReviewItem,
    RubricVersion,
    Stage,
)
from reviewapp.review.refusals import Invalid

STARTER = "review"
CHUNK = 500
TURN_SECONDS = 5.0
SETTINGS = frozenset(
    {
        "name", "description", "overlap", "lease_seconds", "audit_every", "double_share", "double_minimum",
        "blind", "paused", "assignment", "due_days",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one queue, now. `waiting` items could be claimed by someone, `held` is a number of leases."""

    waiting: int = 0
    held: int = 0
    adjudication: int = 0
    resolved: int = 0
    removed: int = 0
    overdue: int = 0
    labels: int = 0
    oldest: datetime | None = None  # since when the longest waiting item has been in the queue
    open: int = 0  # items that are undecided, waiting or held or both


def create(
    project: Project, slug: str, *, rubric_version: RubricVersion, kind: str = ItemKind.TRACE, **settings: Any
) -> Queue:
    """Raises Invalid with the fields that do not fit."""
    queue = Queue(project=project, slug=slug, kind=kind, rubric_version=rubric_version)
    settings["name"] = settings.get("name") or slug.replace("-", " ").capitalize()
    people = settings.pop("assignees", None)
    _set(queue, settings)
    _check_version(queue, rubric_version)
    try:
        with transaction.atomic():
            queue.save()
            if people is not None:
                name_assignees(queue, people)
    except IntegrityError:
        taken = [{"field": "slug", "error": "is taken by another queue of this project"}]
        raise Invalid("There is already a queue with this name.", taken) from None
    ask_routes_again(queue)
    return queue


def ask_routes_again(queue: Queue) -> None:
    """Traces may have been routed to this name while no live queue had it."""
    waiting = Route.objects.filter(trace__project=queue.project_id, queue=queue.slug, changed=False)
    waiting.update(changed=True)


def create_starter(project: Project) -> Queue:
    """The queue `review` with the starter rubric; as it is where the project has it already."""
    found = Queue.objects.filter(project=project, slug=STARTER).first()
    return found or create(
        project, STARTER, rubric_version=rubrics.create_starter(project), name="Review", overlap=1
    )


@transaction.atomic
def change(queue: Queue, *, assignees: Iterable[str] | None = None, **settings: Any) -> Queue:
    """Set what is named. A new overlap is for items to come, and for those that nobody has begun.

    Raises Invalid with the fields that do not fit.
    """
    queue = Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)
    before = (queue.overlap, queue.assignment)
    _set(queue, settings)
    queue.save()
    if assignees is not None:
        name_assignees(queue, assignees)
    if queue.overlap != before[0]:
        _overlap_untouched(queue)
    if assignees is not None or queue.assignment != before[1]:
        turns.share_again(queue)
    return queue


def _set(queue: Queue, settings: dict[str, Any]) -> None:
    errors = [
        {"field": name, "error": "is not a setting of a queue"} for name in settings if name not in SETTINGS
    ]
    for name, value in settings.items():
        if name in SETTINGS:
            setattr(queue, name, sanitising.text(value.strip(), set()) if isinstance(value, str) else value)
    try:
        queue.full_clean(exclude=["rubric_version", "project"], validate_unique=False)
    except ValidationError as error:
        errors += [
            {"field": "" if field == "__all__" else field, "error": " ".join(words)}
            for field, words in error.message_dict.items()
        ]
    if errors:
        raise Invalid("The queue's settings are not valid: see each field.", errors)


def _check_version(queue: Queue, version: RubricVersion) -> None:
    if version.stage != Stage.FROZEN or version.rubric.project_id != queue.project_id:
        errors = [
            {"field": "rubric_version", "error": "must be a frozen version of a rubric of this project"}
        ]
        raise Invalid("The rubric version cannot be used.", errors)


def name_assignees(queue: Queue, usernames: Iterable[str]) -> None:
    """Exactly these members work the queue. Raises Invalid for who is none."""
    names = set(usernames)
    # A name with NUL is nobody's, and no query can hold it.
    askable = [name for name in names if "\0" not in name]
    members = Membership.objects.filter(project=queue.project_id, user__username__in=askable)
    found = {membership.user.username: membership for membership in members.select_related("user")}
    if missing := names - set(found):
        error = f"not a member of this project: {', '.join(sorted(missing))}".replace("\0", "\ufffd")
        raise Invalid("Some of the reviewers are not members.", [{"field": "assignees", "error": error}])
    Assignee.objects.filter(queue=queue).exclude(membership__in=members).delete()
    Assignee.objects.bulk_create(
        [Assignee(queue=queue, membership=membership) for membership in found.values()],
        ignore_conflicts=True,
    )


def _overlap_untouched(queue: Queue) -> None:
    begun = Assignment.objects.filter(item__queue=queue).values("item")
    untouched = ReviewItem.objects.filter(
        queue=queue, state=ItemState.OPEN, purpose="review", audit_rank=None
    ).exclude(pk__in=begun)
    locked = untouched.select_for_update(no_key=True, skip_locked=True, of=("self",)).values_list(
        "pk", flat=True
    )
    # Asked again under the lock: someone may have begun one of them in between.
    still = ReviewItem.objects.filter(pk__in=list(locked)).exclude(pk__in=begun)
    still.update(required=queue.overlap, open_slots=queue.overlap)


@transaction.atomic
def leave(membership: Membership) -> None:
    """A member leaves: items that waited only for them are shared out again, or need nobody any more."""
    shared = list(Queue.objects.filter(assignees__membership=membership))
    Assignee.objects.filter(membership=membership).delete()
    copies = ReviewItem.objects.of_project(membership.project).exclude(purpose=Purpose.REVIEW)
    for copy in copies.filter(state=ItemState.OPEN, reserved_for=[membership.user_id]):
        items.remove(copy, "")
    for queue in shared:
        turns.share_again(queue)


def archive(queue: Queue) -> None:
    Queue.objects.filter(pk=queue.pk, archived_at=None).update(archived_at=Now())


def restore(queue: Queue) -> None:
    Queue.objects.filter(pk=queue.pk).update(archived_at=None)
    ask_routes_again(queue)


def find(project: Project, slug: str) -> Queue | None:
    queue = rows.find(Queue, "r.project_id = %s AND r.slug = %s", [project.pk, slug])
    if queue is not None:
        queue.project, queue.rubric_version = project, answers.version_of(queue.rubric_version_id)
    return queue


def admits(queue: Queue, reviewer: User) -> bool:
    """Whether this reviewer may claim from the queue."""
    return seats.admits(queue, reviewer)


@transaction.atomic
def move(queue: Queue, version: RubricVersion, *, open_items: bool) -> int:
    """Ask from another version. Items that nobody has begun go with it if `open_items`; how many did.

    Items with a lease or a label stay on the version they were started with. Raises Invalid.
    """
    _check_version(queue, version)
    Queue.objects.filter(pk=queue.pk).update(rubric_version=version)
    queue.rubric_version = version
    if not open_items:
        return 0
    begun = Assignment.objects.filter(item__queue=queue, state__in=["leased", "submitted"]).values("item")
    waiting = ReviewItem.objects.filter(queue=queue, state=ItemState.OPEN).exclude(pk__in=begun)
    locked = waiting.select_for_update(no_key=True, skip_locked=True, of=("self",)).values_list(
        "pk", flat=True
    )
    # Asked again under the lock: someone may have begun one of them in between.
    still = ReviewItem.objects.filter(pk__in=list(locked)).exclude(pk__in=begun)
    return still.update(rubric_version=version)


def asked_otherwise(queue: Queue, version: RubricVersion) -> int:
    """How many of its open items ask from another version."""
    undecided = ReviewItem.objects.filter(queue=queue, state=ItemState.OPEN)
    return undecided.exclude(rubric_version=version).count()


def counts(project: Project) -> dict[int, Counts]:
    """By queue id, in a fixed number of queries."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [project.pk])
        by_queue = {row[0]: Counts(*row[1:]) for row in cursor.fetchall()}
    return defaultdict(Counts, by_queue)


COUNTS = """
    SELECT q.id, i.waiting, coalesce(a.held, 0), i.adjudication, i.resolved, i.removed, i.overdue,
        coalesce(a.labels, 0), i.oldest, i.open
    FROM reviewapp_queue q
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE open_slots > 0) AS waiting,
            count(*) FILTER (WHERE state = 'open') AS open,
            count(*) FILTER (WHERE state = 'adjudication') AS adjudication,
            count(*) FILTER (WHERE state = 'resolved') AS resolved,
            count(*) FILTER (WHERE state = 'removed') AS removed,
            count(*) FILTER (WHERE open_slots > 0 AND due_at < now()) AS overdue,
            min(enqueued_at) FILTER (WHERE open_slots > 0) AS oldest
        FROM reviewapp_reviewitem WHERE queue_id = q.id
    ) i
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE s.state = 'leased' AND s.lease_until > clock_timestamp()) AS held,
            count(*) FILTER (WHERE s.state = 'submitted') AS labels
        FROM reviewapp_assignment s JOIN reviewapp_reviewitem r ON r.id = s.item_id WHERE r.queue_id = q.id
    ) a
    WHERE q.project_id = %s
"""


def fill() -> int:
    """Pull the routes that have changed into their queues; how many. A job, and safe to run twice."""
    total, end = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < end and (pulled := fill_some()):
        total += pulled
    return total


@transaction.atomic
def fill_some() -> int:
    """A chunk of the changed routes; the route's mark is taken back in the same transaction."""
    routes = list(
        Route.objects.changed_first()
        .select_related("trace", "trace__draw")
        .only(
            "queue",
            "reasons",
            "terms",
            "priority",
            "audit",
            "trace__project_id",
            "trace__started_at",
            "trace__draw",
        )
        .select_for_update(skip_locked=True, no_key=True, of=("self",))[:CHUNK]
    )
    by_queue: dict[tuple[int, str], list[Route]] = defaultdict(list)
    for route in routes:
        by_queue[route.trace.project_id, route.queue].append(route)
    found = Queue.objects.filter(project__in={key[0] for key in by_queue}, kind=ItemKind.TRACE)
    for queue in found.live().select_related("project"):
        if wanted := by_queue.get((queue.project_id, queue.slug)):
            items.from_routes(queue, [_routed(route) for route in wanted])
    Route.objects.filter(pk__in=[route.pk for route in routes]).update(changed=False)
    return len(routes)


def _routed(route: Route) -> Routed:
    return Routed(
        trace=route.trace_id,
        reasons=route.reasons,
        terms=route.terms,
        priority=route.priority,
        risk=any(reason.get("code") != "audit" for reason in route.reasons),
        draw=getattr(route.trace, "draw", None) if route.audit else None,
        started_at=route.trace.started_at,
    )

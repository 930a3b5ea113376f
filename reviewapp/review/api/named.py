"""What does an address name? The project's queue or item, which comes with the token, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingest import prepared
from ingest.models import Project, Scope, Trace
from ingest.problems import Problem
from ingest.tokens import Beside, Caller, TokenAuth
from reviewapp.review import answers, rows, standing
from reviewapp.review.models import Queue, ReviewItem, Snapshot

# What only pages ask of an item and of its queue, or those who settle it, of the row they have locked; it is
# read where it is asked for after all.
UNREAD_OF_ITEM = (
    "subject", "original", "priority", "rank", "audit_rank", "reasons", "terms", "reserved_for", "open_slots",
    "changed_since_review", "adjudication_reason", "resolution", "added_by", "enqueued_at", "due_at",
    "removed_at", "removed_by",
)  # fmt: skip
UNREAD_OF_QUEUE = (
    "name", "description", "overlap", "double_share", "double_minimum", "due_days", "created_at"
)  # fmt: skip
# Of traces and snapshot no more than their names.
ITEM_COLUMNS = (
    f"{rows.columns(ReviewItem, 'i', *UNREAD_OF_ITEM)}, {rows.columns(Queue, 'q', *UNREAD_OF_QUEUE)}, "
    "t.trace_id, o.trace_id, s.sha256"
)
ITEM_ROWS = (
    "reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id "
    "JOIN ingest_trace t ON t.id = i.trace_id LEFT JOIN ingest_trace o ON o.id = i.other_trace_id "
    "LEFT JOIN reviewapp_snapshot s ON s.id = i.snapshot_id"
)
FIND_ITEM = (
    f"SELECT {ITEM_COLUMNS} FROM {ITEM_ROWS} "  # noqa: S608 - our own names
    "WHERE i.id = %s AND q.project_id = %s"
)
# The last column of both says in which versions token and queue were read.
QUEUE = Beside(
    "slug",
    f"{rows.columns(Queue, 'q', *UNREAD_OF_QUEUE)}, {standing.DOOR}",
    "LEFT JOIN reviewapp_queue q ON q.project_id = project.id AND q.slug = %s",
)
ITEM = Beside(
    "pk",
    f"{ITEM_COLUMNS}, {standing.DOOR}",
    f"LEFT JOIN ({ITEM_ROWS}) ON i.id = %s AND q.project_id = project.id",
)


def of_queue(*scopes: Scope) -> TokenAuth:
    """The guard of an address that names a queue: `queue(request.caller)` is that queue."""
    return TokenAuth(*scopes, beside=QUEUE)


def of_item(*scopes: Scope) -> TokenAuth:
    """The guard of an address that names an item: `item(request.caller)` is that item."""
    return TokenAuth(*scopes, beside=ITEM)


def queue(caller: Caller) -> Queue:
    if caller.beside[0] is None:
        raise Problem(404, "This project has no such queue.")
    found = rows.made(Queue, caller.beside[:-1], *UNREAD_OF_QUEUE)
    rows.link(found, "project", caller.project)
    rows.link(found, "rubric_version", answers.version_of(found.rubric_version_id))
    return found


def item(caller: Caller) -> ReviewItem:
    if caller.beside[0] is None:
        raise Problem(404, "This project has no such item.")
    return _item(caller.project, caller.beside[:-1])


def item_of(queue: Queue, pk: int) -> ReviewItem:
    """The item of the queue that a body names."""
    found = rows.one(FIND_ITEM, [pk, queue.project_id])
    if found is None or (item := _item(queue.project, found)).queue_id != queue.pk:
        raise Problem(404, "This project has no such item.")
    return item


def _item(project: Project, found: Sequence[Any]) -> ReviewItem:
    """For what only writes."""
    width = len(rows.fields(ReviewItem, *UNREAD_OF_ITEM))
    item = rows.made(ReviewItem, found[:width], *UNREAD_OF_ITEM)
    queue = rows.made(Queue, found[width:-3], *UNREAD_OF_QUEUE)
    rows.link(queue, "project", project)
    rows.link(item, "queue", queue)
    rows.link(item, "rubric_version", answers.version_of(item.rubric_version_id))
    rows.link(item, "trace", prepared.made(Trace, NAMED, [item.trace_id, found[-3]]))
    if item.other_trace_id:
        rows.link(item, "other_trace", prepared.made(Trace, NAMED, [item.other_trace_id, found[-2]]))
    if item.snapshot_id:
        rows.link(item, "snapshot", prepared.made(Snapshot, HASHED, [item.snapshot_id, found[-1]]))
    return item


NAMED, HASHED = ["id", "trace_id"], ["id", "sha256"]

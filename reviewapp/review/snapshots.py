"""The exact bytes of what is shown of an item: made at the first claim or judgment, and pointed to since.

An item notes the revision of its trace that the snapshot was made at. When more has come for the trace the
snapshot is made anew; only where the bytes differ does that change anything for those who review.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from django.db import transaction

from ingest import readings
from ingest.models import Trace
from ingest.reading import Message
from ingest.records import JsonDict, canonical_json
from reviewapp.review.models import Assignment, ItemState, ReviewItem, Snapshot, State


def of_trace(trace: Trace) -> Snapshot:
    """What would be shown of the trace now, stored once by its hash. For judges, who point to it as well."""
    return store(trace.project_id, {"kind": "trace", "trace": view(trace)})


def of_item(item: ReviewItem) -> Snapshot:
    """The item's snapshot, made now if there is none yet or the trace has changed."""
    look(item)
    assert item.snapshot is not None
    return item.snapshot


def content(snapshot: Snapshot) -> JsonDict:
    """The JSON in it: {"kind": "trace", "trace": VIEW} or {"kind": "pair", "a": VIEW, "b": VIEW}, with
    VIEW = {"trace_id", "input", "output", "messages", "context", "status", "error"}. Empty when erased."""
    stored = bytes(snapshot.bytes)
    decoded: JsonDict = msgspec.json.decode(stored) if stored else {}
    return decoded


def store(project_id: int, shown: JsonDict) -> Snapshot:
    spelled = canonical_json(shown)
    digest = hashlib.sha256(spelled).digest()
    known = Snapshot.objects.filter(project=project_id, sha256=digest)
    if found := known.first():
        return found
    Snapshot.objects.bulk_create(
        [Snapshot(project_id=project_id, sha256=digest, bytes=spelled)], ignore_conflicts=True
    )
    return known.get()


def view(trace: Trace) -> JsonDict:
    reading = readings.read_trace(trace, readings.load(trace))
    return {
        "trace_id": trace.trace_id,
        "input": reading.input,
        "output": reading.output,
        "messages": [_message(message) for message in reading.conversation],
        "context": [_passage(document) for document in reading.documents],
        "status": reading.status,
        "error": reading.error,
    }


def _message(message: Message) -> JsonDict:
    told: JsonDict = {"role": message.role, "text": message.text}
    if message.tool_calls:
        told["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    if message.other:
        told["other"] = list(message.other)
    return told


def _passage(document: Any) -> JsonDict:
    return {"id": document.id, "text": document.text}


def is_stale(item: ReviewItem) -> bool:
    """Whether something has come for its traces since the snapshot was made."""
    seen = [(item.trace_id, item.seen_revision)]
    if item.other_trace_id:
        seen.append((item.other_trace_id, item.seen_other_revision))
    revisions = dict(Trace.objects.filter(pk__in=[pk for pk, _ in seen]).values_list("pk", "revision"))
    return any(revisions.get(pk) != revision for pk, revision in seen)


def look(item: ReviewItem) -> bool:
    """Bring the item's snapshot up to date; whether what is shown has changed.

    On an item without a label that voids the leases that run; on a labelled one it is marked.
    """
    if item.snapshot_id is not None and not is_stale(item):
        return False
    traces = Trace.objects.defer("search").in_bulk([pk for pk in (item.trace_id, item.other_trace_id) if pk])
    trace, other = traces[item.trace_id], traces.get(item.other_trace_id or 0)
    shown: JsonDict = {"kind": "trace", "trace": view(trace)}
    if other is not None:
        shown = {"kind": "pair", "a": view(trace), "b": view(other)}
    snapshot = store(trace.project_id, shown)
    return _keep(item, snapshot, trace.revision, other.revision if other else None)


@transaction.atomic
def _keep(item: ReviewItem, snapshot: Snapshot, revision: int, other_revision: int | None) -> bool:
    fresh = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    had, is_new = fresh.snapshot_id, fresh.snapshot_id != snapshot.pk
    changed = had is not None and is_new
    fresh.snapshot, fresh.seen_revision, fresh.seen_other_revision = snapshot, revision, other_revision
    if changed:
        _note_change(fresh)
    fresh.save(
        update_fields=[
            "snapshot", "seen_revision", "seen_other_revision", "open_slots", "changed_since_review",
        ]
    )  # fmt: skip
    for field in ("snapshot_id", "seen_revision", "seen_other_revision", "changed_since_review"):
        setattr(item, field, getattr(fresh, field))
    item.snapshot = snapshot
    return changed


def _note_change(item: ReviewItem) -> None:
    assignments = Assignment.objects.filter(item=item)
    if assignments.filter(state=State.SUBMITTED).exists():
        item.changed_since_review = True
        return
    voided = assignments.filter(state=State.LEASED).update(state=State.RELEASED, token=None, lease_until=None)
    if item.state == ItemState.OPEN:
        item.open_slots += voided


def note_changes(limit: int = 200) -> int:
    """Look at items whose trace has changed since their snapshot was made; how many had changed. A job."""
    stale = ReviewItem.objects.raw(STALE, [limit])
    return sum(look(item) for item in stale)


STALE = """
    SELECT i.* FROM reviewapp_reviewitem i
    JOIN ingest_trace t ON t.id = i.trace_id
    LEFT JOIN ingest_trace o ON o.id = i.other_trace_id
    WHERE i.snapshot_id IS NOT NULL AND i.state <> 'removed' AND t.last_seen > now() - interval '1 day'
        AND (t.revision <> i.seen_revision OR o.revision <> i.seen_other_revision)
        AND NOT i.changed_since_review
    ORDER BY i.id LIMIT %s
"""

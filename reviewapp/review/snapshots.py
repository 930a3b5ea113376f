"""The exact bytes of what is shown of an item: made at the first claim or judgment, and pointed to since.

An item notes the revision of its trace that the snapshot was made at. When more has come for the trace the
snapshot is made anew; only where the bytes differ does that change anything for those who review.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction

from ingest import prepared, readings
from ingest.json_objects import Json
from ingest.models import Trace
from ingest.reading import Message
from ingest.records import canonical_json
from reviewapp.review.models import Assignment, ItemState, ReviewItem, Snapshot, State

TURN_SECONDS = 4.0
BATCH = 100
# So many places from where a reviewer's look begins, someone may claim at any moment.
NEAR = 200


def of_trace(trace: Trace) -> Snapshot:
    """What would be shown of the trace now, stored once by its hash. For judges, who point to it as well."""
    return store(trace.project_id, {"kind": "trace", "trace": view(trace)})


def of_traces(traces: Sequence[Trace]) -> dict[int, Snapshot]:
    """The same of many, by the trace's id, without asking for each."""
    rows = readings.load_many(traces)
    shown = [(trace.project_id, {"kind": "trace", "trace": view(trace, rows[trace.pk])}) for trace in traces]
    return {trace.pk: snapshot for trace, snapshot in zip(traces, store_many(shown), strict=True)}


def of_item(item: ReviewItem) -> Snapshot:
    """The item's snapshot, made now if there is none yet or the trace has changed."""
    look(item)
    assert item.snapshot is not None
    return item.snapshot


def content(snapshot: Snapshot) -> Json:
    """The JSON in it: {"kind": "trace", "trace": VIEW} or {"kind": "pair", "a": VIEW, "b": VIEW}, with
    VIEW = {"trace_id", "input", "output", "messages", "context", "status", "error"}. Empty when erased."""
    stored = bytes(snapshot.bytes)
    decoded: Json = msgspec.json.decode(stored) if stored else {}
    return decoded


def store(project_id: int, shown: Json) -> Snapshot:
    """Once by its hash; what was pruned and is sent anew has its bytes again."""
    spelled = canonical_json(shown)
    digest = hashlib.sha256(spelled).digest()
    row = prepared.one(STORE, [project_id, digest, spelled])
    if row is None:
        return Snapshot.objects.get(project=project_id, sha256=digest)
    return Snapshot(pk=row[0], project_id=project_id, sha256=digest, bytes=spelled, created_at=row[1])


STORE = """
    INSERT INTO reviewapp_snapshot (project_id, sha256, bytes) VALUES (%s, %s, %s)
    ON CONFLICT (project_id, sha256) DO UPDATE SET bytes = EXCLUDED.bytes, erased_at = NULL
    WHERE reviewapp_snapshot.erased_at IS NOT NULL RETURNING id, created_at
"""


def store_many(shown: Sequence[tuple[int, Json]]) -> list[Snapshot]:
    """The same for what is shown in these projects, in two statements."""
    spelled = [(project_id, canonical_json(each)) for project_id, each in shown]
    keyed = [(project_id, hashlib.sha256(each).digest()) for project_id, each in spelled]
    # In one order everywhere, so that two who store the same do not wait for each other.
    contents = {key: each for key, (_, each) in sorted(zip(keyed, spelled, strict=True))}
    projects, digests = [key[0] for key in contents], [key[1] for key in contents]
    with connection.cursor() as cursor:
        cursor.execute(STORE_MANY, [projects, digests, list(contents.values())])
        cursor.execute(STORED, [projects, digests])
        stored = {(row[2], bytes(row[3])): row[:2] for row in cursor.fetchall()}
    return [
        Snapshot(
            pk=stored[key][0],
            project_id=key[0],
            sha256=key[1],
            bytes=contents[key],
            created_at=stored[key][1],
        )
        for key in keyed
    ]


STORE_MANY = """
    INSERT INTO reviewapp_snapshot (project_id, sha256, bytes)
    SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[])
    ON CONFLICT (project_id, sha256) DO UPDATE SET bytes = EXCLUDED.bytes, erased_at = NULL
    WHERE reviewapp_snapshot.erased_at IS NOT NULL
"""
STORED = """
    SELECT s.id, s.created_at, s.project_id, s.sha256 FROM reviewapp_snapshot s
    JOIN unnest(%s::bigint[], %s::bytea[]) k (project_id, sha256)
        ON k.project_id = s.project_id AND k.sha256 = s.sha256
"""


def view(trace: Trace, rows: readings.Rows | None = None) -> Json:
    """`rows` are what is stored of it, where that is at hand."""
    reading = readings.read_trace(trace, readings.load(trace) if rows is None else rows)
    return {
        "trace_id": trace.trace_id,
        "input": reading.input,
        "output": reading.output,
        "messages": [_message(message) for message in reading.conversation],
        "context": [_passage(document) for document in reading.documents],
        "status": reading.status,
        "error": reading.error,
    }


def _message(message: Message) -> Json:
    told: Json = {"role": message.role, "text": message.text}
    if message.tool_calls:
        told["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    if message.other:
        told["other"] = list(message.other)
    return told


def _passage(document: Any) -> Json:
    return {"id": document.id, "text": document.text}


def is_stale(item: ReviewItem) -> bool:
    """Whether something has come for its traces since the snapshot was made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, revision FROM ingest_trace WHERE id IN (%s, %s)", [item.trace_id, item.other_trace_id]
        )
        revisions = dict(cursor.fetchall())
    seen = [(item.trace_id, item.seen_revision), (item.other_trace_id, item.seen_other_revision)]
    return any(revisions.get(pk) != revision for pk, revision in seen if pk is not None)


def look(item: ReviewItem) -> bool:
    """Bring the item's snapshot up to date; whether what is shown has changed.

    On an item without a label that voids the leases that run. A labelled one is marked, and goes on showing
    what was judged: its other reviewers, the lead who decides and all that is made of the labels see that.
    """
    if item.snapshot_id is not None and not is_stale(item):
        return False
    return _bring_up_to_date(item, Stored.of([item]))


class Stored(NamedTuple):
    """The traces of some items with all that is stored of them, by the traces' ids."""

    traces: dict[int, Trace]
    rows: dict[int, readings.Rows]

    @classmethod
    def of(cls, items: Sequence[ReviewItem]) -> Stored:
        wanted = {pk for item in items for pk in (item.trace_id, item.other_trace_id) if pk}
        traces = Trace.objects.defer("search").in_bulk(wanted)
        return cls(traces, readings.load_many(list(traces.values())))

    def project_id(self, item: ReviewItem) -> int:
        return self.traces[item.trace_id].project_id

    def shown(self, item: ReviewItem) -> Json:
        views = [view(trace, self.rows[trace.pk]) for trace in self._of(item)]
        if len(views) == 1:
            return {"kind": "trace", "trace": views[0]}
        return {"kind": "pair", "a": views[0], "b": views[1]}

    def revisions(self, item: ReviewItem) -> tuple[int, int | None]:
        first, *second = (trace.revision for trace in self._of(item))
        return first, second[0] if second else None

    def _of(self, item: ReviewItem) -> list[Trace]:
        return [self.traces[pk] for pk in (item.trace_id, item.other_trace_id) if pk]


def _bring_up_to_date(item: ReviewItem, stored: Stored) -> bool:
    snapshot = store(stored.project_id(item), stored.shown(item))
    revisions = stored.revisions(item)
    if item.snapshot_id is None and _keep_first(item, snapshot, *revisions):
        return False
    return _keep(item, snapshot, *revisions)


def _keep_first(item: ReviewItem, snapshot: Snapshot, revision: int, other_revision: int | None) -> bool:
    """Where there was none before, nothing else changes with it. False if another was quicker."""
    kept = prepared.change(KEEP_FIRST, [snapshot.pk, revision, other_revision, item.pk])
    if kept:
        item.snapshot, item.seen_revision, item.seen_other_revision = snapshot, revision, other_revision
    return bool(kept)


KEEP_FIRST = """
    UPDATE reviewapp_reviewitem SET snapshot_id = %s, seen_revision = %s, seen_other_revision = %s
    WHERE id = %s AND snapshot_id IS NULL
"""


@transaction.atomic
def _keep(item: ReviewItem, snapshot: Snapshot, revision: int, other_revision: int | None) -> bool:
    fresh = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    changed = fresh.snapshot_id is not None and fresh.snapshot_id != snapshot.pk
    is_judged = changed and Assignment.objects.filter(item=fresh, state=State.SUBMITTED).exists()
    fresh.changed_since_review = is_judged or (fresh.changed_since_review and not changed)
    if not is_judged:
        fresh.snapshot, fresh.seen_revision, fresh.seen_other_revision = snapshot, revision, other_revision
    if changed and not is_judged:
        _void_leases(fresh)
    fresh.save(update_fields=[*CHANGING, "open_slots"])
    for field in CHANGING:
        setattr(item, field, getattr(fresh, field))
    return changed and not is_judged


CHANGING = ("snapshot", "seen_revision", "seen_other_revision", "changed_since_review")


def _void_leases(item: ReviewItem) -> None:
    running = Assignment.objects.filter(item=item, state=State.LEASED)
    voided = running.update(state=State.RELEASED, token=None, lease_until=None)
    if item.state == ItemState.OPEN:
        item.open_slots += voided


def note_changes(limit: int = 200) -> int:
    """Look at items whose trace has changed since their snapshot was made; how many had changed. A job."""
    stale = ReviewItem.objects.raw(STALE, [limit])
    return sum(look(item) or item.changed_since_review for item in stale)


def prepare(limit: int = 5000, ahead: int = 200) -> int:
    """Make the snapshots of what will be claimed next, so that no reviewer waits for it; how many. A job.

    `limit` by queue and lane: what many reviewers take until the job comes again. `ahead` from the mark of
    each who is ahead of the others. They are made many at a time, but written alone where a reviewer may be
    just now: claims pass over an item that is locked.
    """
    done, end = 0, time.monotonic() + TURN_SECONDS
    waiting = list(ReviewItem.objects.raw(NEXT, {"limit": limit, "ahead": ahead}))
    for start in range(0, len(waiting), BATCH):
        items = waiting[start : start + BATCH]
        stored = Stored.of(items)
        for item in items:
            if item.place <= NEAR:  # type: ignore[attr-defined]
                _bring_up_to_date(item, stored)
        _keep_firsts([item for item in items if item.place > NEAR], stored)  # type: ignore[attr-defined]
        done += len(items)
        if time.monotonic() > end:
            break
    return done


def _keep_firsts(items: Sequence[ReviewItem], stored: Stored) -> None:
    """Snapshots of items that have none, but of those that someone has locked."""
    if not items:
        return
    snapshots = store_many([(stored.project_id(item), stored.shown(item)) for item in items])
    revisions = [stored.revisions(item) for item in items]
    with connection.cursor() as cursor:
        cursor.execute(
            KEEP_FIRSTS,
            [
                [item.pk for item in items],
                [snapshot.pk for snapshot in snapshots],
                [revision for revision, _ in revisions],
                [other_revision for _, other_revision in revisions],
            ],
        )


KEEP_FIRSTS = """
    WITH kept AS (
        SELECT i.id, k.snapshot, k.revision, k.other_revision FROM reviewapp_reviewitem i
        JOIN unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[])
            k (item, snapshot, revision, other_revision) ON k.item = i.id
        WHERE i.snapshot_id IS NULL FOR NO KEY UPDATE OF i SKIP LOCKED
    )
    UPDATE reviewapp_reviewitem i SET snapshot_id = kept.snapshot, seen_revision = kept.revision,
        seen_other_revision = kept.other_revision
    FROM kept WHERE i.id = kept.id
"""
# The nearest first, from wherever a reviewer's look begins. Which of them have one already is asked as they
# are met: nearly all have.
NEXT = """
    SELECT i.*, next.place FROM (
        SELECT next.id, min(next.place) AS place FROM reviewapp_queue q CROSS JOIN LATERAL (
            (SELECT r.id, r.snapshot_id, row_number() OVER (ORDER BY r.rank DESC, r.id) AS place
                FROM reviewapp_reviewitem r WHERE r.queue_id = q.id AND r.open_slots > 0
                AND r.rank IS NOT NULL ORDER BY r.rank DESC, r.id LIMIT %(limit)s)
            UNION ALL
            (SELECT r.id, r.snapshot_id, row_number() OVER (ORDER BY r.audit_rank DESC, r.id)
                FROM reviewapp_reviewitem r WHERE r.queue_id = q.id AND r.open_slots > 0
                AND r.audit_rank IS NOT NULL ORDER BY r.audit_rank DESC, r.id LIMIT %(limit)s)
            UNION ALL
            (SELECT below.id, below.snapshot_id, below.place FROM reviewapp_seat s CROSS JOIN LATERAL (
                SELECT r.id, r.snapshot_id, row_number() OVER (ORDER BY r.rank DESC, r.id) AS place
                FROM reviewapp_reviewitem r WHERE r.queue_id = s.queue_id AND r.open_slots > 0
                AND r.rank <= s.passed_rank ORDER BY r.rank DESC, r.id LIMIT %(ahead)s) below
            WHERE s.queue_id = q.id)
        ) next WHERE q.archived_at IS NULL AND NOT q.paused AND next.snapshot_id IS NULL GROUP BY next.id
    ) next JOIN reviewapp_reviewitem i ON i.id = next.id
    WHERE i.snapshot_id IS NULL ORDER BY next.place
"""
STALE = """
    SELECT i.* FROM reviewapp_reviewitem i
    JOIN ingest_trace t ON t.id = i.trace_id
    LEFT JOIN ingest_trace o ON o.id = i.other_trace_id
    WHERE i.snapshot_id IS NOT NULL AND i.state <> 'removed' AND t.last_seen > now() - interval '1 day'
        AND (t.revision <> i.seen_revision OR o.revision <> i.seen_other_revision)
        AND NOT i.changed_since_review
    ORDER BY i.id LIMIT %s
"""

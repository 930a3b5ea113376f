"""The one write by which everything enters: a batch is stored whole, in one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from ingest import new_spans, prepared, targets
from ingest.models import Project, SupersededKind
from ingest.records import (
    CHECK_KEYS,
    Batch,
    FeedbackRecord,
    LogEntry,
    ScoreRecord,
    SpanRow,
    Stored,
    TraceBody,
    canonical_json,
)
from ingest.redaction import counting
from ingest.upserts import Outcome, Table, upsert

S = TypeVar("S", ScoreRecord, FeedbackRecord)

# Two finished rows of one identity disagreed; the other flags come with the batch (see sanitising).
CONFLICT = "conflict"

_TARGET_COLUMNS = ("project_id", "key", "trace_id", "span_id", "target_kind", "target_key", "sha256")

SPANS = Table(
    name="ingest_span",
    columns=SpanRow._fields,
    identity=("trace_id", "span_id"),
    wins="(i.end_ns IS NOT NULL, i.sha256) > (s.end_ns IS NOT NULL, s.sha256)",
    kind=SupersededKind.SPAN.value,
    key="span_id",
    unfinished="(s.end_ns IS NULL) <> (i.end_ns IS NULL)",
    within_trace=True,
)
# Log events and posted bodies are sets: equal content is one row, and nothing else can collide.
LOGS = Table(
    name="ingest_logrecord",
    columns=("trace_id", "span_id", "name", "occurred_at", "attributes", "body", "sha256"),
    identity=("trace_id", "sha256"),
    wins="false",
    kind="",
    key="name",
)
BODIES = Table(
    name="ingest_tracerecord",
    columns=("trace_id", "occurred_at", "body", "sha256"),
    identity=("trace_id", "sha256"),
    wins="false",
    kind="",
    key="occurred_at",
)
SCORES = Table(
    name="ingest_score",
    columns=(
        *_TARGET_COLUMNS,
        "name",
        "value",
        "label",
        "confidence",
        "explanation",
        "source",
        "evaluator",
        "error_type",
        "timestamp",
        "metadata",
    ),
    identity=("project_id", "key"),
    wins="(i.timestamp, i.sha256) > (s.timestamp, s.sha256)",
    kind=SupersededKind.SCORE.value,
    key="key",
)
FEEDBACK = Table(
    name="ingest_feedback",
    columns=(
        *_TARGET_COLUMNS,
        "kind",
        "dimension",
        "value",
        "number",
        "comment",
        '"user"',
        "session",
        "occurred_at",
        "payload",
        "signed",
    ),
    identity=("project_id", "key"),
    # What anyone could have sent replaces nothing that is vouched for.
    wins="(coalesce(i.signed, true), i.occurred_at, i.sha256) > "
    "(coalesce(s.signed, true), s.occurred_at, s.sha256)",
    kind=SupersededKind.FEEDBACK.value,
    key="key",
)


def store(project: Project, batch: Batch) -> Stored:
    """Write the batch and commit it; says which statements wait for their target.

    Storing the same batch again changes nothing, in whatever order batches come.
    """
    first_times = _first_times(batch)
    if new_spans.store(project.pk, batch, first_times):
        return Stored()
    with connection.wrap_database_errors, transaction.atomic(), prepared.cursor() as cursor:
        meeting = _meet_traces(cursor, project.pk, first_times)
        outcome = Outcome()
        upsert(cursor, SPANS, [(meeting.ids[row[0]], *row[1:]) for row in batch.spans], project.pk, outcome)
        upsert(cursor, LOGS, [_log_row(log, meeting.ids) for log in batch.logs], project.pk, outcome)
        upsert(cursor, BODIES, [_body_row(body, meeting.ids) for body in batch.bodies], project.pk, outcome)
        _touch(cursor, outcome.changed & meeting.known)
        _flag(cursor, _flags_of(batch, meeting.ids, outcome))
        pending_scores = _store_statements(
            cursor, SCORES, project.pk, [_unreserved(score) for score in batch.scores], _score_row
        )
        pending_feedback = _store_statements(cursor, FEEDBACK, project.pk, batch.feedback, _feedback_row)
        counting.add(cursor, project.pk, batch.masked)
    return Stored(pending_scores, pending_feedback)


@dataclass(frozen=True, slots=True)
class Meeting:
    """The rows of a batch's traces: their ids by trace id, and which of them had been here before."""

    ids: dict[str, int]
    known: set[int]


def _first_times(batch: Batch) -> dict[str, int]:
    """The earliest time in ns at which each trace of the batch is heard of."""
    first: dict[str, int] = {}
    times = chain(
        ((row.trace_id, row.start_ns) for row in batch.spans),
        ((log.trace_id, _nanoseconds(log.occurred_at)) for log in batch.logs),
        ((body.trace_id, _nanoseconds(body.started_at)) for body in batch.bodies),
    )
    for trace_id, time_ns in times:
        if time_ns < first.get(trace_id, time_ns + 1):
            first[trace_id] = time_ns
    return first


def _meet_traces(cursor: CursorWrapper, project_id: int, first_times: dict[str, int]) -> Meeting:
    """Insert the traces that are new and lock the ones that are known, both in the order of their ids.

    The locks make writers of one trace take turns, and their common order keeps them from a deadlock.
    """
    if not first_times:
        return Meeting({}, set())
    names = sorted(first_times)
    cursor.execute(
        "WITH met AS (INSERT INTO ingest_trace (project_id, trace_id, started_at) "
        "SELECT %s, n.trace_id, timestamptz 'epoch' + n.start_us * interval '1 microsecond' "
        "FROM unnest(%s::text[], %s::bigint[]) AS n (trace_id, start_us) "
        "ON CONFLICT (project_id, trace_id) DO NOTHING RETURNING trace_id, id), "
        "waiting AS (INSERT INTO ingest_unsettled (trace_id) SELECT id FROM met) "
        "SELECT trace_id, id FROM met",
        [project_id, names, [first_times[name] // 1000 for name in names]],
    )
    ids: dict[str, int] = dict(cursor.fetchall())
    if len(ids) == len(names):
        return Meeting(ids, set())
    cursor.execute(
        "SELECT trace_id, id FROM ingest_trace WHERE project_id = %s AND trace_id = ANY(%s) "
        "ORDER BY trace_id FOR NO KEY UPDATE",
        [project_id, [name for name in names if name not in ids]],
    )
    known: dict[str, int] = dict(cursor.fetchall())
    return Meeting(ids | known, set(known.values()))


def _touch(cursor: CursorWrapper, traces: Iterable[int]) -> None:
    """Note that something new has come for traces which were here before."""
    changed = sorted(traces)
    if changed:
        cursor.execute(
            "UPDATE ingest_trace SET revision = revision + 1, last_seen = now(), "
            "stale_since = coalesce(stale_since, now()), "
            "flags = CASE WHEN 'late' = ANY(flags) OR "
            "NOT EXISTS (SELECT FROM ingest_auditdraw d WHERE d.trace_id = id) THEN flags "
            "ELSE flags || '{late}' END WHERE id = ANY(%s)",
            [changed],
        )


def _flags_of(batch: Batch, ids: dict[str, int], outcome: Outcome) -> dict[int, set[str]]:
    flags = {trace: {CONFLICT} for trace in outcome.disagreeing}
    for name, found in batch.flags.items():
        if name in ids:
            flags.setdefault(ids[name], set()).update(found)
    return flags


def _flag(cursor: CursorWrapper, flags: dict[int, set[str]]) -> None:
    for trace, found in sorted(flags.items()):
        cursor.execute(
            "UPDATE ingest_trace "
            "SET flags = ARRAY(SELECT DISTINCT unnest(flags || %s::varchar[]) ORDER BY 1) "
            "WHERE id = %s AND NOT flags @> %s::varchar[]",
            [sorted(found), trace, sorted(found)],
        )


def _store_statements(
    cursor: CursorWrapper,
    table: Table,
    project_id: int,
    records: Sequence[S],
    row_of: Callable[[int, S], tuple[Any, ...]],
) -> frozenset[int]:
    """Write scores or feedback and attach them; the positions of those that wait for their target."""
    if not records:
        return frozenset()
    keys = sorted({record.key for record in records})
    outcome = Outcome()
    upsert(cursor, table, [row_of(project_id, record) for record in records], project_id, outcome)
    targets.attach_statements(cursor, table.name, project_id, keys)
    # A revision may speak of another trace than the body that it replaced.
    targets.signal(cursor, [trace for trace in outcome.changed if trace])
    cursor.execute(
        f"SELECT key FROM {table.name} WHERE project_id = %s AND key = ANY(%s) AND trace_id IS NULL",
        [project_id, keys],
    )
    waiting = {key for (key,) in cursor.fetchall()}
    return frozenset(position for position, record in enumerate(records) if record.key in waiting)


def _log_row(log: LogEntry, ids: dict[str, int]) -> tuple[Any, ...]:
    body = None if log.body is None else canonical_json(log.body).decode()
    attributes = canonical_json(log.attributes).decode()
    return (ids[log.trace_id], log.span_id, log.name, log.occurred_at, attributes, body, log.sha256)


def _body_row(body: TraceBody, ids: dict[str, int]) -> tuple[Any, ...]:
    return (ids[body.trace_id], body.occurred_at, canonical_json(body.body).decode(), body.sha256)


def _unreserved(score: ScoreRecord) -> ScoreRecord:
    """Whatever the door: a key of the project's own checks is not taken, the content's hash stands for it."""
    return replace(score, key=score.sha256.hex()) if score.key.startswith(CHECK_KEYS) else score


def _target_row(project_id: int, record: ScoreRecord | FeedbackRecord) -> tuple[Any, ...]:
    target = record.target
    return (project_id, record.key, None, target.span_id, target.kind, target.key, record.sha256)


def _score_row(project_id: int, score: ScoreRecord) -> tuple[Any, ...]:
    return (
        *_target_row(project_id, score),
        score.name,
        score.value,
        score.label,
        score.confidence,
        score.explanation,
        score.source,
        canonical_json(score.evaluator).decode(),
        score.error_type,
        score.timestamp,
        canonical_json(score.metadata).decode(),
    )


def _feedback_row(project_id: int, feedback: FeedbackRecord) -> tuple[Any, ...]:
    return (
        *_target_row(project_id, feedback),
        feedback.kind,
        feedback.dimension,
        feedback.value,
        feedback.number,
        feedback.comment,
        feedback.user,
        feedback.session,
        feedback.occurred_at,
        canonical_json(feedback.payload).decode(),
        feedback.signed,
    )


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1e6) * 1000

"""Keeps the columns of traces in agreement with the rows they are read from.

Intake only marks a trace as stale. The worker reads stale traces in the background, and whoever is about
to show some refreshes those first, so that what has been accepted is seen in the very next request.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Func, Value

from ingest import targets
from ingest.models import LogRecord, Span, Trace, TraceRecord
from ingest.reading import Reading, read
from ingest.records import LogEntry, SpanRecord, TraceBody, canonical_json

logger = logging.getLogger(__name__)

# The flag of a trace that no dialect could read.
UNREADABLE = "unreadable"
# Classes of SQLSTATE that speak of the rows: data exception, integrity violation, limit exceeded.
DATA_FAULTS = frozenset({"22", "23", "54"})
# Names and ids longer than this are cut in the columns: they are indexed, filtered by and shown in lists.
SHORT_CHARACTERS = 200
LONG_COLUMNS = frozenset({"input", "output", "error"})
# How many traces are read at once: bounds the memory and the length of the transaction.
CHUNK = 200

# Columns of spans that stand in their records as they are; read as tuples, since thousands a second are.
AS_STORED = (
    "span_id",
    "parent_id",
    "name",
    "kind",
    "status",
    "error",
    "scope",
    "response_id",
    "attributes",
    "events",
    "resource",
)
SPAN_COLUMNS = ("start_ns", "end_ns", "sha256", *AS_STORED)

# Column of ingest_trace and its type, as a reading provides them.
COLUMNS = {
    "name": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "input": "text",
    "output": "text",
    "io_source": "text",
    "model": "text",
    "provider": "text",
    "prompt_name": "text",
    "prompt_version": "text",
    "route": "text",
    "environment": "text",
    "session_id": "text",
    "user_id": "text",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "cost_usd": "float8",
    "latency_ms": "float8",
    "status": "text",
    "error": "text",
    "tags": "jsonb",
    "span_count": "int",
    "error_count": "int",
    "root_ended": "bool",
}


class Rows(NamedTuple):
    """Everything stored of one trace, in the form that `reading.read` takes."""

    spans: list[SpanRecord]
    logs: list[LogEntry]
    bodies: list[TraceBody]


def load(trace: Trace, *, span_ids: Collection[str] | None = None) -> Rows:
    """Everything stored of a trace; given `span_ids`, of its spans only those."""
    return load_many([trace], span_ids)[trace.pk]


def load_many(traces: Sequence[Trace], span_ids: Collection[str] | None = None) -> dict[int, Rows]:
    """The stored rows of each trace, by its id, in three queries."""
    names = {trace.pk: trace.trace_id for trace in traces}
    rows: dict[int, Rows] = defaultdict(lambda: Rows([], [], []))
    spans = Span.objects.filter(trace__in=names).values_list("trace_id", *SPAN_COLUMNS)
    for trace_id, *span in spans if span_ids is None else spans.filter(span_id__in=span_ids):
        rows[trace_id].spans.append(_span_record(names[trace_id], *span))
    for log in LogRecord.objects.filter(trace__in=names):
        rows[log.trace_id].logs.append(_log_entry(log, names[log.trace_id]))
    for record in TraceRecord.objects.filter(trace__in=names):
        rows[record.trace_id].bodies.append(_trace_body(record, names[record.trace_id]))
    return rows


def refresh(traces: Iterable[Trace]) -> None:
    """Bring the columns of these traces up to date, in the objects as well as in the table."""
    for trace, reading in refresh_rows([trace for trace in traces if trace.stale_since]):
        for column, value in _column_values(trace, reading).items():
            setattr(trace, column, value)
        trace.stale_since = None


def refresh_project(project_id: int, limit: int = CHUNK) -> int:
    """Read at most `limit` of a project's stale traces; how many are still waiting after it (capped).

    The newest first: readers want what has just arrived, and the worker begins with the oldest.
    """
    stale = Trace.objects.filter(project=project_id, stale_since__isnull=False)
    refresh_rows(list(stale.order_by("-stale_since")[:limit]))
    return stale[: limit * 50].count()


def refresh_rows(traces: Sequence[Trace]) -> list[tuple[Trace, Reading]]:
    """Read these traces anew and write what was read, unless more has come for a trace meanwhile.

    Two callers at once do the same work twice and write the same, so nothing is locked for long.
    """
    if not traces:
        return []
    rows = load_many(traces)
    read_traces = [(trace, read_trace(trace, rows[trace.pk])) for trace in traces]
    _keep(read_traces)
    return read_traces


def _keep(read_traces: Sequence[tuple[Trace, Reading]]) -> None:
    """Write the readings; one that the database refuses is given up and holds up no other."""
    by_project: dict[int, list[int]] = defaultdict(list)
    for trace, _ in read_traces:
        by_project[trace.project_id].append(trace.pk)
    try:
        with transaction.atomic():
            _write(read_traces)
            with connection.cursor() as cursor:
                for project_id, ids in sorted(by_project.items()):
                    targets.attach_to_traces(cursor, project_id, ids)
    except DatabaseError as error:
        if not is_of_data(error):
            raise
        if len(read_traces) > 1:
            for pair in read_traces:
                _keep([pair])
        else:
            _give_up(read_traces[0][0])


def is_of_data(error: Exception) -> bool:
    """Whether the rows themselves were refused, so that trying again would fail again."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")[:2] in DATA_FAULTS


def _give_up(trace: Trace) -> None:
    logger.exception(
        "The reading of trace %s of project %s cannot be kept.", trace.trace_id, trace.project_id
    )
    _flag_unreadable(trace)
    Trace.objects.filter(pk=trace.pk, revision=trace.revision).update(stale_since=None)


def _flag_unreadable(trace: Trace) -> None:
    unflagged = Trace.objects.filter(pk=trace.pk).exclude(flags__contains=[UNREADABLE])
    unflagged.update(flags=Func(F("flags"), Value(UNREADABLE), function="array_append"))


def read_trace(trace: Trace, rows: Rows) -> Reading:
    """The reading; of a trace that no dialect can read an empty one, so that it holds up no other."""
    try:
        return read(*rows)
    except Exception:
        logger.exception("Trace %s of project %s cannot be read.", trace.trace_id, trace.project_id)
        _flag_unreadable(trace)
        return Reading(span_count=len(rows.spans))


def _write(read_traces: Sequence[tuple[Trace, Reading]]) -> None:
    values = [
        {"id": trace.pk, "revision": trace.revision} | _column_values(trace, reading)
        for trace, reading in sorted(read_traces, key=lambda pair: pair[0].pk)
    ]
    types = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    assignments = ", ".join(f"{column} = r.{column}" for column in COLUMNS)
    with connection.cursor() as cursor:
        # Locked in the order of ids first, since an UPDATE ... FROM locks in whatever order it meets them.
        cursor.execute(
            "SELECT id FROM ingest_trace WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [[value["id"] for value in values]],
        )
        cursor.execute(
            f"UPDATE ingest_trace t SET stale_since = NULL, {assignments} "
            f"FROM jsonb_to_recordset(%s::jsonb) AS r (id bigint, revision int, {types}) "
            "WHERE t.id = r.id AND t.revision = r.revision",
            [canonical_json(values).decode()],
        )
        # Rules use the columns, so what arrives after settling decides the routes again.
        cursor.execute(
            "INSERT INTO ingest_signal (trace_id) "
            "SELECT trace_id FROM ingest_auditdraw WHERE trace_id = ANY(%s)",
            [[value["id"] for value in values]],
        )


def _column_values(trace: Trace, reading: Reading) -> dict[str, Any]:
    values = {column: getattr(reading, column) for column in COLUMNS}
    values["started_at"] = reading.started_at or trace.started_at
    return values | {
        column: value[:SHORT_CHARACTERS]
        for column, value in values.items()
        if isinstance(value, str) and column not in LONG_COLUMNS
    }


def _span_record(
    trace_id: str, start_ns: int, end_ns: int | None, sha256: memoryview, /, *columns: Any
) -> SpanRecord:
    return SpanRecord(
        trace_id=trace_id,
        started_at=_moment(start_ns),
        ended_at=None if end_ns is None else _moment(end_ns),
        sha256=bytes(sha256),
        **dict(zip(AS_STORED, columns, strict=True)),
    )


def _log_entry(log: LogRecord, trace_id: str) -> LogEntry:
    return LogEntry(
        trace_id=trace_id,
        span_id=log.span_id,
        name=log.name,
        occurred_at=log.occurred_at,
        attributes=log.attributes,
        body=log.body,
        sha256=bytes(log.sha256),
    )


def _trace_body(record: TraceRecord, trace_id: str) -> TraceBody:
    return TraceBody(
        trace_id=trace_id,
        started_at=record.occurred_at,
        ended_at=None,
        occurred_at=record.occurred_at,
        body=record.body,
        sha256=bytes(record.sha256),
    )


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1000 / 1e6, UTC)

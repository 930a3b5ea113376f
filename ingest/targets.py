"""Finds the traces that scores and feedback refer to, whichever arrived first.

A trace id names one trace. A bare span id, a response id or a foreign id is attached while exactly one
trace of the project carries it; found in several, the statement waits and shows as pending. Whatever is
attached or taken away leaves a signal: the routes of that trace are to be decided again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

STATEMENTS = ("ingest_score", "ingest_feedback")

# Who carries what a statement names: (target kind, table expression of trace, span, name).
_CARRIERS = {
    "span": (
        "SELECT p.trace_id AS trace, p.span_id AS span FROM ingest_span p "
        "JOIN ingest_trace x ON x.id = p.trace_id AND x.project_id = s.project_id "
        "WHERE p.span_id = s.target_key"
    ),
    "response": (
        "SELECT p.trace_id AS trace, p.span_id AS span FROM ingest_span p "
        "JOIN ingest_trace x ON x.id = p.trace_id AND x.project_id = s.project_id "
        "WHERE p.response_id = s.target_key AND p.response_id <> ''"
    ),
    "external": (
        "SELECT x.id AS trace, '' AS span FROM ingest_trace x "
        "JOIN LATERAL (SELECT split_part(s.target_key, ':', 1) AS system, "
        "substr(s.target_key, strpos(s.target_key, ':') + 1) AS id) f ON x.project_id = s.project_id "
        "WHERE x.tags <> '{}' AND (x.tags @> jsonb_build_object(f.system, f.id) OR "
        # A tag may hold the id as a number. Only CASE keeps other ids from the cast: AND promises no order.
        "x.tags @> jsonb_build_object(f.system, CASE WHEN f.id ~ '^[0-9]{1,18}$' "
        "THEN to_jsonb(f.id::numeric) ELSE to_jsonb(f.id) END))"
    ),
}
_NAMED_BY_TRACES = {
    "span": "s.target_key IN (SELECT n.span_id FROM ingest_span n WHERE n.trace_id = ANY(%(traces)s))",
    "response": (
        "s.target_key IN (SELECT n.response_id FROM ingest_span n "
        "WHERE n.trace_id = ANY(%(traces)s) AND n.response_id <> '')"
    ),
    "external": (
        "s.target_key IN (SELECT t.key || ':' || t.value FROM ingest_trace n, jsonb_each_text(n.tags) t "
        "WHERE n.id = ANY(%(traces)s))"
    ),
}


def attach_statements(cursor: CursorWrapper, table: str, project_id: int, keys: Sequence[str]) -> None:
    """Attach the statements with these keys to the traces that are here."""
    values: dict[str, Any] = {"project": project_id, "keys": list(keys)}
    _attach_by_trace_id(cursor, table, "s.key = ANY(%(keys)s)", values)
    cursor.execute(
        f"SELECT DISTINCT target_kind FROM {table} WHERE project_id = %(project)s AND key = ANY(%(keys)s)",
        values,
    )
    for (kind,) in cursor.fetchall():
        if kind in _CARRIERS:
            _attach_by_carrier(cursor, table, kind, "s.key = ANY(%(keys)s)", values)


def attach_to_traces(cursor: CursorWrapper, project_id: int, traces: Sequence[int]) -> None:
    """Attach what has been waiting for these traces, and release what they have made ambiguous."""
    values = {"project": project_id, "traces": list(traces)}
    for table in STATEMENTS:
        _attach_by_trace_id(cursor, table, "x.id = ANY(%(traces)s)", values)
        for kind, condition in _NAMED_BY_TRACES.items():
            # Also what is attached already: the span that carried its id may have been replaced.
            condition = f"({condition} OR s.trace_id = ANY(%(traces)s))"
            _attach_by_carrier(cursor, table, kind, condition, values)


def signal(cursor: CursorWrapper, traces: Sequence[int]) -> None:
    """Have the worker decide the routes of these traces again, once they have settled."""
    if traces:
        cursor.execute("INSERT INTO ingest_signal (trace_id) SELECT unnest(%s::bigint[])", [list(traces)])


def attach_pending(cursor: CursorWrapper) -> int:
    """Attach every waiting statement whose target is here; how many by trace id.

    Closes the gap in which a statement and its trace are committed at the same moment, each unseen by
    the other.
    """
    attached = 0
    for table in STATEMENTS:
        attached += _attach_by_trace_id(cursor, table, "true", {})
        for kind in _CARRIERS:
            _attach_by_carrier(cursor, table, kind, "s.trace_id IS NULL", {})
    return attached


# Both lock what they are about to change in the order of ids, so that two at once cannot wait for each other.


def _attach_by_trace_id(cursor: CursorWrapper, table: str, condition: str, values: dict[str, Any]) -> int:
    cursor.execute(
        f"""
        WITH due AS (
            SELECT s.id, x.id AS trace
              FROM {table} s JOIN ingest_trace x
                ON x.project_id = s.project_id AND x.trace_id = s.target_key
             WHERE {_of_project(values)} s.trace_id IS NULL AND s.target_kind = 'trace' AND {condition}
             ORDER BY s.id FOR UPDATE OF s
        ), attached AS (
            UPDATE {table} s SET trace_id = due.trace FROM due WHERE s.id = due.id RETURNING due.trace
        ), signalled AS (
            INSERT INTO ingest_signal (trace_id) SELECT DISTINCT trace FROM attached
        )
        SELECT count(*) FROM attached
        """,
        values,
    )
    (attached,) = cursor.fetchone()
    return int(attached)


def _attach_by_carrier(
    cursor: CursorWrapper, table: str, kind: str, condition: str, values: dict[str, Any]
) -> None:
    cursor.execute(
        f"""
        WITH found AS (
            SELECT s.id, min(c.trace) AS trace, count(DISTINCT c.trace) = 1 AS single,
                   CASE WHEN count(*) = 1 THEN min(c.span) ELSE '' END AS span
              FROM {table} s LEFT JOIN LATERAL ({_CARRIERS[kind]}) c ON true
             WHERE {_of_project(values)} s.target_kind = '{kind}' AND {condition}
             GROUP BY s.id
        ), meant AS (
            SELECT id, CASE WHEN single THEN trace END AS trace,
                   CASE WHEN single THEN span ELSE '' END AS span
              FROM found
        ), due AS (
            SELECT m.*, s.trace_id AS former FROM {table} s JOIN meant m ON m.id = s.id
             WHERE (s.trace_id, s.span_id) IS DISTINCT FROM (m.trace, m.span)
             ORDER BY s.id FOR UPDATE OF s
        ), moved AS (
            UPDATE {table} s SET trace_id = due.trace, span_id = due.span FROM due WHERE s.id = due.id
            RETURNING due.trace, due.former
        )
        INSERT INTO ingest_signal (trace_id)
        SELECT DISTINCT x.trace FROM moved, LATERAL (VALUES (moved.trace), (moved.former)) x (trace)
         WHERE x.trace IS NOT NULL
        """,
        values,
    )


def _of_project(values: dict[str, Any]) -> str:
    return "s.project_id = %(project)s AND" if "project" in values else ""

"""Writes what the checks found: one score each, and the counts, in the caller's transaction.

A finding is a pure function of the trace, and so is its row: key, time and hash. A second run of the same
settling writes nothing. What arrives after it changes no score: the trace is flagged as late instead.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

from django.db import connection, transaction

from ingest.models import Source, TargetKind, Trace
from ingest.records import canonical_json, content_hash
from ingest.trace_checks.vocabulary import EVALUATOR, KEY_PREFIX, Finding

Found = tuple[Trace, Sequence[Finding]]
# What a trace itself is counted under.
TRACES = ""

_INSERT = """
    INSERT INTO ingest_score (project_id, key, trace_id, target_kind, target_key, sha256, name, value, label,
                              explanation, source, evaluator, error_type, timestamp, metadata)
    SELECT r.project, r.key, r.trace, %s, r.target, decode(r.sha256, 'hex'), r.name, r.value, r.label,
           r.explanation, %s, %s::jsonb, r.error_type, r.timestamp, r.metadata
      FROM jsonb_to_recordset(%s::jsonb) AS r (project bigint, key text, trace bigint, target text,
           sha256 text, name text, value float8, label text, explanation text, error_type text,
           timestamp timestamptz, metadata jsonb)
     ORDER BY r.project, r.key
    ON CONFLICT (project_id, key) DO NOTHING RETURNING project_id, key
"""
_COUNT = """
    INSERT INTO ingest_checkcount AS c (project_id, hour, name, slice, route, model, prompt_version,
                                        environment, passed, failed, broken)
    SELECT r.project, r.hour, r.name, r.slice, r.route, r.model, r.prompt_version, r.environment,
           r.passed, r.failed, r.broken
      FROM jsonb_to_recordset(%s::jsonb) AS r (project bigint, hour timestamptz, name text, slice uuid,
           route text, model text, prompt_version text, environment text,
           passed bigint, failed bigint, broken bigint)
     ORDER BY r.project, r.hour, r.name, r.slice
    ON CONFLICT (project_id, hour, name, slice) DO UPDATE
       SET passed = c.passed + EXCLUDED.passed, failed = c.failed + EXCLUDED.failed,
           broken = c.broken + EXCLUDED.broken
"""


def key_of(name: str, trace: Trace) -> str:
    return f"{KEY_PREFIX}{name}:{trace.trace_id}"


def store(found: Iterable[Found]) -> int:
    """Write the findings as scores and count them; how many scores were new.

    To be called once a trace, in the transaction that settles it; last, since its counts are rows that
    other workers wait for.
    """
    found = [pair for pair in found if pair[1]]
    if not found:
        return 0
    rows = [_row(trace, finding) for trace, findings in found for finding in findings]
    with transaction.atomic(), connection.cursor() as cursor:
        evaluator = canonical_json(EVALUATOR).decode()
        values = [TargetKind.TRACE.value, Source.CODE.value, evaluator, canonical_json(rows).decode()]
        cursor.execute(_INSERT, values)
        new = set(cursor.fetchall())
        if new:
            cursor.execute(_COUNT, [canonical_json(_counts(found, new)).decode()])
    return len(new)


def _row(trace: Trace, finding: Finding) -> dict[str, Any]:
    """The score of a finding; its time is the trace's own, so that it is the same whenever it is made."""
    value = None if finding.passed is None else float(finding.passed)
    label = "" if finding.passed is None else ("pass" if finding.passed else "fail")
    metadata = {"parameters": finding.parameters} if finding.parameters else {}
    said = [finding.name, value, label, finding.explanation, finding.error_type, metadata]
    return {
        "project": trace.project_id,
        "key": key_of(finding.name, trace),
        "trace": trace.pk,
        "target": trace.trace_id,
        "sha256": content_hash(EVALUATOR, trace.trace_id, said).hex(),
        "name": finding.score_name,
        "value": value,
        "label": label,
        "explanation": finding.explanation,
        "error_type": finding.error_type,
        "timestamp": trace.ended_at or trace.started_at,
        "metadata": metadata,
    }


def _counts(found: Sequence[Found], new: set[tuple[int, str]]) -> list[dict[str, Any]]:
    counted: Counter[tuple[int, datetime, str, tuple[str, ...], str]] = Counter()
    for trace, findings in found:
        hour = trace.started_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        parts: tuple[str, ...] = (trace.route, trace.model, trace.prompt_version, trace.environment)
        mine = [each for each in findings if (trace.project_id, key_of(each.name, trace)) in new]
        for finding in mine:
            outcome = "broken" if finding.passed is None else ("passed" if finding.passed else "failed")
            counted[trace.project_id, hour, finding.name, parts, outcome] += 1
        if mine:
            worst = "failed" if any(each.passed is False for each in mine) else "passed"
            counted[trace.project_id, hour, TRACES, parts, worst] += 1
    rows: dict[tuple[int, datetime, str, tuple[str, ...]], dict[str, Any]] = {}
    for (project, hour, name, parts, outcome), number in counted.items():
        row = rows.setdefault((project, hour, name, parts), _empty_count(project, hour, name, parts))
        row[outcome] += number
    return list(rows.values())


def _empty_count(project: int, hour: datetime, name: str, parts: tuple[str, ...]) -> dict[str, Any]:
    slices = dict(zip(("route", "model", "prompt_version", "environment"), parts, strict=True))
    digest = uuid.UUID(bytes=md5(canonical_json(parts), usedforsecurity=False).digest())
    counts = {"passed": 0, "failed": 0, "broken": 0}
    return {"project": project, "hour": hour, "name": name, "slice": str(digest), **slices, **counts}

"""Gathers what rules ask of traces: a handful of queries, however many traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import md5
from typing import Any

from django.db import connection

from ingest import feedback
from ingest.models import AuditDraw, Feedback, Score, Trace
from ingest.routing.facts import Facts, SaidFact, ScoreFact, chances
from ingest.routing.models import RoutingRule, Slice
from ingest.trace_checks.vocabulary import KEY_PREFIX, Finding

COLUMNS = (
    "trace_id",
    "status",
    "error",
    "route",
    "model",
    "prompt_name",
    "prompt_version",
    "environment",
    "tags",
)
SECONDS_A_DAY = 86_400


def enabled_rules(projects: Iterable[int]) -> dict[int, list[RoutingRule]]:
    """The enabled rules of each project, in order."""
    rules: dict[int, list[RoutingRule]] = defaultdict(list)
    wanted = RoutingRule.objects.filter(project__in=set(projects), enabled=True)
    for rule in wanted.order_by("queue", "position", "id"):
        rules[rule.project_id].append(rule)
    return rules


def facts_of(
    traces: Sequence[Trace],
    draws: Mapping[int, AuditDraw],
    secrets: Mapping[int, bytes],
    found: Iterable[tuple[Trace, Sequence[Finding]]] = (),
    *,
    with_slices: bool = True,
) -> dict[int, Facts]:
    """Of each trace, by its id. `draws` by trace, `secrets` by project; `found` by checks not stored yet.

    Only the priority asks for the age of slices, and asking for it notes new ones.
    """
    ids = [trace.pk for trace in traces]
    scores, failed = scores_of(ids)
    for trace, findings in found:
        failed[trace.pk] = sorted(finding.name for finding in findings if finding.passed is False)
    said = said_of(ids)
    ages = slice_ages(traces) if with_slices else {}
    return {
        trace.pk: _facts(
            trace,
            draws[trace.pk],
            secrets[trace.project_id],
            scores=tuple(scores.get(trace.pk, ())),
            failed_checks=tuple(failed.get(trace.pk, ())),
            said=tuple(said.get(trace.pk, ())),
            slice_age=ages.get(trace.pk),
        )
        for trace in traces
    }


def _facts(trace: Trace, draw: AuditDraw, secret: bytes, **known: Any) -> Facts:
    sample, share = chances(secret, trace.trace_id)
    return Facts(
        **{column: getattr(trace, column) for column in COLUMNS},
        drawn=not draw.excluded and draw.u < draw.audit,
        excluded=draw.excluded,
        sample=sample,
        share=share,
        **known,
    )


def scores_of(traces: Collection[int]) -> tuple[dict[int, list[ScoreFact]], dict[int, list[str]]]:
    """The scores of each trace, and apart from them the online checks which it failed, by name."""
    scores: dict[int, list[ScoreFact]] = defaultdict(list)
    failed: dict[int, list[str]] = defaultdict(list)
    columns = ("trace_id", "key", "name", "value", "label", "confidence", "source")
    rows = Score.objects.filter(trace__in=traces).order_by("name", "key").values_list(*columns)
    for trace, key, name, value, label, confidence, source in rows:
        if not key.startswith(KEY_PREFIX):
            scores[trace].append(ScoreFact(name, value, label, confidence, source))
        elif value == 0:
            failed[trace].append(name.partition(".")[2])
    return scores, failed


def said_of(traces: Collection[int]) -> dict[int, list[SaidFact]]:
    """The feedback of each trace that counts now."""
    history: dict[int, list[Feedback]] = defaultdict(list)
    for statement in Feedback.objects.filter(trace__in=traces).defer("payload", "comment").order_by("key"):
        history[statement.trace_id or 0].append(statement)
    said = {}
    for trace, statements in history.items():
        counting = feedback.counting_keys(statements)
        said[trace] = [
            # Of a browser's statements only a signed link's is vouched for.
            SaidFact(each.kind, each.number, each.signed is not False)
            for each in statements
            if each.key in counting
        ]
    return said


def slice_digest(trace: Trace) -> bytes:
    parts = "\0".join((trace.route, trace.model, trace.prompt_version))
    return md5(parts.encode(), usedforsecurity=False).digest()


def slice_ages(traces: Sequence[Trace]) -> dict[int, float]:
    """Days between a trace and the first of its slice, noting slices that are new or older than known."""
    keys = {trace.pk: (trace.project_id, slice_digest(trace)) for trace in traces}
    first: dict[tuple[int, bytes], datetime] = {}
    for trace in traces:
        key = keys[trace.pk]
        first[key] = min(trace.started_at, first.get(key, trace.started_at))
    known = _known_slices(first)
    if unknown := {key: at for key, at in first.items() if at < known.get(key, at) or key not in known}:
        _note_slices(unknown)
    first = {key: min(at, known.get(key, at)) for key, at in first.items()}
    return {
        trace.pk: (trace.started_at - first[keys[trace.pk]]).total_seconds() / SECONDS_A_DAY
        for trace in traces
    }


def _known_slices(keys: Iterable[tuple[int, bytes]]) -> dict[tuple[int, bytes], datetime]:
    projects, digests = zip(*keys, strict=True)
    rows = Slice.objects.filter(project__in=set(projects), digest__in=set(digests))
    return {(row.project_id, bytes(row.digest)): row.first_at for row in rows}


def _note_slices(first: Mapping[tuple[int, bytes], datetime]) -> None:
    ordered = sorted(first.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_slice AS s (project_id, digest, first_at) "
            "SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::timestamptz[]) "
            "ON CONFLICT (project_id, digest) DO UPDATE SET first_at = least(s.first_at, EXCLUDED.first_at)",
            [
                [project for (project, _), _ in ordered],
                [digest for (_, digest), _ in ordered],
                [at for _, at in ordered],
            ],
        )

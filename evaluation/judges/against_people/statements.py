"""Which rows are pairs? The statements over what people and judges said, in which every figure is counted.

Every statement has the same shape: `pair` holds one row a trace with what people said (`human`), what the
judge said (`judge`), the probability with which it was chosen (`pi`) and its place in time and slices;
`weighed` gives those that count their weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from evaluation.judges.models import JudgeVersion
from reviewapp.review.models import VERDICT, CriterionRevision
from reviewapp.review.response import PATIENCE, TODAY

DIMENSIONS = ("route", "model", "prompt_version")


class UnknownSlice(ValueError):
    """A slice is asked for as route, model or prompt_version, with `=` or `:` and its value."""


# Tables said to be smaller than this are read whole.
SMALL_TABLE = 50_000
MEMORY = "64MB"


@contextmanager
def reading() -> Iterator[CursorWrapper]:
    """A cursor for the statements below. The planner knows nothing of small tables that were just filled, and
    would join them row by row; it is kept from that there."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'ingest_trace'::regclass")
        (rows,) = cursor.fetchone()
        nested = "off" if rows < SMALL_TABLE else "on"
        cursor.execute(
            f"SET LOCAL enable_nestloop = {nested}; SET LOCAL work_mem = '{MEMORY}'; SET LOCAL jit = off"
        )
        yield cursor
        cursor.execute(
            "SET LOCAL enable_nestloop = on; SET LOCAL work_mem TO DEFAULT; SET LOCAL jit TO DEFAULT"
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pairs of a version: from when on, and of which slice."""

    version: JudgeVersion
    since: datetime | None = None
    slice: tuple[str, str] | None = None

    @property
    def is_whole(self) -> bool:
        return self.since is None and self.slice is None

    @property
    def criterion(self) -> str:
        return self.version.criterion


def source_of(sampling: str) -> tuple[str, dict[str, bool]]:
    return (LIVE, {}) if sampling == "audit" else (IMPORTED, {"with_pi": sampling == "imported"})


def parse_slice(text: str) -> tuple[str, str] | None:
    """`route=refunds` or `route:refunds`. Raises UnknownSlice."""
    if not text:
        return None
    at = min((place for place in (text.find("="), text.find(":")) if place >= 0), default=-1)
    if at < 0 or text[:at] not in DIMENSIONS:
        raise UnknownSlice(f"must be one of {', '.join(DIMENSIONS)}, then = and its value")
    if "\0" in text:
        raise UnknownSlice("holds a character that no value has")
    return text[:at], text[at + 1 :]


_VERDICT = "l.verdict"
_ANSWER = (
    "(SELECT la.value #>> '{{}}' FROM reviewapp_labelanswer la JOIN reviewapp_criterionrevision c "
    "ON c.id = la.criterion_id WHERE la.label_id = l.id AND c.key = %(criterion)s)"
)

# What one person said of a trace in two queues is one person's word: the first counts.
LIVE = """
item AS (
    SELECT i.id, i.trace_id, i.day, i.u, i.state, i.enqueued_at, i.resolution_id
    FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
    WHERE q.project_id = %(project)s AND i.lane = 'audit' AND i.kind = 'trace' AND i.purpose = 'review'
),
drawn AS MATERIALIZED (
    SELECT i.trace_id, min(i.day) AS day, min(i.u) AS u, min(d.audit) AS rate, min(d.stratum) AS stratum,
        bool_and(i.state = 'removed') OR bool_or(i.enqueued_at < {today} - interval '{patience}'
            OR EXISTS (SELECT FROM reviewapp_assignment a WHERE a.item_id = i.id AND a.state = 'skipped')
        ) AS given_up
    FROM item i JOIN ingest_auditdraw d ON d.trace_id = i.trace_id GROUP BY i.trace_id
),
label AS MATERIALIZED (
    SELECT DISTINCT ON (i.trace_id, l.reviewer_id) i.trace_id, {said} AS said,
        coalesce(l.rubric_version_id = ANY(%(rubrics)s::bigint[]), true) AS fits
    FROM item i JOIN reviewapp_assignment a ON a.item_id = i.id JOIN reviewapp_label l ON l.id = a.counted_id
    LEFT JOIN ingest_apitoken t ON t.id = l.token_id
    WHERE l.blind AND (NOT l.impersonated OR t.trusted_for_reviews)
    ORDER BY i.trace_id, l.reviewer_id, fits DESC, l.id
),
decision AS MATERIALIZED (
    SELECT DISTINCT ON (i.trace_id) i.trace_id, r.verdict
    FROM item i JOIN reviewapp_resolution r ON r.id = i.resolution_id
    WHERE r.method = 'adjudicated' AND %(criterion)s = 'verdict' ORDER BY i.trace_id, r.id DESC
),
said AS MATERIALIZED (
    SELECT trace_id, count(*) FILTER (WHERE fits) AS labels, count(*) FILTER (WHERE NOT fits) AS others,
        count(*) FILTER (WHERE fits AND said = 'fail') AS fails,
        count(*) FILTER (WHERE fits AND said = 'pass') AS passes
    FROM label GROUP BY trace_id
),
chosen AS (
    SELECT d.trace_id, d.stratum, d.u, d.rate, d.given_up, t.started_at AS at, t.session_id AS session,
        t.route, t.model, t.prompt_version, coalesce(s.labels, 0) AS labels,
        coalesce(s.others, 0) AS others, coalesce(s.fails, 0) AS fails, coalesce(s.passes, 0) AS passes,
        x.verdict AS decision,
        min(d.u) FILTER (WHERE s.trace_id IS NULL AND NOT d.given_up)
            OVER (PARTITION BY d.stratum, d.day, d.rate) AS cutoff
    FROM drawn d JOIN ingest_trace t ON t.id = d.trace_id
    LEFT JOIN said s ON s.trace_id = d.trace_id LEFT JOIN decision x ON x.trace_id = d.trace_id
),
asked AS MATERIALIZED (
    SELECT *, coalesce(cutoff, rate) AS pi,
        CASE WHEN u >= cutoff THEN 'waiting' WHEN labels = 0 AND others > 0 THEN 'other_rubric_version'
            WHEN labels = 0 THEN 'no_response' END AS unasked
    FROM chosen
)
"""

IMPORTED = """
label AS MATERIALIZED (
    SELECT i.trace_id, {said} AS said
    FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
    JOIN reviewapp_assignment a ON a.item_id = i.id JOIN reviewapp_label l ON l.id = a.counted_id
    WHERE q.project_id = %(project)s AND q.slug = 'imported' AND l.via = 'import'
),
said AS MATERIALIZED (
    SELECT trace_id, count(*) AS labels, count(*) FILTER (WHERE said = 'fail') AS fails,
        count(*) FILTER (WHERE said = 'pass') AS passes
    FROM label GROUP BY trace_id
),
asked AS MATERIALIZED (
    SELECT p.trace_id, '' AS stratum, coalesce(p.pi, 1) AS pi, p.occurred_at AS at, t.session_id AS session,
        coalesce(p.slices ->> 'route', '') AS route, coalesce(p.slices ->> 'model', '') AS model,
        coalesce(p.slices ->> 'prompt_version', '') AS prompt_version,
        coalesce(s.labels, 0) AS labels, coalesce(s.fails, 0) AS fails, coalesce(s.passes, 0) AS passes,
        NULL::text AS decision, CASE WHEN s.trace_id IS NULL THEN 'no_label' END AS unasked
    FROM evaluation_importedpair p JOIN ingest_trace t ON t.id = p.trace_id
    LEFT JOIN said s ON s.trace_id = p.trace_id
    WHERE t.project_id = %(project)s AND (p.pi IS NOT NULL) = %(with_pi)s
)
"""

# `fate` says why a trace is no pair; null where it is one.
_PAIRS = """
judged AS MATERIALIZED (
    SELECT trace_id, verdict, score FROM evaluation_judgment
    WHERE version_id = %(version)s AND criterion = %(criterion)s AND trial = 1
        AND progress IN ('done', 'invalid')
),
pair AS (
    SELECT a.*, j.verdict AS judge, j.score,
        CASE WHEN fails > passes THEN 'fail' WHEN passes > fails THEN 'pass'
            WHEN decision IN ('pass', 'fail') THEN decision END AS human
    FROM asked a LEFT JOIN judged j ON j.trace_id = a.trace_id
    WHERE (%(since)s::timestamptz IS NULL OR a.at >= %(since)s) {within}
),
fated AS (
    SELECT *, CASE WHEN unasked IS NOT NULL THEN unasked
        WHEN human IS NULL AND fails + passes = 0 THEN 'cannot_tell' WHEN human IS NULL THEN 'tie'
        WHEN judge IS NULL THEN 'not_judged' WHEN judge = 'invalid' THEN 'invalid' END AS fate
    FROM pair
),
weighed AS MATERIALIZED (
    SELECT trace_id, stratum, pi, at, session, route, model, prompt_version, fails, passes, unasked, judge,
        score, human, fate, {weight} AS w
    FROM fated
)
"""
_BY_RESPONSE = (
    "(1 / pi) * sum(1 / pi) FILTER (WHERE unasked IS NULL OR unasked = 'no_response') "
    "OVER (PARTITION BY stratum) / nullif(sum(1 / pi) FILTER (WHERE unasked IS NULL AND human IS NOT NULL) "
    "OVER (PARTITION BY stratum), 0)"
)
_BY_DRAW = "1 / pi"


def lay_out(cursor: CursorWrapper, scope: Scope, sampling: str) -> None:
    """Fill the temporary table `weighed` with the pairs and what was left out, until the transaction ends."""
    source, more = source_of(sampling)
    cursor.execute("DROP TABLE IF EXISTS pg_temp.weighed")
    selected = statement(source, scope, "SELECT * FROM weighed")
    table = "CREATE TEMPORARY TABLE weighed ON COMMIT DROP AS "
    cursor.execute(table + selected, parameters(scope, **more))


def statement(source: str, scope: Scope, rest: str) -> str:
    said = _VERDICT if scope.criterion == VERDICT else _ANSWER.format()
    weight = _BY_RESPONSE if source is LIVE else _BY_DRAW
    # The dimension comes from a closed list (parse_slice); its value is a parameter.
    within = f"AND a.{scope.slice[0]} = %(slice)s" if scope.slice else ""
    return (
        "WITH "
        + source.format(said=said, patience=PATIENCE, today=TODAY)
        + ", "
        + _PAIRS.format(weight=weight, within=within)
        + rest
    )


def parameters(scope: Scope, **more: Any) -> dict[str, Any]:
    return {
        "project": scope.version.judge.project_id,
        "version": scope.version.pk,
        "criterion": scope.criterion,
        "since": scope.since,
        "slice": scope.slice[1] if scope.slice else "",
        "rubrics": fitting_rubrics(scope.version),
        **more,
    }


def fitting_rubrics(version: JudgeVersion) -> list[int] | None:
    """The rubric versions under which the judge's criterion means what it means to the judge; None: any."""
    if version.rubric_version is None:
        return None
    same = CriterionRevision.objects.filter(
        version__rubric=version.rubric_version.rubric_id, key=version.criterion, meaning=version.meaning
    )
    return list(same.values_list("version_id", flat=True))

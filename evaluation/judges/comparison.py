"""What did people say of the traces that a judge judged? Rows become counts in the database.

Every statement below has the same shape: `pair` holds one row a trace with what people said (`human`), what
the judge said (`judge`), the probability with which it was chosen (`pi`) and its place in time and slices;
`weighed` gives those that count their weight. Sessions are kept apart only while there are few pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from evaluation.judges.models import JudgeVersion
from evaluation.statistics.measures import Cell
from evaluation.statistics.resampling import LARGEST_BOOTSTRAP
from evaluation.statistics.scores import Scored
from evaluation.statistics.weighted import Row
from reviewapp.review.models import VERDICT, CriterionRevision

DIMENSIONS = ("route", "model", "prompt_version")
# Items of the audit lane that nobody answered for so long are non-response.
PATIENCE = "14 days"


class UnknownSlice(ValueError):
    """A slice is asked for as route, model or prompt_version, with `=` or `:` and its value."""


# Tables said to be smaller than this are read whole.
SMALL_TABLE = 50_000


@contextmanager
def reading() -> Iterator[CursorWrapper]:
    """A cursor for the statements below. The planner knows nothing of small tables that were just filled, and
    would join them row by row; it is kept from that there."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'ingest_trace'::regclass")
        (rows,) = cursor.fetchone()
        if rows < SMALL_TABLE:
            cursor.execute("SET LOCAL enable_nestloop = off")
        yield cursor
        if rows < SMALL_TABLE:
            cursor.execute("SET LOCAL enable_nestloop = on")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pairs of a version: from when on, and of which slice."""

    version: JudgeVersion
    since: datetime | None = None
    slice: tuple[str, str] | None = None

    @property
    def criterion(self) -> str:
        return self.version.criterion


@dataclass(frozen=True, slots=True)
class Slot:
    """Where cells stand: the Monday of their week (UTC) and their slice in each dimension."""

    week: date
    slices: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`cells` are the pairs by slot; `units` count items by (fails, passes) of their labels; `judged` are
    verdicts on the judge sample outside the audit sample, by week."""

    sampling: str  # audit | imported | unknown
    cells: Sequence[tuple[Slot, Cell]] = ()
    scored: Sequence[Scored] = ()
    units: Mapping[tuple[int, int], int] = field(default_factory=dict)
    judged: Sequence[tuple[Slot, Row]] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    verdicts: int = 0
    invalid: Mapping[str, int] = field(default_factory=dict)
    response: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # stratum: (drawn, answered)

    @property
    def n(self) -> int:
        return sum(cell.count for _, cell in self.cells)


def compare(scope: Scope) -> Comparison:
    """The pairs of live traffic where there are any, else the imported ones; the two are never pooled."""
    live = _gather(scope, _LIVE, "audit")
    if live.n or live.units:
        return live
    known = _gather(scope, _IMPORTED, "imported", with_pi=True)
    unknown = _gather(scope, _IMPORTED, "unknown", with_pi=False)
    if not known.n:
        return unknown if unknown.n or unknown.units or unknown.verdicts else live
    if unknown.n:
        known = _with_exclusion(known, "sampling_unknown", unknown.n)
    return known


def digest(scope: Scope) -> str:
    """SHA-256 over every pair that counts: trace, what people said, what the judge said, weight."""
    hashed = (
        "SELECT encode(sha256(coalesce(string_agg(concat_ws(' ', trace_id, human, judge, w), E'\\n' "
        "ORDER BY trace_id), '')::bytea), 'hex') FROM weighed WHERE fate IS NULL"
    )
    source, more = source_of(compare(scope).sampling)
    with reading() as cursor:
        cursor.execute(statement(source, scope, hashed), parameters(scope, **more))
        return str(cursor.fetchone()[0])


def daily(scope: Scope) -> list[tuple[date, int, int]]:
    """Pairs by day of their trace: day, disagreements, all; the oldest first."""
    counted = (
        "SELECT (at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE human <> judge), count(*) "
        "FROM weighed WHERE fate IS NULL GROUP BY 1 ORDER BY 1"
    )
    source, more = source_of(compare(scope).sampling)
    with reading() as cursor:
        cursor.execute(statement(source, scope, counted), parameters(scope, **more))
        return list(cursor.fetchall())


def lengths(scope: Scope, sampling: str, most: int) -> list[tuple[bool, bool, float]]:
    """The newest pairs: people failed, judge failed, characters of the answer."""
    listed = (
        "SELECT x.human = 'fail', x.judge = 'fail', length(t.output)::float8 FROM (SELECT * FROM weighed "
        "WHERE fate IS NULL ORDER BY at DESC, trace_id DESC LIMIT %(most)s) x "
        "JOIN ingest_trace t ON t.id = x.trace_id ORDER BY t.id"
    )
    source, more = source_of(sampling)
    with reading() as cursor:
        cursor.execute(statement(source, scope, listed), parameters(scope, most=most, **more))
        return list(cursor.fetchall())


def settled(scope: Scope, most: int) -> list[tuple[int, str]]:
    """Traces on whose verdict people agree, the most labels first, then the newest: up to `most` of each."""
    listed = (
        "SELECT trace_id, human FROM (SELECT trace_id, human, row_number() OVER (PARTITION BY human "
        "ORDER BY fails + passes DESC, at DESC, trace_id) AS place FROM weighed WHERE human IS NOT NULL "
        "AND unasked IS NULL AND least(fails, passes) = 0) ranked WHERE place <= %(most)s "
        "ORDER BY place, trace_id"
    )
    source, more = source_of(compare(scope).sampling)
    with reading() as cursor:
        cursor.execute(statement(source, scope, listed), parameters(scope, most=most, **more))
        return list(cursor.fetchall())


def source_of(sampling: str) -> tuple[str, dict[str, bool]]:
    return (_LIVE, {}) if sampling == "audit" else (_IMPORTED, {"with_pi": sampling == "imported"})


def parse_slice(text: str) -> tuple[str, str] | None:
    """`route=refunds` or `route:refunds`. Raises UnknownSlice."""
    if not text:
        return None
    at = min((place for place in (text.find("="), text.find(":")) if place >= 0), default=-1)
    if at < 0 or text[:at] not in DIMENSIONS:
        raise UnknownSlice(f"must be one of {', '.join(DIMENSIONS)}, then = and its value")
    return text[:at], text[at + 1 :]


_VERDICT = "l.verdict"
_ANSWER = (
    "(SELECT la.value #>> '{{}}' FROM reviewapp_labelanswer la JOIN reviewapp_criterionrevision c "
    "ON c.id = la.criterion_id WHERE la.label_id = l.id AND c.key = %(criterion)s)"
)

_LIVE = """
item AS (
    SELECT i.id, i.trace_id, i.day, i.u, i.state, i.enqueued_at, i.resolution_id
    FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
    WHERE q.project_id = %(project)s AND i.lane = 'audit' AND i.kind = 'trace' AND i.purpose = 'review'
),
drawn AS MATERIALIZED (
    SELECT i.trace_id, min(i.day) AS day, min(i.u) AS u, min(d.audit) AS rate, min(d.stratum) AS stratum,
        bool_and(i.state = 'removed' OR i.enqueued_at < now() - interval '{patience}'
            OR EXISTS (SELECT FROM reviewapp_assignment a WHERE a.item_id = i.id AND a.state = 'skipped')
        ) AS given_up
    FROM item i JOIN ingest_auditdraw d ON d.trace_id = i.trace_id GROUP BY i.trace_id
),
label AS MATERIALIZED (
    SELECT i.trace_id, {said} AS said,
        coalesce(l.rubric_version_id = ANY(%(rubrics)s::bigint[]), true) AS fits
    FROM item i JOIN reviewapp_assignment a ON a.item_id = i.id JOIN reviewapp_label l ON l.id = a.counted_id
    LEFT JOIN ingest_apitoken t ON t.id = l.token_id
    WHERE l.blind AND (NOT l.impersonated OR t.trusted_for_reviews)
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

_IMPORTED = """
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
    SELECT *, {weight} AS w
    FROM fated
)
"""
_BY_RESPONSE = (
    "(1 / pi) * sum(1 / pi) FILTER (WHERE unasked IS NULL OR unasked = 'no_response') "
    "OVER (PARTITION BY stratum) / nullif(sum(1 / pi) FILTER (WHERE unasked IS NULL AND human IS NOT NULL) "
    "OVER (PARTITION BY stratum), 0)"
)
_BY_DRAW = "1 / pi"


def statement(source: str, scope: Scope, rest: str) -> str:
    said = _VERDICT if scope.criterion == VERDICT else _ANSWER.format()
    weight = _BY_RESPONSE if source is _LIVE else _BY_DRAW
    # The dimension comes from a closed list (parse_slice); its value is a parameter.
    within = f"AND a.{scope.slice[0]} = %(slice)s" if scope.slice else ""
    return (
        "WITH "
        + source.format(said=said, patience=PATIENCE)
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


def _gather(scope: Scope, source: str, sampling: str, **more: Any) -> Comparison:
    given = parameters(scope, **more)
    with reading() as cursor:
        cursor.execute(
            statement(source, scope, "SELECT fate, count(*) FROM weighed GROUP BY 1 ORDER BY 1"), given
        )
        fates = dict(cursor.fetchall())
        if not fates:
            return Comparison(sampling)
        few = fates.get(None, 0) <= LARGEST_BOOTSTRAP
        cursor.execute(statement(source, scope, _CELLS.format(session="session" if few else "''")), given)
        cells = [_cell(row) for row in cursor.fetchall()]
        cursor.execute(statement(source, scope, _SCORES), given)
        scored = [Scored(score, human == "fail", w, n) for score, human, w, n in cursor.fetchall()]
        cursor.execute(statement(source, scope, _UNITS), given)
        units = {(fails, passes): n for fails, passes, n in cursor.fetchall()}
        cursor.execute(statement(source, scope, _RESPONSE), given)
        response = {stratum: (drawn, answered) for stratum, drawn, answered in cursor.fetchall()}
        judged = _judged(cursor, scope, source, given)
        verdicts, invalid = _invalid(cursor, scope)
    excluded = {fate: n for fate, n in fates.items() if fate}
    return Comparison(
        sampling=sampling,
        cells=_apart(cells),
        scored=scored,
        units=units,
        judged=judged,
        excluded=excluded,
        verdicts=verdicts,
        invalid=invalid,
        response=response,
    )


_CELLS = """
SELECT human, judge, w, stratum, date_trunc('week', at AT TIME ZONE 'UTC')::date, route, model,
    prompt_version, {session}, count(*)
FROM weighed WHERE fate IS NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
_SCORES = """
SELECT round(score::numeric, 4)::float8, human, w, count(*) FROM weighed
WHERE fate IS NULL AND score IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_UNITS = """
SELECT fails, passes, count(*) FROM weighed
WHERE unasked IS NULL AND fails + passes > 1 GROUP BY 1, 2 ORDER BY 1, 2
"""
_RESPONSE = """
SELECT stratum, count(*), count(*) FILTER (WHERE unasked IS NULL) FROM weighed
WHERE unasked IS NULL OR unasked = 'no_response' GROUP BY 1 ORDER BY 1
"""
_SAMPLE = """
SELECT j.verdict, d.judge - d.audit, date_trunc('week', t.started_at AT TIME ZONE 'UTC')::date, t.route,
    t.model, t.prompt_version, count(*)
FROM evaluation_judgment j JOIN ingest_auditdraw d ON d.trace_id = j.trace_id
JOIN ingest_trace t ON t.id = j.trace_id
WHERE j.version_id = %(version)s AND j.criterion = %(criterion)s AND j.trial = 1 AND j.progress = 'done'
    AND j.origin = 'sample' AND d.u >= d.audit AND d.u < d.judge
    AND (%(since)s::timestamptz IS NULL OR t.started_at >= %(since)s) {within}
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""
_UNLABELLED = """
SELECT judge, pi, date_trunc('week', at AT TIME ZONE 'UTC')::date, route, model, prompt_version, count(*)
FROM weighed WHERE unasked = 'no_label' AND judge IN ('pass', 'fail')
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""


def _judged(cursor: Any, scope: Scope, source: str, given: Mapping[str, Any]) -> list[tuple[Slot, Row]]:
    """Verdicts on traces that chance chose for the judge and not for people."""
    if source is _LIVE:
        within = f"AND t.{scope.slice[0]} = %(slice)s" if scope.slice else ""
        cursor.execute(_SAMPLE.format(within=within), given)
    else:
        cursor.execute(statement(source, scope, _UNLABELLED), given)
    return [
        (Slot(week, (route, model, prompt)), Row(float(verdict == "fail"), 1 / pi, n))
        for verdict, pi, week, route, model, prompt, n in cursor.fetchall()
    ]


def _invalid(cursor: Any, scope: Scope) -> tuple[int, dict[str, int]]:
    """How many verdicts there are, and how many of them are none, by reason."""
    cursor.execute(
        "SELECT reason, progress = 'invalid', count(*) FROM evaluation_judgment WHERE version_id = %s "
        "AND criterion = %s AND progress IN ('done', 'invalid') GROUP BY 1, 2 ORDER BY 1, 2",
        [scope.version.pk, scope.criterion],
    )
    rows = cursor.fetchall()
    return sum(n for *_, n in rows), {reason or "not as asked": n for reason, bad, n in rows if bad}


def _cell(row: tuple[Any, ...]) -> tuple[Slot, Cell]:
    human, judge, w, stratum, week, route, model, prompt, session, n = row
    cell = Cell(human == "fail", judge == "fail", float(w), n, stratum, session)
    return Slot(week, (route, model, prompt)), cell


def _apart(cells: Sequence[tuple[Slot, Cell]]) -> list[tuple[Slot, Cell]]:
    """Only sessions that repeat are clusters."""
    pairs = Counter[str]()
    for _, cell in cells:
        pairs[cell.cluster] += cell.count
    return [
        (slot, cell if pairs[cell.cluster] > 1 or not cell.cluster else _alone(cell)) for slot, cell in cells
    ]


def _alone(cell: Cell) -> Cell:
    return Cell(cell.human_fails, cell.judge_fails, cell.weight, cell.count, cell.stratum)


def _with_exclusion(comparison: Comparison, reason: str, n: int) -> Comparison:
    return replace(comparison, excluded={**comparison.excluded, reason: n})

"""What did people say of the traces that a judge judged? Rows become counts in the database.

Sessions are kept apart only while there are few pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.backends.utils import CursorWrapper

from evaluation.judges.against_people import statements
from evaluation.judges.against_people.statements import Scope, reading
from evaluation.judges.models import Kind
from evaluation.statistics.measures import Cell
from evaluation.statistics.recalibration import FOLDS
from evaluation.statistics.resampling import LARGEST_BOOTSTRAP
from evaluation.statistics.scores import Scored
from evaluation.statistics.weighted import Row


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
    folded: Sequence[tuple[int, Scored]] = ()  # the same, apart by the fold of their traces
    units: Mapping[tuple[int, int], int] = field(default_factory=dict)
    judged: Sequence[tuple[Slot, Row]] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    verdicts: int = 0
    invalid: Mapping[str, int] = field(default_factory=dict)
    response: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # stratum: (drawn, answered)

    @property
    def n(self) -> int:
        return sum(cell.count for _, cell in self.cells)


@contextmanager
def laid_out(scope: Scope) -> Iterator[tuple[CursorWrapper, str]]:
    """The table `weighed` (see statements) with its sampling: the pairs of live traffic where there are any,
    else the imported ones. The two are never pooled."""
    with reading() as cursor:
        for sampling in _samplings(cursor, scope):
            statements.lay_out(cursor, scope, sampling)
            if _has_any(cursor):
                break
        yield cursor, sampling
        cursor.execute("DROP TABLE pg_temp.weighed")


def _samplings(cursor: CursorWrapper, scope: Scope) -> list[str]:
    """Where pairs may be found, the best first; the last one stands where there are none."""
    cursor.execute(
        "SELECT DISTINCT p.pi IS NOT NULL FROM evaluation_importedpair p JOIN ingest_trace t "
        "ON t.id = p.trace_id WHERE t.project_id = %s",
        [scope.version.judge.project_id],
    )
    known = {is_known for (is_known,) in cursor.fetchall()}
    imported = [name for name, is_known in (("imported", True), ("unknown", False)) if is_known in known]
    return ["audit", *imported] if scope.version.kind == Kind.IMPORTED else ["audit", *imported, "audit"]


def _has_any(cursor: CursorWrapper) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM weighed WHERE fate IS NULL OR (unasked IS NULL AND fails + passes > 1))"
    )
    return bool(cursor.fetchone()[0])


def compare(scope: Scope) -> Comparison:
    """The pairs of the scope, counted."""
    with laid_out(scope) as (cursor, sampling):
        return gather(cursor, scope, sampling)


def digest(scope: Scope) -> str:
    """SHA-256 over every pair that counts: trace, what people said, what the judge said, weight."""
    hashed = (
        "SELECT encode(sha256(coalesce(string_agg(concat_ws(' ', trace_id, human, judge, w), E'\\n' "
        "ORDER BY trace_id), '')::bytea), 'hex') FROM weighed WHERE fate IS NULL"
    )
    with laid_out(scope) as (cursor, _):
        cursor.execute(hashed)
        return str(cursor.fetchone()[0])


def settled(scope: Scope, most: int) -> list[tuple[int, str]]:
    """Traces whose verdict people agree on, the most labels first, then the newest: up to `most` of each."""
    listed = (
        "SELECT trace_id, human FROM (SELECT trace_id, human, row_number() OVER (PARTITION BY human "
        "ORDER BY fails + passes DESC, at DESC, trace_id) AS place FROM weighed WHERE human IS NOT NULL "
        "AND unasked IS NULL AND least(fails, passes) = 0) ranked WHERE place <= %s "
        "ORDER BY place, trace_id"
    )
    with laid_out(scope) as (cursor, _):
        cursor.execute(listed, [most])
        return list(cursor.fetchall())


def daily(cursor: CursorWrapper) -> list[tuple[date, int, int]]:
    """Pairs by day of their trace: day, disagreements, all; the oldest first."""
    cursor.execute(
        "SELECT (at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE human <> judge), count(*) "
        "FROM weighed WHERE fate IS NULL GROUP BY 1 ORDER BY 1"
    )
    return list(cursor.fetchall())


def daily_by_route(cursor: CursorWrapper, least: int) -> list[tuple[str, date, int, int]]:
    """The same of each route that has so many pairs; routes last, as models and prompts do not."""
    cursor.execute(
        "SELECT route, (at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE human <> judge), count(*) "
        "FROM weighed WHERE fate IS NULL AND route IN (SELECT route FROM weighed WHERE fate IS NULL "
        "AND route <> '' GROUP BY 1 HAVING count(*) > %s) GROUP BY 1, 2 ORDER BY 1, 2",
        [least],
    )
    return list(cursor.fetchall())


def gather(cursor: CursorWrapper, scope: Scope, sampling: str) -> Comparison:
    """What is laid out, counted."""
    cursor.execute("SELECT fate, count(*) FROM weighed GROUP BY 1 ORDER BY 1")
    fates = dict(cursor.fetchall())
    if not fates:
        return Comparison(sampling)
    few = fates.get(None, 0) <= LARGEST_BOOTSTRAP
    cursor.execute(_CELLS.format(session="session" if few else "''"))
    cells = [_cell(row) for row in cursor.fetchall()]
    cursor.execute(_SCORES.format(folds=FOLDS))
    folded = [
        (fold, Scored(score, human == "fail", w, n, squares))
        for fold, score, human, w, n, squares in cursor.fetchall()
    ]
    cursor.execute(_UNITS)
    units = {(fails, passes): n for fails, passes, n in cursor.fetchall()}
    cursor.execute(_RESPONSE)
    response = {stratum: (drawn, answered) for stratum, drawn, answered in cursor.fetchall()}
    verdicts, invalid = _invalid(cursor, scope)
    excluded = {fate: n for fate, n in fates.items() if fate}
    if sampling == "imported" and (unknown := _imported_unknown(cursor, scope)):
        excluded["sampling_unknown"] = unknown
    return Comparison(
        sampling=sampling,
        cells=_apart(cells),
        scored=[pair for fold, pair in folded if fold is None],
        folded=[(fold, pair) for fold, pair in folded if fold is not None],
        units=units,
        judged=_judged(cursor, scope, sampling),
        excluded=excluded,
        verdicts=verdicts,
        invalid=invalid,
        response=response,
    )


def _imported_unknown(cursor: CursorWrapper, scope: Scope) -> int:
    """Pairs that are left out beside those whose probability is known."""
    source, more = statements.source_of("unknown")
    cursor.execute(
        statements.statement(source, scope, "SELECT count(*) FROM weighed WHERE fate IS NULL"),
        statements.parameters(scope, **more),
    )
    return int(cursor.fetchone()[0])


_CELLS = """
SELECT human, judge, w, stratum, date_trunc('week', at AT TIME ZONE 'UTC')::date, route, model,
    prompt_version, {session}, count(*)
FROM weighed WHERE fate IS NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
# Each fold for itself, and all of them together. The fold is recalibration.fold_of.
_SCORES = """
SELECT fold, score, human, avg(w), count(*), CASE WHEN min(w) < max(w) THEN sum(w * w) END
FROM (
    SELECT (((((trace_id & 2147483647) * 2654435769) & 4294967295) >> 16) % {folds})::int AS fold,
        round(score::numeric, 4)::float8 AS score, human, w
    FROM weighed WHERE fate IS NULL AND score IS NOT NULL
) given GROUP BY GROUPING SETS ((fold, score, human), (score, human)) ORDER BY fold, score, human
"""
_UNITS = """
SELECT fails, passes, count(*) FROM weighed
WHERE unasked IS NULL AND fails + passes > 1 GROUP BY 1, 2 ORDER BY 1, 2
"""
_RESPONSE = """
SELECT stratum, count(*), count(*) FILTER (WHERE unasked IS NULL) FROM weighed
WHERE unasked IS NULL OR unasked = 'no_response' GROUP BY 1 ORDER BY 1
"""
_INVALID = """
SELECT j.reason, j.progress = 'invalid', count(*) FROM evaluation_judgment j {traces}
WHERE j.version_id = %(version)s AND j.criterion = %(criterion)s AND j.progress IN ('done', 'invalid')
    {within} GROUP BY 1, 2 ORDER BY 1, 2
"""
# An imported trace has its time and its place as the file told them.
_TRACES = """
JOIN ingest_trace t ON t.id = j.trace_id LEFT JOIN evaluation_importedpair p ON p.trace_id = t.id
"""
_SINCE = "AND (%(since)s::timestamptz IS NULL OR coalesce(p.occurred_at, t.started_at) >= %(since)s)"
_SAMPLE = """
SELECT j.verdict, least(d.judge, 1 - d.audit), date_trunc('week', t.started_at AT TIME ZONE 'UTC')::date,
    t.route, t.model, t.prompt_version, count(*)
FROM evaluation_judgment j JOIN ingest_auditdraw d ON d.trace_id = j.trace_id
JOIN ingest_trace t ON t.id = j.trace_id
WHERE j.version_id = %(version)s AND j.criterion = %(criterion)s AND j.trial = 1 AND j.progress = 'done'
    AND j.origin = 'sample' AND d.u >= d.audit AND d.u < d.audit + d.judge
    AND (%(since)s::timestamptz IS NULL OR t.started_at >= %(since)s) {within}
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""
_UNLABELLED = """
SELECT judge, pi, date_trunc('week', at AT TIME ZONE 'UTC')::date, route, model, prompt_version, count(*)
FROM weighed WHERE unasked = 'no_label' AND judge IN ('pass', 'fail')
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""


def _judged(cursor: Any, scope: Scope, sampling: str) -> list[tuple[Slot, Row]]:
    """Verdicts on traces that chance chose for the judge and not for people."""
    if sampling == "audit":
        within = f"AND t.{scope.slice[0]} = %(slice)s" if scope.slice else ""
        cursor.execute(_SAMPLE.format(within=within), statements.parameters(scope))
    else:
        cursor.execute(_UNLABELLED)
    return [
        (Slot(week, (route, model, prompt)), Row(float(verdict == "fail"), 1 / pi, n))
        for verdict, pi, week, route, model, prompt, n in cursor.fetchall()
    ]


def _invalid(cursor: Any, scope: Scope) -> tuple[int, dict[str, int]]:
    """How many verdicts there are in the scope, and how many of them are none, by reason."""
    # The dimension comes from a closed list (statements.parse_slice); its value is a parameter.
    name = scope.slice[0] if scope.slice else ""
    of_slice = f"AND coalesce(p.slices ->> '{name}', t.{name}) = %(slice)s" if name else ""
    traces, within = ("", "") if scope.is_whole else (_TRACES, f"{_SINCE} {of_slice}")
    cursor.execute(_INVALID.format(traces=traces, within=within), statements.parameters(scope))
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

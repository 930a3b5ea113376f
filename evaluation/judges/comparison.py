"""What did people say of the traces that a judge judged? Rows become counts in the database.

Sessions are kept apart only while there are few pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from evaluation.judges.statements import IMPORTED, LIVE, Scope, parameters, reading, source_of, statement
from evaluation.statistics.measures import Cell
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
    live = _gather(scope, LIVE, "audit")
    if live.n or live.units:
        return live
    known = _gather(scope, IMPORTED, "imported", with_pi=True)
    unknown = _gather(scope, IMPORTED, "unknown", with_pi=False)
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


def _judged(cursor: Any, scope: Scope, source: str, given: Mapping[str, Any]) -> list[tuple[Slot, Row]]:
    """Verdicts on traces that chance chose for the judge and not for people."""
    if source is LIVE:
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

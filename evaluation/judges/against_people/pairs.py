"""Which traces stand behind a number? The pairs of a cell, the disagreements, and all pairs as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from evaluation.judges.against_people import statements
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Disagreement
from ingest.models import Trace

PAGE = 25
# Of a large scope so many are kept of each list; the CSV holds them all.
KEPT = 40 * PAGE
BRIEF = 140
CELLS = {"tp": ("fail", "fail"), "fn": ("fail", "pass"), "fp": ("pass", "fail"), "tn": ("pass", "pass")}
CELL_WORDS = {"tp": "caught", "fn": "missed", "fp": "false alarm", "tn": "rightly passed"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Pair:
    trace_id: str
    pk: int
    text: str
    slice: str
    cell: str
    score: float | None
    labels: int
    cause: str

    @property
    def kind(self) -> str:
        return CELL_WORDS[self.cell]


@dataclass(frozen=True, slots=True)
class Page:
    pairs: list[Pair]
    total: int
    number: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return min(self.number * PAGE, self.total)


Row = list[Any]  # as JSON keeps it


def page(
    scope: Scope, sampling: str, cell: str = "", number: int = 1, known: Sequence[Row] | None = None
) -> Page:
    """Pairs of one cell, or the disagreements; `known` are the rows of the page where they were kept."""
    number = max(1, min(number, 100_000))
    found = known if known is not None else rows(scope, sampling, cell, number)
    return Page(_tell(scope, found), found[0][-1] if found else 0, number)


def rows(scope: Scope, sampling: str, cell: str = "", number: int = 1) -> list[Row]:
    with statements.reading() as cursor:
        statements.lay_out(cursor, scope, sampling)
        found = listed(cursor, cell, PAGE, (number - 1) * PAGE)
        cursor.execute("DROP TABLE pg_temp.weighed")
        return found


def listed(cursor: CursorWrapper, cell: str, limit: int, offset: int = 0) -> list[Row]:
    """Of the table `weighed`: missed failures first, the surest errors before the rest; each with how many
    there are."""
    chosen = [CELLS[cell]] if cell in CELLS else [CELLS["fn"], CELLS["fp"]]
    condition = " OR ".join(f"(human = '{human}' AND judge = '{judge}')" for human, judge in chosen)
    cursor.execute(
        "SELECT trace_id, human, judge, score, fails + passes, route, prompt_version, "  # noqa: S608
        "count(*) OVER () "
        f"FROM weighed WHERE fate IS NULL AND ({condition}) "
        "ORDER BY human = 'pass', abs(coalesce(score, 0.5) - (human = 'fail')::int) DESC, at DESC, trace_id "
        "LIMIT %s OFFSET %s",
        [limit, offset],
    )
    return [list(row) for row in cursor.fetchall()]


def _tell(scope: Scope, known: Sequence[Row]) -> list[Pair]:
    ids = [row[0] for row in known]
    traces = Trace.objects.in_bulk(ids) if ids else {}
    causes = dict(
        Disagreement.objects.filter(version=scope.version, trace__in=ids).values_list("trace_id", "cause")
    )
    names = {both: name for name, both in CELLS.items()}
    return [
        Pair(
            trace_id=traces[pk].trace_id,
            pk=pk,
            text=" ".join(traces[pk].input.split())[:BRIEF] or traces[pk].trace_id,
            slice=" ".join(filter(None, (route, prompt))),
            cell=names[human, judge],
            score=score,
            labels=labels,
            cause=causes.get(pk, ""),
        )
        for pk, human, judge, score, labels, route, prompt, _ in known
        if pk in traces
    ]


COLUMNS = (
    "trace_id", "human", "judge", "score", "weight", "pi", "stratum", "labels", "at", "route", "model",
    "prompt_version", "excluded",
)  # fmt: skip


def as_csv(scope: Scope, sampling: str) -> Iterator[str]:
    """Every trace that was chosen, with what became of it; a row that is no pair says why."""
    source, more = statements.source_of(sampling)
    listed = (
        "SELECT t.trace_id, x.human, x.judge, x.score, x.w, x.pi, x.stratum, x.fails + x.passes, x.at, "
        "x.route, x.model, x.prompt_version, x.fate "
        "FROM weighed x JOIN ingest_trace t ON t.id = x.trace_id ORDER BY t.id"
    )
    yield _row(COLUMNS)
    # A cursor of the server's, so that a million rows are never all here.
    with statements.reading(), connection.chunked_cursor() as cursor:
        cursor.execute(statements.statement(source, scope, listed), statements.parameters(scope, **more))
        while some := cursor.fetchmany(2000):
            yield "".join(_row(row) for row in some)


def _row(values: Any) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_cell(value) for value in values])
    return written.getvalue()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is quoted."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

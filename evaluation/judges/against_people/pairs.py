"""What is in a list of pairs, and all pairs as CSV: each trace with what people and the judge said."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from evaluation.judges.against_people import behind, statements
from evaluation.judges.against_people.behind import FIRST, PAGE, Asked, Row
from evaluation.judges.against_people.recalibrated import Recalibrated
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Disagreement
from ingest.models import Trace

BRIEF = 140
CELLS = {"tp": ("fail", "fail"), "fn": ("fail", "pass"), "fp": ("pass", "fail"), "tn": ("pass", "pass")}
CELL_WORDS = {name: behind.LISTS[name].words for name in CELLS}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
UNCHANGED = Recalibrated(())


@dataclass(frozen=True, slots=True)
class Pair:
    """`cell` is empty for a trace that is no pair, such as one on which people disagree."""

    trace_id: str
    pk: int
    text: str
    slice: str
    cell: str
    score: float | None
    recalibrated: float | None
    labels: int
    cause: str

    @property
    def kind(self) -> str:
        return CELL_WORDS.get(self.cell, "no pair")


@dataclass(frozen=True, slots=True)
class Page:
    """`most` are kept of a large scope."""

    pairs: list[Pair]
    total: int
    number: int
    most: int | None = None

    @property
    def pages(self) -> int:
        within = self.total if self.most is None else min(self.total, self.most)
        return max(1, -(-within // PAGE))

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return min(self.number * PAGE, self.total)


def page(
    scope: Scope,
    sampling: str,
    asked: Asked = FIRST,
    known: Sequence[Row] | None = None,
    recalibrated: Recalibrated = UNCHANGED,
    most: int | None = None,
) -> Page:
    """`known` are the rows of the page where they were kept."""
    found = known if known is not None else behind.rows(scope, sampling, asked)
    return Page(_tell(scope, found, recalibrated), found[0][-1] if found else 0, asked.number, most)


def _tell(scope: Scope, known: Sequence[Row], recalibrated: Recalibrated) -> list[Pair]:
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
            cell=names.get((human, judge), ""),
            score=score,
            recalibrated=recalibrated.of(pk, score),
            labels=labels,
            cause=causes.get(pk, ""),
        )
        for pk, human, judge, score, labels, route, prompt, _ in known
        if pk in traces
    ]


COLUMNS = (
    "trace_id", "human", "judge", "score", "recalibrated", "weight", "pi", "stratum", "labels", "at", "route",
    "model", "prompt_version", "excluded",
)  # fmt: skip


def as_csv(scope: Scope, sampling: str, recalibrated: Recalibrated = UNCHANGED) -> Iterator[str]:
    """Every trace that was chosen, with what became of it; a row that is no pair says why."""
    source, more = statements.source_of(sampling)
    listed = (
        "SELECT x.trace_id, t.trace_id, x.human, x.judge, x.score, x.w, x.pi, x.stratum, "
        "x.fails + x.passes, x.at, x.route, x.model, x.prompt_version, x.fate "
        "FROM weighed x JOIN ingest_trace t ON t.id = x.trace_id ORDER BY t.id"
    )
    yield _row(COLUMNS)
    # A cursor of the server's, so that a million rows are never all here.
    with statements.reading(), connection.chunked_cursor() as cursor:
        cursor.execute(statements.statement(source, scope, listed), statements.parameters(scope, **more))
        while some := cursor.fetchmany(2000):
            yield "".join(_row(_told(row, recalibrated)) for row in some)


def _told(row: Sequence[Any], recalibrated: Recalibrated) -> list[Any]:
    """With its score as the curve of its fold has it."""
    pk, *said, score = row[:5]
    return [*said, score, recalibrated.of(pk, score), *row[5:]]


def _row(values: Any) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_cell(value) for value in values])
    return written.getvalue()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is quoted."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

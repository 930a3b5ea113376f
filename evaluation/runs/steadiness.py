"""How often does an unchanged system answer a case differently than the last time? The long-term record.

Two answers of one commit to one case of one version, one after the other, are a pair; within a run (its
trials) and between runs. A pair that passed once and failed once is a flip.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

from evaluation.golden.models import GoldenDataset

MONTHS = 12
# Fewer pairs than this say nothing of one case.
ENOUGH_PAIRS = 4
_PAIRS = f"""
    WITH told AS (
        SELECT s.case_id, r.created_at, s.status = 'pass' AS passed,
            lag(s.status = 'pass') OVER (
                PARTITION BY r.version_id, r.commit, s.case_id, s.revision
                ORDER BY r.created_at, r.id, s.trial
            ) AS before
        FROM evaluation_cirun r JOIN evaluation_goldenversion v ON v.id = r.version_id
        JOIN evaluation_caseresult s ON s.run_id = r.id
        WHERE v.dataset_id = %s AND r.commit <> '' AND s.status IN ('pass', 'fail')
            AND r.created_at > now() - interval '{MONTHS} months'
    ), pair AS (SELECT case_id, created_at, passed <> before AS flipped FROM told WHERE before IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Flips:
    month: date
    flips: int
    pairs: int

    @property
    def rate(self) -> float:
        return self.flips / self.pairs


@dataclass(frozen=True, slots=True)
class Flaky:
    case_id: str
    title: str
    flips: int
    pairs: int


def by_month(dataset: GoldenDataset) -> list[Flips]:
    """Newest first; months without a pair are left out."""
    rows = _rows(
        dataset,
        "SELECT date_trunc('month', created_at)::date, count(*) FILTER (WHERE flipped), count(*) FROM pair"
        " GROUP BY 1 ORDER BY 1 DESC",
    )
    return [Flips(*row) for row in rows]


def flaky(dataset: GoldenDataset, most: int) -> list[Flaky]:
    """The active cases that flip most often: candidates for quarantine."""
    rows = _rows(
        dataset,
        "SELECT c.case_id, c.title, count(*) FILTER (WHERE flipped), count(*) FROM pair"
        " JOIN evaluation_goldencase c ON c.id = pair.case_id WHERE c.state = 'active' GROUP BY c.id"
        f" HAVING count(*) FILTER (WHERE flipped) > 0 AND count(*) >= {ENOUGH_PAIRS}"
        " ORDER BY count(*) FILTER (WHERE flipped)::float8 / count(*) DESC, c.case_id LIMIT %s",
        most,
    )
    return [Flaky(*row) for row in rows]


def _rows(dataset: GoldenDataset, sql: str, *more: int) -> list[tuple]:  # type: ignore[type-arg]
    with connection.cursor() as cursor:
        cursor.execute(f"{_PAIRS} {sql}", [dataset.pk, *more])
        return list(cursor.fetchall())

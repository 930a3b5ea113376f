"""How far do two raters agree beyond chance? Coefficients of a contingency table, null where undefined.

Tables are K x K lists of counts or weights, rows the first rater (people), columns the second (the judge).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Table = Sequence[Sequence[float]]
CERTAIN = 1e-12


@dataclass(frozen=True, slots=True)
class Kappa:
    """`se` is the standard error for an interval, `se0` the one for a test of no agreement beyond chance."""

    value: float
    se: float
    se0: float


def observed_agreement(table: Table) -> float | None:
    n = _total(table)
    return math.fsum(table[k][k] for k in range(len(table))) / n if n else None


def kappa(table: Table, scheme: str = "identity") -> Kappa | None:
    """Cohen's kappa, None when chance agreement is one (all in one category) or nothing is counted."""
    size, n = len(table), _total(table)
    if not n:
        return None
    p = [[cell / n for cell in row] for row in table]
    rows = [math.fsum(row) for row in p]
    columns = [math.fsum(row[j] for row in p) for j in range(size)]
    w = [[_weight(scheme, i, j, size) for j in range(size)] for i in range(size)]
    each = [(i, j) for i in range(size) for j in range(size)]
    po = math.fsum(w[i][j] * p[i][j] for i, j in each)
    pe = math.fsum(w[i][j] * rows[i] * columns[j] for i, j in each)
    if 1 - pe < CERTAIN:
        return None
    value = (po - pe) / (1 - pe)
    by_row = [math.fsum(w[i][j] * columns[j] for j in range(size)) for i in range(size)]
    by_column = [math.fsum(w[i][j] * rows[i] for i in range(size)) for j in range(size)]
    variance = (
        math.fsum(p[i][j] * (w[i][j] - (by_row[i] + by_column[j]) * (1 - value)) ** 2 for i, j in each)
        - (value - pe * (1 - value)) ** 2
    )
    variance0 = (
        math.fsum(rows[i] * columns[j] * (w[i][j] - by_row[i] - by_column[j]) ** 2 for i, j in each) - pe**2
    )
    scale = math.sqrt(n) * (1 - pe)
    return Kappa(value, math.sqrt(max(variance, 0)) / scale, math.sqrt(max(variance0, 0)) / scale)


def ac1(table: Table) -> float | None:
    """Gwet's AC1: chance agreement from the mean of both raters' shares."""
    size, n = len(table), _total(table)
    if not n or size < 2:
        return None
    shares = [(sum(table[k]) + sum(row[k] for row in table)) / (2 * n) for k in range(size)]
    pe = math.fsum(q * (1 - q) for q in shares) / (size - 1)
    po = math.fsum(table[k][k] for k in range(size)) / n
    return (po - pe) / (1 - pe)


def pabak(table: Table) -> float | None:
    po = observed_agreement(table)
    return None if po is None else (len(table) * po - 1) / (len(table) - 1)


def mcc(table: Table) -> float | None:
    """Matthews' correlation of a 2 x 2 table [[tp, fn], [fp, tn]]."""
    (tp, fn), (fp, tn) = table
    scale = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(scale) if scale > 0 else None


def f1(table: Table) -> float | None:
    (tp, fn), (fp, _) = table
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None


def fleiss(counts: Sequence[Sequence[int]]) -> float | None:
    """Fleiss' kappa of items rated equally often; each row counts an item's ratings by category."""
    n = len(counts)
    if not n or (raters := sum(counts[0])) < 2:
        return None
    agreement = math.fsum((sum(c * c for c in row) - raters) / (raters * (raters - 1)) for row in counts) / n
    shares = [sum(row[k] for row in counts) / (n * raters) for k in range(len(counts[0]))]
    chance = math.fsum(q * q for q in shares)
    return None if 1 - chance < CERTAIN else (agreement - chance) / (1 - chance)


def _weight(scheme: str, i: int, j: int, size: int) -> float:
    if scheme == "identity":
        return float(i == j)
    apart = abs(i - j) / (size - 1)
    return 1 - apart if scheme == "linear" else 1 - apart**2


def _total(table: Table) -> float:
    return math.fsum(cell for row in table for cell in row)

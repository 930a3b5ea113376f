"""How far do two raters agree beyond chance? Coefficients of a contingency table, None where undefined.

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


def kappa(table: Table, scheme: str = "identity") -> Kappa | None:
    """Cohen's kappa with the standard errors of Fleiss, Cohen and Everitt (1969).

    None when everything is in one category, so that chance agreement is 1, or when nothing was counted.
    `scheme` weights ordered categories by their distance: identity, linear or quadratic.
    """
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


def _weight(scheme: str, i: int, j: int, size: int) -> float:
    if scheme == "identity":
        return float(i == j)
    apart = abs(i - j) / (size - 1)
    return 1 - apart if scheme == "linear" else 1 - apart**2


def _total(table: Table) -> float:
    return math.fsum(cell for row in table for cell in row)

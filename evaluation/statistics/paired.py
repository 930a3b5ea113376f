"""Which of two judges is right more often on the same traces, and by how much?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.weighted import FEW_LABELS, Row, means, spread, total_weight
from ingest.intervals import Z

HALVINGS = 60


def tango(gained: float, lost: float, n: float, z: float = Z) -> tuple[float, float]:
    """The score interval of (gained - lost) / n of n pairs, by Tango (1998), Statistics in Medicine 17,
    891-908.

    It holds the differences d that the pairs do not reject, each tested with the most likely share of lost
    pairs under d. Counts may be effective sample sizes, not whole.
    """
    if n <= 0:
        return -1.0, 1.0

    def refuted(d: float) -> bool:
        linear = (2 * n - gained + lost) * d - gained - lost
        root = math.sqrt(max(linear * linear + 8 * n * lost * d * (1 - d), 0.0))
        most_likely = (root - linear) / (4 * n)
        variance = max(n * (2 * most_likely + d * (1 - d)), 0.0)
        return (gained - lost - n * d) ** 2 > z * z * variance

    value = (gained - lost) / n
    return _edge(refuted, -1.0, value), _edge(refuted, 1.0, value)


def _edge(refuted: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where rejection begins between a limit and the estimate, which is never rejected."""
    if not refuted(outside):
        return outside
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if refuted(middle) else (outside, middle)
    return inside


def difference(rows: Sequence[Row]) -> Figure:
    """The weighted mean of what one judge gains on the other: 1 where only it is right, -1 where only the
    other is, 0 where both or neither are. From FEW_LABELS pairs on.

    Its interval is Tango's at the effective sample size, as a share's is Wilson's: n_eff = min((p+ + p- -
    d^2) / S(d, d), n), with the linearised variance S of every other figure. Equal weights give plain Tango.
    """
    n = sum(row.count for row in rows)
    if n < FEW_LABELS:
        return unknown(f"{n} labelled traces were judged by both, {FEW_LABELS} needed", n)
    total, gap = total_weight(rows), means(rows)[0]
    gained, lost = (
        math.fsum(row.weight * row.count for row in rows if row.value * sign > 0) / total for sign in (1, -1)
    )
    variance = spread(rows).values
    if variance > 0:
        n_eff = min((gained + lost - gap * gap) / variance, n)
    else:
        n_eff = total**2 / math.fsum(row.square for row in rows)
    return Figure(gap, *tango(gained * n_eff, lost * n_eff, n_eff), n)

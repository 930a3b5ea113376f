"""What share of production fails, estimated from labels drawn with known probabilities?

Weights are inverse inclusion probabilities, 1 / pi. Equal rows come as one with a count, so the work grows
with the number of distinct rows only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evaluation.statistics.figure import Figure, unknown
from ingest.intervals import Z, wilson

FEW_LABELS = 30
UNEVEN_WEIGHTS = 5.0


@dataclass(frozen=True, slots=True)
class Row:
    """`count` equal observations of `value`, each of weight `weight`; `other` is a second value of each.

    Where their weights differ, `weight` is the mean of them and `squares` the sum of their squares.
    """

    value: float
    weight: float = 1.0
    count: int = 1
    other: float = 0.0
    squares: float | None = None

    @property
    def square(self) -> float:
        return self.weight**2 * self.count if self.squares is None else self.squares


@dataclass(frozen=True, slots=True)
class Share:
    """A weighted share: `se` is the square root of S(y, y), `n_eff` the sample size of Wilson's interval."""

    figure: Figure
    se: float
    n_eff: float

    def within(self, limits: Callable[[float, float], tuple[float, float]]) -> Figure:
        """The same share between other limits, of (share, effective sample size)."""
        if self.figure.value is None:
            return self.figure
        return Figure(self.figure.value, *limits(self.figure.value, self.n_eff), self.figure.n)


def total_weight(rows: Iterable[Row]) -> float:
    return math.fsum(row.weight * row.count for row in rows)


def means(rows: Sequence[Row]) -> tuple[float, float]:
    """The weighted means of value and other."""
    total = total_weight(rows)
    return (
        math.fsum(row.weight * row.count * row.value for row in rows) / total,
        math.fsum(row.weight * row.count * row.other for row in rows) / total,
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """S(a, a), S(b, b) and S(a, b) of values a and others b."""

    values: float
    others: float
    between: float


def spread(rows: Sequence[Row]) -> Spread:
    """Linearised (co)variances of weighted means: S(a, b) = sum w^2 (a - mean a)(b - mean b) / (sum w)^2."""
    mean_a, mean_b = means(rows)
    square = total_weight(rows) ** 2
    weights = [row.square for row in rows]
    a = [row.value - mean_a for row in rows]
    b = [row.other - mean_b for row in rows]
    return Spread(
        values=math.fsum(w * x * x for w, x in zip(weights, a, strict=True)) / square,
        others=math.fsum(w * y * y for w, y in zip(weights, b, strict=True)) / square,
        between=math.fsum(w * x * y for w, x, y in zip(weights, a, b, strict=True)) / square,
    )


def share(rows: Sequence[Row], why_null: str = "nothing was labelled") -> Share:
    """The weighted share of rows whose value is 1, with Wilson's interval at the effective sample size.

    n_eff = min(p (1 - p) / S(y, y), n), as Korn and Graubard (1998) use it; if all values are equal, Kish's
    (sum w)^2 / sum w^2.
    """
    n = sum(row.count for row in rows)
    if n == 0:
        return Share(unknown(why_null), math.nan, 0.0)
    value = means(rows)[0]
    variance = spread(rows).values
    if variance > 0:
        n_eff = min(value * (1 - value) / variance, n)
    else:
        n_eff = total_weight(rows) ** 2 / math.fsum(row.square for row in rows)
    low, high = wilson(value, n_eff)
    return Share(Figure(value, low, high, n), math.sqrt(variance), n_eff)


def mean(rows: Sequence[Row], why_null: str = "nothing was labelled") -> Figure:
    """The weighted mean of unbounded values, with its normal interval."""
    n = sum(row.count for row in rows)
    if n == 0:
        return unknown(why_null)
    value, half = means(rows)[0], Z * math.sqrt(spread(rows).values)
    return Figure(value, value - half, value + half, n)


def response_factor(drawn: Iterable[float], answered: Iterable[float]) -> float:
    """The factor by which a stratum's answered traces are weighted up: sum of 1/pi of the drawn over that of
    the answered."""
    answering = math.fsum(1 / pi for pi in answered)
    return math.fsum(1 / pi for pi in drawn) / answering if answering else math.nan


def warnings_of(n: int, weights: Sequence[float]) -> list[str]:
    """Warnings for readers of a stratum's figures: too few labels, or very uneven weights."""
    said = []
    if n < FEW_LABELS:
        said.append(f"under {FEW_LABELS} labels")
    if weights and max(weights) > UNEVEN_WEIGHTS * min(weights):
        said.append("weights differ by more than 5x")
    return said

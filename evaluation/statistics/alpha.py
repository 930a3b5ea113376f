"""Do several people, some of whom skipped some items, agree? Krippendorff's alpha and its coincidences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

LEVELS = ("nominal", "ordinal", "interval")
Unit = Sequence[float | None]
Coincidences = Mapping[tuple[float, float], float]


def alpha(units: Sequence[Unit], level: str = "nominal") -> float | None:
    """Alpha over units, each the values its raters gave (None: no rating).

    None when nothing was rated twice, or when all ratings are one and the same value: chance alone would
    agree as well.
    """
    return alpha_of(coincidences(units), level)


def coincidences(units: Sequence[Unit]) -> dict[tuple[float, float], float]:
    """How often each two values met within a unit, each unit counted by its number of ratings."""
    met: dict[tuple[float, float], float] = {}
    for unit in units:
        counts = Counter(value for value in unit if value is not None)
        ratings = counts.total()
        if ratings < 2:
            continue
        for a, many_a in counts.items():
            for b, many_b in counts.items():
                pairs = many_a * (many_b - 1) if a == b else many_a * many_b
                met[a, b] = met.get((a, b), 0.0) + pairs / (ratings - 1)
    return met


def alpha_of(met: Coincidences, level: str) -> float | None:
    values = sorted({a for a, _ in met})
    totals = {a: math.fsum(met.get((a, b), 0.0) for b in values) for a in values}
    n = math.fsum(totals.values())
    if n <= 1:
        return None
    distance = _distance(level, values, totals)
    each = [(a, b) for a in values for b in values if a != b]
    observed = math.fsum(met.get((a, b), 0.0) * distance(a, b) for a, b in each)
    expected = math.fsum(totals[a] * totals[b] * distance(a, b) for a, b in each) / (n - 1)
    return 1 - observed / expected if expected else None


def _distance(
    level: str, values: Sequence[float], totals: Mapping[float, float]
) -> Callable[[float, float], float]:
    """The squared difference of two values at a level of measurement."""

    def ordinal(a: float, b: float) -> float:
        between = math.fsum(totals[v] for v in values if min(a, b) <= v <= max(a, b))
        return (between - (totals[a] + totals[b]) / 2) ** 2

    def interval(a: float, b: float) -> float:
        return (a - b) ** 2

    def nominal(a: float, b: float) -> float:
        return float(a != b)

    return {"nominal": nominal, "ordinal": ordinal, "interval": interval}[level]

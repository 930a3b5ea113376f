"""How far do several people agree on one criterion? Alpha, kappa, AC1 and plain agreement, with intervals.

Categories are numbered 0, 1, ... in their order. A unit is one item: the sorted numbers that its people
chose. Equal units come as one with a count, so the work does not grow with the number of items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.statistics import resampling
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.resampling import Kind, ratio
from evaluation.statistics.weighted import Row, share

Unit = tuple[int, ...]

NOT_TWICE = "no item was labelled by two people"
NO_CHANCE = "all answers are one and the same, so chance alone would agree as well"


@dataclass(frozen=True, slots=True)
class Concord:
    """Over the `n` items answered by two people or more. Alpha is Krippendorff's, for the requested level of
    measurement; kappa compares with chance as Fleiss (1971) does, AC1 as Gwet (2008) does."""

    n: int
    agreement: Figure
    kappa: Figure
    ac1: Figure
    alpha: Figure


def concord(units: Mapping[Unit, int], categories: int, level: str = "nominal") -> Concord:
    """`units` maps each unit to its count; units with fewer than two answers are ignored.

    `level` is one of LEVELS: categories only differ, have an order, or are equally far apart.
    """
    twice = {unit: many for unit, many in units.items() if len(unit) > 1 and many > 0}
    n = sum(twice.values())
    if not n:
        nothing = unknown(NOT_TWICE)
        return Concord(0, nothing, nothing, nothing, nothing)
    kinds = [Kind("", met(unit, categories), many) for unit, many in twice.items()]

    def estimated(statistic: resampling.Statistic) -> Figure:
        return resampling.estimate(kinds, statistic, n, why_null=NO_CHANCE)

    return Concord(
        n,
        share([Row(agreeing(unit), 1.0, many) for unit, many in sorted(twice.items())]).figure,
        estimated(lambda sums: _kappa(_square(sums, categories))),
        estimated(lambda sums: _ac1(_square(sums, categories))),
        estimated(lambda sums: _alpha(_square(sums, categories), level)),
    )


def met(unit: Unit, categories: int) -> tuple[float, ...]:
    """How often each two categories met within the unit (categories x categories, row by row).

    Each answer counts once, whatever their number: its pairs are divided by the number of other answers.
    """
    counts = Counter(unit)
    others = len(unit) - 1
    return tuple(
        (counts[a] * (counts[b] - (a == b))) / others for a in range(categories) for b in range(categories)
    )


def agreeing(unit: Unit) -> float:
    """The share of a unit's pairs of answers that are equal."""
    pairs = len(unit) * (len(unit) - 1)
    return sum(many * (many - 1) for many in Counter(unit).values()) / pairs


def _square(sums: Any, categories: int) -> Any:
    """Coincidences as categories x categories x draws."""
    return sums.reshape(categories, categories, -1)


def _kappa(table: Any) -> Any:
    observed, shares, _ = _shares(table)
    expected = (shares**2).sum(axis=0)
    return ratio(observed - expected, 1 - expected)


def _ac1(table: Any) -> Any:
    """Gwet's AC1, whose chance agreement assumes guesses spread evenly. Undefined with one category."""
    observed, shares, _ = _shares(table)
    expected = ratio((shares * (1 - shares)).sum(axis=0), float(len(table) - 1))
    return ratio(observed - expected, 1 - expected)


def _alpha(table: Any, level: str) -> Any:
    """Krippendorff's alpha (2011): 1 - observed / expected disagreement."""
    totals = table.sum(axis=1)
    n = totals.sum(axis=0)
    distance = LEVELS[level](totals)
    apart = (table * distance).sum(axis=(0, 1))
    expected = ratio((totals[:, None] * totals[None, :] * distance).sum(axis=(0, 1)), n - 1)
    return 1 - ratio(apart, expected)


def _nominal(totals: Any) -> Any:
    import numpy as np

    return (1.0 - np.eye(len(totals)))[:, :, None] * np.ones_like(totals)[None]


def _ordinal(totals: Any) -> Any:
    """The squared number of answers that lie between two categories, half of both ends counted."""
    middles = totals.cumsum(axis=0) - totals / 2
    return (middles[:, None] - middles[None, :]) ** 2


def _interval(totals: Any) -> Any:
    """Categories that are equally far apart, such as the steps of a scale that is a measure."""
    import numpy as np

    places = np.arange(len(totals), dtype=float)
    return ((places[:, None] - places[None, :]) ** 2)[:, :, None] * np.ones_like(totals)[None]


# The squared difference of two categories (categories x categories x draws), given everyone's answers.
LEVELS = {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval}


def _shares(table: Any) -> tuple[Any, Any, Any]:
    """The share of equal pairs, each category's share of the answers, and the number of answers."""
    totals = table.sum(axis=1)
    n = totals.sum(axis=0)
    equal = table.diagonal().sum(axis=-1)
    return ratio(equal, n), ratio(totals, n), n

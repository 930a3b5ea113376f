"""How uncertain is a coefficient without a simple formula? A seeded bootstrap, or its linear approximation.

A statistic is a function of sums over independent groups of observations (features x draws, one column per
draw). Groups with equal features are one kind with a count, so a draw is a multinomial over kinds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluation.statistics.figure import Figure, unknown
from ingest.intervals import Z

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 2000
SEED = 20_240_229
LARGEST_BOOTSTRAP = 5000
MOST_UNDEFINED = 0.05
UNDEFINED = "it is undefined in more than 5 % of the resamples"

# Of features (F x draws): the statistic of each draw, nan where it is undefined.
Statistic = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`count` independent groups in `stratum` whose features sum to `features` each."""

    stratum: str
    features: tuple[float, ...]
    count: int = 1


def ratio(above: Any, below: Any) -> Any:
    """Elementwise above / below, nan where `below` is 0; statistics are built from it."""
    import numpy as np

    nothing = np.abs(below) < 1e-12
    return np.where(nothing, np.nan, above / np.where(nothing, 1.0, below))


def estimate(
    kinds: Sequence[Kind], statistic: Statistic, n: int, *, why_null: str, seed: int = SEED
) -> Figure:
    """The statistic of all groups with its 95 % interval; `n` is the number of observations.

    The interval is the percentile bootstrap's (Efron 1979), drawn within strata; above LARGEST_BOOTSTRAP
    groups it is the normal interval with the infinitesimal jackknife's standard error.
    """
    import numpy as np

    if not kinds:
        return unknown(why_null)
    ordered = sorted(kinds, key=lambda kind: (kind.stratum, kind.features))
    features = np.array([kind.features for kind in ordered], dtype=float)
    counts = np.array([kind.count for kind in ordered], dtype=float)
    value = float(statistic((counts @ features)[:, None])[0])
    if not math.isfinite(value):
        return unknown(why_null, n)
    if counts.sum() > LARGEST_BOOTSTRAP:
        half = Z * _linear_error(features, counts, statistic)
        return Figure(value, value - half, value + half, n)
    drawn = statistic((_draws(ordered, seed) @ features).T)
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < (1 - MOST_UNDEFINED) * DRAWS:
        return unknown(UNDEFINED, n)
    low, high = np.quantile(defined, [0.025, 0.975])
    return Figure(value, float(low), float(high), n)


def _draws(kinds: Sequence[Kind], seed: int) -> Floats:
    """How often each kind occurs in each draw (draws x kinds), drawn within its stratum."""
    import numpy as np

    generator = np.random.default_rng(seed)
    drawn = np.empty((DRAWS, len(kinds)))
    strata = [kind.stratum for kind in kinds]
    start = 0
    while start < len(kinds):
        end = start + strata[start:].count(strata[start])
        counts = np.array([kind.count for kind in kinds[start:end]])
        drawn[:, start:end] = generator.multinomial(counts.sum(), counts / counts.sum(), size=DRAWS)
        start = end
    return drawn


def _linear_error(features: Floats, counts: Floats, statistic: Statistic) -> float:
    """The infinitesimal jackknife's standard error: each group's influence is its features times the
    statistic's slope at the observed sums."""
    import numpy as np

    sums = counts @ features
    step = 1e-6 * max(float(np.abs(sums).max()), 1.0)
    shifts = np.eye(len(sums)) * step
    upper = statistic(sums[:, None] + shifts)
    lower = statistic(np.maximum(sums[:, None] - shifts, 0.0))
    widths = step + np.minimum(sums, step)
    moved = features @ ((upper - lower) / widths)
    moved = moved - (counts @ moved) / counts.sum()
    return float(np.sqrt(counts @ moved**2))

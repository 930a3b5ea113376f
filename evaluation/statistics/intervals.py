"""Between which limits does a share lie? Wilson, Clopper-Pearson, and limits for any number of looks."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from evaluation.statistics.figure import CONFIDENCE, Figure, unknown
from ingest.intervals import wilson


def z_of(confidence: float = CONFIDENCE, *, one_sided: bool = False) -> float:
    """The standard normal quantile for a confidence level."""
    return NormalDist().inv_cdf(confidence if one_sided else (1 + confidence) / 2)


def wilson_lower(passed: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided lower Wilson bound of passed / n; 0 for n = 0."""
    return wilson(passed / n, n, z_of(confidence, one_sided=True))[0] if n else 0.0


def wilson_upper(passed: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided upper Wilson bound of passed / n; 1 for n = 0."""
    return wilson(passed / n, n, z_of(confidence, one_sided=True))[1] if n else 1.0


def share(hits: int, n: int, why_null: str = "nothing was counted") -> Figure:
    """The share hits / n of equally weighted observations, with Wilson's interval."""
    if n <= 0:
        return unknown(why_null)
    low, high = wilson(hits / n, n)
    return Figure(hits / n, low, high, n)


def clopper_pearson_upper(hits: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The exact one-sided upper bound of hits / n (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    return 1.0 if hits >= n else float(beta.ppf(confidence, hits + 1, n - hits))


def confidence_sequence(hits: float, n: float, alpha: float = 1 - CONFIDENCE) -> tuple[float, float]:
    """Limits (low, high) that hold at every n at once: a confidence sequence by Robbins' (1970) method.

    They contain the shares against which the beta-binomial mixture with a uniform prior has not gained a
    factor of 1 / alpha. Counts may be effective sample sizes, not whole.
    """
    if n <= 0:
        return 0.0, 1.0
    misses = n - hits
    wealth = math.lgamma(hits + 1) + math.lgamma(misses + 1) - math.lgamma(n + 2) - math.log(1 / alpha)

    def excess(candidate: float) -> float:
        return wealth - _log_power(hits, candidate) - _log_power(misses, 1 - candidate)

    low = 0.0 if hits == 0 else _root(excess, 0.0, hits / n)
    high = 1.0 if misses == 0 else _root(excess, 1.0, hits / n)
    return low, high


def _log_power(count: float, base: float) -> float:
    return 0.0 if count == 0 else count * math.log(base) if base > 0 else -math.inf


def _root(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Where `excess` changes sign between a rejected point and the estimate, by bisection."""
    for _ in range(200):
        middle = (outside + inside) / 2
        if middle in (outside, inside):
            break
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return inside


def all_pass_minimum(threshold: float, confidence: float = CONFIDENCE) -> int:
    """How many cases, all passed, bring the one-sided lower Wilson bound up to the threshold."""
    square = z_of(confidence, one_sided=True) ** 2
    return math.ceil(threshold * square / (1 - threshold) - 1e-12)

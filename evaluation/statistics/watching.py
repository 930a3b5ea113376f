"""Is a rate still what it was? Control limits for a chart, and an alarm that may be checked continuously."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evaluation.statistics.intervals import clopper_pearson_upper

TAIL = 0.00135
EWMA_WEIGHT, EWMA_WIDTH = 0.2, 4.0

LAMBDAS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
LIMIT = 28_800.0  # looks of five minutes in 100 days
CHANGE_BOOST = 288.0
LEAST_BASELINE = 2000


def exact_limits(n: int, rate: float) -> tuple[int, int]:
    """Counts (L, U) of n: a steady rate falls below L or above U with probability at most .00135 each."""
    from scipy.stats import binom

    upper = int(binom.isf(TAIL, n, rate))
    while upper > 0 and binom.sf(upper - 1, n, rate) <= TAIL:
        upper -= 1
    while binom.sf(upper, n, rate) > TAIL:
        upper += 1
    lower = int(binom.ppf(TAIL, n, rate))
    while lower > 0 and binom.cdf(lower - 1, n, rate) > TAIL:
        lower -= 1
    while binom.cdf(lower, n, rate) <= TAIL:
        lower += 1
    return lower, upper


def ewma(values: Sequence[float], start: float, weight: float = EWMA_WEIGHT) -> list[float]:
    """The exponentially weighted moving average (Roberts 1959) after each value."""
    smoothed, level = [], start
    for value in values:
        level = weight * value + (1 - weight) * level
        smoothed.append(level)
    return smoothed


def ewma_limit(rate: float, n: int, step: int | None = None) -> float:
    """The upper control limit of the smoothed rate after `step` values of n each; without `step`, its
    asymptote."""
    settled = EWMA_WEIGHT / (2 - EWMA_WEIGHT)
    if step is not None:
        settled *= 1 - (1 - EWMA_WEIGHT) ** (2 * step)
    return rate + EWMA_WIDTH * math.sqrt(rate * (1 - rate) / n * settled)


def baseline(failures: int, n: int) -> float | None:
    """q0, the upper bound of the rate in a quiet period; None while n is too small for alarms."""
    return clopper_pearson_upper(failures, n) if n >= LEAST_BASELINE else None


def grid(q0: float) -> tuple[float, ...]:
    """The bets that cannot lose all their wealth on one result."""
    return tuple(bet for bet in LAMBDAS if bet < 0.9 / q0)


@dataclass(frozen=True, slots=True)
class Detector:
    """A Shiryaev-Roberts e-detector (Shin, Ramdas and Rinaldo 2024) of one rate: the wealth of each bet since
    the last alarm."""

    q0: float
    wealth: Mapping[float, float] = field(default_factory=dict)

    @property
    def level(self) -> float:
        """The mean wealth over the grid; the alarm is raised at LIMIT."""
        bets = grid(self.q0)
        return math.fsum(self.wealth.get(bet, 0.0) for bet in bets) / len(bets)

    @property
    def alarms(self) -> bool:
        return self.level >= LIMIT

    def look(self, failures: int, n: int, *, changed: bool = False) -> Detector:
        """The detector after a look at n new results; `changed` when something was released before them."""
        boost = CHANGE_BOOST if changed else 0.0
        return replace(
            self,
            wealth={
                bet: (self.wealth.get(bet, 0.0) + 1 + boost) * growth(bet, self.q0, failures, n)
                for bet in grid(self.q0)
            },
        )

    def restarted(self) -> Detector:
        return replace(self, wealth={})


def growth(bet: float, q0: float, failures: int, n: int) -> float:
    """The factor by which a bet's wealth grows; capped so that it stays finite."""
    log = failures * math.log1p(bet * (1 - q0)) + (n - failures) * math.log1p(-bet * q0)
    return math.exp(min(log, 600.0))


def combined(total: Detector, slices: Mapping[str, Detector]) -> tuple[float, str]:
    """The level of a rate watched as a whole and by slice, and the slice with the highest level."""
    if not slices:
        return total.level, ""
    loudest = max(slices, key=lambda name: slices[name].level)
    summed = math.fsum(each.level for each in slices.values())
    return total.level / 2 + summed / (2 * len(slices)), loudest

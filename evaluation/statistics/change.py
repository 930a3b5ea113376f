"""Did something change between two measurements? Paired and unpaired tests, and what a gap consists of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import z_of


def binomial_tail(hits: int, n: int) -> float:
    """P(Bin(n, 1/2) >= hits), exactly."""
    return float(sum(math.comb(n, k) for k in range(max(hits, 0), n + 1)) / 2**n)


def mcnemar(broken: int, fixed: int) -> float:
    """One-sided exact p: how often chance alone breaks at least so many of the cases that changed."""
    return binomial_tail(broken, broken + fixed)


def mcnemar_two_sided(one_way: int, other_way: int) -> float:
    return min(1.0, 2 * binomial_tail(max(one_way, other_way), one_way + other_way))


def paired_difference(broken: int, fixed: int, n: int) -> Figure:
    """(fixed - broken) / n of n pairs, interval of Agresti and Min (half a pair added to each cell)."""
    if n <= 0:
        return unknown("no pairs")
    added, both_added = n + 2, (fixed + 0.5, broken + 0.5)
    centre = (both_added[0] - both_added[1]) / added
    variance = (sum(both_added) - (both_added[0] - both_added[1]) ** 2 / added) / added**2
    half = z_of() * math.sqrt(variance)
    return Figure((fixed - broken) / n, max(-1.0, centre - half), min(1.0, centre + half), n)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction; what has no p value stays without, and is not counted."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        corrected[index] = highest
    return corrected


@dataclass(frozen=True, slots=True)
class Split:
    """What a gap between two pass rates consists of: another mix of slices, and other rates within them."""

    gap: float
    mix: float
    within: float
    only_online: tuple[str, ...] = ()
    only_offline: tuple[str, ...] = ()


def kitagawa(online: Mapping[str, tuple[float, float]], offline: Mapping[str, tuple[float, float]]) -> Split:
    """Split online minus offline; each maps a slice to (share, pass rate).

    Slices that one side lacks are named and left out; the shares of the others are scaled to one.
    """
    common = sorted(online.keys() & offline.keys())
    here, there = _shares(online, common), _shares(offline, common)
    mix = within = 0.0
    for name in common:
        rate_here, rate_there = online[name][1], offline[name][1]
        mix += (here[name] - there[name]) * (rate_here + rate_there) / 2
        within += (rate_here - rate_there) * (here[name] + there[name]) / 2
    return Split(
        gap=mix + within,
        mix=mix,
        within=within,
        only_online=tuple(sorted(online.keys() - offline.keys())),
        only_offline=tuple(sorted(offline.keys() - online.keys())),
    )


def _shares(side: Mapping[str, tuple[float, float]], names: Sequence[str]) -> dict[str, float]:
    total = sum(side[name][0] for name in names)
    return {name: side[name][0] / total if total else 0.0 for name in names}

"""Did something change between two measurements? Paired and unpaired tests, and the parts of a gap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import z_of
from evaluation.statistics.weighted import FEW_LABELS

SIGNIFICANT = 0.05
# "It did not move" is said only where the interval leaves no room for more than this.
WORTH_KNOWING = 0.10


def binomial_tail(hits: int, n: int) -> float:
    """P(Bin(n, 1/2) >= hits), exactly."""
    return float(sum(math.comb(n, k) for k in range(max(hits, 0), n + 1)) / 2**n)


def mcnemar(broken: int, fixed: int) -> float:
    """The one-sided exact p value of McNemar's test: chance breaks at least so many of those that changed."""
    return binomial_tail(broken, broken + fixed)


def mcnemar_two_sided(one_way: int, other_way: int) -> float:
    """The two-sided exact p value: twice the smaller tail, at most 1."""
    return min(1.0, 2 * binomial_tail(max(one_way, other_way), one_way + other_way))


def paired_difference(broken: int, fixed: int, n: int) -> Figure:
    """(fixed - broken) / n of n pairs, with the interval of Agresti and Min (2005): half a pair added to each
    cell."""
    if n <= 0:
        return unknown("no pairs")
    added, both_added = n + 2, (fixed + 0.5, broken + 0.5)
    centre = (both_added[0] - both_added[1]) / added
    variance = (sum(both_added) - (both_added[0] - both_added[1]) ** 2 / added) / added**2
    half = z_of() * math.sqrt(variance)
    return Figure((fixed - broken) / n, max(-1.0, centre - half), min(1.0, centre + half), n)


# The same question is asked every night. Half of the 5 % is spent on early looks, mostly the first ones, and
# half evenly over every LOOKS looks, so that late looks stay sensitive.
LOOKS = 60


def spent(look: int) -> float:
    """The share of the error rate that this look, counted from 1, may spend.

    Over any 60 looks in a row the shares sum to at most 1, so by Boole's inequality they raise a false alarm
    no more often than a single look would, however they depend on each other. (1 / (k (k + 1)) sums to 1 over
    all k.)
    """
    return 0.5 / (look * (look + 1)) + 0.5 / LOOKS


def at_look(p: float | None, look: int) -> float | None:
    """A p value corrected for repeated looks."""
    return None if p is None else min(1.0, p / spent(max(look, 1)))


def z_at_look(look: int) -> float:
    """The normal quantile of an interval corrected in the same way."""
    return z_of(1 - SIGNIFICANT * spent(max(look, 1)))


def difference(before: Figure, since: Figure) -> Figure:
    """`since` minus `before`, of two independent shares with at least FEW_LABELS observations each.

    The interval is Newcombe's (1998, method 10), built from the Wilson intervals of both shares; Zou and
    Donner (2008) show that it works with other intervals too, such as those of weighted shares.
    """
    n = before.n + since.n
    if before.n < FEW_LABELS or since.n < FEW_LABELS:
        return unknown(f"{before.n} before and {since.n} since, {FEW_LABELS} of each needed", n)
    sides = before.value, before.low, before.high, since.value, since.low, since.high
    if any(side is None for side in sides):
        return unknown(before.why_null or since.why_null or "it has no interval", n)
    was, was_low, was_high, now, now_low, now_high = (side or 0.0 for side in sides)
    gap = now - was
    low = gap - math.hypot(now - now_low, was_high - was)
    high = gap + math.hypot(now_high - now, was - was_low)
    return Figure(gap, max(-1.0, low), min(1.0, high), n)


def has_moved(gap: Figure, p: float | None = None, wide: Figure | None = None) -> bool | None:
    """True if there is a difference, False if there is none worth knowing, None if that cannot be told yet.

    Decided by the p value of an exact test if given, otherwise by whether the interval contains 0 (`wide`, if
    the question was asked before). The caller corrects both for repeated looks.
    """
    if gap.low is None or gap.high is None:
        return None
    low, high = (gap.low, gap.high) if wide is None else (wide.low or 0.0, wide.high or 0.0)
    if p <= SIGNIFICANT if p is not None else not low <= 0 <= high:
        return True
    return False if max(-gap.low, gap.high) <= WORTH_KNOWING else None


class Mover(StrEnum):
    """What moved, of a judge and the system that it judges."""

    JUDGE = "judge"
    SYSTEM = "system"
    BOTH = "both"
    NEITHER = "neither"
    TOO_FEW = "too_few"


def mover(judge: bool | None, system: bool | None) -> Mover:
    """What moved, from whether each has moved; TOO_FEW as soon as one of them cannot be told."""
    if judge is None or system is None:
        return Mover.TOO_FEW
    if judge:
        return Mover.BOTH if system else Mover.JUDGE
    return Mover.SYSTEM if system else Mover.NEITHER


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) step-down correction; entries without a p value stay None and are not counted."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        corrected[index] = highest
    return corrected


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a gap between two pass rates: another mix of slices, and other rates within them."""

    gap: float
    mix: float
    within: float
    only_online: tuple[str, ...] = ()
    only_offline: tuple[str, ...] = ()


def kitagawa(online: Mapping[str, tuple[float, float]], offline: Mapping[str, tuple[float, float]]) -> Split:
    """Split online minus offline (Kitagawa 1955); each maps a slice to (share, pass rate).

    Slices that one side lacks are named and left out; the shares of the others are scaled to 1.
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

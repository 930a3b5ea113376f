"""Is the judge swayed by what it should ignore? Its verdicts, given people's verdicts and one more property.

Each probe is a logistic regression of "the judge failed it" on "people failed it" and on the property. The
figure is the property's coefficient: the change of the judge's log odds of failing an answer, with people's
verdict held fixed. 0 means no bias. Position bias is measured on pairs that were judged in both orders.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.statistics.change import binomial_tail
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import share
from ingest.intervals import Z

LEAST_PAIRS, LEAST_OF_EACH = 50, 10
# Pairs with the property, and pairs without it.
LEAST_PER_CELL = 50
LEAST_BOTH_WAYS = 20


@dataclass(frozen=True, slots=True)
class Probed:
    """A pair as the probes see it: `size` is the length of the answer, in any unit."""

    people_fail: bool
    judge_fails: bool
    size: float
    has_it: bool = False


def length(pairs: Sequence[tuple[bool, bool, float]]) -> Figure:
    """The change of the judge's log odds of failing when an answer is twice as long, with its 95 % interval.

    `pairs` are (people failed, judge failed, length of the answer in any unit).
    """
    if refused := _too_few([judge for _, judge, _ in pairs]):
        return refused
    doublings = [math.log2(max(size, 1.0)) for *_, size in pairs]
    if max(doublings) - min(doublings) < 1e-9:
        return unknown("all answers are equally long", len(pairs))
    return _last_of([[float(human)] for human, *_ in pairs], doublings, [judge for _, judge, _ in pairs])


def given_people(pairs: Sequence[Probed]) -> Figure:
    """The same for a property that a pair has or not, such as a model of the judge's own family."""
    return _of_kind(pairs, [[float(pair.people_fail)] for pair in pairs])


def given_people_and_length(pairs: Sequence[Probed]) -> Figure:
    """The same with length held fixed too, for properties that longer answers have more often."""
    sizes = [math.log2(max(pair.size, 1.0)) for pair in pairs]
    held = [[float(pair.people_fail), size] for pair, size in zip(pairs, sizes, strict=True)]
    if sizes and max(sizes) - min(sizes) < 1e-9:
        held = [[each[0]] for each in held]
    return _of_kind(pairs, held)


def _of_kind(pairs: Sequence[Probed], held: list[list[float]]) -> Figure:
    having = sum(pair.has_it for pair in pairs)
    if min(having, len(pairs) - having) < LEAST_PER_CELL:
        return unknown(
            f"{LEAST_PER_CELL} pairs with it and {LEAST_PER_CELL} without are needed, "
            f"there are {having:,} and {len(pairs) - having:,}",
            len(pairs),
        )
    judged = [pair.judge_fails for pair in pairs]
    return _too_few(judged) or _last_of(held, [float(pair.has_it) for pair in pairs], judged)


def _too_few(judged: Sequence[bool]) -> Figure | None:
    n, fails = len(judged), sum(judged)
    if n < LEAST_PAIRS or min(fails, n - fails) < LEAST_OF_EACH:
        return unknown(f"{LEAST_PAIRS} pairs with {LEAST_OF_EACH} of each verdict are needed", n)
    return None


def _last_of(held: list[list[float]], thing: Sequence[float], judged: Sequence[bool]) -> Figure:
    """The coefficient of `thing` with its Wald interval, fitted by Newton's method with a small ridge."""
    import numpy as np

    n = len(judged)
    fixed, last = np.array(held, dtype=float), np.array(thing, dtype=float)
    y = np.array(judged, dtype=float)
    x = np.column_stack([np.ones(n), fixed - fixed.mean(axis=0), last - last.mean()])
    width = x.shape[1]
    # Without it the coefficients of a judge that always agrees with people would grow without bound.
    ridge = np.diag([0.0, *[1e-3] * (width - 1)])
    beta = np.zeros(width)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        information = x.T @ (x * (p * (1 - p))[:, None]) + ridge + 1e-9 * np.eye(width)
        step = np.linalg.solve(information, x.T @ (y - p) - ridge @ beta)
        beta = beta + np.clip(step, -4, 4)
        if float(np.abs(step).max()) < 1e-10:
            break
    half = Z * math.sqrt(float(np.linalg.inv(information)[-1, -1]))
    value = float(beta[-1])
    return Figure(value, value - half, value + half, n)


@dataclass(frozen=True, slots=True)
class Position:
    """`flips`: the share of pairs whose preference changed with the order. `first`: of those, the share that
    preferred the answer shown first. `p`: two-sided exact binomial p value of that share against 1/2."""

    flips: Figure
    first: Figure
    p: float | None


def position(both_ways: Sequence[tuple[str, str]]) -> Position:
    """`both_ways` are (preference with a shown first, with b shown first), each a, b, tie or both_bad."""
    n = len(both_ways)
    if n < LEAST_BOTH_WAYS:
        why = f"{LEAST_BOTH_WAYS} pairs judged in both orders are needed"
        return Position(unknown(why, n), unknown(why, 0), None)
    flips = share(sum(one != other for one, other in both_ways), n)
    # Toward the first shown: a rather than b when a came first than when b did.
    moved = [_toward_a(one) - _toward_a(other) for one, other in both_ways]
    first, second = sum(each > 0 for each in moved), sum(each < 0 for each in moved)
    if not first + second:
        return Position(flips, unknown("no preference changed with the order", 0), None)
    p = min(1.0, 2 * binomial_tail(max(first, second), first + second))
    return Position(flips, share(first, first + second), p)


def _toward_a(preference: str) -> int:
    return {"a": 1, "b": -1}.get(preference, 0)

"""Are a judge's probabilities of failure right? AUC, Brier score and reliability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.weighted import Row, mean, share
from ingest.intervals import Z, wilson

BINS = 10
LEAST_FOR_BINS = 50


@dataclass(frozen=True, slots=True)
class Scored:
    """`count` pairs in which the judge gave `score` (0 to 1; 1 = fails) and people said `failed`.

    Where their weights differ, `weight` is the mean of them and `squares` the sum of their squares.
    """

    score: float
    failed: bool
    weight: float = 1.0
    count: int = 1
    squares: float | None = None

    def row(self, value: float) -> Row:
        return Row(value, self.weight, self.count, squares=self.squares)


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of similar scores: their mean score, the share that people failed, and how many they are.

    `noise` is the standard error of that share, by Laplace's estimate, which is never 0.
    """

    mean_score: float
    failed: Figure
    noise: float = 0.0

    @property
    def gap(self) -> float:
        return self.mean_score - (self.failed.value or 0.0)


def auc(pairs: Sequence[Scored]) -> Figure:
    """The probability that a failure is scored above a pass (ties half), interval by its placements."""
    ordered = sorted(pairs, key=lambda pair: pair.score)
    n = sum(pair.count for pair in pairs)
    total = {side: math.fsum(p.weight * p.count for p in pairs if p.failed is side) for side in (True, False)}
    if not total[True] or not total[False]:
        return unknown("no failures" if not total[True] else "no passes", n)
    below = {True: 0.0, False: 0.0}
    placements: list[tuple[Scored, float]] = []
    for _, group in groupby(ordered, key=lambda pair: pair.score):
        tied = list(group)
        mass = {s: math.fsum(p.weight * p.count for p in tied if p.failed is s) for s in (True, False)}
        for pair in tied:
            other = not pair.failed
            under = (below[other] + mass[other] / 2) / total[other]
            placements.append((pair, under if pair.failed else 1 - under))
        for side in mass:
            below[side] += mass[side]
    value = math.fsum(p.weight * p.count * at for p, at in placements if p.failed) / total[True]
    variance = math.fsum(p.row(0).square * ((at - value) / total[p.failed]) ** 2 for p, at in placements)
    fewer = min(sum(p.count for p in pairs if p.failed is side) for side in (True, False))
    n_eff = value * (1 - value) / variance if variance > 0 else fewer
    low, high = wilson(value, n_eff)
    return Figure(value, low, high, n)


def average_precision(pairs: Sequence[Scored]) -> Figure:
    """The mean precision over the failures, from the highest score down; ties are taken together.

    Its interval is symmetric in its log odds, by how much each pair moves it (infinitesimal jackknife).
    """
    n = sum(pair.count for pair in pairs)
    failures = math.fsum(p.weight * p.count for p in pairs if p.failed)
    if not failures:
        return unknown("no failures", n)
    taken = hits = total = 0.0
    groups: list[tuple[list[Scored], float, float, float]] = []
    for _, group in groupby(sorted(pairs, key=lambda p: -p.score), key=lambda p: p.score):
        tied = list(group)
        found = math.fsum(p.weight * p.count for p in tied if p.failed)
        taken += math.fsum(p.weight * p.count for p in tied)
        hits += found
        total += found * hits / taken
        groups.append((tied, found, hits, taken))
    value = min(total / failures, 1.0)
    if value >= 1:
        return Figure(1.0, wilson(1.0, sum(p.count for p in pairs if p.failed))[0], 1.0, n)
    half = Z * math.sqrt(_moved(groups, value) / failures**2) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return Figure(value, _expit(centre - half), _expit(centre + half), n)


def _moved(groups: Sequence[tuple[list[Scored], float, float, float]], value: float) -> float:
    """The sum of squares of what each pair adds to the sum of precisions, from the lowest score up."""
    raised = lowered = squares = 0.0
    for tied, found, hits, taken in reversed(groups):
        raised += found * (taken - hits) / taken**2
        lowered += found * hits / taken**2
        for pair in tied:
            influence = hits / taken + raised - value if pair.failed else -lowered
            squares += pair.row(0).square * influence**2
    return squares


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def brier(pairs: Sequence[Scored]) -> Figure:
    """Brier (1950): the weighted mean square of score minus outcome, 0 at best; with its normal interval."""
    return mean([p.row((p.score - p.failed) ** 2) for p in pairs], "the judge gives no score")


def reliability(pairs: Sequence[Scored], bins: int = BINS) -> list[Bin]:
    """Bins of about equal n from the lowest score up; equal scores are never parted."""
    n = sum(pair.count for pair in pairs)
    if n < LEAST_FOR_BINS:
        return []
    made: list[Bin] = []
    collected: list[Scored] = []
    left, have = n, 0
    for _, group in groupby(sorted(pairs, key=lambda p: p.score), key=lambda p: p.score):
        tied = list(group)
        collected += tied
        have += sum(pair.count for pair in tied)
        if have >= left / max(bins - len(made), 1):
            made.append(_bin(collected))
            left -= have
            collected, have = [], 0
    return made + ([_bin(collected)] if collected else [])


def _bin(pairs: Sequence[Scored]) -> Bin:
    weight = math.fsum(p.weight * p.count for p in pairs)
    failed = share([p.row(float(p.failed)) for p in pairs])
    likely = ((failed.figure.value or 0.0) * failed.n_eff + 1) / (failed.n_eff + 2)
    return Bin(
        mean_score=math.fsum(p.weight * p.count * p.score for p in pairs) / weight,
        failed=failed.figure,
        noise=math.sqrt(likely * (1 - likely) / failed.n_eff),
    )

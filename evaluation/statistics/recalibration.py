"""How good would a judge's scores be as probabilities? Platt scaling or isotonic regression, cross-fitted.

The id of a pair decides its fold; each fold is recalibrated by the curve fitted to the other folds. Equal
pairs come as one with a count, so the work does not grow with the number of pairs.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evaluation.statistics import scores
from evaluation.statistics.calibration_error import calibration_error
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.scores import Bin, Scored
from evaluation.statistics.weighted import mean

FOLDS = 5
LEAST_ISOTONIC, LEAST_OF_EACH = 1000, 50
PLATT, ISOTONIC = "platt", "isotonic"
# Scores of 0 and 1 have no log odds.
NEAREST = 1e-4
STEPS, HALVINGS, ENOUGH = 100, 30, 1e-12

Folded = Sequence[tuple[int, Scored]]


def fold_of(number: int) -> int:
    """The fold of an id. Neighbouring ids, and ids at regular distances, are spread over all folds.

    Fibonacci hashing (Knuth, volume 3, 6.4); `comparison` says the same in SQL.
    """
    return (((number & 0x7FFFFFFF) * 2654435769 & 0xFFFFFFFF) >> 16) % FOLDS


@dataclass(frozen=True, slots=True)
class Platt:
    """The log odds of failing, as a linear function of the log odds of the score."""

    intercept: float
    slope: float

    def at(self, score: float) -> float:
        return _expit(self.intercept + self.slope * _log_odds(score))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A curve that never falls: linear between its points, constant outside."""

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def at(self, score: float) -> float:
        place = bisect_right(self.scores, score)
        if place in (0, len(self.scores)):
            return self.shares[max(place - 1, 0)]
        left, right = self.scores[place - 1], self.scores[place]
        low, high = self.shares[place - 1], self.shares[place]
        return low + (high - low) * (score - left) / (right - left)


Curve = Platt | Isotonic


@dataclass(frozen=True, slots=True)
class Recalibration:
    """What recalibration would change; if there are too few labels, `method` is empty and `why` says so.

    `curves` are those of the folds; `difference` is the Brier score after minus the one before.
    """

    method: str
    why: str
    failures: int
    passes: int
    before: Figure
    after: Figure
    difference: Figure
    error_before: Figure
    error_after: Figure
    bins: tuple[Bin, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def n(self) -> int:
        return self.failures + self.passes


def recalibration(pairs: Folded) -> Recalibration:
    """Platt scaling, from 1,000 labels on isotonic regression; both need 50 failures and 50 passes."""
    given = [pair for _, pair in pairs]
    failures = sum(pair.count for pair in given if pair.failed)
    n = sum(pair.count for pair in given)
    before, error = scores.brier(given), calibration_error(scores.reliability(given), n)
    if why := _missing(failures, n - failures):
        none = unknown(why, n)
        return Recalibration("", why, failures, n - failures, before, none, none, error, none)
    method = ISOTONIC if n >= LEAST_ISOTONIC else PLATT
    curves = tuple(_fitted(method, [pair for at, pair in pairs if at != fold]) for fold in range(FOLDS))
    fitted = [replace(pair, score=curves[fold].at(pair.score)) for fold, pair in pairs]
    gained = [
        pair.row((new.score - new.failed) ** 2 - (pair.score - pair.failed) ** 2)
        for pair, new in zip(given, fitted, strict=True)
    ]
    bins = scores.reliability(fitted)
    return Recalibration(
        method,
        "",
        failures,
        n - failures,
        before,
        scores.brier(fitted),
        mean(gained),
        error,
        calibration_error(bins, n),
        tuple(bins),
        curves,
    )


def _missing(failures: int, passes: int) -> str:
    """Which labels there are too few of; empty where there are enough."""
    if not failures + passes:
        return "no labelled trace has a score"
    kinds = (("labelled failures", failures), ("labelled passes", passes))
    few = [f"{n} {words} with a score" for words, n in kinds if n < LEAST_OF_EACH]
    return f"{' and '.join(few)}, {LEAST_OF_EACH} needed" if few else ""


def _fitted(method: str, pairs: Sequence[Scored]) -> Curve:
    return isotonic(pairs) if method == ISOTONIC else platt(pairs)


def platt(pairs: Sequence[Scored]) -> Platt:
    """Maximum likelihood with the targets of Platt (1999), which keep the slope finite for a judge that is
    never wrong; by Newton's method with step halving (Lin, Lin and Weng 2007)."""
    counts = {side: sum(p.count for p in pairs if p.failed is side) for side in (True, False)}
    targets = {True: (counts[True] + 1) / (counts[True] + 2), False: 1 / (counts[False] + 2)}
    rows = [(_log_odds(p.score), targets[p.failed], p.weight * p.count) for p in pairs]
    total = math.fsum(w for *_, w in rows)
    middle = math.fsum(w * x for x, _, w in rows) / total
    rows = [(x - middle, t, w / total) for x, t, w in rows]
    a, b = 0.0, 1.0
    loss = _loss(rows, a, b)
    for _ in range(STEPS):
        step = _newton(rows, a, b)
        for halved in range(HALVINGS):
            tried = a - step[0] / 2**halved, b - step[1] / 2**halved
            found = _loss(rows, *tried)
            if found <= loss:
                break
        else:
            break
        is_done = loss - found < ENOUGH
        (a, b), loss = tried, found
        if is_done:
            break
    return Platt(a - b * middle, b)


Rows = Sequence[tuple[float, float, float]]


def _loss(rows: Rows, a: float, b: float) -> float:
    return math.fsum(w * (_softplus(a + b * x) - t * (a + b * x)) for x, t, w in rows)


def _newton(rows: Rows, a: float, b: float) -> tuple[float, float]:
    """Newton's step, with a tiny ridge for the case that all scores are equal."""
    ga = gb = haa = hab = hbb = 0.0
    for x, t, w in rows:
        p = _expit(a + b * x)
        gap, spread = w * (p - t), w * p * (1 - p)
        ga, gb = ga + gap, gb + gap * x
        haa, hab, hbb = haa + spread, hab + spread * x, hbb + spread * x * x
    haa, hbb = haa + 1e-12, hbb + 1e-12
    square = haa * hbb - hab * hab
    return (hbb * ga - hab * gb) / square, (haa * gb - hab * ga) / square


def isotonic(pairs: Iterable[Scored]) -> Isotonic:
    """Weighted isotonic regression by pooling adjacent violators (Ayer and others 1955)."""
    sums: dict[float, tuple[float, float]] = {}
    for pair in pairs:
        weight, failed = sums.get(pair.score, (0.0, 0.0))
        mass = pair.weight * pair.count
        sums[pair.score] = weight + mass, failed + mass * pair.failed
    blocks: list[tuple[float, float, float, float]] = []  # from, to, weight, of it failed
    for score, (weight, failed) in sorted(sums.items()):
        blocks.append((score, score, weight, failed))
        while len(blocks) > 1 and blocks[-2][3] * blocks[-1][2] >= blocks[-1][3] * blocks[-2][2]:
            _, to, more, also = blocks.pop()
            start, _, had, of_it = blocks.pop()
            blocks.append((start, to, had + more, of_it + also))
    at: list[float] = []
    shares: list[float] = []
    for start, to, weight, failed in blocks:
        ends = (start,) if start == to else (start, to)
        at += ends
        shares += [failed / weight] * len(ends)
    return Isotonic(tuple(at), tuple(shares))


def _log_odds(score: float) -> float:
    kept = min(max(score, NEAREST), 1 - NEAREST)
    return math.log(kept / (1 - kept))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))

"""How good is a judge, and how bad is production? Every figure of the calibration page, from counted pairs.

A pair is a human verdict and a judge's verdict on the same trace; failing is the positive class. Pairs that
are equal in all that matters here come as one Cell with a count, so the work does not grow with their number.
Every figure lies between 0 and 1, except kappa, AC1, PABAK and MCC, which lie between -1 and 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.statistics import resampling, tables
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.resampling import Kind, ratio
from evaluation.statistics.weighted import Row, share
from ingest.intervals import Z

LEAST_ASYMPTOTIC, LEAST_MARGINAL = 100, 5
NO_PAIRS = "no trace has both a human label and a verdict"
NO_CHANCE = "all verdicts are one and the same, so chance alone would agree as well"


@dataclass(frozen=True, slots=True)
class Cell:
    """`count` equal pairs. `weight` is 1 / pi of each; `cluster` names their session, empty for independent
    pairs."""

    human_fails: bool
    judge_fails: bool
    weight: float = 1.0
    count: int = 1
    stratum: str = ""
    cluster: str = ""

    @property
    def agrees(self) -> bool:
        return self.human_fails == self.judge_fails

    def features(self) -> tuple[float, float, float, float]:
        """(tp, fn, fp, tn), with its weight in the one where it belongs."""
        place = (0 if self.judge_fails else 1) if self.human_fails else (2 if self.judge_fails else 3)
        placed = [0.0, 0.0, 0.0, 0.0]
        placed[place] = self.weight
        return placed[0], placed[1], placed[2], placed[3]


@dataclass(frozen=True, slots=True)
class Confusion:
    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True)
class Measures:
    n: int
    confusion: Confusion
    agreement: Figure
    tpr: Figure
    tnr: Figure
    precision: Figure
    base_rate: Figure
    judged_rate: Figure
    pabak: Figure
    kappa: Figure
    ac1: Figure
    f1: Figure
    mcc: Figure


def measure(cells: Sequence[Cell]) -> Measures:
    """All figures of the pairs; AC1, F1 and MCC have intervals by resampling."""
    shares = measure_shares(cells)
    kinds = list(kinds_of(cells))
    n = shares.n
    coefficient = {
        name: resampling.estimate(kinds, statistic, n, why_null=NO_CHANCE if n else NO_PAIRS)
        for name, statistic in (("ac1", _ac1), ("f1", _f1), ("mcc", _mcc))
    }
    return Measures(
        n=n,
        confusion=shares.confusion,
        agreement=shares.agreement,
        tpr=shares.tpr,
        tnr=shares.tnr,
        precision=shares.precision,
        base_rate=shares.base_rate,
        judged_rate=shares.judged_rate,
        pabak=pabak(shares.agreement),
        kappa=kappa(cells, kinds),
        ac1=coefficient["ac1"],
        f1=coefficient["f1"],
        mcc=coefficient["mcc"],
    )


@dataclass(frozen=True, slots=True)
class Shares:
    """The figures that need no resampling: cheap enough for every week and slice."""

    n: int
    confusion: Confusion
    agreement: Figure
    tpr: Figure
    tnr: Figure
    precision: Figure
    base_rate: Figure
    judged_rate: Figure


def measure_shares(cells: Sequence[Cell]) -> Shares:
    return Shares(
        n=sum(cell.count for cell in cells),
        confusion=confusion(cells),
        agreement=_share(cells, lambda cell: cell.agrees, NO_PAIRS),
        tpr=_share([c for c in cells if c.human_fails], lambda cell: cell.agrees, "no labelled failures"),
        tnr=_share([c for c in cells if not c.human_fails], lambda cell: cell.agrees, "no labelled passes"),
        precision=_share([c for c in cells if c.judge_fails], lambda c: c.human_fails, "it failed nothing"),
        base_rate=_share(cells, lambda cell: cell.human_fails, NO_PAIRS),
        judged_rate=_share(cells, lambda cell: cell.judge_fails, NO_PAIRS),
    )


def confusion(cells: Iterable[Cell]) -> Confusion:
    """Plain counts, whatever the weights."""
    counts = {(human, judge): 0 for human in (True, False) for judge in (True, False)}
    for cell in cells:
        counts[cell.human_fails, cell.judge_fails] += cell.count
    return Confusion(
        tp=counts[True, True], fp=counts[False, True], fn=counts[True, False], tn=counts[False, False]
    )


def kappa(cells: Sequence[Cell], kinds: Sequence[Kind]) -> Figure:
    """Cohen's kappa (1960), undefined where chance alone agrees always.

    Plain counts that are large enough get the asymptotic interval (`tables.kappa`), all others a bootstrap.
    """
    n = sum(cell.count for cell in cells)
    if not n:
        return unknown(NO_PAIRS)
    table = table_of(cells)
    found = tables.kappa([[cell / cells[0].weight for cell in row] for row in table])
    if found is None:
        return unknown(NO_CHANCE, n)
    if _is_plain(cells) and n >= LEAST_ASYMPTOTIC and _least_marginal(cells) >= LEAST_MARGINAL:
        half = Z * found.se
        return Figure(found.value, found.value - half, min(1.0, found.value + half), n)
    return resampling.estimate(kinds, _kappa, n, why_null=NO_CHANCE)


def table_of(cells: Iterable[Cell]) -> list[list[float]]:
    """Weights as [[tp, fn], [fp, tn]]."""
    sums = [0.0, 0.0, 0.0, 0.0]
    for cell in cells:
        for place, weight in enumerate(cell.features()):
            sums[place] += weight * cell.count
    return [sums[:2], sums[2:]]


def kinds_of(cells: Iterable[Cell]) -> Iterable[Kind]:
    """Independent groups: each pair, or where sessions repeat, each session with all its pairs."""
    singles: dict[tuple[str, tuple[float, ...]], int] = defaultdict(int)
    clusters: dict[str, tuple[str, list[float]]] = {}
    for cell in cells:
        if not cell.cluster:
            singles[cell.stratum, cell.features()] += cell.count
            continue
        _, sums = clusters.setdefault(cell.cluster, (cell.stratum, [0.0, 0.0, 0.0, 0.0]))
        for place, weight in enumerate(cell.features()):
            sums[place] += weight * cell.count
    for stratum, sums in clusters.values():
        singles[stratum, tuple(sums)] += 1
    for (stratum, features), count in singles.items():
        yield Kind(stratum, features, count)


def _is_plain(cells: Sequence[Cell]) -> bool:
    return not any(cell.cluster for cell in cells) and len({cell.weight for cell in cells}) == 1


def _least_marginal(cells: Sequence[Cell]) -> int:
    """The fewest pairs in a row or column."""
    counts = confusion(cells)
    rows = counts.tp + counts.fn, counts.fp + counts.tn
    return min(*rows, counts.tp + counts.fp, counts.fn + counts.tn)


def _share(cells: Sequence[Cell], holds: Any, why_null: str) -> Figure:
    kinds: dict[tuple[bool, float], int] = defaultdict(int)
    for cell in cells:
        kinds[holds(cell), cell.weight] += cell.count
    rows = [Row(float(value), weight, count) for (value, weight), count in sorted(kinds.items())]
    return share(rows, why_null).figure


def pabak(agreement: Figure, categories: int = 2) -> Figure:
    """Prevalence- and bias-adjusted kappa (Byrt and others 1993): (K po - 1) / (K - 1) of K categories."""
    if agreement.value is None or agreement.low is None or agreement.high is None:
        return agreement
    value, low, high = (
        (categories * side - 1) / (categories - 1)
        for side in (agreement.value, agreement.low, agreement.high)
    )
    return Figure(value, low, high, agreement.n)


def _kappa(sums: Any) -> Any:
    tp, fn, fp, tn = sums
    n = tp + fn + fp + tn
    po = ratio(tp + tn, n)
    pe = ratio((tp + fn) * (tp + fp) + (fp + tn) * (fn + tn), n * n)
    return ratio(po - pe, 1 - pe)


def _ac1(sums: Any) -> Any:
    """Gwet's AC1 (2008): chance agreement 2 q (1 - q) of the mean share q that both call a failure."""
    tp, fn, fp, tn = sums
    n = tp + fn + fp + tn
    fails = ratio(2 * tp + fn + fp, 2 * n)
    pe = 2 * fails * (1 - fails)
    return ratio(ratio(tp + tn, n) - pe, 1 - pe)


def _f1(sums: Any) -> Any:
    tp, fn, fp, _ = sums
    return ratio(2 * tp, 2 * tp + fp + fn)


def _mcc(sums: Any) -> Any:
    """Matthews' correlation coefficient (1975); undefined where a row or column is empty."""
    import numpy as np

    tp, fn, fp, tn = sums
    scale = np.maximum((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn), 0.0)
    return ratio(tp * tn - fp * fn, np.sqrt(scale))

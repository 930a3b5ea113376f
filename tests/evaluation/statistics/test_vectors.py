"""The vectors of the specification, to the printed digits."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from evaluation.statistics import correction, tables, watching
from evaluation.statistics.intervals import share as plain_share
from evaluation.statistics.measures import Cell, kinds_of, measure, measure_shares, pabak, table_of
from evaluation.statistics.people import concord
from evaluation.statistics.weighted import Row, share

Y, F = "1010010100", "1000110100"
WEIGHTS = [10.0] * 6 + [50.0] * 4


def near(value: float, digits: int = 6) -> object:
    return pytest.approx(value, abs=0.51 * 10**-digits)


def pairs_of(table: list[list[int]]) -> list[Cell]:
    """People's verdicts in rows, the judge's in columns, fail first."""
    places = [(row, column) for row in (0, 1) for column in (0, 1)]
    return [
        Cell(not row, not column, count=table[row][column]) for row, column in places if table[row][column]
    ]


@pytest.mark.parametrize(
    ("table", "kappa", "se", "se0"),
    [
        ([[20, 5], [10, 15]], 0.4, 0.126996, 0.138564),
        ([[118, 5], [2, 0]], -0.023392, None, None),
        ([[688, 24], [276, 12]], 0.010763, None, None),
        ([[50, 10, 2], [8, 40, 6], [1, 9, 30]], 0.648385, 0.051414, 0.057110),
    ],
)
def test_kappa(table: list[list[int]], kappa: float, se: float | None, se0: float | None) -> None:
    found = tables.kappa(table)
    assert found is not None
    assert found.value == near(kappa)
    if se is not None:
        assert (found.se, found.se0) == (near(se), near(se0 or 0))


def test_kappa_has_its_asymptotic_interval_where_counts_are_large_enough() -> None:
    found = measure(pairs_of([[40, 10], [20, 30]])).kappa
    half = 1.959963984540054 * 0.126996 / math.sqrt(2)
    assert (found.value, found.low, found.high) == (near(0.4), near(0.4 - half, 5), near(0.4 + half, 5))


@pytest.mark.parametrize(
    ("table", "kappa", "ac1"),
    [
        ([[20, 5], [10, 15]], 0.4, 0.405941),
        ([[118, 5], [2, 0]], -0.023392, 0.940776),
        ([[688, 24], [276, 12]], 0.010763, 0.588188),
    ],
)
def test_kappa_and_ac1_of_pairs(table: list[list[int]], kappa: float, ac1: float) -> None:
    found = measure(pairs_of(table))
    assert (found.kappa.value, found.ac1.value) == (near(kappa), near(ac1))


def test_ac1_of_three_categories() -> None:
    table = [[50, 10, 2], [8, 40, 6], [1, 9, 30]]
    met = Counter[tuple[int, ...]]()
    for row, counts in enumerate(table):
        for column, n in enumerate(counts):
            met[min(row, column), max(row, column)] += n
    assert concord(met, 3).ac1.value == near(0.656614)


@pytest.mark.parametrize(
    ("scheme", "kappa", "se", "se0"),
    [("linear", 0.705916, 0.045974, 0.062537), ("quadratic", 0.766932, 0.044428, 0.080037)],
)
def test_weighted_kappa(scheme: str, kappa: float, se: float, se0: float) -> None:
    found = tables.kappa([[50, 10, 2], [8, 40, 6], [1, 9, 30]], scheme)
    assert found is not None
    assert (found.value, found.se, found.se0) == (near(kappa), near(se), near(se0))


def test_pabak() -> None:
    assert measure(pairs_of([[118, 5], [2, 0]])).pabak.value == near(0.888)
    assert pabak(plain_share(120, 156), 3).value == near(0.653846)


def rows_where(keep: str | None, value: str, *, agree: bool = False) -> list[Row]:
    return [
        Row(float(y == f) if agree else float(y == "1"), w)
        for y, f, w in zip(Y, F, WEIGHTS, strict=True)
        if keep is None or y == keep
    ]


@pytest.mark.parametrize(
    ("rows", "value", "se", "n_eff", "low", "high"),
    [
        (rows_where(None, Y), 0.307692, 0.175432, 6.921502, 0.092181, 0.660478),
        (rows_where(None, Y, agree=True), 0.923077, 0.058577, 10, 0.622647, 0.988671),
        (rows_where("1", Y, agree=True), 0.875, 0.136216, 4, 0.395773, 0.986809),
        (rows_where("0", Y, agree=True), 0.944444, 0.059047, 6, 0.546070, 0.995855),
        ([Row(0.0, w) for w in WEIGHTS], 0, 0, 6.377358, 0, 0.375920),
        ([Row(float(y == "1")) for y in Y], 0.4, 0.154919, 10, 0.168180, 0.687326),
    ],
)
def test_weighted_shares(
    rows: list[Row], value: float, se: float, n_eff: float, low: float, high: float
) -> None:
    found = share(rows)
    figure = found.figure
    assert (figure.value, found.se, found.n_eff) == (near(value), near(se), near(n_eff))
    assert (figure.low, figure.high) == (near(low), near(high))


def cells(weights: list[float]) -> list[Cell]:
    return [Cell(y == "1", f == "1", w) for y, f, w in zip(Y, F, weights, strict=True)]


def test_weighted_kappa_and_ac1_of_pairs() -> None:
    found = measure(cells(WEIGHTS))
    assert (found.kappa.value, found.ac1.value) == (near(0.819444), near(0.865979))
    assert tables.kappa(table_of(cells(WEIGHTS))).value == near(0.819444)  # type: ignore[union-attr]
    assert sum(kind.count for kind in kinds_of(cells(WEIGHTS))) == 10


def test_the_table_that_agreement_alone_would_praise() -> None:
    found = measure_shares(
        [
            Cell(True, True, 1, 12),
            Cell(True, False, 1, 276),
            Cell(False, True, 1, 24),
            Cell(False, False, 1, 688),
        ]
    )
    assert found.agreement.value == near(0.7)
    assert found.tpr.value == near(0.041667)


@pytest.mark.parametrize(
    ("weights", "judged_weights", "power", "theta", "se", "labels_se"),
    [
        ([1.0] * 10, [1.0] * 20, 0.379310, 0.262069, 0.129721, 0.144914),
        (
            [10, 10, 10, 50, 50, 50, 10, 10, 50, 50],
            [2.5] * 10 + [12.5] * 10,
            0.410051,
            0.137655,
            0.129935,
            0.154480,
        ),
    ],
)
def test_ppi(
    weights: list[float],
    judged_weights: list[float],
    power: float,
    theta: float,
    se: float,
    labels_se: float,
) -> None:
    labelled = [
        Row(float(y), w, 1, float(f)) for y, f, w in zip("1001000100", "1001010000", weights, strict=True)
    ]
    judged = [Row(float(i in {0, 4, 8, 15}), w) for i, w in enumerate(judged_weights)]
    found = correction.ppi(labelled, judged)
    assert (found.power, found.figure.value) == (near(power), near(theta))
    assert (found.se, found.labels_only_se) == (near(se), near(labels_se))


@pytest.mark.parametrize(
    ("positive", "n", "tp", "n1", "tn", "n0", "classic", "adjusted", "low", "high"),
    [
        (200, 1000, 40, 50, 135, 150, 0.142857, 0.140347, 0.064840, 0.214586),
        (48, 400, 36, 40, 190, 200, 0.082353, 0.083678, 0.030474, 0.136502),
        (10, 200, 24, 30, 96, 100, 0.013158, 0.012921, 0, 0.081623),
    ],
)
def test_rogan_gladen(
    positive: int,
    n: int,
    tp: int,
    n1: int,
    tn: int,
    n0: int,
    classic: float,
    adjusted: float,
    low: float,
    high: float,
) -> None:
    found = correction.rogan_gladen(positive / n, n, tp / n1, n1, tn / n0, n0)
    figure = found.adjusted
    assert (found.classic, figure.value) == (near(classic), near(adjusted))
    assert (figure.low, figure.high) == (near(low), near(high))


def test_e_detector() -> None:
    detector = watching.Detector(0.08)
    boosted = watching.Detector(0.08)
    for look, (k, m) in enumerate([(1, 16), (0, 17), (3, 16), (4, 18)]):
        detector = detector.look(k, m)
        boosted = boosted.look(k, m, changed=look == 2)
    assert (detector.level, boosted.level) == (near(10.249008), near(1600.849463))
    assert watching.grid(0.15) == (0.25, 0.5, 1, 2, 3, 4)
    assert watching.grid(0.30) == (0.25, 0.5, 1, 2)


@pytest.mark.parametrize(
    ("n", "q", "lower", "upper"),
    [(50, 0.08, 0, 11), (100, 0.08, 1, 17), (250, 0.08, 8, 34), (200, 0.5, 79, 121)],
)
def test_exact_limits(n: int, q: float, lower: int, upper: int) -> None:
    assert watching.exact_limits(n, q) == (lower, upper)


def test_ewma() -> None:
    limits = [watching.ewma_limit(0.08, 50, step) for step in (1, 2, 3)]
    assert limits == [near(0.110693), near(0.119307), near(0.123942)]
    assert watching.ewma_limit(0.08, 50) == near(0.131156)
    assert watching.ewma([1.0, 0.0], 0.5) == pytest.approx([0.6, 0.48])
    assert math.isfinite(watching.ewma_limit(0.0, 50))

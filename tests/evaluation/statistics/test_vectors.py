"""The vectors of the specification, to the printed digits."""

from __future__ import annotations

import math

import pytest

from evaluation.statistics import correction, tables, watching
from evaluation.statistics.alpha import alpha
from evaluation.statistics.measures import Cell, kinds_of, measure, measure_shares, table_of
from evaluation.statistics.weighted import Row, share

Y, F = "1010010100", "1000110100"
WEIGHTS = [10.0] * 6 + [50.0] * 4
FLEISS = (
    """0 0 0 0 14;0 2 6 4 2;0 0 3 5 6;0 3 9 2 0;2 2 8 1 1;7 7 0 0 0;3 2 6 3 0;2 5 3 2 2;6 5 2 1 0;0 2 2 3 7"""
)


def near(value: float, digits: int = 6) -> object:
    return pytest.approx(value, abs=0.51 * 10**-digits)


@pytest.mark.parametrize(
    ("table", "kappa", "se", "se0", "ac1"),
    [
        ([[20, 5], [10, 15]], 0.4, 0.126996, 0.138564, 0.405941),
        ([[118, 5], [2, 0]], -0.023392, None, None, 0.940776),
        ([[688, 24], [276, 12]], 0.010763, None, None, 0.588188),
        ([[50, 10, 2], [8, 40, 6], [1, 9, 30]], 0.648385, 0.051414, 0.057110, 0.656614),
    ],
)
def test_kappa_and_ac1(
    table: list[list[int]], kappa: float, se: float | None, se0: float | None, ac1: float
) -> None:
    found = tables.kappa(table)
    assert found is not None
    assert found.value == near(kappa)
    assert tables.ac1(table) == near(ac1)
    if se is not None:
        assert (found.se, found.se0) == (near(se), near(se0 or 0))


@pytest.mark.parametrize(
    ("scheme", "kappa", "se", "se0"),
    [("linear", 0.705916, 0.045974, 0.062537), ("quadratic", 0.766932, 0.044428, 0.080037)],
)
def test_weighted_kappa(scheme: str, kappa: float, se: float, se0: float) -> None:
    found = tables.kappa([[50, 10, 2], [8, 40, 6], [1, 9, 30]], scheme)
    assert found is not None
    assert (found.value, found.se, found.se0) == (near(kappa), near(se), near(se0))


def test_pabak_and_fleiss() -> None:
    assert tables.pabak([[118, 5], [2, 0]]) == near(0.888)
    assert tables.pabak([[50, 10, 2], [8, 40, 6], [1, 9, 30]]) == near(0.653846)
    assert tables.fleiss([[int(c) for c in row.split()] for row in FLEISS.split(";")]) == near(0.209931)


@pytest.mark.parametrize(
    ("level", "value"), [("nominal", 0.691358), ("ordinal", 0.806721), ("interval", 0.810845)]
)
def test_krippendorffs_example(level: str, value: float) -> None:
    coders = (
        "* * * * * 3 4 1 2 1 1 3 3 * 3",
        "1 * 2 1 3 3 4 3 * * * * * * *",
        "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
    )
    rows = [[None if c == "*" else float(c) for c in row.split()] for row in coders]
    assert alpha(list(zip(*rows, strict=True)), level) == near(value)


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

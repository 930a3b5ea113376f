"""The vectors of the specification for intervals, and their edges."""

from __future__ import annotations

import pytest

from evaluation.statistics import intervals


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(45, 50, 0.7864, 0.9565), (0, 30, 0.0, 0.1135), (30, 30, 0.8865, 1.0)]
)
def test_wilson(hits: int, n: int, low: float, high: float) -> None:
    assert intervals.wilson(hits / n, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("hits", "n", "upper"),
    [(8, 100, 0.139717), (80, 1000, 0.095551), (400, 5000, 0.086594), (0, 100, 0.029513), (5, 5, 1.0)],
)
def test_clopper_pearson_upper(hits: int, n: int, upper: float) -> None:
    assert intervals.clopper_pearson_upper(hits, n) == pytest.approx(upper, abs=5e-7)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (90, 100, 0.771729, 0.971158),
        (900, 1000, 0.861633, 0.931220),
        (8, 100, 0.018731, 0.202065),
        (0, 50, 0.0, 0.129381),
        (50, 50, 1 - 0.129381, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_confidence_sequence(hits: int, n: int, low: float, high: float) -> None:
    assert intervals.confidence_sequence(hits, n) == pytest.approx((low, high), abs=5e-7)


@pytest.mark.parametrize(("threshold", "n"), [(0.80, 11), (0.90, 25), (0.95, 52)])
def test_all_pass_minimum(threshold: float, n: int) -> None:
    assert intervals.all_pass_minimum(threshold) == n
    assert intervals.wilson_lower(n, n) >= threshold > intervals.wilson_lower(n - 1, n - 1)


def test_a_share_of_nothing_is_null_with_a_reason() -> None:
    figure = intervals.share(0, 0, "no failures")
    assert figure.value is None
    assert figure.why_null == "no failures"


def test_wilson_and_clopper_pearson_are_those_of_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for hits, n in [(0, 7), (1, 7), (7, 7), (13, 200), (450, 451)]:
        assert intervals.wilson(hits / n, n) == pytest.approx(
            proportion.proportion_confint(hits, n, method="wilson"), abs=1e-12
        )
        both_sides = proportion.proportion_confint(hits, n, alpha=0.1, method="beta")
        assert intervals.clopper_pearson_upper(hits, n) == pytest.approx(both_sides[1], abs=1e-10)

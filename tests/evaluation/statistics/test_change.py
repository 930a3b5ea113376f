"""The vectors of the specification for tests of change, and their edges."""

from __future__ import annotations

import pytest

from evaluation.statistics import change


@pytest.mark.parametrize(
    ("broken", "fixed", "p"), [(12, 3, 0.0176), (7, 1, 0.0352), (5, 0, 0.03125), (0, 0, 1.0), (0, 5, 1.0)]
)
def test_mcnemar_is_one_sided_and_exact(broken: int, fixed: int, p: float) -> None:
    assert change.mcnemar(broken, fixed) == pytest.approx(p, abs=5e-5)


def test_mcnemar_two_sided_is_that_of_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for one, other in [(3, 12), (0, 5), (4, 4), (13, 2)]:
        oracle = tables.mcnemar([[50, one], [other, 50]], exact=True).pvalue
        assert change.mcnemar_two_sided(one, other) == pytest.approx(oracle, abs=1e-12)


def test_paired_difference_holds_the_difference_and_never_leaves_its_range() -> None:
    figure = change.paired_difference(13, 2, 240)
    assert figure.value == pytest.approx(-11 / 240)
    assert figure.low is not None
    assert figure.high is not None
    assert -1 <= figure.low < -11 / 240 < figure.high < 0
    assert change.paired_difference(0, 0, 0).why_null == "no pairs"


def test_holm_is_that_of_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5]
    oracle = multitest.multipletests(p_values, method="holm")[1]
    assert change.holm(p_values) == pytest.approx(list(oracle))
    assert change.holm([None, 0.02, None]) == [None, 0.02, None]


def test_kitagawa() -> None:
    online = {"a": (0.5, 0.9), "b": (0.3, 0.8), "c": (0.2, 0.6)}
    offline = {"a": (0.2, 0.95), "b": (0.3, 0.9), "c": (0.5, 0.8)}
    split = change.kitagawa(online, offline)
    assert (split.gap, split.mix, split.within) == pytest.approx((-0.05, 0.0675, -0.1175))


def test_kitagawa_names_slices_that_one_side_lacks() -> None:
    split = change.kitagawa({"a": (0.5, 0.9), "new": (0.5, 0.1)}, {"a": (1.0, 0.8)})
    assert split.only_online == ("new",)
    assert split.within == pytest.approx(0.1)

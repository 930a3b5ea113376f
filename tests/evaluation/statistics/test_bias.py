"""The length probe: against statsmodels, and what it says of a judge that looks at length."""

from __future__ import annotations

import random

import pytest

from evaluation.statistics import bias


def pairs(slope: float, n: int = 600) -> list[tuple[bool, bool, float]]:
    chance = random.Random(4)
    made = []
    for _ in range(n):
        human, size = chance.random() < 0.3, 100 * 2 ** chance.uniform(0, 4)
        odds = (0.75 if human else 0.1) + slope * (size > 400)
        made.append((human, chance.random() < odds, size))
    return made


def test_it_is_the_logistic_regression_of_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    import numpy as np

    made = pairs(0.1)
    x = np.array([[1.0, human, np.log2(size)] for human, _, size in made])
    oracle = api.Logit(np.array([judge for _, judge, _ in made], dtype=float), x).fit(disp=0)
    found = bias.length(made)
    assert found.value == pytest.approx(oracle.params[2], abs=1e-4)
    assert found.low == pytest.approx(oracle.conf_int()[2][0], abs=1e-3)


def test_a_judge_that_looks_at_length_is_seen() -> None:
    found = bias.length(pairs(0.2))
    assert found.low is not None
    assert found.low > 0
    none = bias.length(pairs(0.0))
    assert none.low is not None
    assert none.high is not None
    assert none.low < 0 < none.high


def test_too_little_is_null_with_the_reason() -> None:
    assert bias.length(pairs(0.0, 20)).why_null == "50 pairs with 10 of each verdict are needed"
    assert (
        bias.length([(i % 2 == 0, i % 3 == 0, 100.0) for i in range(90)]).why_null
        == "all answers are equally long"
    )
    found = bias.length([(i % 2 == 0, i % 2 == 0, 100.0 + i) for i in range(90)])
    assert found.value is not None

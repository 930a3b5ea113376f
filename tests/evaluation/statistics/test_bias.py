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


def probed(effect: float, n: int = 900) -> list[bias.Probed]:
    chance = random.Random(9)
    made = []
    for _ in range(n):
        human, has_it, size = chance.random() < 0.3, chance.random() < 0.4, 100 * 2 ** chance.uniform(0, 4)
        fails = chance.random() < (0.75 if human else 0.15) + effect * has_it
        made.append(bias.Probed(human, fails, size, has_it))
    return made


def test_a_kind_is_the_logistic_regression_of_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    import numpy as np

    made = probed(0.1)
    y = np.array([each.judge_fails for each in made], dtype=float)
    alone = np.array([[1.0, each.people_fail, each.has_it] for each in made], dtype=float)
    held = np.array([[1.0, each.people_fail, np.log2(each.size), each.has_it] for each in made], dtype=float)
    for x, found in ((alone, bias.given_people(made)), (held, bias.given_people_and_length(made))):
        oracle = api.Logit(y, x).fit(disp=0)
        assert found.value == pytest.approx(oracle.params[-1], abs=1e-4)
        assert (found.low, found.high) == pytest.approx(tuple(oracle.conf_int()[-1]), abs=1e-3)


def test_a_judge_that_prefers_its_own_is_seen() -> None:
    kinder = bias.given_people(probed(-0.12))
    assert kinder.high is not None
    assert kinder.high < 0
    none = bias.given_people(probed(0.0))
    assert none.low is not None
    assert none.high is not None
    assert none.low < 0 < none.high


def test_fewer_than_fifty_of_a_kind_are_too_few() -> None:
    made = [bias.Probed(i % 2 == 0, i % 3 == 0, 100, i < 49) for i in range(200)]
    assert (
        bias.given_people(made).why_null == "50 pairs with it and 50 without are needed, there are 49 and 151"
    )
    enough = [bias.Probed(i % 2 == 0, i % 3 == 0, 100, i < 50) for i in range(200)]
    assert bias.given_people_and_length(enough).n == 200
    always = [bias.Probed(i % 2 == 0, False, 100, i < 100) for i in range(200)]
    assert "10 of each verdict" in str(bias.given_people(always).why_null)


def test_flips_are_counted_and_those_toward_the_first_shown_tested() -> None:
    stats = pytest.importorskip("scipy.stats")
    told = (
        [("a", "a")] * 30 + [("a", "b")] * 9 + [("b", "a")] * 2 + [("tie", "b")] * 3 + [("tie", "both_bad")]
    )
    found = bias.position(told)
    assert (found.flips.value, found.flips.n) == (15 / 45, 45)
    assert found.first.value == pytest.approx(12 / 14)
    assert found.p == pytest.approx(stats.binomtest(12, 14).pvalue)
    assert bias.position(told[:19]).flips.why_null == "20 pairs judged in both orders are needed"
    steady = bias.position([("a", "a")] * 40)
    assert (steady.flips.value, steady.p, steady.first.why_null) == (
        0.0, None, "no preference changed with the order",
    )  # fmt: skip

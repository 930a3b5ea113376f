"""The paired difference of two judges: against a search, weights, and how often the interval holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from evaluation.statistics.intervals import confidence_sequence
from evaluation.statistics.paired import difference, tango
from evaluation.statistics.weighted import Row, share
from ingest.intervals import Z


def by_search(gained: float, lost: float, n: float) -> tuple[float, float]:
    """The same interval without his formula: the likelihood of each difference is maximised by search."""

    def statistic(d: float) -> float:
        def unlikely(q: float) -> float:
            told = ((gained, q + d), (lost, q), (n - gained - lost, 1 - 2 * q - d))
            return -sum(count * math.log(max(p, 1e-300)) for count, p in told if count)

        limits = (max(0.0, -d), (1 - d) / 2)
        q = optimize.minimize_scalar(unlikely, bounds=limits, method="bounded", options={"xatol": 1e-13}).x
        return float((gained - lost - n * d) / math.sqrt(max(n * (2 * q + d * (1 - d)), 1e-18)))

    value, edge = (gained - lost) / n, 1 - 1e-9
    low = optimize.brentq(lambda d: statistic(d) - Z, -edge, value - 1e-9)
    return low, optimize.brentq(lambda d: statistic(d) + Z, value + 1e-9, edge)


@pytest.mark.parametrize(
    ("gained", "lost", "n"),
    [(12, 2, 50), (0, 0, 50), (1, 0, 50), (29, 0, 30), (9, 21, 400), (2.5, 1.5, 40.2)],
)
def test_tangos_interval_is_the_one_found_by_search(gained: float, lost: float, n: float) -> None:
    assert tango(gained, lost, n) == pytest.approx(by_search(gained, lost, n), abs=1e-7)
    low, high = tango(gained, lost, n)
    assert tango(lost, gained, n) == pytest.approx((-high, -low), abs=1e-9)
    assert -1 <= low < high <= 1


def rows(*kinds: tuple[float, float, int]) -> list[Row]:
    return [Row(value, weight, count) for value, weight, count in kinds if count]


def test_equal_weights_give_plain_tango_and_few_pairs_none() -> None:
    for weight in (1.0, 7.5):
        found = difference(rows((1, weight, 12), (-1, weight, 2), (0, weight, 36)))
        assert (found.value, found.n) == (pytest.approx(0.2), 50)
        assert (found.low, found.high) == pytest.approx(tango(12, 2, 50))
    same = difference(rows((0, 1.0, 40), (0, 5.0, 40)))
    assert same.value == 0
    assert -0.1 < (same.low or 0) < 0 < (same.high or 0) < 0.1
    few = difference(rows((0, 1.0, 29)))
    assert (few.value, few.why_null) == (None, "29 labelled traces were judged by both, 30 needed")
    assert difference([]).n == 0


@pytest.mark.parametrize(("better", "worse"), [(0.06, 0.06), (0.10, 0.02), (0.01, 0.01)])
def test_the_interval_covers_the_difference_over_production(better: float, worse: float) -> None:
    """Two strata drawn at different rates, the one of a fifth of the labels at five times the weight, and
    in it the judges differ twice as often."""
    drawn = np.random.default_rng(21)
    truth = 0.0
    shares = {10.0: 0.8, 50.0: 0.2}
    scale = sum(weight * share for weight, share in shares.items())
    covered = 0
    for _ in range(600):
        made: list[Row] = []
        heavy = int(drawn.binomial(400, 0.2))
        truth = 0.0
        for weight, many, factor in ((10.0, 400 - heavy, 1), (50.0, heavy, 2)):
            truth += weight * shares[weight] / scale * factor * (better - worse)
            p = [factor * better, factor * worse]
            gained, lost, rest = drawn.multinomial(many, [*p, 1 - sum(p)])
            made += rows((1, weight, int(gained)), (-1, weight, int(lost)), (0, weight, int(rest)))
        found = difference(made)
        covered += (found.low or 0) <= truth <= (found.high or 0)
    assert 0.92 <= covered / 600 <= 0.985


def test_limits_for_those_who_always_look_hold_at_all_looks_at_once_with_weights() -> None:
    """At the effective sample size; a fifth at five times the weight, looked at after every 50 labels."""
    drawn = np.random.default_rng(22)
    missed = plain = 0
    for _ in range(200):
        heavy = drawn.random(1500) < 0.2
        hits = drawn.random(1500) < np.where(heavy, 0.8, 0.9)
        truth = (0.8 * 10 * 0.9 + 0.2 * 50 * 0.8) / 18
        looks = []
        for n in range(50, 1501, 50):
            counts = [
                Row(float(value), weight, int((hits[:n][heavy[:n] == (weight > 10)] == value).sum()))
                for weight in (10.0, 50.0)
                for value in (True, False)
            ]
            looks.append(share([row for row in counts if row.count]))
        always = [each.within(lambda value, n: confidence_sequence(value * n, n)) for each in looks]
        missed += any(not (each.low or 0) <= truth <= (each.high or 0) for each in always)
        plain += any(not (each.figure.low or 0) <= truth <= (each.figure.high or 0) for each in looks)
    assert missed / 200 <= 0.05
    assert plain / 200 > 0.15

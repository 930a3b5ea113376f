"""Recalibrated scores: against scikit-learn, folds that never see themselves, and what is missing."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from evaluation.statistics import recalibration as fitting
from evaluation.statistics.recalibration import fold_of, isotonic, platt, recalibration
from evaluation.statistics.scores import Scored

Pairs = list[tuple[int, Scored]]


def too_sure(n: int, seed: int = 3) -> Pairs:
    """A judge whose scores are twice as far from one half as they should be; weights one and four."""
    chance = random.Random(seed)
    made = []
    for number in range(n):
        p = chance.random()
        score = round(min(1.0, max(0.0, 0.5 + 2 * (p - 0.5))), 2)
        made.append((fold_of(number), Scored(score, chance.random() < p, chance.choice([1.0, 4.0]))))
    return made


def test_a_judge_that_is_too_sure_is_mended() -> None:
    for n, method in ((1500, "isotonic"), (999, "platt"), (1000, "isotonic")):
        found = recalibration(too_sure(n))
        assert (found.method, found.n, found.after.n, len(found.curves)) == (method, n, n, 5)
        assert found.difference.value == pytest.approx((found.after.value or 0) - (found.before.value or 0))
        assert (found.difference.high or 0) < 0
        assert (found.error_after.value or 1) < (found.error_before.value or 0) / 2
        assert sum(each.failed.n for each in found.bins) == n


def test_the_isotonic_curve_is_that_of_scikit_learn() -> None:
    from sklearn.isotonic import IsotonicRegression

    pairs = [pair for _, pair in too_sure(700)]
    x, y, w = ([getattr(pair, name) for pair in pairs] for name in ("score", "failed", "weight"))
    oracle = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, y, sample_weight=w)
    curve, at = isotonic(pairs), [step / 250 for step in range(251)]
    assert [curve.at(each) for each in at] == pytest.approx(list(oracle.predict(at)), abs=1e-9)


def test_platts_curve_is_that_of_scikit_learn() -> None:
    """Without his targets, which hardly matter at so many labels."""
    from sklearn.linear_model import LogisticRegression

    pairs = [pair for _, pair in too_sure(20_000)]
    x = np.clip([pair.score for pair in pairs], 1e-4, 1 - 1e-4)
    odds = np.log(x / (1 - x)).reshape(-1, 1)
    y, w = [pair.failed for pair in pairs], [pair.weight for pair in pairs]
    oracle = LogisticRegression(C=1e9, tol=1e-10).fit(odds, y, sample_weight=w)
    curve = platt(pairs)
    assert (curve.intercept, curve.slope) == pytest.approx(
        (oracle.intercept_[0], oracle.coef_[0][0]), abs=2e-3
    )


def test_no_pair_is_judged_by_a_curve_that_saw_it() -> None:
    """Turning what people said of one fold changes every other fold's curve and leaves its own."""
    for n in (600, 2000):
        pairs = too_sure(n)
        turned = [(fold, replace(p, failed=p.failed is not (fold == 2))) for fold, p in pairs]
        before, after = recalibration(pairs).curves, recalibration(turned).curves
        assert [one == other for one, other in zip(before, after, strict=True)] == [f == 2 for f in range(5)]


def test_equal_pairs_may_come_as_one_and_in_any_order() -> None:
    pairs = too_sure(1200)
    kinds = Counter(pairs)
    as_kinds = [(fold, replace(pair, count=n)) for (fold, pair), n in kinds.items()]
    assert len(as_kinds) < len(pairs)
    random.Random(5).shuffle(as_kinds)
    one, other = recalibration(pairs), recalibration(as_kinds)
    assert (other.method, other.n) == (one.method, one.n)
    for name in ("before", "after", "difference", "error_after"):
        value = getattr(one, name)
        assert getattr(other, name).value == pytest.approx(value.value, abs=1e-12), name
        assert getattr(other, name).low == pytest.approx(value.low, abs=1e-12), name


def test_what_is_missing_is_said_and_nothing_is_fitted() -> None:
    made = [(n % 5, Scored(0.4, n < 12)) for n in range(60)]
    few = recalibration(made)
    assert (few.method, few.curves, few.after.value) == ("", (), None)
    assert few.why == "12 labelled failures with a score and 48 labelled passes with a score, 50 needed"
    assert few.before.value is not None
    passes = recalibration([*made, *[(n % 5, Scored(0.1, False)) for n in range(2000)]])
    assert (passes.method, passes.why) == ("", "12 labelled failures with a score, 50 needed")
    assert recalibration([]).why == "no labelled trace has a score"


@pytest.mark.parametrize("score", [(0.5, 0.5), (0.0, 1.0), (1.0, 0.0)])
def test_scores_that_say_nothing_or_all_make_a_curve_of_probabilities(score: tuple[float, float]) -> None:
    pairs = [(fold_of(n), Scored(score[n % 3 == 0], n % 3 == 0)) for n in range(600)]
    found = recalibration(pairs)
    assert found.method == "platt"
    after = [found.curves[fold].at(pair.score) for fold, pair in pairs]
    assert all(0 < each < 1 for each in after)
    assert (found.after.value or 1) < (0.23 if score[0] == score[1] else 0.01)
    steps = fitting.isotonic([pair for _, pair in pairs])
    assert [steps.at(each) for each in (-1.0, 2.0)] == [steps.shares[0], steps.shares[-1]]


@pytest.mark.parametrize("step", [1, 2, 5, 7, 10, 55, 180, 4096])
def test_ids_at_any_distance_are_spread_over_the_folds(step: int) -> None:
    counts = Counter(fold_of(10_000 + step * n) for n in range(5000))
    assert len(counts) == 5
    assert max(counts.values()) - min(counts.values()) <= 400

"""The vectors of the specification for tests of change, and their edges."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.statistics import change
from evaluation.statistics.figure import Figure
from evaluation.statistics.intervals import share
from evaluation.statistics.weighted import Row
from evaluation.statistics.weighted import share as weighted_share


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


def test_the_difference_of_two_shares_is_newcombes() -> None:
    """His example: 56 of 70 against 48 of 80, method 10 [.0524, .3339]."""
    found = change.difference(share(48, 80), share(56, 70))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    turned = change.difference(share(56, 70), share(48, 80))
    assert (turned.value, turned.low, turned.high) == pytest.approx((-0.2, -0.3339, -0.0524), abs=5e-5)
    assert found.n == 150


def test_the_difference_of_two_shares_is_that_of_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for now, n_now, was, n_was in [(5, 40, 9, 60), (0, 30, 0, 30), (30, 30, 0, 44), (17, 400, 52, 390)]:
        found = change.difference(share(was, n_was), share(now, n_now))
        low, high = proportion.confint_proportions_2indep(now, n_now, was, n_was, method="newcomb")
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_too_few_of_either_side_are_no_difference() -> None:
    few = change.difference(share(3, 29), share(30, 300))
    assert (few.value, few.why_null) == (None, "29 before and 300 since, 30 of each needed")
    assert change.difference(share(0, 0), share(0, 0)).value is None


@pytest.mark.parametrize(
    ("was", "now", "moved"),
    [
        (share(20, 200), share(60, 200), True),
        (share(60, 200), share(20, 200), True),
        (share(20, 400), share(22, 400), False),
        (share(0, 30), share(0, 30), None),
        (share(6, 40), share(8, 40), None),
        (share(0, 5), share(5, 5), None),
    ],
)
def test_that_nothing_moved_is_said_only_where_a_move_would_show(
    was: Figure, now: Figure, moved: bool | None
) -> None:
    assert change.has_moved(change.difference(was, now)) is moved


def test_an_exact_p_value_decides_where_there_is_one() -> None:
    assert change.has_moved(change.paired_difference(13, 0, 200), change.mcnemar_two_sided(13, 0)) is True
    assert change.has_moved(change.paired_difference(5, 0, 200), change.mcnemar_two_sided(5, 0)) is False
    assert change.has_moved(change.paired_difference(0, 0, 20), 1.0) is False
    assert change.has_moved(change.paired_difference(4, 0, 40), change.mcnemar_two_sided(4, 0)) is None
    assert change.has_moved(change.paired_difference(0, 0, 0), None) is None


def test_what_looks_may_spend_is_at_most_one_over_any_sixty_of_them() -> None:
    spent = [change.spent(look) for look in range(1, 2000)]
    assert all(sum(spent[at : at + change.LOOKS]) <= 1 for at in range(1900))
    assert sum(spent[: change.LOOKS]) > 0.98, "and nearly all of it, so that no power is given away"
    assert change.at_look(0.01, 1) == pytest.approx(0.01 / (0.25 + 1 / 120))
    assert (change.at_look(0.5, 9), change.at_look(None, 3)) == (1.0, None)
    assert change.z_at_look(1) == pytest.approx(2.485, abs=0.01)


def test_looking_every_night_for_sixty_nights_rings_falsely_in_at_most_one_of_twenty() -> None:
    """Judges that are steady but waver, their anchors judged again each night and held against the first
    round; uncorrected, more than one in ten would be said to have moved."""
    drawn = np.random.default_rng(11)
    corrected = plain = 0
    for _ in range(250):
        right = drawn.beta(6, 1, 100)
        first, nights = drawn.random(100) < right, drawn.random((60, 100)) < right
        lost, won = (first & ~nights).sum(axis=1), (~first & nights).sum(axis=1)
        p = [change.mcnemar_two_sided(int(a), int(b)) for a, b in zip(lost, won, strict=True)]
        plain += min(p) <= 0.05
        corrected += any((change.at_look(each, look) or 0) <= 0.05 for look, each in enumerate(p, 1))
    assert plain / 250 > 0.1
    assert corrected / 250 <= 0.05


@pytest.mark.parametrize("night", [1, 30, 300])
def test_a_judge_that_gets_much_worse_is_found_the_night_it_does(night: int) -> None:
    """Of 100 anchors, 90 right before and 60 since."""
    drawn = np.random.default_rng(12)
    found = 0
    for _ in range(200):
        first, since = drawn.random(100) < 0.9, drawn.random(100) < 0.6
        p = change.mcnemar_two_sided(int((first & ~since).sum()), int((~first & since).sum()))
        found += (change.at_look(p, night) or 0) <= 0.05
    assert found >= 180


def test_the_four_verdicts_and_too_few() -> None:
    told = {
        (judge, system): change.mover(judge, system).value
        for judge in (True, False, None)
        for system in (True, False, None)
    }
    assert [told[True, True], told[True, False], told[False, True], told[False, False]] == [
        "both", "judge", "system", "neither",
    ]  # fmt: skip
    assert {told[pair] for pair in told if None in pair} == {"too_few"}


def test_the_interval_covers_the_difference_of_weighted_shares_and_hides_no_large_move() -> None:
    """A third of the labels at five times the weight; steady once, and once by about ten points."""
    drawn = np.random.default_rng(5)

    def labelled(p: float, n: int) -> Figure:
        heavy = int(drawn.binomial(n, 1 / 3))
        rows = [
            Row(float(failed), weight, count)
            for weight, many, rate in ((10.0, n - heavy, p), (50.0, heavy, 2 * p))
            for fails in [int(drawn.binomial(many, rate))]
            for failed, count in ((1, fails), (0, many - fails))
            if count
        ]
        return weighted_share(rows).figure

    for p, truth, n in ((0.08, 0.0, 300), (0.14, 0.06 * 12 / 7, 600)):
        gaps = [change.difference(labelled(0.08, n), labelled(p, n)) for _ in range(1000)]
        covered = sum((gap.low or 0) <= truth <= (gap.high or 0) for gap in gaps)
        assert 920 <= covered <= 970
        wrongly = [change.has_moved(gap) for gap in gaps].count(truth == 0)
        assert wrongly <= (80 if truth == 0 else 40)

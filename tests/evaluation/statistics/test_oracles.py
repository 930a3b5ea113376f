"""Random tables, degenerate ones among them, against implementations by others."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.statistics import calibration_error, resampling, scores, tables
from evaluation.statistics.certification import State, assess, double_labels_needed, go_live, more_to_decide
from evaluation.statistics.correction import rogan_gladen, shown
from evaluation.statistics.figure import Figure
from evaluation.statistics.intervals import share
from evaluation.statistics.measures import Cell, measure
from evaluation.statistics.people import concord
from evaluation.statistics.scores import Scored
from evaluation.statistics.watching import Detector, combined
from evaluation.statistics.weighted import Row, response_factor, warnings_of

counts = st.integers(0, 60)
quick = settings(max_examples=60, deadline=None)


@quick
@given(st.lists(counts, min_size=9, max_size=9))
def test_kappa_is_that_of_statsmodels(flat: list[int]) -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    table = [flat[0:3], flat[3:6], flat[6:9]]
    for scheme, named in (("identity", None), ("linear", "linear"), ("quadratic", "fc")):
        found = tables.kappa(table, scheme)
        if found is None:
            rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
            assert not sum(flat) or max(rows) == max(columns) == sum(flat)
            continue
        # It also divides by the error of no agreement, which is 0 where one rater says one thing only.
        with np.errstate(divide="ignore", invalid="ignore"):
            oracle = cohens_kappa(np.array(table), wt=named)
        assert found.value == pytest.approx(oracle.kappa, abs=1e-9)
        assert found.se == pytest.approx(math.sqrt(max(oracle.var_kappa, 0)), abs=1e-6)


@quick
@given(counts, counts, counts, counts)
def test_measures_are_those_of_scikit_learn(tp: int, fp: int, fn: int, tn: int) -> None:
    from sklearn import metrics

    found = measure(
        [
            Cell(True, True, 1, tp),
            Cell(False, True, 1, fp),
            Cell(True, False, 1, fn),
            Cell(False, False, 1, tn),
        ]
    )
    n = tp + fp + fn + tn
    for figure in (found.agreement, found.kappa, found.mcc, found.f1, found.tpr, found.precision):
        assert (figure.value is None) == (figure.why_null is not None)
        if figure.low is not None and figure.value is not None and figure.high is not None:
            assert figure.low - 1e-9 <= figure.value <= figure.high + 1e-9
    if not n:
        assert found.kappa.value is None
        return
    people = [1] * (tp + fn) + [0] * (fp + tn)
    judge = [1] * tp + [0] * fn + [1] * fp + [0] * tn
    assert found.agreement.value == pytest.approx(metrics.accuracy_score(people, judge))
    if found.mcc.value is not None:
        assert found.mcc.value == pytest.approx(metrics.matthews_corrcoef(people, judge))
    if found.f1.value is not None:
        assert found.f1.value == pytest.approx(metrics.f1_score(people, judge, zero_division=0))


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn import metrics

    chance = random.Random(7)
    pairs = [
        Scored(round(chance.random(), 2), chance.random() < 0.3, chance.choice([1.0, 4.0]))
        for _ in range(400)
    ]
    score, failed = [p.score for p in pairs], [p.failed for p in pairs]
    weight = [p.weight for p in pairs]
    assert scores.auc(pairs).value == pytest.approx(
        metrics.roc_auc_score(failed, score, sample_weight=weight)
    )
    assert scores.average_precision(pairs).value == pytest.approx(
        metrics.average_precision_score(failed, score, sample_weight=weight)
    )
    assert scores.brier(pairs).value == pytest.approx(
        metrics.brier_score_loss(failed, score, sample_weight=weight)
    )


def test_reliability_bins_hold_all_pairs_and_never_part_equal_scores() -> None:
    pairs = [Scored(i // 10 / 50, i % 3 == 0) for i in range(500)]
    bins = scores.reliability(pairs)
    assert len(bins) == 10
    assert [each.failed.n for each in bins] == [50] * 10
    assert scores.reliability(pairs[:49]) == []
    flat = scores.reliability([Scored(0.5, i % 2 == 0) for i in range(100)])
    assert [each.failed.n for each in flat] == [100]
    assert calibration_error.plain(flat) == pytest.approx(0)


def test_one_class_only_gives_reasons_and_no_numbers() -> None:
    found = measure([Cell(False, False, 1, 50)])
    assert (found.tpr.value, found.tpr.why_null) == (None, "no labelled failures")
    assert found.kappa.value is None
    assert found.kappa.why_null is not None
    assert found.agreement.value == 1
    assert scores.auc([Scored(0.2, False)]).why_null == "no failures"
    assert scores.brier([]).value is None


def test_nothing_at_all_is_null_everywhere() -> None:
    found = measure([])
    for name in ("agreement", "kappa", "ac1", "pabak", "tpr", "tnr", "precision", "f1", "mcc", "base_rate"):
        figure = getattr(found, name)
        assert figure.value is None, name
        assert figure.why_null, name


def test_figures_do_not_depend_on_the_order_of_rows() -> None:
    cells = [Cell(i % 3 == 0, i % 4 == 0, 1 + i % 2, 1, str(i % 5), f"s{i % 40}") for i in range(200)]
    shuffled = cells[:]
    random.Random(1).shuffle(shuffled)
    one, other = measure(cells), measure(shuffled)
    for name in ("agreement", "kappa", "ac1", "mcc", "f1"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-12)


def test_sessions_that_repeat_widen_the_interval() -> None:
    alone = [Cell(i % 4 == 0, i % 4 == 0 or i % 7 == 0) for i in range(240)]
    together = [Cell(c.human_fails, c.judge_fails, cluster=f"s{i // 12}") for i, c in enumerate(alone)]
    clustered = [
        Cell(i // 12 % 4 == 0, i // 12 % 4 == 0 or i // 12 % 7 == 0, cluster=f"s{i // 12}")
        for i in range(240)
    ]
    assert len(together) == 240

    def width(figure: Figure) -> float:
        return (figure.high or 0) - (figure.low or 0)

    assert width(measure(clustered).ac1) > 2 * width(measure(alone).ac1)


def test_the_linear_form_is_close_to_the_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [Cell(i % 5 == 0, i % 5 == 0 or i % 11 == 0, 1 + (i % 3)) for i in range(3000)]
    drawn = measure(cells).ac1
    monkeypatch.setattr(resampling, "LARGEST_BOOTSTRAP", 100)
    linear = measure(cells).ac1
    assert (linear.low, linear.high) == pytest.approx((drawn.low, drawn.high), abs=0.004)


def test_the_ceiling_counts_doubly_labelled_items_only() -> None:
    found = concord({(0,): 500, (0, 0): 20, (1, 1): 70, (0, 1): 10}, 2)
    assert found.n == found.agreement.n == 100
    assert found.agreement.value == pytest.approx(0.9)
    # 20 answers apart of 200; by chance 2 x 150 x 50 / (200 x 199).
    assert found.alpha.value == pytest.approx(1 - (20 / 200) / (2 * 150 * 50 / (200 * 199)))
    assert [double_labels_needed(rate) for rate in (0.1, 0.2, 0.5)] == [569, 314, 196]


def test_correction_falls_back_to_labels_and_says_why() -> None:
    labelled = [Row(float(i % 10 == 0), 1, 1, float(i % 9 == 0)) for i in range(150)]
    found = shown(labelled, [Row(0.0, 1, 50)])
    assert found.reason == "labels only: 150 audit labels, 200 needed"
    assert found.figure.value == pytest.approx(0.1)
    assert rogan_gladen(0.2, 100, 0.4, 20, 0.5, 20).adjusted.why_null == "the judge is no better than chance"


def test_states_of_a_certificate() -> None:
    good, many = share(95, 100), share(980, 1000)
    assert assess(share(1075, 1100), good, many).state is State.TRUSTED
    assert assess(share(1075, 1100), share(76, 100), many).state is State.CARE
    assert assess(share(920, 1000), share(0, 80), share(920, 920)).state is State.UNTRUSTED
    few = assess(share(60, 70), share(10, 12), share(50, 58))
    assert few.state is State.INCONCLUSIVE
    assert few.reasons == ("12 labelled failures, 30 needed",)
    assert few.more_failures is not None
    assert few.more_failures >= 18
    assert assess(share(1075, 1100), good, many, "expired").state is State.STALE
    assert more_to_decide(share(0, 0)) == 30
    assert more_to_decide(share(70, 100)) is None


def test_a_judge_that_passes_everything_may_not_go_live() -> None:
    found = go_live(share(920, 1000), share(0, 80), share(920, 920))
    assert not found.allowed
    good = share(930, 1000), share(70, 80), share(860, 920)
    assert go_live(*good).allowed
    assert go_live(*good, anchors=(160, 200)).allowed
    assert not go_live(*good, is_sample=False).allowed
    assert not go_live(*good, anchors=(159, 200)).allowed


def test_a_slice_that_fails_is_named() -> None:
    quiet, loud = Detector(0.1), Detector(0.1)
    for _ in range(5):
        quiet, loud = quiet.look(1, 20), loud.look(9, 20)
    level, name = combined(quiet, {"refunds": loud, "returns": quiet})
    assert name == "refunds"
    assert level > quiet.level


def test_weights_stand_for_those_who_did_not_answer() -> None:
    assert response_factor([0.1] * 10, [0.1] * 8) == pytest.approx(1.25)
    assert math.isnan(response_factor([0.1], []))
    assert warnings_of(12, [1.0, 9.0]) == ["under 30 labels", "weights differ by more than 5x"]


def test_equal_weights_of_any_size_give_the_plain_interval() -> None:
    one, ten = (
        measure(
            [
                Cell(True, True, w, 40),
                Cell(True, False, w, 10),
                Cell(False, True, w, 7),
                Cell(False, False, w, 143),
            ]
        )
        for w in (1.0, 10.0)
    )
    for name in ("kappa", "agreement", "tpr", "ac1"):
        a, b = getattr(one, name), getattr(ten, name)
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-9), name

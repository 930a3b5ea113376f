"""The learned order: better than the judge's with many labels, never worse with few, and a probability."""

from __future__ import annotations

import statistics

import pytest

from evaluation.ranking import model, nearby
from evaluation.ranking.model import Item
from tests.evaluation.ranking.generator import recall, traffic


def recalls(labels: int, seeds: range, *, with_signals: bool = True) -> tuple[float, float]:
    """Mean recall at 10 % reviewed: of the model, and of the judge alone."""
    learned, alone = [], []
    for seed in seeds:
        items, failed = traffic(labels, seed, with_signals=with_signals)
        fitted = model.fit(items, failed)
        later, truth = traffic(3000, seed + 1000, with_signals=with_signals)
        judge = [item.judge or 0.0 for item in later]
        alone.append(recall(judge, truth))
        learned.append(recall([fitted.probability(item) for item in later] if fitted else judge, truth))
    return statistics.mean(learned), statistics.mean(alone)


def test_with_a_thousand_labels_it_finds_four_times_as_many_as_chance() -> None:
    learned, alone = recalls(1000, range(6))
    assert learned >= 0.4
    assert learned > alone


@pytest.mark.parametrize("labels", [60, 200])
@pytest.mark.parametrize("with_signals", [True, False])
def test_it_is_never_much_worse_than_the_judge_alone(labels: int, with_signals: bool) -> None:
    learned, alone = recalls(labels, range(6), with_signals=with_signals)
    assert learned >= alone - 0.02


def test_it_stays_a_probability() -> None:
    items, failed = traffic(4000, 5)
    fitted = model.fit(items, failed)
    assert fitted is not None
    later, truth = traffic(4000, 6)
    assert statistics.mean(fitted.probability(i) for i in later) == pytest.approx(
        statistics.mean(truth), abs=0.02
    )
    assert fitted.judge >= model.JUDGE_PRIOR


def test_rules_decide_until_there_is_enough() -> None:
    items, failed = traffic(39, 1)
    assert model.fit(items, [True] * 12 + [False] * 27) is None
    assert model.fit(items * 3, [False] * 117) is None
    assert model.fit(items * 2, [i % 4 == 0 for i in range(78)]) is not None
    assert failed is not None


def test_an_item_without_a_judge_is_ranked_by_the_rest() -> None:
    items, failed = traffic(1000, 3)
    fitted = model.fit(items, failed)
    assert fitted is not None
    quiet = fitted.probability(Item(None, {"thumbs_down": 0.0}))
    assert fitted.probability(Item(None, {"thumbs_down": 1.0})) > quiet


def test_near_duplicates_are_one_group() -> None:
    texts = [
        "Where is my order 1234?",
        "where is my  ORDER 99?",
        "Where is my order 1234 please?",
        "I want to return a pair of shoes in another colour",
        "",
    ]
    assert nearby.groups(texts) == [[0, 1, 2], [3], [4]]
    assert nearby.groups(["a", "b"]) == [[0], [1]]
    assert nearby.groups([]) == []

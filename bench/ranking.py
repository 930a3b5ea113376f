"""How many failures are found when a part is reviewed: learned order, judge score, arrival, chance?

The acceptance of the priority: 8 % failures, a judge of AUC .75, 20 seeds; with telling signals and without.
"""

from __future__ import annotations

import random
from collections import defaultdict
from statistics import mean

from bench.figures import Figure
from evaluation.ranking import model
from tests.evaluation.ranking.generator import recall, traffic

SEEDS, LATER = 20, 3_000
LABELS, SHARES = (60, 200, 1_000), (0.1, 0.2, 0.3)
LEAST_TIMES, MOST_UNDER = 4.0, 0.02


def measure(rounds: int) -> list[Figure]:
    figures = []
    for with_signals in (True, False):
        for labels in LABELS:
            found = recalls(labels, range(SEEDS), with_signals=with_signals)
            figures += told(found, labels, with_signals)
    return figures


def recalls(labels: int, seeds: range, *, with_signals: bool) -> dict[tuple[str, float], float]:
    """By (order, share reviewed): the mean recall of failures in traffic that comes after the labels."""
    found = defaultdict(list)
    for seed in seeds:
        fitted = model.fit(*traffic(labels, seed, with_signals=with_signals))
        later, failed = traffic(LATER, seed + 1000, with_signals=with_signals)
        chance = random.Random(seed)
        judge = [item.judge or 0.0 for item in later]
        orders = {
            # Rules decide until there is enough to learn from; here they know the judge's score alone.
            "learned": [fitted.probability(item) for item in later] if fitted else judge,
            "judge": judge,
            "fifo": [float(-place) for place in range(len(later))],
            "random": [chance.random() for _ in later],
        }
        for name, scores in orders.items():
            for share in SHARES:
                found[name, share].append(recall(scores, failed, share))
    return {key: mean(values) for key, values in found.items()}


def told(found: dict[tuple[str, float], float], labels: int, with_signals: bool) -> list[Figure]:
    what = f"recall, {labels:,} labels" + ("" if with_signals else ", no signals")
    figures = []
    for share in SHARES:
        learned, judge = found["learned", share], found["judge", share]
        note = ", ".join(f"{name} {found[name, share]:.3f}" for name in ("judge", "fifo", "random"))
        figures.append(
            Figure(f"{what}, {share:.0%} reviewed", learned, "", ">=", judge - MOST_UNDER, note),
        )
    if with_signals and labels == max(LABELS):
        times = found["learned", 0.1] / 0.1
        figures.append(Figure(f"  times random, {labels:,} labels, 10%", times, "x", ">=", LEAST_TIMES))
    return figures

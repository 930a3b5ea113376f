"""Does the judge look at something it should not? Length: its verdict on people's verdict and on length."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.statistics.figure import Figure, unknown

LEAST_PAIRS, LEAST_OF_EACH = 50, 10


def length(pairs: Sequence[tuple[bool, bool, float]]) -> Figure:
    """By (people failed, judge failed, length of the answer): the change of the judge's log odds of failing
    when an answer is twice as long, people's verdict held equal, with its 95 % interval. 0 is no bias."""
    n, fails = len(pairs), sum(judge for _, judge, _ in pairs)
    if n < LEAST_PAIRS or min(fails, n - fails) < LEAST_OF_EACH:
        return unknown(f"{LEAST_PAIRS} pairs with {LEAST_OF_EACH} of each verdict are needed", n)
    import numpy as np

    doublings = np.array([math.log2(max(size, 1.0)) for *_, size in pairs])
    if doublings.std() < 1e-9:
        return unknown("all answers are equally long", n)
    people = np.array([human for human, *_ in pairs], dtype=float)
    y = np.array([judge for _, judge, _ in pairs], dtype=float)
    x = np.column_stack([np.ones(n), people, doublings - doublings.mean()])
    ridge = np.diag([0.0, 1e-3, 1e-3])  # keeps a judge that always agrees from running away
    beta = np.zeros(3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        information = x.T @ (x * (p * (1 - p))[:, None]) + ridge + 1e-9 * np.eye(3)
        step = np.linalg.solve(information, x.T @ (y - p) - ridge @ beta)
        beta = beta + np.clip(step, -4, 4)
        if float(np.abs(step).max()) < 1e-10:
            break
    half = 1.959963984540054 * math.sqrt(float(np.linalg.inv(information)[2, 2]))
    value = float(beta[2])
    return Figure(value, value - half, value + half, n)

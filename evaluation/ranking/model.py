"""How likely is a trace to fail, given what is known before anyone has looked? Arithmetic only.

A logistic regression without class weights, so that it stays a probability. The judge's coefficient is not
penalised and never falls below its prior; all else is penalised strongly, so that a few labels cannot make
the order worse than the judge's own.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LEAST_LABELS, LEAST_FAILURES = 40, 10
MOST_ROWS = 50_000
REFIT_EVERY = 20
# Of the judge's score in units of its own spread: a judge of AUC .75 has about this coefficient.
JUDGE_PRIOR = 1.0
STRENGTH = 0.03  # C of the penalised features
BUCKETS = 512
WORD = re.compile(r"\w{3,}")
EDGE = 0.01


@dataclass(frozen=True, slots=True)
class Item:
    """`judge` is the probability of failure by the judge, None where it has not judged. `signals` are numbers
    by name (feedback, checks, length, novelty, slice as 0 and 1); `text` is what was answered."""

    judge: float | None
    signals: Mapping[str, float] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned, as plain numbers, so that it can be kept as JSON."""

    intercept: float
    judge: float
    judge_mean: float
    judge_spread: float
    signals: Mapping[str, tuple[float, float, float]]  # mean, spread, coefficient
    text: Sequence[float]
    labels: int
    failures: int

    def probability(self, item: Item) -> float:
        total = self.intercept + self.judge * _judge_unit(item, self.judge_mean, self.judge_spread)
        for name, (mean, spread, coefficient) in self.signals.items():
            total += coefficient * (item.signals.get(name, 0.0) - mean) / spread
        for bucket, share in hashed(item.text).items():
            total += self.text[bucket] * share
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def fit(items: Sequence[Item], failed: Sequence[bool]) -> Model | None:
    """None before there are 40 labels with 10 failures among them: rules decide until then."""
    items, failed = items[-MOST_ROWS:], failed[-MOST_ROWS:]
    if len(items) < LEAST_LABELS or sum(failed) < LEAST_FAILURES or all(failed):
        return None
    import numpy as np
    from scipy.sparse import csr_matrix, hstack

    logits = [_logit(item.judge) for item in items if item.judge is not None]
    mean = float(np.mean(logits)) if logits else 0.0
    spread = max(float(np.std(logits)), EDGE) if logits else 1.0
    names = sorted({name for item in items for name in item.signals})
    scaled, centres, spreads = _scaled(items, names)
    rows = hstack([csr_matrix(scaled), _hashed_matrix(items)]).tocsr()
    judge = np.array([_judge_unit(item, mean, spread) for item in items])
    theta = _likeliest(judge, rows, np.array(failed, dtype=float))
    return Model(
        intercept=float(theta[0]),
        judge=float(theta[1]),
        judge_mean=mean,
        judge_spread=spread,
        signals={
            name: (float(centres[i]), float(spreads[i]), float(theta[2 + i])) for i, name in enumerate(names)
        },
        text=[float(each) for each in theta[2 + len(names) :]],
        labels=len(items),
        failures=int(sum(failed)),
    )


def _scaled(items: Sequence[Item], names: Sequence[str]) -> tuple[Any, Any, Any]:
    """The signals in units of their spreads (items x names), and each one's mean and spread."""
    import numpy as np

    raw = np.array([[item.signals.get(name, 0.0) for name in names] for item in items], dtype=float)
    raw = raw.reshape(len(items), len(names))
    centres = raw.mean(axis=0) if names else np.zeros(0)
    spreads = np.maximum(raw.std(axis=0), EDGE) if names else np.ones(0)
    return np.clip((raw - centres) / spreads, -5, 5), centres, spreads


def _likeliest(judge: Any, rows: Any, y: Any) -> Any:
    """Intercept, the judge's coefficient and those of the rows, under the penalty; y is 1 where it failed."""
    import numpy as np
    from scipy.optimize import minimize

    def loss(theta: Any) -> tuple[float, Any]:
        z = theta[0] + theta[1] * judge + rows @ theta[2:]
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        off = p - y
        value = float(
            np.logaddexp(0, np.where(y > 0, -z, z)).sum() + (theta[2:] @ theta[2:]) / (2 * STRENGTH)
        )
        gradient = np.concatenate([[off.sum(), off @ judge], rows.T @ off + theta[2:] / STRENGTH])
        return value, gradient

    start = np.zeros(2 + rows.shape[1])
    start[:2] = _logit(float(np.mean(y))), JUDGE_PRIOR
    bounds = [(None, None), (JUDGE_PRIOR, None)] + [(None, None)] * rows.shape[1]
    return minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x


def hashed(text: str) -> dict[int, float]:
    """The words of a text in buckets, as a vector of length 1."""
    counts: dict[int, float] = {}
    for word in WORD.findall(text[:4000].casefold()):
        bucket = zlib.crc32(word.encode()) % BUCKETS
        counts[bucket] = counts.get(bucket, 0.0) + 1
    length = math.sqrt(sum(count * count for count in counts.values()))
    return {bucket: count / length for bucket, count in counts.items()}


def _hashed_matrix(items: Sequence[Item]) -> Any:
    from scipy.sparse import csr_matrix

    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for place, item in enumerate(items):
        for bucket, share in hashed(item.text).items():
            rows.append(place)
            columns.append(bucket)
            values.append(share)
    return csr_matrix((values, (rows, columns)), shape=(len(items), BUCKETS))


def _logit(p: float) -> float:
    p = min(1 - EDGE, max(EDGE, p))
    return math.log(p / (1 - p))


def _judge_unit(item: Item, mean: float, spread: float) -> float:
    """The judge's logit in units of its spread; 0 where it has not judged."""
    return 0.0 if item.judge is None else (_logit(item.judge) - mean) / spread

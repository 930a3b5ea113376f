"""What several reviewers' labels say together, each weighted by how often that reviewer is right.

Dawid and Skene (1979) by expectation-maximisation, in log space with smoothing. For three or more humans
beside the majority; never for juries of models, whose errors go together.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SMOOTHING = 0.01
MOST_STEPS, TOLERANCE = 200, 1e-8
LEAST_REVIEWERS = 3


@dataclass(frozen=True, slots=True)
class Consensus:
    """`posterior[item][category]` sums to 1; `confusion[reviewer][true][said]` by the order of `categories`.

    `why_null` says why there is none.
    """

    categories: tuple[str, ...]
    posterior: dict[Hashable, tuple[float, ...]]
    confusion: dict[Hashable, tuple[tuple[float, ...], ...]]
    steps: int
    why_null: str = ""

    def verdict(self, item: Hashable) -> str:
        chances = self.posterior[item]
        return self.categories[max(range(len(chances)), key=chances.__getitem__)]


def estimate(labels: Mapping[Hashable, Mapping[Hashable, str]], categories: tuple[str, ...]) -> Consensus:
    """`labels[item][reviewer]` is one of `categories`; what is none of them is no vote."""
    reviewers = sorted({who for said in labels.values() for who in said}, key=str)
    overlapping = {who for said in labels.values() if len(said) > 1 for who in said}
    if len(overlapping) < LEAST_REVIEWERS:
        return Consensus(categories, {}, {}, 0, f"needs {LEAST_REVIEWERS} reviewers who overlap")
    import numpy as np  # here, since a web process does without it until a lead asks

    votes = _votes(labels, reviewers, categories)
    posterior = votes.sum(axis=1)
    posterior = (posterior + SMOOTHING) / (posterior + SMOOTHING).sum(axis=1, keepdims=True)
    confusion = np.empty((len(reviewers), len(categories), len(categories)))
    steps, moved = 0, 1.0
    while steps < MOST_STEPS and moved >= TOLERANCE:
        steps += 1
        counts = np.einsum("it,irs->rts", posterior, votes) + SMOOTHING
        confusion = counts / counts.sum(axis=2, keepdims=True)
        prior = (posterior.sum(axis=0) + SMOOTHING) / (posterior.sum() + SMOOTHING * len(categories))
        logs = np.log(prior) + np.einsum("irs,rts->it", votes, np.log(confusion))
        logs -= logs.max(axis=1, keepdims=True)
        updated = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
        moved = float(np.abs(updated - posterior).max())
        posterior = updated
    return Consensus(
        categories,
        {item: tuple(row) for item, row in zip(labels, posterior.tolist(), strict=True)},
        {who: tuple(map(tuple, rows)) for who, rows in zip(reviewers, confusion.tolist(), strict=True)},
        steps,
    )


def _votes(
    labels: Mapping[Hashable, Mapping[Hashable, str]], reviewers: list[Hashable], categories: tuple[str, ...]
) -> np.ndarray:
    """1 where this reviewer said this of this item: items x reviewers x categories."""
    import numpy as np

    places = {who: place for place, who in enumerate(reviewers)}
    votes = np.zeros((len(labels), len(reviewers), len(categories)))
    for row, said in enumerate(labels.values()):
        for who, category in said.items():
            if category in categories:
                votes[row, places[who], categories.index(category)] = 1.0
    return votes

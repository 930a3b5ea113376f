"""What do several people say together? The majority, and Dawid-Skene for three and more of them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SMOOTHING = 0.01
FEWEST_RATERS = 3
ROUNDS, STILL = 200, 1e-10


def majority(verdicts: Sequence[str], abstention: str = "cannot_tell") -> str | None:
    """What more than half of those who could tell said; None on a tie or where nobody could."""
    counts = Counter(verdict for verdict in verdicts if verdict != abstention)
    if not counts:
        return None
    (first, most), *rest = counts.most_common()
    return None if rest and rest[0][1] == most else first


@dataclass(frozen=True, slots=True)
class Consensus:
    """`posterior` by item and class; `skill` by rater: P(said | true) as skill[rater][true][said]."""

    posterior: Mapping[str, Mapping[str, float]]
    skill: Mapping[str, Mapping[str, Mapping[str, float]]]
    prior: Mapping[str, float]


def dawid_skene(ratings: Sequence[tuple[str, str, str]]) -> Consensus | None:
    """EM over (item, rater, said); None with fewer than three raters who overlap. For people only."""
    classes = sorted({said for _, _, said in ratings})
    raters = sorted({rater for _, rater, _ in ratings})
    by_item: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item, rater, said in ratings:
        by_item[item].append((rater, said))
    overlapping = {rater for given in by_item.values() if len(given) > 1 for rater, _ in given}
    if len(overlapping) < FEWEST_RATERS or len(classes) < 2:
        return None
    posterior = {
        item: {c: sum(said == c for _, said in given) / len(given) for c in classes}
        for item, given in sorted(by_item.items())
    }
    for _ in range(ROUNDS):
        prior = _prior(posterior, classes)
        skill = _skill(posterior, by_item, raters, classes)
        renewed = {item: _posterior(by_item[item], prior, skill, classes) for item in posterior}
        moved = max(abs(renewed[item][c] - posterior[item][c]) for item in renewed for c in classes)
        posterior = renewed
        if moved < STILL:
            break
    return Consensus(posterior, skill, prior)


def _prior(posterior: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> dict[str, float]:
    mass = {c: SMOOTHING + math.fsum(each[c] for each in posterior.values()) for c in classes}
    total = math.fsum(mass.values())
    return {c: mass[c] / total for c in classes}


def _skill(
    posterior: Mapping[str, Mapping[str, float]],
    by_item: Mapping[str, Sequence[tuple[str, str]]],
    raters: Sequence[str],
    classes: Sequence[str],
) -> dict[str, dict[str, dict[str, float]]]:
    mass = {r: {true: dict.fromkeys(classes, SMOOTHING) for true in classes} for r in raters}
    for item in posterior:
        for rater, said in by_item[item]:
            for true in classes:
                mass[rater][true][said] += posterior[item][true]
    return {
        r: {
            true: {said: amount / math.fsum(row.values()) for said, amount in row.items()}
            for true, row in table.items()
        }
        for r, table in mass.items()
    }


def _posterior(
    given: Sequence[tuple[str, str]],
    prior: Mapping[str, float],
    skill: Mapping[str, Mapping[str, Mapping[str, float]]],
    classes: Sequence[str],
) -> dict[str, float]:
    logs = {
        c: math.log(prior[c]) + math.fsum(math.log(skill[r][c][said]) for r, said in given) for c in classes
    }
    highest = max(logs.values())
    mass = {c: math.exp(log - highest) for c, log in logs.items()}
    total = math.fsum(mass.values())
    return {c: mass[c] / total for c in classes}

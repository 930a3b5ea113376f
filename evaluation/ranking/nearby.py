"""Which traces are near-duplicates? Groups by equal and by similar text: one label may speak for many."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence

SIMILAR = 0.5
SPACE = re.compile(r"\s+")
DIGITS = re.compile(r"\d+")


def normalised(text: str) -> str:
    """Case, space and numbers aside."""
    return DIGITS.sub("0", SPACE.sub(" ", text.casefold())).strip()


def digest(text: str) -> str:
    return hashlib.sha256(normalised(text).encode()).hexdigest()


def groups(texts: Sequence[str]) -> list[list[int]]:
    """Places of texts that belong together, each place in one group, in the order of their first.

    Texts are alike when they are equal once normalised, or when the cosine of their character 3- to 5-grams
    (TF-IDF) with the group's first one is at least .5.
    """
    exact: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        exact[normalised(text)].append(place)
    firsts = [places[0] for places in exact.values()]
    places = list(exact.values())
    return [
        sorted(place for each in near for place in places[each])
        for near in _near([normalised(texts[place]) for place in firsts])
    ]


def _near(texts: Sequence[str]) -> list[list[int]]:
    if len(texts) < 2 or not any(texts):
        return [[place] for place in range(len(texts))]
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        rows = TfidfVectorizer(analyzer="char", ngram_range=(3, 5)).fit_transform(texts)
    except ValueError:  # nothing but texts of under three characters
        return [[place] for place in range(len(texts))]
    alike = rows @ rows.T
    taken: set[int] = set()
    found = []
    for place in range(len(texts)):
        if place in taken:
            continue
        row = alike.getrow(place)
        mates = {int(j) for j, cosine in zip(row.indices, row.data, strict=True) if cosine >= SIMILAR}
        group = sorted((mates | {place}) - taken)
        taken.update(group)
        found.append(group)
    return found

"""What does production ask, in groups of similar texts, and which cases ask the same? Pure, without Django.

The texts are grouped by k-means over TF-IDF of their words; each case goes to its nearest group when it is
near at all. Seeded: equal texts give equal groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEAST_TEXTS = 30
TEXTS_A_CLUSTER = 15
MOST_CLUSTERS = 10
NEAR = 0.15
WORDS = 3
TEXT_CHARACTERS = 2_000
SEED = 7
# Beside scikit-learn's English ones.
GERMAN = (
    "aber als auch auf aus bei bin bis bitte da damit das dass dem den denn der des die dies diese doch du "
    "ein eine einem einen einer er es für habe haben hat hatte hier ich ihr im in ist ja kann kein keine man "
    "mein meine meinen mich mir mit nach nicht noch nur oder schon sehr sein sich sie sind und uns vom von "
    "vor wann war was wenn wer werden wie wieder wir wird wo zu zum zur über"
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`words` tell it apart; `example` is the index of its most typical text; shares are of all texts."""

    words: tuple[str, ...]
    share: float
    texts: int
    example: int
    cases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clusters:
    clusters: tuple[Cluster, ...]
    # Indexes of cases that are near to no group: production does not ask them.
    elsewhere: tuple[int, ...]


def clusters(texts: Sequence[str], cases: Sequence[str]) -> Clusters | None:
    """The larger groups first; None for too few texts, or texts without words."""
    if len(texts) < LEAST_TEXTS:
        return None
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

    vectorizer = TfidfVectorizer(
        stop_words=[*ENGLISH_STOP_WORDS, *GERMAN.split()],
        token_pattern=r"[^\W\d_]{3,}",  # noqa: S106
        max_df=0.6,
        min_df=2,
        max_features=4_000,
        sublinear_tf=True,
    )
    try:
        matrix = vectorizer.fit_transform([text[:TEXT_CHARACTERS] for text in texts])
    except ValueError:
        return None
    number = min(MOST_CLUSTERS, max(2, len(texts) // TEXTS_A_CLUSTER), _distinct(matrix))
    means = KMeans(number, random_state=SEED, n_init=3).fit(matrix)
    near = matrix @ means.cluster_centers_.T
    of_case, elsewhere = _nearest(vectorizer, means.cluster_centers_, cases)
    names = vectorizer.get_feature_names_out()
    found = [
        _cluster(index, means, near, names, of_case.get(index, ()))
        for index in range(number)
        if (means.labels_ == index).any()
    ]
    return Clusters(tuple(sorted(found, key=lambda each: -each.texts)), elsewhere)


def _distinct(matrix: Any) -> int:
    """Of more groups than different rows some would be empty."""
    rows = zip(matrix.indptr, matrix.indptr[1:], strict=False)
    return len({matrix.indices[a:b].tobytes() + matrix.data[a:b].round(9).tobytes() for a, b in rows})


def _cluster(index: int, means: Any, near: Any, names: Any, cases: Sequence[int]) -> Cluster:
    mine = (means.labels_ == index).nonzero()[0]
    strongest = means.cluster_centers_[index].argsort()[::-1][:WORDS]
    words = tuple(str(names[each]) for each in strongest if means.cluster_centers_[index][each] > 0)
    example = int(mine[near[mine, index].argmax()])
    return Cluster(words, len(mine) / len(means.labels_), len(mine), example, tuple(cases))


def _nearest(
    vectorizer: Any, centers: Any, cases: Sequence[str]
) -> tuple[dict[int, list[int]], tuple[int, ...]]:
    """The cases of each group, and those of none; cosine against the group's mean."""
    import numpy

    if not cases:
        return {}, ()
    lengths = numpy.linalg.norm(centers, axis=1)
    lengths[lengths == 0] = 1
    alike = vectorizer.transform([text[:TEXT_CHARACTERS] for text in cases]) @ (centers / lengths[:, None]).T
    found: dict[int, list[int]] = {}
    for case, row in enumerate(alike):
        if row.max() >= NEAR:
            found.setdefault(int(row.argmax()), []).append(case)
    placed = {case for each in found.values() for case in each}
    return found, tuple(case for case in range(len(cases)) if case not in placed)

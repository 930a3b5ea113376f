"""Is there a similar case already? An exact match, or a near one by what is asked; pure, without Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NEAR = 0.5
GRAMS = (3, 5)
# More texts than this are compared by their newest; each costs about 0.2 ms.
MOST_COMPARED = 5_000
TEXT_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Nearest:
    """The most similar other text: 1 is the same text but for its spaces and capitals."""

    name: str
    similarity: float

    @property
    def exact(self) -> bool:
        return self.similarity >= 1

    @property
    def near(self) -> bool:
        return self.similarity >= NEAR


def nearest(text: str, others: Mapping[str, str]) -> Nearest | None:
    """Among `others` by name. Similarity is the cosine of TF-IDF over character 3- to 5-grams."""
    wanted = plain(text)
    if not wanted or not others:
        return None
    names = list(others)[-MOST_COMPARED:]
    texts = [plain(others[name]) for name in names]
    if wanted in texts:
        return Nearest(names[texts.index(wanted)], 1.0)
    return _by_grams(wanted, names, texts)


def plain(text: str) -> str:
    return " ".join(text.casefold().split())[:TEXT_CHARACTERS]


def _by_grams(wanted: str, names: list[str], texts: list[str]) -> Nearest | None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=GRAMS, sublinear_tf=True)
    try:
        matrix = vectorizer.fit_transform([wanted, *texts])
    except ValueError:  # nothing but characters that make no gram
        return None
    similarities = (matrix[1:] @ matrix[0].T).toarray().ravel()
    best = int(similarities.argmax())
    # What is not the same text is not said to be.
    return Nearest(names[best], min(float(similarities[best]), 0.999))

"""Which words and phrases of a list stand in a text? Whole words, without case, in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ingest import wording


class Lexicon:
    """A list of words and phrases; a word that ends in `*` matches all with that beginning."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._starting: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self._beginnings: dict[int, set[str]] = defaultdict(set)
        for phrase in phrases:
            found = tuple(wording.words(phrase))
            if len(found) == 1 and phrase.rstrip().endswith("*"):
                self._beginnings[len(found[0])].add(found[0])
            elif found:
                self._starting[found[0]].append(found)

    def __bool__(self) -> bool:
        return bool(self._starting or self._beginnings)

    def found_in(self, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Half-open ranges of the (case-folded) words that are in the list, in the order of the text."""
        starting = self._starting
        if not self._beginnings and starting.keys().isdisjoint(words):
            return
        for position, word in enumerate(words):
            for phrase in starting.get(word, ()):
                end = position + len(phrase)
                if len(phrase) == 1 or tuple(words[position:end]) == phrase:
                    yield position, end
            for length, beginnings in self._beginnings.items():
                if word[:length] in beginnings:
                    yield position, position + 1

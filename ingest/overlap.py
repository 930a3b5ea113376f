"""Which words of an answer come from which passage, and how much of it stands there?

Marked are runs of shared words (neighbouring pairs of words are shared, and the run is too long to be chance)
and the numbers, names and codes that stand in both. Counted are the words that tell something, by their
beginnings, as the check of grounding counts them, and the numbers: where something is marked, the share is
not 0. One pass over each text, so hostile lengths and repetitions cost nothing extra.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise, takewhile
from re import Match

from ingest.languages import language, tells
from ingest.particulars import Name, names, numbers
from ingest.wording import STEM, WORD, letters, words

# "of the" is chance; "return window" is not.
SHORTEST_RUN = 10
NOUNS_HAVE_CAPITALS = "de"
# Numbers and names are looked for in so many characters of a text: nobody reads on to the end of more.
LOOKED_THROUGH = 20_000

Pair = tuple[str, str]
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shared:
    """`of_word[i]` is the index of the passage that the answer's i-th word is marked with, or None.

    `shares[p]` is the share of the answer's telling words and numbers that stand in passage p; None where it
    has none. `in_passages[p]` holds the character ranges of passage p that are marked, in their order.
    """

    of_word: tuple[int | None, ...]
    shares: tuple[float | None, ...]
    in_passages: tuple[tuple[Range, ...], ...]


def share(answer: str, passages: Sequence[str]) -> Shared:
    """Compare an answer with the text of each passage."""
    told = _Answer(answer)
    of_word: list[int | None] = [None] * len(told.words)
    longest = [0] * len(told.words)
    shares, ranges = [], []
    for index, text in enumerate(passages):
        found = told.compare(_Passage(text, told))
        for start, end in found.marked:
            for position in range(start, end):
                if end - start > longest[position]:
                    longest[position], of_word[position] = end - start, index
        shares.append(found.share)
        ranges.append(found.in_passage)
    return Shared(tuple(of_word), tuple(shares), tuple(ranges))


@dataclass(frozen=True, slots=True)
class _Found:
    """`marked` are half-open ranges of the answer's words."""

    marked: list[Range]
    share: float | None
    in_passage: tuple[Range, ...]


class _Answer:
    """What is looked for in each passage; positions are those of words."""

    def __init__(self, text: str) -> None:
        self.places = list(WORD.finditer(text))
        self.words = [place.group().casefold() for place in self.places]
        self._pairs = list(pairwise(self.words))
        self.has_plain_nouns = language(text, self.words) == NOUNS_HAVE_CAPITALS
        self._starts = [place.start() for place in self.places]
        self.numbers: dict[str, list[Range]] = {}
        self._keys: dict[int, set[str]] = {}
        in_digits: set[int] = set()
        for number in numbers(text[:LOOKED_THROUGH]):
            first, end = self._words_of(number.start, number.end)
            in_digits.update(range(first, end))
            if number.marks:
                self._keys[first] = set(number.marks)
            for key, (start, stop) in number.marks.items():
                self.numbers.setdefault(key, []).append(self._words_of(start, stop))
        self.names: dict[str, list[tuple[int, bool]]] = {}
        near = takewhile(_is_near, self.places)
        for name in names(text, near, nouns=self.has_plain_nouns):
            at = self._words_of(name.start, name.end)[0]
            self.names.setdefault(name.key, []).append((at, name.is_sure))
        self._counts = [
            at in self._keys if at in in_digits else tells(word) or word in self.names
            for at, word in enumerate(self.words)
        ]
        self._stems = Counter(
            word[:STEM] for at, word in enumerate(self.words) if self._counts[at] and at not in in_digits
        )

    def _words_of(self, start: int, end: int) -> Range:
        """The words of these characters; a sign before them is none."""
        first = bisect_right(self._starts, start) - 1
        if first < 0 or self.places[first].end() <= start:
            first += 1
        return first, bisect_right(self._starts, end - 1)

    def compare(self, passage: _Passage) -> _Found:
        known = [at for at, pair in enumerate(self._pairs) if pair in passage.pairs]
        runs = [run for run in _runs(known) if self._is_said(*run)]
        shared = [*runs]
        ranges = passage.ranges_of({pair for start, end in runs for pair in self._pairs[start : end - 1]})
        for key in self.numbers.keys() & passage.numbers.keys():
            shared += self.numbers[key]
            ranges += passage.numbers[key]
        for key, found in passage.names.items():
            mine = self.names[key]
            if any(sure for _, sure in mine) or any(name.is_sure for name in found):
                shared += [(at, at + 1) for at, _ in mine]
                ranges += [(name.start, name.end) for name in found]
        return _Found(shared, self._share(passage, runs), tuple(_joined(ranges)))

    def _is_said(self, start: int, end: int) -> bool:
        """Whether words in a row are too many to be chance, and not small ones all."""
        if sum(map(letters, self.words[start:end])) < SHORTEST_RUN:
            return False
        return any(self._counts[at] for at in range(start, end))

    def _share(self, passage: _Passage, runs: Sequence[Range]) -> float | None:
        counted = self._stems.total() + len(self._keys)
        if not counted:
            return None
        in_runs = set(chain.from_iterable(range(*run) for run in runs)) if self._keys else set()
        here = sum(number for stem, number in self._stems.items() if stem in passage.stems)
        here += sum(not keys.isdisjoint(passage.numbers) or at in in_runs for at, keys in self._keys.items())
        return here / counted


class _Passage:
    """What a passage holds of that."""

    def __init__(self, text: str, answer: _Answer) -> None:
        self._text = text
        self.words = words(text)
        self.pairs = set(pairwise(self.words))
        self.stems = {word[:STEM] for word in self.words}
        self.numbers: dict[str, list[Range]] = {}
        for number in numbers(text[:LOOKED_THROUGH]) if answer.numbers else ():
            for key, mark in number.marks.items():
                self.numbers.setdefault(key, []).append(mark)
        self.names: dict[str, list[Name]] = {}
        asked = [at for at, word in enumerate(self.words) if word in answer.names]
        near = takewhile(_is_near, (self._places[at] for at in asked))
        for name in names(text, near, nouns=answer.has_plain_nouns):
            self.names.setdefault(name.key, []).append(name)

    @cached_property
    def _places(self) -> list[Match[str]]:
        return list(WORD.finditer(self._text))

    def ranges_of(self, common: set[Pair]) -> list[Range]:
        """Of the characters of each pair that is in `common`."""
        shared = [at for at, pair in enumerate(pairwise(self.words)) if pair in common] if common else []
        return [(self._places[at].start(), self._places[at + 1].end()) for at in shared]


def _is_near(place: Match[str]) -> bool:
    return place.start() < LOOKED_THROUGH


def _runs(positions: Sequence[int]) -> Iterator[Range]:
    """Half-open ranges of words whose pairs with the next word are at these positions."""
    start = last = -2
    for position in positions:
        if position != last + 1:
            if start >= 0:
                yield start, last + 2
            start = position
        last = position
    if start >= 0:
        yield start, last + 2


def _joined(ranges: Sequence[Range]) -> Iterator[Range]:
    """In their order, those that overlap as one."""
    open_range: Range | None = None
    for start, end in sorted(ranges):
        if open_range is not None and start < open_range[1]:
            open_range = (open_range[0], max(end, open_range[1]))
            continue
        if open_range is not None:
            yield open_range
        open_range = (start, end)
    if open_range is not None:
        yield open_range

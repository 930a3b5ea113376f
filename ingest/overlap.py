"""Which words of an answer come from which passage?

Words are compared without case. Two texts share a pair of neighbouring words; neighbouring shared pairs make
a run, and a run counts when it is long enough not to be chance. One pass over each text, so hostile lengths
and repetitions cost nothing extra.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Scripts written without spaces have no word boundary to find: each of their characters is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_SPACED_WORD = re.compile(r"\w+")
_UNSPACED_WORD = re.compile(f"[{_UNSPACED}]")

# "of the" is chance; "return window" is not. An unspaced character says about as much as three letters.
SHORTEST_RUN = 10
LETTERS_OF_UNSPACED = 3

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shared:
    """`of_word[i]` is the index of the passage that the answer's i-th word is shared with, or None.

    `shares[p]` is the share of the answer's words that lie in a run shared with passage p, and
    `in_passages[p]` holds the character ranges of passage p that are shared.
    """

    of_word: tuple[int | None, ...]
    shares: tuple[float, ...]
    in_passages: tuple[tuple[tuple[int, int], ...], ...]


def words(text: str) -> list[str]:
    """The words without case; quicker where no unspaced script is met, as in most texts."""
    if text.isascii():
        return _SPACED_WORD.findall(text.lower())
    spaced = _UNSPACED_WORD.search(text) is None
    return [word.casefold() for word in (_SPACED_WORD if spaced else WORD).findall(text)]


def share(answer: Sequence[str], passages: Sequence[str]) -> Shared:
    """Compare an answer, given as its words, with the text of each passage. No words: nothing is shared."""
    of_word: list[int | None] = [None] * len(answer)
    longest = [0] * len(answer)
    shares, ranges = [], []
    for index, passage in enumerate(passages):
        runs = list(_runs(answer, set(_pairs(words(passage)))))
        for start, end in runs:
            for position in range(start, end):
                if end - start > longest[position]:
                    longest[position], of_word[position] = end - start, index
        shares.append(sum(end - start for start, end in runs) / len(answer) if answer else 0.0)
        common = {pair for start, end in runs for pair in _pairs(answer[start:end])}
        ranges.append(tuple(_ranges(passage, common)))
    return Shared(tuple(of_word), tuple(shares), tuple(ranges))


def _pairs(sequence: Sequence[str]) -> Iterator[Pair]:
    return pairwise(sequence)


def _runs(answer: Sequence[str], known: set[Pair]) -> Iterator[tuple[int, int]]:
    """Half-open ranges of words whose neighbouring pairs are all known, long enough to count."""
    start: int | None = None
    for position, pair in enumerate([*_pairs(answer), None]):
        if pair is not None and pair in known:
            start = position if start is None else start
        elif start is not None:
            if sum(map(_letters, answer[start : position + 1])) >= SHORTEST_RUN:
                yield start, position + 1
            start = None


def _letters(word: str) -> int:
    return LETTERS_OF_UNSPACED if _UNSPACED_WORD.fullmatch(word) else len(word)


def _ranges(passage: str, common: set[Pair]) -> Iterator[tuple[int, int]]:
    """Character ranges of the passage covered by the common pairs, neighbouring ones joined."""
    matches = list(WORD.finditer(passage))
    open_range: tuple[int, int] | None = None
    for left, right in pairwise(matches):
        if (left.group().casefold(), right.group().casefold()) not in common:
            continue
        if open_range is not None and left.start() < open_range[1]:
            open_range = (open_range[0], right.end())
            continue
        if open_range is not None:
            yield open_range
        open_range = (left.start(), right.end())
    if open_range is not None:
        yield open_range

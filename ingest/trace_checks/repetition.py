"""Does the answer go round in circles?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

GRAM = 4
FEWEST_WORDS = 30
# A phrase of up to this many words, repeated this often in a row, is a loop.
LONGEST_PHRASE = 12
MOST_TIMES = 5
LONGEST_PART = 4_000


def repetition(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Looks for loops of a phrase, and at the share of runs of four words that were there before."""
    words = subject.words[:LONGEST_PART]
    if len(words) < FEWEST_WORDS and not _may_loop(words):
        return None
    if loop := _loop(words):
        phrase, times = loop
        return failed(f"Says “{phrase}” {times} times in a row.")
    if len(words) < FEWEST_WORDS:
        return None
    grams = Counter(zip(*(words[start:] for start in range(GRAM)), strict=False))
    share = 1 - len(grams) / grams.total()
    said = f"{share:.0%} of its sequences of {GRAM} words are repeats"
    if share <= parameters["most_share"]:
        return passed(f"{said}.")
    often, times = grams.most_common(1)[0]
    return failed(f"{said}: “{' '.join(often)}” {times} times.")


def _may_loop(words: Sequence[str]) -> bool:
    return len(words) >= 2 * MOST_TIMES and len(set(words)) * 3 <= len(words)


def _loop(words: Sequence[str]) -> tuple[str, int] | None:
    """The first phrase that follows upon itself often enough; one pass for each length of a phrase."""
    for size in range(1, LONGEST_PHRASE + 1):
        run, needed = 0, size * (MOST_TIMES - 1)
        for position in range(size, len(words)):
            run = run + 1 if words[position] == words[position - size] else 0
            if run >= needed and _says(words[position - size + 1 : position + 1]):
                return _whole_loop(words, position, size, run)
    return None


def _says(phrase: Sequence[str]) -> bool:
    """Numbers and single letters stand repeated in tables and formulas."""
    return any(len(word) > 1 and not word.isdigit() for word in phrase)


def _whole_loop(words: Sequence[str], position: int, size: int, run: int) -> tuple[str, int]:
    while position + 1 < len(words) and words[position + 1] == words[position + 1 - size]:
        position, run = position + 1, run + 1
    start = position - run - size + 1
    return " ".join(words[start : start + size]), run // size + 1

"""Which parameters does a check have, and what is the error for a value that it cannot accept?

A parameter's `read` turns what was typed or stored into a value and raises ValueError with what would be
right; `compiled` makes of the value what the check works with, once for all traces.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingest.trace_checks.lexicon import Lexicon

MOST_WORDS = 1_000
LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    label: str
    default: Any
    help: str
    read: Callable[[Any], Any]
    # How a form asks for it: number, words, text, choices.
    form: str = "number"
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    compiled: Callable[[Any], Any] = lambda value: value


def amount(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        try:
            number = float(value) if not isinstance(value, bool) else math.nan
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return number

    return read


def whole(low: int, high: int) -> Callable[[Any], int]:
    between = amount(low, high)

    def read(value: Any) -> int:
        try:
            number = between(value)
        except ValueError:
            number = math.nan
        if number != number or number != int(number):
            raise ValueError(f"must be a whole number from {low:,} to {high:,}")
        return int(number)

    return read


def words(value: Any) -> list[str]:
    """One word or phrase a line; blank lines and repetitions are dropped."""
    lines = value.splitlines() if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ValueError("must be a list of words or phrases, one per line")
    found = list(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))
    if len(found) > MOST_WORDS:
        raise ValueError(f"holds {len(found):,} lines; at most {MOST_WORDS:,} are read")
    for line in found:
        if len(line) > LONGEST_WORD:
            raise ValueError(f"“{line[:30]}…” is longer than {LONGEST_WORD} characters")
        if not Lexicon([line]):
            raise ValueError(f"“{line}” holds no letter or digit")
    return found


def some_of(*allowed: str) -> Callable[[Any], list[str]]:
    def read(value: Any) -> list[str]:
        named = value.replace(",", " ").split() if isinstance(value, str) else value
        if not isinstance(named, list):
            raise ValueError("must be a list")
        unknown = [str(each) for each in named if each not in allowed]
        if unknown:
            raise ValueError(f"does not know {', '.join(unknown)}; known are {', '.join(allowed)}")
        return [each for each in allowed if each in named]

    return read


def yes_or_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "on", "1", "false", "", "0", None):
        return value in ("true", "on", "1")
    raise ValueError("must be yes or no")

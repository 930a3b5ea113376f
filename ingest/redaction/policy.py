"""What shall be masked? A project's policy as plain data, and the refusal of unsafe patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import re2

MOST_PATTERNS = 20
PATTERN_CHARACTERS = 500
# Of the memory that a compiled pattern may take: a few thousand states.
PATTERN_MEMORY = 1 << 20
MOST_ALLOWED = 500
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,19}")


class Kind(StrEnum):
    SECRET = "secret"  # noqa: S105  (the name of a kind)
    CARD = "card"
    IBAN = "iban"
    EMAIL = "email"
    PHONE = "phone"
    IP = "ip"


# What nobody needs for a review and nobody wants in one more database. Addresses of people are the
# subject of many reviews, and what is masked cannot be brought back: each project decides about them.
DEFAULT_KINDS = (Kind.SECRET.value, Kind.CARD.value, Kind.IBAN.value)


@dataclass(frozen=True, slots=True)
class OwnPattern:
    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Policy:
    kinds: frozenset[str] = frozenset(DEFAULT_KINDS)
    regions: tuple[str, ...] = ()
    patterns: tuple[OwnPattern, ...] = ()
    # Lower case; those that begin with @ allow every address of that domain.
    allowed: frozenset[str] = frozenset()


NOTHING = Policy(kinds=frozenset())


class PatternRefused(ValueError):
    """A pattern of one's own that cannot be taken; the message says why and what to do."""


def own_pattern(name: str, pattern: str) -> OwnPattern:
    """The pattern, proven to run in linear time. Raises PatternRefused."""
    if not _NAME.fullmatch(name):
        raise PatternRefused(f"“{name}”: a name is a letter and 1 to 19 more letters, digits or _.")
    if name.lower() in set(Kind):
        raise PatternRefused(f"“{name}” is the name of a built-in kind; choose another.")
    if len(pattern) > PATTERN_CHARACTERS:
        raise PatternRefused(f"“{name}” is longer than {PATTERN_CHARACTERS} characters; split it in two.")
    compiled = compile_pattern(name, pattern)
    if compiled.search("") is not None:
        raise PatternRefused(f"“{name}” matches an empty text, so it would mask everything.")
    return OwnPattern(name, pattern)


def compile_pattern(name: str, pattern: str) -> Any:
    """By RE2, whose time grows with the text and never with the pattern's nesting."""
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        hint = "too large" if "too large" in said or "repetition" in said else "not possible"
        raise PatternRefused(
            f"“{name}” is {hint} in the linear-time engine RE2 ({said}). "
            "RE2 has no look-around and no back-references, and repeats at most 1000 times."
        ) from None


def own_patterns(given: Iterable[tuple[str, str]]) -> tuple[OwnPattern, ...]:
    patterns = tuple(own_pattern(name, pattern) for name, pattern in given)
    if len(patterns) > MOST_PATTERNS:
        raise PatternRefused(
            f"There are {len(patterns)} patterns; at most {MOST_PATTERNS} are run on every text."
        )
    names = [pattern.name.lower() for pattern in patterns]
    if twice := {name for name in names if names.count(name) > 1}:
        raise PatternRefused(f"“{min(twice)}” names two patterns.")
    return patterns


def allowed_values(given: Sequence[str]) -> frozenset[str]:
    return frozenset(value.strip().lower() for value in given if value.strip())
